PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: install demo test test-slow coverage lint types contracts wheel-test quick ci

install: $(INSTALLED)

$(INSTALLED): pyproject.toml
	test -d $(VENV) || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $(INSTALLED)

demo: quick
	$(BIN)/bench report results/quick

quick: install
	$(BIN)/bench run --config configs/quick.yaml

test: install
	$(BIN)/pytest -m 'not slow' --durations=10

test-slow: install
	$(BIN)/pytest -m slow --durations=10

coverage: install
	$(BIN)/pytest -m 'not slow' --cov --cov-report=term-missing:skip-covered

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: install
	$(BIN)/mypy

contracts: install
	$(BIN)/lint-imports

wheel-test: install
	$(BIN)/pytest -m slow tests/test_wheel.py

ci:
	.ci/run
