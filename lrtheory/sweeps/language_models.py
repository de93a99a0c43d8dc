r"""Do language models obey the law? Public logs of real runs against the worst case, with nothing but three numbers.

The logs are final validation losses of 124-million-parameter models under eleven schedules, over a factor of 30 in the
peak rate and, for most, several horizons (``figures/data/llm_learning_rates.md`` says whose they are). A *model of the
loss* predicts them:

.. math:: \text{loss} = f^\star + A\,W(\gamma\cdot\text{lr}\cdot\text{shape})

with three numbers for all schedules, and for :math:`W`, with :math:`D=G=1` and the warm-up in the shape,

* ``diameter``: the worst case with restarts (:math:`A=DG`, :math:`\gamma=G/D`), which forgives over-estimates;
* ``distance``: the worst case from a known distance, which does not;
* ``published``: the last-iterate bound of the literature (:mod:`lrtheory.theory.published_bounds`).

Beside them, ``quadratic``: the loss as one quadratic in the logarithm of the rate for all schedules, three numbers too
and blind to the shape; and ``quadratic per schedule``, three numbers *for each schedule*, which cannot predict a schedule
that it has not seen.

Every run is predicted from fits that left out: ``nothing``; its ``schedule`` (all runs of it); its ``rate`` (the runs of
its schedule at its rate); or the ``horizon`` (all runs but those of 50,000 steps). Fits are least squares over runs; for a given
:math:`\gamma` they are linear. The diverged run is left out of every fit and reported.

**Results** (measured; the numbers, with intervals from resampling whole schedules, are in ``docs/findings.md`` and in
the paper, read from the committed table by :mod:`lrtheory.report.networks`).

* *Unseen schedules.* The worst case with restarts predicts the annealed schedules better than the worst case from a
  distance, the published bound and one quadratic. Restarts matter at the largest rates only.
* *Best rates* of unseen schedules are put in the right order, and too low.
* *The constant schedule fails*, under every bound alike: annealing is worth more in these networks than in the worst
  case.
* *It is no law of these runs to their noise.* Three numbers for all schedules leave many times the noise; three
  numbers for each schedule leave little more than the noise, but say nothing of another schedule.
* *Other horizons* are predicted too low: a common floor and :math:`1/\sqrt T` are too little for what more steps
  bring.
* *Divergence* is beyond it.
"""

import hashlib
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Self, final

import numpy as np
import pandas as pd

from lrtheory.estimate import Estimate
from lrtheory.runs import Cell, Compute, Experiment
from lrtheory.statistics import percentile_interval, resamples
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.loss_models import LOGS, LONGEST, MODELS, Fit, check_logs, fit, found_logs, runs

LEFT_OUT = ("nothing", "schedule", "rate", "horizon")
RESAMPLES = 10_000
DIGITS = 7
"""Significant digits that are kept of a prediction."""


@dataclass(frozen=True)
class Forecast(Cell):
    """Predictions of all runs by one model, each from a fit without some of them.

    Args:
        model: One of :data:`MODELS`.
        left_out: One of :data:`LEFT_OUT`.
        logs: The table of runs.
        sha256: The SHA-256 of the table, so that other logs are other cells.
    """

    model: str
    left_out: str
    logs: str
    sha256: str

    def compute(self) -> dict[str, Any]:
        """The predictions: lists with one entry per run, None where the model has nothing to say."""
        frame = runs(Path(self.logs))
        usable = frame[~frame["diverged"]]
        if self.left_out != "horizon":
            usable = usable[usable["steps"] == LONGEST]
        fits: dict[Any, Fit] = {}
        columns: dict[str, list[float | None]] = {
            name: [] for name in ("predicted", "best_lr", "gamma", "scale", "floor")
        }
        for run in frame.itertuples():
            away: Any = {"nothing": "", "schedule": run.schedule, "rate": (run.schedule, run.lr), "horizon": LONGEST}[
                self.left_out
            ]
            if away not in fits:
                kept = {
                    "nothing": usable,
                    "schedule": usable[usable["schedule"] != run.schedule],
                    "rate": usable[(usable["schedule"] != run.schedule) | (usable["lr"] != run.lr)],
                    "horizon": usable[usable["steps"] == LONGEST],
                }[self.left_out]
                fits[away] = fit(self.model, kept)
            found = fits[away]
            schedule, lr, steps = str(run.schedule), float(run.lr), int(run.steps)  # pyright: ignore[reportArgumentType]
            values = (
                found.predict(schedule, lr, steps),
                found.best_lr(schedule, steps),
                found.gamma,
                found.scale,
                found.floor,
            )
            for column, value in zip(columns.values(), values):
                column.append(float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None)
        return columns


@final
@dataclass(frozen=True)
class LanguageModels(Experiment):
    """Which models of the loss ``sweep language_models`` fits.

    Args:
        models: Names of models: diameter, distance, published, quadratic, quadratic per schedule.
        logs: The table of runs.
    """

    models: tuple[str, ...] = MODELS
    logs: str = str(LOGS)

    def __post_init__(self) -> None:
        for model in self.models:
            if model not in MODELS:
                raise ValueError(f"{model!r} is no model of the loss; there are {', '.join(MODELS)}.")
        check_unique("models", self.models)
        if Path(self.logs) != LOGS:
            check_logs(self.logs)

    @classmethod
    def quick(cls) -> Self:
        """Two models."""
        return cls(models=("diameter", "quadratic"))

    def cells(self) -> list[Forecast]:
        """The cells: one for each model and what its fit leaves out.

        Raises:
            FileNotFoundError: the table of runs is not there.
        """
        sha256 = hashlib.sha256(found_logs(self.logs).read_bytes()).hexdigest()
        return [Forecast(model, left_out, self.logs, sha256) for model, left_out in product(self.models, LEFT_OUT)]

    def run(self, compute: Compute) -> pd.DataFrame:
        r"""One row for each model, what its fit left out, and run.

        ``predicted`` and ``best_lr`` (the best rate of the run's schedule and horizon) are missing where the model cannot say;
        ``gamma``, ``scale``, ``floor`` are the fitted numbers. Only ``horizon`` predicts runs of other horizons.

        Raises:
            FileNotFoundError: the table of runs is not there.
        """
        wanted = self.cells()
        frame, parts = runs(Path(self.logs)), []
        for cell, result in zip(wanted, compute(wanted)):
            columns = {name: np.array(values, dtype=float) for name, values in result.items()}
            part = pd.DataFrame({"model": cell.model, "left_out": cell.left_out, **frame, **columns})
            parts.append(part[(part["steps"] == LONGEST) != (cell.left_out == "horizon")])
        return pd.concat(parts, ignore_index=True)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """How far each model's predictions are off, in nats, and how far its best rates.

        ``best rate`` is the geometric mean of predicted over measured, and the spread about it as a factor.
        """
        rows, rates = [], best_rates(frame)
        for left_out, model in product(LEFT_OUT, dict.fromkeys(frame["model"])):
            error = rms(frame, model, left_out)
            if error is None:
                continue
            annealed = rms(frame[frame["schedule"] != "constant"], model, left_out)
            compared = rms(frame, model, left_out, less="diameter") if model != "diameter" else None
            row = {"left out": left_out, "model": model, "rms error": f"{error:.4f}", "annealed only": f"{annealed:.4f}",
                   "less diameter's": f"{compared:.4f}" if compared else "-", "best rate": "-"}  # fmt: skip
            if left_out == "schedule":
                ratio = np.log(rates[model] / rates["measured"])
                row["best rate"] = f"{np.exp(ratio.mean()):.2f} x/ {np.exp(ratio.std(ddof=1)):.2f}"
            rows.append(row)
        return pd.DataFrame(rows)


def rms(frame: pd.DataFrame, model: str, left_out: str, *, less: str | None = None) -> Estimate | None:
    """The root mean squared error of a model's predictions; whole schedules are resampled, 10,000 times.

    Args:
        frame: The table of :class:`LanguageModels`.
        model: One of :data:`MODELS`.
        left_out: One of :data:`LEFT_OUT`.
        less: The error of this other model is subtracted, resampling both at once.

    Returns:
        None where the model predicts nothing.

    Example:
        >>> frame = pd.DataFrame({"model": "distance", "left_out": "rate", "schedule": ["a", "b"], "diverged": False,
        ...     "loss": [3.0, 3.0], "predicted": [3.1, 3.1]})
        >>> print(f"{rms(frame, 'distance', 'rate'):.4f}")
        0.1000 [0.1000, 0.1000]
    """
    squares = {name: _squares(frame, name, left_out) for name in (model, less) if name}
    if any(group.empty for group in squares.values()):
        return None
    draws = resamples(len(squares[model]), RESAMPLES)
    errors = {
        name: np.sqrt(group["sum"].to_numpy()[draws].sum(1) / group["count"].to_numpy()[draws].sum(1))
        for name, group in squares.items()
    }
    found = errors[model] - (errors[less] if less else 0)
    return Estimate(float(found[0]), *percentile_interval(found[1:]))


def _squares(frame: pd.DataFrame, model: str, left_out: str) -> pd.DataFrame:
    """Sum and number of squared errors of each schedule."""
    chosen = frame[(frame["model"] == model) & (frame["left_out"] == left_out) & ~frame["diverged"]]
    chosen = chosen.dropna(subset="predicted")
    return (chosen["predicted"] - chosen["loss"]).pow(2).groupby(chosen["schedule"]).agg(["sum", "count"])


def best_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """The best rate of each schedule at 50,000 steps: measured, and predicted by each model that has not seen the schedule.

    ``measured`` is the vertex of a quadratic in the logarithm of the rate through the schedule's own runs.
    """
    logged = frame[~frame["diverged"] & (frame["steps"] == LONGEST)]
    one = logged[(logged["model"] == logged["model"].iloc[0]) & (logged["left_out"] == "nothing")]
    measured = fit("quadratic per schedule", one)
    chosen = logged[logged["left_out"] == "schedule"]
    found = chosen.pivot_table(index="schedule", columns="model", values="best_lr", aggfunc="first", sort=False)
    found.insert(0, "measured", [measured.best_lr(str(schedule), LONGEST) for schedule in found.index])
    return found.reset_index().rename_axis(columns=None)


def repeats(path: Path = LOGS) -> float:
    """The standard deviation of one run, from the settings that were logged twice."""
    twice = runs(path).groupby(["schedule", "lr", "steps"])["loss"].agg(["var", "count"])
    return float(np.sqrt(twice.loc[twice["count"] > 1, "var"].mean()))
