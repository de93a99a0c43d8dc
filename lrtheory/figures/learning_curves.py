"""Learning curves of the benchmark: the best strategy of each task, the median one, and those that fail."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from lrtheory.figures.benchmark import data
from lrtheory.figures.style import styled

ROLES: dict[str, dict[str, Any]] = {
    "best": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    "median": {"color": "black", "linestyle": "--", "marker": "s"},
    "worst": {"color": "#D55E00", "linestyle": "-.", "marker": "v"},
}
"""How the strategies of a panel that have a name are drawn."""
COLUMNS = 3
FAILURE = 10.0
"""A strategy fails where its last accuracy is so many points or more below the median."""

__all__ = ["curves_of", "data", "draw", "mean_curve"]


def draw(frame: pd.DataFrame) -> Figure:
    """One panel per task and protocol: means over seeds, every strategy in grey, and those of :data:`ROLES` with their names.

    Strategies are in the order of their last accuracy. The worst one is named, and so is every other failure. The axis begins at
    what is reached after the first fifth of the epochs. Runs of a single epoch have no curve and are left out.
    """
    panels = list(curves_of(frame).groupby(["task", "protocol"], sort=False))
    columns = min(COLUMNS, max(len(panels), 1))
    lines = -(-len(panels) // columns)
    with styled():
        figure = Figure(figsize=(2.5 * max(columns, 2) + 0.2, 2.7 * max(lines, 1) + 0.3))
        if not panels:  # every run diverged in its first epoch, or had no other
            return figure
        axes = figure.subplots(lines, columns, squeeze=False).ravel()
        for panel, ((task, protocol), runs) in zip(axes, panels):
            curves = {str(name): mean_curve(group) for name, group in runs.groupby("strategy", sort=False)}
            _draw_task(panel, f"{task}, {protocol}", curves)
        for panel in axes[len(panels) :]:
            panel.remove()
        figure.supxlabel("epoch", fontsize=9)
        figure.supylabel("test accuracy, %", fontsize=9)
    return figure


def _draw_task(panel: Axes, title: str, curves: dict[str, tuple[np.ndarray, np.ndarray]]) -> None:
    """The curves of one task and protocol, with a legend above them."""
    longest = max(len(epochs) for epochs, _ in curves.values())
    order = sorted(curves, key=lambda name: (len(curves[name][1]), curves[name][1][-1]), reverse=True)
    level = float(np.median([accuracies[-1] for _, accuracies in curves.values()]))
    failed = [name for name in order[1:] if curves[name][1][-1] <= level - FAILURE]
    named = {order[0]: "best"}
    if len(order) > 2:
        named[order[(len(order) - 1) // 2]] = "median"
    named |= {name: "worst" for name in [*failed, *order[1:][-1:]] if name not in named}
    for name in order:
        if name not in named:
            panel.plot(*curves[name], color="0.8", linestyle="-", linewidth=0.8, zorder=1)
    every = max(longest // 8, 1)
    for name, role in named.items():
        epochs, accuracies = curves[name]
        word = "fails" if name in failed else role
        panel.plot(
            epochs, accuracies, **ROLES[role], markevery=every, markersize=3.5, zorder=2,
            label=f"{word}: {name}, {accuracies[-1]:.1f}",
        )  # fmt: skip
    late = np.concatenate([accuracies[longest // 5 :] for _, accuracies in curves.values()])
    highest = max(accuracies.max() for _, accuracies in curves.values())
    lowest = late.min() if late.size else 0.0
    margin = 0.05 * max(highest - lowest, 1.0)
    panel.set(xlim=(0.5, longest + 0.5), ylim=(lowest - margin, highest + margin))
    panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    panel.legend(
        title=title, alignment="left", loc="lower left", bbox_to_anchor=(-0.05, 1.01), title_fontsize=9, borderpad=0,
        borderaxespad=0, handlelength=2.4,
    )  # fmt: skip


def curves_of(frame: pd.DataFrame) -> pd.DataFrame:
    """The final runs that have a learning curve, without variants of strategies."""
    return frame[(frame["role"] == "final") & (frame["variant"] == "") & (frame["curve"] != "") & (frame["epochs"] > 1)]


def mean_curve(runs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and the mean accuracy over the runs that reach them."""
    curves = [np.array([float(value) for value in text.split()]) for text in runs["curve"]]
    longest = max(map(len, curves))
    padded = np.array([np.pad(curve, (0, longest - len(curve)), constant_values=np.nan) for curve in curves])
    return np.arange(1, longest + 1), np.nanmean(padded, axis=0)
