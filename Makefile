# The few commands a person runs; CI runs the same ones. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
export npm_config_update_notifier := false

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet --quiet
# Tests are shared out among the processors; who is through takes of what the others have left.
SHARED := --numprocesses auto --maxprocesses 4 --dist worksteal
SPEED ?=
SOAK_ARGS ?=
say = @printf '\n\033[1m== %s\033[0m\n' "$(1)"
shout = printf '\n\033[1;33m!! %s\033[0m\n' "$(1)"

# The console needs node 20 or newer; without it everything else still works.
NODE_MAJOR := $(shell node --version 2>/dev/null | sed -n 's/^v\([0-9]*\).*/\1/p')
HAS_CONSOLE := $(wildcard console/package.json)
HAS_NODE := $(shell command -v npm >/dev/null 2>&1 && [ "$(or $(NODE_MAJOR),0)" -ge 20 ] && echo yes)
# The page's own phrases (console.json) are compiled into it. All phrases count, as its tests read the others too.
CONSOLE_SOURCES := $(if $(HAS_CONSOLE),$(shell find console -type d -name node_modules -prune -o -type f -print) \
  $(wildcard src/keepclear/phrases/*/*.json))
CONSOLE_DIST := src/keepclear/console_dist/.built
KERNELS := src/keepclear/geometry/kernels

.PHONY: help
help: ## list these commands
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

.PHONY: setup
setup: .venv/.ready kernels ## make .venv with everything pinned by constraints.txt (about a minute; at once the second time)

.venv/.ready: pyproject.toml constraints.txt
	$(call say,setup: a Python environment in .venv)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "keepclear needs Python 3.11 or newer; this is " + sys.version)'
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	@echo "   installing the build tools"
	@$(PIP) install --constraint constraints.txt hatchling editables
	@echo "   installing keepclear and what it needs"
	@$(PIP) install --constraint constraints.txt --no-build-isolation --editable '.[dev]'
	@touch $@

# The install compiles them too; this does when a source changed. Without a compiler it says so every time.
.PHONY: kernels
kernels: $(KERNELS)/_baseline.so ## compile the engines' kernels in C (seconds; at once if nothing changed)

$(KERNELS)/_baseline.so: build_kernels.py $(wildcard $(KERNELS)/*.[ch]) | .venv/.ready
	$(call say,kernels: compiling)
	@$(BIN)/python build_kernels.py

.PHONY: console
ifeq ($(HAS_CONSOLE),)
console:
	@$(call shout,there is no console/ here: nodes run without a browser page)
else ifeq ($(HAS_NODE),)
console:
	@$(call shout,node 20+ and npm were not found: THE CONSOLE IS NOT BUILT. Everything else works.)
else
console: $(CONSOLE_DIST) ## build the browser console into the package (needs node 20+)

console/node_modules/.ready: console/package.json console/package-lock.json
	$(call say,console: installing packages)
	@cd console && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(CONSOLE_DIST): console/node_modules/.ready $(CONSOLE_SOURCES)
	$(call say,console: building)
	@cd console && npm run --silent build
	@touch $@
endif

.PHONY: demo
demo: setup console ## three nodes play the story of 2017 on this machine; SPEED=600 plays it 600 times faster than life
	$(call say,demo)
	@$(BIN)/keepclear demo $(if $(SPEED),--speed $(SPEED))

.PHONY: check
check: setup ## style, types, direction of imports
	$(call say,ruff)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	$(call say,mypy)
	@$(BIN)/mypy
	$(call say,floors)
	@$(BIN)/lint-imports

.PHONY: test
test: setup console browser database check testconsole ## everything that must hold before a change is kept
	$(call say,tests)
	@$(BIN)/python -m pytest $(SHARED)

.PHONY: testconsole
testconsole: console
ifneq ($(and $(HAS_CONSOLE),$(HAS_NODE)),)
	$(call say,console tests)
	@cd console && npm test
endif

# Browser tests need a Chromium. On Debian as root it is installed; anywhere else its absence is said, not hidden.
.PHONY: browser
browser:
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  printf '\n\033[1m== Chromium for the browser tests\033[0m\n'; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  { apt-get -qq update && apt-get -qq install -y --no-install-recommends chromium; } >/dev/null && exit 0; \
	fi; \
	$(call shout,no Chromium here and none could be installed: THE BROWSER TESTS WILL BE SKIPPED)

# Tests of a record that instances share start a PostgreSQL server of their own. On Debian as root its programs are
# installed; anywhere else their absence is said, not hidden.
.PHONY: database
database:
	@if ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  printf '\n\033[1m== PostgreSQL for the tests of shared records\033[0m\n'; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  { apt-get -qq update && apt-get -qq install -y --no-install-recommends postgresql; } >/dev/null && exit 0; \
	fi; \
	$(call shout,no PostgreSQL here and none could be installed: THE TESTS OF SHARED RECORDS WILL BE SKIPPED)

# What it measures against lives in an environment of its own (1.4 GB). PostGIS is installed on Debian as root; anywhere
# else its absence is said, not hidden. BENCH_ARGS="conflict --small" runs some groups, in sizes that take seconds.
.PHONY: bench
bench: kernels .cache/bench/.ready ## figures beside the field's peers, on the same data in the same run (half an hour or so)
	@if ls /usr/share/postgresql/*/extension/postgis.control >/dev/null 2>&1; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  printf '\n\033[1m== PostgreSQL with PostGIS\033[0m\n'; \
	  export DEBIAN_FRONTEND=noninteractive; \
	  { apt-get -qq update && apt-get -qq install -y --no-install-recommends postgresql postgresql-postgis; } >/dev/null && exit 0; \
	fi; \
	$(call shout,no PostGIS here and none could be installed: ITS ROWS WILL BE SKIPPED)
	$(call say,bench)
	@.cache/bench/bin/python -W ignore -m bench $(BENCH_ARGS)

.cache/bench/.ready: pyproject.toml constraints.txt bench/constraints.txt
	$(call say,bench: an environment with the peers in .cache/bench)
	@[ -x .cache/bench/bin/python ] || $(PYTHON) -m venv .cache/bench
	@.cache/bench/bin/python -m pip --disable-pip-version-check --no-input --quiet --quiet install \
	  --constraint constraints.txt --constraint bench/constraints.txt hatchling editables setuptools
	@.cache/bench/bin/python -m pip --disable-pip-version-check --no-input --quiet --quiet install \
	  --constraint constraints.txt --constraint bench/constraints.txt --no-build-isolation --editable '.[bench]'
	@touch $@

# The field's own suite wants a Python of its own (3.13) and 850 MB. Where there is none its absence is said, not hidden.
CONFORMANCE := .cache/conformance

.PHONY: conformance
conformance: setup ## ASTM F3548-21 as the field tests it: its own suite, twice against a fresh node (needs Python 3.13)
	@python=$$(for each in python3.13 "$$HOME"/.pyenv/versions/3.13*/bin/python3.13; do \
	  if "$$each" -c '' 2>/dev/null; then echo "$$each"; break; fi; done); \
	if [ -z "$$python" ]; then $(call shout,no Python 3.13 here: THE CONFORMANCE SUITE IS SKIPPED); exit 0; fi; \
	if [ ! -f $(CONFORMANCE)/.ready ]; then \
	  printf '\n\033[1m== conformance: an environment for interuss-monitoring in $(CONFORMANCE)\033[0m\n'; \
	  "$$python" -m venv $(CONFORMANCE); \
	  $(CONFORMANCE)/bin/python -m pip --disable-pip-version-check --no-input --quiet --quiet install \
	    'interuss-monitoring==0.37.0' 'implicitdict==4.1.0'; \
	  touch $(CONFORMANCE)/.ready; \
	fi; \
	printf '\n\033[1m== conformance\033[0m\n'; \
	SECONDS=0; $(BIN)/python -m tests.conformance.run $(CONFORMANCE)/bin/python; \
	echo "conformance took $$SECONDS s"

.PHONY: fuzz
fuzz: setup ## the property tests with many more cases and fresh seeds
	@$(BIN)/python -m pytest $(SHARED) --hypothesis-profile=long --timeout=0

.PHONY: soak
soak: setup ## long rounds of kills and faults (an hour or so)
	@$(BIN)/python -m pytest -m soak --timeout=0 $(SOAK_ARGS)

.PHONY: coverage
coverage: setup ## which lines and branches the tests reach
	@$(BIN)/coverage run -m pytest
	@$(BIN)/coverage report --skip-covered --sort=cover

.PHONY: docs
docs: setup ## check the pages: links lead somewhere, every page is in the index
	@$(BIN)/python -m pytest tests/test_docs.py

.PHONY: constraints
constraints: ## pin anew: resolve the newest versions in a fresh environment and write constraints.txt
	@rm -rf .cache/pin && $(PYTHON) -m venv .cache/pin
	@.cache/pin/bin/python -m pip --disable-pip-version-check --quiet --quiet install hatchling editables
	@.cache/pin/bin/python -m pip --disable-pip-version-check --quiet --quiet install --no-build-isolation --editable '.[dev]'
	@{ sed -n 1p constraints.txt; .cache/pin/bin/python -m pip freeze --all --exclude-editable | grep -v '^\(pip\|setuptools\)='; } > .cache/constraints.txt
	@mv .cache/constraints.txt constraints.txt && rm -rf .cache/pin

.PHONY: clean
clean: ## remove everything that was made
	rm -rf .venv .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage htmlcov build dist
	rm -rf console/node_modules src/keepclear/console_dist $(KERNELS)/_*.so
	find src tests -type d -name __pycache__ -prune -exec rm -rf {} +
