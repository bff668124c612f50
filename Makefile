# The shop's commands; `make` alone lists them. Needs GNU make, sh and Python 3.11 or newer.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
export HOST PORT

# What is left in a shell from another project must not steer this one.
unexport DJANGO_SETTINGS_MODULE VIRTUAL_ENV PYTHONHOME PYTHONPATH PIP_USER PIP_TARGET PIP_PREFIX

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet --quiet install

.DEFAULT_GOAL := help
.PHONY: help run serve test bench chaos model lint format clean packages dev-packages venv port security scale

help: ## List these commands
	@echo "make COMMAND [HOST=$(HOST)] [PORT=$(PORT)] [PYTHON=$(PYTHON)]"; echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-10s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: packages port ## Serve the demo shop for development, with its worker
	@$(PY) -m shop_backend.dotenv_default
	@$(PY) manage.py migrate --no-input --verbosity 0
	@$(PY) manage.py load_demo
	@$(call together,$(PY) manage.py runserver $(HOST):$(PORT))

serve: export DEBUG = False
serve: packages port ## Serve the shop as in production, on the database of the environment
	@$(PY) manage.py migrate --no-input
	@$(PY) manage.py collectstatic --no-input --verbosity 0
	@$(call together,$(GUNICORN))

test: dev-packages ## Run every check and every test, on SQLite and PostgreSQL
	@$(PY) -m tests.run_all

bench: dev-packages ## Measure the shop beside the floor (SIZES="1000 10000", BASE=commit to compare)
	@$(PY) -m benchmarks $(SIZES) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(BASE),--compare $(BASE),$(if $(ONLY)$(PARTS),,--write)) \
	  $(if $(PARTS),--parts $(PARTS)) $(if $(ONLY),--only "$(ONLY)")

chaos: dev-packages ## Attack a running production server (SEED=..., MINUTES=60)
	@$(PY) -m tests.chaos long --write --minutes $(or $(MINUTES),60)

model: dev-packages ## Compare the shop with a model of it (MODEL_RUNS=2000 of 50 steps, SEED=...)
	@MODEL_RUNS=$(or $(MODEL_RUNS),2000) MODEL_SEED=$(or $(SEED),1) $(PY) -m pytest -v -n 2 tests/state_machine

security: dev-packages ## Attack its doors and its input (SEED=..., MINUTES=240, CALLS=100000, ONLY=...)
	@$(PY) -m tests.security long --write --minutes $(or $(MINUTES),240) \
	  --calls $(or $(CALLS),100000) $(if $(ONLY),--only "$(ONLY)")

scale: dev-packages ## Buy from two app servers, a replica and PgBouncer that go and come back
	@$(PY) -m tests.scale long

lint: dev-packages ## Run the checks alone: style, floors, types, migrations
	@$(PY) -m tests.run_all lint format floors types bandit migrations

format: dev-packages ## Rewrite the code in the project's style
	@$(PY) -m ruff check --fix --quiet . || true
	@$(PY) -m ruff format .

clean: ## Remove what the tools made; the shop's data and .env stay
	rm -rf $(VENV) staticfiles .pytest_cache .ruff_cache .mypy_cache .import_linter_cache
	rm -rf .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# More of its options, such as an access log: GUNICORN_CMD_ARGS="--access-logfile -".
GUNICORN = $(PY) -m gunicorn shop_backend.wsgi --bind $(HOST):$(PORT) \
	--worker-class gthread --workers $${WEB_CONCURRENCY:-$$(getconf _NPROCESSORS_ONLN)} \
	--threads 4 --no-control-socket --max-requests 5000 --max-requests-jitter 500 \
	--graceful-timeout 30

# Runs the worker beside the server $(1) and ends both as soon as one of them, or we, must end. In
# sessions of their own they miss the terminal's Ctrl-C, so that each is asked to end exactly once.
OWN_SESSION = $(PY) -c 'import os, sys; os.setsid(); os.execv(sys.argv[1], sys.argv[1:])'
define together
set -u; \
$(OWN_SESSION) $(PY) manage.py run_worker & worker=$$!; \
$(OWN_SESSION) $(1) & server=$$!; \
stop() { \
  trap '' HUP INT TERM; \
  kill $$worker $$server 2>/dev/null; wait; \
  kill -KILL -$$worker -$$server 2>/dev/null; \
  exit $$1; }; \
trap 'stop 0' HUP INT TERM; \
while kill -0 $$worker 2>/dev/null && kill -0 $$server 2>/dev/null; do sleep 1 & wait $$!; done; \
echo "The server or its worker has ended, so the other ends too." >&2; \
stop 1
endef

# The environment of the packages: made once, renewed when the requirements change. The copies kept
# in it tell what was installed.

packages: venv
	@cmp -s requirements.txt $(VENV)/requirements.txt || { \
	  echo "Installing requirements.txt into $(VENV)"; \
	  $(PIP) -r requirements.txt && cp requirements.txt $(VENV); }

dev-packages: venv
	@{ cmp -s requirements.txt $(VENV)/requirements.txt && \
	  cmp -s requirements-dev.txt $(VENV)/requirements-dev.txt; } || { \
	  echo "Installing requirements-dev.txt into $(VENV)"; \
	  $(PIP) -r requirements-dev.txt && cp requirements.txt requirements-dev.txt $(VENV); }

NEW_ENOUGH := sys.exit(sys.version_info < (3, 11))

venv:
	@if $(PY) -c 'import pip, sys; $(NEW_ENOUGH)' 2>/dev/null; then exit 0; fi; \
	command -v $(PYTHON) >/dev/null || \
	  { echo "There is no $(PYTHON) here. The shop needs Python 3.11 or newer." >&2; exit 1; }; \
	$(PYTHON) -c 'import sys; $(NEW_ENOUGH)' || \
	  { echo "The shop needs Python 3.11 or newer; this is $$($(PYTHON) -V 2>&1)." \
	    "Name another: make PYTHON=python3.12 ..." >&2; exit 1; }; \
	$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo "$(PYTHON) lacks its venv module; on Debian and Ubuntu:" \
	    "apt-get install python3-venv" >&2; exit 1; }; \
	echo "Making $(VENV)"; \
	$(PYTHON) -m venv --clear $(VENV)

port: venv
	@$(PY) -c 'import socket, sys; socket.create_server((sys.argv[1], int(sys.argv[2])))' \
	  $(HOST) $(PORT) 2>/dev/null || \
	  { echo "$(HOST):$(PORT) cannot be listened on; is something there already?" \
	    "Another port: make PORT=8001 ..." >&2; exit 1; }
