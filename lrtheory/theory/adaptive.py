r"""What adaptivity buys under uncertainty: AdaGrad-norm on a domain, beside the schedules that are fixed in advance.

Schedules that are fixed in advance know neither the gradients nor the way already gone. If the rate may be wrong by any factor up
to ``R``, the best of them keeps the worst-case bound at :math:`\frac12\sqrt{\ln R+3.777}\;DG/\sqrt T`
(:mod:`lrtheory.theory.robust_schedule`), and none is better *among them*. On a domain of known diameter the uncertainty is about
:math:`G` alone, and gradients can be looked at.

**Theorem.** On a set of diameter :math:`D`, with :math:`\eta_t=\rho D\big/\sqrt{2\sum_{i\le t}\|g_i\|^2}`, the uniform average of
:math:`x_1,\dots,x_T` has

.. math:: \mathbb Ef(\bar x)-f^\star\;\le\;\frac12\Big(\rho+\frac1\rho\Big)\frac{\sqrt2\,D}T\,\mathbb E\sqrt{\sum_t\|g_t\|^2}
    \;\le\;\frac12\Big(\rho+\frac1\rho\Big)\sqrt2\,\frac{DG}{\sqrt T}

whatever :math:`G` is: at :math:`\rho=1` :math:`\sqrt2`, which is less than the best fixed schedule promises from
:math:`\ln R=8-3.777` on, :math:`R>68`. In ``rho``, now the error of the guess of *D*, it is linear, and no better can be said:

.. math:: f(\bar x)-f^\star\;\ge\;\frac{DG}T\sum_{t\text{ even}}\min\Big(\frac\rho{\sqrt{2t}},1\Big)
    \;=\;\frac\rho{\sqrt2}\frac{DG}{\sqrt T}(1-o(1))

on some function, for fixed ``rho``: adaptivity moves the uncertainty from :math:`G` to :math:`D`, it does not remove it.

**Proof** (identities: :func:`proof`). *Above.* With :math:`d_t=\|x_t-x^\star\|^2\le D^2` the one-step inequality sums to
:math:`\sum_t\frac{d_t-d_{t+1}}{2\eta_t}+\sum_t\frac{\eta_t}2\|g_t\|^2`. The first sum is at most :math:`\frac{D^2}{2\eta_T}` as
:math:`1/\eta_t` rises, :math:`\frac D{\sqrt2\rho}\sqrt{S_T}` with :math:`S_t=\sum_{i\le t}\|g_i\|^2`; the second at most
:math:`\frac{\rho D}{\sqrt2}\sqrt{S_T}`, for :math:`\frac{S_t-S_{t-1}}{2\sqrt{S_t}}\le\sqrt{S_t}-\sqrt{S_{t-1}}`. Then
Jensen, twice. *Below.* On :math:`G|x|` over :math:`[0,D]` from :math:`x_1=0` let the oracle lead to
:math:`r_t=D\min(\rho/\sqrt{2t},1)` for every even ``t``, by a slope of at most :math:`G` at the minimiser, and answer
:math:`G` there. Norms are at most :math:`G`, so :math:`\eta_t\ge\rho D/(G\sqrt{2t})`: the way out can be as long as that,
and the way back leads to 0. ∎

**What is known of others.** That some method loses only a logarithm for not knowing the distance, and that none loses less, is
*quoted*: parameter-free methods pay a factor logarithmic in the uncertainty of the distance when :math:`G` is known, "at least
logarithmic for expected suboptimality" for any algorithm, and "when there is uncertainty in both distance and gradient norm",
it "must be polynomial in the level of uncertainty" (Carmon and Hinder, arXiv 2402.10898, abstract). So three uncertainties have
three prices: about :math:`G` on a known domain a constant, :math:`\sqrt2`, by looking at gradients, and
:math:`\frac12\sqrt{\ln R}` without; about the distance a logarithm; about both a power.

**Annealed.** With a linear decay as a further factor and gradients of constant norm the rate is the schedule
:math:`(1-u)/\sqrt u`: :func:`annealed_adagrad_loss` has the worst case of its last iterate, and its exponent is that of
linear decay, :math:`\frac13`. No guarantee for changing norms is known here.

**Status.** *Proved*, for AdaGrad-norm. **Source.** AdaGrad: Duchi et al., JMLR 12, 2011; the norm version with a domain: Levy,
arXiv 1705.10499. The dependence on ``rho`` and the lower bound are derived here.
"""

import math
from typing import TYPE_CHECKING

import numpy as np

from lrtheory.checks import checked_horizon, checked_positive
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.theorem import Evidence, Theorem

if TYPE_CHECKING:
    import sympy


def adagrad_bound(rho: float) -> float:
    r"""The guarantee of AdaGrad-norm on a domain, in units of :math:`DG/\sqrt T`, at ``rho`` times its rate.

    Args:
        rho: The guess of the diameter over the diameter.

    Raises:
        ValueError: ``rho`` is not positive.

    Example:
        >>> round(adagrad_bound(1) ** 2, 12), round(adagrad_bound(4) / adagrad_bound(1), 12)
        (2.0, 2.125)
    """
    rho = checked_positive("rho", rho)
    return (rho + 1 / rho) / math.sqrt(2)


def adagrad_lower_bound(rho: float, horizon: int) -> float:
    r"""What AdaGrad-norm's average loses at least on :math:`G|x|`, in units of :math:`DG/\sqrt T`.

    Args:
        rho: The guess of the diameter over the diameter.
        horizon: Number of steps :math:`T`.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> round(adagrad_lower_bound(4, 10**6) / 4 * 2**0.5, 3)
        0.998
    """
    rho, horizon = checked_positive("rho", rho), checked_horizon(horizon)
    times = np.arange(2, horizon + 1, 2)
    return float(np.sum(np.minimum(rho / np.sqrt(2 * times), 1.0))) / math.sqrt(horizon)


def annealed_adagrad_loss(rho: float, horizon: int) -> float:
    r"""The worst case of the last iterate under AdaGrad-norm's rate with linear decay, for gradients of constant norm.

    Args:
        rho: The rate over :math:`D/\sqrt{2\sum\|g\|^2}`.
        horizon: Number of steps :math:`T`.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> round(annealed_adagrad_loss(1, 10_000), 3)
        1.089
    """
    rho, horizon = checked_positive("rho", rho), checked_horizon(horizon)
    times = np.arange(1, horizon + 1)
    steps = rho / np.sqrt(2 * times) * (1 - (times - 1) / horizon)
    return worst_case(steps, diameter=1.0) * math.sqrt(horizon)


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proof, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    rho, diameter, before, after, count = sympy.symbols("rho D S_0 S n", positive=True)
    last = rho * diameter / sympy.sqrt(2 * after)
    telescoped = diameter**2 / (2 * last)
    noise = rho * diameter / sympy.sqrt(2) * sympy.sqrt(after)
    bound = (rho + 1 / rho) / 2 * sympy.sqrt(2) * diameter * sympy.sqrt(after)
    root, earlier = sympy.sqrt(after), sympy.sqrt(before)
    identities = {
        "above: the sum of both": telescoped + noise - bound,
        "above: a term of the second": (root - earlier)
        - (after - before) / (2 * root)
        - (root - earlier) ** 2 / (2 * root),
        "above: it is least at the true diameter": sympy.diff(bound, rho).subs(rho, 1),
        "above: where it meets the best schedule": sympy.sqrt(count + 8 - count) / 2 - sympy.sqrt(2),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def witness() -> Evidence:
    r"""Run AdaGrad-norm, at four times its rate, on :math:`|x|` over [0, 1] against the oracle; its first step is a full one."""
    rho, horizon = 4.0, 10_000
    x = total = squares = 0.0
    for t in range(1, horizon + 1):
        total += x
        # Out at odd steps, by the slope that leads just as far as a step of the next length, and back at even ones.
        slope = 1.0
        if t % 2 == 1:
            reach = min(rho / math.sqrt(2 * (t + 1)), 1.0)
            slope = -math.sqrt(2 * reach**2 * squares / (rho**2 - 2 * reach**2)) if squares else -1.0
        squares += slope**2
        x = min(max(x - rho / math.sqrt(2 * squares) * slope, 0.0), 1.0)
    return Evidence(total / math.sqrt(horizon), adagrad_lower_bound(rho, horizon), 1e-3)


THEOREM = Theorem(
    name="adaptive",
    statement="AdaGrad-norm on a domain: `sqrt(2) DG/sqrt(T)` whatever `G` is, linear in the error of `D`",
    status="proved",
    source="AdaGrad: Duchi et al., JMLR 12, 2011",
    module=__name__,
    attained="in the limit of large `rho`; less than any schedule fixed in advance promises from `R = 68` on",
    labels=("thm:adaptive",),
    proof=proof,
    witness=witness,
)
