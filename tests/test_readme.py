"""The README's tables are those of the committed results, and its Python runs."""

import re
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def markdown(table):
    rows = [table.columns, ["---"] * len(table.columns), *table.to_numpy()]
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)


@pytest.mark.parametrize("sweep", ["rho", "grid"])
def test_tables_are_fresh(sweep):
    fresh = markdown(import_module(f"lrtheory.sweeps.{sweep}").summary(pd.read_csv(ROOT / f"figures/data/{sweep}.csv")))
    shown = re.search(rf"<!-- table: {sweep} -->\n(.*?)<!-- end -->", README, re.DOTALL)
    assert shown is not None
    assert shown.group(1).strip() == fresh


def test_the_first_example_runs_and_says_what_it_does():
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "degradation(" in block]
    names = {}
    exec(code, names)
    assert names["degradation"](names["cosine"], [0.5, 2, 10]).round(2).tolist() == [1.25, 1.19, 1.76]
    assert str(names["rho_exponent"](names["cosine"])) == "1/5"


def test_the_figures_shown_are_there():
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).stat().st_size > 10_000
