# The targets to know: setup, demo, test, hosts, bench, chaos, clients, live. Each installs what it needs.

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

# Two stages: what the demo needs, then what development needs on top.
SITE_STAMP := $(VENV)/.site-installed
PY_STAMP := $(VENV)/.installed
VITE_STAMP := frontend/node_modules/.vite-installed
JS_STAMP := frontend/node_modules/.installed
BUILD_STAMP := uploads/static/uploads/.built
VITE := vite@$(shell sed -n 's/.*"vite": "\(.*\)".*/\1/p' frontend/package.json)
# Uppy 5 cannot be installed beside Uppy 6: it has a directory of its own.
UPPY5 := tests/interop/uppy5
UPPY5_STAMP := $(UPPY5)/node_modules/.installed
# The generators of TypeScript clients need an older compiler than the front end's.
GENERATORS := tests/clients/typescript
GENERATORS_STAMP := $(GENERATORS)/node_modules/.installed

# One process for each core. A test that is left over goes to whichever process is free.
PYTEST := $(RUN) -m pytest -n auto --maxprocesses 8 --dist worksteal

.PHONY: setup demo test hosts newest lint pure unit postgres mariadb mariadb-core e2e coverage bench chaos clients live java browser clean

setup: $(PY_STAMP) $(JS_STAMP) $(BUILD_STAMP)

# One line for a tool that is missing, before anything is installed.
.PHONY: tools
tools:
	@test -x $(RUN) && exit 0; \
	version=$$($(PYTHON) -c "import sys; print('%d.%d %s' % (sys.version_info[:2] + (sys.version_info >= (3, 11),)))" \
	  2>/dev/null) || version=missing; \
	case "$$version" in \
	*True) ;; \
	*) echo "Python 3.11 or newer is needed; $(PYTHON) is $${version% *}. Install it, or name it: make PYTHON=…" >&2; \
	  exit 1;; \
	esac; \
	$(PYTHON) -c "import ensurepip, venv" 2>/dev/null || { \
	  echo "$(PYTHON) has no module ensurepip or venv. Debian has them in the package python3-venv." >&2; exit 1; }
	@version=$$(node --version 2>/dev/null) && command -v npm >/dev/null || version=missing; \
	case "$$version" in \
	v[2-9][0-9].*) ;; \
	*) echo "Node.js 20 or newer, with npm, is needed to build the page; it is $$version: https://nodejs.org" >&2; exit 1;; \
	esac

$(SITE_STAMP): pyproject.toml | tools
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --quiet --disable-pip-version-check pip==26.3
	$(RUN) -m pip install --quiet --disable-pip-version-check --group site --editable .
	touch $@

$(PY_STAMP): $(SITE_STAMP)
	$(RUN) -m pip install --quiet --disable-pip-version-check --group dev
	touch $@

# The bundler and what it bundles. `frontend/package.json` names everything that development needs.
$(VITE_STAMP): frontend/package.json frontend/package-lock.json | tools
	test -e $(JS_STAMP) || $(NPM) install --no-save --save-prod --omit=dev $(VITE)
	touch $@

# Not `npm ci`: it refuses a lock file made where the linter's builds for other systems could not be had.
$(JS_STAMP): $(VITE_STAMP)
	$(NPM) install
	touch $@

$(UPPY5_STAMP): $(UPPY5)/package.json $(UPPY5)/package-lock.json
	npm --prefix $(UPPY5) $(QUIET) install
	touch $@

$(GENERATORS_STAMP): $(GENERATORS)/package.json $(GENERATORS)/package-lock.json
	npm --prefix $(GENERATORS) $(QUIET) install
	touch $@

$(BUILD_STAMP): $(VITE_STAMP) frontend/vite.config.ts frontend/tsconfig.json $(shell find frontend/src -type f)
	$(NPM) run build
	touch $@

demo: $(SITE_STAMP) $(BUILD_STAMP)
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

unit: setup $(UPPY5_STAMP) $(GENERATORS_STAMP)
	$(NPM) test
	$(PYTEST) -m "not e2e"

postgres: setup
	$(RUN) -m tests.postgres $(PYTEST) $(ON_POSTGRES)

# Where MariaDB is not installed and cannot be, one line says so.
mariadb: setup
	$(RUN) -m tests.mariadb $(PYTEST) $(ON_POSTGRES) tests/admin/test_admin.py

mariadb-core: setup
	$(RUN) -m tests.mariadb $(PYTEST) $(ON_MARIADB)

# One browser at a time: a browser, a site and a local OSS keep two cores busy, and the tests act in the middle of
# uploads.
e2e: setup browser $(UPPY5_STAMP)
	$(RUN) -m pytest -m e2e

# Projects that this one did not shape, with the wheel. `make test` has some of them; this has all.
hosts: setup
	@command -v redis-server >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq redis-server; } || true
	$(RUN) -m tests.hosts $(ONLY)

# The API and the services on the newest Python of this machine, with the newest Django and everything else.
newest: setup
	$(RUN) -m tests.hosts.newest

# Which lines and branches no test reaches. Not in `test`: it takes a quarter longer and refuses nothing.
coverage: setup $(UPPY5_STAMP) $(GENERATORS_STAMP)
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
chaos: setup browser
	SEEDS=$(SEEDS) $(NPM) run simulate
	$(NPM) run breaks
	SWEEP_UPLOADS=20000 $(RUN) -m tests.postgres $(RUN) -m pytest -q tests/services/test_sweep.py -k four_processes
	MANY_FILES=5000 $(RUN) -m pytest -q -m e2e -k many tests/e2e
	GUIDES=all $(RUN) -m pytest -q -m e2e tests/e2e/test_guides_followed.py
	$(RUN) -m tests.chaos

# Clients of the generators that are too heavy for `test`: openapi-generator needs Java.
OPENAPI_GENERATOR := org.openapitools:openapi-generator-cli:7.17.0
clients: setup java $(GENERATORS_STAMP)
	test -x var/clients/bin/python || $(RUN) -m venv var/clients
	var/clients/bin/python -m pip install --quiet --disable-pip-version-check -r tests/clients/python/requirements.txt
	mvn --quiet dependency:copy -Dartifact=$(OPENAPI_GENERATOR) -DoutputDirectory=$(CURDIR)/var/clients
	$(RUN) -m pytest tests/clients/check_generators.py

# Statements about OSS, on the bucket that OSS_LIVE_… name: docs/live.md.
live: $(PY_STAMP)
	@$(RUN) -m tests.live $(if $(ONLY),--only $(ONLY))

java:
	@command -v mvn >/dev/null || { apt-get update -qq && apt-get install -y -qq default-jre-headless maven; }

clean:
	rm -rf $(VENV) frontend/node_modules frontend/dist $(UPPY5)/node_modules $(GENERATORS)/node_modules uploads/static/uploads var
