# Every target works on a bare checkout: the first one called makes .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PLUGINS := $(sort $(wildcard plugins/*/*))
READY := $(VENV)/.installed

.PHONY: install demo test check format bench docs lock clean

install: $(READY)

# Everything is installed from the lock file with hashes; the packages of this tree are installed editable.
# Annoy has no wheels: it is compiled, which needs a C++ compiler and half a minute.
$(READY): requirements.lock pyproject.toml $(wildcard plugins/*/*/pyproject.toml)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: --no-binary annoy -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . $(addprefix -e ,$(PLUGINS))
	@touch $@

demo: install
	$(BIN)/ai-lens demo

test: install
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install
	$(BIN)/python benchmarks/accuracy/museums.py
	$(BIN)/python benchmarks/speed/first_light.py
	$(BIN)/python benchmarks/edge/speed.py
	$(BIN)/python benchmarks/edge/light.py
	$(BIN)/python benchmarks/startup/many_plugins.py
	$(BIN)/python benchmarks/decode/compare.py
	$(BIN)/python benchmarks/decode/worst.py
	$(BIN)/python benchmarks/decode/fuzz.py
	$(BIN)/python benchmarks/audit/planted.py
	$(BIN)/python benchmarks/audit/readiness.py
	$(BIN)/python benchmarks/audit/speed.py
	$(BIN)/python benchmarks/guarantee/splits.py
	$(BIN)/python benchmarks/evaluation/scores.py
	$(BIN)/python benchmarks/evaluation/decisions.py
	$(BIN)/python benchmarks/exports/compare.py
	$(BIN)/python benchmarks/indexes/compare.py --sizes 1000 100000 1000000 --minutes 60
	$(BIN)/python benchmarks/gallery/million.py

docs: install
	$(BIN)/python docs/generate.py

# Needs uv (pip install uv). The lock holds every platform; torch and torchvision are pinned in pyproject.toml.
lock:
	uv lock
	uv export --quiet --all-packages --extra dev --extra export --no-emit-workspace --no-annotate --no-header \
		--format requirements-txt --output-file requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache
