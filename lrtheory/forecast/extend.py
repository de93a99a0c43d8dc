r"""A run goes on: what to do with the steps that were added.

**Theorem.** After any first steps, and for any loss :math:`b(S)+Be_1` with a bias that does not rise with the summed rate
:math:`S`, the best way to spend ``n`` more steps is linear decay to zero, :math:`\eta_{t+j}=r\,(n+1-j)/n`, with one rate
:math:`r` to choose.

**Proof.** In the notation of :mod:`lrtheory.forecast.linear_decay`, let :math:`A` be the state before the added steps. The
noise of the first steps depends on :math:`A` only. The added steps have noise :math:`\sum_{j\le n+1}b_j^2` with
:math:`\sum b_j=A` and sum of rates :math:`\tfrac12(A^2-\sum b_j^2)`. Equal :math:`b_j` make the first smallest and the
second largest, and they are linear decay. ∎

The first steps may also be cut: a run that kept a checkpoint at step ``k`` can *branch* there and spend the same number of
new steps on linear decay, so that what came after ``k`` is thrown away. The price of not having known is the worst case over
that of linear decay with the best rate over all :math:`T` steps, :math:`1/\sqrt{T+1}`.

**Status.** *Proved* for the worst case from a known distance (here :math:`b=R^2/2s_1`, which falls as :math:`S` grows), and
for forecasts with constant gradients; the minimum over rates and checkpoints is *verified* by search.

**Source.** Here. Two stages of language-model runs with a second rate from the published bound: Schaipp et al., arXiv
2501.18965.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar

from lrtheory.checks import checked_horizon
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.theory.last_iterate import restarts, tuned_lr

BRANCHES = 24
"""Checkpoints that are tried, spread evenly over the first run."""


@dataclass(frozen=True)
class Stage:
    """A second stage: linear decay to zero from a checkpoint of the first run.

    Args:
        kept: Steps of the first run that are kept.
        rate: The first rate of the second stage, over the base rate of the first run.
        price: The worst case over that of a run that knew its horizon.
    """

    kept: int
    rate: float
    price: float


@dataclass(frozen=True)
class Extension:
    """What to do when a run goes on.

    Args:
        schedule: Of the first run.
        done: Its steps.
        horizon: The steps of the first run and the new ones.
        go_on: The best second stage after all of the first run.
        branch: The best one from an earlier checkpoint.
    """

    schedule: Schedule
    done: int
    horizon: int
    go_on: Stage
    branch: Stage

    def steps(self, stage: Stage, lr: float = 1.0) -> np.ndarray:
        """The rates of the steps that are kept and of the new ones.

        Args:
            stage: One of the two.
            lr: The base rate of the first run.
        """
        return lr * _joined(self.schedule.steps(self.done)[: stage.kept], self.horizon - self.done, stage.rate)


def extend(schedule: Schedule, done: int, horizon: int) -> Extension:
    """The best second stage when a run of ``done`` steps goes on to ``horizon``, and the price of not having known.

    Args:
        schedule: Of the first run, whose base rate was tuned for ``done`` steps.
        done: Steps of the first run.
        horizon: More than ``done``: there are ``horizon - done`` new steps, whichever checkpoint they start from.

    Returns:
        Two second stages, each linear decay to zero: after all steps, and from the best checkpoint.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: ``horizon`` is not above ``done``.

    Example:
        A run under cosine decay is doubled. Its second stage starts at 0.42 of the first one's base rate, and costs 8 %:

        >>> from lrtheory import Cosine
        >>> plan = extend(Cosine(), 500, 1000)
        >>> plan.go_on.kept, round(plan.go_on.rate, 2), round(plan.go_on.price, 2)
        (500, 0.42, 1.08)

        From a checkpoint it is not cheaper, unless the run becomes many times longer:

        >>> plan.branch == plan.go_on, extend(Cosine(), 500, 10_000).branch.kept
        (True, 21)

    Source:
        Proved here: see the module.
    """
    checked_schedule("schedule", schedule)
    done, horizon = checked_horizon(done), checked_horizon(horizon)
    if horizon <= done:
        raise ValueError(f"horizon must be above the {done} steps that are done, not {horizon}.")
    first = schedule.steps(done)
    tuned = tuned_lr(schedule, done, distance=1.0)
    kept = sorted({round(part * done) for part in np.linspace(0, 1, BRANCHES + 1)[1:]})
    stages = [_stage(first[:k], horizon - done, tuned, horizon) for k in kept]
    return Extension(schedule, done, horizon, stages[-1], min(stages, key=lambda stage: stage.price))


def _joined(first: np.ndarray, added: int, rate: float) -> np.ndarray:
    return np.concatenate([first, rate * (1 - np.arange(added) / added)])


def _stage(first: np.ndarray, added: int, lr: float, horizon: int) -> Stage:
    def worst(log_rate: float) -> float:
        steps = lr * _joined(first, added, math.exp(log_rate))
        squares, excess = restarts(steps[steps > 0])
        s = max(squares[0], 1.0)
        return float(1 / (2 * s) + (excess[0] + s - squares[0]) / 2)

    grid = np.linspace(-8, 4, 25)
    best = int(np.argmin([worst(log_rate) for log_rate in grid]))
    around = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
    found: Any = minimize_scalar(worst, bounds=around, method="bounded")
    return Stage(first.size, math.exp(found.x), float(found.fun) * math.sqrt(horizon + 1))
