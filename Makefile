# atoll: `make run` and `make test` are the two commands; `make help` lists the rest.
.DEFAULT_GOAL := all
JOBS := $(if $(filter 0,$(MAKELEVEL)),-j$(shell nproc))
MAKEFLAGS += --no-builtin-rules $(JOBS)

FLAVOUR ?= release
BUILD := build
OBJ := $(BUILD)/$(FLAVOUR)
CC := $(if $(filter fuzz,$(FLAVOUR)),clang,gcc)
PKGS := libuv javascriptcoregtk-4.1 glib-2.0 jansson libcurl libssl libcrypto icu-uc icu-i18n \
        zlib libbrotlienc libbrotlidec libzstd sqlite3 libseccomp expat
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith \
        -Wundef -Wvla -Wno-format-truncation -Werror
CFLAGS_release := -O2 -g
CFLAGS_asan := -O1 -g -DATOLL_SANITIZED -fsanitize=address -fno-omit-frame-pointer
CFLAGS_ubsan := -O1 -g -DATOLL_SANITIZED -fsanitize=undefined -fno-sanitize-recover=undefined
CFLAGS_gcstress := -O1 -g -DATOLL_GC_STRESS
CFLAGS_cover := -O0 -g --coverage
CFLAGS_fuzz := -O1 -g -fsanitize=fuzzer-no-link,address -w
VERSION := 0.1.0
CFLAGS = -std=gnu17 -D_GNU_SOURCE -DATOLL_VERSION='"$(VERSION)"' -Isrc -pthread $(WARN) \
         $(CFLAGS_$(FLAVOUR)) $(PKG_CFLAGS)
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS) | sed 's/-I/-isystem /g')
LDFLAGS = -pthread -Wl,-z,now -Wl,--as-needed $(filter -fsanitize% --coverage,$(CFLAGS_$(FLAVOUR)))
# Debian's libwslay has no .pc file.
LDLIBS = $(shell pkg-config --libs $(PKGS)) -lwslay -lm
Q := $(if $(V),,@)
SAY = @printf '  %-5s %s\n'
ESBUILD := node_modules/@esbuild/linux-$(if $(filter aarch64,$(shell uname -m)),arm64,x64)/bin/esbuild

SRC := $(wildcard src/*/*.c src/bindings/*/*.c)
GEN := $(BUILD)/gen
WEB_JS := $(wildcard src/web/js/*.js src/bindings/*.js src/bindings/*/*.js)
CONTROL_JS := $(wildcard src/control/*.js)
API_PAGES := $(wildcard src/api/*.html src/api/*.css)
GEN_C := $(GEN)/web_builtins.c $(CONTROL_JS:src/control/%.js=$(GEN)/control_%.c) \
         $(API_PAGES:src/api/%=$(GEN)/api_%.c)
LIB_OBJ := $(SRC:src/%.c=$(OBJ)/%.o) $(GEN_C:$(GEN)/%.c=$(OBJ)/gen/%.o)
LIB := $(OBJ)/libatoll.a
UNIT_SRC := $(wildcard tests/unit/*.c tests/unit/*/*.c)
FUZZ := $(patsubst tests/fuzz/%.c,$(OBJ)/%,$(wildcard tests/fuzz/fuzz_*.c))

.PHONY: all help deps run test programs fuzzers unit webtest e2e bench tidy fmt asan ubsan \
        gcstress fuzz wpt durability install deb uninstall clean
.SECONDARY:
export BUILD

all: $(if $(filter release,$(FLAVOUR)),$(BUILD)/atoll,$(OBJ)/atoll)

# Everything that scripts/test runs.
programs: all $(OBJ)/unit $(OBJ)/webtest

help: ## this list
	@sed -nE 's/^([a-z0-9 ]+):.*## (.*)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

deps: ## install what is missing for run and test: Debian and npm packages
	@scripts/deps

$(BUILD)/.deps: scripts/deps package-lock.json
	@scripts/deps
	@mkdir -p $(BUILD) && touch $@

$(ESBUILD): $(BUILD)/.deps

run: all ## build and serve examples/hello
	$(BUILD)/atoll dev examples/hello

test: programs ## build and run every test
	@scripts/deps test
	@scripts/test $(OBJ)

unit: $(OBJ)/unit ## C unit tests
	$(OBJ)/unit

webtest: $(OBJ)/webtest ## JavaScript tests inside real isolates
	@scripts/webtest $(OBJ)/webtest

e2e: all ## end-to-end tests with the real binary
	@scripts/deps test
	node --test tests/e2e/*.test.mjs

ROUNDS := 500
durability: all ## kills by the thousand: tests/e2e/durability.test.mjs with ROUNDS=number
	@scripts/deps test
	DURABILITY_ROUNDS=$(ROUNDS) node --test tests/e2e/durability.test.mjs

WPT_DIR := ../wpt
wpt: $(OBJ)/webtest ## web-platform-tests of WPT_DIR=path [ONLY=prefix] [VERBOSE=1] [UPDATE=1]
	node tests/wpt/run.mjs $(OBJ)/webtest $(WPT_DIR) --only=$(ONLY) $(if $(VERBOSE),--verbose) $(if $(UPDATE),--update)

bench: all ## compare with workerd, deno, bun and node
	@scripts/deps bench
	@npm ci --prefix bench --no-audit --no-fund --silent
	node bench/run.mjs

tidy: all ## what a script can check: rooms, budgets, names, format, static analysis
	@scripts/deps check
	@scripts/tidy $(OBJ) $(filter-out -W%,$(CFLAGS))

fmt: ## format the C sources in place
	@scripts/deps check
	node scripts/format.mjs write

asan ubsan gcstress: ## the tests under a sanitizer, or with a collection every turn
	@$(MAKE) --no-print-directory FLAVOUR=$@ programs
	@scripts/deps test
	@scripts/flavour $@

fuzz: ## run every fuzz target for FUZZ_SECONDS (default 30)
	@scripts/deps check
	@$(MAKE) --no-print-directory FLAVOUR=fuzz fuzzers

fuzzers: $(FUZZ)
	@scripts/fuzz $(FUZZ)

PREFIX ?= /usr/local
SHARE = $(DESTDIR)$(PREFIX)/share
install: all ## install into PREFIX (default /usr/local)
	install -D $(BUILD)/atoll $(DESTDIR)$(PREFIX)/bin/atoll
	install -D $(ESBUILD) $(DESTDIR)$(PREFIX)/lib/atoll/esbuild
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/atoll/types types/atoll.d.ts src/bindings/*/*.d.ts
	$(BUILD)/atoll manual | install -D -m 644 /dev/stdin $(SHARE)/man/man1/atoll.1
	$(BUILD)/atoll completion bash | install -D -m 644 /dev/stdin $(SHARE)/bash-completion/completions/atoll
	$(BUILD)/atoll completion zsh | install -D -m 644 /dev/stdin $(SHARE)/zsh/site-functions/_atoll
	$(BUILD)/atoll completion fish | install -D -m 644 /dev/stdin $(SHARE)/fish/vendor_completions.d/atoll.fish
	cd templates && find . -mindepth 2 -type f -exec install -D -m 644 {} $(DESTDIR)$(PREFIX)/lib/atoll/templates/{} \;

deb: all ## a Debian package of it: build/atoll_VERSION_ARCH.deb
	@scripts/deps deb
	+@scripts/deb $(BUILD) $(VERSION)

uninstall: ## remove what install put there
	rm -rf $(DESTDIR)$(PREFIX)/bin/atoll $(DESTDIR)$(PREFIX)/lib/atoll $(SHARE)/man/man1/atoll.1 \
	  $(SHARE)/bash-completion/completions/atoll $(SHARE)/zsh/site-functions/_atoll \
	  $(SHARE)/fish/vendor_completions.d/atoll.fish

clean: ## remove everything that was built
	rm -rf $(BUILD)

$(BUILD)/atoll: $(OBJ)/atoll
	@ln -f $< $@

$(OBJ)/atoll: $(OBJ)/main.o $(LIB)
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(OBJ)/unit: $(UNIT_SRC:tests/%.c=$(OBJ)/tests/%.o) $(LIB)
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ -lcriterion $(LDLIBS)

$(OBJ)/webtest: $(OBJ)/tests/web/webtest.o $(LIB)
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(LIB): $(LIB_OBJ)
	@rm -f $@
	$(SAY) AR $@
	$(Q)ar rcs $@ $^

$(OBJ)/%.o: src/%.c | $(BUILD)/.deps
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/tests/%.o: tests/%.c | $(BUILD)/.deps
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OBJ)/gen/%.o: $(GEN)/%.c | $(BUILD)/.deps
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(GEN)/web_builtins.c: $(WEB_JS) scripts/embed.mjs | $(ESBUILD)
	@mkdir -p $(@D)
	$(SAY) EMBED $@
	$(Q)node scripts/embed.mjs builtins $(ESBUILD) $@ $(WEB_JS)

$(GEN)/control_%.c: src/control/%.js scripts/embed.mjs | $(ESBUILD)
	@mkdir -p $(@D)
	$(SAY) EMBED $@
	$(Q)node scripts/embed.mjs library $(ESBUILD) $@ $<

$(GEN)/api_%.c: src/api/% scripts/embed.mjs
	@mkdir -p $(@D)
	$(SAY) EMBED $@
	$(Q)node scripts/embed.mjs text api_$(subst .,_,$*) $@ $<

$(OBJ)/fuzz_%: $(OBJ)/tests/fuzz/fuzz_%.o $(LIB)
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^ $(LDLIBS)

-include $(shell find $(OBJ) -name '*.d' 2>/dev/null)
