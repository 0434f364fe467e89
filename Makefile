# Everything here needs only python3 (3.11 or newer) and the package registries. `make help` lists the targets.
#
# The environment is made once, in .venv, and made again only when pyproject.toml changes. Another interpreter:
# `make PYTHON=python3.12 test`. More or fewer tests: `make test PYTEST_ARGS="-k partitions"`.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory

PYTHON ?= python3
PYTEST_ARGS ?=
BENCHMARK_ARGS ?=
VENV := .venv
BIN := $(CURDIR)/$(VENV)/bin
PYRIGHT_VENV := .venv-pyright
CHECKED := $(wildcard src tests benchmarks examples)

# Some machines set this for tidiness; it makes every process compile every module again.
unexport PYTHONDONTWRITEBYTECODE
# A PYTHONPATH from outside would let other packages shadow the ones that are tested.
unexport PYTHONPATH
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help venv demo test differential soak lint bench pyright clean

help: ## Show this list
	@echo "Headwater: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 12

# A new environment. Old interpreters and a missing ensurepip (Debian ships it apart) are told in words, not tracebacks.
$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Headwater needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1). Name a newer one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "==> a new environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# The stamps remember what was installed; pip compiles what it installs, and our own sources are compiled after it.
# What developers need holds what the example needs, so the demo uses it when it is there.
$(VENV)/.installed-dev: pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "==> installing Headwater and what its developers need"
	@$(BIN)/python -m ensurepip --upgrade >/dev/null 2>&1 || true
	@$(BIN)/python -m pip install --quiet --compile -e '.[dev]'
	@$(BIN)/python -m compileall -q src
	@touch $@ $(VENV)/.installed-examples

$(VENV)/.installed-examples: pyproject.toml | $(VENV)/pyvenv.cfg
	@echo "==> installing Headwater and what the example needs"
	@$(BIN)/python -m ensurepip --upgrade >/dev/null 2>&1 || true
	@$(BIN)/python -m pip install --quiet --compile -e '.[examples]'
	@$(BIN)/python -m compileall -q src
	@touch $@

venv: $(VENV)/.installed-dev ## Make the environment in .venv

FLIGHTS := cd examples/flights && $(BIN)/headwater

demo: $(VENV)/.installed-examples ## Materialize all flights of New York in 2013, and show what there is to see
	@echo "==> from raw tables to answers: 365 days of flights and weather, joined with planes, airports and airlines;"
	@echo "    punctuality by airport and month, delay by carrier and hour, a model of delay; in one backfill"
	@$(FLIGHTS) backfill 'group:bronze group:silver group:gold' --partition-range 2013-01-01...2013-12-31
	@echo
	@echo "==> the report: a job of three ops"
	@$(FLIGHTS) job execute flights_report
	@echo
	@echo "==> what exists now"
	@$(FLIGHTS) asset list
	@echo
	@$(FLIGHTS) run list --limit 3
	@echo
	@echo "The report             examples/flights/data/reports/flights.html"
	@echo "The code               examples/flights/flights, told of in examples/flights/README.md"
	@echo "The way in             docs/quickstart.md"
	@echo "To look further        cd examples/flights && source ../../$(VENV)/bin/activate"
	@echo "  headwater asset show gold/delay_model       what it is, what it needs, how good it is"
	@echo "  headwater asset list '+gold/delay_model'    all that it is made from"
	@echo "  headwater asset show bronze/flights         what the checks found: four holidays"
	@echo "  headwater backfill show                     what the backfill made of each asset"
	@echo "  headwater run show latest                   the steps of a run; headwater run logs latest what they said"
	@echo "  headwater materialize 'group:bronze group:silver' --partition 2013-02-08     one day again"

test: $(VENV)/.installed-dev ## Everything that CI checks: style, types, import directions, tests
	@$(MAKE) lint
	@echo "==> tests"
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

DIFFERENTIAL_ARGS ?=
FRESH ?= 60

differential: $(VENV)/.installed-dev ## Run a few hundred programs on Dagster (installed in its own environment) and on Headwater, and compare; make FRESH=1000 differential: more of them
	@$(BIN)/python -m tests.differential $(DIFFERENTIAL_ARGS)
	@echo "==> generated programs: those that are written down, and $(FRESH) new ones"
	@$(BIN)/python -m tests.differential.generated
	@$(BIN)/python -m tests.differential.generated --fresh $(FRESH)

SOAK_SEEDS ?= 500
SOAK_KILLS ?= 300

soak: $(VENV)/.installed-dev ## Kill runs at 500 random moments, and a service 300 times on each store; a quarter of an hour
	@HEADWATER_SOAK_SEEDS=$(SOAK_SEEDS) $(BIN)/python -m pytest -s tests/crash/test_run_crash.py
	@HEADWATER_LIES=10 $(BIN)/python -m pytest -s tests/scenarios/test_the_lies.py
	@$(BIN)/python -m tests.crash.service_soak --kills $(SOAK_KILLS) --seed 1
	@$(BIN)/python -m tests.crash.service_soak --kills $(SOAK_KILLS) --seed 2 --postgres

lint: $(VENV)/.installed-dev ## Style, types and import directions
	@echo "==> ruff check"
	@$(BIN)/ruff check $(CHECKED)
	@echo "==> ruff format"
	@$(BIN)/ruff format --check $(CHECKED)
	@echo "==> mypy --strict"
	@$(BIN)/mypy
	@cd examples/flights && $(BIN)/mypy
	@echo "==> import directions"
	@$(BIN)/lint-imports --no-logo

bench: $(VENV)/.installed-dev ## Time Headwater against Dagster (installed in its own environment); some minutes
	@$(BIN)/python -m benchmarks $(BENCHMARK_ARGS)

# pyright comes from PyPI with its own node, then fetches itself from the npm registry; so it has a place of its own.
$(PYRIGHT_VENV)/.installed: | $(VENV)/pyvenv.cfg
	@echo "==> installing pyright in $(PYRIGHT_VENV)"
	@$(BIN)/python -m venv $(PYRIGHT_VENV)
	@$(PYRIGHT_VENV)/bin/python -m pip install --quiet 'pyright[nodejs]'
	@touch $@

pyright: $(VENV)/.installed-dev $(PYRIGHT_VENV)/.installed ## The second opinion on types: the example and the typed use cases
	@$(PYRIGHT_VENV)/bin/pyright --pythonpath $(BIN)/python

clean: ## Remove environments, caches and what the demo made
	rm -rf $(VENV) $(PYRIGHT_VENV) benchmarks/.peer-venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	find . -name __pycache__ -type d -not -path './node_modules/*' -prune -exec rm -rf {} +
	rm -rf examples/*/.headwater examples/*/data
