"""Laws of loss curves: the leaderboard, and what it says of the default law."""

import numpy as np

from lrtheory.report.tables import table
from lrtheory.report.values import Facts, Table, Tex, Value
from lrtheory.sweeps import forecast
from lrtheory.sweeps.forecast_cells import PUBLISHED
from lrtheory.sweeps.forecast_extensions import extensions
from lrtheory.sweeps.forecast_logs import SIZES

SHOWN = {
    "ShrinkingGradients": "exact noise, shrinking gradients", "ExpectedSmoothness": "exact noise, expected smoothness",
    "ExactNoise": "exact noise", "PublishedBound": "published bound's noise", "WorstCase": "worst case, distance",
    "WorstCaseDiameter": "worst case, diameter",
    "FunctionalScaling": r"power of forgetting \cite{li2025}", "MultiPower": r"multi-power \cite{luo2025}",
    PUBLISHED: "\\quad its published numbers", "AnnealingArea": r"annealing area \cite{tissue2024}",
    "CurrentRate": "rate of the moment", "Quadratic": "quadratic",
}  # fmt: skip
TASKS = {
    "authors' split": "split", "curve": "curve", "family": "family", "size": "size", "schedule": "schedule", "rate": "rate",
    "horizon": "horizon", "whole schedule": "schedule", "whole rate": "rate", "whole horizon": "horizon",
}  # fmt: skip
"""Columns of the table: nine curves of a rate, final losses, whole curves."""


def forecast_part() -> Facts:
    """The leaderboard of laws."""
    frame = table("forecast")
    best = {
        task: min(
            forecast.error(frame, law, task).value
            for law in SHOWN
            if ((frame["law"] == law) & (frame["task"] == task)).any()
        )
        for task in TASKS
    }
    rows = []
    for law, name in SHOWN.items():
        of_law = frame[frame["law"] == law]
        row: list[Value] = [Tex(name), str(int(of_law["numbers"].iloc[0]))]
        for task in TASKS:
            if not (of_law["task"] == task).any():
                row.append("--")
                continue
            value = forecast.error(frame, law, task).value
            text = f"{1000 * value:.1f}"
            row.append(Tex(rf"\textbf{{{text}}}") if value == best[task] else text)
        rows.append(row)
    header = ["", "numbers", *TASKS.values()]
    yield "paper/forecast", Table(header, rows, "lr" + "r" * len(TASKS))
    default = forecast.DEFAULT_LAW
    for key, law in (("default", default), ("published", PUBLISHED)):
        values = [forecast.error(frame, law, "authors' split", size).value for size in SIZES]
        yield f"forecast/split/{key}", ", ".join(f"{value:.4f}" for value in values)
    for task in ("schedule", "horizon"):
        chosen = frame[(frame["law"] == default) & (frame["task"] == task)]
        yield f"forecast/{task}", f"{np.sqrt((chosen['rms'] ** 2).mean()):.3f}"
    rates = forecast.best_rates(frame).set_index("law").loc[default]
    yield "forecast/rates/within", f"{rates['within 1.25']:.0f} of {rates['schedules']:.0f}"
    yield "forecast/rates/covered", f"{rates['covered']:.0f} of {rates['schedules']:.0f}"
    yield "forecast/rates/worst", f"{rates['worst factor']:.2f}"
    names = {"default": default, "proportional": "ExactNoise", "quadratic": "Quadratic"}
    for source, task in (("marin", "rate, Marin"), ("deepobs", "rate, DeepOBS")):
        yield f"forecast/{source}/runs", str(int(((frame["task"] == task) & (frame["law"] == default)).sum()))
        for key, law in names.items():
            yield f"forecast/{source}/{key}", f"{forecast.error(frame, law, task).value:.4f}"
    stages = extensions()
    prices = stages.dropna()
    yield "forecast/stages/runs", str(len(stages))
    yield "forecast/stages/prices", str(len(prices))
    yield "forecast/stages/loss", f"{(stages['forecast'] - stages['loss']).abs().mean():.4f}"
    yield "forecast/stages/price", f"{(prices['price_forecast'] - prices['price']).abs().mean():.4f}"
    yield "forecast/stages/worst_case", f"{(prices['price_worst_case'] - prices['price']).abs().mean():.3f}"
