"""Every code block of README and site runs, prints what the page says, and names what it needs."""

import contextlib
import io
import os
import re
import shlex
import tomllib
import warnings
from importlib import import_module

import pytest

from lrtheory.__main__ import COMMANDS, PACKAGES
from tests.docs.blocks import PAGES, ROOT, blocks

PYTHON = [page for page in PAGES if any(block.language == "python" for block in blocks(page))]
SHELL = [block for page in PAGES for block in blocks(page) if block.language == "sh"]
LANGUAGES = {"python", "sh", "text", "yaml"}
PROGRAMS = ROOT / "docs" / "examples.md"
NOISE = r"GPU available|TPU available|litlogger|lightning|`Trainer\.fit` stopped|💡|\{'train_runtime'"
"""What trainers print of themselves."""


def name_of(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_has_a_language_that_is_checked(page):
    text = page.read_text(encoding="utf-8")
    opened = re.findall(r"^```+(.*)$", text, re.MULTILINE)[::2]
    assert all(mark in LANGUAGES or mark.startswith("{") for mark in opened), opened
    python = len(re.findall(r"^```python$", text, re.MULTILINE))
    assert python == sum(block.language == "python" for block in blocks(page))


@pytest.mark.parametrize("page", PYTHON, ids=name_of)
def test_python_runs_and_prints_what_the_page_says(page, tmp_path, monkeypatch, subtests):
    """The blocks of a page one after the other, as a reader runs them; the programs of the examples each alone."""
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "__main__"}
    for block in blocks(page):
        if block.language != "python" or block.service:
            continue
        if page == PROGRAMS:
            names = {"__name__": "__main__"}
            assert len(block.code.splitlines()) <= 40
        with subtests.test(block=str(block)):
            for package in block.needs:
                pytest.importorskip(package, reason=f"this block needs {package}")
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed), warnings.catch_warnings():
                if block.needs:  # the warnings of other people's trainers are theirs
                    warnings.simplefilter("ignore")
                exec(compile(block.code, str(block), "exec"), names)
            if block.printed is not None:
                assert printed.getvalue().strip() == block.printed.strip()


@pytest.mark.parametrize("block", SHELL, ids=str)
def test_commands_exist_and_those_of_this_package_run(block, tmp_path, monkeypatch, capsys):
    targets = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    with open(ROOT / "pyproject.toml", "rb") as file:
        extras = tomllib.load(file)["project"]["optional-dependencies"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("webbrowser.open", lambda _: True)
    for line in block.code.splitlines():
        program, *words = shlex.split(line, comments=True) or ["#"]
        if program == "make":
            assert words[0] in targets
        elif program == "pip":
            assert all(extra in extras for each in words for extra in re.findall(r"\[(\w+)\]", each))
        elif program == "lrtheory":
            command, *rest = words
            assert command in COMMANDS
            main = import_module(f"lrtheory.{command}" + (".__main__" if command in PACKAGES else "")).main
            if block.service:
                continue
            assert main(rest) == 0, capsys.readouterr().err
        elif program == "python":
            assert words[0] == "-m"
            assert import_module(words[1])
        else:
            assert program in ("#", "git", "cd"), line


def test_what_is_left_out_says_why():
    for page in PAGES:
        for block in blocks(page):
            if block.service:
                assert len(block.service) > 5


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_within_the_checkout_lead_somewhere(page):
    """Those to generated pages are resolved by Sphinx, whose warnings are errors."""
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    for target in re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)[^)]*\)", text):
        if "made/" not in target:
            assert (page.parent / target).exists(), target
    for target in re.findall(
        r"^```\{(?:image|figure|literalinclude)\} (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE
    ):
        assert (page.parent / target).exists(), target
    assert os.path.isabs(page)
