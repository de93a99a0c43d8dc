"""The exponent of ``rho`` against the degree of decay."""

from dataclasses import dataclass

import pandas as pd

from lrtheory.runs import Store
from lrtheory.runs.execute import Workers
from lrtheory.runs.tables import fit_slope
from lrtheory.schedules import Polynomial
from lrtheory.sweeps import rho as rho_sweep
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.misspecified import Misspecified
from lrtheory.theory.misspecification import rho_exponent


@dataclass(frozen=True)
class DegreeSweep:
    """Which cells ``sweep degree`` computes.

    Args:
        degrees: Powers of the decay, positive.
        rhos: Misspecifications that the exponents are fitted to, at least three.
        horizon: Number of steps.
        replicas: Runs of each simulation.
        seed: Of the simulations.
    """

    degrees: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
    rhos: tuple[float, ...] = (16.0, 32.0, 64.0, 128.0, 256.0)
    horizon: int = 100_000
    replicas: int = 10_000
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.rhos) < 3:
            raise ValueError(f"an exponent needs at least three values of rho, not {len(self.rhos)}.")
        check_unique("degrees", self.degrees)
        self.as_rho_sweep()

    def as_rho_sweep(self) -> rho_sweep.RhoSweep:
        """The same cells as a sweep over ``rho``."""
        schedules = tuple(map(Polynomial, self.degrees))
        return rho_sweep.RhoSweep(schedules, self.rhos, self.horizon, self.replicas, self.seed)


DEFAULT = DegreeSweep()
QUICK = DegreeSweep(degrees=(0.5, 1.0, 2.0, 3.0), horizon=2_000, replicas=1_000)


def cells(sweep: DegreeSweep) -> list[Misspecified]:
    """The cells of the sweep: those of ``sweep rho`` on these schedules."""
    return rho_sweep.cells(sweep.as_rho_sweep())


def table(sweep: DegreeSweep, store: Store, workers: Workers = None) -> pd.DataFrame:
    """Exponents with their 95 % intervals, one row for each degree and layer.

    To which precision the columns hold on another processor: :mod:`lrtheory.sweeps.precision`.
    """
    frame = rho_sweep.table(sweep.as_rho_sweep(), store, workers)
    rows = []
    for power in sweep.degrees:
        schedule = Polynomial(power)
        group = frame[frame["schedule"] == repr(schedule)]
        for layer in ("law", "worst_case", "expected", "simulated"):
            error = group["standard_error"] if layer == "simulated" else None
            slope = fit_slope(group["rho"], group[layer], error)
            rows.append(
                {
                    "schedule": repr(schedule),
                    "degree": float(schedule.degree),
                    "horizon": sweep.horizon,
                    "predicted": float(rho_exponent(schedule)),
                    "layer": layer,
                    "exponent": slope.value,
                    "low": slope.low,
                    "high": slope.high,
                }
            )
    return pd.DataFrame(rows)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The terminal table: one row a degree."""
    rows = []
    for degree, group in frame.groupby("degree"):
        row = {"degree": f"{degree:g}", "predicted": f"{group['predicted'].iloc[0]:.3f}"}
        for _, layer in group.iterrows():
            row[layer["layer"].replace("_", " ")] = f"{layer['exponent']:.3f} [{layer['low']:.3f}, {layer['high']:.3f}]"
        rows.append(row)
    return pd.DataFrame(rows)
