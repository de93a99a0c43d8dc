r"""How tight is the bound? The worst case beside semidefinite programs, and the published bound beside both.

Short runs are judged by semidefinite programs, which search over all functions and subgradients at once; long runs show
what the published bound loses, a factor of 2 in the limit for every schedule that decays to zero.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import pandas as pd

from lrtheory.checks import checked_horizon
from lrtheory.runs import Cell, Compute, Experiment
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial, Schedule
from lrtheory.schedules.schedule import checked_schedule
from lrtheory.sweeps.checks import check_horizon, check_rhos, check_unique
from lrtheory.theory.certificates import LONGEST, certify_worst_case
from lrtheory.theory.last_iterate import tuned_lr, worst_case
from lrtheory.theory.published_bounds import published_bound

LENGTHS = ("distance", "diameter")
DIGITS = 10
"""Significant digits that are kept of a program's value, beyond what its solver is accurate to."""


@dataclass(frozen=True)
class TightnessCell(Cell):
    """The bounds of one schedule at ``rho`` times its tuned rate, with lengths and gradients bounded by 1.

    Args:
        schedule: The shape.
        horizon: The number of steps.
        rho: The rate over the tuned one.
        length: What is known: ``distance`` to a minimiser, or ``diameter`` of the domain.
        certified: Whether a semidefinite program judges.
    """

    schedule: Schedule
    horizon: int
    rho: float
    length: str
    certified: bool

    def compute(self) -> dict[str, Any]:
        r"""The bounds, in units of the length times :math:`G`.

        ``program`` and ``accuracy``, how much it may be off, are None where none judges.
        """
        schedule = self.schedule
        length: dict[str, Any] = {self.length: 1.0}
        lr = self.rho * tuned_lr(schedule, self.horizon, **length)
        steps = schedule.steps(self.horizon, lr=lr)
        program = accuracy = None
        if self.certified:
            certificate = certify_worst_case(steps, **length)
            program = float(f"{certificate.computed:.{DIGITS}g}")
            accuracy = float(f"{certificate.accuracy:.1e}")
        return {
            "lr": lr,
            "exact": worst_case(steps, **length),
            "program": program,
            "accuracy": accuracy,
            "published": published_bound(steps, distance=1.0).total,
        }


@final
@dataclass(frozen=True)
class Tightness(Experiment):
    """Which cells ``sweep tightness`` computes.

    Args:
        schedules: The shapes.
        certified: The horizons that semidefinite programs judge, at most 20 steps.
        rhos: The misspecifications of the certified runs, from 1e-12 to 1e12.
        horizons: The horizons at which the published bound is compared, at the tuned rate.
    """

    needs: ClassVar = {"PEPit": "certificates"}

    schedules: tuple[Schedule, ...] = (Constant(), Polynomial(1), Polynomial(3), Cosine(), WSD(0.2))
    certified: tuple[int, ...] = (4, 12)
    rhos: tuple[float, ...] = tuple(2.0 ** (k / 2) for k in range(-4, 11))
    horizons: tuple[int, ...] = (10, 30, 100, 1_000, 10_000, 100_000, 1_000_000)

    def __post_init__(self) -> None:
        for schedule in self.schedules:
            checked_schedule("a schedule of the sweep", schedule)
        for name in ("schedules", "certified", "horizons"):
            check_unique(name, getattr(self, name))
        for horizon in self.certified:
            if checked_horizon(horizon) > LONGEST:
                raise ValueError(f"a program has at most {LONGEST} steps, not {horizon}.")
        for horizon in self.horizons:
            check_horizon(horizon)
        check_rhos(self.rhos)

    @classmethod
    def quick(cls) -> Self:
        """Two schedules, and few programs."""
        return cls(schedules=(Constant(), Polynomial(1)), certified=(4,), rhos=(1.0, 8.0), horizons=(10, 1_000))

    def cells(self) -> list[TightnessCell]:
        """The cells: short runs with programs, then long ones without."""
        return [
            *(
                TightnessCell(schedule, horizon, rho, length, certified=True)
                for schedule in self.schedules
                for horizon in self.certified
                for length in LENGTHS
                for rho in self.rhos
            ),
            *(
                TightnessCell(schedule, horizon, 1.0, "distance", certified=False)
                for schedule in self.schedules
                for horizon in self.horizons
            ),
        ]

    def run(self, compute: Compute) -> pd.DataFrame:
        r"""One row per cell: ``exact``, ``program``, its ``accuracy`` and ``published`` in units of the length times :math:`G`.

        The published bound knows a distance only; on a domain of diameter :math:`D` it is taken at :math:`R=D`.
        """
        wanted = self.cells()
        rows = []
        for cell, result in zip(wanted, compute(wanted)):
            names = {"schedule": repr(cell.schedule), "length": cell.length, "horizon": cell.horizon, "rho": cell.rho}
            rows.append({**names, **result})
        return pd.DataFrame(rows).astype({"program": float, "accuracy": float})

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """How far the worst case lies above the programs at most, and the published bound above it.

        Where the worst case is exact the excess is the solver's error, and its sign is chance.
        """
        rows = []
        for name, group in frame.groupby("schedule", sort=False):
            judged = group[group["program"].notna()]
            gaps = (judged["exact"] / judged["program"] - 1).groupby(judged["length"]).max()
            longest = group[group["program"].isna()].sort_values("horizon").iloc[-1]
            rows.append(
                {
                    "schedule": name,
                    "programs": len(judged),
                    **{f"over program, {length}": f"{gaps[length]:.1e}" for length in LENGTHS},
                    f"published over exact, T={longest['horizon']:g}": f"{longest['published'] / longest['exact']:.4f}",
                }
            )
        return pd.DataFrame(rows)
