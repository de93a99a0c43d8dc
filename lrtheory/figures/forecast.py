"""How far laws of loss curves are off on runs that they have not seen, task by task."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import styled
from lrtheory.forecast import LAWS
from lrtheory.sweeps.forecast import error
from lrtheory.sweeps.forecast_cells import PUBLISHED
from lrtheory.sweeps.forecast_logs import BEST_RATE, TASKS

COLOURS = {"ShrinkingGradients": "#D55E00", "ExpectedSmoothness": "#E69F00", "ExactNoise": "#0072B2"}
NAMES = {
    "ShrinkingGradients": "noise, shrinking gradients (default)", "ExpectedSmoothness": "noise, expected smoothness",
    "ExactNoise": "noise, constant gradients", "PublishedBound": "published bound's noise",
    "WorstCase": "worst case, distance", "WorstCaseDiameter": "worst case, diameter",
    "FunctionalScaling": "power of forgetting", "MultiPower": "multi-power", PUBLISHED: "multi-power as published",
    "AnnealingArea": "annealing area", "CurrentRate": "rate of the moment", "Quadratic": "quadratic in log rate",
}  # fmt: skip
TITLES = {
    "authors' split": "three curves fitted, six unseen", "curve": "unseen curve", "family": "unseen family of schedules",
    "size": "later losses of another model", "schedule": "final losses, unseen schedule",
    "rate": "final losses, unseen rate", "horizon": "final losses, unseen horizon",
    "whole schedule": "whole curves, unseen schedule", "whole rate": "whole curves, unseen rate",
    "whole horizon": "whole curves, unseen horizon", "rate, Marin": "Marin, rate",
    "rate, DeepOBS": "DeepOBS, rate (part of gain)",
}  # fmt: skip
SHOWN: dict[str, tuple[float, ...]] = {"rms": (0.0018, 0.4), "ticks": (0.003, 0.01, 0.03, 0.1, 0.3)}


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep forecast``."""
    return pd.read_csv(folder / "forecast.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """One panel for each task: the mean error of every law with its interval over curves, the best law on top."""
    tasks = [task for task in TASKS if task != BEST_RATE and (frame["task"] == task).any()]
    with styled():
        figure = Figure(figsize=(7.2, 9.0))
        panels = figure.subplots(-(-len(tasks) // 2), 2, squeeze=False).ravel()
        for panel, task in zip(panels, tasks):
            present = set(frame[frame["task"] == task]["law"])
            laws = [law for law in (*LAWS, PUBLISHED) if law in present]
            errors = {law: error(frame, law, task) for law in laws}
            laws.sort(key=lambda law: -errors[law].value)
            for place, law in enumerate(laws):
                found, colour = errors[law], COLOURS.get(law, "0.35")
                panel.plot([found.low, found.high], [place, place], color=colour, linestyle="-", linewidth=1.2)
                panel.plot(found.value, place, "o", color=colour, markersize=3.5)
            panel.set_yticks(np.arange(len(laws)), [NAMES[law] for law in laws], fontsize=6)
            panel.set(xscale="log", xlim=SHOWN["rms"])
            panel.set_xticks(SHOWN["ticks"], [f"{tick:g}" for tick in SHOWN["ticks"]], fontsize=7)
            panel.minorticks_off()
            panel.set_title(TITLES[task], fontsize=8)
            panel.grid(axis="x", linewidth=0.3, color="0.85")
        for unused in panels[len(tasks) :]:
            unused.set_visible(False)
        figure.supxlabel("mean over what was left out of the root mean squared error, in nats", fontsize=8)
    return figure
