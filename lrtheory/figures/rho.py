"""The law: how much each schedule loses when its rate is ``rho`` times the tuned one, in three layers."""

import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrtheory.figures.style import LAYERS, broken, label, shown, styled
from lrtheory.schedules import parse
from lrtheory.sweeps.misspecified import shown_exponent
from lrtheory.theory.misspecification import degradation


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep rho``."""
    return pd.read_csv(folder / "rho.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """One panel per schedule: law, worst case and simulation, each over its own value at the tuned rate."""
    names = list(frame["schedule"].unique())
    columns = min(4, len(names))
    rows = -(-len(names) // columns)
    with styled():
        figure = Figure(figsize=(max(2.05 * columns + 0.4, 4.9), 2.0 * rows + 0.5))  # room for the legend
        axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for panel, name in zip(axes, names):
            group = frame[frame["schedule"] == name]
            rho, law = _law(str(name), group)
            panel.loglog(rho, law, **LAYERS["law"])
            panel.loglog(group["rho"], group["worst_case_factor"], **LAYERS["worst_case"])
            margin = 1.96 * group["standard_error"] * group["simulated_factor"] / group["simulated"]
            panel.errorbar(group["rho"], group["simulated_factor"], margin, **LAYERS["simulated"])
            if (group["rho"] > 16).any():
                _guide(panel, group, rho, law, shown_exponent(group["degree"].iloc[0]))
            panel.set_title(broken(label(str(name)), 26 if len(names) > 1 else 60))
        for unused in axes[len(names) :]:
            unused.set_visible(False)
        for above_unused in axes[: len(names)][-columns:]:
            above_unused.tick_params(labelbottom=True)
        horizon = frame["horizon"].iloc[0]
        figure.supxlabel(rf"rate over tuned rate, $\rho$    ($T$ = {horizon:,})", fontsize=9)
        figure.supylabel("loss over its own tuned loss", fontsize=9)
        handles, labels = axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=3)
    return figure


def _law(name: str, group: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """The curve of the law; at the points of the table where a schedule cannot be read, as one of a class of the user's own."""
    try:
        schedule = parse(name)
    except ValueError:
        return group["rho"].to_numpy(), shown(group["law"])
    rho = shown(np.geomspace(group["rho"].min(), group["rho"].max(), 300))
    return rho, shown(degradation(schedule, rho))


def _guide(panel: Axes, group: pd.DataFrame, rho: np.ndarray, law: np.ndarray, exponent: str) -> None:
    """A line of the slope that is proved, above everything that is drawn from 16 on, with the slope above it."""
    power = float(Fraction(exponent))
    large, guide = group[group["rho"] >= 16], rho[rho >= 16]
    heights = [
        np.max(law[rho >= 16] / (guide / 16) ** power),
        *(np.max(large[column] / (large["rho"] / 16) ** power) for column in ("worst_case_factor", "simulated_factor")),
    ]
    level = 1.5 * max(heights)
    panel.loglog(guide, shown(level * (guide / 16) ** power), color="0.6", linestyle="--", linewidth=1)
    middle = math.sqrt(guide[0] * guide[-1])
    panel.annotate(
        f"slope {exponent}", (middle, shown([level * (middle / 16) ** power])[0]), (0, 4), textcoords="offset points",
        ha="right", color="0.4", fontsize=8,
    )  # fmt: skip
