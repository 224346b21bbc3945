# The commands of this project. Each sets up what it needs by itself.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-all test-again lint bench docs words patterns domains pages peers lock clean

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

demo: $(READY)  ## the evening of 2 June 2021, from the first word to the end, on loopback; DESK=1 leaves its desk open
	@$(BIN)/alertbot demo $(if $(DESK),--desk)

PYTEST := $(BIN)/python -m pytest -n auto --dist worksteal

test: $(READY)  ## every claim once, in minutes: on SQLite, where the statements are tried on PostgreSQL too
	$(PYTEST)

test-all: $(READY)  ## everything on both, with all examples of the property tests, as CI runs it
	$(PYTEST) --thorough --hypothesis-profile=full

test-again: $(READY)  ## what failed in the last run, if it was one to three tests, each alone on a machine that does nothing else
	$(BIN)/python -m tests.again

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m benchmarks.structure --check

bench: $(READY)  ## figures, no verdicts
	$(BIN)/python -m benchmarks

chaos: $(READY)  ## faults on purpose, counted at the receiving end; SECONDS=120, ROUNDS=40, FAULTS="killed disk", KEEP=1 adds to the record
	$(BIN)/python -W ignore -m benchmarks.chaos $(if $(SECONDS),--seconds $(SECONDS)) $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(KEEP),--keep) $(FAULTS)

docs: $(READY)  ## write the pages that are made from the program
	for page in commands configuration kinds openapi states; do $(BIN)/python docs/make_$$page.py || exit 1; done
	$(BIN)/python docs/pictures/make.py
	-$(BIN)/python -m tests.pages.picture
	-$(BIN)/python -m tests.pages.desk_picture

words: $(READY)  ## bring new sentences into the catalogues and compile them
	$(BIN)/python docs/make_catalogue.py

patterns: $(READY)  ## take X's patterns of addresses and emoji from twitter-text-parser
	$(BIN)/python -m tests.texts.posts.oracle

domains: $(READY)  ## take the newest list of top-level domains from IANA
	$(BIN)/python docs/make_domains.py

PAGES := tests/pages/node_modules
pages: $(PAGES)/.package-lock.json  ## fetch what checks the pages (needs npm; the tests then need java and chromium)

$(PAGES)/.package-lock.json: tests/pages/package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/pages
	@touch $@

PEERS := tests/peers/node_modules
peers: $(PEERS)/.ready  ## fetch the servers that the adapters are tested against (needs node and npm)

$(PEERS)/.ready: tests/peers/package-lock.json tests/peers/requirements.txt $(READY)
	npm ci --ignore-scripts --no-audit --no-fund --prefix tests/peers
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --target $(PEERS) -r tests/peers/requirements.txt
	@touch $@

lock:  ## renew the pinned dependencies (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --output-file requirements/run.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header pyproject.toml --group dev --output-file requirements/dev.txt
	printf 'hatchling>=1.27\njinja2>=3.1.6\n' | uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --constraint requirements/dev.txt - --output-file requirements/build.txt

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis demo-output $(PAGES) $(PEERS)
