"""The exponent of ``rho`` against the degree of decay."""

from dataclasses import dataclass
from typing import Self, final

import pandas as pd

from lrtheory.runs import Compute, Experiment
from lrtheory.schedules import Polynomial
from lrtheory.statistics import fit_slope
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.misspecified import Misspecified
from lrtheory.sweeps.rho import Rho
from lrtheory.theory.misspecification import rho_exponent


@final
@dataclass(frozen=True)
class Degree(Experiment):
    """Which cells ``sweep degree`` computes.

    Args:
        degrees: The powers of the decay, positive.
        rhos: The misspecifications that the exponents are fitted to, at least three.
        horizon: The number of steps.
        replicas: The number of runs of each simulation.
        seed: The seed of the simulations.
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
        self.as_rho()

    @classmethod
    def quick(cls) -> Self:
        """Four degrees, and shorter runs."""
        return cls(degrees=(0.5, 1.0, 2.0, 3.0), horizon=2_000, replicas=1_000)

    def as_rho(self) -> Rho:
        """The same cells as a sweep over ``rho``."""
        return Rho(tuple(map(Polynomial, self.degrees)), self.rhos, self.horizon, self.replicas, self.seed)

    def cells(self) -> list[Misspecified]:
        """The cells: those of ``sweep rho`` on these schedules."""
        return self.as_rho().cells()

    def run(self, compute: Compute) -> pd.DataFrame:
        """Exponents with their 95 % intervals, one row for each degree and layer.

        To which precision the columns hold on another processor: :mod:`lrtheory.sweeps.precision`.
        """
        frame = self.as_rho().run(compute)
        rows = []
        for power in self.degrees:
            schedule = Polynomial(power)
            group = frame[frame["schedule"] == repr(schedule)]
            for layer in ("law", "worst_case", "expected", "simulated"):
                error = group["standard_error"] if layer == "simulated" else None
                slope = fit_slope(group["rho"], group[layer], error)
                rows.append(
                    {
                        "schedule": repr(schedule),
                        "degree": float(schedule.degree),
                        "horizon": self.horizon,
                        "predicted": float(rho_exponent(schedule)),
                        "layer": layer,
                        "exponent": slope.value,
                        "low": slope.low,
                        "high": slope.high,
                    }
                )
        return pd.DataFrame(rows)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """One row per degree."""
        rows = []
        for degree, group in frame.groupby("degree"):
            row = {"degree": f"{degree:g}", "predicted": f"{group['predicted'].iloc[0]:.3f}"}
            for _, layer in group.iterrows():
                shown = f"{layer['exponent']:.3f} [{layer['low']:.3f}, {layer['high']:.3f}]"
                row[layer["layer"].replace("_", " ")] = shown
            rows.append(row)
        return pd.DataFrame(rows)
