r"""The expected loss of the one-dimensional family without sampling noise.

**The chain.** By symmetry :math:`y_t=|x_t|` is a Markov chain on :math:`[0,h]`, :math:`h=D/2`,

.. math:: y_{t+1} = \min(|y_t - v_t|,\, h), \qquad v_t = \eta_t(\epsilon\pm\sigma) \text{ with probability } 1/2 ,

and :math:`u_t(y)=\mathbb E[y_{T+1}\mid y_t=y]` obeys the backward Chapman-Kolmogorov equation

.. math:: u_{T+1}(y)=y, \qquad u_t(y) = \tfrac12\sum_\pm u_{t+1}\bigl(\min(|y-v_t|,h)\bigr).

**The grid.** Where :math:`u_{t+1}` has slope 1 for a step around ``y``, so has :math:`u_t`: it is
:math:`u_{t+1}-\eta_t\epsilon`, exactly. Slope 1 is lost only by starts that can still feel an end. By the inequality
of Azuma and Hoeffding a walk strays from its start by more than

.. math:: \sum_{s\ge t}\eta_s\epsilon + k\Bigl(\sum_{s\ge t}\eta_s^2\sigma^2\Bigr)^{1/2}

with probability at most :math:`2e^{-k^2/2}` (3.1e-8 for the ``k = 6`` used), so beyond that width the ends do not
matter: :math:`u_t` is a bottom layer (reflection at 0), a line of slope 1, and a top layer (clipping at ``h``), and the
layers do not meet. Each gets a grid of its own on a window :math:`h/2^j`, which doubles when the width outgrows it.
So the grid is as fine as the steps that are still to come, however fast they decay. Doubling drops every second node;
the new half is the line. Once the window is the whole interval, what the top adds to the line is added to the bottom,
and one grid remains. A step of the chain is the mean of two shifts of the grid, by cubic interpolation: eight
multiplications a node.

**Forgetting.** Large steps forget their start: once :math:`u_t` is level in ``y``, to 1e-12 of itself, earlier steps change it
no more, each value being a mean of values that agree, and the recursion ends.

**Lattices.** With constant steps and :math:`\epsilon\ge\sigma` both pushes lead to 0, the walk ends in
:math:`[0, \eta(\epsilon+\sigma)]`, and little noise is left: where the pushes are near a ratio of small integers
(``eps = 0.8 G``: 7), its law keeps to few points for thousands of steps, and the grid, which averages over points, is up
to 20 % off. There the law itself is propagated, from the start, on nodes of which both pushes are whole multiples, or
nearly (at most 256 to the larger push): exact where the ratio is rational, and where the law has spread anyway, as good
as the grid. It stops when the law does.

**The curve.** `expected_curve` propagates the law forward on nested windows :math:`[0, h/2^j]` with the same number of
nodes each, the finest as fine as a part of the next steps; probability that moves between windows is handed over exactly
inwards, where nodes coincide, and by cubic weights outwards. One pass gives the means after every step.

**Accuracy** (*measured*; schedules of the registry, ``rho`` from 1/8 to 256, ``eps`` from 0.001 to 0.999 of ``G``):
512 nodes agree with 8,192, and with all paths of short runs, to 1e-4 in the median, and to 1e-3 below ``0.4 G``. Above
it little noise smooths the kinks: shapes with a floor are off by up to 4e-3, and where both pushes are nearly multiples of
one (``eps`` about ``sigma``, 0.7 ``G``) a fifth of all runs by more than 1e-3, the largest by 1e-2 (``Polynomial(0.5)`` of
4,000 steps). The curve's end agrees to 3e-5 in the median and to 2e-3 at worst. Runs that are constant for a part only use
the grid, whatever ``eps``: above ``0.7 G`` a run that ends with a plateau, and a curve while steps hardly
change, may be some percent off. Without noise (``eps = G``) the path is computed.

**Why not 5e-4 everywhere.** Cubic interpolation of a kink at a node is off by up to an eighth of a spacing :math:`\Delta`. A
density averages that over a spacing: an error of order :math:`\Delta^2` a step. Where both pushes are multiples of one length the
chain lives on points, which meet the kink at the same place in every step: an error of order :math:`\Delta`. The windows make
:math:`\Delta` about a fortieth of a step, and the loss is about a step: 1/8 of 1/40 is 3e-3, as measured. So 5e-4 there would
take some eight times the nodes, and the time of all runs grows with them.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrtheory.checks import checked_horizon
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.simulation import propagation
from lrtheory.simulation.problems import AbsoluteValue

_REACH = 6.0
_SEARCH_HORIZON = 4000
_CURVE_NODES = 512
_LATTICE_NODES = 256  # to the larger push, at most
_LARGEST_LATTICE = 2**20
_LEVEL_SLOPES = np.array([10.0, 12, 15, 20, 25, 30, 40, 50, 60, 80])
"""Of each decade, the slopes among which one is chosen where the loss is level; none is above 0.7 of ``G``."""
_LEVEL = 5e-3
"""Losses that differ by less are level: far above rounding, and about what the grid of nodes is off by."""
_LATTICES = 0.04
"""By so much a loss above ``0.7 G`` may exceed the others and still be level: single slopes make lattices there."""


MOST_NODES = 2**20
SMALLEST = 1e-150
"""A step that is smaller counts as zero."""


def expected_loss(problem: AbsoluteValue, schedule: Schedule, *, horizon: int, lr: float, nodes: int = 512) -> float:
    r"""The expected loss of the last iterate, :math:`\mathbb E f(x_{T+1}) - f^\star`, without sampling noise.

    Args:
        problem: The one-dimensional family with Rademacher noise.
        schedule: The shape of the learning rate.
        horizon: Number of steps :math:`T`.
        lr: Base learning rate, positive.
        nodes: Intervals of the grid, an even number from 8 to 2^20; time is proportional to ``horizon * nodes``.

    Raises:
        TypeError: the problem or the schedule is of another kind.
        ValueError: the noise is not Rademacher, or a number is outside of its range.

    Example:
        >>> from lrtheory import Cosine
        >>> round(expected_loss(AbsoluteValue(0.02), Cosine(), horizon=1000, lr=0.03), 5)
        0.0038

    Source:
        Derived here: see the module.
    """
    _check(problem, schedule)
    return expected_loss_of_steps(problem, schedule.steps(horizon, lr), nodes=nodes)


def expected_loss_of_steps(problem: AbsoluteValue, steps: NDArray[np.float64], *, nodes: int = 512) -> float:
    """As `expected_loss`, for an array of steps.  Most of the time is spent without the interpreter lock.

    Example:
        >>> expected_loss_of_steps(AbsoluteValue(1.0), np.array([0.125, 0.25]))
        0.125
    """
    if not 8 <= nodes <= MOST_NODES or nodes % 2:
        raise ValueError(f"nodes must be an even number from 8 to {MOST_NODES}, not {nodes}.")
    steps = np.ascontiguousarray(steps, np.float64)
    if steps.ndim != 1 or not (np.isfinite(steps) & (steps >= 0)).all():
        raise ValueError("steps must be a one-dimensional array of finite numbers, none negative.")
    steps = np.where(steps < SMALLEST, 0.0, steps)  # their squares would underflow
    curve = _lattice_curve(problem, steps)
    if curve is not None:
        return problem.eps * float(curve[-1])
    # Steps that cannot matter, zeros among them, would ask for a window without width.
    steps = steps[steps > 1e-20 * steps.max(initial=0.0)]
    if steps.size == 0:
        return problem.eps * abs(problem.start or 0.0)
    distance = propagation.expected_distance(
        steps, problem.eps, problem.noise_scale, abs(problem.start or 0.0), problem.bound, nodes, _REACH
    )
    return problem.eps * max(float(distance), 0.0)  # few nodes interpolate a hair below zero


def expected_curve(problem: AbsoluteValue, schedule: Schedule, *, horizon: int, lr: float) -> NDArray[np.float64]:
    r"""The expected loss of every iterate, :math:`\mathbb E f(x_t) - f^\star` for :math:`t=1,\dots,T+1`, in one pass.

    Args:
        problem: The one-dimensional family with Rademacher noise.
        schedule: The shape of the learning rate.
        horizon: Number of steps :math:`T`.
        lr: Base learning rate, positive.

    Returns:
        Shape ``(horizon + 1,)``: before the first step, and after each.

    Raises:
        TypeError: the problem or the schedule is of another kind.
        ValueError: the noise is not Rademacher, or a number is outside of its range.

    Example:
        >>> from lrtheory import Cosine
        >>> curve = expected_curve(AbsoluteValue(0.02), Cosine(), horizon=1000, lr=0.03)
        >>> curve[[0, 500, 1000]].round(4)
        array([0.01  , 0.0043, 0.0038])

    Source:
        Derived here: see the module.
    """
    _check(problem, schedule)
    steps = schedule.steps(checked_horizon(horizon), lr)
    curve = _lattice_curve(problem, steps)
    if curve is None and problem.noise_scale > 0:
        curve = propagation.distance_curve(
            steps, problem.eps, problem.noise_scale, abs(problem.start or 0.0), problem.bound, _CURVE_NODES
        )
    elif curve is None:
        curve = np.empty(steps.size + 1)
        curve[0] = abs(problem.start or 0.0)
        for t, step in enumerate(steps):
            curve[t + 1] = min(abs(curve[t] - step * problem.eps), problem.bound)
    return problem.eps * curve


def _lattice_curve(problem: AbsoluteValue, steps: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Mean distances after every step where both pushes are constant and lead to 0; None where they do not."""
    strong, weak = problem.eps + problem.noise_scale, problem.eps - problem.noise_scale
    if steps.size == 0 or problem.noise_scale == 0 or weak < 0 or not (steps == steps[0]).all():
        return None
    push, start = steps[0] * strong, abs(problem.start or 0.0)
    if not 0 < push <= problem.bound:
        return None
    counts = np.arange(1, _LATTICE_NODES + 1)
    misfits = np.abs(counts * weak / strong - np.rint(counts * weak / strong))
    fits = counts[misfits < 1e-12 * counts]
    half = _LATTICE_NODES // 2
    # The coarsest lattice that fits, or the best of those that are fine enough.
    fine = int(fits[0]) if fits.size else int(counts[half + np.argmin(misfits[half:])])
    if start / push * fine > _LARGEST_LATTICE:
        return None
    return propagation.lattice_curve(steps.size, push, steps[0] * weak, start, fine)


def worst_eps(
    schedule: Schedule, *, horizon: int, lr: float, diameter: float = 1.0, lipschitz: float = 1.0
) -> tuple[float, float]:
    r"""The slope for which a schedule does worst on the one-dimensional family, and its expected loss there.

    .. math:: \sup_{\epsilon}\; \epsilon\,\mathbb E|x_{T+1}|, \qquad 0 < \epsilon \le G\sqrt{T/(T+4)} .

    The upper end keeps noise of two steps or more over the run. Without it the path is a fixed zigzag, whose last
    point depends on the remainder of ``D/2`` divided by the step and not on the schedule.

    Args:
        schedule: The shape of the learning rate.
        horizon: Number of steps :math:`T`.
        lr: Base learning rate, positive.
        diameter: Length of the interval; the start is its end.
        lipschitz: Root mean square of the stochastic gradients.

    Returns:
        The slope and the loss there. The slope is a choice that rounding does not move: where the loss has a peak, the
        peak's place to three digits of ``G``; where the loss is level up to ``G``, as for constant rates, the smallest
        of ten slopes a decade up to ``0.7 G`` whose loss is within 5e-3 of the largest among them. *Measured* against
        a dense search: the loss is within 1e-4 of the largest where it has a peak, 1e-2 for tens of steps, which make
        many small peaks, and 4e-2 where it is level: there single slopes above ``0.7 G``, for which the chain lives on a
        lattice, lie above by some percent.

    Raises:
        TypeError: the schedule is not a `Schedule`.
        ValueError: a number is outside of its range.

    Example:
        >>> from lrtheory import Polynomial
        >>> eps, loss = worst_eps(Polynomial(1), horizon=1000, lr=0.5)
        >>> round(eps, 2), round(loss, 4)
        (0.11, 0.0131)
    """
    _check(AbsoluteValue(0.0, diameter, lipschitz), schedule)
    horizon = checked_horizon(horizon)
    steps = schedule.steps(horizon, lr)

    def loss_at(slope: float, steps: NDArray[np.float64], nodes: int = 512) -> float:
        return expected_loss_of_steps(AbsoluteValue(slope, diameter, lipschitz), steps, nodes=nodes)

    def loss_of(steps: NDArray[np.float64], nodes: int) -> Callable[[float], float]:
        return lambda log_eps: loss_at(math.exp(log_eps), steps, nodes)

    # As functions of eps * sqrt(T), runs of different length look alike if their sums of steps grow with sqrt(T): a
    # short run tells where to look.
    short = min(horizon, _SEARCH_HORIZON)
    ratio = math.sqrt(horizon / short)
    shape = schedule.steps(short)
    ceiling = _log_ceiling(lipschitz, short)
    stride = 0.25 if horizon > short else 0.05  # few steps make a loss with many small peaks
    grid = np.arange(ceiling, -math.log(10 * math.sqrt(short)) + math.log(lipschitz) - stride, -stride)[::-1]
    losses = np.array(list(map(loss_of(shape * (steps.sum() / ratio / shape.sum()), 64), grid)))
    ceiling = _log_ceiling(lipschitz, horizon)
    start = min(_peak(grid, losses) - math.log(ratio), ceiling)
    if losses[-1] > 0.9 * losses.max():  # level up to G, or rising up to it
        highest = math.exp(ceiling)
        slopes = lipschitz * _level_slopes(math.exp(grid[0]) / lipschitz / ratio, highest / lipschitz)
        level = np.zeros(slopes.size)
        for place in range(slopes.size - 1, -1, -1):
            if slopes[place] * diameter / 2 < (1 - _LEVEL) * level.max():  # at no distance is its loss as large
                break
            level[place] = loss_at(slopes[place], steps)
        beyond = max(loss_at(min(part * lipschitz, highest), steps) for part in (0.8, 0.9, 1.0))
        if beyond <= (1 + _LATTICES) * level.max():
            chosen = int(np.argmax(level >= (1 - _LEVEL) * level.max()))
            return float(slopes[chosen]), float(level[chosen])
        if horizon > short:  # slopes near G matter, of which a short run says little
            grid = np.array([*np.arange(start, ceiling - 0.1, 0.25), ceiling])
            start = _peak(grid, np.array(list(map(loss_of(steps, 64), grid))))
    located = _climb(loss_of(steps, 128), start, ceiling)
    slope = lipschitz * _rounded(math.exp(located) / lipschitz, math.exp(ceiling) / lipschitz)
    return slope, loss_at(slope, steps)


def _level_slopes(low: float, high: float) -> NDArray[np.float64]:
    """The slopes, as parts of ``G``, that are tried where the loss is level."""
    decades = range(math.floor(math.log10(low)), 0)
    slopes = np.concatenate([_LEVEL_SLOPES / 10.0 ** (1 - decade) for decade in decades])
    return slopes[(slopes <= 0.7) & (slopes <= high)]


def _rounded(part: float, highest: float) -> float:
    """A part of ``G`` to three digits, and not above the highest."""
    unit = 10.0 ** (2 - math.floor(math.log10(part)))
    nearest = round(part * unit) / unit
    return nearest if nearest <= highest else math.floor(highest * unit) / unit


def _log_ceiling(lipschitz: float, horizon: int) -> float:
    return math.log(lipschitz) - math.log1p(4 / horizon) / 2


def _peak(points: NDArray, values: NDArray) -> float:
    """Where the parabola through the largest value and its neighbours has its top; an end if the largest is there."""
    i = int(np.argmax(values))
    if i in (0, values.size - 1):
        return float(points[i])
    left, right = points[i - 1] - points[i], points[i + 1] - points[i]
    fall_left, fall_right = (values[i - 1] - values[i]) / left, (values[i + 1] - values[i]) / right
    curvature = fall_right - fall_left
    if curvature == 0:  # level
        return float(points[i])
    return float(points[i] + (fall_right * left - fall_left * right) / (2 * curvature))


def _climb(function: Callable[[float], float], start: float, ceiling: float) -> float:
    """Where a function with one peak below the ceiling is largest: uphill in growing strides, then between the last."""
    stride = finest = 0.1
    level = 1 + 1e-4  # a rise that is not worth a stride
    points = [start - stride, start, start + stride] if start + stride <= ceiling else [ceiling - stride, ceiling]
    values = [function(point) for point in points]
    while values[-1] > level * values[-2] and points[-1] < ceiling:
        stride = max(finest, (points[-1] - start) / 2)
        points.append(min(points[-1] + stride, ceiling))
        values.append(function(points[-1]))
    while values[0] > level * values[1]:
        stride = max(finest, (start - points[0]) / 2)
        points.insert(0, points[0] - stride)
        values.insert(0, function(points[0]))
    i = int(np.argmax(values))
    if stride > finest and 0 < i < len(points) - 1:
        from scipy import optimize

        found: Any = optimize.minimize_scalar(
            lambda point: -function(point), bounds=(points[i - 1], points[i + 1]), options={"xatol": 0.03}
        )
        return float(found.x) if -found.fun > values[i] else points[i]
    return _peak(np.array(points), np.array(values))


def _check(problem: AbsoluteValue, schedule: Schedule) -> None:
    if not isinstance(problem, AbsoluteValue):
        raise TypeError(f"problem must be an AbsoluteValue, not {type(problem).__name__}; simulate takes any problem.")
    if problem.noise != "rademacher":
        raise ValueError("The distribution is propagated for Rademacher noise only; simulate takes Gaussian noise.")
    checked_schedule("schedule", schedule)
