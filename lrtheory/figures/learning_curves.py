"""Learning curves of the benchmark: test accuracy against the epoch, generation by generation."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.benchmarks.published import ACCURACY
from lrtheory.benchmarks.report import REFERENCE
from lrtheory.figures.benchmark import data
from lrtheory.figures.style import styled

PANELS = (
    ("generations 1 and 2", ("Fixed SGD", "Cosine Decay SGD", "SGDR")),
    ("generation 3", ("Adam", "AdamW", "AdaBound")),
    ("generation 4", ("LARS", "Discriminative LR")),
    ("generation 5, adaptive", ("RAdam", "Lion", "Lookahead+AdamW")),
    ("generation 5, others", ("SAM", "Grokfast", "STLR+Discriminative", "SAM+Discriminative")),
    ("DALS", ("DALS", "DALS-Fast", "DALS-Acc")),
)
"""Which curves share a panel."""

__all__ = ["data", "draw"]


def draw(frame: pd.DataFrame) -> Figure:
    """A row a task and protocol, a column a panel: the mean over seeds; AdamW is grey in every panel.

    Runs of a single epoch have no curve and are left out.
    """
    final = frame[
        (frame["role"] == "final") & (frame["variant"] == "") & (frame["curve"] != "") & (frame["epochs"] > 1)
    ]
    rows = list(final.groupby(["task", "protocol"], sort=False))
    shown = [(title, names) for title, names in PANELS if final["strategy"].isin(names).any()]
    with styled():
        figure = Figure(figsize=(1.7 * max(len(shown), 2) + 0.4, 1.7 * max(len(rows), 1) + 0.4))
        if not rows:  # every run diverged in its first epoch, or had no other
            return figure
        axes = figure.subplots(len(rows), len(shown), sharex="row", sharey="row", squeeze=False)
        for place, (line, ((task, protocol), runs)) in enumerate(zip(axes, rows)):
            means = {
                name: _mean(runs[runs["strategy"] == name]) for name in ACCURACY if (runs["strategy"] == name).any()
            }
            for panel, (title, names) in zip(line, shown):
                if REFERENCE in means and REFERENCE not in names:
                    panel.plot(*means[REFERENCE], color="0.75", linewidth=1)
                for name in names:
                    if name in means:
                        panel.plot(*means[name], label=name)
                panel.set_title("" if place else title)
                if panel.get_legend_handles_labels()[0]:
                    panel.legend(fontsize=5.5, loc="lower right")
            accuracies = np.concatenate([curve for _, curve in means.values()])
            longest = max(len(epochs) for epochs, _ in means.values())
            line[0].set(xlim=(0.5, longest + 0.5), ylim=(accuracies.min() - 2, accuracies.max() + 2))
            line[0].set_ylabel(f"{task}\n({protocol})", fontsize=7)
        figure.supxlabel("epoch", fontsize=9)
        figure.supylabel("test accuracy, %", fontsize=9)
    return figure


def _mean(runs: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Epochs and the mean accuracy over the runs that reach them."""
    curves = [np.array([float(value) for value in text.split()]) for text in runs["curve"]]
    longest = max(map(len, curves))
    padded = np.array([np.pad(curve, (0, longest - len(curve)), constant_values=np.nan) for curve in curves])
    return np.arange(1, longest + 1), np.nanmean(padded, axis=0)
