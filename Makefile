# make demo    sets everything up, turns synthetic patients into a scored report, says where it lies
# make test    lint, types, import contract, tests
PYTHON ?= python3
BIN := .venv/bin
export ONCOHORT_DATA ?= $(abspath $(wildcard ../shared/data))
WORKERS ?= 2

.PHONY: demo test test-slow lint benchmark clean

.venv/core: pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"Oncohort needs Python 3.11 or later, this is {v.major}.{v.minor}: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

.venv/dev: .venv/core
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: .venv/core
	$(BIN)/oncohort demo --out oncohort-demo

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

test: lint
	$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup --cov=oncohort --cov-report=

test-slow: .venv/dev
	$(BIN)/pytest -q -m slow

benchmark: .venv/dev
	$(BIN)/python -m benchmarks

clean:
	rm -rf .venv oncohort-demo .mypy_cache .ruff_cache .coverage
