# The recipes of CONTRIBUTING.md, tried out in a copy of the tree.
SLOW_GROUPS += trial

test-trial: ## A loss and a kind of field, really added in a copy of the tree
	@tools/deps build test
	@JOBS=$(JOBS) $(PYTHON) tests/lib/runner.py tests/trial $(ONLY)

.PHONY: test-trial
