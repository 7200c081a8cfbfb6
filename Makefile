# make demo    sets everything up, turns synthetic patients into a scored report, says where it lies
# make test    lint, types, import contract, tests
# make bench   Oncohort beside the tools that people use (they are installed for this only), into docs/performance.md
PYTHON ?= python3
BIN := .venv/bin
BENCH := .venv-bench
export ONCOHORT_DATA ?= $(abspath $(wildcard ../shared/data))
WORKERS ?= 2

.PHONY: demo test explore test-slow test-extras coverage lint bench clean

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
	$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup

explore: .venv/dev
	$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup --hypothesis-profile exploring

coverage: .venv/dev
	$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup --cov=oncohort --cov-report=term:skip-covered

test-slow: .venv/dev $(BENCH)/ready
	$(BIN)/pytest -q -m 'slow and not extras'
	$(BENCH)/bin/pytest -q -m 'slow and extras'

# the extra `train` holds torch where it is: nothing replaces it by a build for graphics cards
$(BENCH)/ready: pyproject.toml requirements/train-constraints.txt $(wildcard benchmarks/*.txt)
	$(PYTHON) -m venv $(BENCH)
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements/train-constraints.txt -r benchmarks/peers.txt --editable '.[dev,train]'
	$(BENCH)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -r benchmarks/peers-alone.txt
	@touch $@

bench: $(BENCH)/ready
	$(BENCH)/bin/python -m benchmarks
	$(BENCH)/bin/python -m benchmarks --markdown

test-extras: $(BENCH)/ready
	OMP_NUM_THREADS=1 $(BENCH)/bin/pytest -q -m 'extras and not slow' -n $(WORKERS) --dist loadgroup

clean:
	rm -rf .venv $(BENCH) build/benchmarks oncohort-demo .mypy_cache .ruff_cache .coverage
