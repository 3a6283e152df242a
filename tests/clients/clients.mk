# Tests of clients/: the Python package, installed from a wheel into a clean environment.
TEST_GROUPS += python

CLIENT_RUN = RANKLOSSD=$(abspath $(BUILD))/ranklossd PYTHONPATH=clients/python/src $(PYTHON) tests/lib/runner.py

test-python: all ## The Python package against the real daemon, and its wheel in a clean environment
	@tools/deps test python
	@$(CLIENT_RUN) -j$(JOBS) tests/clients $(ONLY)

.PHONY: test-python
