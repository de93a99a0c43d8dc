r"""What a wrong rate costs under a forecast: the misspecification law for any exponent of the bias.

**Fixed start.** If a shape's loss above :math:`L_0` is :math:`A'\ell^{-a}+B'\ell^x` in the base rate (a bias in the summed
rate, noise that grows as a power :math:`x=1-c-q>0`), then at :math:`\rho` times the best rate it is

.. math:: \frac{x\,\rho^{-a}+a\,\rho^x}{x+a}

times the best one. The worst case has :math:`a=x=1`: :math:`(\rho+1/\rho)/2`. So over-estimates cost :math:`\rho^x` under every
schedule, and under-estimates :math:`\rho^{-a}`. Fitted to final losses of a language model over thirty-fold rates,
:math:`x=1-c-q` is near 1/3 and :math:`a` near 1/2: over-estimates are forgiven about as the worst case with restarts forgives
them under linear decay, for another reason (*measured*, a test).

**Restarts.** If the law may be started anew at any step, as on a bounded domain, with :math:`x=1` and
:math:`h=(1-u)^p`, the loss is :math:`\min_w A(\ell TH)^{-a}+\tfrac B2\ell Q` over what remains, :math:`w`, with
:math:`H=w^{p+1}/(p+1)` and :math:`Q=\frac{p+1}pw^p`. From :math:`\rho^{1+a}\ge(p+1)/p` on it is

.. math:: \frac{p+a(p+1)}{p(1+a)}\Big(\frac{p+1}p\Big)^{-\frac{a(p+1)}{p+a(p+1)}}\,\rho^{\frac a{p+a(p+1)}}

times the best one: the exponent :math:`1/(2p+1)` of the worst case is that of :math:`a=1`, and a slower bias forgives more.

**Proof.** The first: a best rate :math:`\ell^\star` has :math:`aA'\ell^{-a}=xB'\ell^x`. The second: in units where that
holds at :math:`\rho=w=1`, the loss is :math:`\rho^{-a}w^{-a(p+1)}+a\rho w^p` over :math:`1+a`, smallest at
:math:`w^{p+a(p+1)}=\frac{p+1}p\rho^{-(1+a)}`. Both are identities of :func:`proof`. ∎

**Status.** *Proved* for the forecasts as functions; whether runs obey them is the leaderboard's matter.

**Source.** Here; for :math:`a=1`: :mod:`lrtheory.theory.misspecification`.
"""

from typing import Any

import numpy as np
import sympy

from lrtheory.checks import checked_numbers, checked_positive
from lrtheory.theory.theorem import Theorem


def degradation_of_forecast(rho: Any, exponent: float, *, noise_exponent: float = 1.0) -> np.ndarray:
    r"""The loss above :math:`L_0` at ``rho`` times the best rate, in units of that at the best rate.

    .. math:: \frac{x\,\rho^{-a}+a\,\rho^x}{x+a}

    Args:
        rho: Factors, positive, any shape.
        exponent: :math:`a>0`.
        noise_exponent: :math:`x>0`.

    Raises:
        ValueError: a number out of range.

    Example:
        >>> degradation_of_forecast([0.5, 1.0, 2.0], 1.0)
        array([1.25, 1.  , 1.25])

    Source:
        Proved here: see the module.
    """
    rho = checked_numbers("rho", rho)
    if not (np.isfinite(rho).all() and (rho > 0).all()):
        raise ValueError("rho must be positive and finite.")
    a, x = checked_positive("exponent", exponent), checked_positive("noise_exponent", noise_exponent)
    return (x * rho**-a + a * rho**x) / (x + a)


def restarted_degradation(rho: Any, exponent: float, degree: float) -> np.ndarray:
    r"""The same for polynomial decay where the law may be started anew at any step, as on a bounded domain.

    Args:
        rho: Factors, positive, any shape.
        exponent: :math:`a>0`.
        degree: :math:`p>0`.

    Raises:
        ValueError: a number out of range.

    Example:
        With :math:`a=1` it is the law of the worst case:

        >>> from lrtheory import Polynomial, degradation
        >>> bool(np.isclose(restarted_degradation(8.0, 1.0, 2.0), degradation(Polynomial(2), 8.0)))
        True

    Source:
        Proved here: see the module.
    """
    near = degradation_of_forecast(rho, exponent)
    rho, p = checked_numbers("rho", rho), checked_positive("degree", degree)
    total = p + exponent * (p + 1)
    ratio = (p + 1) / p
    far = total / (p * (1 + exponent)) * ratio ** (-exponent * (p + 1) / total) * rho ** (exponent / total)
    return np.where(rho ** (1 + exponent) >= ratio, far, near)


def proof() -> dict[str, sympy.Expr]:
    r"""The identities of the proof, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    rho, w, a, p, x, u = sympy.symbols("rho w a p x u", positive=True)
    fixed = (x * rho**-a + a * rho**x) / (x + a)
    loss = (rho**-a * w ** (-a * (p + 1)) + a * rho * w**p) / (1 + a)
    total, ratio = p + a * (p + 1), (p + 1) / p
    best = (ratio * rho ** -(1 + a)) ** (1 / total)
    law = total / (p * (1 + a)) * ratio ** (-a * (p + 1) / total) * rho ** (a / total)
    remaining = sympy.integrate(u**p, (u, 0, w))
    noise = sympy.integrate(sympy.powsimp(u ** (2 * p) / (u ** (p + 1) / (p + 1))), (u, 0, w))
    identities = {
        "one at the best rate": fixed.subs(rho, 1) - 1,
        "the best rate": sympy.diff(fixed, rho).subs(rho, 1),
        "H": remaining - w ** (p + 1) / (p + 1),
        "Q": noise - (p + 1) / p * w**p,
        "the best restart": sympy.powsimp(sympy.expand(w * sympy.diff(loss, w) * (1 + a) / (a * p * rho * w**p)))
        - (1 - ratio * rho ** -(1 + a) * sympy.expand(w**-total)),
        "the law": sympy.powsimp(sympy.expand_power_base(loss.subs(w, best), force=True) / law, force=True) - 1,
    }
    return {
        name: sympy.simplify(sympy.powdenest(sympy.simplify(value), force=True)) for name, value in identities.items()
    }


THEOREM = Theorem(
    name="misspecified",
    statement="Under a bias of exponent `a`, a rate that is too large by `rho` costs `rho^(a/(p + a (p + 1)))` with restarts",
    status="proved",
    source="Here",
    module=__name__,
    attained="with equality, for the forecasts as functions; `a = 1` is the law of the worst case",
    labels=("prop:misspecified",),
    proof=proof,
)
