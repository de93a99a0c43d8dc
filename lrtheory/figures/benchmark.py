"""The benchmark as ranks: what was published beside what each protocol measured."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from lrtheory.benchmarks.published import ACCURACY, TASKS
from lrtheory.benchmarks.report import accuracies, scale, summary
from lrtheory.figures.style import ink, styled

TITLES = {"synthetic-as-coded": "synthetic", "synthetic-draft": "draft", "trec6-scratch": "scratch"}
"""Short names of columns."""


def runs(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed runs of ``python -m lrtheory.benchmark``, of all protocols and of the audit."""
    texts = dict.fromkeys(("variant", "curve", "encoder"), "")
    return pd.read_csv(folder / "benchmark.csv", dtype=dict.fromkeys(texts, str)).fillna(texts)


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed runs of the protocols, without what the audit adds."""
    frame = runs(folder)
    frame = frame[frame["part"].isin(["table", "described", "fair"])]
    count = frame["strategy"].nunique()  # of a task that only the audit ran as coded there are a few
    return frame.groupby(["task", "protocol"], sort=False).filter(lambda part: part["strategy"].nunique() == count)


def draw(frame: pd.DataFrame) -> Figure:
    """One panel per protocol, one row per strategy, one column per task: the colour is the rank, the number the mean accuracy.

    A star marks a task whose runs are of a reduced scale, which the table states.
    """
    panels = {"published": pd.DataFrame(ACCURACY, index=list(TASKS)).T}
    panels |= {str(protocol): accuracies(summary(runs)) for protocol, runs in frame.groupby("protocol", sort=False)}
    names = list(frame["strategy"].unique())
    widths = [max(len(means.columns), 1.5) for means in panels.values()]
    colours = ScalarMappable(Normalize(1, max(len(names), 2)), "viridis_r")
    with styled():
        figure = Figure(figsize=(1.6 + 0.43 * sum(widths), 1.4 + 0.22 * len(names)))
        axes = figure.subplots(1, len(panels), sharey=True, squeeze=False, width_ratios=widths)[0]
        for panel, (title, means) in zip(axes, panels.items()):
            means = means.reindex(names)
            order = means.rank(ascending=False).to_numpy(dtype=float)
            panel.imshow(order, cmap=colours.cmap, norm=colours.norm, aspect="auto")
            for (row, column), value in np.ndenumerate(means.to_numpy(dtype=float)):
                text = "" if np.isnan(value) else f"{value:.1f}"
                color = ink(colours.to_rgba(order[row, column]))
                panel.text(column, row, text, ha="center", va="center", fontsize=7.5, color=color)
            panel.set_xticks(range(len(means.columns)), [_title(frame, title, str(name)) for name in means.columns])
            panel.tick_params(axis="x", rotation=60, length=0)
            panel.tick_params(axis="y", length=0)
            panel.set_title(title if len(means.columns) > 2 else title.replace("-", "-\n"))
            panel.spines[:].set_visible(False)
        axes[0].set_yticks(range(len(names)), names)
        figure.supxlabel(
            "number: mean accuracy, %; colour: rank, the lightest is the best; *: reduced scale", fontsize=8
        )
    return figure


def _title(frame: pd.DataFrame, protocol: str, task: str) -> str:
    """The short name of a task, starred where the runs are of a reduced scale."""
    reduced = scale(frame[(frame["protocol"] == protocol) & (frame["task"] == task)])
    return TITLES.get(task, task) + ("*" if reduced else "")
