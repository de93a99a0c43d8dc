r"""Does the implicit penalty matter? Three paths of a small network, on both sides of :math:`\eta\lambda=1`."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lrtheory.figures.style import shown, styled
from lrtheory.statistics import mean_estimate

DISTANCES = {
    "distance_flow": {"label": "to the gradient flow", "color": "0.35", "marker": "o"},
    "distance_penalised": {"label": "to the penalised path", "color": "#0072B2", "marker": "s"},
}
DIFFERENCES = {
    "penalised": {"label": "penalised path", "color": "#0072B2", "marker": "s"},
    "descent": {"label": "gradient descent", "color": "#D55E00", "marker": "o"},
}
MEASURES = {"sharpness": "sharpness, less the flow's", "accuracy": "test accuracy, less the flow's"}


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep penalty``."""
    return pd.read_csv(folder / "penalty.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Distances from gradient descent, then what it and the penalised path change, with 95 % intervals over runs."""
    groups = [group for _, group in frame.groupby("lr")]
    sharpness = np.array([group["lr_sharpness"].mean() for group in groups])
    with styled():
        figure = Figure(figsize=(7.2, 3.0))
        distance, *panels = figure.subplots(1, 1 + len(MEASURES))
        for column, style in DISTANCES.items():
            logarithms = [mean_estimate(np.log(group[column])) for group in groups]
            means, low, high = (
                shown(np.exp([getattr(found, end) for found in logarithms])) for end in ("value", "low", "high")
            )
            distance.errorbar(sharpness, means, [means - low, high - means], linestyle="none", **style)
            order = 1 if column == "distance_flow" else 2
            guide = sharpness[sharpness <= 1.2]
            distance.plot(guide, means[0] * (guide / guide[0]) ** order, "--", linewidth=1, color=style["color"])
            distance.annotate(
                f"slope {order}", (guide[1], high[1] if order == 1 else low[1]), (0, 3 if order == 1 else -3),
                textcoords="offset points", fontsize=8, ha="center", va="bottom" if order == 1 else "top",
            )  # fmt: skip
        distance.set(xscale="log", yscale="log", title="distance from gradient descent", ylim=(None, 3))
        for panel, (measure, title) in zip(panels, MEASURES.items()):
            panel.axhline(0, color="0.7", linewidth=0.8)
            for path, style in DIFFERENCES.items():
                found = [mean_estimate(group[f"{measure}_{path}"] - group[f"{measure}_flow"]) for group in groups]
                means = np.array([difference.value for difference in found])
                margins = np.array([difference.high - difference.value for difference in found])
                panel.errorbar(sharpness, means, margins, **style)
            panel.set(xlim=(0, None), title=title)
        for panel in (distance, *panels):
            panel.set_xlabel(r"$\eta\lambda$, mean over runs")
            for regime in (1, 2):
                panel.axvline(regime, color="0.6", linestyle=":", linewidth=1)
        distance.xaxis.set_minor_formatter(NullFormatter())
        distance.set_xticks([0.3, 1, 2], ["0.3", "1", "2"])
        plain = {"frameon": True, "facecolor": "white", "edgecolor": "none", "framealpha": 1}  # over the dotted lines
        distance.legend(loc="upper left", **plain)
        panels[0].legend(**plain)
    return figure
