r"""Averages of the iterates: the worst case of the step-weighted one, which annealing cannot help, and the uniform one.

**Upper bound.** For :math:`\bar x=\sum_t\eta_tx_t/\sum_t\eta_t` the one-step inequality sums to

.. math:: \mathbb Ef(\bar x)-f^\star\;\le\;\frac{R^2+G^2\sum_t\eta_t^2}{2\sum_t\eta_t},

so tuned at :math:`\eta=\frac RG(\sum h_t^2)^{-1/2}` a rate wrong by ``rho`` loses exactly
:math:`\tfrac12(\rho+1/\rho)` in the bound, for every shape: exponent 1. There is no logarithm, so for a constant rate the
line shows at any horizon, where the last iterate's exponent only rises to 1 as :math:`T\to\infty`.

**Lower bound.** Whatever the steps, some convex function with subgradients bounded by :math:`G` on a set of diameter
:math:`D` leaves

.. math:: f(\bar x)-f^\star\;\ge\;\frac{G^2}{\sum_t\eta_t}\sum_{t\text{ even}}\eta_t\min\big(\eta_{t-1},\eta_t,D/G\big).

*Proof.* Let :math:`f(x)=G|x|` on :math:`[0,D]` and :math:`x_1=0`, the minimiser, where every number in :math:`[-G,G]` is a
subgradient. At odd ``t`` let the oracle move the iterate to :math:`\min(G\eta_t,G\eta_{t+1},D)`, and at even ``t``, with the
slope :math:`G`, the step leads back to 0. So :math:`f(\bar x)=G\bar x` is the right side. ∎

For steps that fall slowly, none above :math:`D/G`, it is :math:`\frac{G^2\sum\eta_t^2}{2\sum\eta_t}(1-o(1))`, the second
half of the upper bound. So at ``rho`` times the tuned rate every schedule loses at least :math:`\frac12\rho(1-o(1))` times its
tuned bound: linear in ``rho``, annealed or not.

**Without weights.** On a set of diameter :math:`D`, and for steps that do not increase, the uniform average
:math:`\bar x=\frac1T\sum_tx_t` has

.. math:: \mathbb Ef(\bar x)-f^\star\;\le\;\frac1{2T}\Big[\frac{D^2}{\eta_T}+G^2\sum_t\eta_t\Big],

since :math:`\sum_t\frac{d_t-d_{t+1}}{2\eta_t}\le\frac{D^2}{2\eta_T}` for :math:`0\le d_t\le D^2`. For
:math:`\eta_t=\frac{\rho D}{G\sqrt t}` this is at most :math:`\big(\rho+\frac1{2\rho}\big)\frac{DG}{\sqrt T}`: an inverse square
root is :math:`O(\rho/\sqrt T)` without a logarithm, whose step-weighted average has one.

**Status.** *Proved*. **Source.** The upper bound: Nemirovski et al., SIAM J. Optim. 19(4), 2009; the uniform average:
Zinkevich, ICML 2003. The lower bound is derived here.
"""

from typing import Any

import numpy as np

from lrtheory.checks import checked_magnitude, checked_steps
from lrtheory.theory.theorem import Evidence, Theorem


def averaged_bound(steps: Any, *, lipschitz: float = 1.0, distance: float) -> float:
    r"""The classical bound for the step-weighted average of the iterates.

    .. math:: \frac{R^2+G^2\sum_t\eta_t^2}{2\sum_t\eta_t}

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`.
        lipschitz: :math:`G`.
        distance: :math:`R\ge\|x_1-x^\star\|` (the diameter of a bounded domain serves).

    Raises:
        ValueError: steps that are not finite and non-negative, or lengths that are not positive.

    Example:
        >>> from lrtheory import Constant
        >>> round(averaged_bound(Constant().steps(100, lr=0.1), distance=1.0), 12)
        0.1
    """
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    distance = checked_magnitude("distance", distance)
    steps = checked_steps(steps)
    return float((distance**2 + lipschitz**2 * np.sum(steps**2)) / (2 * np.sum(steps)))


def averaged_lower_bound(steps: Any, *, lipschitz: float = 1.0, diameter: float) -> float:
    r"""What the step-weighted average loses at least on its worst function.

    .. math:: \frac{G^2}{\sum_t\eta_t}\sum_{t\text{ even}}\eta_t\min\big(\eta_{t-1},\eta_t,D/G\big)

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`.
        lipschitz: :math:`G`.
        diameter: :math:`D`, the diameter of the domain.

    Raises:
        ValueError: steps that are not finite and non-negative, or lengths that are not positive.

    Example:
        At four times the tuned rate the bound is 2.125 times its tuned value, and no less than 2 times can be promised:

        >>> from lrtheory import Constant
        >>> steps = Constant().steps(100, lr=0.4)
        >>> round(averaged_lower_bound(steps, diameter=1.0), 12), round(averaged_bound(steps, distance=1.0), 12)
        (0.2, 0.2125)

    Source:
        Proved here: see the module.
    """
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    diameter = checked_magnitude("diameter", diameter)
    steps = checked_steps(steps)
    out, back = steps[: len(steps) // 2 * 2].reshape(-1, 2).T
    reached = lipschitz * np.minimum(np.minimum(out, back), diameter / lipschitz)
    return float(lipschitz * np.sum(back * reached) / np.sum(steps))


def uniform_average_bound(steps: Any, *, lipschitz: float = 1.0, diameter: float) -> float:
    r"""A bound for the uniform average of the iterates on a bounded domain, for steps that do not increase.

    .. math:: \frac1{2T}\Big[\frac{D^2}{\eta_T}+G^2\sum_t\eta_t\Big]

    Args:
        steps: Learning rates :math:`\eta_1\ge\dots\ge\eta_T>0`.
        lipschitz: :math:`G`.
        diameter: :math:`D`, the diameter of the domain.

    Raises:
        ValueError: steps that are not finite and positive, that increase, or lengths that are not positive.

    Example:
        An inverse square root at twice D/G loses at most 2.25 DG/sqrt(T):

        >>> from lrtheory import InverseSqrt
        >>> uniform_average_bound(InverseSqrt().steps(10_000, lr=2.0), diameter=1.0) * 100 < 2.25
        True

    Source:
        Zinkevich, ICML 2003; proved in the module.
    """
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    diameter = checked_magnitude("diameter", diameter)
    count, steps = np.size(steps), checked_steps(steps)
    if len(steps) < count or (np.diff(steps) > 0).any():
        raise ValueError("steps must be positive and must not increase: the bound divides by the smallest.")
    return float((diameter**2 / steps[-1] + lipschitz**2 * np.sum(steps)) / (2 * len(steps)))


def witness() -> Evidence:
    """Run the oracle of the proof against linear decay: out at odd steps, back at even ones, exact but for rounding."""
    steps = np.linspace(0.5, 0.01, 50)
    x, weighted = 0.0, 0.0
    for t, step in enumerate(steps):
        weighted += step * x
        x = min(step, steps[t + 1], 1.0) if t % 2 == 0 else max(x - step, 0.0)
    return Evidence(weighted / steps.sum(), averaged_lower_bound(steps, diameter=1.0), 1e-12)


THEOREM = Theorem(
    name="averaged",
    statement="An average of the iterates is linear in `rho`, annealed or not: upper and lower bound",
    status="proved",
    source="Zinkevich, ICML 2003. The lower bound is derived here",
    module=__name__,
    attained="up to a factor that tends to 1 for slowly falling steps",
    labels=("prop:average",),
    witness=witness,
)
