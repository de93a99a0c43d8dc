"""What it takes to make everything again."""

from lrtheory.figures.provenance import records
from lrtheory.report.tables import table
from lrtheory.report.tex import render
from lrtheory.report.values import Facts, Table, Tex, tex
from lrtheory.runs.tables import committed

SHOWN = {
    "cifar10": "cifar10", "cliffs": "cliffs", "forecast": "forecast", "grid": "grid", "language_models": "llm",
    "network_methods": "networkmethods", "networks": "networks",
    "penalty": "penalty", "rho": "rho", "robustness": "robustness", "tightness": "tightness",
}  # fmt: skip
"""The figures in which the paper shows tables."""


def reproduction_part() -> Facts:
    """Commands, cells and processor time, from the records of the tables."""
    rows = []
    for record in records(committed()).dropna(subset=["command"]).drop_duplicates("table").to_dict("records"):
        where = Tex(rf"\ref{{fig:{SHOWN[record['table']]}}}") if record["table"] in SHOWN else "--"
        command = Tex(rf"\texttt{{{render(record['command'].removeprefix('python -m lrtheory.'))}}}")
        rows.append([command, where, f"{record['cells']:.0f}", _duration(record["seconds"])])
    runs = table("benchmark")
    rows.append([*tex(r"\texttt{benchmark}", r"\ref{fig:benchmark}"), str(len(runs)), _duration(runs["seconds"].sum())])
    header = tex(r"\texttt{python -m lrtheory.}\ldots", "figure", "cells", "processor time")
    yield "paper/reproduction", Table(header, rows, "llrr")


def _duration(seconds: float) -> str:
    if not seconds > 0:
        return "not kept"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
