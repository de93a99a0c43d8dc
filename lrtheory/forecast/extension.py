r"""A run goes on: what to do with the steps that were added.

**Theorem.** After any first steps, and for any loss :math:`b(S)+Be_1` with a bias that does not rise with the summed rate
:math:`S`, the best way to spend ``n`` more steps is linear decay to zero, :math:`\eta_{t+j}=r\,(n+1-j)/n`, with one rate
:math:`r` to choose.

**Proof** (identities: :func:`proof`). In the notation of :mod:`lrtheory.forecast.linear_decay`, let :math:`A` be the state
before the added steps. The noise of the first steps depends on :math:`A` only. The added steps have noise
:math:`\sum_{j\le n+1}b_j^2` with :math:`\sum b_j=A` and sum of rates :math:`\tfrac12(A^2-\sum b_j^2)`. Equal :math:`b_j` make the
first smallest and the second largest, and they are linear decay. ∎

On a bounded domain the worst case is the smallest such value over restarts, so linear decay is best there too. The first steps
may also be cut: a run that kept a checkpoint at step ``k`` can *branch* there and spend the same number of new steps on linear
decay, so that what came after ``k`` is thrown away. The price of not having known is the worst case over that of linear decay
with the best rate over all :math:`T` steps, :math:`1/\sqrt{T+1}`; under a forecast, how much larger the final loss is than
that of linear decay at its best rate.

**One number.** Linear decay that ``n`` steps before the end has the state :math:`s=A^2` has differences
:math:`b=\sqrt s/(n+1)`, noise :math:`s/(n+1)` and the first rate :math:`ns/(n+1)^2`: the search runs over :math:`s`, at one
pass over the first steps for all states that are tried together.

**Status.** *Proved* for the worst case on a bounded domain (after a restart :math:`b=D^2/2s_1`, which falls as :math:`S`
grows) and for forecasts with constant gradients; under other forecasts linear decay is what is searched over, not proved to be
best. The minimum over rates and checkpoints is *verified* by search. Against two-stage runs of language models: *measured*
(:func:`lrtheory.sweeps.forecast_extensions.extensions`).

**Source.** Here. Two stages of language-model runs with a second rate from the published bound: Schaipp et al., arXiv
2501.18965.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from lrtheory.checks import checked_horizon, checked_positive
from lrtheory.compilation import CACHE
from lrtheory.estimate import Estimate
from lrtheory.schedules import Polynomial
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.theory.last_iterate import tuned_lr, worst_case
from lrtheory.theory.theorem import Evidence, Theorem

if TYPE_CHECKING:
    import sympy

    from lrtheory.forecast.forecast import Forecast

BRANCHES = 24
"""Checkpoints that are tried, spread evenly over the first run."""
LOWEST, HIGHEST = -8.0, 4.0
"""Logarithms of the second stage's first rate over the base rate of the first run, between which the best one is searched."""


@dataclass(frozen=True)
class Stage:
    """A second stage: linear decay to zero from a checkpoint of the first run.

    Args:
        kept: Steps of the first run that are kept.
        rate: The first rate of the second stage, over the base rate of the first run.
        price: What it costs not to have known the horizon: the worst case over that of a run that knew it; under a forecast,
            the final loss less that of such a run, with a 95 % interval over resampled fits.
    """

    kept: int
    rate: float
    price: Estimate


@dataclass(frozen=True)
class Extension:
    """What to do when a run goes on.

    Args:
        schedule: The schedule of the first run.
        done: The number of its steps.
        horizon: The steps of the first run and the new ones.
        go_on: The best second stage after all of the first run.
        branch: The best one from a checkpoint.
        known: Under a forecast, the final loss of a run that knew its horizon; None under the worst case.
    """

    schedule: Schedule
    done: int
    horizon: int
    go_on: Stage
    branch: Stage
    known: Estimate | None = None

    def steps(self, stage: Stage, lr: float = 1.0) -> np.ndarray:
        """The rates of the steps that are kept and of the new ones.

        Args:
            stage: The stage to run, one of the two.
            lr: The base rate of the first run.
        """
        return lr * _joined(self.schedule.steps(self.done)[: stage.kept], self.horizon - self.done, stage.rate)


def extend(
    schedule: Schedule, done: int, horizon: int, *, lr: float | None = None, forecast: "Forecast | None" = None
) -> Extension:
    """The best second stage when a run of ``done`` steps goes on to ``horizon``, and the price of not having known.

    Args:
        schedule: The schedule of the first run.
        done: Steps of the first run.
        horizon: More than ``done``: there are ``horizon - done`` new steps, whichever checkpoint they start from.
        lr: The base rate of the first run, under a forecast only: under the worst case it is the one that is tuned for
            ``done`` steps, and rates are stated over it.
        forecast: A fitted forecast; by default the worst case on a bounded domain, which has no interval.

    Returns:
        Two second stages, each linear decay to zero: after all steps, and from the best checkpoint.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: ``horizon`` is not above ``done``; or ``lr`` without a forecast, or a forecast without ``lr``.

    Example:
        A run under cosine decay is doubled. Its second stage starts at 0.42 of the first one's base rate, and costs 8 %:

        >>> from lrtheory import Cosine
        >>> plan = extend(Cosine(), 500, 1000)
        >>> plan.go_on.kept, round(plan.go_on.rate, 2), round(plan.go_on.price.value, 2)
        (500, 0.42, 1.08)

    Source:
        Proved here: see the module.
    """
    checked_schedule("schedule", schedule)
    done, horizon = checked_horizon(done), checked_horizon(horizon)
    if horizon <= done:
        raise ValueError(f"horizon must be above the {done} steps that are done, not {horizon}.")
    if (lr is None) != (forecast is None):
        raise ValueError(
            "give lr and forecast together: the worst case takes the rate that is tuned for the first run."
        )
    first, added = schedule.steps(done), horizon - done
    kept = sorted({max(round(part * done), 1) for part in np.linspace(0, 1, BRANCHES + 1)[1:]})
    if forecast is None:
        known, tuned = None, tuned_lr(schedule, done, diameter=1.0)
        stages = [_worst_case_stage(tuned * first[:k], added, tuned, horizon) for k in kept]
    else:
        known, stages = _forecast_stages(first, kept, added, checked_positive("lr", lr), forecast)
    return Extension(schedule, done, horizon, stages[-1], min(stages, key=lambda stage: stage.price.value), known)


def _joined(first: np.ndarray, added: int, rate: float) -> np.ndarray:
    return np.concatenate([first, rate * (1 - np.arange(added) / added)])


def _worst_case_stage(first: np.ndarray, added: int, lr: float, horizon: int) -> Stage:
    """The best state between the two parts, by grids that close in on it, each a pass over the first steps."""
    low, high = (math.log(lr * (added + 1) ** 2 / added) + end for end in (LOWEST, HIGHEST))
    losses, states = np.empty(0), np.empty(0)
    for points in (FIRST, *(9,) * CLOSER):
        logarithms = np.linspace(low, high, points)
        states = np.exp(logarithms)
        losses = _losses(first, states, added)
        best = int(np.argmin(losses))
        low, high = logarithms[max(best - 1, 0)], logarithms[min(best + 1, points - 1)]
    price = float(losses.min()) * math.sqrt(horizon + 1)
    rate = float(states[np.argmin(losses)]) * added / (added + 1) ** 2
    return Stage(first.size, rate / lr, Estimate(price, price, price))


FIRST, CLOSER = 49, 7
"""Points of the first grid, and grids of nine, each a quarter as wide as the one before: states are found to 1e-5."""


@numba.njit(cache=CACHE, nogil=True)
def _losses(first: np.ndarray, states: np.ndarray, added: int) -> np.ndarray:
    """The worst case of the first steps and linear decay from each state; lengths and gradients count in ``D`` and ``G``."""
    losses = np.full(states.size, 0.5 + 0.5)  # no step at all
    squares, noises = states.copy(), states / (added + 1)
    for i in range(states.size):
        for left in range(1, added + 1):  # restarts within the second stage
            b = states[i] * ((left + 1) / (added + 1)) ** 2
            losses[i] = min(losses[i], _loss(b, b / (left + 1)))
    for k in range(first.size - 1, -1, -1):
        step = first[k]
        for i in range(states.size):
            base = max(squares[i], step)
            gain = step * (step / base)
            noises[i] += (base - squares[i]) + gain
            squares[i] = base + 2 * step + gain
            losses[i] = min(losses[i], _loss(squares[i], noises[i]))
    return losses


@numba.njit(cache=CACHE, nogil=True)
def _loss(square: float, noise: float) -> float:
    reached = max(square, 1.0)  # D/G: a larger virtual last step
    return 1 / (2 * reached) + (noise + reached - square) / 2


def _forecast_stages(
    first: np.ndarray, kept: list[int], added: int, lr: float, forecast: "Forecast"
) -> tuple[Estimate, list[Stage]]:
    """The best second stages under a forecast, and the loss of linear decay at its best rate over all steps."""
    from scipy.optimize import minimize_scalar

    places = [k for k in kept if first[:k].any()]  # a run that has not moved has no second stage
    rates = []
    for k in places:

        def loss(log_rate: float, k: int = k) -> float:
            steps = _joined(lr * first[:k], added, lr * math.exp(log_rate))
            return float(forecast.of_steps(steps, [steps.size])[0])

        grid = np.linspace(LOWEST, HIGHEST, 13)
        best = int(np.argmin([loss(log_rate) for log_rate in grid]))
        around = grid[max(best - 1, 0)], grid[min(best + 1, grid.size - 1)]
        found: Any = minimize_scalar(loss, bounds=around, method="bounded")
        rates.append(math.exp(found.x))
    horizon, decay = first.size + added, Polynomial(1)
    whole = decay.steps(horizon, forecast.best_lr(decay, horizon).value)
    joined = [_joined(lr * first[:k], added, lr * rate) for k, rate in zip(places, rates)]
    prices = forecast.finals(joined, less=whole)
    return forecast.finals([whole])[0], [Stage(*each) for each in zip(places, rates, prices)]


def proof() -> "dict[str, sympy.Expr]":
    r"""The identities of the proof for linear decay in the place of the added steps, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    state, n = sympy.symbols("A n", positive=True)
    j = sympy.symbols("j", integer=True, positive=True)
    b = state / (n + 1)
    after = (n + 1 - j) * b  # the state after the j-th added step
    total: sympy.Expr = sympy.summation(b * after, (j, 1, n))  # type: ignore[assignment]
    identities = {
        "equal differences are linear decay": b * after - n * state**2 / (n + 1) ** 2 * (n + 1 - j) / n,
        "the sum of rates is what the differences leave": total - (state**2 - (n + 1) * b**2) / 2,
        "the noise": (n + 1) * b**2 - state**2 / (n + 1),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def witness() -> Evidence:
    """The worst case of the steps that are planned, by the recursion that the search does not use."""
    plan = extend(Polynomial(2), 300, 500)
    steps = plan.steps(plan.go_on, tuned_lr(Polynomial(2), 300, diameter=1.0))
    return Evidence(worst_case(steps, diameter=1.0) * math.sqrt(501), plan.go_on.price.value, 1e-9)


THEOREM = Theorem(
    name="extension",
    statement="When a run goes on, linear decay to zero is the best second stage, whatever the first one was",
    status="proved",
    source="Here",
    module=__name__,
    attained="by linear decay from one rate, which a search finds",
    proof=proof,
    witness=witness,
)
