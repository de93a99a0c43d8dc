"""One cell of the convex sweeps: one schedule, one misspecification, four answers."""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Any

from lrtheory.runs import Cell
from lrtheory.schedules import WSD, Constant, Cosine, InverseSqrt, Polynomial, Robust, Schedule
from lrtheory.simulation import VERSION, AbsoluteValue, simulate, worst_eps
from lrtheory.theory.last_iterate import tuned_lr, worst_case
from lrtheory.theory.misspecification import degradation, reciprocal

SCHEDULES: tuple[Schedule, ...] = (
    Constant(), InverseSqrt(), Polynomial(1), Polynomial(2), Polynomial(3), Cosine(), WSD(0.2), Robust(16),
)  # fmt: skip
"""The schedules of the default sweeps: the two that do not anneal, and six that do."""


THEORY = 2
"""The version of what is not simulated: raised when the law or the slope of a cell becomes another number."""


@dataclass(frozen=True)
class Misspecified(Cell):
    """SGD on a domain of diameter 1 with gradients bounded by 1, at ``rho`` times the tuned rate.

    Args:
        schedule: The shape.
        rho: The rate over the tuned rate of the worst case.
        horizon: The number of steps.
        replicas: Runs of the simulation.
        seed: The seed of the simulation.
        simulator: The version of the simulator, which belongs to its results.
        theory: The version of the law and of the choice of the slope, likewise.
    """

    schedule: Schedule
    rho: float
    horizon: int
    replicas: int
    seed: int
    simulator: int = VERSION
    theory: int = THEORY

    def compute(self) -> dict[str, Any]:
        r"""The law, the worst case, and the worst member of the one-dimensional family, expected and simulated.

        Losses are in units of :math:`DG/\sqrt T`; the law is a factor over the tuned rate.
        """
        schedule, lr = self.schedule, self.rho * _tuned(self.schedule, self.horizon)
        eps, expected = worst_eps(schedule, horizon=self.horizon, lr=lr)
        runs = simulate(
            AbsoluteValue(eps), schedule, horizon=self.horizon, lr=lr, replicas=self.replicas, seed=self.seed, averaged=False,
            threads=1,
        ).iloc[0]  # fmt: skip
        unit = math.sqrt(self.horizon)
        return {
            "lr": lr,
            "law": degradation(schedule, self.rho),
            "worst_case": float(worst_case(schedule, horizon=self.horizon, lr=lr, diameter=1.0)) * unit,
            "eps": eps,
            "expected": expected * unit,
            "simulated": float(runs["last"]) * unit,
            "standard_error": float(runs["last_standard_error"]) * unit,
        }


@lru_cache(maxsize=256)
def _tuned(schedule: Schedule, horizon: int) -> float:
    return tuned_lr(schedule, horizon, diameter=1.0)


def shown_exponent(degree: float) -> str:
    """The exponent of ``rho`` that a degree predicts, as a fraction where it is one.

    Example:
        >>> shown_exponent(1.0), shown_exponent(0.5), shown_exponent(0.0)
        ('1/3', '1/2', '1')
    """
    return str(reciprocal(2 * max(Fraction(degree).limit_denominator(1000), 0) + 1))
