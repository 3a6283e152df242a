# Failures on demand: the preloaded library of the fault tests, and their long forms.

$(BUILD)/tests/fault/shim.so: tests/fault/shim.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE -O2 -g -Wall -Wextra -Werror -fPIC -shared -o $@ $< -ldl

torture: all $(BUILD)/tests/fault/shim.so ## Every allocation fails in turn, once and with all after it
	@TORTURE_STEP=1 TEST_TIMEOUT=3600 RANKLOSSD=$(BUILD)/ranklossd \
	    $(PYTHON) tests/lib/runner.py tests/fault orture

.PHONY: torture
