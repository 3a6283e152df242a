# `make bench-kernels`: core's kernels beside numpy, torch, scikit-learn and trec_eval
# (tests/bench/kernels.py).

PASSES ?= 3
TREC_EVAL ?= # a program trec_eval to compare with, where there is one

bench-kernels: $(BUILD)/tests/bench/bench_kernels ## Measure the kernels beside numpy, torch and others; writes docs/kernels.md and a chart
	@tools/deps bench
	@KERNEL_CC='$(CC) $(CFLAGS_) $(OPENMP)' KERNEL_LIBRARY=$(BUILD)/librankloss.a \
	    $(PYTHON) tests/bench/kernels.py $< --passes $(PASSES) \
	    $(if $(TREC_EVAL),--trec-eval '$(TREC_EVAL)')

bench-instructions: all ## Instructions of a pair on each instruction set, and for aarch64 by a cross build
	@tools/deps arm64
	@$(SUB) BUILD=$(BUILD)/arm64 CC=aarch64-linux-gnu-gcc all
	@$(PYTHON) tests/bench/instructions.py objdump=$(BUILD):baseline objdump=$(BUILD):avx2 \
	    objdump=$(BUILD):avx512 aarch64-linux-gnu-objdump=$(BUILD)/arm64:baseline

.PHONY: bench-kernels bench-instructions
