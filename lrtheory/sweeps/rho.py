"""Loss against misspecification: the law, the worst case and simulation, one schedule after another."""

from dataclasses import dataclass
from typing import Self, final

import pandas as pd

from lrtheory.runs import Compute, Experiment
from lrtheory.schedules import Schedule
from lrtheory.statistics import fit_slope
from lrtheory.sweeps.checks import check_horizon, check_replicas, check_rhos, check_schedules, check_seed
from lrtheory.sweeps.misspecified import SCHEDULES, Misspecified, shown_exponent

FITTED = (16.0, 256.0)
"""The range of ``rho`` in which exponents are fitted."""

SHOWN = (0.25, 1.0, 4.0, 16.0, 64.0, 256.0)
"""The values of ``rho`` whose loss factors the terminal table shows."""


@final
@dataclass(frozen=True)
class Rho(Experiment):
    """Which cells ``sweep rho`` computes.

    Args:
        schedules: The shapes, as Cosine or "Formula('(1 - u)**2')".
        rhos: The misspecifications, from 1e-12 to 1e12.
        horizon: The number of steps, from 2 to 1e9.
        replicas: The number of runs of each simulation.
        seed: The seed of the simulations.
    """

    schedules: tuple[Schedule, ...] = SCHEDULES
    rhos: tuple[float, ...] = tuple(2.0**k for k in range(-3, 9))
    horizon: int = 100_000
    replicas: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_rhos(self.rhos)
        check_horizon(self.horizon)
        check_replicas(self.replicas)
        check_seed(self.seed)
        check_schedules(self.schedules)

    @classmethod
    def quick(cls) -> Self:
        """Shorter runs, and fewer of them."""
        return cls(horizon=2_000, replicas=1_000)

    def cells(self) -> list[Misspecified]:
        """The cells, schedule by schedule."""
        return [
            Misspecified(schedule, rho, self.horizon, self.replicas, self.seed)
            for schedule in self.schedules
            for rho in self.rhos
        ]

    def run(self, compute: Compute) -> pd.DataFrame:
        r"""One row for each schedule and ``rho``.

        ``law`` is the factor over ``rho = 1`` in the limit of long runs; ``worst_case``, ``expected``, ``simulated`` and
        ``standard_error`` are losses in units of :math:`DG/\sqrt T`; the columns ``*_factor`` divide them by their values
        at ``rho = 1`` where the sweep has it.

        To which precision the columns hold on another processor: :mod:`lrtheory.sweeps.precision`.
        """
        wanted = self.cells()
        frame = pd.DataFrame(
            [
                {
                    "schedule": repr(cell.schedule),
                    "degree": float(cell.schedule.degree),
                    "rho": cell.rho,
                    "horizon": cell.horizon,
                    **result,
                }
                for cell, result in zip(wanted, compute(wanted))
            ]
        )
        tuned = frame[frame["rho"] == 1].set_index("schedule")
        for layer in ("worst_case", "expected", "simulated"):
            frame[f"{layer}_factor"] = frame[layer] / frame["schedule"].map(tuned[layer])
        return frame

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """Exponents fitted for ``rho`` in [16, 256], and what the worst case loses."""
        rows = []
        for name, group in frame.groupby("schedule", sort=False):
            fitted = group[group["rho"].between(*FITTED)]
            row = {"schedule": name, "predicted": shown_exponent(group["degree"].iloc[0])}
            for layer, title in (("law", "law"), ("worst_case", "worst case"), ("simulated", "simulated")):
                error = fitted["standard_error"] if layer == "simulated" else None
                row[title] = f"{fit_slope(fitted['rho'], fitted[layer], error):.3f}" if len(fitted) >= 3 else "-"
            factors = group.set_index("rho")["worst_case_factor"]
            row |= {f"rho={rho:g}": f"{factors[rho]:.3f}" for rho in SHOWN if rho in factors.index}
            rows.append(row)
        return pd.DataFrame(rows)
