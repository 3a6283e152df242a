# `make test-browser`: the page in headless Chromium, and the API description with its usual tools.

BROWSER = tests/browser
SLOW_GROUPS += browser
SLOW_DEPS   += browser node

# npm writes this file last, so it tells whether what the lock file says is what is installed.
NPM_DONE = $(BROWSER)/node_modules/.package-lock.json

$(NPM_DONE): $(BROWSER)/package-lock.json $(BROWSER)/package.json
	@tools/deps node
	@echo "npm ci in $(BROWSER)"
	@cd $(BROWSER) && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

browser-deps: $(NPM_DONE)
	@tools/deps browser

test-browser: all browser-deps ## The page in a real browser, axe-core, and the API description's tools
	@RANKLOSSD=$(BUILD)/ranklossd timeout 1500 node --test --test-reporter=./$(BROWSER)/reporter.mjs \
	    $(BROWSER)/$(or $(ONLY),*).test.mjs

screenshots: all browser-deps ## Take docs/playground-*.png anew
	@tools/deps shots
	@RANKLOSSD=$(BUILD)/ranklossd timeout 300 node $(BROWSER)/screenshots.mjs

.PHONY: browser-deps test-browser screenshots
