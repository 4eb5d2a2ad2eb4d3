# Everything there is to do; `make` alone lists it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := services:apps:.
export DJANGO_SETTINGS_MODULE ?= web.settings

RUN_REQUIREMENTS := $(addsuffix /requirements.txt,services/web services/ws deploy/local)
TEST_REQUIREMENTS := tests/requirements.txt

.DEFAULT_GOAL := help
.PHONY: help run dev test test-idle test-browser lint format lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/run.installed ## Run nginx, web, ws and Redis here; PORT=8080 is the door
	@exec $(BIN)/python -m deploy.local

dev: $(VENV)/run.installed ## The same with DEBUG and reload
	@exec env DEBUG=true $(BIN)/python -m deploy.local --reload

test: $(VENV)/test.installed ## Unit tests, and behaviour tests against real processes
	@$(BIN)/python -m pytest tests/unit tests/native tests/behaviour -m "not idle"

test-idle: $(VENV)/test.installed ## Prove that a socket idle for two minutes still receives
	@$(BIN)/python -m pytest tests/behaviour -m idle

test-browser: $(VENV)/test.installed ## Tests in a real Chromium
	@$(BIN)/python -m pytest tests/browser

lint: $(VENV)/test.installed ## ruff, types, and nginx's own check of its configuration
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m deploy.local.lint_nginx

format: $(VENV)/test.installed ## Format the Python code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

lock: $(VENV)/test.installed ## Write the locked requirements anew, with hashes
	@for folder in services/web services/ws deploy/local tests; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" \
	    --output-file $$folder/requirements.txt $$folder/requirements.in || exit 1; done

clean: ## Remove what the other targets made
	rm -rf $(VENV) .run

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is %d.%d; name another with make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module does not work; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/run.installed: $(RUN_REQUIREMENTS) | $(BIN)/python
	@echo "Installing what the stack needs"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes $(addprefix -r ,$(RUN_REQUIREMENTS))
	@touch $@

$(VENV)/test.installed: $(VENV)/run.installed $(TEST_REQUIREMENTS)
	@echo "Installing what the tests need"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes -r $(TEST_REQUIREMENTS)
	@touch $@
