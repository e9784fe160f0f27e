# Five words: setup, demo, test, bench, chaos. Each target installs what it needs.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# What differs between databases: constraints, locks, races, counts of queries.
ON_POSTGRES := tests/services tests/api tests/test_models.py tests/operations/test_doctor.py
QUIET := --no-fund --no-audit --loglevel error
NPM := npm --prefix frontend $(QUIET)

PY_STAMP := $(VENV)/.installed
JS_STAMP := frontend/node_modules/.installed
BUILD_STAMP := uploads/static/uploads/.built
# Uppy 5 does not bear Uppy 6 beside it: a folder of its own.
UPPY5 := tests/interop/uppy5
UPPY5_STAMP := $(UPPY5)/node_modules/.installed

.PHONY: setup demo test lint unit postgres e2e bench chaos browser clean

setup: $(PY_STAMP) $(BUILD_STAMP)

$(PY_STAMP): pyproject.toml
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check pip==26.3
	$(RUN) -m pip install --quiet --disable-pip-version-check --group dev --editable .
	touch $@

# Not `npm ci`: it refuses a lock file made where the linter's builds for other systems could not be had.
$(JS_STAMP): frontend/package.json frontend/package-lock.json
	$(NPM) install
	touch $@

$(UPPY5_STAMP): $(UPPY5)/package.json $(UPPY5)/package-lock.json
	npm --prefix $(UPPY5) $(QUIET) install
	touch $@

$(BUILD_STAMP): $(JS_STAMP) frontend/vite.config.ts frontend/tsconfig.json $(shell find frontend/src -type f)
	$(NPM) run build
	touch $@

demo: setup
	@exec $(RUN) manage.py demo

# Fast parts first; the first real failure ends it.
test: lint unit postgres e2e

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(NPM) run check

unit: setup $(UPPY5_STAMP)
	$(NPM) test
	$(RUN) -m coverage erase
	$(RUN) -m coverage run -m pytest -m "not e2e"

postgres: setup
	$(RUN) -m tests.postgres $(RUN) -m coverage run -m pytest $(ON_POSTGRES)
	$(RUN) -m coverage combine --quiet
	$(RUN) -m coverage report

e2e: setup browser $(UPPY5_STAMP)
	$(RUN) -m pytest -m e2e

# Debian's Chromium where it may be installed, else Playwright's own build.
browser: setup
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium; } || \
	  $(RUN) -m playwright install chromium

bench: setup browser
	$(RUN) -m tests.bench $(ONLY)

# Hours of it: CHAOS_MINUTES, CHAOS_SEED.
chaos: setup
	$(RUN) -m tests.chaos

clean:
	rm -rf $(VENV) frontend/node_modules frontend/dist $(UPPY5)/node_modules uploads/static/uploads var
