# One command a target; `make env` makes the environment that the others need.
PYTHON ?= python3.11
BIN := .venv/bin
UV := $(BIN)/uv
EXTRAS := --extra train --extra serve --extra monitor --extra rollout --extra dev
PYTEST_ARGS ?=
# Where docs/runbooks is published: each alert's runbook_url leads there.
RUNBOOKS ?= https://clinical-ner.example.org/docs/runbooks
# Stages, servers and commands are processes: where nobody keeps byte code, each compiles thousands of modules anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help env demo test lint types check-generated compile images goldens lock clean

help:  ## What there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 20

env: .venv/.made  ## Make the environment in .venv from the lock file

.venv/.made: requirements/dev.lock setup.cfg pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet "$$(sed -nE 's/^(uv==[^ ]+) .*/\1/p' requirements/dev.lock)"
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --requirement requirements/dev.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
	touch $@

demo: env  ## The whole loop on synthetic notes; results in demo/, in place of the last ones
	rm -rf demo
	$(BIN)/python -m pipelines demo --output demo

test: env  ## All tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder $(PYTEST_ARGS)

lint: env  ## Style and direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports --config setup.cfg

types: env  ## Static types
	$(BIN)/mypy

compile: env  ## Compile the pipelines, as files for KFP and as Kubernetes objects; write alert rules and dashboards
	$(BIN)/python -m observability --runbooks $(RUNBOOKS)
	$(BIN)/python -m pipelines compile
	$(BIN)/python -m pipelines compile --kubernetes --output manifests/pipelines \
		--service-account clinical-ner-pipeline-runner --s3-secret clinical-ner-pipelines-s3 --s3-config clinical-ner-storage

check-generated: compile  ## Fail when a generated file is not what its source gives
	git diff --exit-code -- pipelines/compiled manifests/pipelines manifests/monitoring

images:  ## Build both images with podman, as root; prints the variables that their tests look at
	@.ci/images

goldens: env  ## Write the golden files of tests anew; look at the difference before committing
	CLINICAL_NER_UPDATE_GOLDENS=1 $(BIN)/python -m pytest -k golden

lock: env  ## Resolve the dependencies anew, for this environment and for the images
	$(UV) pip compile --quiet --python-version 3.11 --generate-hashes $(EXTRAS) setup.cfg --output-file requirements/dev.lock
	$(UV) pip compile --quiet --python-version 3.11 --generate-hashes --extra train --extra monitor --constraint requirements/dev.lock setup.cfg --output-file requirements/train.lock
	$(UV) pip compile --quiet --python-version 3.11 --generate-hashes --extra serve --constraint requirements/dev.lock setup.cfg --output-file requirements/serve.lock

clean:  ## Remove what was made here
	rm -rf .venv build dist demo runs *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
