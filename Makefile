# Two commands: make run and make test. Everything else serves those two.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_PYTHON_DOWNLOADS := never
# Compiling bytecode here halves the time that the programs take to start.
SYNC := $(BIN)/uv sync --quiet --locked --inexact --compile-bytecode

.PHONY: help run test check unit integration acceptance browser chaos chaos-short bench-events bench-mill bench-pollution bench-queue bench-uploads format redis-cli vendor screenshots mutants clean

help:  ## List the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || \
		{ echo "Millrace needs Python 3.11, 3.12 or 3.13. Choose one, for example: make PYTHON=python3.12 run"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
		{ echo "$(PYTHON) cannot create virtual environments. On Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

$(VENV)/run.stamp: $(BIN)/uv uv.lock pyproject.toml
	@$(SYNC) --no-default-groups --extra standalone --extra client
	@touch $@

$(VENV)/test.stamp: $(VENV)/run.stamp
	@$(SYNC) --extra standalone --extra client
	@touch $@

run: $(VENV)/run.stamp  ## Run Millrace on this machine until Ctrl-C
	@exec $(BIN)/millrace serve

node_modules/.package-lock.json: package.json package-lock.json
	@command -v npm >/dev/null || { echo "Checking the page's scripts needs Node.js 20 or later with npm"; exit 1; }
	@npm ci --silent --no-audit --no-fund
	@touch $@

test: check unit integration acceptance browser chaos-short  ## Run all checks and tests

check: $(VENV)/test.stamp node_modules/.package-lock.json  ## Check format, lint, types and import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	npm run --silent check

unit: $(VENV)/test.stamp node_modules/.package-lock.json  ## Run the tests that need no servers
	$(BIN)/pytest tests/unit tests/field
	npm test --silent

integration: $(VENV)/test.stamp  ## Run the tests against real Valkey and PostgreSQL
	$(BIN)/pytest tests/integration

acceptance: $(VENV)/test.stamp  ## Run the tests that start the programs
	$(BIN)/pytest tests/acceptance

browser: $(VENV)/test.stamp  ## Run the tests in Chromium
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/pytest tests/browser

chaos-short: $(VENV)/test.stamp
	$(BIN)/pytest tests/chaos -s

chaos: $(VENV)/test.stamp  ## Break everything for five minutes (CHAOS_SEED, CHAOS_SECONDS)
	CHAOS_SECONDS=$${CHAOS_SECONDS:-300} $(BIN)/pytest tests/chaos -s

mutants: $(VENV)/mutants.stamp  ## Break the code and count what the tests notice; AREA, SAMPLE, MINUTES, SEED
	$(BIN)/python -m tests.mutation $(AREA) $(if $(ONLY),--only '$(ONLY)') $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

$(VENV)/mutants.stamp: $(VENV)/test.stamp
	@$(SYNC) --extra standalone --extra client --group mutants
	@touch $@

format: $(VENV)/test.stamp node_modules/.package-lock.json  ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	npm run --silent format

redis-cli:  ## Inspect the streams of `make run`
	@read -r port password < <($(BIN)/python -c 'import json; s = json.load(open("var/standalone.json")); print(s["valkey_port"], s["valkey_password"])'); \
		REDISCLI_AUTH=$$password exec redis-cli -p $$port

bench-mill: $(VENV)/test.stamp  ## Compare the profile handler with its engine (about ten minutes)
	$(BIN)/python -m benchmarks.mill

bench-pollution: $(VENV)/test.stamp  ## Measure how much of polluted files is recovered (about five minutes)
	$(BIN)/python -m benchmarks.mill --pollution

bench-queue: $(VENV)/test.stamp  ## Compare the queue with other Python queues (about ten minutes)
	$(BIN)/python -m benchmarks.queue --write

bench-uploads: $(VENV)/test.stamp  ## Compare uploads with other servers (about two minutes)
	$(BIN)/python -m benchmarks.uploads

bench-events: $(VENV)/test.stamp  ## Compare live updates with sse-starlette (about three minutes)
	$(BIN)/python -m benchmarks.events

vendor:  ## Update the vendored browser files from npm
	scripts/vendor

screenshots: $(VENV)/test.stamp  ## Take the screenshots in docs/screenshots
	$(BIN)/python -m tests.browser.chromium
	$(BIN)/python -m tests.browser.screenshots

clean:  ## Delete the environment and caches, but no data
	rm -rf $(VENV) node_modules .mutants .mypy_cache .ruff_cache .pytest_cache .hypothesis
