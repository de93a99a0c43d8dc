r"""Branch and cliff, simulated: functions whose curvature changes away from the minimum, or falls along the way.

Five directions of curvatures :math:`\lambda_i=4^{-i}`, a start at distance 1 in each, and random signs of size 0.1 as noise:

.. math:: f_t(x)=\sum_i\lambda_{t,i}F(x_i),\qquad F'(x)=x\,(1+x^2)^s

* ``constant`` curvature (:math:`s=0`): a quadratic, on which runs return;
* ``rising`` away from the minimum (:math:`s=1`): runs beyond the edge do not return (Theorem 3 of :mod:`lrtheory.theory.cliff`);
* ``falling`` away from it (:math:`s=-1/2`): there is no edge;
* ``sharp start`` (:math:`s=1`): the sharpest curvature is :math:`8e^{-t/100}`, never below 1, as in
  :func:`lrtheory.theory.warmup_edge`.

Rates are those of PyTorch, whose effective rate is :math:`\eta/(1-m)`.

**What is predicted** (:func:`compare`) from the curvatures, the noise and the distance. The *best rate* is that with the least
exact loss on the quadratic with the same curvatures, momentum entering through the effective rate. The *edge* is where the
sharpest direction is lost:

* on quadratics, the rate from which :math:`\frac1T\sum_t\log\rho(\eta\lambda h_t)>0`, :math:`\rho` the larger root of
  :math:`\mu^2-(1+m-r)\mu+m`: that is :math:`e_p` without momentum, and :math:`2(1+m)/\lambda` for the constant rate;
* with rising curvature, :math:`2(1+m)/\kappa`, where :math:`\kappa` is the curvature at the start, :math:`2\lambda` at
  distance 1, or, after a ramp, that at the minimum, :math:`\lambda`;
* with a sharp start and a ramp, :math:`(1+m)` times :func:`lrtheory.theory.warmup_edge`.

A rate is *lost* where a tenth of what there is to gain is gone. The measured edge lies between the largest rate that is not
lost, from the best upwards, and the next, root two times as large; its middle is taken (of logarithms), and the *margin* is the
edge over the best rate.

**Results** (:func:`agreement` of the committed table; thirteen schedules with and without a warm-up of a tenth of the run).

* *Without momentum the theorems hold.* With rising curvature, with and without a sharp start, the predicted edge lies inside
  of the measured interval for all schedules and all warm-ups; rank correlations of margins are 0.94 to 0.98, but 0.62 for a sharp
  start without warm-up, where margins hardly differ. The order of margins is that of the corollary: on the rising curvature a
  constant rate may be 9.5 times too large and cubic decay 1.2 times, on the quadratic both about 13.
* *Warm-up* widens the margin by two with rising curvature, and with a sharp start as far as the theorem says.
* *With momentum the predicted edge is 2.8 times too wide* where the curvature rises. From rest the heavy ball overshoots: beyond
  a sharpness of :math:`\frac{2+m-\sqrt{(2+m)^2-8}}2`, 1.13 at 0.9, it goes further than it started, and meets a larger
  curvature there. That explanation was found afterwards; it puts the edge without warm-up at 0.565, and 0.566 is the largest
  rate that is not lost.
* *Falling curvature has no edge*: what is called its margin is where noise alone costs a tenth of the gain.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self, final

import numpy as np
import pandas as pd

from lrtheory.checks import checked_horizon
from lrtheory.planning.rate_grid import LOST
from lrtheory.runs import Cell, Compute, Experiment
from lrtheory.schedules import (
    SGDR,
    STLR,
    WSD,
    Constant,
    Cosine,
    Exponential,
    InverseSqrt,
    OneCycle,
    Polynomial,
    Robust,
    Schedule,
    StepDecay,
    Warmup,
    parse,
)  # fmt: skip
from lrtheory.simulation.curved_kernels import curved_losses
from lrtheory.sweeps.checks import check_horizon, check_replicas, check_seed, check_unique
from lrtheory.theory.warmup_stability import warmup_edge

PROBLEMS = {"constant": 0.0, "rising": 1.0, "falling": -0.5, "sharp start": 1.0}
"""The problems by name, and the power of their curvature."""
SCHEDULES = (
    Constant(), InverseSqrt(), Polynomial(1), Polynomial(2), Polynomial(3), Cosine(), Exponential(0.01),
    StepDecay((0.5, 0.75), 0.1), WSD(0.2), SGDR(3), OneCycle(), STLR(), Robust(16),
)  # fmt: skip
"""One of each family, and three powers."""
RATES = 2.0 ** (np.arange(-14, 15) / 2)
"""Effective rates, in units of the inverse of the largest curvature at the minimum."""
CURVATURES = 4.0 ** -np.arange(5)
START, NOISE = 1.0, 0.1
SHARP, DECLINE = 8.0, 100.0
RAMPS = (25, 50, 200, 400)
"""Further warm-ups of the sharp start, under a constant rate and linear decay."""


def curvatures_of(problem: str, horizon: int) -> np.ndarray:
    """The curvatures at the minimum at every step, shape ``(horizon, directions)``.

    Example:
        >>> [float(curvatures_of("sharp start", 1000)[t, 0].round(3)) for t in (0, 100, 900)]
        [8.0, 2.943, 1.0]
    """
    curvatures = np.tile(CURVATURES, (horizon, 1))
    if problem == "sharp start":
        curvatures[:, 0] = np.maximum(SHARP * np.exp(-np.arange(horizon) / DECLINE), 1.0)
    return curvatures


def gain(problem: str) -> float:
    """The loss before the first step, all of which can be gained, at the curvatures of the end.

    Example:
        >>> round(gain("constant"), 3), round(gain("rising"), 3)
        (0.666, 0.999)
    """
    power = PROBLEMS[problem]
    return float(CURVATURES.sum() * ((1 + START**2) ** (power + 1) - 1) / (2 * (power + 1)))


@dataclass(frozen=True)
class CliffCell(Cell):
    """One schedule on one problem, at all rates.

    Args:
        problem: One of :data:`PROBLEMS`.
        schedule: The shape of the rate, its warm-up included.
        momentum: Of the heavy ball.
        horizon: Number of steps.
        replicas: Runs of each rate.
        seed: Of the noise.
    """

    problem: str
    schedule: Schedule
    momentum: float
    horizon: int
    replicas: int
    seed: int

    def compute(self) -> dict[str, Any]:
        """The mean last loss at every rate, a lost run counting as untrained, and the part of the runs that is lost."""
        shape, curvatures = self.schedule.steps(self.horizon), curvatures_of(self.problem, self.horizon)
        power, before = PROBLEMS[self.problem], gain(self.problem)
        losses = np.array(
            [
                curved_losses(
                    lr * (1 - self.momentum) * shape,
                    curvatures,
                    power,
                    self.momentum,
                    START,
                    NOISE,
                    self.seed,
                    self.replicas,
                )
                for lr in RATES
            ]
        )
        kept = np.minimum(losses, before).mean(1)
        return {
            "loss": [float(f"{loss:.4g}") for loss in kept],
            "lost": [float(f"{part:.3g}") for part in (losses >= before).mean(1)],
        }


@final
@dataclass(frozen=True)
class Cliffs(Experiment):
    """Which cells ``sweep cliffs`` computes.

    Args:
        schedules: Their shapes.
        momenta: Of the heavy ball, from 0 up to below 1.
        warmup: Steps of the warm-up; every schedule runs with and without it.
        horizon: Number of steps.
        replicas: Runs at each rate.
        seed: Of the noise.
    """

    schedules: tuple[Schedule, ...] = SCHEDULES
    momenta: tuple[float, ...] = (0.0, 0.9)
    warmup: int = 100
    horizon: int = 1_000
    replicas: int = 64
    seed: int = 0

    def __post_init__(self) -> None:
        check_unique("schedules", self.schedules)
        check_unique("momenta", self.momenta)
        if not all(0 <= momentum < 1 for momentum in self.momenta):
            raise ValueError(f"momenta must be numbers from 0 up to below 1, not {self.momenta}.")
        check_horizon(self.horizon)
        if not 1 <= checked_horizon(self.warmup) <= self.horizon // 2:
            raise ValueError(f"warmup must be from 1 to half of the horizon, {self.horizon // 2}, not {self.warmup}.")
        check_replicas(self.replicas)
        check_seed(self.seed)

    @classmethod
    def quick(cls) -> Self:
        """Three schedules and fewer runs."""
        return cls(schedules=(Constant(), Polynomial(1), Cosine()), replicas=8)

    def cells(self) -> list[CliffCell]:
        """Every schedule with and without warm-up on every problem, then further warm-ups of the sharp start."""
        ramps = [each for schedule in self.schedules for each in (schedule, Warmup(schedule, warmup_steps=self.warmup))]
        further = [
            Warmup(schedule, warmup_steps=ramp)
            for schedule in (Constant(), Polynomial(1))
            for ramp in RAMPS
            if schedule in self.schedules and ramp != self.warmup and 2 * ramp <= self.horizon
        ]
        return [
            CliffCell(problem, schedule, momentum, self.horizon, self.replicas, self.seed)
            for problem in PROBLEMS
            for momentum in self.momenta
            for schedule in (ramps + further if problem == "sharp start" else ramps)
        ]

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row for each problem, momentum, schedule and rate: the mean last loss, and the part of the runs that is lost."""
        wanted = self.cells()
        rows = []
        for cell, found in zip(wanted, compute(wanted)):
            names = {
                "problem": cell.problem,
                "momentum": cell.momentum,
                "schedule": repr(cell.schedule),
                "horizon": cell.horizon,
            }
            for lr, loss, lost in zip(RATES * (1 - cell.momentum), found["loss"], found["lost"]):
                rows.append({**names, "lr": float(f"{lr:.6g}"), "loss": loss, "lost": lost})
        return pd.DataFrame(rows)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """How far predicted and measured margins, best rates and edges are apart, as :func:`agreement` says."""
        return agreement(compare(frame)).round(2)


def _quadratic_losses(schedule: Schedule, problem: str, horizon: int) -> np.ndarray:
    """The exact expected loss at every rate on the quadratic with the same curvatures at every step."""
    second = np.full((len(RATES), len(CURVATURES)), START**2)
    with np.errstate(over="ignore", invalid="ignore"):  # rates beyond the edge
        for step, curvature in zip(
            RATES[:, None] * schedule.steps(horizon)[:, None, None], curvatures_of(problem, horizon)
        ):
            second = (1 - step * curvature) ** 2 * second + (step * NOISE) ** 2
        return second @ CURVATURES / 2


def returning_edge(shape: np.ndarray, momentum: float) -> float:
    r"""The sharpness from which a quadratic is left, :math:`\frac1T\sum_t\log\rho(rh_t)>0`.

    Example:
        >>> returning_edge(np.ones(10), 0.9).__round__(1), returning_edge(1 - np.arange(2000) / 2000, 0.0).__round__(1)
        (3.8, 4.6)
    """
    sharpness = np.geomspace(1.0, 1e3, 1500)  # of which neighbours differ by half a percent
    grown = np.zeros(len(sharpness))
    for part in shape:
        middle = (1 + momentum - sharpness * part) / 2
        root = np.sqrt(middle.astype(complex) ** 2 - momentum)
        grown += np.log(np.maximum(np.abs(middle + root), np.abs(middle - root)) + 1e-300)
    leaves = grown > 1e-9 * len(shape)
    if not leaves.any():
        raise ValueError(f"the edge is above {sharpness[-1]:g}.")
    return float(sharpness[int(np.argmax(leaves))])


@lru_cache(maxsize=512)
def predicted(problem: str, schedule: Schedule, momentum: float, horizon: int) -> tuple[float, float]:
    """The best rate and the edge that the theorems predict, as base rates of PyTorch; the edge may be infinite."""
    shape = schedule.steps(horizon)
    ramp = schedule.warmup_steps if isinstance(schedule, Warmup) and schedule.warmup_steps else 0
    rises = ramp > 0 or shape[0] < 0.5 * shape.max()
    if problem == "constant":
        edge = returning_edge(shape, momentum)
    elif problem == "rising":
        edge = 2 * (1 + momentum) / ((1.0 if rises else 1 + START**2) * shape.max())
    elif problem == "falling":
        edge = math.inf
    elif ramp:
        edge = (1 + momentum) * warmup_edge(ramp, start=SHARP, end=1.0, decline=DECLINE) / shape.max()
    else:  # a schedule may rise by itself
        sharpness = curvatures_of(problem, horizon)[:, 0] * shape
        edge = 2 * (1 + momentum) / (sharpness.max() * (1 if rises else 1 + START**2))
    losses = np.where((1 - momentum) * RATES < edge, _quadratic_losses(schedule, problem, horizon), np.inf)
    best = int(np.nanargmin(losses))
    return float((1 - momentum) * RATES[best]) if best > 0 else math.nan, edge


def compare(frame: pd.DataFrame) -> pd.DataFrame:
    """Predicted and measured: one row for each problem, momentum and schedule.

    Returns:
        ``best_lr``, NaN where it is the smallest rate; ``low`` and ``high``, the rates between which the edge lies,
        infinite where the largest rate is not lost; ``edge``, their middle, and ``margin``, the edge over the best rate;
        ``predicted_best_lr``, ``predicted_edge`` and ``predicted_margin``.
    """
    rows = []
    for (problem, momentum, schedule), group in frame.groupby(["problem", "momentum", "schedule"], sort=False):
        lrs, losses, horizon = group["lr"].to_numpy(), group["loss"].to_numpy(), int(group["horizon"].iloc[0])
        best = int(np.argmin(losses))
        lost = np.flatnonzero(losses[best:] - losses[best] > LOST * gain(str(problem)))
        low, high = (lrs[best + lost[0] - 1], lrs[best + lost[0]]) if len(lost) else (lrs[-1], math.inf)
        edge = math.sqrt(low * high)
        best_lr = lrs[best] if best > 0 else math.nan  # the best may be below the smallest rate
        lr, predicted_edge = predicted(str(problem), parse(str(schedule)), float(str(momentum)), horizon)
        rows.append({
            "problem": problem, "momentum": momentum, "schedule": schedule, "best_lr": best_lr, "low": low, "high": high,
            "edge": edge, "margin": edge / best_lr,
            "predicted_best_lr": lr, "predicted_edge": predicted_edge, "predicted_margin": predicted_edge / lr,
        })  # fmt: skip
    return pd.DataFrame(rows)


def agreement(compared: pd.DataFrame) -> pd.DataFrame:
    """How well it was predicted, by problem, momentum and warm-up.

    Args:
        compared: What :func:`compare` returns.

    Returns:
        ``schedules``, their number; ``margin`` and ``predicted``, the medians of measured and predicted margins; ``inside``, the
        number of schedules whose predicted edge lies where the measured one does, up to a hundredth; ``edge`` and ``best_lr``,
        the median factor between predicted and measured, at least 1; ``order``, the rank correlation of the margins. The last
        three are NaN, and ``inside`` 0, where there is no edge.
    """
    rows = []
    warm = compared["schedule"].str.startswith("Warmup(").map({True: "yes", False: "no"}).rename("warmup")
    for (problem, momentum, warmup), group in compared.groupby(["problem", "momentum", warm], sort=False):
        judged = group[np.isfinite(group["edge"]) & np.isfinite(group["predicted_edge"])]
        inside = judged["predicted_edge"].between(0.99 * judged["low"], 1.01 * judged["high"])
        factors = {
            name: float(np.exp((judged[name] / judged[f"predicted_{name}"]).map(math.log).abs().median()))
            for name in ("edge", "best_lr")
        }
        order = judged["margin"].corr(judged["predicted_margin"], method="spearman") if len(judged) > 2 else math.nan
        rows.append({
            "problem": problem, "momentum": momentum, "warmup": warmup, "schedules": len(group),
            "margin": group["margin"].median(), "predicted": group["predicted_margin"].median(), "inside": int(inside.sum()),
            **factors, "order": order,
        })  # fmt: skip
    return pd.DataFrame(rows)
