"""Every claim that README, findings or paper grade as certain has a test whose failure would show it false."""

import ast
import re
from functools import lru_cache
from pathlib import Path

import pytest

from lrtheory import theorems as registry
from tests.claims.registry import CLAIMS, NO_CLAIMS, THEOREMS

ROOT = Path(__file__).parents[2]
GRADED = re.compile(r"\\(?:proved|verified)\b|\b(?:proved|verified|exact|exactly|the same)\b", re.IGNORECASE)


def blocks():
    """Paragraphs, items and rows of the README and of the page of findings, and of the paper's sections."""
    for path in (ROOT / "README.md", ROOT / "docs" / "findings.md"):
        text = re.sub(r"!\[.*?\]\(.*?\)", "\n\n", path.read_text(), flags=re.DOTALL)
        yield from re.split(r"\n\s*\n|\n(?=\||\* )", re.sub(r"<!--.*?-->", "", text))
    for path in sorted((ROOT / "paper" / "sections").glob("*.tex")):
        yield from re.split(r"\n\s*\n|\\item", re.sub(r"(?<!\\)%.*", "", path.read_text()))


def graded_sentences():
    for block in blocks():
        text = " ".join(block.split())
        whole = text.startswith(("```", "|"))  # listings and rows of tables have no sentences
        for sentence in [text] if whole else re.split(r"(?<=[.!?:]) +(?=[^a-z0-9(])", text):
            if GRADED.search(sentence):
                yield sentence


SENTENCES = list(graded_sentences())


def test_every_graded_sentence_is_listed_once():
    fragments = [*CLAIMS, *NO_CLAIMS]
    found = {sentence: [fragment for fragment in fragments if fragment in sentence] for sentence in SENTENCES}
    assert {sentence[:200]: listed for sentence, listed in found.items() if len(listed) != 1} == {}


@pytest.mark.parametrize("listed", [CLAIMS, NO_CLAIMS], ids=["claims", "no claims"])
def test_every_listed_sentence_is_there(listed):
    assert [fragment for fragment in listed if not any(fragment in sentence for sentence in SENTENCES)] == []


@lru_cache
def functions_of(path):
    tree = ast.parse(path.read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}


def test_every_test_that_is_named_is_there():
    tests = [name for names in [*CLAIMS.values(), *THEOREMS.values()] for name in names]
    named = {name if name.startswith("tests/") else f"tests/theory/{name}" for name in tests}
    missing = []
    for name in sorted(named):
        path, _, function = name.partition("::")
        if (
            not (ROOT / path).exists()
            or not functions_of(ROOT / path)
            or (function and function not in functions_of(ROOT / path))
        ):
            missing.append(name)
    assert missing == []


def test_every_theorem_has_tests_of_its_own():
    assert list(THEOREMS) == list(registry.THEOREMS)


def test_no_claim_is_without_a_test_and_no_exception_without_a_reason():
    assert all(CLAIMS.values())
    assert all(THEOREMS.values())
    assert all(NO_CLAIMS.values())
