# `make bench`: ranklossd beside its peers, end to end (tests/bench/serving.py).

BENCH_PEERS = $(BUILD)/tests/bench/peers/empty_handler $(BUILD)/tests/bench/peers/json_floor
ROUNDS  ?= 5
SECONDS ?= 3

$(BUILD)/tests/bench/peers/%: tests/bench/peers/%.c
	@mkdir -p $(@D)
	$(CC) -std=c17 -D_GNU_SOURCE -O2 $(WARNINGS) -o $@ $< -lmicrohttpd -ljansson -lpthread

bench: all $(BENCH_PEERS) ## Measure the daemon beside its peers; writes docs/bench.md and a chart
	@tools/deps bench
	@RANKLOSSD=$(BUILD)/ranklossd BENCH_HELPERS=$(BUILD)/tests/bench/peers \
	    $(PYTHON) tests/bench/serving.py --rounds $(ROUNDS) --seconds $(SECONDS) $(if $(ONLY),--only $(ONLY))

bench-binary: all $(BENCH_PEERS) ## Arrays as bytes beside JSON, a part of bench: ROUNDS, SECONDS, ONLY
	@tools/deps load
	@RANKLOSSD=$(BUILD)/ranklossd BENCH_HELPERS=$(BUILD)/tests/bench/peers \
	    $(PYTHON) tests/bench/binary.py --rounds $(ROUNDS) --seconds $(SECONDS) $(if $(ONLY),--only $(ONLY))

.PHONY: bench bench-binary
