"""What a point of a grid loses against the tuned rate: the smallest of one curve per restart, and the rates that it serves.

:mod:`lrtheory.theory.grid_planning` lays grids by it.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lrtheory.checks import checked_steps
from lrtheory.schedules.schedule import Schedule
from lrtheory.theory.even_covering import even_covering
from lrtheory.theory.functionals import anneals, functionals
from lrtheory.theory.last_iterate import restarts
from lrtheory.theory.misspecification import law

MOST_COMBINED = 2_000
"""Points times intervals that each serves, up to which intervals are combined; a plan of more takes the widest alone."""


@dataclass(frozen=True, eq=False)
class RestartCurve:
    r"""The factor lost, :math:`\phi(\rho)=\min_k(a_k/\rho+b_k\rho)`, and the tuned loss over :math:`DG/\sqrt T`."""

    bias: np.ndarray
    noise: np.ndarray
    tuned_loss: float

    def factor(self, rho: float) -> float:
        """The factor lost at one ``rho``."""
        return float(np.min(self.bias / rho + self.noise * rho))

    def served(self, tolerance: float) -> np.ndarray:
        """The disjoint intervals of ``rho`` on which at most the tolerance is lost, rising, shape ``(intervals, 2)``."""
        discriminant = tolerance**2 - 4 * self.bias * self.noise
        # The tuned restart has a b = 1/4, which rounding may put above it.
        serving = discriminant >= -1e-12
        root = tolerance + np.sqrt(np.maximum(discriminant[serving], 0))
        lower, upper = 2 * self.bias[serving] / root, root / (2 * self.noise[serving])
        order = np.argsort(lower, kind="stable")
        lower, reached = lower[order], np.maximum.accumulate(upper[order])
        starts = np.flatnonzero(np.concatenate([[True], lower[1:] > reached[:-1]]))
        return np.column_stack([lower[starts], np.append(reached[starts[1:] - 1], reached[-1])])

    def placed(self, tolerance: float, ends: float, count: int) -> tuple[float, float] | None:
        """The ratio of that many points that serve a range, and the first over its lower end; none where none do.

        Args:
            tolerance: What may be lost.
            ends: The ratio of the ends of the range.
            count: The number of points.
        """
        served, ratio = self.served(tolerance), ends ** (1 / count)
        below, above = widest(served)
        if above / below >= ratio:
            return ratio, above
        if len(served) == 1 or count == 1 or count * len(served) > MOST_COMBINED:
            return None
        # A point x serves the tuned rates x / rho: the intervals the other way round.
        found = even_covering(-np.log(served[::-1, ::-1]), count, math.log(ends))
        return None if found is None else (math.exp(found[0]), math.exp(-found[1]))

    def fewest(self, tolerance: float, ends: float, enough: int) -> int:
        """The smallest number of points that serve a range; ``enough`` is one that does."""
        served = self.served(tolerance)
        low = math.ceil(math.log(ends) * (1 - 1e-12) / float(np.log(served[:, 1] / served[:, 0]).sum())) - 1
        high = enough
        while len(served) > 1 and high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if self.placed(tolerance, ends, middle) else (middle, high)
        return high

    def level(self, ends: float, count: int) -> float:
        """The smallest loss at which that many points serve a range, from above."""
        ratio = ends ** (1 / count)
        low, high = 1.0, (math.sqrt(ratio) + 1 / math.sqrt(ratio)) / 2  # without annealing it is the upper one
        while high - low > max(1e-9, 1e-15 * high):  # neighbouring floats are further apart beyond a million
            middle = (low + high) / 2
            low, high = (low, middle) if self.placed(middle, ends, count) else (middle, high)
        return high


def widest(served: np.ndarray) -> tuple[float, float]:
    """The ends of the interval whose ends have the largest ratio."""
    below, above = served[int(np.argmax(served[:, 1] / served[:, 0]))]
    return float(below), float(above)


@lru_cache(maxsize=256)
def restart_curve(schedule: Schedule, horizon: int | None) -> RestartCurve:
    """The restarts of a schedule, in units of its tuned rate and its tuned loss."""
    if horizon is None:
        if not anneals(schedule):
            return RestartCurve(np.array([0.5]), np.array([0.5]), math.inf)
        table = functionals(schedule)
        bias = table.tuned_H / np.exp(table.log_H(table.grid)) / 2
        noise = np.exp(table.log_Q(table.grid)) / table.tuned_Q / 2
        return RestartCurve(np.append(bias, 0.5), np.append(noise, 0.5), law(schedule).tuned_loss)

    squares, excess = (values[:-1] for values in restarts(checked_steps(schedule.steps(horizon))))
    best = int(np.argmin(excess / squares))
    return RestartCurve(
        squares[best] / squares / 2, excess / excess[best] / 2, math.sqrt(horizon * excess[best] / squares[best])
    )
