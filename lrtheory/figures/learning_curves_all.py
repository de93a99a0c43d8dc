"""All learning curves of the benchmark: test accuracy against the epoch, generation by generation."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from lrtheory.benchmarks.report import REFERENCE
from lrtheory.figures.learning_curves import curves_of, data, mean_curve
from lrtheory.figures.style import styled

GREY = {"color": "0.75", "linestyle": "-", "linewidth": 1}

PANELS = (
    ("generations 1 and 2", ("Fixed SGD", "Cosine Decay SGD", "SGDR")),
    ("generation 3", ("Adam", "AdamW", "AdaBound")),
    ("generation 4", ("LARS", "Discriminative LR")),
    ("generation 5, adaptive", ("RAdam", "Lion", "Lookahead+AdamW")),
    ("generation 5, others", ("SAM", "Grokfast", "STLR+Discriminative", "SAM+Discriminative")),
    ("DALS", ("DALS", "DALS-Fast", "DALS-Acc")),
)
"""Which curves share a panel; those of other strategies follow, four together."""

__all__ = ["data", "draw"]


def draw(frame: pd.DataFrame) -> Figure:
    """One row per task and protocol, one column per group of strategies: the mean over seeds.

    AdamW is grey in every panel but its own. Runs of a single epoch have no curve and are left out.
    """
    final = curves_of(frame)
    rows = list(final.groupby(["task", "protocol"], sort=False))
    shown = _panels(list(final["strategy"].unique()))
    with styled():
        figure = Figure(figsize=(1.7 * max(len(shown), 2) + 0.4, 1.5 * max(len(rows), 1) + 1.3))
        if not rows:  # every run diverged in its first epoch, or had no other
            return figure
        cycle = list(matplotlib.rcParams["axes.prop_cycle"])
        axes = figure.subplots(len(rows), len(shown), sharex="row", sharey="row", squeeze=False)
        for line, ((task, protocol), runs) in zip(axes, rows):
            means = {str(name): mean_curve(group) for name, group in runs.groupby("strategy", sort=False)}
            for panel, (_, names) in zip(line, shown):
                if REFERENCE in means and REFERENCE not in names:
                    panel.plot(*means[REFERENCE], **GREY)
                for name, style in zip(names, cycle):
                    if name in means:
                        panel.plot(*means[name], **style)
                panel.xaxis.set_major_locator(MaxNLocator(4, integer=True))
            accuracies = np.concatenate([curve for _, curve in means.values()])
            longest = max(len(epochs) for epochs, _ in means.values())
            line[0].set(xlim=(0.5, longest + 0.5), ylim=(accuracies.min() - 2, accuracies.max() + 2))
            line[0].set_ylabel(f"{task}\n({protocol})", fontsize=7)
        for panel, (title, names) in zip(axes[0], shown):
            handles = [Line2D([], [], label=name, **style) for name, style in zip(names, cycle)]
            if (final["strategy"] == REFERENCE).any() and REFERENCE not in names:
                handles.append(Line2D([], [], label=REFERENCE, **GREY))
            panel.legend(
                handles=handles, title=title, alignment="left", loc="lower left", bbox_to_anchor=(0, 1.02), fontsize=7,
                title_fontsize=9, borderpad=0, borderaxespad=0,
            )  # fmt: skip
        figure.supxlabel("epoch", fontsize=9)
        figure.supylabel("test accuracy, %", fontsize=9)
    return figure


def _panels(strategies: list[str]) -> list[tuple[str, tuple[str, ...]]]:
    """The panels that have a curve, with the strategies of each that have one."""
    listed = {name for _, names in PANELS for name in names}
    others = [name for name in strategies if name not in listed]
    more = [("others", tuple(others[first : first + 4])) for first in range(0, len(others), 4)]
    found = [(title, tuple(name for name in names if name in strategies)) for title, names in (*PANELS, *more)]
    return [(title, names) for title, names in found if names]
