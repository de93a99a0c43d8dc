"""What a wrong rate costs eighteen strategies: the accuracy lost at 2, 4 and 10 times the tuned rate, either way."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from lrtheory.figures.style import styled
from lrtheory.sweeps.robustness import OFF, measures

COLUMNS = (*OFF, "mean lost")
LARGEST = 30.0
"""Points of accuracy from which the colour no longer changes."""


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep robustness``."""
    return pd.read_csv(folder / "robustness.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a task, a row a strategy, a column a wrong rate: points of accuracy lost; a star: the tuned rate ends its grid."""
    found = measures(frame)
    names, tasks = list(found["strategy"].unique()), list(found["task"].unique())
    with styled():
        figure = Figure(figsize=(1.7 + 2.9 * len(tasks), 1.0 + 0.24 * len(names)))
        axes = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
        for panel, task in zip(axes, tasks):
            of_task = found[found["task"] == task].set_index("strategy").reindex(names)
            values = of_task[list(COLUMNS)].to_numpy(dtype=float)
            at_edge = set(found.loc[found["edge"] & (found["task"] == task), "strategy"])
            panel.imshow(values, cmap="magma_r", norm=Normalize(-5, LARGEST), aspect="auto")
            for (row, column), value in np.ndenumerate(values):
                colour = "white" if value > 0.5 * LARGEST else "black"  # the text must be read on either end of the map
                text = "" if np.isnan(value) else f"{value:.1f}"
                text += "*" if column == 0 and names[row] in at_edge else ""
                panel.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)
            panel.axvline(2.5, color="white", linewidth=2)
            panel.axvline(5.5, color="white", linewidth=2)
            panel.set_xticks(range(len(COLUMNS)), [name.replace("x", "×") for name in (*OFF, "mean")])
            panel.tick_params(length=0)
            seeds = of_task["seeds"].max()
            panel.set_title(f"{task}, {seeds:.0f} seed{'s' if seeds > 1 else ''}")
            panel.spines[:].set_visible(False)
        axes[0].set_yticks(range(len(names)), names)
        figure.supxlabel("rate over the tuned one; points of test accuracy lost", fontsize=9)
    return figure
