# `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export PYTHONPATH := src:services:apps:.
export DJANGO_SETTINGS_MODULE ?= web.settings

RUN_REQUIREMENTS := $(addsuffix /requirements.txt,services/web services/ws deploy/local)
TEST_REQUIREMENTS := tests/requirements.txt
BENCH_REQUIREMENTS := tests/load/requirements.txt
UPSTREAM_REQUIREMENTS := tests/upstream/requirements.txt
UPSTREAM_FETCHED := .run/upstream/fetched
# Wheels that tests/package installs: the locked versions, and the oldest ones that the package allows.
WHEELS := .run/wheels
WHEELS_FETCHED := $(WHEELS)/fetched
LOWEST := tests/package/lowest.txt
LOCKED := services/web services/ws services/base/tracing deploy/local tests tests/package tests/load tests/upstream
# The JavaScript servers of the benchmark; without npm they are left out.
NODE_PEERS := tests/load/peers
NODE_PEERS_INSTALLED := $(if $(shell command -v npm),$(NODE_PEERS)/node_modules/.package-lock.json)

.DEFAULT_GOAL := help
.PHONY: help run dev test test-django test-idle test-browser lint format lock audit sbom clean
.PHONY: test-faults test-postgres test-observability drill bench bench-page capacity capacity-check
.PHONY: test-conformance test-upstream test-channels
.PHONY: up down build dev-docker logs ps shell psql backup restore test-containers
.PHONY: rename unicode test-readme
.PHONY: wheel reference test-package
.PHONY: k8s-images k8s-up k8s-down k8s-status test-manifests test-url

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(VENV)/run.installed ## Run nginx, web, ws and Redis natively; PORT=8080
	@exec $(BIN)/python -m deploy.local

dev: $(VENV)/run.installed ## Run natively with DEBUG, and reload changed code
	@exec env DEBUG=true $(BIN)/python -m deploy.local --reload

UNIT_TESTS := tests/unit tests/platform/unit tests/accounts/unit tests/chat/unit
TESTS := $(UNIT_TESTS) tests/platform/integration tests/native tests/behaviour tests/accounts/native tests/chat/native tests/chat/behaviour
test: $(VENV)/bench.installed ## Unit tests, and tests against real processes (5 to 10 minutes)
	@$(BIN)/python -m pytest $(TESTS) tests/load -m "not idle"

DJANGO ?= 6.0
OTHER_VENV = .run/django-$(DJANGO)
test-django: ## Run the tests with another Django than the locked one; DJANGO=6.0
	@$(MAKE) --no-print-directory VENV=$(OTHER_VENV) $(OTHER_VENV)/test.installed
	@$(OTHER_VENV)/bin/python -m pip install --disable-pip-version-check --quiet "django~=$(DJANGO).0"
	@$(OTHER_VENV)/bin/python -m pytest $(TESTS) -m "not idle"

test-idle: $(VENV)/test.installed ## Test that a socket idle for two minutes still receives
	@$(BIN)/python -m pytest tests/platform/integration -m idle

test-faults: $(VENV)/test.installed ## Fault-injection tests: kill, pause and partition processes under load
	@$(BIN)/python -m pytest tests/platform/faults

test-conformance: $(VENV)/test.installed ## Autobahn Testsuite, and 100,000 malformed frames
	@$(BIN)/python -m pytest tests/conformance

test-upstream: $(UPSTREAM_FETCHED) ## Test suites of Daphne, channels-redis and the tutorial; six client libraries
	@$(BIN)/python -m pytest tests/upstream tests/chat/upstream

test-channels: $(VENV)/test.installed ## Channels' own tests, on our consumers; CHANNELS=<a checkout of Channels>
	@CHANNELS=$(or $(CHANNELS),$(error CHANNELS: expected the path of a checkout of Channels)) \
	  $(BIN)/python -m pytest tests/upstream/channels.py

test-postgres: $(VENV)/test.installed ## Unit and fault-injection tests on a PostgreSQL server of their own
	@$(BIN)/python -m pytest -p tests.support.postgres $(UNIT_TESTS) tests/native/test_start_checks.py \
	  $(addprefix tests/platform/faults/test_,injections.py without_database.py resume.py retention.py overload.py)

test-observability: $(VENV)/test.installed ## Evaluate alert rules and dashboard in a real Prometheus
	@$(BIN)/python -m pytest tests/observability

drill: $(VENV)/test.installed ## Inject every fault once and print a table; OPTIONS=--postgres, OPTIONS="--only Redis"
	@$(BIN)/python -m tests.platform.faults.drill $(OPTIONS)

bench: $(VENV)/bench.installed $(NODE_PEERS_INSTALLED) ## Benchmark against other servers; QUICK=1, ONLY="fan-out", PEERS="ours tutorial"
	@$(BIN)/python -m tests.load

bench-page: $(VENV)/bench.installed ## Write the results of the last benchmark into docs/performance.md
	@$(BIN)/python -m tests.load.page

capacity: $(BIN)/python ## Estimate processes, cores and shards for a load; CONNECTIONS=1000000 ROOM=20 RATE=0.1
	@$(BIN)/python -m deploy.capacity

capacity-check: $(VENV)/bench.installed ## Validate the estimate against small loads on this machine
	@$(BIN)/python -m tests.load.capacity_check

BROWSER_TESTS := tests/platform/browser tests/accounts/browser tests/chat/browser
test-browser: $(VENV)/test.installed ## Browser tests in a real Chromium
	@for folder in $(BROWSER_TESTS); do $(BIN)/python -m pytest $$folder || exit 1; done

test-readme: $(VENV)/test.installed ## Execute the commands of README and docs/your-app.md in fresh clones
	@$(BIN)/python -m pytest tests/readme

test-package: $(WHEELS_FETCHED) ## Build the wheel of channels_live and execute docs/existing-project.md with it
	@$(BIN)/python -m pytest tests/package

lint: $(VENV)/bench.installed ## ruff, mypy, nginx -t, gixy, hadolint
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m deploy.local.lint_nginx
	@$(BIN)/hadolint services/web/Dockerfile services/ws/Dockerfile deploy/nginx/Dockerfile

format: $(VENV)/test.installed ## Format the Python code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock"
lock: $(VENV)/test.installed ## Re-lock requirements, with hashes
	@for folder in $(LOCKED); do \
	  $(COMPILE) --output-file $$folder/requirements.txt $$folder/requirements.in || exit 1; done
	@$(COMPILE) --extra testing --resolution lowest-direct --output-file $(LOWEST) pyproject.toml

# hatchling writes no timestamps, so the same commit gives the same bytes.
wheel: $(VENV)/test.installed ## Build the wheel of channels_live into dist/
	@$(BIN)/python -m hatchling build --target wheel --directory dist

reference: $(VENV)/test.installed ## Generate docs/reference.md from the docstrings of channels_live
	@$(BIN)/python -m deploy.reference

ICU_VENV = .run/icu
unicode: ## Generate the tables of confusable characters (apps/accounts/unicode) from the newest ICU on PyPI
	@$(PYTHON) -m venv $(ICU_VENV) && $(ICU_VENV)/bin/pip install --disable-pip-version-check --quiet --upgrade icukit-pyicu
	@$(ICU_VENV)/bin/python -m deploy.unicode_tables

audit: $(VENV)/test.installed ## Look up known vulnerabilities of the locked packages; OPTIONS=--skip-unreachable
	@$(BIN)/python -m deploy.audit $(OPTIONS) $(addsuffix /requirements.txt,$(LOCKED))

sbom: $(VENV)/test.installed ## Write the CycloneDX SBOMs of web and ws into .run/sbom
	@mkdir -p .run/sbom
	@for service in web ws; do \
	  $(BIN)/cyclonedx-py requirements --output-reproducible --short-PURLs --mc-type application \
	    --output-file .run/sbom/$$service.json services/$$service/requirements.txt && echo .run/sbom/$$service.json || exit 1; done

# The images have the commit as a label.
up build dev-docker: export REVISION ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
NOW := $(shell date -u +%Y%m%d-%H%M%S)
FILE ?= chat-$(NOW).sql.gz

up: build ## Build and start the containers; http://localhost:8080
	@docker compose up --wait

down: ## Stop the containers, keep the database
	@docker compose down

build: ## Build the images
	@docker buildx bake --load --file docker-compose.yml

dev-docker: build ## Run the containers with DEBUG, and rebuild them when the code changes
	@DEBUG=true docker compose watch

logs: ## Follow the containers' logs
	@docker compose logs --follow --tail 100

ps: ## Show the containers and their health
	@docker compose ps --all

shell: ## Django's shell in a web container
	@docker compose exec web python manage.py shell

psql: ## PostgreSQL's shell
	@docker compose exec postgres psql --username chat

backup: ## Dump the database into FILE, readable by you only
	@umask 077; docker compose exec -T postgres pg_dump --username chat --no-owner --compress 6 >"$(FILE).partial" \
	  && mv "$(FILE).partial" "$(FILE)" && echo "$(FILE)" || { rm -f "$(FILE).partial"; exit 1; }

# ws is restarted because its sockets may depend on sessions and messages that are not in the dump.
restore: ## Replace the database by the dump in FILE, in one transaction, and restart ws
	@test -f "$(FILE)" || { echo "FILE is not an existing file: make restore FILE=chat-….sql.gz"; exit 1; }
	@gunzip --test "$(FILE)"
	@gunzip --stdout "$(FILE)" | tail -n 20 | grep -q '^-- PostgreSQL database dump complete' \
	  || { echo "$(FILE) is incomplete: the last line that pg_dump writes is missing. Nothing was changed."; exit 1; }
	@{ echo "SET client_min_messages = warning; DROP SCHEMA public CASCADE; CREATE SCHEMA public;"; \
	  gunzip --stdout "$(FILE)"; } | docker compose exec -T postgres \
	  psql --username chat --quiet --output /dev/null --set ON_ERROR_STOP=1 --single-transaction
	@docker compose run --rm migrate
	@test -z "$$(docker compose ps --quiet ws)" || docker compose restart ws

CONTAINER_TESTS := tests/containers tests/chat/containers
test-containers: $(VENV)/test.installed ## Build the images, start the containers, and test them
	@for folder in $(CONTAINER_TESTS); do $(BIN)/python -m pytest $$folder || exit 1; done

OVERLAY ?= deploy/k8s/overlays/local
NAMESPACE ?= channels-stack
K8S_IMAGES ?= .run/images
BASE_IMAGES := $(or $(VALKEY_IMAGE),valkey/valkey:9-alpine) $(or $(POSTGRES_IMAGE),postgres:18-trixie)

# Targets that change a cluster ask for its context, or take it from CONTEXT where there is no terminal.
define confirm_context
current=$$(kubectl config current-context) || exit 1; \
if [ -z "$(CONTEXT)" ] && [ -t 0 ]; then \
  printf '%s in the cluster of context "%s"? Type its name to confirm, or nothing to cancel: ' '$(1)' "$$current"; read -r named; \
else named='$(CONTEXT)'; fi; \
[ "$$named" = "$$current" ] || { echo "The current context is \"$$current\", not \"$$named\"; nothing was changed. Set CONTEXT=$$current, or run: kubectl config use-context"; exit 1; }
endef

k8s-images: build ## Build the images and save them into K8S_IMAGES, for a cluster's import
	@mkdir -p $(K8S_IMAGES)
	@for image in $(foreach name,nginx web ws,$(or $(IMAGES),channels-stack)/$(name):$(or $(VERSION),local)) $(BASE_IMAGES); do \
	  docker image inspect "$$image" >/dev/null 2>&1 || docker pull --quiet "$$image" || exit 1; \
	  file="$(K8S_IMAGES)/$$(echo "$$image" | tr '/:' '--').tar"; \
	  docker save --output "$$file" "$$image" && echo "$$file" || exit 1; done

k8s-up: ## Apply OVERLAY to the current cluster (CONTEXT=name) and wait until it is ready
	@$(call confirm_context,Apply $(OVERLAY))
	@kubectl apply -k $(OVERLAY)
	@for name in $$(kubectl --namespace $(NAMESPACE) get deployments,statefulsets --output name); do \
	  kubectl --namespace $(NAMESPACE) rollout status "$$name" --timeout 5m || exit 1; done
	@echo "kubectl --namespace $(NAMESPACE) port-forward service/nginx 8080:80, then http://localhost:8080"

k8s-down: ## Delete the namespace, including its database, from the current cluster
	@$(call confirm_context,Delete namespace $(NAMESPACE) and its database)
	@kubectl delete namespace $(NAMESPACE)

k8s-status: ## Show pods, autoscalers and recent events in the current cluster
	@kubectl config current-context
	@kubectl --namespace $(NAMESPACE) get deployments,statefulsets,jobs,pods,services,horizontalpodautoscalers --output wide
	@kubectl --namespace $(NAMESPACE) get events --sort-by .lastTimestamp | tail -n 15

test-manifests: $(VENV)/test.installed ## Render every Kubernetes overlay and check it against schemas and policies
	@$(BIN)/python -m pytest tests/manifests

test-url: $(VENV)/test.installed ## Run the behaviour tests against URL
	@test -n "$(URL)" || { echo "URL is not set: make test-url URL=http://localhost:8080"; exit 1; }
	@BASE_URL="$(URL)" $(BIN)/python -m pytest tests/behaviour tests/chat/behaviour

rename: ## Rename the template to your product: make rename NAME=acme
	@$(PYTHON) -m deploy.rename "$(NAME)"

clean: ## Remove what the other targets have created
	rm -rf $(VENV) .run bench dist $(NODE_PEERS)/node_modules tests/upstream/node_modules

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is required, this is %d.%d; set another with make PYTHON=python3.12" % sys.version_info[:2])'
	@echo "Creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "Python's venv module does not work; on Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/run.installed: $(RUN_REQUIREMENTS) | $(BIN)/python
	@echo "Installing the requirements of the stack"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps --require-hashes $(addprefix -r ,$(RUN_REQUIREMENTS))
	@touch $@

$(VENV)/test.installed: $(VENV)/run.installed $(TEST_REQUIREMENTS)
	@echo "Installing the requirements of the tests"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-compile --no-deps --require-hashes -r $(TEST_REQUIREMENTS)
	@touch $@

$(VENV)/bench.installed: $(VENV)/test.installed $(BENCH_REQUIREMENTS)
	@echo "Installing the requirements of the benchmark"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-compile --no-deps --require-hashes -r $(BENCH_REQUIREMENTS)
	@touch $@

$(VENV)/upstream.installed: $(VENV)/test.installed $(UPSTREAM_REQUIREMENTS) tests/upstream/package-lock.json
	@command -v npm >/dev/null || { echo "npm is missing, which two of the client libraries need: install Node.js 20.18 or newer."; exit 1; }
	@echo "Installing the requirements of the upstream tests"
	@$(BIN)/python -m pip install --disable-pip-version-check --no-compile --no-deps --require-hashes -r $(UPSTREAM_REQUIREMENTS)
	@npm ci --prefix tests/upstream --ignore-scripts --no-audit --no-fund --engine-strict
	@touch $@

# Fetched beforehand, so that the tests need no network.
$(UPSTREAM_FETCHED): services/ws/requirements.txt | $(VENV)/upstream.installed
	@echo "Fetching the upstream tests"
	@$(BIN)/python -m tests.upstream.sdists
	@touch $@

FETCH = $(BIN)/python -m pip download --disable-pip-version-check --quiet --no-deps --require-hashes --only-binary :all:
$(WHEELS_FETCHED): services/ws/requirements.txt tests/package/requirements.txt $(LOWEST) | $(VENV)/test.installed
	@echo "Fetching the wheels for the tests of the package"
	@rm -rf $(WHEELS)
	@$(FETCH) --dest $(WHEELS)/locked --requirement services/ws/requirements.txt
	@$(FETCH) --dest $(WHEELS)/locked --requirement tests/package/requirements.txt
	@$(FETCH) --dest $(WHEELS)/lowest --requirement $(LOWEST)
	@touch $@

$(NODE_PEERS)/node_modules/.package-lock.json: $(NODE_PEERS)/package-lock.json
	@echo "Installing the JavaScript servers of the benchmark"
	@npm ci --prefix $(NODE_PEERS) --ignore-scripts --no-audit --no-fund
	@touch $@
