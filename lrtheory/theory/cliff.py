r"""The cliff: on smooth problems without a bounded domain, the branch above the tuned rate ends near :math:`2/\beta`.

**Setting.** :math:`f` is convex and :math:`\beta`-smooth on the whole space, gradients are unbiased with variance
:math:`\sigma^2`, :math:`x_{t+1}=x_t-\eta_tg_t`, :math:`\|x_1-x^\star\|\le R`, and the steps are :math:`\eta h(t/T)` with
:math:`h=(1-u)^p`. The *sharpness* of a rate is :math:`r=\beta\eta`.

**Theorem 1 (upper bound at every rate).** Let :math:`g_t=\max(1,\beta\eta_t-1)`, :math:`V_1=R^2` and
:math:`V_{t+1}=g_t^2V_t+\eta_t^2\sigma^2`. For every :math:`k` from which on all steps are at most :math:`1/\beta`,

.. math:: \mathbb Ef(x_{T+1})-f^\star\;\le\;\frac{V_k}{2A_k^2}+\frac{\sigma^2}2\sum_{t\ge k}(1+\beta\eta_t)(A_t-A_{t+1})^2

with ``A`` of :mod:`lrtheory.theory.smooth`. Below :math:`2/\beta` no factor exceeds 1, and the bound is the branch; above, it
holds the factor :math:`\exp(2T\Gamma_p(r))`, :math:`\Gamma_p(r)=\int_{rh>2}\log(rh-1)\,du`, which is the cliff.

*Proof.* With :math:`d=x_t-x^\star` and :math:`g=\nabla f(x_t)`, co-coercivity says
:math:`\langle g,d\rangle\ge\|g\|^2/\beta`, so :math:`\|d-\eta g\|^2\le\|d\|^2+\eta(\eta-2/\beta)\|g\|^2`. For
:math:`\eta\le2/\beta` this is at most :math:`\|d\|^2`; beyond, :math:`\|g\|\le\beta\|d\|` makes it at most
:math:`(\beta\eta-1)^2\|d\|^2`. Noise adds :math:`\eta^2\sigma^2` to the mean. The theorem of
:mod:`lrtheory.theory.smooth` from step ``k`` on is linear in :math:`\mathbb E\|x_k-x^\star\|^2`. ∎

**Theorem 2 (quadratics, exact).** On :math:`\tfrac\lambda2x^2` the expected loss is

.. math:: \frac\lambda2\Big[R^2\prod_t(1-\lambda\eta_t)^2+\sigma^2\sum_t\eta_t^2\prod_{i>t}(1-\lambda\eta_i)^2\Big].

* *Branch.* Let :math:`T\to\infty` with :math:`\eta=kR/(\sigma\sqrt T)` and :math:`z=\lambda\eta T`. The largest loss over all
  curvatures is :math:`\frac{R\sigma}{2\sqrt T}\sup_z\big[\tfrac zke^{-2z/(p+1)}+kzF_p(z)\big]`,
  :math:`F_p(z)=\int_0^1v^{2p}e^{-2zv^{p+1}/(p+1)}dv`; it is least at a :math:`k_p` that rises with :math:`p`:
  0.668, 1.287, 1.704, 2.038 for 0, 1, 2, 3. For large :math:`k` it grows like :math:`\rho`, for every ``p``: without a domain
  annealing forgives nothing in the exponent, but it moves the tuned rate up.
* *Constant steps* show branch and cliff in one term: the noise that remains is :math:`\eta\sigma^2/(2(2-\lambda\eta))`.
* *Cliff.* At a fixed sharpness, :math:`\frac1T\log` of the loss tends to
  :math:`2\max(0,\Lambda_p(r))`, :math:`\Lambda_p(r)=\int_0^1\log|1-rv^p|\,dv`. The edge is the root :math:`e_p` of
  :math:`\Lambda_p`: 2, 4.591, 6.271, 7.379 for 0, 1, 2, 3, where :math:`e_1=1+1/W(1/e)` and ``W`` is Lambert's
  function. A quadratic *returns*: what its first steps amplify the last ones undo.

**Theorem 3 (no return).** Let :math:`f` on the line be even with :math:`\kappa(x)=f'(x)/x` nondecreasing in :math:`|x|`
(curvature that rises away from the minimum), without noise. If :math:`\eta_k\kappa(x_k)=2+\delta>2` and
:math:`h_{t+1}\kappa((1+\delta)x)\ge h_t\kappa(x)` for all :math:`t\ge k` and :math:`|x|\ge|x_k|`, then
:math:`|x_{t}|\ge(1+\delta)^{t-k}|x_k|` for all :math:`t\ge k`: the run never returns, however it is annealed.

*Proof.* :math:`|x_{k+1}|=(\eta_k\kappa(x_k)-1)|x_k|=(1+\delta)|x_k|`, and by the condition and monotony
:math:`\eta_{k+1}\kappa(x_{k+1})\ge\eta_k\kappa(x_k)`. Induction. ∎

**Corollary (the order of margins).** The margin, edge over tuned rate, is :math:`m_p\,\sigma\sqrt T/(\beta R)` with
:math:`m_p=e_p/k_p` = 2.996, 3.567, 3.681, 3.621 where runs return, nearly the same for all, and :math:`m_p=2/k_p` =
2.996, 1.554, 1.174, 0.981 where they do not: there the order of the bounded law is *reversed*, for the edge is common to all
and the tuned rate rises with annealing.

**Status.** *Proved*: theorems 1 to 3 (identities in :func:`proof`; the limits of Theorem 2 by Laplace's method, and
*verified* against the exact sums). The constants :math:`k_p`, :math:`e_p` are *verified* to the digits shown. Whether the class
of all smooth convex functions returns is *verified* only for few steps: semidefinite programs (:func:`certify_cliff`, linear
decay, no noise, :math:`T=8`) have at :math:`r=3` the value 0.50 :math:`\beta R^2` and at :math:`r=4` 22.7, where quadratics have
0.0066 and 0.016. So functions exist that undo far less than quadratics do. That the class has the edge 2 as
:math:`T\to\infty` is a *conjecture*. A single step beyond :math:`2/\beta` may well help (silver steps, Altschuler and Parrilo,
arXiv 2309.07879, *quoted*): it is steps that stay beyond it which are lost.

**Source.** Derived here; for constant steps the edge is classical (Polyak, 1964).
"""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import sympy
from scipy.integrate import quad
from scipy.optimize import brentq, minimize_scalar
from scipy.special import gamma, gammainc

from lrtheory.checks import LARGEST, checked_positive, checked_steps, is_number
from lrtheory.theory.certificates import ONE_PROGRAM, Certificate, few_steps, program
from lrtheory.theory.smooth import recursion
from lrtheory.theory.theorem import Theorem

LAST = 60.0
"""Integrals with the weight exp(-s) end here: what is beyond is below 1e-23."""


def unbounded_worst_case(steps: Any, *, smoothness: float = 1.0, noise: float = 0.0, distance: float = 1.0) -> float:
    r"""The bound of Theorem 1, on both sides of the edge.

    Args:
        steps: Learning rates, finite, none negative.
        smoothness: :math:`\beta`.
        noise: :math:`\sigma`, at least 0.
        distance: :math:`R\ge\|x_1-x^\star\|`.

    Returns:
        The smallest value over the restarts; infinite where the last step is larger than :math:`1/\beta`.

    Raises:
        ValueError: bad steps, or a number outside of its range.

    Example:
        Linear decay below the edge and beyond it:

        >>> import numpy as np
        >>> decay = np.arange(100, 0, -1) / 100
        >>> [float(f"{unbounded_worst_case(lr * decay):.2g}") for lr in (1.0, 1.9, 4.0)]
        [0.005, 0.0097, 8.2e+26]

    Source:
        Proved here: see the module.
    """
    smoothness = checked_positive("smoothness", smoothness)
    distance = checked_positive("distance", distance)
    if not (is_number(noise) and 0 <= noise <= LARGEST):
        raise ValueError(f"noise must be a number from 0 to {LARGEST:g}, not {noise!r}.")
    steps = checked_steps(steps)
    usable = smoothness * steps <= 1
    first = len(steps) - int(np.argmin(usable[::-1])) if not usable.all() else 0
    if first == len(steps):
        return math.inf
    spread = np.empty(len(steps))
    spread[0] = distance**2
    for t, step in enumerate(steps[:-1]):
        spread[t + 1] = max(1.0, smoothness * step - 1) ** 2 * spread[t] + step**2 * noise**2
    squares, spreads = recursion(steps[first:], smoothness)
    return float((spread[first:] / (2 * squares) + noise**2 / 2 * spreads).min())


def quadratic_loss(steps: Any, curvature: Any, *, noise: float = 0.0, distance: float = 1.0) -> np.ndarray:
    r"""The exact expected loss on :math:`\tfrac\lambda2x^2` of Theorem 2.

    Args:
        steps: Learning rates.
        curvature: :math:`\lambda\ge0`, any shape.
        noise: :math:`\sigma`, the standard deviation of a gradient.
        distance: :math:`|x_1|`.

    Raises:
        ValueError: bad steps.

    Example:
        >>> quadratic_loss([1.0, 0.5], [0.5, 1.0], noise=1.0).round(4)
        array([0.2383, 0.25  ])
    """
    curvature = np.asarray(curvature, dtype=np.float64)
    second = np.full(curvature.shape, float(distance) ** 2)
    for step in checked_steps(steps):
        second = (1 - curvature * step) ** 2 * second + (noise * step) ** 2
    return curvature / 2 * second


def growth(power: float, sharpness: float) -> float:
    r"""The exponent :math:`\Lambda_p(r)=\int_0^1\log|1-rv^p|\,dv` of a run on a quadratic, a step.

    Args:
        power: :math:`p\ge0`; 0 is the constant rate.
        sharpness: :math:`r=\beta\eta`, positive; at 1 one step of a constant rate arrives.

    Raises:
        ValueError: a number is outside of its range.

    Example:
        >>> round(growth(0, 3.0), 6), round(growth(1, 3.0), 6)  # log 2; (2 log 2)/3 - 1
        (0.693147, -0.537902)
    """
    sharpness = checked_positive("sharpness", sharpness)
    if _checked_power(power) == 0:
        return math.log(abs(1 - sharpness)) if sharpness != 1 else -math.inf
    # With v = exp(-s) the weight exp(-s) hides the pole, where r exp(-p s) = 1, if p is small.
    pole = math.log(sharpness) / power
    ends = [0.0, pole, pole + LAST] if 0 < pole < LAST else [0.0, LAST]
    return sum(
        quad(
            lambda s: math.exp(-s) * math.log(abs(1 - sharpness * math.exp(-power * s)) or 1e-300),
            *between, epsabs=1e-11, limit=200,
        )[0]
        for between in pairwise(ends)
    )  # fmt: skip


def edge(power: float) -> float:
    r"""The sharpness :math:`e_p` beyond which a run with :math:`h=(1-u)^p` leaves a quadratic.

    Args:
        power: :math:`p`, from 0 to 10.

    Raises:
        ValueError: ``power`` is outside of its range.

    Example:
        >>> [round(edge(p), 3) for p in (0, 1, 2, 3)]
        [2.0, 4.591, 6.271, 7.379]
    """
    if _checked_power(power) == 0:
        return 2.0
    above = 4.0
    while growth(power, above) <= 0:  # beyond the pole the exponent rises without bound, like log r - p
        above *= 2
    # At r = 2 no factor |1 - r v^p| exceeds 1: the root is above, and the search is refused where it is not.
    found: Any = brentq(lambda r: growth(power, r), 2.0, above, xtol=1e-12)
    return float(found)


def tuned(power: float) -> float:
    r"""The tuned rate :math:`k_p` on quadratics with noise and no domain, in units of :math:`R/(\sigma\sqrt T)`.

    Args:
        power: :math:`p`, from 0 to 10.

    Raises:
        ValueError: ``power`` is outside of its range.

    Example:
        >>> [round(tuned(p), 2) for p in (0, 1, 2, 3)]
        [0.67, 1.29, 1.7, 2.04]
    """
    power = _checked_power(power)
    # Bias is largest at z = (p + 1)/2, and noise between 1 and 50: it rises like z at first, and falls or is level in the end.
    z = np.geomspace(1e-2, 1e4, 20_000)
    noise, bias = z * forgotten(power, z), z * np.exp(-2 * z / (power + 1))
    # Convex in log k: a bracket is found downhill from any two points, and there is an error where it is not.
    found: Any = minimize_scalar(lambda k: (bias / math.exp(k) + math.exp(k) * noise).max(), bracket=(0.0, 0.5))
    return math.exp(found.x)


def forgotten(power: float, z: np.ndarray) -> np.ndarray:
    r"""What of the noise is not forgotten, :math:`F_p(z)=\int_0^1v^{2p}e^{-2zv^{p+1}/(p+1)}dv`.

    Example:
        >>> forgotten(0, np.array([1e-9, 1.0])).round(4)  # (1 - exp(-2))/2
        array([1.    , 0.4323])
    """
    order, scaled = (2 * power + 1) / (power + 1), 2 * z / (power + 1)
    return scaled ** (-order) * gammainc(order, scaled) * gamma(order) / (power + 1)


def margin_constant(power: float, *, returns: bool) -> float:
    r"""The margin above the tuned rate, :math:`m_p`, in units of :math:`\sigma\sqrt T/(\beta R)`.

    Args:
        power: :math:`p`, from 0 to 10.
        returns: Whether what early steps amplify is undone, as on a quadratic, or is lost beyond :math:`2/\beta`.

    Example:
        >>> [round(margin_constant(p, returns=False), 2) for p in (0, 1, 2, 3)]
        [3.0, 1.55, 1.17, 0.98]
    """
    return (edge(power) if returns else 2.0) / tuned(power)


def certify_cliff(steps: Any) -> Certificate:
    r"""The largest noiseless loss over all smooth convex functions, by semidefinite programming, beside Theorem 1.

    Args:
        steps: Learning rates in units of :math:`1/\beta`, twenty at most; far beyond the edge the program fails.

    Raises:
        ValueError: bad steps, or more than twenty.
        ModuleNotFoundError: PEPit is not installed.

    Example:
        >>> bool(certify_cliff([3.0, 0.5]).computed > quadratic_loss([3.0, 0.5], np.linspace(0, 1, 101)).max())
        True
    """
    steps = few_steps(checked_steps(steps))
    with ONE_PROGRAM:
        computed, accuracy = program(steps, bounded_domain=False, smooth=True)
    return Certificate(computed, unbounded_worst_case(steps), accuracy)


def _checked_power(power: Any) -> float:
    if not (is_number(power) and 0 <= power <= 10):
        raise ValueError(f"power must be a number from 0 to 10, not {power!r}.")
    return float(power)


def proof() -> dict[str, sympy.Expr]:
    r"""The identities of the proofs, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    step, beta, d, lam, v, r, z, sigma = sympy.symbols("eta beta d lambda v r z sigma", positive=True)
    stationary = step * sigma**2 / (lam * (2 - lam * step))  # variance of constant steps on a quadratic
    w = sympy.Symbol("w", positive=True)  # W(1/e), so that log w = -1 - w
    primitive = -((1 - r * v) * sympy.log(1 - r * v) / r) - v  # of log(1 - r v), below the pole
    reflected = (r * v - 1) * sympy.log(r * v - 1) / r - v  # of log(r v - 1), beyond the pole
    identities = {
        "1: beyond the edge the distance grows by r - 1": d**2
        + step * (step - 2 / beta) * (beta * d) ** 2
        - (beta * step - 1) ** 2 * d**2,
        "2: constant steps keep their variance": (1 - lam * step) ** 2 * stationary + step**2 * sigma**2 - stationary,
        "2: branch and cliff in one term": lam / 2 * stationary - step * sigma**2 / (2 * (2 - lam * step)),
        "2: the growth of linear decay below the pole": sympy.diff(primitive, v) - sympy.log(1 - r * v),
        "2: and beyond it": sympy.diff(reflected, v) - sympy.log(r * v - 1),
        "2: the edge of linear decay, (r - 1) log(r - 1) = r": (
            (sympy.log(r - 1) * (r - 1)).subs(r, 1 + 1 / w) - (1 + 1 / w)
        )
        .expand(force=True)
        .subs(sympy.log(w), -1 - w),
        "2: what constant steps do not forget": sympy.integrate(sympy.exp(-2 * z * v), (v, 0, 1))
        - (1 - sympy.exp(-2 * z)) / (2 * z),
    }
    return {
        name: sympy.simplify(sympy.expand_log(sympy.sympify(identity), force=True))
        for name, identity in identities.items()
    }


THEOREM = Theorem(
    name="cliff",
    statement="Without a bounded domain the branch of a smooth problem ends at a cliff, near twice the inverse curvature",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="on quadratics, exactly; for all smooth convex functions the edge is a conjecture",
    labels=("thm:cliff", "thm:cliff-quadratic", "thm:no-return"),
    proof=proof,
)
