# Everything starts here. `make help` lists the targets; `make demo` and `make test` need nothing but Python 3.11.
.DEFAULT_GOAL := help
.PHONY: help setup demo up down status test lint lock bench chaos soak docs-pictures docs-screens

BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2
CITY ?= shanghai

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1mmake %-14s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## the environment in .venv and the servers (first time: downloads; later: instantly)
	@PYTHON="$(PYTHON)" sh deploy/stack/setup.sh

demo: setup ## start everything and tell three stories live; then addresses and sign-in tokens
	@$(BIN)/paidan demo

up: setup ## start Kafka, PostgreSQL and the four services (idempotent)
	@$(BIN)/paidan up --city $(CITY)

down: setup ## stop everything; the state stays
	@$(BIN)/paidan down

status: setup ## which process runs, since when, with how much memory
	@$(BIN)/paidan status || true

lint: setup ## ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

test: lint ## the one gate: lint, then every test on real Kafka and PostgreSQL
	$(PYTEST) -m "not bench and not chaos and not soak" -n $(WORKERS) --dist loadgroup $(ARGS)

bench: setup ## measure speed and memory beside the raw loop, the bare pipeline and the naive version
	@$(BIN)/paidan bench $(ARGS)

chaos: setup ## kill processes under load and reconcile every accepted report
	@$(BIN)/paidan chaos $(ARGS)

soak: setup ## one hour of a whole city, speeded up, then the audit
	$(PYTEST) -m soak --timeout 0 $(ARGS)

docs-pictures: setup ## draw the pictures of the documentation again
	@$(BIN)/python docs/pictures.py

docs-screens: setup ## photograph the pages again (needs Chromium)
	@$(BIN)/python -m tests.journeys.page.pictures

lock: setup ## resolve requirements/*.in again into the hash-locked *.txt
	cd requirements && for name in bootstrap base dev; do \
	  ../$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    $$name.in -o $$name.txt || exit 1; done
