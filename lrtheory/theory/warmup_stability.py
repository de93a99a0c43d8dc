r"""Why a longer warm-up moves the edge: curvature that falls along the way, and a ramp slower than its decline.

**Setting.** The sharpest curvature falls from :math:`\lambda_0` as :math:`\lambda_0e^{-s}`, never below :math:`\lambda_1`, where
``s`` is either the time over a scale, :math:`t/\tau`, or the summed rate over a scale,
:math:`\int\eta/S`. The rate rises over ``W`` steps, :math:`\eta\,t/W`, and stays. A run that meets a sharpness of 2
does not return (Theorem 3 of :mod:`lrtheory.theory.cliff`).

**Theorem.** The run is safe at every step exactly for

.. math:: \eta\;\le\;\frac2{\max_t\min(t/W,1)\,\lambda(t)}.

* Without warm-up it is :math:`2/\lambda_0`; for every warm-up it is at most :math:`2/\lambda_1`.
* While the decline is still going on at the end of the ramp it is linear in ``W``. In time, for
  :math:`W\ge\tau`, the sharpness is largest at :math:`t=\tau`, and the edge is
  :math:`\min\big(\tfrac{2eW}{\lambda_0\tau},\tfrac2{\lambda_1}\big)`. In the summed rate it is largest at
  :math:`t=\sqrt{WS/\eta}`, and the edge is :math:`\min\big(\tfrac{4eW}{\lambda_0^2S},\tfrac2{\lambda_1}\big)` where
  :math:`\eta W\ge S`.
* A ramp that is shorter than the decline, :math:`W\le\tau`, has its peak at its end, :math:`\tfrac2{\lambda_0}e^{W/\tau}`:
  warm-up moves the edge exponentially there, and then linearly, until :math:`2/\lambda_1` stops it.

**Proof.** Where the derivative of :math:`te^{-t/\tau}` and of :math:`te^{-\eta t^2/(2WS)}` vanishes (:func:`proof`); the
sharpness is the larger of this and of :math:`\min(t/W,1)\lambda_1`, largest at the end of the ramp: :math:`\lambda_1`. ∎

**Status.** *Proved* for this model of curvature. That curvature falls so in a given network is no part of it.

**Source.** Derived here. That warm-up lets the curvature fall first is *quoted*: Gilmer et al., arXiv 2110.04369; Kalra and
Barkeshli, arXiv 2406.09405.
"""

import math

import sympy

from lrtheory.checks import checked_magnitude
from lrtheory.theory.theorem import Theorem


def warmup_edge(warmup: float, *, start: float, end: float, decline: float) -> float:
    r"""The largest safe rate where the curvature falls in time.

    Args:
        warmup: Steps of the ramp, :math:`W>0`.
        start: :math:`\lambda_0`.
        end: :math:`\lambda_1`, at most ``start``.
        decline: :math:`\tau`, the steps in which the curvature falls by a factor of :math:`e`.

    Raises:
        ValueError: a number is not positive, or ``end`` is above ``start``.

    Example:
        >>> [round(warmup_edge(w, start=100.0, end=1.0, decline=100.0), 3) for w in (1, 100, 200, 400, 10**5)]
        [0.02, 0.054, 0.109, 0.217, 2.0]

    Source:
        Proved here: see the module.
    """
    warmup, decline = checked_magnitude("warmup", warmup), checked_magnitude("decline", decline)
    start, end = checked_magnitude("start", start), checked_magnitude("end", end)
    if end > start:
        raise ValueError(f"end must be at most the curvature at the start, {start:g}, not {end:g}.")
    falling = 2 / start * (math.exp(warmup / decline) if warmup <= decline else math.e * warmup / decline)
    return min(falling, 2 / end)


def proof() -> dict[str, sympy.Expr]:
    r"""The identities of the proof, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    t, warmup, tau, scale, step, lam = sympy.symbols("t W tau S eta lambda_0", positive=True)
    in_time = t / warmup * lam * sympy.exp(-t / tau)
    in_rate = t / warmup * lam * sympy.exp(-step * t**2 / (2 * warmup * scale))  # the summed rate is eta t^2/(2 W)
    slowest = sympy.sqrt(warmup * scale / step)
    identities = {
        "in time: where the sharpness is largest": sympy.diff(in_time, t).subs(t, tau),
        "in time: the edge": 2 / in_time.subs(t, tau) - 2 * sympy.E * warmup / (lam * tau),
        "in the summed rate: where it is largest": sympy.diff(in_rate, t).subs(t, slowest),
        "in the summed rate: the edge": (step * in_rate.subs(t, slowest)).subs(
            step, 4 * sympy.E * warmup / (lam**2 * scale)
        )
        - 2,
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


THEOREM = Theorem(
    name="warmup_edge",
    statement="Warm-up moves the edge where the curvature falls in time",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="for a model of the curvature",
    proof=proof,
)
