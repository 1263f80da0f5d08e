# Every command installs what it needs into .venv and theme/runner/node_modules.
# Nothing is done twice: the stamps below say what is already there.

PYTHON ?= python3
BIN := .venv/bin
ENV := .venv/installed
RUNNER := theme/runner
MODULES := $(RUNNER)/node_modules/.package-lock.json
DIST := $(RUNNER)/dist/figure.js
export PATH := $(CURDIR)/$(BIN):$(PATH)
export NO_MKDOCS_2_WARNING := 1

.DEFAULT_GOAL := help
.PHONY: help serve test build check runtime browser bench mutants lock clean

help: ## List these commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

serve: $(ENV) $(DIST) ## Serve the site on http://127.0.0.1:8000 and reload it on every edit
	python -m mkdocs serve --livereload

test: check browser ## Run everything: types, style, build, examples, servers, browser
	python -m pytest -n 2 --dist loadgroup

build: $(ENV) $(DIST) ## Build the site into site/; any mistake stops it
	python -m mkdocs build --quiet --strict

check: $(ENV) $(DIST) ## Check types and style only
	ruff check .
	ruff format --check .
	mypy
	npm --prefix $(RUNNER) run --silent check

runtime: $(DIST) ## Fetch Pyodide and CodeMirror, bundle the page's scripts

browser: $(ENV) ## Find a browser for the tests, or install Debian's Chromium
	@python tests/browser/find.py || \
	  { [ "$$(id -u)" = 0 ] && apt-get update -qq && \
	    { apt-get install -y -qq chromium-headless-shell || apt-get install -y -qq chromium; } >/dev/null; } || \
	  { echo "No Chromium was found: install your system's package 'chromium'."; exit 1; }

bench: $(ENV) $(DIST) browser ## Print the speed of the engine, the build and the page
	python -m tests.benchmarks

mutants: $(ENV) ## Break every guard in snippets/ in turn; say which tests noticed
	python -m tests.mutants

lock: $(ENV) ## Compile requirements.txt anew from pyproject.toml
	python -m pip install --quiet uv
	uv pip compile pyproject.toml --universal --python-version 3.11 --upgrade \
	  --generate-hashes --no-emit-index-url --no-header --quiet -o requirements.txt

clean: ## Remove the environment, the caches and the built site
	rm -rf .venv .cache site $(RUNNER)/node_modules $(RUNNER)/dist .hypothesis mutants

$(ENV): requirements.txt
	$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer with venv is needed: install python3-venv."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements.txt
	touch $@

$(MODULES): $(ENV) $(RUNNER)/package-lock.json
	npm --prefix $(RUNNER) ci --silent --no-audit --no-fund
	touch $@

$(DIST): $(MODULES) $(RUNNER)/build.mjs $(shell find $(RUNNER)/src -type f 2>/dev/null)
	npm --prefix $(RUNNER) run --silent build
	touch $@
