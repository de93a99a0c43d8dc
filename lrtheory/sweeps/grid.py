r"""The practical reading: the loss after tuning over a geometric grid, against the resolution of the grid.

A grid of ratio :math:`r` has a point within :math:`[a, ra)` of the tuned rate for some unknown offset :math:`a`; the user
keeps the best point. At the worst offset the loss is

.. math:: \max_a\;\min_j\;W(a\,r^j).
"""

from dataclasses import dataclass
from typing import Self, final

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from lrtheory.checks import is_number
from lrtheory.runs import Compute, Experiment
from lrtheory.schedules import Schedule
from lrtheory.statistics import worst_offset
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.misspecified import SCHEDULES, Misspecified
from lrtheory.sweeps.rho import Rho
from lrtheory.theory.last_iterate import tuned_lr, worst_case
from lrtheory.theory.misspecification import degradation

RESOLUTION = 128
"""Rates tried for each factor of 2: offsets are 0.5 % apart, so the worst of them is within 0.3 % of the worst."""


@final
@dataclass(frozen=True)
class Grid(Experiment):
    """Which cells ``sweep grid`` computes: those of ``sweep rho`` and the points between them.

    Args:
        schedules: The shapes.
        ratios: The ratios of neighbouring grid points, above 1 and at most 64.
        horizon: The number of steps.
        replicas: The number of runs of each simulation.
        seed: The seed of the simulations.
    """

    schedules: tuple[Schedule, ...] = SCHEDULES
    ratios: tuple[float, ...] = (1.5, 2.0, 3.0, 4.0, 8.0, 10.0, 16.0, 32.0, 64.0)
    horizon: int = 100_000
    replicas: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        for ratio in self.ratios:
            if not (is_number(ratio) and 1 < ratio <= 64):
                raise ValueError(f"ratio must be above 1 and at most 64, not {ratio!r}.")
        check_unique("ratios", self.ratios)
        self.as_rho()

    def as_rho(self) -> Rho:
        """The sweep over ``rho`` whose curves the grids are laid on: twice as dense as its default."""
        rhos = tuple(2.0 ** (k / 2) for k in range(-6, 17))
        return Rho(self.schedules, rhos, self.horizon, self.replicas, self.seed)

    @classmethod
    def quick(cls) -> Self:
        """Three ratios, and shorter runs."""
        return cls(ratios=(2.0, 4.0, 16.0), horizon=2_000, replicas=1_000)

    def cells(self) -> list[Misspecified]:
        """The cells: those of ``sweep rho``, and the points between them."""
        return self.as_rho().cells()

    def run(self, compute: Compute) -> pd.DataFrame:
        r"""One row for each schedule and ratio: what is lost after tuning, at the worst offset of the grid.

        As in ``sweep rho``, ``law`` is a factor, the other layers are losses in units of :math:`DG/\sqrt T`, and the columns
        ``*_factor`` divide them by the loss of the perfect rate. ``law`` and ``worst_case`` are evaluated at each point of
        each grid; ``expected`` and ``simulated`` are read off the curves of ``sweep rho`` by cubic splines of logarithms.

        To which precision the columns hold on another processor: :mod:`lrtheory.sweeps.precision`.
        """
        curves = self.as_rho().run(compute)
        rows = []
        for schedule in self.schedules:
            curve = curves[curves["schedule"] == repr(schedule)]
            tuned = tuned_lr(schedule, self.horizon, diameter=1.0)
            log_rho = np.log(curve["rho"].to_numpy())
            layers = {
                "law": lambda rho, s=schedule: degradation(s, rho),
                "worst_case": lambda rho, s=schedule, lr=tuned: (
                    worst_case(s, horizon=self.horizon, lr=rho * lr, diameter=1.0) * self.horizon**0.5
                ),
            }
            for layer in ("expected", "simulated"):
                spline = CubicSpline(log_rho, np.log(curve[layer].to_numpy()))
                layers[layer] = lambda rho, spline=spline: np.exp(spline(np.log(rho)))
            octaves = np.log2(curve["rho"].max() / curve["rho"].min())
            dense = np.geomspace(curve["rho"].min(), curve["rho"].max(), round(octaves * RESOLUTION) + 1)
            losses = {layer: loss(dense) for layer, loss in layers.items()}
            for ratio in self.ratios:
                row = {"schedule": repr(schedule), "ratio": ratio, "horizon": self.horizon}
                row |= {layer: worst_offset(dense, loss, ratio) for layer, loss in losses.items()}
                row |= {f"{layer}_factor": row[layer] / loss.min() for layer, loss in losses.items() if layer != "law"}
                rows.append(row)
        return pd.DataFrame(rows)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """The worst case in units of DG/sqrt(T): one row per schedule, one column per ratio."""
        rows = []
        for name, group in frame.groupby("schedule", sort=False):
            rows.append(
                {"schedule": name}
                | {f"ratio={r:g}": f"{loss:.3f}" for r, loss in zip(group["ratio"], group["worst_case"])}
            )
        return pd.DataFrame(rows)
