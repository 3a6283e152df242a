# Speed and memory of the text codec beside jansson and snprintf, in one run.
bench-codec: $(BUILD)/tests/bench/bench_codec ## Decoding and writing against jansson and snprintf
	@$<
.PHONY: bench-codec
