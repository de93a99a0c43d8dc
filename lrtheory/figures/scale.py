"""What a million cells cost: the store measured, a cluster measured and simulated."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import styled

MARKERS = ("o", "s", "^", "D", "v")


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.runs.scale``."""
    return pd.read_csv(folder / "scale.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Seconds of each operation against the cells in a store; efficiency of a cluster against its threads."""
    with styled():
        figure = Figure(figsize=(7.2, 3.0))
        left, right = figure.subplots(1, 2)
        stored = frame[frame["part"] == "store"]
        for marker, (operation, group) in zip(MARKERS, stored.groupby("operation", sort=False)):
            left.loglog(group["cells"], group["seconds"], marker=marker, label=operation)
        left.set(xlabel="cells in the store", ylabel="seconds", title="one folder")
        left.legend()
        costs = sorted(frame.loc[frame["part"] == "simulated", "cell_seconds"].unique())
        for number, (marker, cost) in enumerate(zip(MARKERS, costs)):
            of_cost = frame[frame["cell_seconds"] == cost]
            model, run = of_cost[of_cost["part"] == "simulated"], of_cost[of_cost["part"] == "measured"]
            label = f"{cost:g} s a cell" if cost >= 1 else f"{1000 * cost:g} ms a cell"
            right.semilogx(model["threads"], model["efficiency"], color=f"C{number}", label=label)
            right.plot(run["threads"], run["efficiency"], color=f"C{number}", marker=marker, linestyle="none")
        right.set(xlabel="threads", ylabel="efficiency", title="$10^6$ cells, simulated; points: measured here")
        right.set_ylim(0, 1.05)
        right.legend()
    return figure
