# make sweep: the rho sweep on a machine that has only Python, make and git.   make test: every test.
PYTHON ?= python3
VENV ?= .venv
INSTALL = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: sweep test lint clean

sweep: $(VENV)/.core
	$(VENV)/bin/python -m lrtheory.sweep rho

test: $(VENV)/.test
	$(VENV)/bin/python -m pytest --numprocesses auto

lint: $(VENV)/.dev
	$(VENV)/bin/python -m ruff check
	$(VENV)/bin/python -m ruff format --check
	$(VENV)/bin/python -m pyright --pythonpath $(VENV)/bin/python

$(VENV)/.core: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(INSTALL) --editable '.[test]'
	touch $@

$(VENV)/.dev: $(VENV)/.test
	$(INSTALL) --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
