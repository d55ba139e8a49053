# SPDX-License-Identifier: GPL-2.0-or-later
# `make help` lists the targets.  Objects go to $(B); nothing is generated into
# the source tree, and only `make deps` (part of demo and test) uses the network,
# and only when something is missing.

B      ?= build
CC     := $(if $(filter default,$(origin CC)),gcc,$(CC))
OPT    ?= -O2
SAN    ?=
DEFS   ?=
WERROR ?=
PREFIX ?= /usr/local
JOBS   ?= $(shell nproc 2>/dev/null || echo 1)
# Test programs to run, by name; default: all.
TESTS  ?= %
FUZZ_SECONDS ?= 60
SAMPLE := traces/samples/guests.trace

PACKAGES := gcc make pkg-config libzstd-dev libxxhash-dev libjansson-dev \
	    liblzo2-dev liblz4-dev libpfm4-dev liburcu-dev check libsubunit-dev zstd
PACKAGES_PLOTS := gnuplot-nox
PACKAGES_ALL := $(PACKAGES) clang libclang-rt-14-dev clang-format valgrind \
	    qemu-user-static gcc-s390x-linux-gnu libc6-dev-s390x-cross \
	    $(PACKAGES_PLOTS)

libs = $(shell pkg-config --libs $(1) 2>/dev/null || echo $(2))
LDLIBS ?= $(call libs,libzstd libxxhash jansson lzo2 liblz4 liburcu,\
	  -lzstd -lxxhash -ljansson -llzo2 -llz4 -lurcu -lurcu-common) -lpfm
CHECKLIBS ?= $(call libs,check,-lcheck -lsubunit -lrt -lm)
CPPFLAGS += -I. -D_POSIX_C_SOURCE=200809L $(DEFS)
WARN   := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	  -Wmissing-prototypes -Wvla -Wswitch-enum -Werror=undef $(WERROR)
SANFLAGS := $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
CFLAGS := -std=c17 -g $(OPT) $(WARN) -ffp-contract=off -pthread \
	  $(SANFLAGS) $(if $(SAN),-fno-omit-frame-pointer) $(XCFLAGS)
LDFLAGS += -pthread $(SANFLAGS)

files = $(sort $(wildcard $(1)))
obj   = $(patsubst %.c,$(B)/%.o,$(1))
DIRS  := sim/base sim/core traces workloads models sim/machine sim/pool \
	 sim/engine sim/engine/* sim/report sim/run bench sim/cmd
BENCHES := $(call files,bench/bench_*.c)
LIBSRC  := $(filter-out $(BENCHES),$(call files,$(DIRS:%=%/*.c)))
SUPPORT := $(call files,tests/support/*.c)
CHECKS  := $(call files,tests/check_*.c tests/prop_*.c tests/contract_*.c)
SCRIPTS := $(call files,tests/check_*.sh)
FUZZERS := $(call files,tests/fuzz/fuzz_*.c)
HEADERS := $(call files,$(DIRS:%=%/*.h) tests/support/*.h tests/fidelity/*.h \
	   tests/fidelity/*/*.h tests/gate/*.h)
FEED    := $(B)/tests/cachegrind/feed
PLANTED := $(B)/tests/gate/planted
PLANTS  := sim/engine/ksm/stable.c sim/engine/ksm/unstable.c
FIDSRC  := $(call files,tests/fidelity/*.c)
FIDZRAM := $(call files,tests/fidelity/zram/*.c)
FIDELITY := $(B)/tests/fidelity/probe $(B)/tests/fidelity/instants \
	    $(B)/tests/fidelity/zram_probe
SOURCES := $(LIBSRC) sim/main.c $(SUPPORT) $(CHECKS) $(HEADERS) \
	   $(call files,$(DIRS:%=%/*.def) models/tables/*.def \
	   tests/fuzz/*.c tests/fidelity/*.c \
	   tests/fidelity/*/*.c tests/cachegrind/*.c) $(BENCHES)
LIB     := $(B)/libdedupsim.a
confs   = $(patsubst %,$(1)/%.conf,$(sort $(basename $(notdir \
	  $(wildcard $(1)/*.conf)))))
CACHES  := $(call confs,models/cache)
CPUS    := $(call confs,models/cpu)
SUITES  := $(call files,bench/suite/*.run)
SCRIPTS_GP := $(call files,plots/*.gp)
# tests/support makes the n-th allocation fail through the linker.
WRAPS   := $(sort $(shell cat $(SUPPORT) /dev/null | grep -o '__wrap_[a-z_]*'))
WRAP    := $(WRAPS:__wrap_%=-Wl,--wrap=%)

# What `check` runs: programs, scripts and the replay of each fuzz corpus.
RUN := $(patsubst %.c,$(B)/%,$(filter $(TESTS:%=tests/%.c),$(CHECKS))) \
       $(patsubst tests/fuzz/%.c,$(B)/tests/fuzz/replay_%,\
	 $(filter $(TESTS:%=tests/fuzz/%.c),$(FUZZERS)))
RUN_SH := $(filter $(TESTS:%=tests/%.sh),$(SCRIPTS))

# make V=1 shows whole commands, make -s nothing.
SILENT := $(findstring s,$(firstword -$(MAKEFLAGS)))
say = $(if $(V),,@$(if $(SILENT),,echo "  $(1) $@" &&))
sub = +@$(MAKE) --no-print-directory $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))
asan_env = CK_FORK=no ASAN_OPTIONS=allocator_may_return_null=1

.DELETE_ON_ERROR:
.SECONDARY:
.DEFAULT_GOAL := all

all: dedupsim ## build ./dedupsim
demo: deps ## install what is missing, build, replay a recording of real guests
	$(sub) all
	./dedupsim --engine ksm --trace $(SAMPLE)
test: deps ## the same, then every test
	$(sub) check
check: all headers floors $(RUN) $(FEED) $(PLANTED) ## the tests alone, offline
	@B=$(B) JOBS=$(JOBS) DEDUPSIM=$(B)/dedupsim tests/run.sh $(RUN) $(RUN_SH)

dedupsim: $(B)/dedupsim
	@test $(B) != build || ln -sf $< $@
$(B)/dedupsim: $(B)/sim/main.o $(LIB)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(LIB): $(call obj,$(LIBSRC)) $(B)/models/presets.o $(B)/models/cpus.o \
		$(B)/bench/suites.o $(B)/plots/presets.o
	@rm -f $@
	$(call say,AR) $(AR) rcs $@ $^
$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

# Presets, suites and figures are part of the program, as text.
$(B)/models/presets.o $(B)/models/cpus.o $(B)/bench/suites.o \
		$(B)/plots/presets.o: %.o: %.c
	$(call say,CC) $(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<
$(B)/models/presets.c: models/presets.awk $(CACHES)
	@mkdir -p $(@D)
	@awk -v header=models/cache.h \
		-v table='struct cache_preset cache_presets' -f $^ >$@
$(B)/models/cpus.c: models/presets.awk $(CPUS)
	@mkdir -p $(@D)
	@awk -v header=models/cost.h \
		-v table='struct cost_preset cost_presets' -f $^ >$@
$(B)/bench/suites.c: models/presets.awk $(SUITES)
	@mkdir -p $(@D)
	@awk -v header=bench/suite.h \
		-v table='struct bench_preset bench_presets' -f $^ >$@
$(B)/plots/presets.c: models/presets.awk $(SCRIPTS_GP)
	@mkdir -p $(@D)
	@awk -v header=sim/cmd/figure.h \
		-v table='struct figure_preset figure_presets' -f $^ >$@

$(CHECKS:%.c=$(B)/%): $(B)/%: $(B)/%.o $(call obj,$(SUPPORT)) $(LIB)
	$(call say,LD) $(CC) $(LDFLAGS) $(WRAP) -o $@ $^ $(CHECKLIBS) $(LDLIBS)
# They ask the probes for the operations of their scenarios.
$(B)/tests/check_vectors $(B)/tests/check_ksm_versions: \
		| $(B)/tests/fidelity/probe
$(B)/tests/check_zram_vectors: | $(B)/tests/fidelity/zram_probe
$(B)/tests/fuzz/replay_%: $(B)/tests/fuzz/%.o $(B)/tests/fuzz/replay.o \
		$(call obj,$(SUPPORT)) $(LIB)
	$(call say,LD) $(CC) $(LDFLAGS) $(WRAP) -o $@ $^ $(CHECKLIBS) $(LDLIBS)
$(B)/tests/fuzz/live_%: $(B)/tests/fuzz/%.o $(LIB)
	$(call say,LD) $(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)
$(BENCHES:%.c=$(B)/%): $(B)/%: $(B)/%.o $(LIB)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# The program with a regression, for check_gate.sh.
$(PLANTED): $(B)/sim/main.o $(PLANTS:%.c=$(B)/tests/gate/%.o) $(LIB)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/tests/gate/sim/%.o: sim/%.c tests/gate/plant.h
	@mkdir -p $(@D)
	$(call say,CC) $(CC) $(CPPFLAGS) $(CFLAGS) -include tests/gate/plant.h \
		-MMD -MP -c -o $@ $<
$(FEED): $(B)/tests/cachegrind/feed.o $(LIB)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(FIDELITY): $(B)/tests/fidelity/%: $(LIB)
	$(call say,LD) $(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) $(LDLIBS)
$(B)/tests/fidelity/probe: $(call obj,$(filter-out %/instants.c,$(FIDSRC)))
$(B)/tests/fidelity/zram_probe: $(call obj,$(FIDZRAM))
$(B)/tests/fidelity/instants: $(call obj,$(filter-out \
		tests/fidelity/probe%,$(FIDSRC)))

headers: $(HEADERS:%=$(B)/%.alone) ## does each header compile alone?
$(B)/%.h.alone: %.h
	@mkdir -p $(@D)
	@$(CC) $(CPPFLAGS) $(CFLAGS) -Wno-unused-function -fsyntax-only -MMD -MP -MF $@.d -MT $@ -x c $<
	@touch $@
floors: ## do includes go strictly down?
	@awk -f tests/floors.awk $(SOURCES)

asan: ## the tests under the address and undefined-behaviour sanitizers
	$(sub) B=build-asan SAN=address,undefined $(asan_env) check
tsan: ## the threaded tests under the thread sanitizer
	$(sub) B=build-tsan SAN=thread TSAN_OPTIONS=suppressions=tests/tsan.supp \
		TESTS='check_par %_content check_trace% contract_reader% check_sdtree_%' check
	CK_RUN_CASE=mutex build-tsan/tests/check_sdtree_threads
	CK_RUN_CASE=mutex build-tsan/tests/check_sdtree_history
paranoid: ## the tests with the assertions of inner loops
	$(sub) B=build-paranoid DEFS=-DDEDUPSIM_PARANOID check
bytes: ## the tests with engines that compare real bytes, not ranks
	$(sub) B=build-bytes DEFS=-DDEDUPSIM_COMPARE_BYTES check
golden: all $(B)/tests/check_vectors ## how results differ; GOLDEN=write keeps them
	@B=$(B) CK_RUN_CASE=meter $(B)/tests/check_vectors >/dev/null 2>&1 || true
	@B=$(B) DEDUPSIM=$(B)/dedupsim tests/check_golden.sh $(or $(GOLDEN),show)
fuzz: ## each fuzz target for FUZZ_SECONDS with clang's libFuzzer
	$(sub) B=build-fuzz CC=clang SAN=fuzzer-no-link,address,undefined fuzzing
fuzzing: $(FUZZERS:tests/fuzz/%.c=$(B)/tests/fuzz/live_%)
	@tests/fuzz/run.sh $(B) $(FUZZ_SECONDS) $^
bench: all $(BENCHES:%.c=$(B)/%) ## speed beside what else could do it; ksmd, with root
	@mkdir -p $(B)/bench
	$(B)/dedupsim bench --dir $(B)/bench $(if $(SUITE),$(SUITE))
	@$(if $(SUITE),,for b in $(BENCHES:%.c=$(B)/%); do $$b || exit 1; done)
bench-gate: all ## do exact metrics come out as bench/baseline.json says?
	@mkdir -p $(B)/bench
	$(B)/dedupsim bench --exact --dir $(B)/bench \
		--baseline bench/baseline.json
bench-baseline: all ## write bench/baseline.json anew: look at the difference
	@mkdir -p $(B)/bench
	$(B)/dedupsim bench --exact $(if $(STABLE),--stable) --dir $(B)/bench \
		--format baseline --output bench/baseline.json
	@git diff --stat -- bench/baseline.json || true
fidelity: all $(FIDELITY) ## compare with KSM and zram of this machine, if that is allowed
	@B=$(B) tests/fidelity/run
determinism: all ## same bytes at any -O, any threads, on big-endian machines
	$(sub) B=build-O0 OPT=-O0 build-O0/dedupsim
	@tests/determinism.sh $(SAMPLE) $(B)/dedupsim build-O0/dedupsim
	@tests/s390x.sh $(SAMPLE) $(B)/dedupsim

# A figure is its name here, plots/fig_NAME.gp, and how its data is made: a
# command that a file is added to, or the files, data_NAME, with rules of theirs.
FIGURES := timeline cost colour reclaim tmem_speedup pageone_speedup
fig_timeline = -q -t $(SAMPLE) --interval 500ms --timeline
data_cost := $(patsubst %,$(B)/plots/%.run,version=6.18 smart_scan=0 \
	     use_zero_pages=1 checksum=jhash2 version=4.4)
$(data_cost): set = $(basename $(@F))
fig_colour = colour -q --machine z13,r4400sc --tsv
fig_pageone_speedup = repro pageone-2017 --scale 1/256 --rows speedup -q --tsv
fig_reclaim = reclaim -q -c -f 5% --policy oldest-object,oldest-zspage \
	      $(foreach m,$(shell seq 600 100 3700),-s normal:$(m),500) --tsv
fig_tmem_speedup = scale -q --tsv

plots: deps-plots ## the figures, with their data and tables beside them
	$(sub) pictures
plots-docs: deps-plots ## draw anew the figures that docs holds
	$(sub) $(patsubst docs/%,$(B)/plots/%,$(wildcard docs/fig_*.svg))
	cp $(patsubst docs/%,$(B)/plots/%,$(wildcard docs/fig_*.svg)) docs/
pictures: $(FIGURES:%=$(B)/plots/fig_%.svg)
$(B)/plots/fig_%.tsv: $(B)/dedupsim
	@mkdir -p $(@D)
	$(call say,RUN) $< $(fig_$*) $@
$(data_cost): $(B)/dedupsim
	@mkdir -p $(@D)
	$(call say,RUN) $< -q -t $(SAMPLE) -s $(set) --tsv $@
.SECONDEXPANSION:
$(foreach s,svg pdf png table.tex,$(B)/plots/fig_%.$(s)): $(B)/dedupsim \
		plots/fig_%.gp plots/style.gp \
		$$(or $$(data_$$*),$$(B)/plots/fig_$$*.tsv)
	$(call say,PLOT) for s in svg pdf png; do \
		$< plot $* $(wordlist 4,99,$^) -o $(@D)/fig_$*.$$s || exit 1; done
	@$< plot $* $(wordlist 4,99,$^) -f booktabs -o $(@D)/fig_$*.table.tex

docs: all ## write docs/OPTIONS.md anew from the tables in the program
	@mkdir -p docs
	$(B)/dedupsim docs --format markdown >$(B)/OPTIONS.md
	cp $(B)/OPTIONS.md docs/OPTIONS.md
$(B)/dedupsim.1: $(B)/dedupsim
	$< docs --format man >$@
install: $(B)/dedupsim $(B)/dedupsim.1 ## binary and manual page; DESTDIR=, PREFIX=
	install -D -m 755 $(B)/dedupsim $(DESTDIR)$(PREFIX)/bin/dedupsim
	install -D -m 644 $(B)/dedupsim.1 \
		$(DESTDIR)$(PREFIX)/share/man/man1/dedupsim.1
deps: ## install what building and testing needs
	@.ci/deps $(PACKAGES)
deps-plots: ## the same, and what draws figures
	@.ci/deps $(PACKAGES) $(PACKAGES_PLOTS)
deps-all: ## the same, and what the other targets need
	@.ci/deps $(PACKAGES_ALL)
	@tests/s390x.sh fetch
format: ## lay the sources out anew
	clang-format -i $(filter %.c %.h,$(SOURCES))
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s %s\n", $$1, $$2 }' Makefile
clean: ## remove everything that was built
	rm -rf build build-* dedupsim

-include $(shell find $(B) -name '*.d' 2>/dev/null)

.PHONY: all demo test check dedupsim headers floors asan tsan paranoid bytes \
	golden fuzz fuzzing bench bench-gate bench-baseline fidelity determinism docs install deps deps-all \
	deps-plots plots plots-docs pictures format help clean
