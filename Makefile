# The targets to know: setup, demo, test, bench, chaos. Each installs what it needs.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# What differs between databases: constraints, locks, races, counts of queries.
ON_POSTGRES := tests/services tests/api tests/admin/test_scale.py tests/test_models.py tests/test_databases.py \
  tests/test_migrations.py tests/operations/test_doctor.py
# The core of it, for `make test`: MariaDB in less than a minute. `make mariadb` runs all.
ON_MARIADB := tests/test_models.py tests/test_databases.py tests/services/test_completion.py \
  tests/services/test_services.py tests/services/test_quota.py tests/services/test_sweep.py
QUIET := --no-fund --no-audit --loglevel error
NPM := npm --prefix frontend $(QUIET)

PY_STAMP := $(VENV)/.installed
JS_STAMP := frontend/node_modules/.installed
BUILD_STAMP := uploads/static/uploads/.built
# Uppy 5 cannot be installed beside Uppy 6: it has a directory of its own.
UPPY5 := tests/interop/uppy5
UPPY5_STAMP := $(UPPY5)/node_modules/.installed

# One process for each core. A test that is left over goes to whichever process is free.
PYTEST := $(RUN) -m pytest -n auto --maxprocesses 8 --dist worksteal

.PHONY: setup demo test lint pure unit postgres mariadb mariadb-core e2e coverage bench chaos browser clean

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

# The fast parts come first, and the first failure ends the run.
test: lint pure unit postgres mariadb-core e2e

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(NPM) run check

# No Django, no server, no random input: about a second.
pure: setup
	$(RUN) -m pytest -c tests/pure.ini -q -m "not hypothesis" tests/domain tests/oss

unit: setup $(UPPY5_STAMP)
	$(NPM) test
	$(PYTEST) -m "not e2e"

postgres: setup
	$(RUN) -m tests.postgres $(PYTEST) $(ON_POSTGRES)

# Where MariaDB is not installed and cannot be, one line says so.
mariadb: setup
	$(RUN) -m tests.mariadb $(PYTEST) $(ON_POSTGRES) tests/admin/test_admin.py

mariadb-core: setup
	$(RUN) -m tests.mariadb $(PYTEST) $(ON_MARIADB)

e2e: setup browser $(UPPY5_STAMP)
	$(PYTEST) -m e2e

# Which lines and branches no test reaches. Not in `test`: it takes a quarter longer and refuses nothing.
coverage: setup $(UPPY5_STAMP)
	mkdir -p var/coverage-$$$$ && export COVERAGE_FILE=$(CURDIR)/var/coverage-$$$$/data && \
	  $(PYTEST) --cov --cov-report= -m "not e2e" && \
	  $(RUN) -m tests.postgres $(PYTEST) --cov --cov-append --cov-report= $(ON_POSTGRES) && \
	  $(RUN) -m coverage report && rm -r var/coverage-$$$$

# Debian's Chromium where it can be installed, otherwise Playwright's build.
browser: setup
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq chromium; } || \
	  $(RUN) -m playwright install chromium

bench: setup browser
	$(RUN) -m tests.bench $(ONLY)

# First the simulated uploads of the engine: SEEDS runs from SEED, then each break of the engine must be found.
# Then real processes, for CHAOS_MINUTES (60), from CHAOS_SEED.
SEEDS ?= 1000000
chaos: setup
	SEEDS=$(SEEDS) $(NPM) run simulate
	$(NPM) run breaks
	SWEEP_UPLOADS=20000 $(RUN) -m tests.postgres $(RUN) -m pytest -q tests/services/test_sweep.py -k four_processes
	$(RUN) -m tests.chaos

clean:
	rm -rf $(VENV) frontend/node_modules frontend/dist $(UPPY5)/node_modules uploads/static/uploads var
