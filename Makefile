# Everything one does here. `make` alone prints the list.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup run work test tryton lint fix types contracts sure bench attack axe lock messages assets
MAKEFLAGS += --no-print-directory

# Compiled modules save seconds at each start.
unexport PYTHONDONTWRITEBYTECODE

# The first Python that fits; name another with PYTHON=…
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null && echo $$p && exit; \
	done; echo python3)
BIN := .venv/bin
COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11

# make run PORT=8123 DATA_DIR=x CRM=tryton DEMO=0
ifdef HOST
export PORTAL_HOST := $(HOST)
endif
ifdef PORT
export PORTAL_PORT := $(PORT)
endif
ifdef DATA_DIR
export PORTAL_DATA_DIR := $(DATA_DIR)
endif
ifdef DEMO
export PORTAL_DEMO := $(DEMO)
endif
ifdef CRM
export PORTAL_CRM := $(CRM)
endif

help: ## print this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

setup: ## install everything into .venv (a second time: nothing to do)
	@$(PYTHON) tools/setup.py $(if $(filter setup,$(MAKECMDGOALS)),,--quiet)

run: setup ## the whole portal on this machine, with its demo community
	@exec $(BIN)/portal up

work: setup ## only the workers, for a portal that is served elsewhere
	@exec $(BIN)/portal work

test: setup tryton ## every test, services included
	@$(PYTHON) tools/browser.py
	$(BIN)/python -m pytest -n 2 --dist loadfile $(TESTS)

tryton: setup ## the Tryton server that the tests and `make run CRM=tryton` use
	@$(BIN)/python -m portal.local.tryton

lint: setup ## ruff, formatting, templates, catalogues
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/python tools/messages.py check

fix: setup ## mend what can be mended by itself
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: setup ## mypy, strictly
	$(BIN)/mypy

contracts: setup ## who may import whom
	$(BIN)/lint-imports

sure: test lint types contracts ## all of it, as before a commit that others build on

bench: setup ## measure, and print the table
	$(BIN)/python -m bench $(BENCH)

axe: setup ## axe-core over every page, each kind of member, both languages, themes and widths (half an hour)
	@$(PYTHON) tools/browser.py
	@$(BIN)/python -m tests.journeys.axe $(AXE)

attack: setup ## wapiti, sqlmap and schemathesis against a demo on this machine (an hour)
	@$(BIN)/python tools/attack $(ATTACK)

sbom: setup ## what is built in, as CycloneDX: dist/sbom.json, from the locked versions and their hashes
	@mkdir -p dist
	@$(BIN)/cyclonedx-py requirements requirements/web.txt --pyproject pyproject.toml --output-reproducible \
		--of JSON -o dist/sbom.json 2>/dev/null
	@$(BIN)/python tools/sbom.py dist/sbom.json

lock: setup ## choose versions anew and write them with their hashes
	echo 'uv==$(shell $(BIN)/uv --version | cut -d' ' -f2)' | $(COMPILE) - -o requirements/uv.txt
	$(COMPILE) pyproject.toml -o requirements/web.txt $(LOCK)
	$(COMPILE) --all-extras --group dev pyproject.toml -c requirements/web.txt -o requirements/all.txt $(LOCK)
	$(COMPILE) integrations/tryton/requirements.in -o integrations/tryton/requirements.txt $(LOCK)
	for tool in scan fuzz; do $(COMPILE) requirements/attack/$$tool.in -o requirements/attack/$$tool.txt $(LOCK); done

messages: setup ## gather sentences to translate (FEATURE=ideas for one feature)
	$(BIN)/python tools/messages.py extract $(FEATURE)

assets: ## fetch third-party scripts and styles anew (needs Node; running does not)
	npm ci --ignore-scripts
	node tools/assets.mjs
