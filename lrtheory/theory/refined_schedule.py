r"""The best steps when the size of gradients changes over the run.

**Setting.** As in :mod:`lrtheory.theory.last_iterate`, with :math:`\mathbb E\|g_t\|^2\le G_t^2` at step ``t`` and
:math:`G_{T+1}` at the output; :math:`\|x_1-x^\star\|\le R`.

**Theorem.** For :math:`a>0` let :math:`A_{T+1}=a`, :math:`A_t=A_{t+1}+\eta_t/A_{t+1}`. Then

.. math:: \mathbb Ef(x_{T+1})-f^\star\;\le\;\min_{a>0}\frac12\Big[\frac{R^2}{A_1^2}
    +\sum_{t\le T}G_t^2(A_t-A_{t+1})^2+G_{T+1}^2a^2\Big],

and over all steps the right side is smallest, :math:`R\big/\sqrt{w_1+\dots+w_{T+1}}` with :math:`w_t=G_t^{-2}`, at

.. math:: \eta_t=\frac{R\,w_t\,(w_{t+1}+\dots+w_{T+1})}{(w_1+\dots+w_{T+1})^{3/2}} .

**Proof** (identities: :func:`proof`). Steps 1 to 4 of the proof of the worst case hold with :math:`G_t` in the place of
:math:`G`: the noise is :math:`\sum_tG_t^2v_t^2\eta_t^2`, and :math:`v_t\eta_t=\eta_t/A_{t+1}=A_t-A_{t+1}`, the last
:math:`v_{T+1}\eta_{T+1}=a`. So in the differences :math:`b_t=A_t-A_{t+1}`, :math:`b_{T+1}=a`, which stand for steps one to
one, the bound is :math:`\tfrac12[R^2/(\sum b)^2+\sum G_t^2b_t^2]`. By Cauchy and Schwarz
:math:`\sum G_t^2b_t^2\ge(\sum b)^2/\sum w`, with equality at :math:`b_t\propto w_t`, and
:math:`\tfrac12[R^2/x+x/S]\ge R/\sqrt S` at :math:`x=R\sqrt S`. Then :math:`\eta_t=b_tA_{t+1}`. ∎

So the schedule published as a *refinement* is best for the sharp bound too; with constant norms it is linear decay, and
where norms fall early it warms up.

**Status.** *Proved*: an upper bound and its minimiser. With constant norms it is the worst case. The norms that a
run shows depend on its schedule: the theorem is for given bounds, the practice of logging and running again is a
heuristic (*quoted*).

**Source.** The schedule: Defazio, Cutkosky, Mehta and Mishchenko, arXiv 2310.07831, for a bound about twice as large; its
median filter: their software. The sharp bound and the proof: here.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import median_filter
from scipy.optimize import minimize_scalar

from lrtheory.checks import checked_magnitude, checked_numbers, checked_steps, checked_whole, is_number
from lrtheory.schedules.formula import Formula
from lrtheory.schedules.schedule import Schedule
from lrtheory.theory.theorem import Evidence, Theorem

if TYPE_CHECKING:
    import sympy

SMALLEST = 1e-50
"""Norms below this, or above its inverse, have weights that leave the range of numbers."""


def optimal_steps(gradient_norms: Any, *, distance: float = 1.0) -> np.ndarray:
    r"""The steps with the smallest worst case for given bounds on gradient norms.

    .. math:: \eta_t=R\,w_t\,\frac{w_{t+1}+\dots+w_{T+1}}{(w_1+\dots+w_{T+1})^{3/2}},\qquad w_t=G_t^{-2},\quad
        G_{T+1}=G_T

    Args:
        gradient_norms: :math:`G_1..G_T`, positive and finite, as logged by
            :class:`lrtheory.optim.gradient_norms.GradientNorms`.
        distance: :math:`R`.

    Returns:
        ``float64`` array of the same length.

    Raises:
        ValueError: norms that are not a sequence of positive, finite numbers, or a bad distance.

    Example:
        Constant norms ask for linear decay, norms that fall at first for a warm-up:

        >>> optimal_steps(np.ones(3)).round(4).tolist()
        [0.375, 0.25, 0.125]
        >>> optimal_steps([8.0, 2.0, 1.0, 1.0]).round(3).tolist()
        [0.009, 0.127, 0.339, 0.169]

    Source:
        Proved here: see the module.
    """
    weights = _weights(gradient_norms)
    total = weights.sum()
    after = np.append(np.cumsum(weights[:0:-1])[::-1], 0.0)
    return (checked_magnitude("distance", distance) * weights * after / total**1.5)[:-1]


def worst_case_of_norms(steps: Any, gradient_norms: Any, *, distance: float) -> float:
    r"""The bound of this module for any steps.

    .. math:: \min_{a>0}\frac12\Big[\frac{R^2}{A_1^2}+\sum_{t\le T}G_t^2(A_t-A_{t+1})^2+G_{T+1}^2a^2\Big]

    Args:
        steps: :math:`\eta_1..\eta_T`, positive and finite.
        gradient_norms: :math:`G_1..G_T`, as many; :math:`G_{T+1}=G_T`.
        distance: :math:`R`.

    Raises:
        ValueError: as :func:`optimal_steps`, or numbers of steps and norms that differ.

    Example:
        >>> steps = optimal_steps([8.0, 2.0, 1.0, 1.0])
        >>> best = (1 / np.array([8.0, 2.0, 1.0, 1.0, 1.0]) ** 2).sum() ** -0.5
        >>> round(float(worst_case_of_norms(steps, [8.0, 2.0, 1.0, 1.0], distance=1.0) / best), 9)
        1.0

    Source:
        Proved here: see the module.
    """
    squares = 1 / _weights(gradient_norms)
    moving = checked_steps(steps)
    if not len(moving) == np.size(steps) == len(squares) - 1:
        raise ValueError("steps and gradient_norms must be as many, and every step positive.")
    distance = checked_magnitude("distance", distance)

    def bound(log_a: float) -> float:
        area, noise = math.exp(log_a), squares[-1] * math.exp(2 * log_a)
        for step, square in zip(moving[::-1].tolist(), squares[-2::-1].tolist()):
            gain = step / area
            area, noise = area + gain, noise + square * gain**2
        return (distance**2 / area**2 + noise) / 2

    middle = math.log(moving.sum()) / 2  # A_1^2 is of the order of the sum of steps, and a is below it
    grid = np.linspace(middle - 20, middle + 3, 93)
    best = int(np.argmin([bound(log_a) for log_a in grid]))
    around = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
    found: Any = minimize_scalar(bound, bounds=around, method="bounded", options={"xatol": 1e-9})
    return float(found.fun)


def optimal_schedule(gradient_norms: Any, *, smoothing: float = 0.1, knots: int = 40) -> Schedule:
    r"""The shape of :func:`optimal_steps` for logged norms, as a schedule that goes wherever schedules go.

    The norms pass a median filter whose width is ``smoothing`` of the run, reflected at the ends; the shape is joined
    linearly between knots, ends at zero and has the largest value 1.

    Args:
        gradient_norms: Positive and finite, at least two.
        smoothing: Width of the filter, in ``[0, 1)``; 0 for none.
        knots: Number of linear pieces, at most the number of norms.

    Raises:
        ValueError: as :func:`optimal_steps`, or a number outside of its range.

    Example:
        >>> schedule = optimal_schedule(np.ones(1000))
        >>> schedule([0.0, 0.25, 0.5, 1.0]).round(3), schedule.degree
        (array([1.  , 0.75, 0.5 , 0.  ]), 1)

    Source:
        Proved here for given norms; the filter is quoted: see the module.
    """
    norms = 1 / np.sqrt(_weights(gradient_norms)[:-1])
    if not (is_number(smoothing) and 0 <= smoothing < 1):
        raise ValueError(f"smoothing must be a part of the run, at least 0 and below 1, not {smoothing!r}.")
    knots = checked_whole("knots", knots)
    if norms.size < 2:
        raise ValueError("gradient_norms must have at least two entries to have a shape.")
    steps = optimal_steps(median_filter(norms, 2 * int(smoothing * norms.size / 2) + 1, mode="reflect"))
    knots = min(knots, norms.size)
    at = np.linspace(0, 1, knots + 1)
    heights = np.interp(at, np.append(np.arange(norms.size) / norms.size, 1.0), np.append(steps, 0.0))
    heights /= heights.max()
    branches = []
    for start, height, end, following in zip(at, heights, at[1:], heights[1:]):
        slope = float((following - height) / (end - start))
        branches.append(f"({float(height)!r} + {slope!r}*(u - {float(start)!r}), u < {float(end)!r})")
    branches[-1] = f"({float(heights[-2] / (1 - at[-2]))!r}*(1 - u), True)"  # an exact zero at the end
    return Formula(f"Piecewise({', '.join(branches)})", name=f"optimal for {norms.size} norms")


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proof, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    area, step, x, total, distance, b, c, g, k = sympy.symbols("A eta x S R b c G K", positive=True)
    before = area + step / area
    bound = (distance**2 / x + x / total) / 2
    w, v = g**-2, k**-2  # the weights of two steps
    identities = {
        "the noise of a step": (step / area) ** 2 - (before - area) ** 2,
        "steps from differences": (before - area) * area - step,
        "Cauchy and Schwarz, two at a time": (g**2 * b**2 + k**2 * c**2) * (w + v)
        - (b + c) ** 2
        - (g * b / k - k * c / g) ** 2,
        "where the bound is smallest": sympy.diff(bound, x).subs(x, distance * sympy.sqrt(total)),
        "what it is there": bound.subs(x, distance * sympy.sqrt(total)) - distance / sympy.sqrt(total),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def _weights(gradient_norms: Any) -> np.ndarray:
    """The weights of the steps and, equal to the last, of the output."""
    norms = checked_numbers("gradient_norms", gradient_norms)
    if norms.ndim != 1 or norms.size == 0 or not ((norms >= SMALLEST) & (norms <= 1 / SMALLEST)).all():
        limits = f"{SMALLEST:g} to {1 / SMALLEST:g}"
        raise ValueError(f"gradient_norms must be a one-dimensional sequence of numbers from {limits}.")
    return np.append(norms, norms[-1]) ** -2.0


def witness() -> Evidence:
    """The bound of the best steps for norms that rise and fall; the search for ``a`` stops within 1e-9."""
    norms = 1 + 0.5 * np.sin(np.arange(31.0))
    stated = 1 / math.sqrt(np.sum(_weights(norms)))
    return Evidence(worst_case_of_norms(optimal_steps(norms), norms, distance=1.0), stated, 1e-9)


THEOREM = Theorem(
    name="optimal_schedule",
    statement="The schedule refined by gradient norms minimises the worst-case bound for these norms",
    status="proved",
    source="Defazio, Cutkosky, Mehta and Mishchenko, arXiv 2310.07831",
    module=__name__,
    attained="by these steps and no others; using the norms of an earlier run is a heuristic (quoted)",
    labels=("cor:steps",),
    proof=proof,
    witness=witness,
)
