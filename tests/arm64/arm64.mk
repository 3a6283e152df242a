# The daemon for aarch64, cross-compiled, and its tests on this machine, under an emulator that each
# command names: the kernel need not know it. docs/aarch64.md says what an emulator cannot show.
SLOW_GROUPS += arm64
SLOW_DEPS   += arm64 arm64test

EMULATOR = qemu-aarch64-static
ARM64    = BUILD=$(BUILD)/arm64 CC=aarch64-linux-gnu-gcc
# Tests over sockets, of what an architecture could change; `make test-http` runs all of them natively.
EMULATED_HTTP  = test_golden. test_reply_hashes. test_keras_examples. test_methods. test_headers. \
                 test_coding. test_evaluate. test_definitions. test_trec_eval. test_compare.
EMULATED_FAULT = test_fault_json. test_fault_framing.

test-arm64: all ## Unit tests, golden replies, same bits, JSON and the daemon on aarch64, under qemu
	@tools/deps build test arm64 arm64test
	@NATIVE=$(abspath $(BUILD))/ranklossd TEST_RUNNER=$(EMULATOR) RANKLOSSD_WRAPPER=$(EMULATOR) TEST_SHARE=40 \
	    $(SUB) $(ARM64) test-groups GROUPS="emulated-unit emulated-http emulated-fault architectures"

EMULATED = RANKLOSSD=$(abspath $(BUILD))/ranklossd $(PYTHON) tests/lib/runner.py -j$(JOBS)

# Without the executor's: they race deadlines against real work, and an emulator loses.
test-emulated-unit: $(filter-out %/server/request/test_executor,$(UNIT_BIN))
	@tools/run-programs $^

test-emulated-http: all
	@$(EMULATED) tests/http $(EMULATED_HTTP)

test-emulated-fault: all
	@$(EMULATED) tests/fault $(EMULATED_FAULT)

test-architectures: all
	@$(EMULATED) tests/arm64 $(ONLY)

.PHONY: test-arm64 test-emulated-unit test-emulated-http test-emulated-fault test-architectures
