# The commands of this repository. `make help` lists them; each one sets up what it needs by itself.

PYTHON ?= python3
ARGS   ?=
KIND   ?=
KAFKA  ?=
PART   ?=
CALLS  ?=
SEED   ?=
ONLY   ?=
BOARD  ?= overview
JOBS   ?= logical
JOINS_PER_S ?=
MEMBERS ?=
HOT    ?=
MESSAGES ?=

BIN   := .venv/bin
KINDS := unit integration contract e2e fault outage
LANES := --numprocesses=$(JOBS) --dist=loadscope --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup proto clients demo up capacity test fuzz bench dashboard k8s-cluster-test lint format lock sbom audit image image-smoke k8s-check clean user developer

## See it run

demo: user  ## Run the story in eighteen scenes on a fresh stack. ARGS="--fast" hurries, KAFKA=apache uses Apache Kafka
	@$(BIN)/groupbuy demo $(if $(KAFKA),--kafka $(KAFKA)) $(ARGS)

up: user  ## Start the whole engine on this machine until Ctrl-C. KAFKA=apache uses Apache Kafka
	@$(BIN)/groupbuy up $(if $(KAFKA),--kafka $(KAFKA)) $(ARGS)

capacity: user  ## What a load takes: JOINS_PER_S=500 at the busiest time; MEMBERS=, HOT=, MESSAGES= and ARGS="--help"
	@$(BIN)/python -m deploy.capacity $(if $(JOINS_PER_S),--joins-per-s $(JOINS_PER_S)) $(if $(MEMBERS),--members $(MEMBERS)) \
	$(if $(HOT),--hot $(HOT)) $(if $(MESSAGES),--messages $(MESSAGES)) $(ARGS)

## Work on it

setup: developer  ## Make .venv with all that users, lint and tests need, and generate the protobuf code

proto: user  ## Generate gen/groupbuy from proto/, if something changed there

clients: developer  ## Build the client packages for Python and TypeScript (where Node is) into dist/
	@$(BIN)/python tools/clients.py $(ARGS)

test: developer  ## Run the tests, one process a processor (JOBS=0: in one). KIND=unit|integration|contract|e2e|fault|outage picks one kind, ARGS goes to pytest
	@$(if $(filter-out $(KINDS),$(KIND)),echo "make test: KIND=$(KIND) is no kind of test; there are: $(KINDS)" >&2; exit 2;) \
	$(BIN)/python -m pytest $(LANES) $(addprefix tests/,$(KIND)) $(ARGS)

fuzz: developer  ## Call every RPC with valid and hostile requests of two platforms. CALLS=1000000 makes so many, SEED=7 others, ONLY=12 one
	@GROUPBUY_FUZZ_CALLS=$(CALLS) GROUPBUY_FUZZ_SEED=$(SEED) GROUPBUY_FUZZ_ONLY=$(ONLY) \
	$(BIN)/python -m pytest tests/integration/test_fuzz.py $(ARGS)

bench: developer  ## Measure the engine beside what it is compared with, into build/bench.json. PART=join runs one part
	@$(BIN)/python -m tests.bench $(PART) $(ARGS)

dashboard: developer  ## Draw a dashboard from a stack under load (prometheus, chromium). BOARD=pricing draws another
	@$(BIN)/python -m tests.dashboard $(BOARD)

k8s-cluster-test: developer  ## Install the engine in a real Kubernetes on this machine, roll, kill and drain it under load; as root
	@$(BIN)/python -m tests.kubernetes $(ARGS)

lint: developer  ## Check style, format, types, protos (where Node is) and the rules of the layout
	@$(BIN)/python tools/lint.py

format: developer  ## Put the code into the one format and repair what ruff can repair
	@$(BIN)/ruff check --quiet --fix-only .
	@$(BIN)/ruff format --quiet .

lock:  ## Resolve the dependencies again. ARGS="--upgrade" takes new versions
	@$(PYTHON) tools/lock.py $(ARGS)

sbom:  ## Write what ships as a CycloneDX bill of materials into build/sbom.json
	@$(PYTHON) -m tools.sbom

audit:  ## Ask the advisory services about what ships; where they cannot be reached it says so, and is no pass
	@$(PYTHON) -m tools.audit

image: developer  ## Build the image without a container engine (root, buildah, mmdebstrap). ARGS="--fresh", ARGS="--twice" (compares)
	@$(BIN)/python -m tools.image $(ARGS)

image-smoke: developer  ## Start every part from the built image's root file system, and end it (root)
	@$(BIN)/python -m tools.image_smoke

k8s-check: developer  ## Render and check the manifests without a cluster (kustomize), and show that each check can fail
	@$(BIN)/python -m tools.manifests $(ARGS)
	@$(BIN)/python -m pytest --quiet tests/unit/test_manifests.py

clean:  ## Remove all that make made: environments, generated code, caches
	@rm -rf .venv .venv-lock .venv-supply .setup.lock gen dist build .hypothesis .mypy_cache .pytest_cache .ruff_cache tools/buf/node_modules clients/typescript/node_modules clients/typescript/dist clients/typescript/src/generated
	@find deploy services tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

help:  ## Show this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^## / { printf "\n%s\n", substr($$0, 4) } \
	  /^[a-z0-9-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))
	@echo

# What users run needs less than what developers run.
user developer:
	@command -v $(PYTHON) >/dev/null || { echo "make: there is no $(PYTHON). Install Python 3.11 or newer, or name one: make ... PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("make: Python 3.11 or newer is needed, and $(PYTHON) is %s. Name another one: make ... PYTHON=python3.11" % sys.version.split()[0])'
	@$(PYTHON) tools/environment.py $(if $(filter user,$@),local,test)
