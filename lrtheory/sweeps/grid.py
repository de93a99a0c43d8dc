r"""The practical reading: the loss after tuning over a geometric grid, against the resolution of the grid.

A grid of ratio :math:`r` has a point within :math:`[a, ra)` of the tuned rate for some unknown offset :math:`a`; the user
keeps the best point. At the worst offset the loss is

.. math:: \max_a\;\min_j\;W(a\,r^j).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.interpolate import CubicSpline

from lrtheory.checks import is_number
from lrtheory.runs import Store
from lrtheory.runs.execute import Workers
from lrtheory.schedules import Schedule
from lrtheory.sweeps import rho as rho_sweep
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.misspecified import SCHEDULES, Misspecified
from lrtheory.theory.misspecification import degradation
from lrtheory.theory.worst_case import tuned_lr, worst_case

RESOLUTION = 128
"""Rates tried for each factor of 2: offsets are 0.5 % apart, so the worst of them is within 0.3 % of the worst."""


@dataclass(frozen=True)
class GridSweep:
    """Which cells ``sweep grid`` computes: those of ``sweep rho`` and the points between them.

    Args:
        schedules: The shapes.
        ratios: Ratios of neighbouring grid points, above 1 and at most 64.
        horizon: Number of steps.
        replicas: Runs of each simulation.
        seed: Of the simulations.
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
        self.as_rho_sweep()

    def as_rho_sweep(self) -> rho_sweep.RhoSweep:
        """The sweep over ``rho`` whose curves the grids are laid on: twice as dense as its default."""
        rhos = tuple(2.0 ** (k / 2) for k in range(-6, 17))
        return rho_sweep.RhoSweep(self.schedules, rhos, self.horizon, self.replicas, self.seed)


DEFAULT = GridSweep()
QUICK = GridSweep(ratios=(2.0, 4.0, 16.0), horizon=2_000, replicas=1_000)


def cells(sweep: GridSweep) -> list[Misspecified]:
    """The cells of the sweep: those of ``sweep rho``, and the points between them."""
    return rho_sweep.cells(sweep.as_rho_sweep())


def table(sweep: GridSweep, store: Store, workers: Workers = None) -> pd.DataFrame:
    r"""One row for each schedule and ratio: what is lost after tuning, at the worst offset of the grid.

    As in ``sweep rho``, ``law`` is a factor, the other layers are losses in units of :math:`DG/\sqrt T`, and the columns
    ``*_factor`` divide them by the loss of the perfect rate. ``law`` and ``worst_case`` are evaluated at each point of
    each grid; ``expected`` and ``simulated`` are read off the curves of ``sweep rho`` by cubic splines of logarithms.

    To which precision the columns hold on another processor: :mod:`lrtheory.sweeps.precision`.
    """
    curves = rho_sweep.table(sweep.as_rho_sweep(), store, workers)
    rows = []
    for schedule in sweep.schedules:
        curve = curves[curves["schedule"] == repr(schedule)]
        tuned = tuned_lr(schedule, sweep.horizon, diameter=1.0)
        log_rho = np.log(curve["rho"].to_numpy())
        layers = {
            "law": lambda rho, s=schedule: degradation(s, rho),
            "worst_case": lambda rho, s=schedule, lr=tuned: (
                worst_case(s, horizon=sweep.horizon, lr=rho * lr, diameter=1.0) * sweep.horizon**0.5
            ),
        }
        for layer in ("expected", "simulated"):
            spline = CubicSpline(log_rho, np.log(curve[layer].to_numpy()))
            layers[layer] = lambda rho, spline=spline: np.exp(spline(np.log(rho)))
        octaves = np.log2(curve["rho"].max() / curve["rho"].min())
        dense = np.geomspace(curve["rho"].min(), curve["rho"].max(), round(octaves * RESOLUTION) + 1)
        losses = {layer: loss(dense) for layer, loss in layers.items()}
        for ratio in sweep.ratios:
            row = {"schedule": repr(schedule), "ratio": ratio, "horizon": sweep.horizon}
            row |= {layer: worst_offset(dense, loss, ratio) for layer, loss in losses.items()}
            row |= {f"{layer}_factor": row[layer] / loss.min() for layer, loss in losses.items() if layer != "law"}
            rows.append(row)
    return pd.DataFrame(rows)


def worst_offset(rho: np.ndarray, loss: np.ndarray, ratio: float) -> float:
    """The loss of the best point of a geometric grid, at the grid's worst offset.

    Args:
        rho: Rates, geometrically spaced.
        loss: The loss at each of them.
        ratio: Ratio of neighbouring grid points.

    Example:
        >>> rho = np.geomspace(1 / 64, 64, 20001)
        >>> round(worst_offset(rho, (rho + 1 / rho) / 2, 4.0), 3)  # (2 + 1/2)/2: the tuned rate is in the middle
        1.25
    """
    spacing = np.log(rho[1] / rho[0])
    period = max(round(float(np.log(ratio) / spacing)), 1)
    return float(max(loss[offset::period].min() for offset in range(period)))


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The terminal table: the worst case in units of DG/sqrt(T), a row a schedule, a column a ratio."""
    rows = []
    for name, group in frame.groupby("schedule", sort=False):
        rows.append(
            {"schedule": name} | {f"ratio={r:g}": f"{loss:.3f}" for r, loss in zip(group["ratio"], group["worst_case"])}
        )
    return pd.DataFrame(rows)
