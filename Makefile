# The only build tool. `make` lists the targets; `make report` and `make test` set themselves up.
SHELL := bash
.SHELLFLAGS := -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
JOBS     ?= $(or $(shell nproc 2> /dev/null || sysctl -n hw.ncpu 2> /dev/null),1)
MAKEFLAGS += --no-print-directory -j$(JOBS)

PYTHON   ?= python3
STUDY    ?= data/demo/study.yml
FILES    ?=
NOTEBOOK ?=
TO       ?= $(dir $(STUDY))to-code.csv

PY        := .venv/bin/python
READY     := .venv/.ready
PACKAGE   := $(shell find libengage_utils -type f -not -path '*/__pycache__/*')
HOME_OF   := $(lastword $(notdir $(patsubst %/,%,$(dir $(abspath $(STUDY))))))
OUT       := reports$(if $(filter-out $(abspath data/demo/study.yml),$(abspath $(STUDY))),/$(HOME_OF))
NOTEBOOKS := $(if $(NOTEBOOK),notebooks/$(notdir $(basename $(NOTEBOOK))).ipynb,$(wildcard notebooks/*.ipynb))
PAGES     := $(NOTEBOOKS:notebooks/%.ipynb=$(OUT)/%.html)
LOST      := $(foreach page,$(PAGES),$(if $(wildcard $(page:.html=.json)),,$(page)))
AHEAD     := $(shell find "$(OUT)" -maxdepth 1 \( -name '*.html' -o -name .prepared \) -newermt '1 hour' 2> /dev/null)
quoted     = '$(subst ','\'',$(1))'
THIS      := $(call quoted,$(STUDY)) $(if $(FILES),--files $(call quoted,$(FILES)))
RUN       := $(PY) -m libengage_utils
LOCKED    := --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet

$(foreach name,STUDY NOTEBOOK,$(if $(word 2,$($(name))),$(error $(name) may hold no space, as \
'$($(name))' does: rename what has one in its name)))
$(foreach mark,% : ; * ? [ " ` \,$(if $(findstring $(mark),$(STUDY)),$(error STUDY may not hold $(mark), as '$(STUDY)' \
does: rename what has one in its name)))
ifeq ($(OUT),reports/club)
$(error The folder of a study may not be called club, where reports keeps the sheets of sessions: rename it)
endif
ifeq ($(wildcard $(NOTEBOOKS)),)
$(error There is no notebook called '$(NOTEBOOK)'. There are: $(basename $(notdir $(wildcard notebooks/*.ipynb))))
endif
ifeq ($(wildcard $(STUDY))$(filter demo start,$(MAKECMDGOALS)),)
$(error There is no study at '$(STUDY)'. Give the path of a study.yml: make report STUDY=path/study.yml)
endif

help:           ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 22
	@echo "  make report NOTEBOOK=01-who-engages STUDY=path/study.yml [FILES=folder]   one notebook on a study of yours"

report: $(OUT)/index.html     ## run every notebook on the demo study and write reports/index.html
	@echo "Open $(OUT)/index.html"; for page in $(foreach page,$(PAGES),"$(page)"); do \
		[ -f "$$page" ] || lost="$$lost $$(basename "$$page" .html)"; done; \
		[ -z "$$lost" ] || { echo "Not made, for the reasons given above, and not in the index:$$lost"; exit 1; }

pdf: report                   ## print pages and decks of reports as PDF (needs Chromium, Chrome or Edge)
	@$(RUN) pdf "$(OUT)" $(if $(NOTEBOOK),--notebook $(basename $(notdir $(NOTEBOOKS))))

club: $(if $(NOTEBOOK),$(OUT)/.prepared)    ## write and print the sheets of a session: make club NOTEBOOK=06-listening
	$(if $(NOTEBOOK),,$(error Choose a notebook: make club NOTEBOOK=06-listening. There are: $(basename $(notdir $(wildcard notebooks/*.ipynb)))))
	@$(RUN) club $(NOTEBOOKS) $(THIS) --to "$(OUT)/club"

test: $(READY)                ## run the whole test suite
	@$(PY) -m pytest -n auto

lab: $(READY) data/demo/study.yml     ## open JupyterLab on the notebooks
	@$(PY) -m jupyter lab --notebook-dir=notebooks

check: $(READY)               ## say what is in a study and what was rejected: make check STUDY=path/study.yml
	@$(RUN) check $(THIS)

start: $(READY)               ## look at exports and propose a study.yml: make start FROM="users.csv loans.csv" STUDY=my-library
	$(if $(and $(FROM),$(filter command environment,$(origin STUDY))),,$(error Name the files and a new folder: make start FROM="users.csv loans.csv" STUDY=my-library))
	@$(RUN) start $(call quoted,$(STUDY)) --from $(FROM)

extras: $(READY)              ## add what reads databases, and Spark (needs Java 17)
	@$(PY) -m pip install --disable-pip-version-check --quiet --require-hashes -r requirements-extras.lock

sheet: $(READY)               ## draw comments for people to code by hand: make sheet STUDY=path/study.yml
	@$(RUN) sheet $(THIS) --to "$(TO)"

plan: $(if $(and $(ON),$(CAMPAIGN)),$(READY))    ## say who is quiet and draw lots for a letter: make plan ON=2026-09-01 CAMPAIGN=autumn
	$(if $(and $(ON),$(CAMPAIGN)),,$(error Name the day and the campaign: make plan ON=2026-09-01 CAMPAIGN=autumn))
	@$(RUN) plan $(THIS) --on "$(ON)" --campaign "$(CAMPAIGN)"

demo: $(READY)                ## write the synthetic library in data/demo anew
	@$(RUN) demo data/demo

data: $(READY)                ## download San Francisco's cardholders to data/sfpl (needs the internet)
	@$(PY) data/sfpl/fetch.py

fit: $(READY)                 ## fit the emotion model anew from GoEmotions, downloaded unless FILES=folder holds it
	@$(if $(FILES),,$(PY) data/goemotions/fetch.py &&) $(PY) -m libengage_utils.emotions.fitting "$(or $(FILES),data/goemotions)"

bench: $(READY) .bench/.ready ## seconds, CPU and memory beside those of peers: make bench BENCH_EVENTS="1000000 10000000"
	@$(PY) benchmarks/bench.py

planted: $(READY)             ## judge 400 libraries whose answers are known (an hour or two; goes on where it was stopped)
	@$(PY) benchmarks/planted.py

lint: $(READY)                ## check the style of the code
	@$(PY) -m ruff check .

clean-reports:                ## remove the pages
	@rm -rf reports

clean: clean-reports          ## remove pages, prepared copies and the environment
	@rm -rf .venv .bench
	@find . -name .prepared -type d -prune -exec rm -rf {} +

lock:                         ## resolve both locks anew (needs uv and the internet)
	@uv pip compile pyproject.toml --extra test --extra data --extra build $(LOCKED) --output-file requirements.lock
	@python3 -c 'import tomllib; extras = tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]; \
		print(*extras["spark"], *extras["database"], sep="\n")' \
		| uv pip compile - --constraints requirements.lock $(LOCKED) --output-file requirements-extras.lock

.PHONY: help report pdf club test lab check start extras sheet plan demo data fit bench planted lint clean-reports clean lock always

# --- pages: each is made anew when its notebook, the study's inputs or the package change ---

$(OUT)/index.html: $(PAGES)
	@$(RUN) index $(THIS) --to "$(OUT)"

# A page that cannot be made does not keep the others from theirs. What there was of it is out of date and goes.
$(OUT)/%.html: notebooks/%.ipynb $(OUT)/.prepared
	@trap 'exit 130' INT TERM; $(RUN) report $< $(THIS) --to "$(OUT)" || rm -f "$(OUT)"/index.{html,pdf} \
		"$(OUT)/$*"{,-code,-slides,-notes}.{html,pdf} "$(OUT)/$*.json"

$(LOST) $(AHEAD): always      # and when its manifest is lost, or a clock was set back since

$(OUT)/.prepared: $(STUDY) $(OUT)/.study $(PACKAGE) $(READY)
	@$(RUN) prepare $(THIS) --inputs "$(OUT)/.inputs" --target "$@"
	@$(INPUTS) > "$(OUT)/.study" && touch "$@"

# Pages of one folder are of one study, and of files with these sizes and times. The second time cannot be set by hand: it
# tells of a file that was moved or copied to the place of another, however old it is.
STAT   := stat -L $(if $(shell stat --version 2> /dev/null),-c '%n %s %.9Y %.9Z',-f '%N %z %Fm %Fc')
INPUTS  = { echo $(call quoted,$(abspath $(STUDY)) $(abspath $(FILES))); sed -n 's/\\ / /g; s/:$$//p' "$(OUT)/.inputs" \
	| tr '\n' '\0' | xargs -0 $(STAT); true; } 2> /dev/null

$(READY) $(OUT)/.study: | $(filter clean clean-reports,$(MAKECMDGOALS))    # what is made anew waits until the old is gone
$(OUT)/.study: always
	@mkdir -p "$(OUT)"; $(INPUTS) | cmp -s - "$@" || $(INPUTS) > "$@"

# --- the environment: made once from the lock, with one sentence for what stands in its way ---

$(READY): requirements.lock
	@[ ! -L .venv ] || { echo ".venv is a link, and the environment that it leads to would be emptied, which others may use.\
 Remove the link, and run make again."; exit 1; }
	@command -v $(PYTHON) > /dev/null || { echo "Python is missing: install Python 3.11 or later."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed;\
 $(PYTHON) is $$($(PYTHON) -c 'import platform; print(platform.python_version())'). Say which to use: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2> /dev/null || { echo "Python's venv module is missing: install it\
 (on Debian and Ubuntu: sudo apt install python3-venv)."; exit 1; }
	@echo "Making the environment in .venv, once: one to five minutes."; $(PYTHON) -m venv --clear .venv
	@$(PY) -m pip install --disable-pip-version-check --require-hashes --progress-bar off -r requirements.lock \
		2> .venv/errors.log | awk '/^Collecting/ && ++n % 20 == 0 {print "  " n " packages fetched"; fflush()} \
		/^Installing/ {print "  installing"; fflush()}' || { \
		if grep -qiE "name resolution|establish a new connection|unreachable|timed out|ConnectionError|Could not find a version" \
		.venv/errors.log; then echo "The packages cannot be fetched: there is no connection to PyPI. Connect once; the notebooks themselves need no network.";\
		else echo "The packages cannot be installed: $$(grep -m1 -iE "error" .venv/errors.log)"; fi; exit 1; }
	@$(PY) -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable . 2>> .venv/errors.log \
		|| { echo "The package cannot be installed: $$(grep -m1 -iE "error" .venv/errors.log)"; exit 1; }
	@touch $@

# Peers to measure against, in an environment of their own: whatever of it cannot be installed is left out of the table.
.bench/.ready: benchmarks/peers.txt | $(READY)
	@echo "Making an environment for peers in .bench, once: some minutes."; $(PYTHON) -m venv .bench
	@sed 's/ *#.*//; /^$$/d' $< | { while read -r peer; do .bench/bin/python -m pip install --disable-pip-version-check --quiet \
		"$$peer" 2>> .bench/errors.log || { lost=1; echo "  $$peer cannot be installed, and is left out."; }; done; \
		[ "$$lost" ] || touch $@; }
