r"""What averages, momentum and adaptivity forgive: bounds, semidefinite programs and simulation, one method after another.

A method is a rule of steps, a shape of its rate and what is made of the iterates (:mod:`lrtheory.theory.methods`). ``rho`` is the
rate over the one with the least upper bound on the domain; the heavy ball takes that of plain SGD under the same shape, which its
own tends to, and AdaGrad-norm the diameter of the domain itself.

The simulated family is :math:`\epsilon|x|` on an interval of length 1, with random signs as noise, started at an end. The minimum
is at the other end or in the middle: averages of a run to and fro around the middle are better than any of its points, and at
an end they are not. Slope and side are those with the largest loss in a search; the loss there is taken from fresh noise.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self, final

import numpy as np
import pandas as pd

from lrtheory.checks import checked_horizon
from lrtheory.runs import Cell, Compute, Experiment
from lrtheory.runs.cell import Value
from lrtheory.schedules import Constant, InverseSqrt, Polynomial, Robust, Schedule, parse
from lrtheory.schedules.schedule import checked_schedule
from lrtheory.simulation.method_kernels import method_losses
from lrtheory.statistics import fit_slope
from lrtheory.sweeps.checks import check_horizon, check_replicas, check_rhos, check_seed, check_unique
from lrtheory.theory.adaptive import adagrad_bound, adagrad_lower_bound
from lrtheory.theory.any_average import average_bound, average_lower_bound
from lrtheory.theory.averaged import averaged_bound
from lrtheory.theory.certificates import LONGEST, certified_loss
from lrtheory.theory.heavy_ball_iterate import heavy_ball_bound, heavy_ball_lower_bound
from lrtheory.theory.last_iterate import tuned_lr, worst_case
from lrtheory.theory.methods import RULES, Method

FITTED = (4.0, 64.0)
"""The range of ``rho`` in which exponents are fitted: beyond it runs of this length are as large as the domain."""
SLOPES = np.geomspace(3e-3, 0.7, 13)
"""Slopes of the search, as parts of ``G``; nearer to it hardly any noise is left."""
SEARCHED = 32
"""Replicas of the search."""


@dataclass(frozen=True)
class RatedMethod(Value):
    """A method with the shape of its rate.

    Args:
        rule: One of ``lrtheory.theory.methods.RULES``.
        average: What is made of its iterates: one of :data:`lrtheory.theory.methods.AVERAGES`.
        schedule: The shape of the rate.

    Raises:
        ValueError: an unknown name.

    Example:
        >>> RatedMethod.parse("sgd uniform Polynomial(1)") == RatedMethod("sgd", "uniform", Polynomial(1))
        True
    """

    rule: str
    average: str
    schedule: Schedule

    def __post_init__(self) -> None:
        Method(self.rule, self.average)
        checked_schedule("the shape of a rate", self.schedule)

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The rule, the average and the shape."""
        return f"{self.rule} {self.average} {self.schedule!r}"

    @property
    def more(self) -> dict[str, Any]:
        """Nothing: a shape of one's own is in the cells."""
        return {}

    @classmethod
    def parse(cls, text: str) -> Self:
        """The method that a text denotes, as "sgd uniform Constant()".

        Raises:
            ValueError: there are no three parts, or one of them is unknown.
        """
        parts = text.split(" ", 2)
        if len(parts) < 3:
            raise ValueError(
                f"a method is a rule, an average and a schedule, as 'sgd uniform Constant()', not {text!r}."
            )
        return cls(parts[0], parts[1], parse(parts[2]))


METHODS = (
    RatedMethod("sgd", "last", Constant()), RatedMethod("sgd", "last", Polynomial(1)),
    RatedMethod("sgd", "last", Robust(16)), RatedMethod("sgd", "uniform", Constant()),
    RatedMethod("sgd", "uniform", InverseSqrt()), RatedMethod("sgd", "last_third", Constant()),
    RatedMethod("sgd", "polynomial", Constant()), RatedMethod("sgd", "exponential", Constant()),
    RatedMethod("sgd", "merged", Constant()), RatedMethod("sgd", "exponential", Polynomial(1)),
    RatedMethod("sgd", "exponential", Robust(16)), RatedMethod("heavy_ball", "last", Constant()),
    RatedMethod("heavy_ball", "last", Polynomial(1)), RatedMethod("schedule_free", "last", Constant()),
    RatedMethod("dual_averaging", "uniform", Constant()), RatedMethod("adagrad", "uniform", Constant()),
    RatedMethod("adagrad", "last", Polynomial(1)),
)  # fmt: skip
"""The methods."""


@dataclass(frozen=True)
class MethodCell(Cell):
    """One method at one rate, on a domain of diameter 1 with gradients bounded by 1.

    Args:
        rule: One of ``lrtheory.theory.methods.RULES``.
        average: One of :data:`lrtheory.theory.methods.AVERAGES`.
        schedule: The shape of the rate.
        horizon: Number of steps.
        rho: The rate over the one with the least upper bound.
        replicas: Runs of the simulation; with none a semidefinite program is solved instead.
        seed: The seed of the simulation.
    """

    rule: str
    average: str
    schedule: Schedule
    horizon: int
    rho: float
    replicas: int
    seed: int

    def compute(self) -> dict[str, Any]:
        r"""Bounds, program and simulation in units of :math:`DG/\sqrt T`; what there is not is None."""
        method, unit = Method(self.rule, self.average), math.sqrt(self.horizon)
        lr = self.rho * _tuned(self.rule, self.average, self.schedule, self.horizon)
        steps = self.schedule.steps(self.horizon, lr)
        upper, lower = _bounds(method, steps, self.rho)
        found: dict[str, Any] = {
            "lr": lr,
            "upper": None if upper is None else upper * unit,
            "lower": None if lower is None else lower * unit,
            **dict.fromkeys(("program", "accuracy", "eps", "side", "simulated", "standard_error")),
        }
        if self.replicas:
            return found | self._simulated(method, steps)
        if self.rule != "adagrad":
            value, accuracy = certified_loss(method, steps)
            found |= {"program": float(f"{value * unit:.10g}"), "accuracy": float(f"{accuracy * unit:.1e}")}
        return found

    def _simulated(self, method: Method, steps: np.ndarray) -> dict[str, float]:
        rule, weights = RULES.index(self.rule), method.weights(self.horizon)
        searched = {
            (float(eps), low): method_losses(rule, steps, weights, eps, low, 1 + low, self.seed, SEARCHED).mean()
            for eps in SLOPES
            for low in (0.0, -0.5)
        }
        eps, low = max(searched, key=searched.__getitem__)
        losses = method_losses(rule, steps, weights, eps, low, 1 + low, self.seed + 1, self.replicas)
        losses *= math.sqrt(self.horizon)
        error = losses.std(ddof=1) / math.sqrt(self.replicas)
        return {"eps": eps, "side": abs(low), "simulated": float(losses.mean()), "standard_error": float(error)}


@lru_cache(maxsize=256)
def _tuned(rule: str, average: str, schedule: Schedule, horizon: int) -> float:
    from scipy import optimize

    if rule == "adagrad":
        return 1.0
    if average == "last" and rule != "schedule_free":
        return tuned_lr(schedule, horizon, diameter=1.0)
    shape = schedule.steps(horizon)
    if rule != "sgd":  # the classical bound of the uniform average is theirs
        return 1 / math.sqrt(horizon + 1)
    weights, start = Method(rule, average).weights(horizon), -math.log(np.sum(shape**2)) / 2
    found: Any = optimize.minimize_scalar(
        lambda log: average_bound(shape * math.exp(log), weights, diameter=1.0),
        bounds=(start - 3, start + 3), method="bounded", options={"xatol": 1e-4},
    )  # fmt: skip
    return float(f"{math.exp(found.x):.4g}")  # a choice that rounding does not move


def _bounds(method: Method, steps: np.ndarray, rho: float) -> tuple[float | None, float | None]:
    """What is proved, or quoted, of the loss; None where nothing is."""
    weights = method.weights(len(steps))
    if method.rule == "sgd":
        last = method.average == "last"
        upper = worst_case(steps, diameter=1.0) if last else average_bound(steps, weights, diameter=1.0)
        return upper, average_lower_bound(steps, weights, diameter=1.0)
    if method.rule == "adagrad":
        unit = math.sqrt(len(steps))
        if method.average == "last":
            return None, None
        return min(adagrad_bound(rho) / unit, 1.0), adagrad_lower_bound(rho, len(steps)) / unit
    if method.rule == "heavy_ball":
        return heavy_ball_bound(steps, diameter=1.0), heavy_ball_lower_bound(steps, diameter=1.0)
    upper = min(averaged_bound(np.append(steps, steps[-1]), distance=1.0), 1.0)
    return upper, average_lower_bound(steps, weights, diameter=1.0) if method.rule == "dual_averaging" else None


@final
@dataclass(frozen=True)
class Averages(Experiment):
    """Which cells ``sweep averages`` computes.

    Args:
        methods: The methods: each is a rule, an average and a shape, as "sgd uniform Constant()".
        rhos: The misspecifications of the simulated runs, from 1e-12 to 1e12.
        horizon: The number of steps of the simulated runs.
        replicas: The number of runs of each simulation.
        certified: The horizon of the semidefinite programs, at most 20 steps.
        certified_rhos: The misspecifications of the programs.
        seed: The seed of the simulations.
    """

    needs: ClassVar = {"PEPit": "certificates"}

    methods: tuple[RatedMethod, ...] = METHODS
    rhos: tuple[float, ...] = tuple(2.0**k for k in range(-2, 9))
    horizon: int = 100_000
    replicas: int = 1_000
    certified: int = 12
    certified_rhos: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    seed: int = 0

    def __post_init__(self) -> None:
        for method in self.methods:
            if not isinstance(method, RatedMethod):
                raise TypeError(f"a method of the sweep must be a RatedMethod, not {method!r}.")
        check_unique("methods", self.methods)
        check_rhos(self.rhos)
        check_rhos(self.certified_rhos)
        check_horizon(self.horizon)
        check_replicas(self.replicas)
        check_seed(self.seed)
        if checked_horizon(self.certified) > LONGEST:
            raise ValueError(f"a program has at most {LONGEST} steps, not {self.certified}.")

    @classmethod
    def quick(cls) -> Self:
        """Shorter runs, fewer of them, and few programs."""
        return cls(horizon=2_000, replicas=100, certified=4, certified_rhos=(1.0,))

    def cells(self) -> list[MethodCell]:
        """The cells: long runs that are simulated, then short ones with programs."""
        return [
            MethodCell(method.rule, method.average, method.schedule, horizon, rho, replicas, self.seed)
            for horizon, rhos, replicas in (
                (self.horizon, self.rhos, self.replicas), (self.certified, self.certified_rhos, 0),
            )
            for method in self.methods
            for rho in rhos
        ]  # fmt: skip

    def run(self, compute: Compute) -> pd.DataFrame:
        r"""One row per cell, with losses in units of :math:`DG/\sqrt T`: bounds, then a program or a simulation."""
        wanted = self.cells()
        rows = [
            {
                "rule": cell.rule, "average": cell.average, "schedule": repr(cell.schedule), "horizon": cell.horizon,
                "rho": cell.rho, **result,
            }
            for cell, result in zip(wanted, compute(wanted))
        ]  # fmt: skip
        numbers = ("upper", "lower", "program", "accuracy", "eps", "side", "simulated", "standard_error")
        return pd.DataFrame(rows).astype(dict.fromkeys(numbers, float))

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """One row for each method: the bounds and programs of short runs, and what long ones lose."""
        rows = []
        for (rule, average, schedule), group in frame.groupby(["rule", "average", "schedule"], sort=False):
            long, short = group[group["simulated"].notna()], group[group["simulated"].isna()].set_index("rho")
            fitted = long[long["rho"].between(*FITTED)]
            at = long.set_index("rho")
            row = {"method": rule, "output": average, "schedule": schedule}
            for rho in (1.0, 16.0):
                for column in ("upper", "lower", "simulated"):
                    value = at[column].get(rho, math.nan)
                    row[f"{column}, rho={rho:g}"] = "-" if math.isnan(value) else f"{value:.3f}"
            for name in ("upper", "simulated"):
                known = len(fitted) >= 3 and fitted[name].notna().all()
                error = fitted["standard_error"] if name == "simulated" else None
                row[f"exponent, {name}"] = f"{fit_slope(fitted['rho'], fitted[name], error):.2f}" if known else "-"
            judged = short[short["program"].notna()]
            gaps = (judged["upper"] / judged["program"] - 1).dropna()
            row["over program at most"] = f"{100 * gaps.max():.1f} %" if len(gaps) else "-"
            rows.append(row)
        return pd.DataFrame(rows)
