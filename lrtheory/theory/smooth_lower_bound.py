r"""A smooth function on which gradient descent does lose ``rho`` to the power ``1/p``: the noiseless exponent is the truth.

**Theorem.** Let :math:`0\le k\le T`, :math:`S=\sum_{t>k}\eta_t`, and for a cap :math:`\alpha>0` let
:math:`\alpha_1=\min(\frac12\eta_1,\alpha)`, :math:`\alpha_{t+1}=\min(\eta_t-\alpha_t,\alpha)`. If
:math:`\mu=\min_{t\le k}\alpha_t-\frac1\beta` is positive, some convex, :math:`\beta`-smooth function on a set of diameter
:math:`D` leaves, by exact gradients,

.. math:: f(x_{T+1})-f^\star\;\ge\;\frac{D^2}{(1+\kappa)\,(4S+2/\beta)},\qquad
    \kappa=\frac{4\alpha^2}{\mu\,(2S+1/\beta)} ;

for :math:`k=0`, :math:`\kappa=0` and no condition. :func:`smooth_lower_bound` takes the best ``k`` and the best of a few caps.

**Proof** (identities: :func:`proof`). Let :math:`f(x,y)=\min_{u,v}\max(0,\,bu,\,s|v|)+\frac\beta2[(x-u)^2+(y-v)^2]`, the Moreau
envelope, which is convex and :math:`\beta`-smooth, with the minimum 0 at the origin, on :math:`[0,R]\times[-Y,Y]`.

1. *To and fro.* Where :math:`s(|y|-s/\beta)\ge bx\ge0` the minimising point is :math:`(x,\,y\mp s/\beta)`, so the gradient is
   :math:`(0,\pm s)`. With :math:`Y=s\alpha`, the first ``k`` steps lead from :math:`(R,s\alpha_1)` to
   :math:`(R,\pm s\alpha_{t+1})`, if :math:`s^2\mu\ge bR`: to the other side, or to its end, where the set stops them; ``x``
   stays.
2. *Downhill.* The gradient is a convex combination of 0, :math:`(b,0)` and :math:`(0,\pm s)`, so later steps lower ``x`` by
   at most :math:`bS` in all; the projection on the box does not change that. The envelope of the larger function
   is the larger: :math:`f(x_{T+1})\ge bx_{T+1}-\frac{b^2}{2\beta}\ge bR-b^2\big(S+\frac1{2\beta}\big)`, at
   :math:`b=R/(2S+1/\beta)` half of :math:`bR`.
3. *The domain.* With :math:`s^2=bR/\mu` the square of its diameter is
   :math:`R^2+4s^2\alpha^2=R^2(1+\kappa)`, and :math:`D^2` for the right ``R``. ∎

**Law.** For :math:`h=(1-u)^p`, :math:`\eta=\rho/\beta` with :math:`\rho>2` fixed, as :math:`T\to\infty`: below the cap
:math:`\alpha_t\approx\eta_t/2`, so ``k`` may be where :math:`\rho(1-u)^p` falls to any number above 2, :math:`S` and with it
:math:`1/\kappa` grow like ``T``, and

.. math:: f(x_{T+1})-f^\star\;\ge\;\frac{p+1}8\Big(\frac\rho2\Big)^{1/p}\frac{\beta D^2}T(1-o(1)),

which is :math:`2^{-1-1/p}` of the upper bound of :mod:`lrtheory.theory.smooth`. So :math:`\rho^{1/p}` is the price of
over-estimation without noise.

**Status.** *Proved*, and *verified* by running it. **Source.** Derived here. The function of :math:`k=0` is that of Drori and
Teboulle, arXiv 1206.3209, whose :math:`\beta R^2/(4T+2)` it gives for constant steps :math:`1/\beta`.
"""

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from lrtheory.checks import checked_magnitude, checked_positive, checked_steps
from lrtheory.compilation import CACHE
from lrtheory.theory.theorem import Evidence, Theorem

if TYPE_CHECKING:
    import sympy

CAPS = (1.02, 1.05, 1.1, 1.2, 1.5, 2.0, 4.0)
"""Caps that are tried, in units of ``1/beta``: a low one needs little room, a high one lets the run swing for longer."""


def smooth_lower_bound(steps: Any, *, smoothness: float = 1.0, diameter: float) -> float:
    r"""What gradient descent with these steps loses at least on its worst smooth function, without noise.

    .. math:: \max_k\;\frac{D^2}{(1+\kappa)(4\sum_{t>k}\eta_t+2/\beta)}

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`.
        smoothness: :math:`\beta`, the Lipschitz constant of the gradient.
        diameter: :math:`D`, the diameter of the domain.

    Raises:
        ValueError: steps that are not finite and non-negative, or numbers that are not positive.

    Example:
        Constant steps of 1/beta lose 1/(4T + 2); linear decay from eight times that loses as if its first part were not there:

        >>> import numpy as np
        >>> round(1 / smooth_lower_bound(np.ones(10), diameter=1.0), 9)
        42.0
        >>> from lrtheory import Polynomial
        >>> steps = Polynomial(1).steps(10_000, lr=8.0)
        >>> round(float(smooth_lower_bound(steps, diameter=1.0) * (4 * steps.sum() + 2)), 1)
        14.8

    Source:
        Proved here: see the module.
    """
    steps, diameter = checked_steps(steps), checked_magnitude("diameter", diameter)
    smoothness = checked_positive("smoothness", smoothness)
    lengths = [_longest(steps * smoothness, cap)[0] for cap in CAPS]
    return diameter**2 * smoothness / min(lengths)


@numba.njit(cache=CACHE, nogil=True)
def _longest(steps: np.ndarray, cap: float) -> tuple[float, int, float]:
    r"""The smallest :math:`(1+\kappa)(4S+2)` over ``k``, with :math:`\beta=1`; the ``k``, and the :math:`\mu`, that it is at."""
    rest = steps.sum()
    smallest, turn, room = 4 * rest + 2, 0, 0.0
    size, least = min(steps[0] / 2, cap), math.inf
    for k in range(1, steps.size + 1):
        least = min(least, size - 1)
        if least <= 0:
            break
        rest = max(rest - steps[k - 1], 0.0)  # a sum that is used up may round to below zero
        length = (1 + 4 * cap**2 / (least * (2 * rest + 1))) * (4 * rest + 2)
        if length < smallest:
            smallest, turn, room = length, k, least
        size = min(steps[k - 1] - size, cap)
    return smallest, turn, room


def envelope_gradient(x: float, y: float, b: float, s: float, smoothness: float) -> tuple[float, float, float]:
    r"""The value of the function of the proof and its gradient, at a point with :math:`x\ge0`.

    The minimising point has the value :math:`m\ge0`, with :math:`bu\le m` and :math:`s|v|\le m`; its best ``m`` is found from the
    slope :math:`1-\beta[(x-m/b)_+/b+(|y|-m/s)_+/s]`, which is piecewise linear and rises.

    Example:
        >>> envelope_gradient(1.0, 0.0, 0.5, 2.0, 1.0)
        (0.375, 0.5, 0.0)
    """
    far = abs(y)
    kinks = sorted((0.0, b * x, s * far))

    def slope(m: float) -> float:
        return 1 - smoothness * (max(x - m / b, 0.0) / b + max(far - m / s, 0.0) / s)

    level = 0.0
    if slope(0.0) < 0:
        low, high = next((low, high) for low, high in pairwise(kinks) if slope(high) >= 0)
        level = low - slope(low) * (high - low) / (slope(high) - slope(low))
    first, second = max(x - level / b, 0.0), max(far - level / s, 0.0)
    value = level + smoothness / 2 * (first**2 + second**2)
    return value, smoothness * first, smoothness * second * float(np.sign(y))


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proof, each an expression that vanishes, named by its step.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    b, s, y, v, radius, rest, beta, mu, widest, p, rho, part = sympy.symbols(
        "b s y v R S beta mu alpha p rho x_0", positive=True
    )
    envelope = s * v + beta / 2 * (y - v) ** 2
    best = radius / (2 * rest + 1 / beta)
    wide = 4 * widest**2 / (mu * (2 * rest + 1 / beta))
    loss = b * radius - b**2 * (rest + 1 / (2 * beta))
    remains = rho * part ** (p + 1) / (p + 1) / beta  # of the steps, over T
    identities = {
        "1: the minimising point": sympy.diff(envelope, v).subs(v, y - s / beta),
        "1: the gradient": sympy.diff(envelope.subs(v, y - s / beta), y) - s,
        "2: the best slope": sympy.diff(loss, b).subs(b, best),
        "2: half of b R": loss.subs(b, best) - radius**2 / (4 * rest + 2 / beta),
        "3: the diameter": radius**2 + 4 * (best * radius / mu) * widest**2 - radius**2 * (1 + wide),
        "the law": (1 / (4 * remains)).subs(part, (2 / rho) ** (1 / p)) - (p + 1) * beta / 8 * (rho / 2) ** (1 / p),
    }
    return {name: sympy.simplify(sympy.powsimp(sympy.expand_power_base(each))) for name, each in identities.items()}


def witness() -> Evidence:
    """Run linear decay from eight times 1/beta: some late steps go to and fro again, so it loses a little more than the bound."""
    steps = 8.0 * np.linspace(1, 1e-4, 10_000)
    return Evidence(run_witness(steps), smooth_lower_bound(steps, diameter=1.0), 0.03)


def run_witness(steps: np.ndarray) -> float:
    r"""The loss of gradient descent on the function of the best ``k`` and cap, with :math:`\beta=D=1`."""
    (length, turn, room), cap = min((_longest(steps, cap), cap) for cap in CAPS)
    rest = steps[turn:].sum()
    radius = math.sqrt((4 * rest + 2) / length)  # (1 + kappa)^(-1/2)
    b = radius / (2 * rest + 1)
    s = math.sqrt(b * radius / room) if turn else 1.0
    wide = s * cap if turn else 0.0
    x, y = radius, min(s * steps[0] / 2, wide)
    for step in steps:
        _, along, across = envelope_gradient(x, y, b, s, 1.0)
        x, y = min(max(x - step * along, 0.0), radius), min(max(y - step * across, -wide), wide)
    return envelope_gradient(x, y, b, s, 1.0)[0]


THEOREM = Theorem(
    name="smooth_lower_bound",
    statement="Smooth case: `rho^(1/p)` is lost without noise, a lower bound",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="the function is there; `2^(-1-1/p)` of the upper bound in the limit",
    labels=("thm:smoothlower",),
    proof=proof,
    witness=witness,
)
