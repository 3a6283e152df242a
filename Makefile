# ranklossd: `make help` lists the targets.
#
# The tree is the list of sources: every .c below core/, config/ and server/ is compiled, every one
# below tests/unit/ and tests/property/ is a test program of its own. Includes name whole paths.

BUILD    ?= build
CC       ?= cc
# What the compiler makes code for, which may be another machine than this one: the group of packages
# of a cross build is CROSS. (A compiler that is missing says it by its name.)
TARGET   := $(or $(shell $(CC) -dumpmachine 2>/dev/null),$(patsubst %-gcc,%,$(notdir $(lastword $(CC)))))
CROSS    := $(and $(filter aarch64-%,$(TARGET)),$(filter-out aarch64,$(shell uname -m)),arm64)
AR       := $(or $(shell $(CC) -print-prog-name=ar 2>/dev/null),ar)
OPT      ?= -O3
WARNINGS  = -Wall -Wextra -Wshadow -Wconversion -Werror
# No contraction and no fast-math: a reply has the same bits on every machine. (Nobody reads errno or
# the flags of floating-point exceptions; without them loops over exp and log become vectors.)
CFLAGS_   = -std=c17 -D_GNU_SOURCE -I. $(OPT) -g $(WARNINGS) -ffp-contract=off -fno-math-errno -fno-trapping-math \
            -fvisibility=hidden -fstack-protector-strong -pthread $(SANITIZE) $(CFLAGS)
OPENMP   ?= -fopenmp
LIBS      = -lmicrohttpd -ljansson -lgnutls -ldeflate -lm
VERSION  := $(shell cat VERSION 2>/dev/null || echo 0.1.0)
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
JOBS     ?= $(shell nproc 2>/dev/null || echo 1)
PREFIX   ?= /usr/local
# One short line for each file; V=1 shows the commands instead.
Q         = $(if $(V),,@)
say       = $(if $(V),,@echo "  $(1)	$@")
SUB       = $(MAKE) --no-print-directory -j$(JOBS)
PYTHON   ?= /usr/bin/python3

sources     = $(if $(wildcard $(1)),$(sort $(shell find $(1) -name '*.c')))
CORE_SRC   := $(call sources,core)
CONFIG_SRC := $(call sources,config)
SERVER_SRC := $(call sources,server)
MAIN_OBJ    = $(BUILD)/server/main.o
# Kernels are compiled once for each instruction set: file.o, file.avx2.o, file.avx512.o.
ISA_SRC     = $(filter %_kernels.c,$(CORE_SRC))
ISAS        = $(if $(filter x86_64-%,$(TARGET)),avx2 avx512)
CORE_OBJ    = $(CORE_SRC:%.c=$(BUILD)/%.o) $(foreach isa,$(ISAS),$(ISA_SRC:%.c=$(BUILD)/%.$(isa).o))
CONFIG_OBJ  = $(CONFIG_SRC:%.c=$(BUILD)/%.o)
SERVER_OBJ  = $(filter-out $(MAIN_OBJ),$(SERVER_SRC:%.c=$(BUILD)/%.o))
LIBRARIES   = $(BUILD)/libserver.a $(BUILD)/libconfig.a $(BUILD)/librankloss.a
UNIT_BIN    = $(patsubst %.c,$(BUILD)/%,$(call sources,tests/unit))
PROPERTY_BIN = $(patsubst %.c,$(BUILD)/%,$(call sources,tests/property))
CHECK_BIN   = $(UNIT_BIN) $(PROPERTY_BIN)
FUZZ_BIN    = $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))

# Groups of tests, in order: each is a target test-NAME that ends with its own line
# "N passed, N failed[, N skipped]". Parts of the tree add theirs in a *.mk: to TEST_GROUPS, which
# `make test` runs, or to SLOW_GROUPS (and the packages to SLOW_DEPS), which `make test-all` runs too.
TEST_GROUPS = check unit property http fault fuzz-short soak-short
SLOW_GROUPS = asan
TEST_DEPS   = build test check
SLOW_DEPS   =

all: $(BUILD)/ranklossd ## Build the daemon (build/ranklossd)

$(BUILD)/ranklossd: $(MAIN_OBJ) $(LIBRARIES)
	$(call say,LD)
	$(Q)$(CC) $(CFLAGS_) $(OPENMP) -o $@ $^ $(LDFLAGS) $(LIBS)

$(BUILD)/librankloss.a: $(CORE_OBJ)
$(BUILD)/libconfig.a: $(CONFIG_OBJ)
$(BUILD)/libserver.a: $(SERVER_OBJ)
$(BUILD)/%.a:
	@rm -f $@
	$(call say,AR)
	$(Q)$(AR) rcs $@ $^

# Only compute.c enters OpenMP. Kernel bodies are compiled once for each instruction set.
$(BUILD)/core/compute.o: EXTRA = $(OPENMP)
AVX2   = -mavx2 -mfma
AVX512 = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mprefer-vector-width=512
$(BUILD)/core/%.avx2.o: EXTRA = $(AVX2) -DRL_ISA=avx2
$(BUILD)/core/%.avx512.o: EXTRA = $(AVX512) -DRL_ISA=avx512
# Files that hold the revision are compiled again when it changes.
VERSIONED = $(addprefix $(BUILD)/server/,main.o observe/exposition.o formats/oip/models.o)
$(VERSIONED): $(BUILD)/revision
$(BUILD)/revision: ALWAYS
	@mkdir -p $(@D)
	@echo $(REVISION) | cmp -s - $@ || echo $(REVISION) > $@
ALWAYS:
$(VERSIONED): EXTRA = -DRL_VERSION='"$(VERSION)"' -DRL_REVISION='"$(REVISION)"'
# The assembler includes the page, which no dependency file of the compiler names.
$(BUILD)/server/web/assets.o: $(wildcard server/web/*)

compile = $(CC) $(CFLAGS_) $(EXTRA) -MMD -MP -c -o $@ $<
define compiled
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(compile)
endef
$(BUILD)/%.o: %.c | $(BUILD)/deps.build
	$(compiled)
$(BUILD)/%.avx2.o: %.c | $(BUILD)/deps.build
	$(compiled)
$(BUILD)/%.avx512.o: %.c | $(BUILD)/deps.build
	$(compiled)

# Before anything is compiled: one line that names the packages that are missing, or nothing.
# (A package's or an image's build has none of tools/: it installs what it needs by itself.)
deps_of_build = $(or $(CROSS),build)
deps_of_test  = $(deps_of_build) $(CROSS)test
$(BUILD)/deps.%: $(wildcard tools/packages.txt tools/deps)
	@[ ! -e tools/deps ] || tools/deps --check $(deps_of_$*)
	@mkdir -p $(@D)
	@touch $@

.PRECIOUS: $(BUILD)/deps.build $(BUILD)/deps.test

# A unit test sees the libraries it names by including their headers; the linker drops the rest.
$(BUILD)/tests/%: tests/%.c $(LIBRARIES) | $(BUILD)/deps.test
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS_) $(OPENMP) $(EXTRA) -MMD -MP -o $@ $< $(TEST_MAIN) $(LIBRARIES) $(TEST_LIBS) $(LDFLAGS) $(LIBS)
# gcc 12 crashes when it vectorises the loops of this program for aarch64.
$(BUILD)/tests/property/property_invariants: EXTRA = -fno-tree-vectorize
# main of every libcheck program. An archive: a program with a main of its own does not take it.
$(BUILD)/libunittest.a: $(BUILD)/tests/lib/unittest.o
$(CHECK_BIN): $(BUILD)/libunittest.a
$(CHECK_BIN): TEST_MAIN = $(BUILD)/libunittest.a
$(CHECK_BIN): TEST_LIBS = -lcheck -lsubunit -lz

run: ## Install what is missing, build, serve on 127.0.0.1:8080 (ARGS="--listen …" elsewhere)
	@tools/deps build run
	@$(SUB) all
	@tools/banner $(ARGS)
	@exec $(BUILD)/ranklossd $(ARGS)

# ---- Tests --------------------------------------------------------------------------------------

test: ## What a change needs: all that needs no browser, image or cluster tools; the last line counts
	@tools/deps $(TEST_DEPS)
	@tools/promtool
	@tools/run-tests $(TEST_GROUPS)

test-all: ## That and the rest: sanitizers, browser, examples, deployment, image (as root)
	@tools/deps $(TEST_DEPS) $(SLOW_DEPS)
	@tools/promtool
	@tools/run-tests $(TEST_GROUPS) $(SLOW_GROUPS)

# For CI, which has just run `make test`. LEAVE_OUT: groups that it runs elsewhere.
test-rest:
	@tools/deps $(TEST_DEPS) $(SLOW_DEPS)
	@tools/run-tests $(filter-out $(LEAVE_OUT),$(SLOW_GROUPS))

test-build: all $(CHECK_BIN) ## Build the daemon and every test program

check: ## Format, lint, headers alone, include direction, banned calls, gcc and clang builds
	@tools/deps build test check
	@+JOBS=$(JOBS) tools/check $(BUILD) $(ONLY)

test-check:
	@+JOBS=$(JOBS) tools/check $(BUILD) $(ONLY)

lint: ## clang's static analyzer: slow, findings are for people to judge
	@tools/deps build test check
	@+JOBS=$(JOBS) tools/check $(BUILD) analyzer

compile_commands.json: ## For clang-tidy and editors
	@$(MAKE) --no-print-directory -nB -j1 test-build | tools/compile-commands > $@

test-unit: $(UNIT_BIN) ## Unit tests (libcheck), which mirror the tree
	@tools/run-programs $^

test-property: $(PROPERTY_BIN) ## Property tests against the plain reference; seeds are printed
	@tools/run-programs $^

test-http: all ## HTTP tests against the real daemon over sockets
	@RANKLOSSD=$(BUILD)/ranklossd $(PYTHON) tests/lib/runner.py -j$(JOBS) tests/http $(ONLY)

test-fault: all $(BUILD)/tests/fault/shim.so ## Bad input and failures of the system: every fault by number (tests/fault)
	@RANKLOSSD=$(BUILD)/ranklossd $(PYTHON) tests/lib/runner.py -j$(JOBS) tests/fault $(ONLY)

# Each of these builds everything again into a directory of its own, with a sanitizer.
test-groups:
	@tools/run-tests $(GROUPS)

ASAN = BUILD=$(BUILD)/asan CC=gcc OPT=-O1 \
       SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
asan: ## The whole suite with AddressSanitizer, LeakSanitizer and undefined behaviour (gcc)
	@tools/deps build test
	@$(SUB) $(ASAN) test-groups GROUPS="unit property http fault"

# What is worth its time on every change; `make asan` leaves nothing out.
test-asan:
	@TEST_SKIP="test_settings_http test_same_bits test_fault_process test_fault_resources" \
	    $(SUB) $(ASAN) test-groups GROUPS="unit http fault"

ubsan: ## The whole suite with clang's undefined behaviour checks
	@tools/deps build test check
	@$(SUB) BUILD=$(BUILD)/ubsan CC=clang OPT=-O1 \
	    SANITIZE="-fsanitize=undefined,nullability,local-bounds -fno-sanitize-recover=all" \
	    test-groups GROUPS="unit property http fault"

# libomp reports to ThreadSanitizer through its archer library, which it loads by itself; libraries
# that were not built for it are ignored.
tsan: ## The suite with ThreadSanitizer (clang, libomp, archer)
	@tools/deps build test check
	@TSAN_OPTIONS=ignore_noninstrumented_modules=1 $(SUB) BUILD=$(BUILD)/tsan CC=clang OPT=-O1 \
	    SANITIZE="-fsanitize=thread" test-groups GROUPS="unit property http"

valgrind: all ## memcheck over the golden vectors, through the daemon
	@tools/deps build test valgrind
	@OMP_WAIT_POLICY=passive RANKLOSSD_WRAPPER="valgrind -q --error-exitcode=9 --leak-check=full \
	    --errors-for-leak-kinds=definite,indirect --track-fds=no" \
	    RANKLOSSD=$(BUILD)/ranklossd $(PYTHON) tests/lib/runner.py -j$(JOBS) tests/http \
	    test_golden test_keras_examples test_coding

isa: all $(BUILD)/tests/property/property_same_bits ## The same bits on every instruction set and number of threads
	@$(BUILD)/tests/property/property_same_bits
	@RANKLOSSD=$(BUILD)/ranklossd $(PYTHON) tests/lib/runner.py tests/http test_same_bits

golden-replies: all ## Write tests/golden/replies.txt again, after a change of results
	@RANKLOSSD=$(abspath $(BUILD))/ranklossd PYTHONPATH=tests/lib $(PYTHON) -B tests/http/test_reply_hashes.py --write

FUZZ = BUILD=$(BUILD)/fuzz CC=clang OPT=-O1 SANITIZE="-fsanitize=address,undefined,fuzzer-no-link \
       -fno-sanitize-recover=all -fno-omit-frame-pointer"
fuzz: ## Every fuzz target for 20 seconds of CPU
	@tools/deps build test check
	@$(SUB) $(FUZZ) fuzz-run FUZZ_SECONDS=20

fuzz-long: ## Every fuzz target for 20 minutes of CPU (an hour on two cores)
	@tools/deps build test check
	@$(SUB) $(FUZZ) fuzz-run FUZZ_SECONDS=1200

test-fuzz-short:
	@$(SUB) $(FUZZ) fuzz-run FUZZ_SECONDS=10

fuzz-run: $(FUZZ_BIN)
	@tools/run-fuzz $(BUILD) $(FUZZ_SECONDS) $^
$(FUZZ_BIN): EXTRA = -fsanitize=fuzzer

-include $(CORE_OBJ:.o=.d) $(CONFIG_OBJ:.o=.d) $(SERVER_OBJ:.o=.d) $(MAIN_OBJ:.o=.d) $(CHECK_BIN:=.d) $(FUZZ_BIN:=.d)
-include tests/*/*.mk deploy/*.mk

docs: all ## Write docs/settings.md from the table of settings
	@tools/settings-table $(BUILD)/ranklossd

clean: ## Remove what was built
	rm -rf build build-*

help: ## This list
	@tools/make-help $(MAKEFILE_LIST)

.DEFAULT_GOAL = all
.PHONY: ALWAYS docs all run test test-all test-rest test-build check test-check test-unit test-property test-http test-fault clean help
.PHONY: golden-replies compile_commands.json lint test-groups asan test-asan ubsan tsan valgrind isa fuzz fuzz-long test-fuzz-short fuzz-run
