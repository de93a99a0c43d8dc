"""Do forecasts and the worst case know what a run of two stages costs? Against the two-stage runs of the public logs.

Runs of one model under ``wsd``, ``wsdld`` and ``wsdcon`` keep a constant rate for a first stage of 20,000 or 8,000 steps and go
on with another one. The law is fitted to the runs of one stage (constant and cosine) alone, and asked for the losses at the end
of those of two. At 24,000 steps a run of one stage is there to compare with, cosine: the *price* of a second stage is its final
loss less that of this run. The worst case states the price as a factor; it becomes nats by the loss of the cosine run above
the law's :math:`L_0`, at the diameter for which the cosine run's rate is the tuned one.
"""

from pathlib import Path

import numpy as np
import pandas as pd

from lrtheory.forecast.fitting import fit
from lrtheory.sweeps.forecast_logs import SIZES, curves_of_size
from lrtheory.theory.last_iterate import restarts, worst_case

ONE_STAGE = ("constant_24000", "constant_72000", "cosine_24000", "cosine_72000")
KNOWN = "cosine_24000"
AT_THE_END = 5
"""Losses at the end of a run whose mean is its final loss: single ones scatter."""


def extensions(path: Path | None = None) -> pd.DataFrame:
    """One row for each model and run of two stages: its final loss and price, measured and predicted.

    Args:
        path: The table of logs; by default the committed one.

    Returns:
        The columns ``model``, ``run``, ``loss``, ``forecast``, ``price``, ``price_forecast`` and ``price_worst_case``; prices
        are missing where no run of one stage has as many steps.
    """
    rows = []
    for size in SIZES:
        runs = {curve.name: curve for curve in curves_of_size(size, path)}
        forecast = fit([runs[name] for name in ONE_STAGE], resamples=0)
        final, predicted = (
            {name: float(np.mean(losses[-AT_THE_END:])) for name, losses in each.items()}
            for each in (
                {name: run.losses for name, run in runs.items()},
                {name: forecast.of_steps(run.steps, run.at) for name, run in runs.items()},
            )
        )
        known = runs[KNOWN].steps[runs[KNOWN].steps > 0]
        squares, excess = restarts(known)
        best = int(np.argmin(excess[:-1] / squares[:-1]))
        diameter = float(np.sqrt(squares[best] * excess[best]))
        least = worst_case(known, diameter=diameter)
        for name in (name for name in runs if name not in ONE_STAGE):
            row: dict[str, object] = {"model": size, "run": name, "loss": final[name], "forecast": predicted[name]}
            if runs[name].steps.size == runs[KNOWN].steps.size:
                row["price"] = final[name] - final[KNOWN]
                row["price_forecast"] = predicted[name] - predicted[KNOWN]
                factor = worst_case(runs[name].steps, diameter=diameter) / least
                row["price_worst_case"] = (factor - 1) * (final[KNOWN] - forecast.best.coefficients[0])
            rows.append(row)
    return pd.DataFrame(rows)
