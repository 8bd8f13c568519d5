# The portal's commands. `make help` lists them; each does its own set-up.
SHELL := /bin/bash
PY := .venv/bin/python
NAME ?= ledes
export PYTHONTZPATH :=

.PHONY: help setup fix check test demo run schema laws bench chaos screenshots stop clean

help: ## Show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

setup: ## Install whatever is missing: system packages, .venv, Python packages
	@.ci/setup

fix: setup ## Format and mend what tools can mend
	.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet .
	git ls-files '*.html' | xargs -r .venv/bin/djade --target-version 5.2

check: setup ## Lint, types, contracts, templates, migrations, requirements
	.venv/bin/ruff check --quiet .
	.venv/bin/ruff format --check --quiet .
	git ls-files 'templates/*.html' | xargs -r .venv/bin/djade --check --target-version 5.2
	git ls-files 'templates/*.html' | xargs -r .venv/bin/djlint --lint --quiet
	.venv/bin/lint-imports --no-logo
	.venv/bin/mypy
	$(PY) manage.py makemigrations --check --dry-run
	.venv/bin/deptry .

test: setup ## Run the whole suite
	.venv/bin/pytest -n auto

demo: setup ## Two firms on a fresh database, served until Ctrl-C (DEMO_SERVE=0: only checks; LEDES=file)
	LEDES="$(LEDES)" $(PY) -m tests.demo

run: setup ## Serve the portal with its workers, on today's database
	$(PY) manage.py migrate -v0
	@trap 'kill 0' EXIT; $(PY) manage.py workers & \
	$(PY) -m gunicorn --config python:billing_portal.web_server

schema: setup ## Write the API's description anew: docs/openapi.yml
	$(PY) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yml

laws: setup ## Write the database's laws anew, after a migration: billing_portal/tenancy/laws.txt
	$(PY) -m tests.laws

bench: setup ## Measure: make bench NAME=ledes
	$(PY) tests/benchmarks/bench_$(NAME).py

chaos: setup ## Break things while they work: make chaos NAME=month_end
	$(PY) -m tests.chaos.$(NAME)

screenshots: setup ## Take the documents' pictures of the demo's pages anew: docs/pictures
	DEMO_SERVE=0 DEMO_DATABASE=pictures DEMO_PICTURES=1 $(PY) -m tests.demo

stop: ## Stop the embedded database servers
	@test ! -x $(PY) || $(PY) -m billing_portal.postgres stop

clean: stop ## Remove whatever can be made again, the demo's data too
	rm -rf var staticfiles .mypy_cache .ruff_cache .pytest_cache
