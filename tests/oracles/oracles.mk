# Presets of definitions beside the tools that they stand for (tests/oracles).
SLOW_GROUPS += oracles
SLOW_DEPS   += oracles

test-oracles: all ## Metrics under the presets sklearn and xgboost beside scikit-learn and XGBoost
	@tools/deps test oracles
	@RANKLOSSD=$(BUILD)/ranklossd $(PYTHON) tests/lib/runner.py -j$(JOBS) tests/oracles $(ONLY)

.PHONY: test-oracles
