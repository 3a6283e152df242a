# Tests of deploy/ and examples/. Each target ends with "N passed, N failed[, N skipped]".
SLOW_GROUPS += examples deploy image
SLOW_DEPS   += examples deploy load image package

DEPLOY_RUN = RANKLOSSD=$(abspath $(BUILD))/ranklossd TEST_BUILD=$(abspath $(BUILD)) \
             $(PYTHON) tests/lib/runner.py

test-examples: all ## Every example, run against a real daemon
	@tools/deps test examples
	@$(DEPLOY_RUN) -j$(JOBS) tests/examples $(ONLY)

# One at a time: several of them put load on the machine and measure what comes of it.
test-deploy: all ## Dashboards, rules, manifests, units, HAProxy, load test, installation
	@tools/deps test deploy load
	@tools/deps node
	@$(DEPLOY_RUN) -j1 tests/deploy $(ONLY)

test-image: all ## The image and the Debian package, really built, run and removed (as root)
	@tools/deps test image package arm64
	@TEST_TIMEOUT=2700 $(DEPLOY_RUN) -j1 tests/image $(ONLY)

image-test: ## The image alone: built by buildah on a debootstrap base, and run
	@$(MAKE) --no-print-directory test-image ONLY=test_image

.PHONY: test-examples test-deploy test-image image-test
