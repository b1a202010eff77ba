# Every target sets up what it needs: Python 3.11 or newer, make and git are enough to begin with.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
SUITE ?= backend-engineer
PROVIDER ?= replay
BASE ?= 0000
CANDIDATE ?= 0001

.DEFAULT_GOAL := help
.PHONY: help setup runtimes eval compare bench bench-peers bench-attacks power nightly test check lint types docs lock golden clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

# The stamp names the Python and the locked requirements, so that either one's change installs anew.
$(VENV)/.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(VENV)/.stamp ## install into .venv, and do nothing else

# Without them the answers' code is not run and recorded grades are used, so a failure stops only those who ask for execution.
runtimes: $(VENV)/.stamp ## make the runtimes in which answers are run (.runtimes), once
	@$(BIN)/python -m graders.execution.prepare || [ -z "$(EVALS_REQUIRE_SANDBOX)" ]

eval: $(VENV)/.stamp runtimes ## replay the recorded answers, grade them, write and show the scorecards (PROVIDER=live or batch asks the API)
	@$(BIN)/evals run --suite $(SUITE) --provider $(PROVIDER)

compare: $(VENV)/.stamp ## what moved between two revisions: make compare BASE=0000 CANDIDATE=0001
	@$(BIN)/evals compare $(BASE) $(CANDIDATE) --suite $(SUITE) \
	  --markdown .evals/compare/comparison.md --html .evals/compare/comparison.html

# With a key the newest revision is asked afresh, against ten answers a case that are asked for once and then remembered
# (or BASELINE, a scorecard of live answers). Without one the recorded answers are graded twice, which must agree, and are
# held against the blessed baseline, or their own committed scorecard while nothing is blessed.
NIGHT := .evals/nightly
PERSONA ?= backend-engineer
REVISION ?= $(firstword $(subst -, ,$(notdir $(lastword $(sort $(wildcard prompts/$(PERSONA)/[0-9]*.md))))))
DRAW ?= $(shell date -u +%Y-%m-%d)
CARD := $(SUITE)/$(PERSONA)/$(REVISION).jsonl
BASELINE ?= $(NIGHT)/baseline/$(CARD)
REPORTS := --suite $(SUITE) --markdown $(NIGHT)/summary.md --html $(NIGHT)/report.html --junit $(NIGHT)/junit.xml

nightly: $(VENV)/.stamp runtimes ## the long tests, then the gate on fresh answers (on recorded ones without a key); writes .evals/nightly
	@rm -rf $(NIGHT) && mkdir -p $(NIGHT)
	@$(BIN)/python -m pytest -m long || [ $$? -eq 5 ] # 5: there is none
ifneq ($(strip $(ANTHROPIC_API_KEY)),)
ifeq ($(BASELINE),$(NIGHT)/baseline/$(CARD))
	@$(BIN)/evals run --suite $(SUITE) --persona $(REVISION) --provider live --repeats 10 --out $(NIGHT)/baseline
endif
	@$(BIN)/evals gate $(BASELINE) $(REVISION) --sequential --looks 3,8 --draw $(DRAW) $(REPORTS)
else
	@$(BIN)/evals run --suite $(SUITE) --persona $(REVISION) --out $(NIGHT)/first
	@$(BIN)/evals run --suite $(SUITE) --persona $(REVISION) --out $(NIGHT)/second
	@diff -r $(NIGHT)/first $(NIGHT)/second
	@$(BIN)/evals gate $(if $(wildcard results/baselines.json),,$(REVISION)) $(NIGHT)/first/$(CARD) $(REPORTS)
endif

power: $(VENV)/.stamp ## how often the gate is wrong and what it costs, by simulation; writes it into docs/statistics.md
	@$(BIN)/python -m benchmarks.power --suite $(SUITE) --doc docs/statistics.md

bench: $(VENV)/.stamp ## how fast and thrifty it is, beside the plain SDK script and bare aiohttp, in one table (some minutes)
	@$(BIN)/python -m benchmarks.bench

bench-peers: $(VENV)/.stamp ## the same beside other tools, which are installed below .runtimes/bench (two gigabytes, many minutes)
	@$(BIN)/python -m benchmarks.bench --long
	@$(BIN)/python -m benchmarks.peers.run

bench-attacks: $(VENV)/.stamp runtimes ## how long the attacks on one answer take, and a box to start
	@$(BIN)/python -m benchmarks.attacks

test: $(VENV)/.stamp runtimes ## run the tests
	@$(BIN)/python -m pytest -n 2

check: lint types test docs ## lint, types, tests, and whether the generated docs are fresh

lint: $(VENV)/.stamp ## ruff
	@$(BIN)/ruff check && $(BIN)/ruff format --check

types: $(VENV)/.stamp ## mypy, strict
	@$(BIN)/mypy

docs: $(VENV)/.stamp ## write docs/rules.md, docs/attacks-*.md and graders/index.json from the rules and attacks
	@$(BIN)/python -m graders.rules.document > docs/rules.md
	@$(BIN)/python -m graders.index > .index.json && mv .index.json graders/index.json
	@for suite in payment jwt migration; do $(BIN)/python -m graders.execution.$$suite.document > docs/attacks-$$suite.md || exit 1; done

lock: $(VENV)/.stamp ## bind cases, persona, graders and recordings in evals.lock
	@$(BIN)/evals lock

golden: $(VENV)/.stamp ## rewrite the golden files of the tests
	@$(BIN)/python -m pytest -q tests/test_golden.py --golden

clean: ## delete the environment and this machine's cache and logs
	rm -rf $(VENV) .evals build
