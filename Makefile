# Slipway: `make up` runs the main job, `make test` runs all tests. `make help` lists the rest.
SHELL := /bin/sh
.DELETE_ON_ERROR:
PYTHON ?= python3
STATE := .slipway
BIN := .venv/bin
# slipway as one folder, of links: setuptools knows its rooms by a finder, which nothing but Python runs.
LINKS := .venv/editable/slipway
ROOMS := scripts sessions steps workers www
# Ctrl-C is how `make up` ends: make shall not call it an error.
CTRL_C := import sys; from slipway.cli import main; code = main(['up']); sys.exit(code if code != 130 else 0)
QT := libegl1 libgl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxkbcommon0 fonts-dejavu-core
WINE := wine wine64 gcc-mingw-w64-x86-64-win32
INSTALLERS := nsis wixl msitools
SERVERS := openssh-server openssh-client nginx-light apache2-bin ngircd
CORES = $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')
# One more than there are cores: the tests of a running site wait more than they compute.
JOBS ?= $(shell expr $(CORES) + 1)
export UV_CACHE_DIR ?= $(CURDIR)/$(STATE)/cache/uv
export UV_PYTHON_DOWNLOADS ?= never
# Containers often set it; then every process of ours would compile Buildbot anew: twice the processor time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Editors, mypy and pyright read the links, and so does Python. A new file is seen at once; one right in pipeline/ changes
# that folder, so the next `make` links it. Where no links can be made there is the finder.
.venv/.ready: .venv/.synced pipeline
	@mkdir -p $(LINKS)
	@for one in $(ROOMS) $(filter-out %__,$(wildcard pipeline/*)); do \
	  link=$(LINKS)/$${one##*/}; test -e $$link || ln -sfn ../../../$$one $$link || break; \
	done
	@find $(LINKS) -type l ! -exec test -e {} \; -delete
	@test ! -e $(LINKS)/__init__.py || \
	  for site in .venv/lib/python3.*/site-packages; do echo ../../../editable > $$site/slipway-editable.pth; done
	@touch $@

.venv/.synced: uv.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Slipway needs Python 3.11 or newer; install it, or name it: make PYTHON=python3.12" >&2; exit 3; }
	@command -v git >/dev/null || { echo "git is not on this machine; install it: apt install git" >&2; exit 3; }
	@echo "making the environment in .venv ..."
	@test -x $(BIN)/uv || { $(PYTHON) -m venv .venv || \
	  { echo "python3 lacks venv; install it: apt install python3-venv" >&2; exit 3; }; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check uv; }
	@$(BIN)/uv sync --quiet --frozen --all-extras
	@touch $@

.PHONY: up
up: .venv/.ready pages example ## start master, worker and the example project; ONCE=1 ends after one run
	@exec $(BIN)/$(if $(ONCE),slipway up --once,python -c "$(CTRL_C)")

.PHONY: example
example: .venv/.ready ## make the example's git repository in .slipway/almanac, once
	@$(BIN)/slipway example examples/almanac $(STATE)/almanac

.PHONY: check
check: .venv/.ready example ## check pipeline.toml and print its graph
	@$(BIN)/slipway check

.PHONY: www
www: .venv/.ready ## build the web pages (Node 20.19 or newer: the machine's, else PyPI's)
	@$(BIN)/python www/src/build_pages.py

# The site runs without the pages; it says why where they cannot be built.
.PHONY: pages
pages: .venv/.ready
	@$(BIN)/python www/src/build_pages.py --if-possible

.PHONY: screenshots
screenshots: .venv/.ready www browser ## make the pictures of every page in docs/images
	$(BIN)/python -m tests.www.pages.screenshots

.PHONY: test
test: lint browser desktop signing installers servers ## lint, types, unit, integration and feature tests
	$(BIN)/pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder --timeout 900 -m "not attack and not windows" || \
	  { code=$$?; [ $$code = 1 ] || exit $$code; $(BIN)/python -m tests.again --timeout 900 -m "not attack and not windows"; }

.PHONY: freeze-corpus
freeze-corpus: .venv/.ready ## freeze all applications of tests/data/freeze and have each do its job
	@$(BIN)/python -m tests.support.freeze_corpus --cache $(STATE)/cache/freeze-corpus

# From PyPI, so not part of `make test`; an hour or more, and it goes on where it was stopped.
.PHONY: strangers
strangers: .venv/.ready ## run the tests, freezes, seeds and features of 30 published projects, untouched
	@$(BIN)/python -m tests.support.strangers --state $(STATE)/strangers

.PHONY: test-windows
test-windows: .venv/.ready pages wine installers signing ## the pipeline on a Windows worker, under Wine
	$(BIN)/pytest -m windows tests/windows || \
	  { code=$$?; [ $$code = 1 ] || exit $$code; $(BIN)/python -m tests.again -m windows tests/windows; }

# Windows programs on Linux, and the compiler of the one function that Wine lacks.
.PHONY: wine
wine:
	@if test -x /usr/lib/wine/wine64 && command -v x86_64-w64-mingw32-gcc >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing Wine for the tests on Windows ..."; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(WINE); } >/dev/null 2>&1 || \
	  echo "Wine could not be installed; the tests on Windows will be skipped"; \
	else echo "no Wine here; for the tests on Windows: apt install $(WINE)"; fi

# What makes installers for Windows; without it their tests are skipped.
.PHONY: installers
installers:
	@if command -v makensis >/dev/null && command -v wixl >/dev/null && command -v msibuild >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing NSIS and msitools for the tests of installers ..."; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(INSTALLERS); } >/dev/null 2>&1 || \
	  echo "NSIS and msitools could not be installed; tests of installers for Windows will be skipped"; \
	else echo "no NSIS and msitools here; for the tests of installers: apt install $(INSTALLERS)"; fi

.PHONY: kills
kills: .venv/.ready ## kill a master and a worker 200 times, wherever a run stands (an hour)
	SLIPWAY_KILLS=$${SLIPWAY_KILLS:-200} $(BIN)/pytest -x -q -s tests/live/runs/test_kills.py

.PHONY: attack
attack: .venv/.ready pages browser ## attack a running site: all of tests/attack, the long ones too
	$(BIN)/pytest -x -q --timeout 1800 tests/attack

.PHONY: faults
faults: .venv/.ready ## 100 kills, full disks, locks, suspensions, clocks that are set; on each database
	SLIPWAY_FAULTS=$${SLIPWAY_FAULTS:-100} SLIPWAY_SUSPENDED=$${SLIPWAY_SUSPENDED:-60} \
	  $(BIN)/pytest -x -q -s tests/live/runs/test_faults.py

.PHONY: unit
unit: .venv/.ready ## the quick tests alone, within a minute
	$(BIN)/pytest -n $(CORES) --dist loadfile --no-loadscope-reorder -m "not slow and not live and not attack and not windows" \
	  $(patsubst %,--ignore tests/%,live plugins www/pages attack/web attack/secrets)

.PHONY: lint
lint: .venv/.ready pages ## ruff, mypy strict and the import rules
	@$(BIN)/python www/src/build_pages.py --check --if-possible
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --cache-dir $(STATE)/mypy
	$(BIN)/mypy --cache-dir $(STATE)/mypy-bench --follow-imports silent $(wildcard bench/*.py bench/*/*.py)
	$(BIN)/lint-imports --no-cache

# The @javascript features need a browser; without one they say so and are skipped.
.PHONY: browser
browser:
	@if command -v chromedriver >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing a headless browser for the @javascript features ..."; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends \
	    chromium-headless-shell chromium-driver; } >/dev/null 2>&1 || \
	  echo "no headless browser could be installed; @javascript features will be skipped"; \
	else echo "no chromedriver here; for the @javascript features: apt install chromium-headless-shell chromium-driver"; fi

# What Qt needs to draw windows that nobody sees; without it the tests of @desktop are skipped.
.PHONY: desktop
desktop:
	@if [ "$$(uname)" != Linux ]; then :; \
	elif { ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | awk '/libEGL.so.1 /{a=1} /libGL.so.1 /{b=1} \
	    /libxkbcommon.so.0 /{c=1} /libdbus-1.so.3 /{d=1} /libfontconfig.so.1 /{e=1} \
	    /libglib-2.0.so.0 /{f=1} END {exit a+b+c+d+e+f < 6}'; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing what Qt needs for the @desktop features ..."; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(QT); } >/dev/null 2>&1 || \
	  echo "Qt's libraries could not be installed; @desktop features will be skipped"; \
	else echo "Qt lacks libraries here; for the @desktop features: apt install $(QT)"; fi

# What signs Windows programs on Linux, and makes one kind of installer to sign.
.PHONY: signing
signing:
	@if command -v osslsigncode >/dev/null && command -v wixl >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "installing osslsigncode for the tests of signing ..."; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends osslsigncode wixl; } >/dev/null 2>&1 || \
	  echo "osslsigncode could not be installed; the tests of signing will be skipped"; \
	else echo "no osslsigncode here; for the tests of signing: apt install osslsigncode wixl"; fi

# Servers that the tests start on ports of their own. Where an init runs, their packages would start them, too: people do that.
.PHONY: servers
servers:
	@if PATH=$$PATH:/usr/sbin && command -v sshd >/dev/null && command -v nginx >/dev/null && command -v apache2 >/dev/null && command -v ngircd >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && [ ! -d /run/systemd/system ]; then \
	  echo "installing OpenSSH's server, nginx, Apache and ngircd for the tests of publishing and notices ..."; \
	  { apt-get update -qq && apt-get install -y -qq --no-install-recommends $(SERVERS); } >/dev/null 2>&1 || \
	  echo "they could not be installed; tests that need them will be skipped"; \
	else echo "some servers are missing; for all tests of publishing, deploying and notices: apt install $(SERVERS)"; fi

.PHONY: bench
bench: .venv/.ready ## measure, beside the tools people would use else; tables with medians
	@for file in bench/*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

.PHONY: docs
docs: .venv/.ready ## make the generated pages, the schema and the OpenAPI document anew
	$(BIN)/slipway schema > pipeline/config/pipeline.schema.json
	$(BIN)/slipway schema --reference > docs/reference/pipeline.md
	$(BIN)/python -m slipway.www.api.reference > docs/reference/api.md
	$(BIN)/python -m slipway.www.api.document > www/src/api/openapi.json

# What was deployed goes on when `make up` has ended, as it should.
.PHONY: stop
stop: ## end the examples that were deployed
	@$(PYTHON) -I scripts/deployed.py $(STATE)/deployed

.PHONY: clean
clean: idle $(if $(ALL),stop) ## remove the environment and caches; ALL=1: and all the site has written, releases included
	rm -rf .venv $(if $(ALL),$(STATE),$(STATE)/cache $(STATE)/mypy $(STATE)/workers/*/cache $(STATE)/workers/*/tenants/*/cache)

.PHONY: idle
idle:
	@test ! -e $(STATE)/lock || ! command -v flock >/dev/null || flock --nonblock $(STATE)/lock true || \
	  { echo "a site runs in $(STATE); end it first: Ctrl-C in its terminal" >&2; exit 2; }
