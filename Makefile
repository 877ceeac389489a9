# quietus: one non-recursive Makefile.  `make help` lists the targets.
VERSION := 0.1.0
PREFIX ?= /usr/local
DESTDIR ?=
BUILD ?= build
CC ?= gcc
PKG_CONFIG ?= pkg-config

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
BUILD_ID := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo release)
CPPFLAGS += -I. -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE \
	-DQUIETUS_VERSION='"$(VERSION)"'
CFLAGS += -std=c11 $(OPT) $(WARN) $(HARDEN) $(SAN) $(if $(CI),-Werror)
LDFLAGS += -pie -Wl,-z,relro,-z,now $(SAN)

BASE_PKGS := libcrypto jansson
S3_PKGS := libcurl expat
SQLITE_PKGS := sqlite3
OPERATOR_PKGS := libconfig sqlite3

BASE_SRC := $(wildcard certs/base/*.c)
CERTS_SRC := $(wildcard certs/*.c)
PROVIDERS_SRC := $(wildcard providers/*.c providers/directory/*.c providers/fake/*.c)
WITH :=
PROVIDER_PKGS :=
ifeq ($(call have,sqlite3),yes)
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

QUIETUS_SRC := $(wildcard tools/quietus/*.c)
VERIFY_SRC := $(wildcard tools/quietus-verify/*.c)
AUDIT_SRC := $(wildcard tools/quietus-audit/*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
PKG_CFLAGS := $(call flags,$(sort $(BASE_PKGS) $(PROVIDER_PKGS) $(OPERATOR_PKGS)))

PROGRAMS := $(BUILD)/bin/quietus $(BUILD)/bin/quietus-verify $(BUILD)/bin/quietus-audit

all: $(PROGRAMS)

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
# tests/contract/contract.c is a program of its own
$(BUILD)/test.a: $(call obj,$(filter-out tools/quietus/main.c,$(QUIETUS_SRC)) $(PROVIDERS_SRC) $(CERTS_SRC) $(BASE_SRC))
	@rm -f $@
	$(AR) rcs $@ $^

TEST_LIBS = -lcunit $(call libs,$(sort $(BASE_PKGS) $(PROVIDER_PKGS) $(OPERATOR_PKGS)))
UNIT := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(wildcard tests/unit/*.c))
unit: $(UNIT)
$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(BUILD)/test.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $^ -o $@ $(TEST_LIBS)

CONTRACT_SRC := $(wildcard tests/contract/*.c)
$(BUILD)/bin/contract: $(call obj,$(CONTRACT_SRC)) $(BUILD)/test.a
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) $^ -o $@ $(TEST_LIBS)

clean:
	rm -rf $(BUILD)

.PHONY: all unit clean
.SECONDARY:
-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
