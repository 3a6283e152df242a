# Load tests with bounds: soak, SIGTERM under load, overload, idle connections.

LOADGEN = $(BUILD)/tests/load/loadgen
PRESSURE = RANKLOSSD=$(BUILD)/ranklossd LOADGEN=$(LOADGEN) $(PYTHON) tests/load/pressure.py
SOAK     = RANKLOSSD=$(BUILD)/ranklossd $(PYTHON) tests/load/soak.py

$(LOADGEN): tests/load/loadgen.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE -O2 -g $(WARNINGS) -o $@ $<

soak: all ## Good, bad and broken clients for 10 minutes; writes docs/soak.svg
	@$(SOAK) $(or $(DURATION),600) --svg docs/soak.svg

soak-short: test-soak-short ## The same for 30 seconds
test-soak-short: all
	@$(SOAK) 30

sigterm: all ## 20 times SIGTERM under mixed load: nothing accepted may be lost
	@$(PRESSURE) sigterm 20

overload: all $(LOADGEN) ## 4 times the capacity: goodput, small requests, rejections
	@$(PRESSURE) overload

idle: all $(LOADGEN) ## 10,000 idle connections beside small requests
	@$(PRESSURE) idle 10000

sidecar: all ## What it costs in a tenth of a core and 64 MiB; writes docs/sidecar.md (as root)
	@RANKLOSSD=$(BUILD)/ranklossd $(PYTHON) tests/load/sidecar.py --output docs/sidecar.md

test-sigterm-short: all
	@$(PRESSURE) sigterm 3

SLOW_GROUPS += sigterm-short

.PHONY: soak soak-short sigterm overload idle sidecar test-soak-short test-sigterm-short
