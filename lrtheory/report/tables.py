"""The committed tables."""

import pandas as pd

from lrtheory.figures.benchmark import runs
from lrtheory.runs.tables import committed


def table(name: str) -> pd.DataFrame:
    """A committed table, of the runs of the benchmark too."""
    return runs(committed()) if name == "benchmark" else pd.read_csv(committed() / f"{name}.csv")
