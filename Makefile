# Two commands: `make run` serves everything on embedded defaults, `make test` proves it. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
WEB_CONCURRENCY ?= 2
export PORT
BIN := .venv/bin
MANAGE := $(BIN)/python manage.py
# uv installs several times faster; where it cannot (an unusual index), pip does the same.
define install
	@echo "Installing $(1) into .venv (the first time about 15 seconds) ..."
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11) and "FoodFleet needs Python 3.11 or newer.")'
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==0.13.9 || true
	@VIRTUAL_ENV=.venv $(BIN)/uv pip install --quiet -r $(1) || $(BIN)/python -m pip install --quiet -r $(1)
	@echo "Installed."
	@touch $@
endef

.DEFAULT_GOAL := help
.PHONY: help setup run admin test lint format check serve worker beat requirements messages

help:  ## List these targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

.venv/.runtime: requirements.txt
	$(call install,requirements.txt)

.venv/.dev: requirements-dev.txt .venv/.runtime
	$(call install,requirements-dev.txt)

setup: .venv/.runtime  ## Install what FoodFleet needs into .venv; migrate nothing

run: export DEBUG = true
run: export ADMIN_REQUIRE_2FA ?= false
run: export DJANGO_RUNSERVER_HIDE_WARNING = true
run: .venv/.runtime  ## Serve the whole product on http://localhost:8000 (PORT=) with embedded defaults
	@exec $(BIN)/python -m foodfleet.supervise run $(HOST):$(PORT)

admin: .venv/.runtime  ## Make an administrator, or give one a new password (EMAIL=)
	@$(MANAGE) administrator $(EMAIL)

test: .venv/.dev  ## Run every test: embedded, then on PostgreSQL and Redis where they run
	@$(BIN)/python -m foodfleet.tests.run

lint: .venv/.dev  ## Style (ruff), types (mypy), layers (import-linter)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(32))') $(BIN)/mypy .
	@PYTHONPATH=. $(BIN)/lint-imports

format: .venv/.dev  ## Let ruff put the code into form
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

check: export DEBUG ?= false
check: .venv/.runtime  ## Django's deployment check, against your own settings where they are set (PUBLIC_URL ...)
	@export SECRET_KEY=$${SECRET_KEY:-$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')}; \
	  if [ -z "$$PUBLIC_URL" ]; then \
	    export PUBLIC_URL=https://accounts.example.com TRUSTED_PROXIES=$${TRUSTED_PROXIES:-127.0.0.1}; fi; \
	  $(MANAGE) check --deploy --fail-level WARNING

serve: export DEBUG = false
serve: .venv/.runtime  ## Run the production server in the foreground (WEB_CONCURRENCY=, PORT=, HOST=)
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@exec $(BIN)/python -m foodfleet.supervise serve --host $(HOST) --port $(PORT) --workers $(WEB_CONCURRENCY)

worker: .venv/.runtime  ## Run Celery workers: for texts, for codes and chores, and for all else (needs CELERY_BROKER_URL)
	@exec $(BIN)/python -m foodfleet.supervise worker

beat: .venv/.runtime  ## Run Celery's scheduler (needs CELERY_BROKER_URL)
	@exec $(BIN)/celery --app foodfleet beat --loglevel INFO --schedule var/celerybeat-schedule

requirements: .venv/.dev  ## Pin requirements*.txt anew from requirements*.in
	@$(BIN)/uv pip compile --quiet --no-header --upgrade --universal --python-version 3.11 requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --no-header --upgrade --universal --python-version 3.11 -c requirements.txt \
	  requirements-dev.in -o requirements-dev.txt

messages: .venv/.runtime  ## Gather what is to be translated into locale/, and compile what is (needs gettext)
	@DEBUG=true $(MANAGE) makemessages --all --no-location --no-obsolete --no-wrap --ignore .venv --ignore var --ignore 'test*' --verbosity 0
	@DEBUG=true $(MANAGE) compilemessages --ignore .venv --verbosity 0
