"""The committed tables."""

from pathlib import Path

import pandas as pd

PAPER = Path(__file__).parents[1]
DATA = PAPER.parent / "figures" / "data"


def table(name: str) -> pd.DataFrame:
    """A committed table."""
    if name == "benchmark":
        texts = dict.fromkeys(("variant", "curve", "encoder"), "")
        return pd.read_csv(DATA / "benchmark.csv", dtype=dict.fromkeys(texts, str)).fillna(texts)
    return pd.read_csv(DATA / f"{name}.csv")
