"""The law: how much each schedule loses when its rate is ``rho`` times the tuned one, in three layers."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import LAYERS, styled
from lrtheory.schedules import parse
from lrtheory.theory.misspecification import degradation, rho_exponent


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep rho``."""
    return pd.read_csv(folder / "rho.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """A panel a schedule: law, worst case and simulation, each over its own value at the tuned rate."""
    names = list(frame["schedule"].unique())
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    with styled():
        figure = Figure(figsize=(2.05 * columns + 0.4, 2.0 * rows + 0.5))
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for panel, name in zip(axes, names):
            group = frame[frame["schedule"] == name]
            schedule = parse(str(name))
            rho = np.geomspace(group["rho"].min(), group["rho"].max(), 300)
            panel.loglog(rho, degradation(schedule, rho), **LAYERS["law"])
            panel.loglog(group["rho"], group["worst_case_factor"], **LAYERS["worst_case"])
            margin = 1.96 * group["standard_error"] * group["simulated_factor"] / group["simulated"]
            panel.errorbar(group["rho"], group["simulated_factor"], margin, **LAYERS["simulated"])
            large = group.loc[group["rho"] >= 16, "worst_case_factor"]
            if len(large):
                exponent = rho_exponent(schedule)
                guide, level = rho[rho >= 16], 1.9 * large.iloc[0]
                panel.loglog(guide, level * (guide / 16) ** float(exponent), color="0.6", linestyle="--", linewidth=1)
                panel.text(
                    60, level * 4 ** float(exponent) * 1.25, f"slope {exponent}", ha="right", color="0.4", fontsize=8
                )
            panel.set_title(name)
        for unused in axes[len(names) :]:
            unused.set_visible(False)
        horizon = frame["horizon"].iloc[0]
        figure.supxlabel(rf"rate over tuned rate, $\rho$    ($T$ = {horizon:,})", fontsize=9)
        figure.supylabel("loss over tuned loss", fontsize=9)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3)
    return figure
