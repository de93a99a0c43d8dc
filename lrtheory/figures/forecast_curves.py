"""Measured loss curves of unseen schedules, and forecasts by the default law fitted to three others."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import styled
from lrtheory.forecast import ExactNoise, ShrinkingGradients, fit
from lrtheory.sweeps.forecast_logs import FITTED, SIZES, curves_of_size

LAWS = {
    "ShrinkingGradients": {"color": "#D55E00", "linestyle": "-", "label": "gradients that shrink (default)"},
    "ExactNoise": {"color": "#0072B2", "linestyle": "--", "label": "constant gradients"},
}
UNSEEN = {
    "constant_72000": "constant, 72,000 steps",
    "cosine_72000": "cosine, 72,000 steps",
    "wsd_20000_24000": "exponential cooldown, last sixth",
    "wsdld_20000_24000": "linear cooldown, last sixth",
    "wsdcon_3": "rate cut to 1/10 at step 8,000",
    "wsdcon_18": "rate cut to 6/10 at step 8,000",
}
"""The names of the schedules in the logs, and what they are."""
FIRST = 6_000
"""Losses are drawn from this step on: before it they fall too fast for the differences to be seen."""


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """Measured losses and forecasts of the six curves that the authors of the multi-power law left out."""
    parts = []
    for size in SIZES:
        curves = {curve.name: curve for curve in curves_of_size(size, folder / "forecast_multi_power.csv")}
        taken = [curves[name] for name in FITTED]
        found = {law.name: fit(taken, law, resamples=0, workers=1) for law in (ShrinkingGradients(), ExactNoise())}
        for name in UNSEEN:
            curve = curves[name]
            forecasts = {law: forecast.of_steps(curve.steps, curve.at) for law, forecast in found.items()}
            parts.append(
                pd.DataFrame({"size": size, "curve": name, "step": curve.at, "loss": curve.losses, **forecasts})
            )
    return pd.concat(parts, ignore_index=True)


def draw(frame: pd.DataFrame) -> Figure:
    """One panel for each unseen schedule, with the three models in it."""
    with styled():
        figure = Figure(figsize=(7.2, 4.6))
        panels = figure.subplots(2, 3).ravel()
        for panel, (name, title) in zip(panels, UNSEEN.items()):
            for size in SIZES:
                rows = frame[(frame["curve"] == name) & (frame["size"] == size)]
                errors = np.sqrt(np.mean((rows["ShrinkingGradients"] - rows["loss"]) ** 2))
                rows = rows[rows["step"] >= FIRST]
                thin = rows.iloc[:: max(len(rows) // 60, 1)]
                panel.plot(thin["step"] / 1000, thin["loss"], "k.", markersize=2, label="measured")
                for law, style in LAWS.items():
                    panel.plot(rows["step"] / 1000, rows[law], linewidth=0.9, **style)
                place = rows.iloc[int(0.35 * len(rows))]
                panel.annotate(
                    f"{size}: rms {errors:.4f}", (place["step"] / 1000, place["loss"]), xytext=(4, 5), fontsize=6,
                    textcoords="offset points",
                )  # fmt: skip
            panel.set_title(title, fontsize=8)
        figure.supxlabel("thousand steps", fontsize=9)
        figure.supylabel("training loss", fontsize=9)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles[:3], labels[:3], loc="outside upper right", ncols=3)
    return figure
