"""The cells of :mod:`lrtheory.sweeps.forecast`: a law, fitted and judged on a task."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lrtheory import runs
from lrtheory.forecast import LAWS, Curve, Law, fit
from lrtheory.forecast.candidates import CANDIDATES
from lrtheory.forecast.fitting import Problem
from lrtheory.forecast.forecast import Numbers
from lrtheory.sweeps import loss_models
from lrtheory.sweeps.forecast_logs import (
    BEST_RATE,
    EARLY,
    FITTED,
    ON_ONE_SHAPE,
    PEAK,
    SIZES,
    curves_of_size,
    folds,
    grids_of_rates,
    runs_of_rates,
)

EVERY = {**LAWS, **CANDIDATES}
PUBLISHED = "MultiPower as published"
NUMBERS = {
    "25M": (3.04045406, 0.52468604, 0.50786857, 363.78751622, 2.06560812, 0.58279013, 0.64142257),
    "100M": (2.6514477, 0.60115152, 0.45295811, 437.9464276, 2.13245612, 0.59785199, 0.65523644),
    "400M": (2.37474466, 0.65421216, 0.42878731, 523.42464371, 2.02462735, 0.59350493, 0.63472457),
}
"""L0, A, a, B, C, beta, gamma of the multi-power law, as its authors fitted them to the three curves of their split (their
repository's ``logs``); on the authors' split only, beside the law as it is fitted here."""
DIGITS = 6


@dataclass(frozen=True)
class Cell(runs.Cell):
    """One law on one task and data set.

    Args:
        law: Its name.
        task: One of the tasks.
        data: A model's size, ``124M``, ``Marin`` or ``DeepOBS``.
        sha256: The SHA-256 of the logs, so that other logs are other cells.
    """

    law: str
    task: str
    data: str
    sha256: str

    def compute(self) -> dict[str, list[Any]]:
        """The errors of a cell, with an entry for each forecast curve."""
        if self.law == PUBLISHED:
            return _as_published(self.data)
        law = EVERY[self.law]
        if self.task == "size":
            return _of_size(law, self.data)
        if self.task == BEST_RATE:
            return _best_rates(law)
        if self.task in ON_ONE_SHAPE:
            return _of_rates(law, self.task)
        curves, parts = folds(self.task, self.data)
        problem = Problem.of(law, curves, 1)
        found: dict[str, list[Any]] = {"curve": [], "rms": [], "final_error": []}
        for taken, asked in parts:
            if not asked.any():
                continue
            numbers = _solved(problem.rows(taken[problem.curve]))
            _judge(problem.predicted(numbers), problem, curves, asked, found)
        return found


def _solved(problem: Problem) -> Numbers:
    return problem.solved(problem.starts)


def _judge(
    predicted: np.ndarray, problem: Problem, curves: tuple[Curve, ...], asked: np.ndarray, found: dict[str, list[Any]]
) -> None:
    for i in np.flatnonzero(asked):
        if curves[i].censored.any():
            continue
        errors = predicted[problem.curve == i] - curves[i].losses
        found["curve"].append(curves[i].name)
        found["rms"].append(float(f"{np.sqrt(np.mean(errors**2)):.{DIGITS}g}"))
        found["final_error"].append(float(f"{errors[-1]:.{DIGITS}g}"))


def _of_size(law: Law, size: str) -> dict[str, list[Any]]:
    """Free numbers from the other models, linear ones from early losses, the later ones forecast."""
    free = []
    for other in SIZES:
        if other != size:
            problem = Problem.of(law, curves_of_size(other), 1)
            free.append(_solved(problem).theta)
    curves = curves_of_size(size)
    problem = Problem.of(law, curves, 1)
    theta = np.mean(free, axis=0)
    fitted = np.isin([curve.name for curve in curves], FITTED)
    at = np.concatenate([curve.at for curve in curves])
    early = problem.rows(fitted[problem.curve] & (at <= EARLY))
    coefficients, _ = early.linear(theta, early.weight)
    predicted = problem.predicted(Numbers(theta, coefficients, 0.0))
    found: dict[str, list[Any]] = {"curve": [], "rms": [], "final_error": []}
    later = tuple(
        Curve(curve.steps, places[places > EARLY], curve.losses[places > EARLY], name=curve.name)
        for curve, places in ((curve, curve.at) for curve in curves)
    )
    rest = problem.rows(at > EARLY)
    _judge(predicted[at > EARLY], rest, later, np.ones(len(curves), bool), found)
    return found


def _of_rates(law: Law, task: str) -> dict[str, list[Any]]:
    """Every rate but the two outer ones of a grid in turn, from the others.

    Under one schedule a law is a function of the rate. Grids of a few rates cannot tell an exponent: what is not linear then
    comes from the runs of many schedules and rates, but for the numbers that are units of the rate.
    """
    found: dict[str, list[Any]] = {"curve": [], "rms": [], "final_error": []}
    given = None
    if task == "rate, Marin" and not UNITS.intersection(each.name for each in law.free):
        given = _solved(Problem.of(law, runs_of_rates(False)[1], 1)).theta
    for curves in grids_of_rates(task):
        problem = Problem.of(law, curves, 1)
        for i in range(1, len(curves) - 1):
            asked = np.arange(len(curves)) == i
            part = problem.rows(~asked)
            numbers = _solved(part) if given is None else Numbers(given, part.linear(given, part.weight)[0], 0.0)
            _judge(problem.predicted(numbers), problem, curves, asked, found)
    return found


UNITS = {"m", "log omega"}
"""Free numbers that place the best rate."""


def _as_published(size: str) -> dict[str, list[Any]]:
    """The multi-power law with its authors' numbers, in their units, on the six curves that they left out."""
    level, scale, a, drop, c, beta, gamma = NUMBERS[size]
    law, curves = EVERY["MultiPower"], curves_of_size(size)
    problem = Problem.of(law, curves, 1)
    units = replace(problem, features=problem.features | {"peak": np.full_like(problem.features["peak"], PEAK)})
    for name in ("sum", "size", "since"):
        units.features[name] = problem.features[name] * problem.span
    numbers = Numbers(np.array([a, np.log(c), beta, gamma]), np.array([level, scale, drop]), 0.0)
    found: dict[str, list[Any]] = {"curve": [], "rms": [], "final_error": []}
    asked = ~np.isin([curve.name for curve in curves], FITTED)
    _judge(units.predicted(numbers), units, curves, asked, found)
    return found


def _best_rates(law: Law) -> dict[str, list[Any]]:
    """The best rate of every schedule, from a fit to the others, beside that of its own runs."""
    table, curves = runs_of_rates(False)
    longest = table[(table["steps"] == loss_models.LONGEST) & ~table["diverged"]]
    own = loss_models.fit("quadratic per schedule", longest)
    found: dict[str, list[Any]] = {name: [] for name in ("curve", "best_lr", "low", "high", "measured")}
    for schedule in dict.fromkeys(longest["schedule"]):
        forecast = fit([curves[i] for i in longest.index[longest["schedule"] != schedule]], law, workers=1)
        rate = forecast.best_lr(loss_models.shape(str(schedule), loss_models.LONGEST), loss_models.LONGEST)
        measured = own.best_lr(str(schedule), loss_models.LONGEST)
        for name, value in zip(found, (schedule, rate.value, rate.low, rate.high, measured)):
            found[name].append(value if name == "curve" else float(f"{value:.{DIGITS}g}"))
    return found
