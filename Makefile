# Everything sets itself up: `make demo` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV := .venv
# The program is started hundreds of times: it shall not be compiled each time.
unexport PYTHONDONTWRITEBYTECODE
# Many tests wait for a daemon more than they compute: one more process than a small machine has cores.
TEST_PROCESSES ?= 3
BIN := $(VENV)/bin
# What the long suite counted; it is computing all the time, and its longest tests come in several parts.
FAULT_REPORT ?= $(CURDIR)/faults-report.txt
FAULT_PROCESSES ?= 2
# What is random in it is repeated with the seed of a run: make faults FAULT_SEED=...
FAULT_SEED ?= $(shell $(PYTHON) -c "import random; print(random.randrange(1 << 30))")
READY := $(VENV)/.ready
# No cache: nothing is written outside this folder, and an account without a home can do it, too.
PIP := -m pip install --quiet --disable-pip-version-check --no-cache-dir --root-user-action=ignore

.PHONY: help demo test check lint fix faults bench docs clean
.DEFAULT_GOAL := help

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Coverslip needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3"; exit 1; }
	@test -w . || { echo "You may not write in $(CURDIR); clone it as yourself, to a folder of yours"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python could not make $(VENV); on Debian: apt install python3-venv"; exit 1; }
	$(BIN)/python $(PIP) --require-hashes -r requirements/dev.txt
	$(BIN)/python $(PIP) --no-deps --no-build-isolation -e .
	@touch $@

demo: $(READY) ## play a microscope for a minute and show what becomes of its files (DIR=... for a folder of your own)
	$(BIN)/python tools/demo.py $(if $(DIR),--dir "$$DIR")

test: $(READY) ## run the tests, on SQLite and on PostgreSQL
	$(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist worksteal

check: lint test ## run everything that CI runs

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m config.reference --check
	$(BIN)/python -m daemon.reference --check
	$(BIN)/python tools/check_docs.py

fix: $(READY) ## format, and mend what the linter can mend
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

faults: $(READY) ## the long property and fault suites (thousands of cases)
	@seed=$(FAULT_SEED); echo "seed $$seed" > $(FAULT_REPORT); \
	COVERSLIP_FAULT_SEED=$$seed COVERSLIP_FAULT_REPORT=$(FAULT_REPORT) $(BIN)/python -m pytest -m faults_full \
	  --timeout 14400 -rA -n $(FAULT_PROCESSES) --dist worksteal --hypothesis-seed=$$seed; \
	ended=$$?; cat $(FAULT_REPORT); exit $$ended

bench: $(READY) ## measure, each figure beside its baseline
	$(BIN)/python -m benchmarks.run

docs: $(READY) ## write the generated pages again
	$(BIN)/python -m config.reference
	$(BIN)/python -m daemon.reference

clean: ## remove what was made here
	rm -rf $(VENV) build demo *.egg-info .mypy_cache .ruff_cache
