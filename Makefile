# SPDX-License-Identifier: GPL-2.0-or-later
# make help lists the targets.  Objects go to $(B); nothing is generated into the
# source tree, and only `make deps` touches the network.

B      ?= build
CC     ?= gcc
OPT    ?= -O2
SAN    ?=
PREFIX ?= /usr/local
WERROR ?=
DEFS   ?=

PKGS   := libzstd libxxhash jansson
PKGCFG ?= pkg-config
CPPFLAGS += -I. -I$(B) -D_POSIX_C_SOURCE=200809L $(DEFS)
WARN   := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
	  -Wmissing-prototypes -Wvla -Wswitch-enum -Werror=undef $(WERROR)
CFLAGS := -std=c17 -g $(OPT) $(WARN) -ffp-contract=off -pthread \
	  $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer) $(XCFLAGS)
LDFLAGS += -pthread $(if $(SAN),-fsanitize=$(SAN))
LDLIBS ?= $(shell $(PKGCFG) --libs $(PKGS) 2>/dev/null || echo -lzstd -lxxhash -ljansson)

.DELETE_ON_ERROR:
.SECONDARY:

LIBSRC := $(sort $(wildcard sim/base/*.c sim/core/*.c sim/machine/*.c \
	  sim/engine/*.c sim/engine/*/*.c sim/report/*.c sim/run/*.c \
	  sim/cmd/*.c traces/*.c workloads/*.c models/*.c sim/pool/*.c))
LIBOBJ := $(LIBSRC:%.c=$(B)/%.o)

all: dedupsim

dedupsim: $(B)/dedupsim
	@ln -sf $< $@

$(B)/dedupsim: $(B)/sim/main.o $(LIBOBJ)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

-include $(shell find $(B) -name '*.d' 2>/dev/null)

clean:
	rm -rf build build-* dedupsim

.PHONY: all clean dedupsim
