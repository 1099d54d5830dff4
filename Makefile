# The project's commands. Everything needs only Python 3.11 with venv, and make.
SHELL := /bin/sh
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-dev demo run test check lint types bench reconcile migrations screenshots

help: ## list these commands
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

# A lock file names everything there is to install: without --no-deps, pip looks for newer releases of packages
# that another asks for with extras, and then refuses them.
$(VENV)/.runtime: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is %d.%d. Set PYTHON=/path/to/python3.11." % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@touch $@

$(VENV)/.dev: requirements-dev.lock $(VENV)/.runtime
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-dev.lock
	@touch $@

staticfiles/staticfiles.json: $(VENV)/.runtime $(shell find static -type f)
	$(BIN)/python manage.py collectstatic --noinput --verbosity 0

setup: $(VENV)/.runtime staticfiles/staticfiles.json ## the environment that runs the product

setup-dev: setup $(VENV)/.dev ## the same with the tools of development

demo: setup ## demo company: build, import, report, serve (ARGS=--no-serve stops after the report)
	$(BIN)/python manage.py demo $(ARGS)

run: setup ## serve web, worker and beat on your own data
	$(BIN)/python manage.py serve $(ARGS)

test: setup-dev ## the whole suite, on SQLite and on PostgreSQL with Redis and a real worker
	$(BIN)/python -m coverage erase
	@# Two at a time, for two cores. The second group prints when both are through; 5 is "nothing to run" (ARGS narrows).
	@set -u; ran() { "$$@" || [ $$? -eq 5 ]; }; log=$$(mktemp); \
	( ran $(BIN)/python -m pytest -m thorough $(ARGS) && \
	  ran $(BIN)/python -m coverage run -m pytest --database postgresql -m real_parts $(ARGS) ) > "$$log" 2>&1 & second=$$!; \
	ran $(BIN)/python -m coverage run -m pytest -m "not thorough" $(ARGS); first=$$?; \
	wait $$second; second=$$?; cat "$$log"; rm -f "$$log"; [ $$first -eq 0 ] && [ $$second -eq 0 ]
	$(BIN)/python -m coverage combine --quiet
	$(BIN)/python -m coverage report

lint: setup-dev ## ruff, formatting, import contracts, migrations in step with models
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run

types: setup-dev ## mypy, strict
	$(BIN)/mypy .

check: lint types test ## all that CI runs, in its order

bench: setup-dev ## speed and memory as ratios against a bare scan (see benchmarks/README.md)
	@# All of them, whatever one says; ends with an error where any is over its budget.
	@failed=0; \
	$(BIN)/python benchmarks/bench_import.py --standard $(ARGS) || failed=1; \
	$(BIN)/python benchmarks/bench_load.py || failed=1; \
	$(BIN)/python benchmarks/bench_reimport.py || failed=1; \
	$(BIN)/python benchmarks/bench_allocation.py || failed=1; \
	$(BIN)/python benchmarks/bench_suggestions.py || failed=1; \
	$(BIN)/python benchmarks/bench_team_page.py || failed=1; \
	exit $$failed

reconcile: setup ## every total from files to owners (DATA="files or folders" in an installation of their own; ARGS)
	@$(if $(DATA),rm -rf var/reconcile; DATA_DIR=var/reconcile $(BIN)/python manage.py migrate --verbosity 0 && DATA_DIR=var/reconcile) \
	  $(BIN)/python manage.py reconcile $(DATA) $(ARGS)

migrations: setup-dev ## make a migration: make migrations APP=costs NAME=what_it_does
	@test -n "$(APP)" && test -n "$(NAME)" || { echo "Name the app and the change: make migrations APP=costs NAME=add_schedule"; exit 2; }
	$(BIN)/python manage.py makemigrations $(APP) --name $(NAME)

screenshots: setup-dev ## every page, desktop and phone, light and dark, into screenshots/
	$(BIN)/python -m tests.browser.screenshots $(ARGS)
