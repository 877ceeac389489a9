# quietus: one non-recursive Makefile.  `make help` lists the targets.
VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= gcc
PKG_CONFIG ?= pkg-config
# how long `make fuzz` gives each target
SECONDS ?= 30

have = $(shell $(PKG_CONFIG) --exists $(1) && echo yes)
flags = $(shell $(PKG_CONFIG) --cflags $(1))
libs = $(shell $(PKG_CONFIG) --libs $(1))

WARN := -Wall -Wextra -Wshadow -Wpointer-arith -Wstrict-prototypes \
	-Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2 -Wundef \
	-Wcast-qual -Wold-style-definition
HARDEN := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2 \
	-fstack-clash-protection
OPT ?= -O2 -g
SAN ?=
CPPFLAGS += -I. -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE \
	-DQUIETUS_VERSION='"$(VERSION)"'
CFLAGS += -std=c11 $(OPT) $(WARN) $(HARDEN) $(SAN) $(if $(CI),-Werror)
LDFLAGS += -pie -Wl,-z,relro,-z,now $(SAN)

BASE_PKGS := libcrypto jansson
S3_PKGS := libcurl expat
SQLITE_PKGS := sqlite3
OPERATOR_PKGS := libconfig sqlite3

# These goals compile nothing by themselves: they may install what compiling
# needs and then call make again, so nothing is asked of pkg-config for them.
OUTER := asan bench check clean demo deps fuzz help lint test uninstall
COMPILES := $(filter-out $(OUTER),$(or $(MAKECMDGOALS),all))
INSTALL_HINT := run "make deps", or see Building in README.md

ifneq ($(COMPILES),)
ifeq ($(shell command -v $(PKG_CONFIG)),)
$(error $(PKG_CONFIG) is missing, so the libraries cannot be found: $(INSTALL_HINT))
endif
LACKING := $(foreach p,$(sort $(BASE_PKGS) $(OPERATOR_PKGS)),$(if $(call have,$(p)),,$(p)))
ifneq ($(strip $(LACKING)),)
$(error pkg-config does not find $(strip $(LACKING)): $(INSTALL_HINT))
endif
endif

BASE_SRC := $(wildcard certs/base/*.c)
CERTS_SRC := $(wildcard certs/*.c)
PROVIDERS_SRC := $(wildcard providers/*.c providers/directory/*.c providers/fake/*.c)
WITH :=
PROVIDER_PKGS :=
ifneq ($(COMPILES),)
ifeq ($(call have,$(SQLITE_PKGS)),yes)
PROVIDERS_SRC += $(wildcard providers/sqlite/*.c)
WITH += -DWITH_SQLITE
PROVIDER_PKGS += $(SQLITE_PKGS)
else
$(info provider sqlite is left out: libsqlite3-dev is missing)
endif
ifeq ($(call have,$(S3_PKGS)),yes)
PROVIDERS_SRC += $(wildcard providers/http/*.c providers/s3/*.c)
WITH += -DWITH_S3
PROVIDER_PKGS += $(S3_PKGS)
else
$(info provider s3 is left out: libcurl4-openssl-dev or libexpat1-dev is missing)
endif
PKG_CFLAGS := $(call flags,$(sort $(BASE_PKGS) $(PROVIDER_PKGS) $(OPERATOR_PKGS)))
endif

QUIETUS_SRC := $(wildcard tools/quietus/*.c)
VERIFY_SRC := $(wildcard tools/quietus-verify/*.c)
AUDIT_SRC := $(wildcard tools/quietus-audit/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

NAMES := quietus quietus-verify $(if $(AUDIT_SRC),quietus-audit)
PROGRAMS := $(NAMES:%=$(BUILD)/bin/%)

all: $(PROGRAMS)

# The build that programs and certificates name: the commit, and whether the
# files differ from it.  Only the objects that print it are compiled again
# when it changes.
BUILD_ID := $(if $(wildcard .git),$(shell GIT_DIR=.git GIT_OPTIONAL_LOCKS=0 \
	git describe --always --dirty=-modified --abbrev=12 --exclude='*' \
	2>/dev/null))
BUILD_ID := $(or $(BUILD_ID),release)
ID_OBJ := $(call obj,tools/quietus/main.c tools/quietus/evidence_certificate.c)
$(ID_OBJ): CPPFLAGS += -DQUIETUS_BUILD='"$(BUILD_ID)"'
$(ID_OBJ): $(BUILD)/build-id
$(BUILD)/build-id: FORCE
	@mkdir -p $(@D)
	@echo '$(BUILD_ID)' | cmp -s - $@ || echo '$(BUILD_ID)' >$@

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(PKG_CFLAGS) $(CFLAGS) $(WITH) -MMD -MP -c $< -o $@

$(BUILD)/bin/quietus: $(call obj,$(QUIETUS_SRC) $(PROVIDERS_SRC) $(CERTS_SRC) $(BASE_SRC))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $^ -o $@ $(call libs,$(sort $(BASE_PKGS) $(PROVIDER_PKGS) $(OPERATOR_PKGS)))

# the verifier and the audit program link libcrypto and the JSON library only
$(BUILD)/bin/quietus-verify: $(call obj,$(VERIFY_SRC) $(CERTS_SRC) $(BASE_SRC))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $^ -o $@ $(call libs,$(BASE_PKGS))

$(BUILD)/bin/quietus-audit: $(call obj,$(AUDIT_SRC) $(CERTS_SRC) $(BASE_SRC))
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $^ -o $@ $(call libs,$(BASE_PKGS))

# tests: an archive of everything but the mains; each tests/unit/NAME.c and
# tests/tamper/NAME.c is a program of its own, and so is the contract suite
$(BUILD)/test.a: $(call obj,$(filter-out tools/quietus/main.c,$(QUIETUS_SRC)) $(PROVIDERS_SRC) $(CERTS_SRC) $(BASE_SRC))
	@rm -f $@
	$(AR) rcs $@ $^

TEST_LIBS = -lcunit $(call libs,$(sort $(BASE_PKGS) $(PROVIDER_PKGS) $(OPERATOR_PKGS)))
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))
TAMPER := $(patsubst tests/tamper/%.c,$(BUILD)/tamper/%,$(wildcard tests/tamper/*.c))
unit: $(UNIT)
$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/test.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $^ -o $@ $(TEST_LIBS)
$(BUILD)/tamper/%: $(BUILD)/obj/tests/tamper/%.o $(BUILD)/test.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $^ -o $@ $(TEST_LIBS)

CONTRACT_SRC := $(wildcard tests/contract/*.c)
$(BUILD)/bin/contract: $(call obj,$(CONTRACT_SRC)) $(BUILD)/test.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $^ -o $@ $(TEST_LIBS)

# all that tests/run runs
programs: all unit $(TAMPER) $(BUILD)/bin/contract

# fuzz targets: built by `make fuzz` with clang, against the same archive
FUZZ := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/*.c))
fuzz-programs: $(FUZZ)
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/test.a
	@mkdir -p $(@D)
	$(CC) -fsanitize=fuzzer $(LDFLAGS) $^ -o $@ $(TEST_LIBS)

# ---- what people call ----------------------------------------------------

help:
	@echo "make            every program, in $(BUILD)/bin (no root, no network)"
	@echo "make demo       installs what building needs, builds, shows a closeout"
	@echo "make test       installs what testing needs, then every check there is"
	@echo "make check      the same without installing and without sanitizers"
	@echo "make asan       the tests under AddressSanitizer and UBSan"
	@echo "make lint       rooms, banned functions, layout, pages, links"
	@echo "make fuzz       each fuzz target for SECONDS=$(SECONDS) (clang)"
	@echo "make bench      measurements beside the tools people use instead"
	@echo "make unit       the unit tests' programs only"
	@echo "make deps       installs Debian packages (root or sudo)"
	@echo "make install    to $(PREFIX); PREFIX and DESTDIR are respected"
	@echo "make uninstall  removes what install put there"
	@echo "make clean      removes $(BUILD)"

deps:
	sh tests/deps test

demo:
	sh tests/deps build
	+$(MAKE) all
	BUILD='$(BUILD)' sh tests/demo/demo.sh

# tests/suite builds and counts; its last line is "N passed, N failed"
test:
	sh tests/deps test
	+@MAKE='$(MAKE)' BUILD='$(BUILD)' sh tests/suite lint plain asan
check:
	+@MAKE='$(MAKE)' BUILD='$(BUILD)' sh tests/suite lint plain
asan:
	+@MAKE='$(MAKE)' BUILD='$(BUILD)' sh tests/suite asan
lint:
	@BUILD='$(BUILD)' sh tests/lint/run

bench:
	@if [ -x tests/bench/run ]; then BUILD='$(BUILD)' tests/bench/run; \
	else echo "bench: there is no tests/bench/run"; fi

fuzz:
	+@MAKE='$(MAKE)' BUILD='$(BUILD)' SECONDS='$(SECONDS)' sh tests/fuzz/run

MAN1 := $(wildcard docs/man/*.1)
MAN5 := $(wildcard docs/man/*.5)
BIN_TO := $(DESTDIR)$(PREFIX)/bin
MAN_TO := $(DESTDIR)$(PREFIX)/share/man
install: all
	install -d '$(BIN_TO)' '$(MAN_TO)/man1' '$(MAN_TO)/man5'
	install -m 755 $(PROGRAMS) '$(BIN_TO)'
	$(if $(MAN1),install -m 644 $(MAN1) '$(MAN_TO)/man1')
	$(if $(MAN5),install -m 644 $(MAN5) '$(MAN_TO)/man5')
uninstall:
	rm -f $(NAMES:%='$(BIN_TO)/%') \
		$(MAN1:docs/man/%='$(MAN_TO)/man1/%') \
		$(MAN5:docs/man/%='$(MAN_TO)/man5/%')

clean:
	rm -rf '$(BUILD)'

.PHONY: all unit programs fuzz-programs install FORCE $(OUTER)
.SECONDARY:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
