r"""Which law of loss curves forecasts runs that it has not seen? A leaderboard of laws on public logs.

Every law is fitted by the same program with the same care (:mod:`lrtheory.forecast.fit`) and asked for curves that its fit
left out. The tasks:

* ``authors' split``: nine curves of one model at one peak rate, three fitted and six forecast, as the multi-power law's
  authors divide them; for models of 25, 100 and 400 million parameters.
* ``curve``: one of the nine left out. ``family``: all of one kind (cosine, constant, decay at the end, a drop) left out.
* ``size``: the free numbers from the two other models, the linear ones from the first 8,000 steps of the authors' three
  curves, and the rest of all nine forecast.
* ``schedule``, ``rate``, ``horizon``: final losses of 124-million-parameter models over thirty-fold peak rates, with all runs
  of a schedule, all runs of a rate, or all runs that are not of 50,000 steps left out; and ``whole schedule``, ``whole rate``,
  ``whole horizon``: their whole curves from step 2,000 on.
* ``best rate``: the best peak rate of a schedule of 50,000 steps that the fit has not seen, with its interval, against the
  vertex of a quadratic in the logarithm of the rate through the schedule's own final losses.

A law's error on a curve is its root mean squared error in nats; errors are averaged over curves. Intervals resample curves.
The diverged run is left out of errors; fits take it as a lower bound on its losses.
"""

import hashlib
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrtheory.estimate import Estimate
from lrtheory.forecast import LAWS, Curve, Law, fit
from lrtheory.forecast.candidates import CANDIDATES
from lrtheory.forecast.fit import Problem
from lrtheory.forecast.forecast import Numbers
from lrtheory.runs import Store, execute
from lrtheory.runs.execute import Workers
from lrtheory.sweeps import language_models

MULTI_POWER = Path("figures/data/forecast_multi_power.csv")
LR_SCHEDULING = Path("figures/data/forecast_lr_scheduling.csv")
SIZES = ("25M", "100M", "400M")
FITTED = ("cosine_24000", "constant_24000", "wsdcon_9")
PEAK, END, WARMUP = 3e-4, 3e-5, 2_160
"""Peak and final rate, and steps of warm-up, of the multi-power law's runs."""
EARLY = 8_000
FIRST = 2_000
"""Whole curves of the 124-million-parameter models are taken from this step on, as the others are after their warm-up."""
ON_CURVES = ("authors' split", "curve", "family", "size")
ON_RATES = ("schedule", "rate", "horizon", "whole schedule", "whole rate", "whole horizon")
BEST_RATE = "best rate"
TASKS = (*ON_CURVES, *ON_RATES, BEST_RATE)
WITH_BEST_RATES = (
    "ShrinkingGradients", "ExpectedSmoothness", "ExactNoise", "PublishedBound", "CurrentRate", "Quadratic",
)  # fmt: skip
"""Laws that are asked for best rates; the annealing and multi-power laws have none for a constant rate."""
EVERY = {**LAWS, **CANDIDATES}
FINAL_ONLY = ("Quadratic",)
PUBLISHED = "MultiPower as published"
NUMBERS = {
    "25M": (3.04045406, 0.52468604, 0.50786857, 363.78751622, 2.06560812, 0.58279013, 0.64142257),
    "100M": (2.6514477, 0.60115152, 0.45295811, 437.9464276, 2.13245612, 0.59785199, 0.65523644),
    "400M": (2.37474466, 0.65421216, 0.42878731, 523.42464371, 2.02462735, 0.59350493, 0.63472457),
}
"""L0, A, a, B, C, beta, gamma of the multi-power law, as its authors fitted them to the three curves of their split (their
repository's ``logs``); on the authors' split only, beside the law as it is fitted here."""
DEFAULT_LAW = "ShrinkingGradients"
RESAMPLES = 10_000
DIGITS = 6


@dataclass(frozen=True)
class ForecastSweep:
    """Which laws and tasks ``sweep forecast`` computes.

    Args:
        laws: Names of laws.
        tasks: Names of tasks.
    """

    laws: tuple[str, ...] = (*EVERY, PUBLISHED)
    tasks: tuple[str, ...] = TASKS

    def __post_init__(self) -> None:
        for given, known in ((self.laws, (*EVERY, PUBLISHED)), (self.tasks, TASKS)):
            for name in given:
                if name not in known:
                    raise ValueError(f"{name!r} is not one of {', '.join(known)}.")


DEFAULT = ForecastSweep()
QUICK = ForecastSweep(laws=(DEFAULT_LAW, "ExactNoise", "CurrentRate"), tasks=("authors' split", "horizon"))


@dataclass(frozen=True)
class Cell:
    """One law on one task and data set.

    Args:
        law: Its name.
        task: One of :data:`TASKS`.
        data: A model's size, or ``124M``.
        sha256: Of the logs, so that other logs are other cells.
    """

    law: str
    task: str
    data: str
    sha256: str


def rates(schedule: str) -> np.ndarray:
    """The rates of a schedule of the multi-power law's logs, by its name there.

    Example:
        >>> [len(rates(name)) for name in ("cosine_24000", "wsdcon_9")], rates("wsdcon_9")[[0, 2160, 8000]].tolist()
        ([24000, 16000], [0.0, 0.0003, 9e-05])
    """
    kind, _, last = schedule.partition("_")
    warm = np.arange(WARMUP) / WARMUP * PEAK
    if kind == "wsdcon":
        after = np.r_[np.full(8_000 - WARMUP, PEAK), np.full(8_000, int(last) * 1e-5)]
    elif kind == "cosine":
        part = np.arange(int(last) - WARMUP) / (int(last) - WARMUP)
        after = END + (PEAK - END) * (1 + np.cos(np.pi * part)) / 2
    elif kind == "constant":
        after = np.full(int(last) - WARMUP, PEAK)
    else:
        start, end = map(int, last.split("_"))
        part = np.arange(end - start) / (end - start)
        cooled = PEAK + (END - PEAK) * part if kind == "wsdld" else PEAK ** (1 - part) * END**part
        after = np.r_[np.full(start - WARMUP, PEAK), cooled]
    return np.r_[warm, after]


def family(schedule: str) -> str:
    """The kind of a schedule of the multi-power law's logs.

    Example:
        >>> family("wsdld_20000_24000"), family("wsd_20000_24000"), family("wsdcon_3")
        ('decay at the end', 'decay at the end', 'drop')
    """
    kind = schedule.partition("_")[0]
    return {"wsd": "decay at the end", "wsdld": "decay at the end", "wsdcon": "drop"}.get(kind, kind)


@lru_cache(maxsize=4)
def curves_of_size(size: str, path: Path = MULTI_POWER) -> tuple[Curve, ...]:
    """The nine curves of a model, every second loss after the warm-up.

    Raises:
        FileNotFoundError: the logs are not there.
    """
    logs = pd.read_csv(path)
    found = []
    for name, rows in logs[logs["model"] == size].groupby("schedule", sort=False):
        steps = rates(str(name))
        rows = rows[(rows["step"] >= WARMUP) & (rows["step"] < len(steps))].iloc[::2]
        found.append(Curve(steps, rows["step"].to_numpy() + 1, rows["loss"].to_numpy(), name=str(name)))
    return tuple(found)


@lru_cache(maxsize=2)
def runs_of_rates(
    whole: bool, path: Path = LR_SCHEDULING, finals: Path = language_models.LOGS
) -> tuple[pd.DataFrame, tuple[Curve, ...]]:
    """The runs of many peak rates: their table (``schedule``, ``lr``, ``steps``) and their curves, whole or final losses."""
    if not whole:
        table = language_models.runs(finals)
        pieces: Any = ((row, [row.steps], [row.loss]) for row in table.itertuples())
    else:
        logs = pd.read_csv(path)
        logs = logs[logs["step"] >= FIRST]
        grouped = [rows for _, rows in logs.groupby("run", sort=False)]
        table = pd.DataFrame([rows.iloc[0][["schedule", "lr", "steps"]] for rows in grouped]).reset_index(drop=True)
        pieces = (
            (row, rows["step"].clip(upper=int(row.steps)), rows["loss"])  # pyright: ignore[reportArgumentType]
            for row, rows in zip(table.itertuples(), grouped)
        )
    found = []
    for row, at, losses in pieces:
        at, losses = np.asarray(at), np.asarray(losses)
        at, last = np.unique(at[::-1], return_index=True)  # in order, and of two losses at one step the later one
        losses = losses[::-1][last]
        steps = language_models.shape(row.schedule, int(row.steps)).steps(int(row.steps), float(row.lr))
        diverged = losses[-1] > language_models.DIVERGED
        if diverged:  # that it ended high is what it says; on the way it left the losses that laws describe
            at, losses = at[-1:], losses[-1:]
        found.append(Curve(steps, at, losses, diverged, f"{row.schedule}, {row.lr:g}, {row.steps}"))
    return table, tuple(found)


def folds(task: str, data: str) -> tuple[tuple[Curve, ...], list[tuple[np.ndarray, np.ndarray]]]:
    """The curves of a task, and which of them each fit takes and forecasts."""
    if task in ON_CURVES:
        curves = curves_of_size(data)
        names = np.array([curve.name for curve in curves])
        if task == "authors' split":
            taken = np.isin(names, FITTED)
            return curves, [(taken, ~taken)]
        groups = names if task == "curve" else np.array([family(name) for name in names])
        return curves, [(groups != group, groups == group) for group in dict.fromkeys(groups)]
    table, curves = runs_of_rates(task.startswith("whole"))
    longest = (table["steps"] == language_models.LONGEST).to_numpy()
    if task.endswith("horizon"):
        return curves, [(longest, ~longest)]
    groups = table["schedule" if task.endswith("schedule") else "lr"].to_numpy()
    return curves, [(longest & (groups != group), longest & (groups == group)) for group in dict.fromkeys(groups)]


def compute(cell: Cell) -> dict[str, list[Any]]:
    """The errors of a cell, with an entry for each forecast curve."""
    if cell.law == PUBLISHED:
        return _as_published(cell.data)
    law = EVERY[cell.law]
    if cell.task == "size":
        return _of_size(law, cell.data)
    if cell.task == BEST_RATE:
        return _best_rates(law)
    curves, parts = folds(cell.task, cell.data)
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
    longest = table[(table["steps"] == language_models.LONGEST) & ~table["diverged"]]
    own = language_models.fit("quadratic per schedule", longest)
    found: dict[str, list[Any]] = {name: [] for name in ("curve", "best_lr", "low", "high", "measured")}
    for schedule in dict.fromkeys(longest["schedule"]):
        forecast = fit([curves[i] for i in longest.index[longest["schedule"] != schedule]], law, workers=1)
        rate = forecast.best_lr(language_models.shape(str(schedule), language_models.LONGEST), language_models.LONGEST)
        measured = own.best_lr(str(schedule), language_models.LONGEST)
        for name, value in zip(found, (schedule, rate.value, rate.low, rate.high, measured)):
            found[name].append(value if name == "curve" else float(f"{value:.{DIGITS}g}"))
    return found


def cells(sweep: ForecastSweep) -> list[Cell]:
    """The cells of the sweep, a law, a task and a data set each.

    Raises:
        FileNotFoundError: the logs are not there.
    """
    digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in (MULTI_POWER, LR_SCHEDULING)]
    found = []
    for task, law in product(sweep.tasks, sweep.laws):
        if law in FINAL_ONLY and (task in ON_CURVES or task.startswith("whole")):
            continue
        if (task == BEST_RATE and law not in WITH_BEST_RATES) or (law == PUBLISHED and task != "authors' split"):
            continue
        for data in SIZES if task in ON_CURVES else ("124M",):
            found.append(Cell(law, task, data, digests[task not in ON_CURVES]))
    return found


def table(sweep: ForecastSweep, store: Store, workers: Workers = None) -> pd.DataFrame:
    """One row for each law, task, data set and forecast curve: ``rms`` over its losses, and ``final_error``, in nats.

    ``numbers`` is how many numbers the law fits. The task ``best rate`` has ``best_lr`` with the interval ``low`` to ``high``,
    and ``measured``, for each schedule instead.

    Raises:
        FileNotFoundError: the logs are not there.
    """
    wanted, parts = cells(sweep), []
    for cell, result in zip(wanted, execute(compute, wanted, store, workers=workers)):
        numbers = EVERY.get(cell.law, EVERY["MultiPower"]).numbers
        parts.append(
            pd.DataFrame({"law": cell.law, "numbers": numbers, "task": cell.task, "data": cell.data, **result})
        )
    return pd.concat(parts, ignore_index=True)


def error(frame: pd.DataFrame, law: str, task: str, data: str | None = None, *, less: str | None = None) -> Estimate:
    """The mean over curves of a law's root mean squared error, with a 95 % interval by resampling curves.

    Args:
        frame: As from :func:`table`.
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
    draws = np.random.default_rng(0).integers(values.size, size=(RESAMPLES, values.size))
    return Estimate(float(values.mean()), *(float(end) for end in np.quantile(values[draws].mean(1), [0.025, 0.975])))


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


def holm(values: np.ndarray) -> np.ndarray:
    """Probabilities adjusted for as many comparisons, by Holm's steps.

    Example:
        >>> holm(np.array([0.01, 0.04, 0.03])).round(2).tolist()
        [0.03, 0.06, 0.06]
    """
    order = np.argsort(values)
    stepped = np.maximum.accumulate((values.size - np.arange(values.size)) * values[order])
    adjusted = np.empty_like(stepped)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


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
        tasks = [task for task in dict.fromkeys(frame["task"]) if task != BEST_RATE]
        less = {task: error(frame, law, task, less=DEFAULT_LAW).value for task in tasks}
        rows.append(
            {"candidate": law, "better on": sum(value < 0 for value in less.values()), "tasks": len(tasks), **less}
        )
    return pd.DataFrame(rows)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The terminal table: mean errors with their intervals, and against the default law with Holm's adjustment per task."""
    rows = []
    for task in dict.fromkeys(frame[frame["task"] != BEST_RATE]["task"]):
        laws = list(dict.fromkeys(frame[frame["task"] == task]["law"]))
        others = [law for law in laws if law != DEFAULT_LAW and DEFAULT_LAW in laws]
        adjusted = dict(zip(others, holm(np.array([difference(frame, law, task) for law in others]))))
        for law in sorted(laws, key=lambda law: error(frame, law, task).value):
            numbers = int(frame[frame["law"] == law]["numbers"].iloc[0])
            row = {"task": task, "law": law, "numbers": numbers, "rms": f"{error(frame, law, task):.4f}"}
            row["less default's"] = f"{error(frame, law, task, less=DEFAULT_LAW):.4f}" if law in adjusted else "-"
            rows.append(row | {"p (Holm)": f"{adjusted[law]:.2g}" if law in adjusted else "-"})
    return pd.DataFrame(rows)
