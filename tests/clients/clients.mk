# Tests of clients/: the Python package, installed from a wheel into a clean environment; and its
# Dask adapter on a cluster of processes, which needs more packages and belongs to the slow tests.
TEST_GROUPS += python
TEST_DEPS   += python
SLOW_GROUPS += dask
SLOW_DEPS   += dask

CLIENT_RUN = RANKLOSSD=$(abspath $(BUILD))/ranklossd PYTHONPATH=$(abspath clients/python/src) \
             $(PYTHON) tests/lib/runner.py

test-python: all ## The Python package against the real daemon, and its wheel in a clean environment
	@tools/deps test python
	@$(CLIENT_RUN) -j$(JOBS) tests/clients $(ONLY)

test-dask: all ## The Dask adapter on a real cluster of processes, with a daemon killed on the way
	@tools/deps test python dask
	@$(CLIENT_RUN) -j1 tests/dask $(ONLY)

.PHONY: test-python test-dask

bench-dask: all ## 100 million items through Dask on this machine (ARGS="--lists 10000" for a try)
	@tools/deps test python dask
	@RANKLOSSD=$(abspath $(BUILD))/ranklossd $(PYTHON) tests/bench/dask_scale.py $(ARGS)

bench-python: all ## The Python client from arrays to a result, binary against JSON
	@tools/deps test python
	@RANKLOSSD=$(abspath $(BUILD))/ranklossd $(PYTHON) tests/bench/python_transport.py $(ARGS)

.PHONY: bench-dask bench-python
