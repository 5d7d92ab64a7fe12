# `make run` serves everything on embedded defaults, `make test` runs every test, `make help` lists all targets.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
WEB_CONCURRENCY ?= 2
UPGRADE ?= --upgrade
export PORT
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
# uv installs several times faster than pip; pip is the fallback, for example for an index that uv cannot read.
define install
	@echo "Installing $(1) into .venv (the first time about 15 seconds) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "FoodFleet needs Python 3.11 or newer.")'
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 || true
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet --compile-bytecode -r $(1) || $(BIN)/python -m pip install --quiet -r $(1)
	@echo "Installed."
	@touch $@
endef

.DEFAULT_GOAL := help
.PHONY: help setup run admin test coverage lint format check serve bench worker beat requirements package audit sbom messages

help:  ## List these targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

.venv/.runtime: requirements.txt
	$(call install,requirements.txt)

.venv/.dev: requirements-dev.txt .venv/.runtime
	$(call install,requirements-dev.txt)

# What the test of docs/clients.md generates a TypeScript client with, for the node of requirements-dev.txt.
CLIENTS := foodfleet/tests/clients/package.json foodfleet/tests/clients/package-lock.json
.venv/clients/.installed: $(CLIENTS) .venv/.dev
	@mkdir -p $(@D) && cp $(CLIENTS) $(@D)
	@cd $(@D) && PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --loglevel error --no-audit --no-fund --ignore-scripts </dev/null >/dev/null
	@touch $@

setup: .venv/.runtime  ## Install the run-time requirements into .venv; change no data

run: .venv/.runtime  ## Serve the whole product on http://localhost:8000 (PORT=) with embedded defaults
	@exec $(BIN)/python -m foodfleet run $(HOST):$(PORT)

admin: .venv/.runtime  ## Create an administrator, or set a new password for one (EMAIL=)
	@$(MANAGE) administrator $(EMAIL)

# Both passes are in foodfleet/tests/run.py. ARGS= goes to pytest: make test ARGS="-k passkey"
test: .venv/.dev .venv/clients/.installed  ## Run every test: embedded, then on PostgreSQL, Redis and RabbitMQ where they run (ARGS=)
	@$(BIN)/python -m foodfleet.tests.run $(ARGS)

coverage: .venv/.dev .venv/clients/.installed  ## Run every test and report the lines that no test ran
	@$(BIN)/coverage erase
	@$(BIN)/python -m foodfleet.tests.run --cov --cov-append --cov-report= $(ARGS)
	@$(BIN)/coverage report

lint: .venv/.dev  ## Check style (ruff), types (mypy) and layers (import-linter)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(32))') $(BIN)/mypy .
	@mkdir -p var && $(BIN)/python -m foodfleet.modules.layers >var/importlinter.toml
	@PYTHONPATH=. $(BIN)/lint-imports --config var/importlinter.toml

format: .venv/.dev  ## Format the code (ruff)
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

# If none of your own settings are in the environment, example values are used, and the check applies to the defaults.
check: export DEBUG ?= false
check: .venv/.runtime  ## Run Django's deployment check on your own settings if they are set (PUBLIC_URL ...)
	@export SECRET_KEY=$${SECRET_KEY:-$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')}; \
	  if [ -z "$$PUBLIC_URL" ]; then \
	    export PUBLIC_URL=https://accounts.example.com TRUSTED_PROXIES=$${TRUSTED_PROXIES:-127.0.0.1}; fi; \
	  $(MANAGE) check --deploy --fail-level WARNING

serve: export DEBUG = false
serve: .venv/.runtime  ## Run the production server in the foreground (WEB_CONCURRENCY=, PORT=, HOST=)
	@exec $(BIN)/python -m foodfleet serve --host $(HOST) --port $(PORT) --workers $(WEB_CONCURRENCY)

# ONLY="me list" measures these parts, QUICK=1 each of them for a moment; docs/performance.md says what is needed.
bench: .venv/.runtime  ## Measure FoodFleet beside its peers (needs PostgreSQL, Redis and wrk; ONLY=, QUICK=1)
	@$(BIN)/python benchmarks/bench.py $(if $(ONLY),--only $(ONLY)) $(if $(QUICK),--quick)

worker: .venv/.runtime  ## Run the Celery workers: for SMS, for codes, for webhooks, and for everything else (needs CELERY_BROKER_URL)
	@exec $(BIN)/python -m foodfleet worker

beat: .venv/.runtime  ## Run Celery's scheduler (needs CELERY_BROKER_URL)
	@exec $(BIN)/python -m foodfleet beat

package: .venv/.dev  ## Build the package into dist/ (docs/packaging.md)
	@$(BIN)/python -m hatchling build --target wheel --directory dist

# In a separate environment, so that the product does not depend on these tools.
AUDIT := var/audit/bin
AUDIT_TOOLS := pip-audit==2.10.1 cyclonedx-bom==7.5.0
$(AUDIT)/pip-audit: Makefile .venv/.runtime
	@$(PYTHON) -m venv --clear var/audit
	@VIRTUAL_ENV=var/audit $(BIN)/uv pip install --quiet $(AUDIT_TOOLS) || $(AUDIT)/python -m pip install --quiet $(AUDIT_TOOLS)

audit: $(AUDIT)/pip-audit  ## Check the pinned requirements for known vulnerabilities (needs the network)
	@$(AUDIT)/pip-audit --strict --disable-pip --require-hashes --requirement requirements-tracing.txt

sbom: $(AUDIT)/pip-audit  ## Write the bill of materials, in CycloneDX, into dist/
	@$(PYTHON) -m venv --clear --without-pip var/sbom && mkdir -p dist
	@VIRTUAL_ENV=var/sbom $(BIN)/uv pip install --quiet -r requirements.txt
	@version=$$($(BIN)/python -c 'import foodfleet; print(foodfleet.__version__)') && \
	  sed "s/^dynamic = .*/version = \"$$version\"/" pyproject.toml >var/sbom/pyproject.toml
	@$(AUDIT)/cyclonedx-py environment --pyproject var/sbom/pyproject.toml --output-reproducible -o dist/foodfleet.cdx.json var/sbom/bin/python

COMPILE := $(BIN)/uv pip compile --quiet --no-header --universal --python-version 3.11 --generate-hashes pyproject.toml
requirements: .venv/.dev  ## Upgrade the pins in requirements*.txt from pyproject.toml and requirements-dev.in (UPGRADE=)
	@$(COMPILE) $(UPGRADE) -o requirements.txt
	@$(COMPILE) $(UPGRADE) -c requirements.txt --extra tracing -o requirements-tracing.txt
	@$(COMPILE) $(UPGRADE) -c requirements-tracing.txt --extra tracing requirements-dev.in -o requirements-dev.txt

messages: .venv/.runtime  ## Collect the texts to translate into locale/, and compile the translations (needs gettext)
	@sed -i '/^#| /d' locale/*/LC_MESSAGES/django.po  # previous texts: msgmerge refuses a file with a part of one
	@DEBUG=true $(MANAGE) makemessages --all --no-location --no-obsolete --no-wrap --ignore .venv --ignore var --ignore examples --ignore 'test*' $$($(BIN)/python -m foodfleet.modules.discovery | xargs --no-run-if-empty -n 1 echo --ignore) --verbosity 0
	@DEBUG=true $(MANAGE) compilemessages --ignore .venv --verbosity 0
