# sightd: the commands of a developer. `make help` lists them.
PYTHON ?= python3
VARIANT ?= cpu
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip install --disable-pip-version-check -c packaging/constraints.txt
REQUIREMENTS := pyproject.toml packaging/constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test test-system test-fleet collection tools packaging-tools lint fuzz hostile overload fairness soak deb runtime-deb bundle sbom demo-model clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime ## start sightd with its own model, ask it about sample pictures, go on serving (ONCE=1: stop then)
	@$(BIN)/python -m sightd.selftest.demo

test: $(VENV)/.test lint ## everything that must hold, on two cores under 25 minutes
	$(BIN)/pytest

tools: ## programs that some tests need and skip without: Chromium, promtool (Debian packages, as root)
	apt-get install -y --no-install-recommends chromium prometheus

test-system: $(VENV)/.test packaging-tools deb ## the packages on a booted systemd (as root, on Debian 12; under 20 minutes)
	packaging/system-root.sh $(VARIANT)
	tests/layer.sh system "autopkgtest dpkg-dev needrestart"
	$(BIN)/pytest tests/system

test-fleet: $(VENV)/.test $(VENV)/.fleet packaging-tools deb collection ## the playbooks on booted hosts (as root, on Debian 12; ONLY="names of tests")
	packaging/system-root.sh $(VARIANT)
	tests/fleet/root.sh
	$(BIN)/pytest tests/fleet $(if $(ONLY),-k '$(ONLY)')

collection: $(VENV)/.fleet ## the Ansible collection, into dist and, for the tests, build/collections
	$(BIN)/ansible-galaxy collection build ansible --output-path dist --force
	$(BIN)/ansible-galaxy collection install dist/sightd-sightd-*.tar.gz -p build/collections --force --offline

packaging-tools:
	@packaging/tools.sh

deb: $(VENV)/.runtime runtime-deb ## the wheel and the Debian packages, into dist (VARIANT=cpu)
	packaging/build-deb.sh $(BIN)/python

bundle: deb ## everything for a server with no internet in one file, dist/sightd-bundle.tar (KEY=…, MODELS=…)
	packaging/bundle.sh $(VARIANT) $(KEY) $(MODELS)

sbom: build/sbom/bin/cyclonedx-py runtime-deb ## what the runtime package is made of, as CycloneDX, into dist
	$< environment --pyproject pyproject.toml --output-reproducible -o dist/sightd-runtime-$(VARIANT).cdx.json \
	    build/runtime-$(VARIANT)/root/usr/lib/sightd-runtime/bin/python

# An environment of its own, so that its tools are not among the components.
build/sbom/bin/cyclonedx-py: packaging/constraints.txt
	$(PYTHON) -m venv build/sbom
	build/sbom/bin/pip install --quiet --disable-pip-version-check -c packaging/constraints.txt cyclonedx-bom

runtime-deb: # the large package, built again only when what it is made of has changed
	packaging/runtime/build.sh $(VARIANT)

lint: $(VENV)/.test ## ruff and mypy
	$(BIN)/ruff check service tests
	$(BIN)/ruff format --check service tests
	$(BIN)/mypy

fuzz: $(VENV)/.test ## fuzz the decoders, the front and the prompts with ever new inputs (SECONDS=600)
	end=$$(( $$(date +%s) + $(or $(SECONDS),600) )); while [ $$(date +%s) -lt $$end ]; do \
		$(BIN)/pytest -q --hypothesis-profile=fuzz -o timeout=0 tests/fuzz || exit 1; done

hostile: $(VENV)/.test ## half hostile and half good requests, 16 at a time; the figures of docs/security.md (MINUTES=3)
	$(BIN)/python -m tests.hostile --minutes $(or $(MINUTES),3)

overload: $(VENV)/.test ## more clients than places: how true Retry-After is and how fast health answers; docs/benchmarks.md (MINUTES=1)
	$(BIN)/python -m tests.overload --minutes $(or $(MINUTES),1)

fairness: $(VENV)/.test ## the time between tokens beside a video of 64 frames; docs/benchmarks.md (MINUTES=1, MODEL=folder)
	$(BIN)/python -m tests.fairness --minutes $(or $(MINUTES),1) $(if $(MODEL),--model $(MODEL))

soak: $(VENV)/.test ## ever new pictures; whether memory stays where it was; docs/benchmarks.md (MINUTES=5, MODEL=folder)
	$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),5) $(if $(MODEL),--model $(MODEL))

demo-model: $(VENV)/.train ## train the embedded model again, into build/model (about four hours on two cores; SEED=1, STEPS=…)
	$(BIN)/python -m sightd.selftest.recipe.train build/model --seed $(or $(SEED),1) $(if $(STEPS),--steps $(STEPS))

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "sightd needs Python 3.11 or newer; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: $(VENV)/bin/python $(REQUIREMENTS)
	@echo "Installing pinned dependencies into $(VENV); torch is large, so the first time takes a minute or more."
	$(PIP) -e .
	$(BIN)/python -m compileall -q service/sightd
	@touch $@

$(VENV)/.test: $(VENV)/.runtime
	$(PIP) -e '.[test]'
	@touch $@

$(VENV)/.fleet: $(VENV)/.runtime
	$(PIP) -e '.[fleet]'
	@touch $@

$(VENV)/.train: $(VENV)/.runtime
	$(PIP) -e '.[train]'
	@touch $@

clean: ## remove what was installed and built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache
