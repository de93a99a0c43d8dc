"""A planned grid: what its best trial loses, wherever the tuned rate lies, under three schedules."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import broken, of_schedules, shown, styled
from lrtheory.schedules import Robust
from lrtheory.theory.grid_planning import GridPlan, compare_plans, plan_convex


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """Three trials over three decades, under the robust, the linear and the constant schedule."""
    return curves(compare_plans(plan_convex(1e-4, 1e-1, schedule=Robust(16), trials=3, horizon=10_000)))


def curves(plans: Sequence[GridPlan]) -> pd.DataFrame:
    r"""What each plan loses, one row per schedule and tuned rate; and its trials, as rows that are marked so.

    Losses are in units of :math:`DG/\sqrt T`, or over the tuned one (column ``unit``) where that is infinite for some.
    """
    absolute = all(math.isfinite(plan.tuned_loss) for plan in plans)
    frames = []
    for plan in plans:
        scale = plan.tuned_loss if absolute else 1.0
        rates = np.geomspace(plan.low, plan.high, 400)
        columns = {
            "schedule": plan.schedule.name,
            "guaranteed": scale * plan.factor,
            "unit": r"$DG/\sqrt{T}$" if absolute else "tuned loss",
        }
        frames.append(pd.DataFrame({"rate": rates, "loss": scale * plan.lost(rates), "trial": False}).assign(**columns))
        frames.append(pd.DataFrame({"rate": plan.points, "loss": scale, "trial": True}).assign(**columns))
    return pd.concat(frames, ignore_index=True)


def draw(frame: pd.DataFrame) -> Figure:
    """The loss against the unknown tuned rate, each trial a dot, the guarantee as a line."""
    frame = frame.assign(rate=shown(frame["rate"]), loss=shown(frame["loss"]))
    groups = list(frame.groupby("schedule", sort=False))
    styles = of_schedules(str(name) for name, _ in groups)
    with styled():
        figure = Figure(figsize=(max(2.4 * len(groups), 3.4), 2.5))
        panels = figure.subplots(1, len(groups), sharex=True, sharey=True, squeeze=False)[0]
        for panel, (name, group) in zip(panels, groups):
            losses, trials = group[~group["trial"]], group[group["trial"]]
            color = styles[str(name)]["color"]
            panel.semilogx(losses["rate"], losses["loss"], "-", color=color)
            panel.semilogx(trials["rate"], trials["loss"], "o", color=color, clip_on=False)
            guaranteed = group["guaranteed"].iloc[0]
            panel.axhline(guaranteed, color="0.5", linestyle="--", linewidth=1)
            panel.annotate(
                f"at most {guaranteed:.2f}", (1, guaranteed), (0, 2), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right", va="bottom", color="0.4", fontsize=8,
            )  # fmt: skip
            panel.set_title(broken(f"{name}, {len(trials)} trials", 32))
            panel.set_xlabel("tuned rate, unknown")
        largest = float(frame["guaranteed"].max())
        top = largest + 0.15 * (largest - 0.95)  # room for the words above the highest line
        panels[0].set(ylabel=f"loss of the best trial\nover {frame['unit'].iloc[0]}", ylim=(0.95, top))
    return figure
