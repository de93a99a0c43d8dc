"""The README is short, its numbers are those of the committed results, and its Python runs (``tests/docs/test_blocks.py``)."""

import re
from pathlib import Path

import pytest

from lrtheory.report.facts import facts
from lrtheory.report.write import BLOCK, INLINE, readme
from lrtheory.sweeps import precision

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FINDINGS = (ROOT / "docs" / "findings.md").read_text()


def test_what_is_made_from_tables_is_fresh():
    assert readme(README, facts()) == README, "python -m lrtheory.report writes it anew"


def test_it_is_short_and_says_first_things_first():
    assert len(README.splitlines()) <= 150
    places = [README.index(words) for words in ("pip install", "```python", "make sweep", "make test", "CITATION.cff")]
    assert places == sorted(places)
    code = "".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    for name in ("lr_scheduler", "worst_case", "plan_grid", "fit"):
        assert f"{name}(" in code


DEFINED = {
    "README.md": ("1e-4 1e-1", "Python 3.11+", "95 % intervals"),
    "docs/findings.md": (
        "95 %", "`T = 100,000`", "[16, 256]", "arXiv 2604.27295", "124M", "arXiv 2402.10898", "AVX-512",
        "built to be flat up to 16", "`R` = 16", "`Robust(16)`", "TREC-6", "CIFAR-10", "2, 4 and 10 times",
        "`PiecewiseLinear({1000: 1, 20_000: 0.1})`", "a mean regret of 1 %", "that ratio for 0.3 %", "To a regret of 1 %",
        "0.8 was the aim", "Chances of `next_lr` below 0.3",
    ),
}  # fmt: skip
"""Numbers that define what is spoken of."""

MEASURED = {"the largest relative difference of a computed column was 3e-13": precision.__doc__}
"""What another text of the package states, and where."""


@pytest.mark.parametrize("page", DEFINED)
def test_every_number_is_made_or_defined(page):
    text = (ROOT / page).read_text()
    plain = INLINE.sub(" ", BLOCK.sub(" ", text))
    told = re.sub(r"^```.*?^```$|!?\[[^]]*\]\([^)]*\)|\{fact\}`.*?`", " ", plain, flags=re.DOTALL | re.MULTILINE)
    told = " ".join(told.split())
    for claim, source in MEASURED.items() if page == "docs/findings.md" else ():
        assert claim in " ".join(source.split())
        assert claim in told, claim
        told = told.replace(claim, " ")
    for defined in DEFINED[page]:
        assert defined in " ".join(text.split()), defined
        told = told.replace(defined, " ")
    assert re.findall(r"\S*\d\.\d\S*|\S*\d ?%|\S*\b\d{2,}\S*", told) == []


def test_the_figures_shown_are_there():
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).stat().st_size > 10_000
