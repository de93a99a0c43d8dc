"""What a wrong rate costs eighteen strategies: the accuracy lost at 2, 4 and 10 times the tuned rate, either way."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from lrtheory.figures.style import ink, styled
from lrtheory.sweeps.robustness import OFF, measures

COLUMNS = (*OFF, "mean lost")
COLOURS = ScalarMappable(Normalize(-5, 30), "magma_r")
"""The colours of points of accuracy; beyond the ends the colour no longer changes, as the arrows of its bar say."""


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep robustness``."""
    return pd.read_csv(folder / "robustness.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """One panel per task, one row per strategy, one column per wrong rate: the points of accuracy lost.

    A star marks a tuned rate that lies at an end of its grid.
    """
    found = measures(frame)
    names, tasks = list(found["strategy"].unique()), list(found["task"].unique())
    with styled():
        figure = Figure(figsize=(2.5 + 2.9 * len(tasks), 1.0 + 0.24 * len(names)))
        axes = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
        for panel, task in zip(axes, tasks):
            of_task = found[found["task"] == task].set_index("strategy").reindex(names)
            values = of_task[list(COLUMNS)].to_numpy(dtype=float)
            at_edge = set(found.loc[found["edge"] & (found["task"] == task), "strategy"])
            panel.imshow(values, cmap=COLOURS.cmap, norm=COLOURS.norm, aspect="auto")
            for (row, column), value in np.ndenumerate(values):
                text = "" if np.isnan(value) else f"{value:z.1f}"  # z: no minus before a zero
                text += "*" if column == 0 and names[row] in at_edge else ""
                panel.text(column, row, text, ha="center", va="center", fontsize=6.5, color=ink(COLOURS.to_rgba(value)))
            panel.axvline(2.5, color="white", linewidth=2)
            panel.axvline(5.5, color="white", linewidth=2)
            panel.set_xticks(range(len(COLUMNS)), [name.replace("x", "×") for name in (*OFF, "mean")])
            panel.tick_params(length=0)
            seeds = of_task["seeds"].max()
            panel.set_title(f"{task}, {seeds:.0f} seed{'s' if seeds > 1 else ''}")
            panel.spines[:].set_visible(False)
        axes[0].set_yticks(range(len(names)), names)
        figure.colorbar(COLOURS, ax=list(axes), extend="both", pad=0.01, label="points of test accuracy lost")
        figure.supxlabel("rate over the tuned one    (*: the tuned rate ends its grid)", fontsize=9)
    return figure
