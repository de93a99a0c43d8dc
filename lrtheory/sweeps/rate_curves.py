"""What the loss against the rate says of one schedule on one task: its best rate, right branch, slope and margin."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lrtheory.estimate import Estimate
from lrtheory.schedules import parse
from lrtheory.statistics import fit_slope
from lrtheory.theory.last_iterate import tuned_lr, worst_case

BRANCH = 2.0
"""The right branch begins at this ``rho``."""
TOLERATED = 0.1
"""The part of what training can gain that may be lost within the margin."""


@dataclass(frozen=True)
class Curve:
    """One schedule on one task with one optimizer.

    Args:
        lrs: Rates, rising.
        excess: Excess losses, shape ``(rates, seeds)``, infinite where a run diverged.
        limit: The excess loss before training.
        horizon: The number of steps.
    """

    lrs: np.ndarray
    excess: np.ndarray
    limit: float
    horizon: int

    @property
    def mean(self) -> np.ndarray:
        """The mean excess loss at each rate."""
        return self.excess.mean(1)

    @property
    def best(self) -> int:
        """The place of the rate with the smallest mean excess loss."""
        return int(np.argmin(self.mean))

    @property
    def rho(self) -> np.ndarray:
        """The rates over the best one."""
        return self.lrs / self.lrs[self.best]

    @property
    def branch(self) -> slice:
        """The right branch: from twice the best rate up to the last before the loss is what it was before training."""
        begin = int(np.searchsorted(self.rho, BRANCH))
        above = np.flatnonzero(self.mean[begin:] >= self.limit)
        return slice(begin, begin + int(above[0]) if len(above) else len(self.lrs))

    def of(self, seeds: np.ndarray) -> "Curve":
        """The curve of some of its runs, repetitions allowed."""
        return Curve(self.lrs, self.excess[:, seeds], self.limit, self.horizon)


def curves(frame: pd.DataFrame) -> dict[tuple[str, str, str], Curve]:
    """The curves of a table, by task, optimizer and schedule."""
    found = {}
    for (task, optimizer, schedule), group in frame.groupby(["task", "optimizer", "schedule"], sort=False):
        found[str(task), str(optimizer), str(schedule)] = curve_of(group, "lr")
    return found


def curve_of(rows: pd.DataFrame, asked: str) -> Curve:
    """The curve of the rows of one task and method, against the column of what was asked for, such as the rate."""
    first = rows.iloc[0]
    losses = final_losses(rows).fillna(np.inf).to_numpy()
    limit = float(first["before"] - first["best_known"])
    return Curve(rows[asked].to_numpy(), losses - first["best_known"], limit, int(first["horizon"]))


def with_best_known(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with the smallest loss of all of a task's runs as its best known one, where that is smaller."""
    smallest = final_losses(frame).min(axis=1).groupby(frame["task"]).transform("min")
    return frame.assign(best_known=np.fmin(frame["best_known"], smallest))


def slope(curve: Curve) -> Estimate | None:
    """The power of ``rho`` that the mean excess loss grows with on the right branch; None on fewer than three rates."""
    mean, branch = curve.mean, curve.branch
    if branch.stop - branch.start < 3:
        return None
    error = curve.excess[branch].std(axis=1, ddof=1) / curve.excess.shape[1] ** 0.5
    return fit_slope(curve.rho[branch], mean[branch], error)


def predicted_slope(schedule: str, curve: Curve, length: str) -> Estimate | None:
    """The same slope of the worst case, over the same ``rho`` and horizon.

    Args:
        schedule: Its name.
        curve: Whose right branch is taken.
        length: ``"diameter"``, which may forgive, or ``"distance"``, which may not.
    """
    rho = curve.rho[curve.branch]
    if len(rho) < 3:
        return None
    shape = parse(schedule)
    lengths: dict[str, Any] = {length: 1.0}
    lrs = rho * tuned_lr(shape, curve.horizon, **lengths)
    return fit_slope(rho, worst_case(shape, horizon=curve.horizon, lr=lrs, **lengths))


def exponent(curve: Curve) -> float:
    """The slope of :func:`slope` without its interval; NaN on fewer than three rates."""
    branch = curve.branch
    if branch.stop - branch.start < 3:
        return np.nan
    return float(np.polyfit(np.log(curve.rho[branch]), np.log(curve.mean[branch]), 1)[0])


def margin(curve: Curve) -> float:
    """How many times the best rate costs a tenth of what training can gain, between rates on a straight line.

    A run that ends above the loss before training, or diverges, counts as untrained. Where no rate costs so much it is the
    largest rate over the best.
    """
    mean = np.minimum(curve.excess, curve.limit).mean(1)
    best = int(np.argmin(mean))
    lost, rho = (mean[best:] - mean[best]) / curve.limit, curve.lrs[best:] / curve.lrs[best]
    over = np.flatnonzero(lost > TOLERATED)
    if not len(over):
        return float(rho[-1])
    last = int(over[0])
    return float(np.exp(np.interp(TOLERATED, lost[last - 1 : last + 1], np.log(rho[last - 1 : last + 1]))))


def final_losses(frame: pd.DataFrame) -> pd.DataFrame:
    """The final training losses, one column per seed."""
    return frame[[column for column in frame.columns if column.startswith("train_loss_")]]
