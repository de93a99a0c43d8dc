"""Residual networks on CIFAR-10: excess loss on the law's axis, test accuracy against the rate, the cost of coarse grids."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lrtheory.figures.style import of_schedules, styled
from lrtheory.sweeps.rate_curves import curves
from lrtheory.sweeps.rate_tables import grid_losses

RATIOS = (2, 5, 10, 20)
_THIN = {"linewidth": 1, "markersize": 3}
LOSSES = (0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2)


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep cifar10``."""
    return pd.read_csv(folder / "cifar10.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """One row per network: means over seeds; a curve ends where a run diverges, and the dotted line is chance."""
    found, grids, tasks = curves(frame), grid_losses(frame), list(frame["task"].unique())
    styles = {name: style | _THIN for name, style in of_schedules(frame["schedule"]).items()}
    with styled():
        figure = Figure(figsize=(9.2, 2.5 * len(tasks) + 0.5))
        rows = figure.subplots(len(tasks), 3, squeeze=False)
        for (left, middle, right), task in zip(rows, tasks):
            for (t, _, schedule), curve in found.items():
                if t == task:
                    finite = np.isfinite(curve.mean)
                    left.loglog(curve.rho[finite], curve.mean[finite], **styles[schedule])
                    left.axhline(curve.limit, color="0.6", linestyle=":", linewidth=1)
            left.axvline(1, color="0.85", linewidth=0.8, zorder=0)
            left.set(xlabel=r"rate over its best rate, $\rho$", ylabel="excess training loss")
            for schedule, group in frame[frame["task"] == task].groupby("schedule", sort=False):
                middle.semilogx(group["lr"], 100 * group["test_accuracy"], **styles[str(schedule)])
            middle.axhline(10, color="0.6", linestyle=":", linewidth=1)
            middle.set(xlabel="base learning rate", ylabel="test accuracy, %")
            for schedule, group in grids[grids["task"] == task].groupby("schedule", sort=False):
                right.loglog(group["ratio"], group["excess"], **styles[str(schedule)])
            right.set(xlabel="ratio of neighbouring rates", ylabel="excess after tuning")
            right.set_xticks(RATIOS, map(str, RATIOS))
            for panel in (left, right):
                _few_ticks(panel)
            size = frame[frame["task"] == task].iloc[0]
            left.set_title(f"{task}, {size['images']:,} images, {size['epochs']} passes", fontsize=8)
        handles, labels = rows[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center")
    return figure


def _few_ticks(panel: Axes) -> None:
    low, high = panel.get_ylim()
    inside = [loss for loss in LOSSES if low <= loss <= high]
    panel.set_yticks(inside, map(str, inside))
    for axis in (panel.xaxis, panel.yaxis):
        axis.set_minor_formatter(NullFormatter())
