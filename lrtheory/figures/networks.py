"""Networks on the axis of the law: excess loss against the rate over the best rate, one panel per task and optimizer."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lrtheory.figures.style import of_schedule, styled
from lrtheory.sweeps.rate_curves import curves

TITLES = {
    "logistic-ball": "logistic, in a ball", "logistic": "logistic", "digits-noisy": "digits, noisy labels", "digits": "digits",
    "sgd": "SGD", "momentum": "momentum", "adamw": "AdamW",
}  # fmt: skip


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep networks``."""
    return pd.read_csv(folder / "networks.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Means over seeds; a curve ends where a run diverges, the dotted line is the loss before training."""
    found = curves(frame)
    tasks, optimizers = list(frame["task"].unique()), list(frame["optimizer"].unique())
    with styled():
        figure = Figure(figsize=(2.05 * len(optimizers) + 1.4, 1.45 * len(tasks) + 0.4))
        grid = figure.subplots(len(tasks), len(optimizers), sharex=True, sharey="row", squeeze=False)
        for panels, task in zip(grid, tasks):
            for panel, optimizer in zip(panels, optimizers):
                of_panel = {schedule: curve for (t, o, schedule), curve in found.items() if (t, o) == (task, optimizer)}
                for schedule, curve in of_panel.items():
                    finite = np.isfinite(curve.mean)
                    style = of_schedule(schedule, linewidth=1, markersize=3, markevery=2)
                    panel.loglog(curve.rho[finite], curve.mean[finite], **style)
                limit = next(iter(of_panel.values())).limit
                panel.axhline(limit, color="0.6", linestyle=":", linewidth=1)
                panel.axvline(1, color="0.85", linewidth=0.8, zorder=0)
                lowest = min(curve.mean.min() for (t, _, _), curve in found.items() if t == task)
                panel.set(xlim=(0.03, 300), ylim=(lowest * 0.7, limit * 4))
                panel.yaxis.set_minor_formatter(NullFormatter())
                panel.set_title(f"{TITLES[task]}, {TITLES[optimizer]}", fontsize=8)
        figure.supxlabel(r"rate over the schedule's best rate, $\rho$", fontsize=9)
        figure.supylabel("final training loss above the best known", fontsize=9)
        handles, labels = grid[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center")
    return figure
