"""The paper says what the code says: nothing in it is stale, typed by hand, ungraded or uncited."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from lrtheory.report.facts import facts
from lrtheory.report.write import INLINE, paper

ROOT = Path(__file__).parent.parent
PAPER = ROOT / "paper"
SECTIONS = {path.stem: path.read_text() for path in sorted((PAPER / "sections").glob("*.tex"))}
GENERATED = {path.name: path.read_text() for path in sorted((PAPER / "generated").glob("*.tex"))}
MAIN = (PAPER / "lrtheory.tex").read_text()
BODY = MAIN[MAIN.index(r"\begin{document}") :]
WRITTEN = {"main": BODY, **SECTIONS}
TEXT = "\n".join([*WRITTEN.values(), *GENERATED.values()])
GRADES = (r"\proved", r"\verified", r"\measured", r"\quoted")

DEFINITIONS = {
    r"95\,\%": "the level of intervals",
    r"(\beta_1,\beta_2)=(0.9,0.999)": "the defaults of Adam",
    r"$\beta=0.9$": "the usual momentum",
    "two hidden layers of 16 units": "sweeps/penalty.py: WIDTH",
    "a grid of ratio 10": "the grid of the sentence",
    "over an uncertainty of 16": "figures/robust.py: UNCERTAINTY",
    "124M-parameter": "the logs' own description",
    "trains 252 runs at once": "21 rates by 12 seeds, see the law below",
    r"it lies 5 to 7\,\% above": "tests/theory/test_certificates.py, see below",
    r"$2\cdot10^{-3}$": "the docstring of theory/certificates.py",
    "CIFAR-10": "a name",
    "TREC-6": "a name",
}
"""Numbers that may stand in the text: definitions, and where each is from."""


@pytest.fixture(scope="module")
def made():
    return paper(facts())


def test_what_is_generated_is_fresh(made):
    stale = [name for name in {*made, *GENERATED} if made.get(name) != GENERATED.get(name)]
    assert not stale, f"{', '.join(sorted(stale))}: python -m lrtheory.report writes them anew"


def test_every_value_is_defined_and_used():
    defined = re.findall(r"^\\setval\{(.*?)\}", GENERATED["values.tex"], re.MULTILINE)
    used = re.findall(r"\\val\{(.*?)\}", "\n".join(WRITTEN.values()))
    in_readme = [name for name, _ in INLINE.findall((ROOT / "README.md").read_text())]
    pages = [page.read_text() for page in (ROOT / "docs").rglob("*.md") if "made" not in page.parts]
    on_site = re.findall(r"\{fact\}`(\S+?)`", "\n".join(pages))
    assert len(defined) == len(set(defined))
    assert set(used) - set(defined) == set()
    assert set(defined) - set(used) - set(in_readme) - set(on_site) == set()


def numbers_typed_by_hand(text):
    """Decimals, percentages, large numbers and powers of ten anywhere; numbers of two digits outside of formulas."""
    for definition in DEFINITIONS:
        text = text.replace(definition, " ")
    text = re.sub(r"(?<!\\)%.*", "", text)
    commands = r"val|cite\w*|eqref|ref|[cC]ref|label|input|includegraphics|setlength|renewcommand"
    text = re.sub(r"\\\\\[[\d.]+ex\]", " ", text)
    text = re.sub(rf"\\(?:{commands})\*?(?:\[[^\]]*\])*\{{[^}}]*\}}(?:\{{[^}}]*\}})?", " ", text)
    found = re.findall(r"\d+\.\d+|\d+\\?,?\\%|10\^\{[^}]*\}|\d{3,}", text)
    formulas = r"\$[^$]*\$|\\\[.*?\\\]|\\begin\{(equation\*?|gather)\}.*?\\end\{\1\}"
    return found + re.findall(r"\d{2,}", re.sub(formulas, " ", text, flags=re.DOTALL))


@pytest.mark.parametrize("name", WRITTEN)
def test_no_number_is_typed_by_hand(name):
    assert numbers_typed_by_hand(WRITTEN[name]) == []


def test_the_search_for_typed_numbers_finds_them():
    assert numbers_typed_by_hand(r"it is 1.28, or 28\,\% of $10^{5}$, $R=16$, 17 of them, \val{a/12} \cite{b2024}") == [
        "1.28", r"28\,\%", "10^{5}", "28", "28", "17",
    ]  # fmt: skip


def test_definitions_are_in_the_text_and_hold():
    for definition in DEFINITIONS:
        assert any(definition in text for text in WRITTEN.values()), definition
    certificates = (ROOT / "tests" / "theory" / "test_certificates.py").read_text()
    assert "0.05, 0.07" in certificates
    values = dict(re.findall(r"^\\setval\{(networks/\w+)\}\{(\d+)\}", GENERATED["values.tex"], re.MULTILINE))
    assert int(values["networks/rates"]) * int(values["networks/seeds"]) == 252


def braced(text, start):
    """What stands in the braces that open at a place, braces inside included."""
    depth = 0
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if depth == 0:
            return text[start + 1 : place]
    raise AssertionError("unbalanced braces")


def test_every_claim_has_its_grade():
    statements = re.findall(r"\\begin\{(theorem|proposition|corollary)\}(.*?)\\end\{\1\}", TEXT, re.DOTALL)
    captions = [braced(TEXT, match.end() - 1) for match in re.finditer(r"\\caption\{", TEXT)]
    assert len(statements) >= 8
    assert len(captions) >= 15
    for claim in [body for _, body in statements] + captions:
        assert any(grade in claim for grade in GRADES), claim


def test_every_theorem_is_proved_here():
    for text in SECTIONS.values():
        for after in re.split(r"\\end\{(?:theorem|proposition|corollary)\}", text)[1:]:
            assert r"\begin{proof}" in re.split(r"\\begin\{(?:theorem|proposition|corollary)\}", after)[0]


def test_citations_and_entries_are_the_same():
    entries = re.findall(r"^@\w+\{(.+?),", (PAPER / "references.bib").read_text(), re.MULTILINE)
    cited = {key for keys in re.findall(r"\\cite\w*(?:\[[^\]]*\])*\{(.*?)\}", TEXT) for key in re.split(r",\s*", keys)}
    assert len(entries) == len(set(entries))
    assert entries == sorted(entries)
    assert cited == set(entries)


def test_every_entry_is_complete():
    for entry in re.split(r"^@", (PAPER / "references.bib").read_text(), flags=re.MULTILINE)[1:]:
        fields = set(re.findall(r"^  (\w+) = ", entry, re.MULTILINE))
        assert {"author", "title", "year"} <= fields, entry
        assert fields & {"journal", "booktitle", "publisher", "howpublished", "note"}, entry


def test_references_lead_somewhere():
    labels = re.findall(r"\\label\{(.*?)\}", TEXT)
    assert len(labels) == len(set(labels))
    wanted = {key for keys in re.findall(r"\\(?:eqref|ref|[cC]ref)\{(.*?)\}", TEXT) for key in keys.split(",")}
    assert wanted <= set(labels)
    floats = {label for label in labels if label.startswith(("fig:", "tab:"))}
    generated = {label for name, text in GENERATED.items() for label in re.findall(r"\\label\{(.*?)\}", text)}
    assert floats - generated <= wanted, "every figure and table is spoken of"


def test_figures_and_parts_are_there():
    for name in re.findall(r"\\includegraphics\[.*?\]\{(.*?)\}", TEXT):
        assert (ROOT / "figures" / f"{name}.pdf").exists(), name
    inputs = re.findall(r"\\input\{(.*?)\}", MAIN + TEXT)
    assert all((PAPER / f"{name}.tex").exists() for name in inputs)
    assert {f"generated/{Path(name).stem}" for name in GENERATED} <= set(inputs)


def test_formulas_come_from_the_modules(made):
    from lrtheory import modified_equation
    from lrtheory.theory.penalties import PENALTIES

    values = made["values.tex"]
    assert modified_equation(4).latex() in values
    assert all(term().latex() in values for term in PENALTIES.values())


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="building the paper needs latexmk")
def test_it_builds_cleanly_and_to_the_same_bytes(tmp_path):
    built = []
    for attempt in ("first", "second"):
        folder = tmp_path / attempt / "paper"
        shutil.copytree(PAPER, folder, ignore=shutil.ignore_patterns("__pycache__"))
        (tmp_path / attempt / "figures").symlink_to(ROOT / "figures")
        finished = subprocess.run(
            ["latexmk", "lrtheory.tex"], cwd=folder, capture_output=True, text=True, env=os.environ
        )
        assert finished.returncode == 0, finished.stdout[-2000:]
        out = tmp_path / attempt / "build" / "paper"
        built.append((out / "lrtheory.pdf").read_bytes())
        log = (out / "lrtheory.log").read_text(errors="replace")
        for trouble in ("Overfull", "undefined", "multiply defined", "LaTeX Warning", "Missing character"):
            assert trouble not in log, log[max(log.find(trouble) - 200, 0) : log.find(trouble) + 400]
        assert "Warning" not in (out / "lrtheory.blg").read_text()
    assert built[0] == built[1]
