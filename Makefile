# make demo    the Tokyo programme from its applications to published calendars
# make test    every test, in parallel
# make lint    style, types, and the arrows between the rooms
# make serve   the service on http://127.0.0.1:8000
# make contract  the API against its own description, with many more examples than make test has time for
# make bench   this solver beside others on the benchmark instances: about an hour
# make clients the calendar programs (ical.js, vdirsyncer, khal, Evolution, calcurse) the tests read feeds back with
# make thunderbird  Thunderbird follows a week of changes, in some five minutes: it asks once a minute
# make lock    resolve the dependencies of pyproject.toml anew
# Each sets up what it needs, and can be run again.

PYTHON ?= $(shell command -v python3.11 || echo python3)
BIN := .venv/bin
READY := .venv/ready
KERNELS := .venv/kernels

# Programs that are started hundreds of times are compiled once.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test contract lint serve bench lock clients thunderbird
.DELETE_ON_ERROR:

demo: $(KERNELS)
	$(BIN)/matcher demo

test: $(KERNELS)
	$(BIN)/pytest -n auto --dist worksteal

contract: $(KERNELS)
	CONTRACT_EXAMPLES=100 $(BIN)/pytest tests/api/test_contract.py

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

serve: $(KERNELS)
	$(BIN)/matcher serve

bench: $(KERNELS) .peers/ready .peers/radicale/ready
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks calendars --keep

# Debian keeps what makes virtual environments in a package of its own.
$(READY): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null \
		|| { [ "$$(id -u)" = 0 ] && apt-get update --quiet=2 && apt-get install --quiet=2 --yes python3-venv >/dev/null; } \
		|| { echo 'Python cannot make a virtual environment: apt-get install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	touch $@

# The solver's loops in machine code: made here, so that no run spends its time limit on it. All
# anew when one file changes, because a kernel holds those of other files that it calls.
$(KERNELS): $(READY) $(wildcard solver/*.py)
	rm -f solver/__pycache__/*.nbi solver/__pycache__/*.nbc
	$(BIN)/python -m solver.warm_up
	touch $@

# Timefold, of whose package only the jars are used, and our model for it in Java.
TIMEFOLD := benchmarks/timefold

.peers/ready: $(TIMEFOLD)/requirements.txt $(wildcard $(TIMEFOLD)/*.java)
	$(PYTHON) -m venv .peers/python
	.peers/python/bin/pip install --quiet --pre --no-deps --require-hashes -r $(TIMEFOLD)/requirements.txt
	@if command -v javac >/dev/null; then \
		javac -Xlint:all,-processing -Werror -d .peers/classes \
			-cp "$$(echo .peers/python/lib/*/site-packages/timefold/solver/jars)/*" $(TIMEFOLD)/*.java && touch $@; \
	else \
		echo 'Without a JDK, 17 or newer, Timefold is skipped.'; \
	fi

# Radicale, to serve the same calendar beside: `python -m benchmarks calendars`.
.peers/radicale/ready: benchmarks/radicale/requirements.txt
	$(PYTHON) -m venv .peers/radicale
	.peers/radicale/bin/pip install --quiet --require-hashes -r benchmarks/radicale/requirements.txt
	touch $@

clients: .clients/ready

# What Debian packages of them is installed where we may; npm may have come with a Node of its own.
.clients/ready: $(addprefix tests/clients/,package-lock.json requirements.txt packages.txt)
	$(PYTHON) -m venv .clients/python
	.clients/python/bin/pip install --quiet --require-hashes -r tests/clients/requirements.txt
	@packages="$$(cat tests/clients/packages.txt)"; command -v npm >/dev/null || packages="$$packages nodejs npm"; \
	if [ "$$(id -u)" = 0 ] && ! dpkg --status $$packages >/dev/null 2>&1; then \
		apt-get update --quiet=2; DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends $$packages >/dev/null; \
	fi
	cp tests/clients/package.json tests/clients/package-lock.json .clients/
	@command -v npm >/dev/null && npm ci --silent --prefix .clients || echo 'Without npm the tests that need ical.js are skipped.'
	touch $@

thunderbird: $(KERNELS)
	@command -v thunderbird >/dev/null \
		|| { [ "$$(id -u)" = 0 ] && apt-get update --quiet=2 && DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends thunderbird >/dev/null; } \
		|| { echo 'Thunderbird is missing: apt-get install thunderbird' >&2; exit 1; }
	$(BIN)/pytest tests/clients/thunderbird.py

lock: $(READY)
	$(PYTHON) -m venv .venv/lock && .venv/lock/bin/pip install --quiet uv
	.venv/lock/bin/uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/dev.txt
	.venv/lock/bin/uv pip compile pyproject.toml --extra postgres --generate-hashes --no-emit-index-url --no-header --quiet -o requirements/runtime.txt
