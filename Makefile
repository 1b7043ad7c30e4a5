# Slipway: `make up` runs the main job, `make test` runs all tests. `make help` lists the rest.
SHELL := /bin/sh
.DELETE_ON_ERROR:
PYTHON ?= python3
STATE := .slipway
BIN := .venv/bin
export UV_CACHE_DIR ?= $(CURDIR)/$(STATE)/cache/uv
export UV_PYTHON_DOWNLOADS ?= never

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/.ready: uv.lock pyproject.toml
	@test -x $(BIN)/uv || { $(PYTHON) -m venv .venv && $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@$(BIN)/uv sync --quiet --frozen --all-extras
	@touch $@

.PHONY: lint
lint: .venv/.ready ## ruff, mypy strict and the import rules, on what is shipped
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@rm -rf $(STATE)/wheel && $(BIN)/uv build --quiet --wheel --sdist --out-dir $(STATE)/wheel/dist
	@$(BIN)/uv pip install --quiet --no-deps --target $(STATE)/wheel/site $(STATE)/wheel/dist/*.whl
	cd $(STATE)/wheel && MYPYPATH=site ../../$(BIN)/mypy --config-file ../../pyproject.toml --cache-dir ../mypy
	PYTHONPATH=$(STATE)/wheel/site $(BIN)/lint-imports --no-cache
