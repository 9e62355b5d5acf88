# Two commands: `make demo` and `make test`. ARGS goes to the command: make demo ARGS="--port 9000".
# PYTHON=/path/to/python chooses the interpreter; otherwise the newest that is 3.11 or later is taken.

BIN := .venv/bin
ARGS ?=

.PHONY: help demo install install-test test lint bench planted machine fuzz chaos drill cross-check lock clean

help:
	@echo "make demo      everything on an embedded database; prints the addresses"
	@echo "make test      format, lint, types and the whole suite"
	@echo "make install   .venv/bin/ambassade"
	@echo "make lint      format, lint and types only"
	@echo "make bench     measures the hot paths;  make chaos  kills and counts"
	@echo "make drill     plays the contract's fifteen lines against real processes, on both engines"
	@echo "make planted   plants every bug that is kept, and sees its test fail"
	@echo "make machine   five hundred random stories of a shop on each engine, other ones each time"
	@echo "make fuzz      asks the API for hundreds of things an operation, and every limit of every field"
	@echo "make cross-check   our signatures against Shopify's library and others (needs Node)"
	@echo "make lock      writes the locks again (needs uv);  make clean  takes away what was made"

demo: install
	@$(BIN)/ambassade demo $(ARGS)

install:
	@sh install.sh requirements.txt

install-test:
	@sh install.sh requirements-test.txt

lint: install-test
	@$(BIN)/ruff format --check
	@$(BIN)/ruff check
	@$(BIN)/mypy

test: lint
	@$(BIN)/pytest --numprocesses auto --dist loadfile --no-loadscope-reorder $(ARGS)

bench: install-test
	@$(BIN)/python -m benchmarks.bench $(ARGS)

planted: install-test
	@AMBASSADE_ALL_PLANTED=1 $(BIN)/pytest tests/test_planted.py $(ARGS)

machine: install-test
	@AMBASSADE_STORIES=500 $(BIN)/pytest tests/referrals/rewarding/test_machine.py --timeout=7200 $(ARGS)

fuzz: install-test
	@AMBASSADE_FUZZ_EXAMPLES=300 $(BIN)/pytest tests/referrals/web/test_schemathesis.py --timeout=3600 $(ARGS)

cross-check: install-test
	@npm install --prefix tests/cross_check --no-audit --no-fund --no-package-lock --ignore-scripts --loglevel error
	@$(BIN)/pytest tests/cross_check $(ARGS)

chaos: install-test
	@$(BIN)/python -m benchmarks.chaos $(ARGS)

drill: install-test
	@$(BIN)/python -m tests.outside $(ARGS)

# Universal: every platform and Python from 3.11, every file by its hash, no word about where it comes from.
COMPILE := uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes --no-header
lock:
	@command -v uv >/dev/null || { echo "ambassade: make lock needs uv."; exit 1; }
	$(COMPILE) --extra build pyproject.toml -o requirements.txt $(ARGS)
	$(COMPILE) --extra build --extra test -c requirements.txt pyproject.toml -o requirements-test.txt $(ARGS)

clean:
	rm -rf .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find bot referrals storage tests -name __pycache__ -prune -exec rm -rf {} +
