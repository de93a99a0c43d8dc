"""Facts are stated once and shown in two ways; what is stale is found, and what a table holds is shown."""

import math
from pathlib import Path

import pandas as pd
import pytest

from lrtheory.estimate import Estimate
from lrtheory.report import benchmark, markdown, tex, write
from lrtheory.report.__main__ import main
from lrtheory.report.values import (
    Accuracy,
    Bullets,
    Citation,
    Count,
    Grade,
    Interval,
    Listed,
    Name,
    PowerOfTen,
    Reference,
    Scientific,
    Signed,
    Table,
    Tex,
    Text,
)

SHOWN = [
    ("95 % of a_b", r"95\,\% of a\_b", "95 % of a_b"),
    (Count(27216), r"27\,216", "27,216"),
    (PowerOfTen(1e5), "$10^{5}$", "10^5"),
    (PowerOfTen(2000), r"2\,000", "2,000"),
    (Scientific(2.1e-8, up=True), r"3\cdot10^{-8}", "3e-8"),
    (Scientific(9.6e-4), "10^{-3}", "1e-3"),
    (Interval(Estimate(-0.5, -1.0, 0.25), ".1f"), "$-$0.5 [$-$1.0, 0.2]", "-0.5 [-1.0, 0.2]"),
    (Signed(-2.25, ".1f"), "$-$2.2", "-2.2"),
    (Name("Robust(16)"), "robust, $R=16$", "Robust(16)"),
    (Name("OneCycle()"), "OneCycle()", "OneCycle()"),
    (Accuracy(97.66, 0.4, best=True, differs=True, edge=True), r"$\mathbf{97.7} \pm 0.4^{\dagger}$*", "97.66 ± 0.40*"),
    (Accuracy(97.66, math.nan), "$97.7$", "97.66"),
    (Accuracy(math.nan, math.nan), "--", "-"),
    (Listed.of(["a", Count(1000), "c"]), r"a, 1\,000 and c", "a, 1,000 and c"),
    (Listed.of(["a"]), "a", "a"),
    (Text.of("by ", Citation("who2020", "Who"), Reference(("fig:x",)), Grade("measured"), "."),
     r"by \citet{who2020} (\cref{fig:x}) \measured.", "by Who."),
    (Text.of(Listed.of(["97.8"]), " % of it"), r"97.8\,\% of it", "97.8 % of it"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "in_tex", "in_markdown"), SHOWN)
def test_one_value_has_two_forms(value, in_tex, in_markdown):
    assert tex.render(value) == in_tex
    assert markdown.render(value) == in_markdown


def test_tables_have_two_forms():
    table = Table(["a", "b"], [["1", "2"], ["3", "4"]], "lr", rules=(1,))
    assert markdown.render(table) == "| a | b |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"
    assert tex.render(table).splitlines() == [
        r"\begin{tabular}{lr}", r"\toprule", r"a & b \\", r"\midrule", r"1 & 2 \\", r"\midrule", r"3 & 4 \\", r"\bottomrule",
        r"\end{tabular}",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("render", "value"), [(markdown.render, Tex("$x$")), (tex.render, Bullets(("a",))), (tex.render, 3.5)]
)
def test_what_has_no_form_is_named(render, value):
    with pytest.raises(TypeError, match="has no form in"):
        render(value)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A small checkout whose files hold what they must."""
    known = {"share": "0.09 to 0.26", "readme/words": Bullets(("one", "two")), "paper/words": "three"}
    monkeypatch.setattr(write, "facts", lambda: known)
    (tmp_path / "README.md").write_text(
        "It is <!--=share-->9<!--=--> of it.\n<!-- made: words -->\nold\n<!-- end -->\n", encoding="utf-8"
    )
    (tmp_path / "paper").mkdir()
    write.write(tmp_path)
    return tmp_path


def test_facts_are_written_where_they_are_named(checkout):
    assert (checkout / "README.md").read_text().splitlines() == [
        "It is <!--=share-->0.09 to 0.26<!--=--> of it.", "<!-- made: words -->", "", "* one", "* two", "", "<!-- end -->",
    ]  # fmt: skip
    generated = checkout / "paper" / "generated"
    assert (generated / "values.tex").read_text() == "\\setval{share}{0.09 to 0.26}\n"
    assert (generated / "words.tex").read_text() == "three\n"
    assert write.stale(checkout) == write.write(checkout) == []


def test_what_is_stale_missing_or_no_longer_made_is_found_and_written(checkout):
    page, generated = checkout / "README.md", checkout / "paper" / "generated"
    page.write_text(page.read_text().replace("two", "too"))
    (generated / "words.tex").unlink()
    (generated / "old.tex").write_text("")
    changed = {page, generated / "words.tex", generated / "old.tex"}
    assert set(write.stale(checkout)) == changed
    assert set(write.write(checkout)) == changed
    assert write.stale(checkout) == []
    assert not (generated / "old.tex").exists()


def test_a_fact_that_there_is_not_is_named(checkout):
    page = checkout / "README.md"
    page.write_text(page.read_text().replace("share", "shere"))
    with pytest.raises(KeyError, match="shere"):
        write.stale(checkout)


def test_the_command_checks_and_writes(monkeypatch, capsys):
    root = Path(__file__).parents[2]
    found = [root / "README.md"]
    monkeypatch.setattr(write, "stale", lambda _: found)
    assert main(["--check"]) == 1
    monkeypatch.setattr(write, "write", lambda _: found)
    assert main([]) == 0
    assert capsys.readouterr().out == "stale: README.md\nwritten: README.md\n"
    found.clear()
    assert main(["--check"]) == 0


def test_without_a_checkout_the_command_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("lrtheory.report.__main__.__file__", str(tmp_path / "lrtheory" / "report" / "__main__.py"))
    assert main([]) == 2
    assert capsys.readouterr().err == "lrtheory report: there is no paper beside the package; it needs a checkout.\n"


def test_a_nineteenth_strategy_is_in_every_table():
    """What was run is shown, also a strategy of which nothing was published."""
    runs = benchmark.table("benchmark")
    more = runs[(runs["strategy"] == "AdamW") & (runs["protocol"] == "fair")].assign(strategy="Mine")
    final = pd.concat([runs, more]).query("role == 'final' and part == 'fair' and variant == ''")
    shown = benchmark.columns(final)
    assert benchmark.strategies(shown)[-1] == "Mine"
    rows = benchmark.accuracy_table(shown).rows
    assert len(rows) == 19
    assert rows[-1][:2] == ["Mine", "-"]
    assert markdown.render(rows[-1][2]) == markdown.render({row[0]: row for row in rows}["AdamW"][2])
    measured = pd.DataFrame(
        {"strategy": ["AdamW", "Mine"], "mean lost": [1.0, 9.0], "p": [math.nan, 0.5], "seeds": 3, "edge": False,
         "sensitivity": [0.1, 0.2], "examples": 0, "epochs": 1, "full_epochs": 1}
    )  # fmt: skip
    assert "to 9.0 (Mine)" in markdown.render(benchmark.robustness_of("synthetic", measured))
