"""Branch and cliff where the curvature rises or falls: simulated losses and predicted edges."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import of_schedule, styled
from lrtheory.schedules import Constant, Polynomial, Schedule, Warmup, parse
from lrtheory.sweeps.cliffs import DECLINE, PROBLEMS, SHARP, compare, gain, predicted
from lrtheory.theory.warmup_stability import warmup_edge

SHOWN = (Constant(), Polynomial(1), Polynomial(3))
TITLES = {
    "constant": "a quadratic",
    "rising": "curvature rises",
    "falling": "curvature falls",
    "sharp start": "sharp start, 100 steps warm-up",
}
LOWEST = 1e-4


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep cliffs``."""
    return pd.read_csv(folder / "cliffs.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Losses of three schedules on each problem without momentum; edges against the warm-up; predicted against measured edges."""
    with styled():
        figure = Figure(figsize=(7.2, 4.6))
        panels = figure.subplots(2, 3).ravel()
        for panel, problem in zip(panels, PROBLEMS):
            _losses(panel, frame, problem)
        panels[1].legend(fontsize=6, loc="lower right", handlelength=1.6)
        compared = compare(frame)
        _warmups(panels[4], compared[(compared["problem"] == "sharp start") & (compared["momentum"] == 0)])
        _edges(panels[5], compared)
        figure.supylabel("part of the gain that is left (first four panels)", fontsize=8)
    return figure


def _losses(panel, frame: pd.DataFrame, problem: str) -> None:
    plain = frame[(frame["problem"] == problem) & (frame["momentum"] == 0)]
    for width, schedule in zip((1.9, 1.4, 0.9), _shown(frame)):
        run = Warmup(schedule, warmup_steps=100) if problem == "sharp start" else schedule
        curve = plain[plain["schedule"] == repr(run)]
        if not len(curve):
            continue
        style = of_schedule(repr(schedule), marker="none")
        panel.loglog(curve["lr"], np.maximum(curve["loss"] / gain(problem), LOWEST), **style)
        edge = predicted(problem, run, 0.0, int(curve["horizon"].iloc[0]))[1]
        if math.isfinite(edge):
            panel.axvline(edge, color=style["color"], linestyle=":", linewidth=width)
    panel.set(title=TITLES[problem], xlabel="rate")


def _shown(frame: pd.DataFrame) -> list[Schedule]:
    """Three schedules of a table: the usual ones, or the first where it has none of them."""
    names = frame.loc[frame["problem"] == next(iter(PROBLEMS)), "schedule"].unique()
    return [schedule for schedule in SHOWN if repr(schedule) in names] or [parse(name) for name in names[:3]]


def _warmups(panel, rows: pd.DataFrame) -> None:
    for number, schedule in enumerate((Constant(), Polynomial(1))):
        found = [
            (run.warmup_steps or 0, row)
            for row in rows.to_dict("records")
            if isinstance(run := parse(row["schedule"]), Warmup) and run.schedule == schedule
        ]
        if not found:
            continue
        found.sort(key=lambda pair: pair[0])
        steps = np.array([ramp for ramp, _ in found]) * (1 + 0.06 * (2 * number - 1))
        low, high, edge = (np.array([row[name] for _, row in found]) for name in ("low", "high", "edge"))
        style = of_schedule(repr(schedule), linestyle="none", markersize=4)
        panel.errorbar(steps, edge, (edge - low, high - edge), **style)
    ramps = np.geomspace(20, 500, 100)
    edges = [warmup_edge(ramp, start=SHARP, end=1.0, decline=DECLINE) for ramp in ramps]
    panel.loglog(ramps, edges, color="0.5", label="theorem")
    panel.set(title="the edge of a sharp start", xlabel="steps of warm-up", ylabel="rate")
    for axis, ticks in ((panel.xaxis, (25, 50, 100, 200, 400)), (panel.yaxis, (0.25, 0.5, 1, 2))):
        axis.set_ticks(ticks, [f"{tick:g}" for tick in ticks])
        axis.set_ticks([], minor=True)
    panel.legend(fontsize=6)


def _edges(panel, compared: pd.DataFrame) -> None:
    known = compared[np.isfinite(compared["edge"]) & np.isfinite(compared["predicted_edge"])]
    for number, (momentum, rows) in enumerate(known.groupby("momentum")):
        panel.loglog(
            rows["predicted_edge"], rows["edge"], "os"[number % 2], color=("#000000", "#D55E00")[number % 2], markersize=3,
            markerfacecolor="none",
            label=f"momentum {momentum:g}",
        )  # fmt: skip
    ends = [0.05, 50]
    panel.plot(ends, ends, color="0.5", linewidth=0.8)
    panel.set(title="all edges", xlabel="predicted", ylabel="measured")
    panel.legend(fontsize=6)
