# The claims about the readers and writers of numbers, at full length: some minutes.
PROVE_BIN = $(addprefix $(BUILD)/tests/unit/server/text/,test_numreader test_numwriter)
prove-numbers: $(PROVE_BIN) ## Reader and writer of numbers on 20 million texts and bit patterns each
	@for program in $(PROVE_BIN); do CK_DEFAULT_TIMEOUT=7200 TRIALS=20000000 EXHAUSTIVE=1 $$program || exit 1; done
.PHONY: prove-numbers
