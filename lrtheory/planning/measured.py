r"""Which rates to try on a network: a grid planned with the measured curve, and the next rate after some results.

The best rate is taken to be uniform in the logarithm on the range, with a tenth of the chance in the decade on either
side of it, and as likely on to a decade beyond all that was tried: a sweep that ends at its best is planned further,
however far. A *trial* that is not lost leaves the regret :math:`f(d)` of :mod:`lrtheory.planning.excess_curve`; the
regret of a plan is that of its best trial, 1 (all of the gain) where all are lost.

* :func:`plan_measured` spaces all points equally in the logarithm and says what is expected of them. Points that were placed
  to have the least expected regret did worse when they were replayed on grids that the curves had not seen: they needed 1.4
  [1.05, 1.68] and 1.3 times the trials of equal spacing to a regret of 1 %, for they avoided the upper end (*measured*, 33 grids,
  three ranges each).
* :func:`next_lr` weighs curves and best rates by the likelihood of the losses so far and proposes the rate whose expected
  improvement, less the price of the chance that it is lost, is largest; it says stop where the expected regret is below the
  tolerance.

**Status.** Heuristic, with *measured* performance (``figures/data/measured_planning.csv``). No guarantee.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrtheory.checks import is_number
from lrtheory.planning.excess_curve import MEASURED, ExcessModel, chance_lost, excess, log_likelihood
from lrtheory.theory.grid_planning import checked_range, html_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

BEYOND = 0.1
"""The chance that the best rate lies outside of the range that was given."""
BEYOND_DECADES = 1.0
PLACES = 48
"""Best rates on the range and a decade on either side; more, as far apart, where results lie farther out."""
OFFERED = 61
"""Rates that are weighed against one another on the same length."""
NOTHING = np.empty(0)
MOST_PLANNED = 40
PRICE = 0.002
"""What a lost run costs beside its trial, as a fraction of the gain."""


@dataclass(frozen=True)
class MeasuredPlan:
    """Rates to try, and what is expected of them.

    Args:
        low: Lower end of the range.
        high: Upper end.
        points: The rates, rising.
        regret: The expected fraction of the gain that the best trial leaves.
        lost: The chance of each point to be lost.
        all_lost: The chance that every one is.
    """

    low: float
    high: float
    points: tuple[float, ...]
    regret: float
    lost: tuple[float, ...]
    all_lost: float

    def __str__(self) -> str:
        shown = ", ".join(f"{point:.3g}" for point in self.points)
        return (
            f"Try {shown}.\nBest rate in [{self.low:g}, {self.high:g}], networks as measured: the best trial is expected to"
            f" leave {self.regret:.1%} of what training gains; {sum(self.lost):.1f} of {len(self.points)} runs are"
            f" expected to be lost, all of them with a chance of {self.all_lost:.2g}."
        )

    def _repr_html_(self) -> str:
        return html_of(str(self), self.to_frame())

    def to_frame(self) -> "pd.DataFrame":
        """One row for each trial: its rate ``lr``, and the chance ``lost`` that it is lost."""
        import pandas as pd

        return pd.DataFrame({"lr": self.points, "lost": self.lost})

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the chance of each trial to be lost against its rate, with the range shaded.

        Args:
            ax: The axes to draw on; new ones by default.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        ax.axvspan(self.low, self.high, color="0.9", label="range of the best rate")
        ax.plot(self.points, self.lost, "o-", label="trials")
        ax.set(xlabel="learning rate", ylabel="chance that the run is lost", xscale="log", ylim=(0, 1))
        ax.legend()
        return ax


@dataclass(frozen=True)
class Suggestion:
    """The next rate, or that there is nothing left to try.

    Args:
        lr: The rate; none where it is time to stop.
        regret: The expected fraction of the gain that the best trial so far leaves.
        improvement: The amount by which the next trial is expected to lower the regret.
        lost: The chance that the next trial is lost; none at a stop.
        best: The best rate so far; none where every trial was lost or there was none.
        likely: The interval that holds the best rate with a chance of 95 %.
    """

    lr: float | None
    regret: float
    improvement: float
    lost: float | None
    best: float | None
    likely: tuple[float, float]

    def __str__(self) -> str:
        lines = [f"Stop: {self.best:.3g} is good enough." if self.lr is None else f"Try {self.lr:.3g} next."]
        if self.best is None:
            lines.append("No run so far has learned anything.")
        else:
            lines.append(
                f"The best rate so far, {self.best:.3g}, is expected to leave {self.regret:.2%} of what training gains."
            )
        lines.append(
            f"The best rate of all lies in [{self.likely[0]:.2g}, {self.likely[1]:.2g}] with a chance of 95 %."
        )
        if self.lost is not None:
            lines.append(f"The next run is lost with a chance of {self.lost:.2g}.")
        return "\n".join(lines)


def plan_measured(
    low: float, high: float, *, trials: int | None = None, tolerance: float | None = None, model: ExcessModel = MEASURED
) -> MeasuredPlan:
    """Rates that are equally spaced in the logarithm, and what is expected of them on networks.

    Args:
        low: Lower end of the range that holds the best rate, positive.
        high: Upper end.
        trials: The number of points, at most 40.
        tolerance: The expected regret that may be left, a fraction of the gain in (0, 1); the fewest points that keep it.
            Exactly one of ``trials`` and ``tolerance`` must be given.
        model: The curves.

    Raises:
        ValueError: a number outside of its range, both or neither of ``trials`` and ``tolerance``, or a tolerance that 40
            trials do not keep.

    Example:
        >>> plan = plan_measured(1e-4, 1e-1, trials=4)
        >>> len(plan.points), plan.regret < plan_measured(1e-4, 1e-1, trials=3).regret
        (4, True)

    Source:
        Measured: see the module.
    """
    low, high = checked_range(low, high)
    if (trials is None) == (tolerance is None):
        raise ValueError(
            "give exactly one of trials (a number of runs) and tolerance (an expected fraction of the gain)."
        )
    if trials is not None:
        if isinstance(trials, bool) or not isinstance(trials, int | np.integer) or not 1 <= trials <= MOST_PLANNED:
            raise ValueError(f"trials must be a whole number from 1 to {MOST_PLANNED}, not {trials!r}.")
        return expected(low, high, equally_spaced(low, high, int(trials)).tolist(), model=model)
    if tolerance is None or not (is_number(tolerance) and 0 < tolerance < 1):
        raise ValueError(f"tolerance must be a fraction of the gain in (0, 1), not {tolerance!r}.")
    for count in range(1, MOST_PLANNED + 1):
        plan = expected(low, high, equally_spaced(low, high, count).tolist(), model=model)
        if plan.regret <= tolerance:
            return plan
    raise ValueError(f"{MOST_PLANNED} trials leave {plan.regret:.2g} of the gain on this range: allow more.")


def equally_spaced(low: float, high: float, trials: int) -> np.ndarray:
    """Rates in the middles of as many parts of a range that are equal in the logarithm.

    Example:
        >>> equally_spaced(1.0, 1e4, 2).round(9).tolist()
        [10.0, 1000.0]
    """
    return low * (high / low) ** ((np.arange(trials) + 0.5) / trials)


def expected(low: float, high: float, points: Sequence[float], *, model: ExcessModel = MEASURED) -> MeasuredPlan:
    """What is expected on networks of rates that were placed by other means.

    Args:
        low: Lower end of the range that holds the best rate, positive.
        high: Upper end.
        points: The rates, rising, positive.
        model: The curves.

    Raises:
        ValueError: a number outside of its range, or no points.

    Example:
        Rates that all lie low are seldom lost, and leave more:

        >>> low, even = expected(1e-4, 1e-1, [1e-4, 2e-4]), plan_measured(1e-4, 1e-1, trials=2)
        >>> low.regret > even.regret, sum(low.lost) < sum(even.lost)
        (True, True)

    Source:
        Measured: see the module.
    """
    low, high = checked_range(low, high)
    if not len(points) or not all(is_number(point) and 0 < point < math.inf for point in points):
        raise ValueError("points must be positive and finite rates, at least one.")
    places, weights = _places(low, high)
    curves = model.sample()
    distance = np.log(np.asarray(points, dtype=float))[:, None, None] - places[:, None]  # (points, places, curves)
    chance = chance_lost(curves, distance, model.width)
    # One level of luck for each curve decides about all of its runs: those farther up are lost first.
    luck = ((np.arange(len(curves)) + 0.5) * 0.618034) % 1
    outcome = np.where(chance > luck, 1.0, excess(curves, distance))
    score = weights[:, None] / len(curves)
    lost = (chance * score).sum((1, 2))
    return MeasuredPlan(
        low, high, tuple(float(point) for point in points), float((outcome.min(0) * score).sum()),
        tuple(float(part) for part in lost), float((chance.min(0) * score).sum()),
    )  # fmt: skip


def next_lr(
    results: Iterable[tuple[float, float | None]],
    low: float,
    high: float,
    *,
    initial_loss: float,
    tolerance: float = 0.003,
    model: ExcessModel = MEASURED,
) -> Suggestion:
    """The next rate to try after some results, or a stop.

    Args:
        results: Pairs of a rate and its final loss; a loss that is none or not finite is a run that diverged. Runs that are not
            finished are left out, or given with the loss that they are expected to reach.
        low: Lower end of the range that was thought to hold the best rate; results may lie outside.
        high: Upper end.
        initial_loss: The loss before training, as the logarithm of the number of classes.
        tolerance: Stop where the expected regret of the best trial is below this fraction of the gain.
        model: The curves.

    Raises:
        ValueError: a rate is not positive and finite, a number outside of its range, or no loss below ``initial_loss`` though
            some are finite.

    Example:
        A sweep that ended at its best is planned further:

        >>> suggestion = next_lr([(0.01, 1.2), (0.03, 1.0), (0.1, 0.8)], 0.01, 0.1, initial_loss=2.3)
        >>> suggestion.lr > 0.1
        True

    Source:
        Measured: see the module.
    """
    low, high = checked_range(low, high)
    pairs = [(lr, loss) for lr, loss in results]
    if not all(is_number(lr) and 0 < lr < math.inf for lr, _ in pairs):
        raise ValueError("every rate of the results must be positive and finite.")
    if not (is_number(tolerance) and 0 < tolerance < 1):
        raise ValueError(f"tolerance must be a fraction of the gain in (0, 1), not {tolerance!r}.")
    if not (is_number(initial_loss) and math.isfinite(initial_loss)):
        raise ValueError(f"initial_loss must be a finite number, not {initial_loss!r}.")
    losses = np.array([math.inf if loss is None or not math.isfinite(loss) else loss for _, loss in pairs])
    tried = np.log(np.array([lr for lr, _ in pairs], dtype=float))
    known = np.isfinite(losses)
    if known.any() and losses.min() >= initial_loss:
        known[:] = False  # nothing was learned anywhere: every trial counts as lost
    fraction = np.ones(len(pairs))
    if known.any():
        best_loss = losses[known].min()
        fraction[known] = np.clip((losses[known] - best_loss) / (initial_loss - best_loss), 0, 1)
    return _weighed(tried, fraction, bool(known.any()), low, high, tolerance, model)


def _weighed(
    tried: np.ndarray,
    fraction: np.ndarray,
    any_known: bool,
    low: float,
    high: float,
    tolerance: float,
    model: ExcessModel,
) -> Suggestion:
    places, weights = _places(low, high, tried)
    curves = model.sample(128)
    log_weight = np.log(weights)[:, None] + np.zeros(len(curves))
    regret = np.ones((len(places), len(curves)))
    if len(tried):
        distance = tried - places[:, None, None]  # (places, 1, trials)
        if any_known:
            log_weight = log_weight + log_likelihood(curves[None, :, None, :], distance, fraction, model.width)
            regret = excess(curves[None], (tried[int(np.argmin(fraction))] - places)[:, None])
        else:
            log_weight = log_weight + np.log(chance_lost(curves[None, :, None, :], distance, model.width) + 1e-3).sum(
                -1
            )
    weight = np.exp(log_weight - log_weight.max())
    weight /= weight.sum()
    offered = np.linspace(places[0], places[-1], round(OFFERED * len(places) / PLACES))
    ahead = offered[:, None, None] - places[:, None]
    lost = chance_lost(curves, ahead, model.width)
    gained = ((1 - lost) * np.maximum(regret - excess(curves, ahead), 0) * weight).sum((1, 2))
    lost = (lost * weight).sum((1, 2))
    if len(tried):  # no rate is tried twice
        gained[np.abs(offered[:, None] - tried).min(1) < 0.6 * (offered[1] - offered[0])] = -np.inf
    choice = int(np.argmax(gained - PRICE * lost))
    expected = float((regret * weight).sum())
    cumulated = np.cumsum(weight.sum(1))
    ends = np.searchsorted(cumulated, [0.025, 0.975]).clip(max=len(places) - 1)
    best = float(np.exp(tried[int(np.argmin(fraction))])) if any_known else None
    stop = any_known and expected <= tolerance
    return Suggestion(
        None if stop else float(np.exp(offered[choice])), expected, max(float(gained[choice]), 0.0),
        None if stop else float(lost[choice]), best, (float(np.exp(places[ends[0]])), float(np.exp(places[ends[1]]))),
    )  # fmt: skip


def _places(low: float, high: float, tried: np.ndarray = NOTHING) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of best rates, and how likely each is before any result, up to a common factor.

    They reach a decade beyond the range and beyond all that was tried, equally far apart however far that is.
    """
    beyond = BEYOND_DECADES * math.log(10)
    ends = np.append(tried, [math.log(low), math.log(high)])
    bottom, top = ends.min() - beyond, ends.max() + beyond
    places = np.linspace(bottom, top, round(PLACES * (top - bottom) / (math.log(high / low) + 2 * beyond)))
    inside = (places >= math.log(low)) & (places <= math.log(high))
    if not inside.any():
        inside[np.argmin(np.abs(places - math.log(low * high) / 2))] = True
    weights = np.where(inside, (1 - BEYOND) / inside.sum(), BEYOND / max(PLACES - inside.sum(), 1))
    return places, weights
