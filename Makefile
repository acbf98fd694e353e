# Everything a developer runs. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
NODES ?= 3
PORT ?= 3000
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
# Test processes beside each other. Most tests wait for other programs.
JOBS ?= 3
# Whoever has nothing to do takes tests from the end of another's list.
DIST ?= worksteal
# Else every process that a test starts compiles all modules anew. An empty value unsets it.
export PYTHONDONTWRITEBYTECODE :=
PYTEST_ARGS ?=
BENCH_ARGS ?=
UPGRADE ?= --upgrade

.PHONY: help run demo dev check test coverage itest faults bench profile lint format generate tools requirements clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --require-hashes -r

# Nothing is left of an environment that could not be made: the next try would take it for whole.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "objgw needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo not there)." \
	    "Name another: make PYTHON=python3.13 …" >&2; exit 1; }
	@[ ! -e $(VENV) ] || { \
	  echo "$(VENV) is there and is no virtual environment: remove it, or name another: make VENV=…" >&2; exit 1; }
	@echo "Making the virtual environment in $(VENV). This takes a minute or two."
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# Stamps, so that a run with nothing new installs nothing. The demo waits for no test tools.
$(VENV)/.installed: requirements/base.txt requirements/production.txt requirements/demo.txt \
    requirements/development.txt | $(BIN)/python
	$(PIP_INSTALL) requirements/development.txt
	@touch $@ $(VENV)/.installed-demo

$(VENV)/.installed-demo: requirements/base.txt requirements/production.txt requirements/demo.txt \
    | $(BIN)/python
	$(PIP_INSTALL) requirements/demo.txt
	@touch $@

tools: $(VENV)/.installed ## Make the virtual environment with everything development needs

run: ## Build and start the whole stack with Docker Compose, on port 3000
	$(COMPOSE) up --build

demo: $(VENV)/.installed-demo ## Run NODES (3) local S3 nodes and the gateway on PORT (3000), without Docker
	@exec $(BIN)/python manage.py demo --nodes $(NODES) --port $(PORT)

dev: $(VENV)/.installed-demo ## The same with Django's development server: pages to click through
	@exec $(BIN)/python manage.py demo --development --nodes $(NODES) --port $(PORT)

test: $(VENV)/.installed ## Fast and functional tests; needs neither Docker nor Go
	$(BIN)/python -m pytest -n $(JOBS) --dist $(DIST) -m "not docker and not faults" $(PYTEST_ARGS)

coverage: $(VENV)/.installed ## Lines and branches that `make test` runs, in gunicorn's workers as well
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n $(JOBS) --dist loadfile -m "not docker and not faults" $(PYTEST_ARGS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

check: lint ## What to run at every save: lint, types, and the tests that start nothing
	$(BIN)/python -m pytest -q -n $(JOBS) access nodes objects problems telemetry terminal objgw_site/tests $(PYTEST_ARGS)

itest: $(VENV)/.installed ## The real thing: a Docker engine, the compose stack, MinIO nodes
	$(BIN)/python -m pytest -m "docker and not faults" $(PYTEST_ARGS)

faults: $(VENV)/.installed ## Break nodes, Docker and clients for real; OBJGW_FAULTS=short for CI
	$(BIN)/python -m pytest -m faults $(PYTEST_ARGS) tests/faults

bench: $(VENV)/.installed ## The gateway beside its node and nginx; BENCH_ARGS=--quick for 2 minutes
	$(BIN)/python -m benchmarks $(BENCH_ARGS)

profile: $(VENV)/.installed ## Where a request's CPU time goes, by stage
	$(BIN)/python -m benchmarks.profiling $(BENCH_ARGS)

lint: $(VENV)/.installed ## ruff, mypy --strict, import directions, Django's own checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python manage.py check --deploy --fail-level ERROR

format: $(VENV)/.installed ## Format and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(VENV)/.installed ## Write docs/openapi.yaml from the code
	$(BIN)/python manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

requirements: $(VENV)/.installed ## Pin requirements/*.txt anew; UPGRADE= only adds what is new in *.in
	cd requirements && for set in base production demo development; do \
	  $(abspath $(BIN))/pip-compile --quiet $(UPGRADE) --generate-hashes --allow-unsafe --strip-extras \
	    --no-header --no-emit-index-url --no-emit-find-links --annotation-style=line \
	    -o $$set.txt $$set.in || exit 1; \
	done

clean: ## Remove the virtual environment, caches and the demo's data
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
