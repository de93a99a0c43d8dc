r"""Which law of loss curves forecasts runs that it has not seen? A leaderboard of laws on public logs.

Every law is fitted by the same program with the same care (:mod:`lrtheory.forecast.fitting`) and asked for curves that its fit
left out. The tasks:

* ``authors' split``: nine curves of one model at one peak rate, three fitted and six forecast, as the multi-power law's
  authors divide them; for models of 25, 100 and 400 million parameters.
* ``curve``: one of the nine left out. ``family``: all of one kind (cosine, constant, decay at the end, a drop) left out.
* ``size``: the free numbers from the two other models, the linear ones from the first 8,000 steps of the authors' three
  curves, and the rest of all nine forecast.
* ``schedule``, ``rate``, ``horizon``: final losses of 124-million-parameter models over thirty-fold peak rates, with all runs
  of a schedule, all runs of a rate, or all runs that are not of 50,000 steps left out; and ``whole schedule``, ``whole rate``,
  ``whole horizon``: their whole curves from step 2,000 on.
* ``rate, Marin`` and ``rate, DeepOBS``: final losses over rates of other models, optimizers and problems, each grid under one
  schedule: every rate but the two outer ones left out in turn. Under one schedule a law is a function of the rate, so this asks
  for its form in the rate alone. A grid of Marin has four or five: there exponents come from the models of 124 million
  parameters. For DeepOBS errors are parts of the gain of the best run, for losses of its problems have no common unit.
* ``best rate``: the best peak rate of a schedule of 50,000 steps that the fit has not seen, with its interval, against the
  vertex of a quadratic in the logarithm of the rate through the schedule's own final losses.

A law's error on a curve is its root mean squared error in nats; errors are averaged over curves. Intervals resample curves.
The diverged run is left out of errors; fits take it as a lower bound on its losses.
"""

import hashlib
from dataclasses import dataclass
from itertools import product
from typing import Any, Self, final

import numpy as np
import pandas as pd

from lrtheory.estimate import Estimate
from lrtheory.forecast.candidates import CANDIDATES
from lrtheory.runs import Compute, Experiment
from lrtheory.runs.tables import committed
from lrtheory.statistics import holm, percentile_interval, resamples
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.forecast_cells import EVERY, PUBLISHED, Cell
from lrtheory.sweeps.forecast_logs import BEST_RATE, LR_SCHEDULING, MULTI_POWER, ON_CURVES, SIZES, TASKS, WRONG_RATES

WITH_BEST_RATES = (
    "ShrinkingGradients", "ExpectedSmoothness", "ExactNoise", "PublishedBound", "CurrentRate", "Quadratic",
)  # fmt: skip
"""Laws that are asked for best rates; the annealing and multi-power laws have none for a constant rate."""
WITH_ONE_SHAPE = {
    "rate, Marin": ("ShrinkingGradients", "ExactNoise", "WorstCase", "WorstCaseDiameter", "Quadratic"),
    "rate, DeepOBS": (
        "ShrinkingGradients", "ExpectedSmoothness", "ExactNoise", "WorstCase", "WorstCaseDiameter", "FunctionalScaling",
        "Quadratic",
    ),
}  # fmt: skip
"""Laws that can take part where all runs have one schedule: they have a best rate and fewer numbers than a grid has rates, and
no two are the same function there, as the exact noise, the published bound's and a term in the rate of the moment are."""
FINAL_ONLY = ("Quadratic",)
DEFAULT_LAW = "ShrinkingGradients"
RESAMPLES = 10_000


@final
@dataclass(frozen=True)
class Forecasts(Experiment):
    """Which laws and tasks ``sweep forecast`` computes.

    Args:
        laws: Names of laws.
        tasks: Names of tasks.
    """

    laws: tuple[str, ...] = (*EVERY, PUBLISHED)
    tasks: tuple[str, ...] = TASKS

    def __post_init__(self) -> None:
        for field, given, known in (("laws", self.laws, (*EVERY, PUBLISHED)), ("tasks", self.tasks, TASKS)):
            for name in given:
                if name not in known:
                    raise ValueError(f"{field}: {name!r} is not one of {', '.join(known)}.")
            check_unique(field, given)

    @classmethod
    def quick(cls) -> Self:
        """Three laws on two tasks."""
        return cls(laws=(DEFAULT_LAW, "ExactNoise", "CurrentRate"), tasks=("authors' split", "horizon"))

    def cells(self) -> list[Cell]:
        """The cells: one for each law, task and data set.

        Raises:
            FileNotFoundError: the logs are not there.
        """
        logs = (MULTI_POWER, LR_SCHEDULING, WRONG_RATES)
        digests = [hashlib.sha256((committed() / name).read_bytes()).hexdigest() for name in logs]
        found = []
        for task, law in product(self.tasks, self.laws):
            if task in WITH_ONE_SHAPE:
                if law in WITH_ONE_SHAPE[task]:
                    found.append(Cell(law, task, task.removeprefix("rate, "), digests[2]))
                continue
            if law in FINAL_ONLY and (task in ON_CURVES or task.startswith("whole")):
                continue
            if (task == BEST_RATE and law not in WITH_BEST_RATES) or (law == PUBLISHED and task != "authors' split"):
                continue
            for data in SIZES if task in ON_CURVES else ("124M",):
                found.append(Cell(law, task, data, digests[task not in ON_CURVES]))
        return found

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row for each law, task, data set and forecast curve: ``rms`` over its losses, and ``final_error``, in nats.

        ``numbers`` is how many numbers the law fits. The task ``best rate`` has ``best_lr`` with the interval ``low`` to
        ``high``, and ``measured``, for each schedule instead.

        Raises:
            FileNotFoundError: the logs are not there.
        """
        wanted, parts = self.cells(), []
        for cell, result in zip(wanted, compute(wanted)):
            numbers = EVERY.get(cell.law, EVERY["MultiPower"]).numbers
            parts.append(
                pd.DataFrame({"law": cell.law, "numbers": numbers, "task": cell.task, "data": cell.data, **result})
            )
        return pd.concat(parts, ignore_index=True)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """The terminal table: mean errors with their intervals, and against the default law with Holm's adjustment per task."""
        rows = []
        for task in dict.fromkeys(frame[frame["task"] != BEST_RATE]["task"]):
            laws = list(dict.fromkeys(frame[frame["task"] == task]["law"]))
            others = [law for law in laws if law != DEFAULT_LAW and DEFAULT_LAW in laws]
            adjusted = holm(pd.Series({law: difference(frame, law, task) for law in others}, dtype=float))
            for law in sorted(laws, key=lambda law: error(frame, law, task).value):
                numbers = int(frame[frame["law"] == law]["numbers"].iloc[0])
                row = {"task": task, "law": law, "numbers": numbers, "rms": f"{error(frame, law, task):.4f}"}
                row["less default's"] = f"{error(frame, law, task, less=DEFAULT_LAW):.4f}" if law in adjusted else "-"
                rows.append(row | {"p (Holm)": f"{adjusted[law]:.2g}" if law in adjusted else "-"})
        return pd.DataFrame(rows)


def error(frame: pd.DataFrame, law: str, task: str, data: str | None = None, *, less: str | None = None) -> Estimate:
    """The mean over curves of a law's root mean squared error, with a 95 % interval by resampling curves.

    Args:
        frame: The table of :class:`Forecasts`.
        law: Its name.
        task: One of :data:`TASKS`.
        data: One data set; by default all of the task's.
        less: The error of this other law is subtracted, curve by curve.

    Example:
        >>> frame = pd.DataFrame({"law": "A", "task": "curve", "data": "25M", "curve": ["a", "b"], "rms": [0.1, 0.1]})
        >>> print(f"{error(frame, 'A', 'curve'):.2f}")
        0.10 [0.10, 0.10]
    """
    values = _errors(frame, law, task, data)
    if less:
        values = values - _errors(frame, less, task, data)
    means = values[resamples(values.size, RESAMPLES)].mean(1)
    return Estimate(float(means[0]), *percentile_interval(means[1:]))


def _errors(frame: pd.DataFrame, law: str, task: str, data: str | None) -> np.ndarray:
    chosen = frame[(frame["law"] == law) & (frame["task"] == task)]
    if data:
        chosen = chosen[chosen["data"] == data]
    return chosen["rms"].to_numpy()


def difference(frame: pd.DataFrame, law: str, task: str) -> float:
    """The probability, were the law as good as the default one, of paired differences as large: Wilcoxon's signed ranks."""
    from scipy.stats import wilcoxon

    pairs = _errors(frame, law, task, None) - _errors(frame, DEFAULT_LAW, task, None)
    found: Any = wilcoxon(pairs) if np.any(pairs != 0) else None
    return float(found.pvalue) if found else 1.0


def best_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each law: how far its best rates of unseen schedules are off, and how many intervals hold the measured one.

    ``bias`` is the geometric mean of forecast over measured, ``within 1.25`` and ``covered`` count schedules.
    """
    rows = []
    for law, group in frame[frame["task"] == BEST_RATE].groupby("law", sort=False):
        ratio = np.log((group["best_lr"] / group["measured"]).to_numpy())
        covered = (group["low"] <= group["measured"]) & (group["measured"] <= group["high"])
        rows.append(
            {"law": law, "bias": np.exp(ratio.mean()), "worst factor": np.exp(np.abs(ratio).max()),
             "within 1.25": int((np.abs(ratio) <= np.log(1.25)).sum()), "covered": int(covered.sum()), "schedules": len(group)}
        )  # fmt: skip
    return pd.DataFrame(rows)


def candidates(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each candidate that is not the default: how much worse it is, task by task, and on how many it is better."""
    rows = []
    for law in (name for name in CANDIDATES if (frame["law"] == name).any()):
        tasks = list(dict.fromkeys(frame[frame["law"] == law]["task"]))
        less = {task: error(frame, law, task, less=DEFAULT_LAW).value for task in tasks}
        rows.append(
            {"candidate": law, "better on": sum(value < 0 for value in less.values()), "tasks": len(tasks), **less}
        )
    return pd.DataFrame(rows)
