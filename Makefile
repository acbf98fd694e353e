# Everything a developer runs. `make` alone lists it.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
NODES ?= 3
PORT ?= 3000
COMPOSE ?= $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)
PYTEST_ARGS ?=
BENCH_ARGS ?=

.PHONY: help run demo test itest faults bench profile lint format generate tools requirements clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -r

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

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

test: $(VENV)/.installed ## Fast and functional tests; needs neither Docker nor Go
	$(BIN)/python -m pytest -m "not docker and not faults" $(PYTEST_ARGS)

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

requirements: $(VENV)/.installed ## Pin requirements/*.txt anew from requirements/*.in
	for set in base production demo development; do \
	  $(BIN)/pip-compile --quiet --upgrade --strip-extras --no-header --no-emit-index-url \
	    --no-emit-find-links --annotation-style=line -o requirements/$$set.txt requirements/$$set.in; \
	done

clean: ## Remove the virtual environment, caches and the demo's data
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .hypothesis
