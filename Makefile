# make sweep: the rho sweep on a machine that has only Python, make and git.   make test: every test.
# make processor: the tests whose numbers libraries compute, as another processor would.   make nightly: every test as each
# of several processors would, twice, in new orders and with new random examples; hours.
# make gpu: what is to be computed on one large GPU, in five pieces of nine minutes each, or those in PIECE; never run on one yet.
# make figures, notebooks, paper: from the committed tables, the paper with TeX (Debian: latexmk lmodern
# texlive-latex-recommended texlive-latex-extra).   make docs: the site, in build/docs, lessons executed; with LESSONS=shown they
# are not.
PYTHON ?= python3
VENV ?= .venv
INSTALL = $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: sweep gpu figures notebooks paper arxiv docs test processor nightly lint clean

sweep: $(VENV)/.core
	$(VENV)/bin/python -m lrtheory.sweep rho

gpu: $(VENV)/.test
	$(VENV)/bin/python -m lrtheory.gpu $(PIECE)

figures: $(VENV)/.test
	$(VENV)/bin/python -m lrtheory.figures

notebooks: $(VENV)/.test
	$(VENV)/bin/python notebooks/run.py

paper: figures
	$(VENV)/bin/python -m lrtheory.report
	cd paper && latexmk lrtheory.tex

arxiv: paper
	tar --create --gzip --sort=name --mtime=@0 --owner=0 --group=0 --file build/arxiv.tar.gz \
	  --directory paper lrtheory.tex references.bib sections generated \
	  --directory ../build/paper lrtheory.bbl --directory ../.. $(wildcard figures/*.pdf)

docs: $(VENV)/.docs
	rm -rf build/docs
	LESSONS=$(or $(LESSONS),run) $(VENV)/bin/python -m sphinx --builder html --fail-on-warning --keep-going --nitpicky --quiet \
	  docs build/docs

test: $(VENV)/.test
	$(VENV)/bin/python -m pytest --numprocesses auto

processor: $(VENV)/.test
	$(VENV)/bin/python -m tests.processors together

nightly: $(VENV)/.test
	env --unset=CI $(VENV)/bin/python -m tests.processors --everything --times 2

lint: $(VENV)/.dev
	$(VENV)/bin/python -m ruff check
	$(VENV)/bin/python -m ruff format --check
	$(VENV)/bin/lint-imports --no-cache
	$(VENV)/bin/python -m pyright --pythonpath $(VENV)/bin/python

$(VENV)/.core: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	touch $@

$(VENV)/.test: $(VENV)/.core
	$(INSTALL) --editable '.[test]'
	touch $@

$(VENV)/.docs: $(VENV)/.test
	$(INSTALL) --editable '.[docs]'
	touch $@

$(VENV)/.dev: $(VENV)/.test
	$(INSTALL) --editable '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
