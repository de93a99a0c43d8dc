"""What coarse grids cost in practice: the loss after tuning over a geometric grid, at its worst offset, beside the law."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrtheory.figures import networks
from lrtheory.figures.networks import TITLES
from lrtheory.figures.style import of_schedule, styled
from lrtheory.sweeps.rate_tables import grid_losses

OPTIMIZERS = ("sgd", "adamw")
RATIOS, LOSSES = (2, 4, 10, 30, 100), (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 4, 8)


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep networks``, as grids of every resolution see it."""
    return grid_losses(networks.data(folder))


def draw(frame: pd.DataFrame) -> Figure:
    """One panel per task and optimizer, and the worst case on the rates of the first."""
    pairs = [
        (t, o)
        for t in frame["task"].unique()
        for o in OPTIMIZERS
        if ((frame["task"] == t) & (frame["optimizer"] == o)).any()
    ]
    columns = 3
    rows = -(-(len(pairs) + 1) // columns)
    with styled():
        figure = Figure(figsize=(7.2, 2.0 * rows + 0.7))
        panels = figure.subplots(rows, columns, sharex=True).ravel()
        for panel, (task, optimizer) in zip(panels, pairs):
            _lines(panel, frame[(frame["task"] == task) & (frame["optimizer"] == optimizer)], "excess")
            panel.set_title(f"{TITLES[task]}, {TITLES[optimizer]}", fontsize=8)
        law = panels[len(pairs)]
        _lines(law, frame[(frame["task"] == pairs[0][0]) & (frame["optimizer"] == pairs[0][1])], "law")
        law.set_title("worst case, $DG/\\sqrt{T}$", fontsize=8)
        for unused in panels[len(pairs) + 1 :]:
            unused.set_visible(False)
        figure.supxlabel("ratio of neighbouring rates on the grid", fontsize=9)
        figure.supylabel("excess loss after tuning, worst offset", fontsize=9)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=5)
    return figure


def _lines(panel: Axes, frame: pd.DataFrame, column: str) -> None:
    for schedule, group in frame.groupby("schedule", sort=False):
        panel.loglog(group["ratio"], group[column], **of_schedule(str(schedule), linewidth=1, markersize=3))
    low, high = panel.get_ylim()
    inside = [loss for loss in LOSSES if low <= loss <= high]
    panel.minorticks_off()
    panel.set_yticks(inside, map(str, inside))
    panel.set_xticks(RATIOS, map(str, RATIOS))
