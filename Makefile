# One command each: `make demo`, `make test`, `make labs`. They make the environment themselves.
VENV   ?= .venv
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --quiet -c constraints.txt
BOARD  ?= stm32f746
DATA   ?= digits

.PHONY: help demo test quick labs lint format types release bench lock clean

help:
	@echo "make demo     a network trained on real digits, made to fit a $(BOARD)"
	@echo "make test     every check that CI runs"
	@echo "make labs     JupyterLab on the labs"
	@echo "make quick    the tests without the slow ones"
	@echo "make release  student notebooks from the instructor's sources"
	@echo "make bench    every benchmark, results into benchmarks/results"

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "No Python found: install Python 3.11 or newer, or call make PYTHON=/path/to/python3.11"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than Python 3.11; call make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making the environment in $(VENV) (first time only: one to five minutes) ..."
	@"$(PYTHON)" -m venv $(VENV) || { echo "python -m venv failed (on Debian: apt install python3-venv)"; rm -rf $(VENV); exit 1; }

# A stamp is written only after its installation succeeded, so an interrupted one is done again.
$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing the course library ..."
	@$(PIP) -e .
	@touch $@

$(VENV)/.labs: $(VENV)/.core
	@echo "Installing JupyterLab ..."
	@$(PIP) -e '.[labs]'
	@touch $@

$(VENV)/.dev: $(VENV)/.core
	@echo "Installing what the tests need ..."
	@$(PIP) -e '.[labs,instructor,cluster,firmware,dev]'
	@touch $@

demo: $(VENV)/.core
	@$(BIN)/tinyml deploy --data $(DATA) --board $(BOARD)

test: lint types
	@$(BIN)/python -m pytest --durations=10

quick: $(VENV)/.dev
	@$(BIN)/python -m pytest -m "not slow"

labs: $(VENV)/.labs
	@$(BIN)/jupyter lab labs

lint: $(VENV)/.dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

format: $(VENV)/.dev
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

types: $(VENV)/.dev
	@$(BIN)/mypy

release: $(VENV)/.dev
	@$(BIN)/tinyml release --all

bench: $(VENV)/.dev
	@for script in $(filter-out benchmarks/harness.py,$(wildcard benchmarks/*.py)); do \
	  echo "== $$script"; \
	  $(BIN)/python $$script --json benchmarks/results/$$(basename $$script .py).json || exit 1; \
	done

# Renews constraints.txt from what the ranges in pyproject.toml resolve to today.
lock:
	@"$(PYTHON)" tools/lock.py

clean:
	rm -rf $(VENV) build deployed .mypy_cache .ruff_cache .pytest_cache .hypothesis
