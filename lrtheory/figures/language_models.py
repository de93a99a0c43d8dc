"""Real language-model runs, and what the worst case predicts of a schedule that it has not seen."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullFormatter

from lrtheory.figures.style import styled
from lrtheory.sweeps.language_models import best_rates
from lrtheory.sweeps.loss_models import BOUNDS, LONGEST

PREDICTED: dict[str, dict[str, Any]] = {
    "diameter": {"label": "worst case, restarts", "color": "#0072B2", "linestyle": "-"},
    "distance": {"label": "worst case, distance", "color": "#56B4E9", "linestyle": "--"},
    "published": {"label": "published bound", "color": "#D55E00", "linestyle": "-."},
    "quadratic": {"label": "one quadratic", "color": "0.6", "linestyle": ":"},
}
MARKERS = {"diameter": "o", "distance": "^", "published": "x", "quadratic": "s"}
RATES = (1e-4, 3e-4, 1e-3, 3e-3)


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep language_models``."""
    return pd.read_csv(folder / "language_models.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """One panel per schedule: its runs, and predictions by fits to all other schedules; then the best rates."""
    chosen = frame[(frame["left_out"] == "schedule") & (frame["steps"] == LONGEST) & ~frame["diverged"]]
    schedules = list(chosen["schedule"].unique())
    with styled():
        figure = Figure(figsize=(7.2, 5.6))
        panels = figure.subplots(3, 4).ravel()
        for panel, schedule in zip(panels, schedules):
            group = chosen[chosen["schedule"] == schedule]
            for model, style in PREDICTED.items():
                line = group[group["model"] == model].drop_duplicates("lr").sort_values("lr")
                panel.plot(line["lr"], line["predicted"], linewidth=1.1, **style)
            runs = group[group["model"] == group["model"].iloc[0]]
            panel.plot(runs["lr"], runs["loss"], "ko", markersize=3, label="runs")
            panel.set_title(_short(schedule), fontsize=8)
            panel.set(xscale="log", xlim=(8e-5, 4e-3), ylim=(2.92, 3.28))
            panel.xaxis.set_minor_formatter(NullFormatter())
            panel.set_xticks(RATES, ["1e-4", "3e-4", "1e-3", "3e-3"])
        last, rates = panels[len(schedules)], best_rates(frame)
        last.plot([2e-4, 2e-3], [2e-4, 2e-3], color="0.7", linewidth=0.8)
        for model in (name for name in (*BOUNDS, "quadratic") if name in rates):
            last.plot(rates["measured"], rates[model], MARKERS[model], markersize=3.5, color=PREDICTED[model]["color"])
        last.set(
            xscale="log", yscale="log", xlim=(2e-4, 2.2e-3), ylim=(2e-4, 2.2e-3), xlabel="measured", ylabel="predicted"
        )
        last.set_title("best rates", fontsize=8)
        for axis in (last.xaxis, last.yaxis):
            axis.set_minor_formatter(NullFormatter())
        last.set_xticks((3e-4, 1e-3), ("3e-4", "1e-3"))
        last.set_yticks((3e-4, 1e-3), ("3e-4", "1e-3"))
        figure.supxlabel("peak learning rate", fontsize=9)
        figure.supylabel("final validation loss", fontsize=9)
        handles = [Line2D([], [], marker=MARKERS[model], markersize=3.5, **style) for model, style in PREDICTED.items()]
        handles.append(Line2D([], [], color="black", marker="o", markersize=3, linestyle="none", label="runs"))
        figure.legend(handles=handles, loc="outside upper right", ncols=len(handles))
        for unused in panels[len(schedules) + 1 :]:
            unused.set_visible(False)
    return figure


def _short(schedule: str) -> str:
    return schedule.replace("constant then ", "").replace(" cooldown", ",")
