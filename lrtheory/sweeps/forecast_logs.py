"""Public logs of whole loss curves, and which of them each task of :mod:`lrtheory.sweeps.forecast` fits and forecasts."""

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrtheory.forecast import Curve
from lrtheory.runs.tables import committed
from lrtheory.schedules import Constant, Polynomial
from lrtheory.sweeps.loss_models import DIVERGED, LOGS, LONGEST, runs, shape
from lrtheory.sweeps.wrong_rates import grids

MULTI_POWER = "forecast_multi_power.csv"
LR_SCHEDULING = "forecast_lr_scheduling.csv"
WRONG_RATES = "wrong_rates.csv"
"""Names of the tables of logs that come with the package."""
SIZES = ("25M", "100M", "400M")
FITTED = ("cosine_24000", "constant_24000", "wsdcon_9")
PEAK, END, WARMUP = 3e-4, 3e-5, 2_160
"""Peak and final rate, and steps of warm-up, of the multi-power law's runs."""
EARLY = 8_000
FIRST = 2_000
"""Whole curves of the 124-million-parameter models are taken from this step on, as the others are after their warm-up."""
ON_CURVES = ("authors' split", "curve", "family", "size")
ON_RATES = ("schedule", "rate", "horizon", "whole schedule", "whole rate", "whole horizon")
ON_ONE_SHAPE = {"rate, Marin": ("marin", Polynomial(1), 4), "rate, DeepOBS": ("deepobs", Constant(), 8)}
"""Sources of final losses over rates under one schedule: their name among wrong rates, the schedule, and the least number of
rates of a grid, so that fits have no fewer losses than the laws that take part have numbers."""
NOMINAL = 1_000
"""Steps of these runs as laws see them: under one schedule of one length any number of steps is a matter of units."""
BEST_RATE = "best rate"
TASKS = (*ON_CURVES, *ON_RATES, *ON_ONE_SHAPE, BEST_RATE)


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
def curves_of_size(size: str, path: Path | None = None) -> tuple[Curve, ...]:
    """The nine curves of a model, every second loss after the warm-up.

    Raises:
        FileNotFoundError: the logs are not there.
    """
    logs = pd.read_csv(path or committed() / MULTI_POWER)
    found = []
    for name, rows in logs[logs["model"] == size].groupby("schedule", sort=False):
        steps = rates(str(name))
        rows = rows[(rows["step"] >= WARMUP) & (rows["step"] < len(steps))].iloc[::2]
        found.append(Curve(steps, rows["step"].to_numpy() + 1, rows["loss"].to_numpy(), name=str(name)))
    return tuple(found)


@lru_cache(maxsize=2)
def runs_of_rates(whole: bool) -> tuple[pd.DataFrame, tuple[Curve, ...]]:
    """The runs of many peak rates: their table (``schedule``, ``lr``, ``steps``) and their curves, whole or final losses."""
    if not whole:
        table = runs(LOGS)
        pieces: Any = ((row, [row.steps], [row.loss]) for row in table.itertuples())
    else:
        logs = pd.read_csv(committed() / LR_SCHEDULING)
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
        steps = shape(row.schedule, int(row.steps)).steps(int(row.steps), float(row.lr))
        diverged = losses[-1] > DIVERGED
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
    longest = (table["steps"] == LONGEST).to_numpy()
    if task.endswith("horizon"):
        return curves, [(longest, ~longest)]
    groups = table["schedule" if task.endswith("schedule") else "lr"].to_numpy()
    return curves, [(longest & (groups != group), longest & (groups == group)) for group in dict.fromkeys(groups)]


@lru_cache(maxsize=2)
def grids_of_rates(task: str) -> tuple[tuple[Curve, ...], ...]:
    """The final losses of each grid of a source of :data:`ON_ONE_SHAPE` over its rates, runs that are lost left out.

    Losses are stated above the best one: for Marin in nats, for DeepOBS, whose problems have losses of their own, as parts of the
    gain of the best run.
    """
    source, schedule, least = ON_ONE_SHAPE[task]
    found = []
    frame = pd.read_csv(committed() / WRONG_RATES)
    for grid in grids(frame[frame["source"] == source]):
        kept = ~grid.lost & np.isfinite(grid.excess)
        losses = grid.excess if source == "marin" else grid.fraction
        name = " ".join(grid.name[1:3])
        if kept.sum() >= least:
            found.append(
                tuple(
                    Curve(
                        schedule.steps(NOMINAL, float(lr)),
                        np.array([NOMINAL]),
                        np.array([loss]),
                        name=f"{name}, {lr:g}",
                    )
                    for lr, loss in zip(grid.lrs[kept], losses[kept])
                )
            )
    return tuple(found)
