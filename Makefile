# The two commands: make demo · make test. Everything else: make help.
.PHONY: help install demo test test-busy compare bench screenshots format texts docs site dist lock audit advisories sbom
.DEFAULT_GOAL := help

BIN := .venv/bin
# The tests start hundreds of our programs: each would compile all of our code again.
unexport PYTHONDONTWRITEBYTECODE
# Tests also wait for programs, pages and King: one process more than a small machine has cores. Each further one costs
# a quarter of a minute before its first test: it collects all of them, makes a database and starts a Chromium.
PYTEST = $(BIN)/python -m pytest --numprocesses 3 --dist worksteal --basetemp .local/pytest $(ARGS)
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header

help: ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 18

install: ## make .venv from the hash-locked lists (PYTHON=... chooses the Python)
	@requirements/install.sh

demo: install ## everything at once with demo data at http://127.0.0.1:8000 (PORT=... chooses the port); Ctrl-C stops it
	@$(BIN)/python manage.py demo

test: install ## the whole gate: format, lint, types, layers, texts, known vulnerabilities, tests
	@echo "test      format"
	@$(BIN)/ruff format --check --quiet . || { echo "Run: make format" >&2; exit 1; }
	@echo "test      lint"
	@$(BIN)/ruff check --quiet .
	@echo "test      layers"
	@$(BIN)/lint-imports --no-cache
	@echo "test      texts"
	@$(BIN)/python manage.py compile_texts --check
	@echo "test      packages: known vulnerabilities, bill of materials"
	@$(BIN)/python -m tests.supply.audit
	@$(BIN)/python -m tests.supply.bill --check
	@echo "test      types, beside tests on a PostgreSQL and a Valkey of their own"
	@mkdir -p .local
	@$(BIN)/python -m tests.beside $(BIN)/mypy --strict -- $(PYTEST)

test-busy: install ## the tests with eight busy processes beside them (ARGS=... chooses tests): none may depend on the hour
	@mkdir -p .local
	@$(BIN)/python -m tests.busy $(PYTEST)

compare: install ## random work orders against the rules written a second time (ORDERS=24000 SEED=1; under an hour)
	@$(BIN)/python -m tests.oracle --orders $(or $(ORDERS),24000) --seed $(or $(SEED),1)

bench: install ## what we claim about speed, proved here in one table (under an hour; bench.faults and bench.fuzz by themselves)
	@$(BIN)/python -m bench.table

screenshots: install ## a picture of every page into .local/screenshots (FOLDER=... chooses another)
	@$(BIN)/python -m tests.browser.screenshots $(FOLDER)

format: install ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

texts: install ## gather the texts for translation (needs gettext) and compile the translations
	@if command -v xgettext >/dev/null; then \
		$(BIN)/python manage.py makemessages --all --no-obsolete --add-location file --ignore '.venv' --ignore 'tests' --ignore 'bench' --verbosity 0; \
	else \
		echo "texts     xgettext is not installed, so nothing new is gathered; what is there is compiled"; \
	fi
	@$(BIN)/python manage.py compile_texts

docs: install ## write the tables and lists of docs/ again from the code
	@DJANGO_SETTINGS_MODULE=kingsync.settings $(BIN)/python -m tests.documents
	@$(BIN)/python -m tests.metric_documents

dist: install ## wheel and archive of the sources into .local/dist; the same bytes wherever they are built from this commit
	@SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) $(BIN)/python -m hatchling build --directory .local/dist

site: install ## the documentation as a site into .local/site; every warning is an error
	@$(BIN)/python -m sphinx -q -W --keep-going -c docs . .local/site
	@echo "site      .local/site/docs/index.html"

lock: install ## write requirements/*.lock again from pyproject.toml
	@$(UV_COMPILE) pyproject.toml --output-file requirements/run.lock
	@$(UV_COMPILE) pyproject.toml --extra embedded --extra traces --extra dev --output-file requirements/dev.lock
	@$(UV_COMPILE) requirements/uv.in --output-file requirements/uv.lock
	@echo "lock      next: make install sbom advisories"

audit: install ## whether a locked version has a known vulnerability, by the pinned requirements/advisories.json (no network)
	@$(BIN)/python -m tests.supply.audit

advisories: install ## ask PyPI for the known vulnerabilities of the locked versions and pin the answer
	@$(BIN)/python -m tests.supply.advisories

sbom: install ## write requirements/sbom.json, the bill of materials of what production installs
	@$(BIN)/python -m tests.supply.bill
