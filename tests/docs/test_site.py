"""The pages that are made from the package: complete, and true to it."""

import importlib.util
import inspect
import re
from pathlib import Path

import pytest

import lrtheory
from lrtheory.figures import FIGURES
from lrtheory.report import site
from lrtheory.report.facts import facts
from lrtheory.runs.tables import committed
from lrtheory.theorems import THEOREMS
from tests.docs.blocks import PAGES, ROOT


def test_every_figure_is_told_in_words():
    told = [entry.alt for entry in FIGURES.values()]
    assert all(40 < len(text) < 420 and text.endswith(".") and "`" not in text for text in told)
    assert len(set(told)) == len(told)
    shown = [
        match for page in PAGES for match in re.findall(r"^```\{image\}.*?\n(.*?)\n", page.read_text(), re.MULTILINE)
    ]
    assert all(re.fullmatch(r":alt: .{20,}", line) for line in shown)


def test_every_theorem_has_a_page_that_the_index_links():
    pages = site.theorems()
    index = pages["blocks/theorem_index.md"]
    for name, theorem in THEOREMS.items():
        page = pages[f"theory/{name}.md"]
        assert theorem.statement in page
        assert f".. automodule:: {theorem.module}" in page
        assert f"Status: **{theorem.status}**" in page
        assert f"(made/theory/{name}.md)" in index


def test_a_theorem_page_shows_its_figures():
    assert "tightness" in site.figures_about("lrtheory.theory.certificates")
    assert "figures/tightness.png" in site.theorems()["theory/published_bound.md"]


def test_every_public_name_has_a_page_that_the_index_links():
    pages = site.interface()
    index = pages["blocks/api_index.md"]
    names = {(package, name): value for package, name, value in site.public()}
    for name in lrtheory.__all__:
        assert inspect.ismodule(getattr(lrtheory, name)) or ("lrtheory", name) in names
    for (package, name), value in names.items():
        where = site.home(package, name, value)
        page = pages[f"api/{package}.{name}.rst"]
        assert f":: {where}\n" in page
        assert f"(made/api/{package}.{name}.rst)" in index
        module, _, last = where.rpartition(".")
        assert getattr(importlib.import_module(module), last) is value


def test_every_module_has_a_page():
    index = site.modules()["blocks/module_index.md"]
    assert all(f"`{name}`" in index for name in site.module_names())
    assert len(site.module_names()) > 150


def test_results_show_every_figure_and_the_record_of_every_table():
    pages = site.results()
    for name, entry in FIGURES.items():
        page = pages[f"results/{name}.md"]
        assert entry.alt in page
        assert all(f"## Table {table}" in page for table in entry.tables)
        assert f"python -m lrtheory.figures {name}" in page
    assert "python -m lrtheory.sweep rho" in pages["results/rho.md"]
    assert all(f"`{path.name}`" in pages["blocks/table_index.md"] for path in committed().glob("*.csv"))


def test_the_help_of_every_command_is_shown():
    from lrtheory.__main__ import COMMANDS

    text = site.commands()["blocks/commands.md"]
    assert set(COMMANDS) <= set(site.COMMANDS)
    assert all(f"usage: lrtheory {command}" in text for command in COMMANDS)
    assert "usage: python -m lrtheory.report" in text  # of a checkout only
    assert "--replicas" in text


def test_all_facts_and_blocks_that_pages_name_are_there():
    known = facts()
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"\{fact\}`(\S+?)`", text):
            assert name in known, (page, name)
        for name in re.findall(r"made/blocks/([\w-]+)\.md", text):
            assert name in {
                "theorem_index",
                "figure_index",
                "table_index",
                "api_index",
                "module_index",
                "commands",
            } or (f"readme/{name}" in known), (page, name)


def test_pages_are_written_anew(tmp_path, monkeypatch):
    for name in ("theorems", "results", "interface", "modules", "commands"):
        monkeypatch.setattr(site, name, lambda name=name: {f"{name}.md": name})
    monkeypatch.setattr(site, "blocks", lambda: {"blocks/rho.md": "a"})
    folder = tmp_path / "made"
    (folder / "old").mkdir(parents=True)
    written = site.write(folder)
    assert not (folder / "old").exists()
    assert {path.name for path in written} >= {"rho.md", "theorems.md", "exercise.py", "01_implicit_penalty.ipynb"}
    assert all(path.is_file() for path in written)
    assert (folder / "figures" / "data" / "rho.csv").is_file()


def test_first_lines_are_markdown():
    assert site.interface()["blocks/api_index.md"].count(":math:") == 0
    assert "$h(u) = 1$" in site.interface()["blocks/api_index.md"]


@pytest.fixture(scope="module")
def conf():
    pytest.importorskip("sphinx", reason="the site is built with Sphinx")
    specification = importlib.util.spec_from_file_location("site_conf", ROOT / "docs" / "conf.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("tex", "numbers"),
    [
        (r"\frac12x", ["1", "2"]),
        (r"\tfrac14\|g\|^2", ["1", "4", "2"]),
        (r"\frac1{2p+1}", ["1", "2", "1"]),
        (r"\frac\eta4", ["4"]),
    ],
)
def test_fractions_of_single_digits_are_read_as_tex_reads_them(conf, tex, numbers):
    assert re.findall(r"<mn>(.*?)</mn>", conf.mathml(tex, block=False)) == numbers


def test_an_index_of_an_accented_letter_stands_beside_it(conf):
    assert "munder" not in conf.mathml(r"\bar s_t", block=True)


def test_every_formula_of_the_docstrings_is_shown(conf):
    from importlib import import_module

    for name in site.module_names():
        module = import_module(name)
        for value in [module, *vars(module).values()]:
            if inspect.ismodule(value) or getattr(value, "__module__", "") == name:
                for formula in re.findall(r":math:`([^`]*)`", inspect.getdoc(value) or ""):
                    assert conf.mathml(formula, block=False).startswith("<math")


def test_the_changelog_speaks_of_this_version():
    assert f"## {lrtheory.__version__}" in (ROOT / "CHANGELOG.md").read_text()
    assert f"version: {lrtheory.__version__}" in Path(ROOT / "CITATION.cff").read_text()


def test_constants_are_described_by_the_text_below_them():
    index = site.interface()["blocks/api_index.md"]
    rows = dict(re.findall(r"^\| \[`(\w+)`\]\([^)]*\) \| (.*) \|$", index, re.MULTILINE))
    described = [name for name in rows if name.isupper() and rows[name].endswith(".")]
    assert {"FAMILIES", "EXPERIMENTS", "LAWS"} <= set(described)
