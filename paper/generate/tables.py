"""The committed tables."""

from pathlib import Path

import pandas as pd

from lrtheory.figures.benchmark import runs

PAPER = Path(__file__).parents[1]
DATA = PAPER.parent / "figures" / "data"


def table(name: str) -> pd.DataFrame:
    """A committed table."""
    return runs(DATA) if name == "benchmark" else pd.read_csv(DATA / f"{name}.csv")
