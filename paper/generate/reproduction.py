"""What it takes to make everything again."""

import pandas as pd

from paper.generate.tables import PAPER, table
from paper.generate.tex import Generated, escaped, tabular

SHOWN = {
    "tightness": "fig:tightness", "rho": "fig:rho", "degree": "", "horizon": "", "grid": "fig:grid",
    "penalty": "fig:penalty", "networks": "fig:networks", "language_models": "fig:llm", "figures": "",
}  # fmt: skip
"""Where the paper shows a table as a figure."""


def reproduction_part() -> Generated:
    """Commands, cells and processor time; the costs were summed over the stored cells when the tables were made."""
    rows = []
    for cost in pd.read_csv(PAPER / "costs.csv").to_dict("records"):
        label = SHOWN[cost["table"]]
        where = rf"\ref{{{label}}}" if label else "--"
        rows.append([rf"\texttt{{{escaped(cost['command'])}}}", where, str(cost["cells"]), _duration(cost["seconds"])])
    runs = table("benchmark")
    rows.append([r"\texttt{benchmark}", r"\ref{fig:benchmark}", str(len(runs)), _duration(runs["seconds"].sum())])
    header = [r"\texttt{python -m lrtheory.}\ldots", "figure", "cells", "processor time"]
    yield "reproduction.tex", tabular("llrr", header, rows)


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
