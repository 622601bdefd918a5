# Each target does its own set-up: a virtual environment in .venv with the versions of requirements.lock.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
ARGS   ?=
# How many processes share the suite, each with a ClickHouse of its own (half a gigabyte); 0 = none beside pytest's.
TEST_PROCESSES ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test rigs faults fuzz check format bench lock schemas docs dashboard clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing Parcours and what it needs into $(VENV) (once)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $(STAMP)

run: $(STAMP) ## the main job: everything on one machine, a told journey and 5,000 people (ARGS=--once ends by itself)
	$(BIN)/parcours demo $(ARGS)

test: $(STAMP) ## the test suite, on real parts (ARGS="-k wal" narrows it, TEST_PROCESSES=0 is one process)
	$(BIN)/python -m pytest --numprocesses $(TEST_PROCESSES) --dist worksteal $(ARGS)

rigs: $(STAMP) ## the long form of the fault rigs: a minute without ClickHouse, kills of collector and host
	RIG_OUTAGE_SECONDS=60 RIG_COLLECTOR_KILLS=20 $(BIN)/python -m pytest tests/test_promises.py --timeout 1200 $(ARGS)
	RIG_REPLACEMENTS=5 $(BIN)/python -m pytest tests/test_workers.py --timeout 1200 $(ARGS)
	CONSERVATION_EXAMPLES=1000 CONSERVATION_KILLS=40 $(BIN)/python -m pytest tests/test_sdk_conservation.py --timeout 1200 $(ARGS)

faults: $(STAMP) ## the long form of the fault matrix (half an hour), printed as a table: 200 kills of the collector, and every other fault
	@rm -f $(VENV)/faults.jsonl
	FAULTS_LONG=1 FAULTS_MATRIX=$(VENV)/faults.jsonl $(BIN)/python -m pytest tests/faults --timeout 3600 $(ARGS)
	@$(BIN)/python -m tests.faults.matrix $(VENV)/faults.jsonl

fuzz: $(STAMP) ## a million hostile inputs through a real collector (half an hour)
	FUZZ_INPUTS=1000000 FUZZ_REPORT=$(VENV)/fuzz.json $(BIN)/python -m pytest tests/fuzz --timeout 7200 $(ARGS)
	@cat $(VENV)/fuzz.json

check: $(STAMP) ## ruff and mypy (strict)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP) ## let ruff mend what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)-bench/.installed ## the benchmarks: ratios within one run (ARGS=--quick is short)
	$(VENV)-bench/bin/python -m benchmarks $(ARGS)

# The other SDKs want versions of their own: they get an environment of their own.
$(VENV)-bench/.installed: pyproject.toml benchmarks/requirements.txt
	@test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	@$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]' --requirement benchmarks/requirements.txt
	@touch $@

dashboard: $(STAMP) ## draw docs/dashboard.png from a real run (four minutes; Debian's prometheus)
	$(BIN)/python -m pip install --quiet --requirement deploy/grafana/requirements.txt
	PYTHONPATH=. $(BIN)/python deploy/grafana/picture.py

lock: ## pin the newest versions that pyproject.toml allows
	@rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/python -m pip install --quiet --upgrade pip
	$(VENV)-lock/bin/python -m pip install --quiet --editable '.[dev]'
	$(VENV)-lock/bin/python -m pip freeze --exclude-editable > requirements.lock
	@rm -rf $(VENV)-lock

schemas: $(STAMP) ## write the catalogue's JSON Schema again
	$(BIN)/parcours schemas export schemas/catalogue

docs: $(STAMP) ## write the printed results and the tables in the documents again (look at the diff)
	$(BIN)/python -m tests.documents

clean: ## remove what the targets made
	rm -rf $(VENV) $(VENV)-lock $(VENV)-bench .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
