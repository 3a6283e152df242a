# `make bench-kernels`: core's kernels beside numpy and torch (tests/bench/kernels.py).

PASSES ?= 5

bench-kernels: $(BUILD)/tests/bench/bench_kernels ## Measure the kernels beside numpy and torch; writes docs/kernels.md and a chart
	@tools/deps bench
	@KERNEL_CC='$(CC) $(CFLAGS_) $(OPENMP)' KERNEL_LIBRARY=$(BUILD)/librankloss.a \
	    $(PYTHON) tests/bench/kernels.py $< --passes $(PASSES)

.PHONY: bench-kernels
