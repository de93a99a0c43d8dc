"""What length changes: the rate at the tuned step, and the exponent of ``rho``, against the horizon."""

from dataclasses import dataclass
from itertools import product
from typing import Self, final

import numpy as np
import pandas as pd

from lrtheory.runs import Cell, Compute, Experiment
from lrtheory.schedules import Schedule, parse
from lrtheory.statistics import fit_slope
from lrtheory.sweeps.checks import check_horizon, check_replicas, check_schedules, check_seed, check_unique
from lrtheory.sweeps.misspecified import SCHEDULES, Misspecified
from lrtheory.theory.averaged import averaged_bound
from lrtheory.theory.last_iterate import tuned_lr, worst_case
from lrtheory.theory.misspecification import rho_exponent

RHOS = np.array([16.0, 32.0, 64.0, 128.0, 256.0])
"""The misspecifications that the exponents are fitted to."""


@dataclass(frozen=True)
class Exponents(Cell):
    """The exponents of ``rho`` of one schedule at one horizon.

    Args:
        schedule: The shape.
        horizon: The number of steps.
    """

    schedule: Schedule
    horizon: int

    def compute(self) -> dict[str, float]:
        """The fitted exponent of the worst case of the last iterate, and of the bound for the averaged iterate."""
        tuned = tuned_lr(self.schedule, self.horizon, diameter=1.0)
        last = fit_slope(RHOS, worst_case(self.schedule, horizon=self.horizon, lr=RHOS * tuned, diameter=1.0))
        steps = self.schedule.steps(self.horizon)
        tuned_average = float(np.sum(steps**2)) ** -0.5
        averaged = fit_slope(RHOS, [averaged_bound(steps * rho * tuned_average, distance=1.0) for rho in RHOS])
        return {
            "rho_exponent": last.value, "low": last.low, "high": last.high, "averaged_rho_exponent": averaged.value,
        }  # fmt: skip


@final
@dataclass(frozen=True)
class Horizon(Experiment):
    """Which cells ``sweep horizon`` computes.

    Args:
        schedules: The shapes.
        horizons: The numbers of steps, at least three of them, from 2 to 1e9.
        replicas: The number of runs of each simulation.
        seed: The seed of the simulations.
    """

    schedules: tuple[Schedule, ...] = SCHEDULES
    horizons: tuple[int, ...] = (1_000, 10_000, 100_000, 1_000_000)
    replicas: int = 2_000
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.horizons) < 3:
            raise ValueError(f"a rate needs at least three horizons, not {len(self.horizons)}.")
        for horizon in self.horizons:
            check_horizon(horizon)
        check_unique("horizons", self.horizons)
        check_replicas(self.replicas)
        check_seed(self.seed)
        check_schedules(self.schedules)

    @classmethod
    def quick(cls) -> Self:
        """Shorter runs, and fewer of them."""
        return cls(horizons=(100, 1_000, 10_000), replicas=500)

    def cells(self) -> list[Misspecified | Exponents]:
        """The cells: all losses at the tuned rate, then all exponents."""
        return [*self._tuned(), *self._exponents()]

    def run(self, compute: Compute) -> pd.DataFrame:
        r"""One row for each schedule and horizon: losses at the tuned rate, in units of :math:`DG`, and exponents of ``rho``.

        To which precision the columns hold on another processor: :mod:`lrtheory.sweeps.precision`.
        """
        tuned, results, rows = self._tuned(), compute(self.cells()), []
        for cell, losses, exponents in zip(tuned, results, results[len(tuned) :]):
            scaled = {
                name: losses[name] / cell.horizon**0.5
                for name in ("worst_case", "expected", "simulated", "standard_error")
            }
            names = {"schedule": repr(cell.schedule), "horizon": cell.horizon, "lr": losses["lr"]}
            rows.append({**names, **scaled, **exponents})
        return pd.DataFrame(rows)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """The power of the horizon at the tuned rate, then the power of ``rho`` at each horizon."""
        rows = []
        for name, group in frame.groupby("schedule", sort=False):
            row = {
                "schedule": name,
                "rate (-1/2)": f"{fit_slope(group['horizon'], group['worst_case']):.3f}",
                "rate, simulated": f"{fit_slope(group['horizon'], group['simulated'], group['standard_error']):.3f}",
                "rho exponent, predicted": str(rho_exponent(parse(str(name)))),
            }
            for _, at in group.iterrows():
                row[f"T={at['horizon']:g}"] = f"{at['rho_exponent']:.3f}"
            row["averaged iterate"] = f"{group['averaged_rho_exponent'].iloc[-1]:.3f}"
            rows.append(row)
        return pd.DataFrame(rows)

    def _pairs(self) -> list[tuple[Schedule, int]]:
        return list(product(self.schedules, self.horizons))

    def _tuned(self) -> list[Misspecified]:
        return [Misspecified(s, 1.0, horizon, self.replicas, self.seed) for s, horizon in self._pairs()]

    def _exponents(self) -> list[Exponents]:
        return [Exponents(s, horizon) for s, horizon in self._pairs()]
