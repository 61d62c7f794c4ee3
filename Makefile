# make run, make test; everything else serves those two.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_PYTHON_DOWNLOADS := never
# Byte code once, here: the programs start in half the time.
SYNC := $(BIN)/uv sync --quiet --locked --inexact --compile-bytecode

.PHONY: help run test check unit integration acceptance browser chaos chaos-short bench-events bench-mill bench-pollution bench-queue bench-uploads format redis-cli vendor screenshots clean

help:  ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
		{ echo "Millrace needs Python 3.11, 3.12 or 3.13; name one: make PYTHON=python3.12 run"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/run.stamp: $(BIN)/uv uv.lock pyproject.toml
	@$(SYNC) --no-default-groups --extra standalone --extra client
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	@$(SYNC) --extra standalone --extra client
	@touch $@

run: $(VENV)/run.stamp  ## Start everything on this machine; Ctrl-C stops it
	@exec $(BIN)/python -m standalone

test: check unit integration acceptance browser chaos-short  ## Check and test everything

check: $(VENV)/test.stamp  ## Lint, types, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

unit: $(VENV)/test.stamp  ## Tests without servers
	$(BIN)/pytest tests/unit tests/field

integration: $(VENV)/test.stamp  ## Tests against real Valkey and PostgreSQL
	$(BIN)/pytest tests/integration

acceptance: $(VENV)/test.stamp  ## Tests that start the programs
	$(BIN)/pytest tests/acceptance

browser: $(VENV)/test.stamp  ## Tests in Chromium
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/pytest tests/browser

chaos-short: $(VENV)/test.stamp
	$(BIN)/pytest tests/chaos -s

chaos: $(VENV)/test.stamp  ## Break everything for five minutes; CHAOS_SEED and CHAOS_SECONDS choose how
	CHAOS_SECONDS=$${CHAOS_SECONDS:-300} $(BIN)/pytest tests/chaos -s

format: $(VENV)/test.stamp  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

redis-cli:  ## Look into the streams of `make run`
	@read -r port password < <($(BIN)/python -c 'import json; s = json.load(open("var/standalone.json")); print(s["valkey_port"], s["valkey_password"])'); \
		REDISCLI_AUTH=$$password exec redis-cli -p $$port

bench-mill: $(VENV)/test.stamp  ## Measure the profile handler beside its engine (about ten minutes)
	$(BIN)/python -m benchmarks.mill

bench-pollution: $(VENV)/test.stamp  ## Measure what comes back of polluted files (about five minutes)
	$(BIN)/python -m benchmarks.mill --pollution

bench-queue: $(VENV)/test.stamp  ## Measure the queue beside other Python queues (about ten minutes)
	$(BIN)/python -m benchmarks.queue --write

bench-uploads: $(VENV)/test.stamp  ## Measure uploads beside other servers (about two minutes)
	$(BIN)/python -m benchmarks.uploads

bench-events: $(VENV)/test.stamp  ## Measure live updates beside sse-starlette (about three minutes)
	$(BIN)/python -m benchmarks.events

vendor:  ## Refresh the vendored browser files from npm
	scripts/vendor

screenshots: $(VENV)/test.stamp  ## Make docs/screenshots from the running program
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m tests.browser.screenshots

clean:  ## Delete the environment and caches, never the data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
