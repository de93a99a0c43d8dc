"""One cell of the convex sweeps: one schedule, one misspecification, four answers."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lrtheory.schedules import parse
from lrtheory.simulation import VERSION, AbsoluteValue, simulate, worst_eps
from lrtheory.theory.misspecification import degradation
from lrtheory.theory.worst_case import tuned_lr, worst_case_curve

SCHEDULES = (
    "Constant()", "InverseSqrt()", "Polynomial(1)", "Polynomial(2)", "Polynomial(3)", "Cosine()", "WSD(0.2)",
    "Robust(16)",
)  # fmt: skip
"""The schedules of the default sweeps: the two that do not anneal, and six that do."""


THEORY = 2
"""The version of what is not simulated: raised when the law or the slope of a cell becomes another number."""


@dataclass(frozen=True)
class Misspecified:
    """SGD on a domain of diameter 1 with gradients bounded by 1, at ``rho`` times the tuned rate.

    Args:
        schedule: Its name, as it prints itself.
        formula: What the name stands for: a cell of another definition is another cell.
        rho: The rate over the tuned rate of the worst case.
        horizon: Number of steps.
        replicas: Runs of the simulation.
        seed: Of the simulation.
        simulator: The version of the simulator, which belongs to its results.
        theory: The version of the law and of the choice of the slope, likewise.
    """

    schedule: str
    formula: str
    rho: float
    horizon: int
    replicas: int
    seed: int
    simulator: int = VERSION
    theory: int = THEORY


def compute(cell: Misspecified) -> dict[str, Any]:
    r"""The law, the worst case, and the worst member of the one-dimensional family, expected and simulated.

    Losses are in units of :math:`DG/\sqrt T`; the law is a factor over the tuned rate.
    """
    schedule = parse(cell.schedule)
    lr = cell.rho * _tuned(cell.schedule, cell.horizon)
    eps, expected = worst_eps(schedule, horizon=cell.horizon, lr=lr)
    runs = simulate(
        AbsoluteValue(eps), schedule, horizon=cell.horizon, lr=lr, replicas=cell.replicas, seed=cell.seed, averaged=False,
        threads=1,
    ).iloc[0]  # fmt: skip
    unit = math.sqrt(cell.horizon)
    return {
        "lr": lr,
        "law": float(degradation(schedule, cell.rho)),
        "worst_case": float(worst_case_curve(schedule, cell.horizon, lr, diameter=1.0)) * unit,
        "eps": eps,
        "expected": expected * unit,
        "simulated": float(runs["last"]) * unit,
        "standard_error": float(runs["last_standard_error"]) * unit,
    }


@lru_cache(maxsize=256)
def _tuned(schedule: str, horizon: int) -> float:
    return tuned_lr(parse(schedule), horizon, diameter=1.0)
