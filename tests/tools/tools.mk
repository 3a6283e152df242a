# Tests of the tools themselves.
TEST_GROUPS += tools

test-tools: ## The runners of tests
	@$(PYTHON) tests/lib/runner.py -j$(JOBS) tests/tools $(ONLY)

.PHONY: test-tools
