# A fresh clone needs two commands: `make demo` and `make test`.

PACKAGES := protocols/nuan_protocols gateway/nuan_gateway emulator/nuan_emulator tools/nuan_tools
BIN := .venv/bin
# Tests run on all cores; `make test PYTEST="-k mbus"` picks some.
PYTEST ?= -n auto --dist worksteal

.PHONY: help install demo test lint format types bench pins clean

help: ## show what can be made
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

install: ## make .venv with everything at its pinned version
	@tools/install.sh

demo: install ## run a heating season of a sample building, from the meters to the bills
	@$(BIN)/nuan demo

test: ## install what is missing and run all tests
	@tools/install.sh --tests
	@$(BIN)/python -m pytest $(PYTEST)

lint: install ## check style and who imports whom
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/lint-imports

format: install ## let ruff mend the style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

types: install ## check types, the firmware's against the board's own library
	@$(BIN)/python -m mypy $(PACKAGES)
	@$(BIN)/pyright
	@$(BIN)/python -m nuan_tools.typings .venv/typings
	@$(BIN)/python -m mypy --config-file firmware/mypy.ini firmware/nuan_firmware
	@$(BIN)/pyright -p firmware

bench: ## measure ingest, decoding, the node's memory and flash
	@tools/install.sh --tests
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

pins: install ## choose every dependency's version anew, with hashes and no addresses
	@$(BIN)/python -m pip install -q pip-tools
	@printf '# Every dependency at one version, with the hashes of all its files. Made by `make pins`.\n' > constraints.new
	@$(BIN)/pip-compile -q --upgrade --extra dev --build-deps-for editable --allow-unsafe \
		--generate-hashes --strip-extras --no-header --no-emit-index-url --no-emit-find-links \
		--no-emit-trusted-host --output-file - pyproject.toml >> constraints.new
	@mv constraints.new constraints.txt

clean: ## remove what was built, and keep the sources and your data
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
