r"""The smooth case: a steeper price for a rate that is too large, with its own exponent.

**Setting.** :math:`f` is convex and :math:`\beta`-smooth on a convex set, gradients are unbiased with variance
:math:`\mathbb E\|g_t-\nabla f(x_t)\|^2\le\sigma^2`, :math:`x_{t+1}=\Pi(x_t-\eta_tg_t)`, output :math:`x_{T+1}`.

**Theorem.** Let :math:`A_{T+1}=0` and :math:`A_t=\tfrac12\big(A_{t+1}+\sqrt{A_{t+1}^2+4\eta_t}\big)`. If
:math:`\beta\eta_t\le1` for all :math:`t\ge k` and :math:`\|x_k-x^\star\|\le R`, then

.. math:: \mathbb Ef(x_{T+1})-f^\star\;\le\;\frac{R^2}{2A_k^2}
    +\frac{\sigma^2}2\sum_{t\ge k}(1+\beta\eta_t)(A_t-A_{t+1})^2 .

With a known start, :math:`k=1`; on a set of diameter :math:`D`, the smallest value over the restarts ``k`` from which on
every step is usable.

**Proof** (identities in :func:`proof`).

1. *One step.* With :math:`d=x_t-x_{t+1}`, the noise :math:`\xi` and a point ``z`` of the set that is known before it,
   smoothness and the projection give
   :math:`2\eta\,\mathbb E[f(x_{t+1})-f(z)]\le\mathbb E\|x_t-z\|^2-\mathbb E\|x_{t+1}-z\|^2+N`,
   :math:`N=\mathbb E[2\eta\langle\xi,d\rangle-(1-\beta\eta)\|d\|^2]`.
2. *The noise.* Let :math:`\xi'` be a copy of the noise, independent given the past, and :math:`d'` the move that it
   leads to; :math:`w=\eta(\xi-\xi')`, :math:`m=d-d'`. Since :math:`\mathbb E\xi=0` and
   :math:`\mathbb E\|d\|^2\ge\frac12\mathbb E\|m\|^2`,
   :math:`N\le\mathbb E[\langle w,m\rangle-\frac{1-\beta\eta}2\|m\|^2]`. The projection is nonexpansive, so
   :math:`\|m\|\le\|w\|`, and for :math:`0\le\beta\eta\le1` the bracket is largest at :math:`m=w`: it is at most
   :math:`\frac{1+\beta\eta}2\|w\|^2`, and :math:`\mathbb E\|w\|^2=2\eta^2\mathbb E\|\xi\|^2`. So
   :math:`N\le\eta^2\sigma^2(1+\beta\eta)`. On :math:`\frac\beta2x^2` at :math:`x=z=0` step 1 is an equality with exactly
   this :math:`N`: no smaller factor will do.
3. *Weights.* Use the moving reference point of :mod:`lrtheory.theory.last_iterate` with :math:`v_1=v_0`. The
   coefficient of :math:`\delta_i` is now :math:`2[\eta_{i-1}v_{i-1}^2-(v_i-v_{i-1})A_i]` with
   :math:`A_i=\sum_{t\ge i}\eta_tv_t`, and :math:`v_i=1/A_i` makes it zero for :math:`i\le T` and 2 for :math:`i=T+1`. So
   :math:`A_i=A_{i+1}+\eta_i/A_i`, the recursion. ∎

**Law.** :math:`A_k^2\approx2\sum_{t\ge k}\eta_t`, so the bound is that of the non-smooth case with :math:`\sigma` for
:math:`G` and at most twice its noise term, except that a restart must wait until :math:`\beta\eta h(\tau)\le1`. For
:math:`h=(1-u)^p` and a rate :math:`\rho\ge1` times the tuned :math:`\min(1/\beta, D/(\sigma\sqrt T))`,

.. math:: \mathbb Ef(x_{T+1})-f^\star=O\Big(\rho^{1/p}\,\frac{\beta D^2}T+\rho^{1/(2p+1)}\,\frac{\sigma D}{\sqrt T}\Big).

A constant step above :math:`2/\beta` does not converge at all: on :math:`\tfrac\beta2x^2` it multiplies the error by
:math:`|1-\beta\eta|>1`.

**Status.** *Proved*: the upper bound. It is not attained: without noise one step of :math:`1/\beta` loses at most
:math:`\beta R^2/6`, a third of it. That constant steps lose :math:`\beta R^2/(4T+2)`, so that the leading order is sharp, is
*quoted* (Drori and Teboulle, arXiv 1206.3209); that noiseless worst cases grow like :math:`\rho^{1/p}` is *verified* for
:math:`p=1,2,3` against semidefinite programs of eight steps (:func:`lrtheory.theory.certificates.certify_smooth`).

**Source.** Derived here. Attia and Koren, arXiv 2503.09411, treat the smooth case; the wording of their theorem could not
be read, so the exponent of the first term is ours.
"""

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from lrtheory.checks import LARGEST, checked_length, checked_positive, checked_steps, is_number
from lrtheory.compilation import CACHE
from lrtheory.schedules.schedule import Schedule
from lrtheory.theory.misspecification import reciprocal, rho_exponent
from lrtheory.theory.theorem import Theorem

if TYPE_CHECKING:
    import sympy


def smooth_worst_case(
    steps: Any,
    *,
    smoothness: float = 1.0,
    noise: float = 0.0,
    distance: float | None = None,
    diameter: float | None = None,
) -> float:
    r"""A bound on the expected :math:`f(x_{T+1})-f^\star` of SGD on a smooth convex function.

    .. math:: \min_k\;\frac{D^2}{2A_k^2}+\frac{\sigma^2}2\sum_{t\ge k}(1+\beta\eta_t)(A_t-A_{t+1})^2

    over the restarts from which on every step is at most :math:`1/\beta`; with ``distance`` only :math:`k=1` and :math:`R`
    for :math:`D`.

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`, finite, none negative.
        smoothness: :math:`\beta`, the Lipschitz constant of the gradient.
        noise: :math:`\sigma`, the root of the gradients' variance, at least 0.
        distance: :math:`R\ge\|x_1-x^\star\|`.
        diameter: :math:`D`, the diameter of the domain. Exactly one of the two lengths must be given.

    Returns:
        The bound; infinite where the last step (with ``distance``, any step) is larger than :math:`1/\beta`.

    Raises:
        ValueError: bad steps, negative noise, or both or neither length.

    Example:
        Gradient descent with the step 1/beta:

        >>> import numpy as np
        >>> round(smooth_worst_case(np.ones(1000), distance=1.0) * 4 * 1000, 2)
        1.0
        >>> smooth_worst_case(3 * np.ones(1000), diameter=1.0)
        inf

    Source:
        Proved here: see the module.
    """
    length = checked_length(distance, diameter)
    smoothness = checked_positive("smoothness", smoothness)
    if not (is_number(noise) and 0 <= noise <= LARGEST):
        raise ValueError(f"noise must be a number from 0 to {LARGEST:g}, not {noise!r}.")
    steps = checked_steps(steps)
    usable = smoothness * steps <= 1
    first = len(steps) - int(np.argmin(usable[::-1])) if not usable.all() else 0
    if first == len(steps) or (first > 0 and diameter is None):
        return math.inf
    squares, spreads = recursion(steps[first:], smoothness)
    bounds = length**2 / (2 * squares) + noise**2 / 2 * spreads
    return float(bounds[0] if diameter is None else bounds.min())


@numba.njit(cache=CACHE, nogil=True)
def recursion(steps: np.ndarray, smoothness: float) -> tuple[np.ndarray, np.ndarray]:
    """The squares of A and the noise sums of every restart."""
    squares, spreads = np.empty(steps.size), np.empty(steps.size)
    root, spread = 0.0, 0.0
    for t in range(steps.size - 1, -1, -1):
        before = (root + math.sqrt(root * root + 4 * steps[t])) / 2
        spread += (1 + smoothness * steps[t]) * (steps[t] / before) ** 2
        squares[t], spreads[t], root = before * before, spread, before
    return squares, spreads


def smooth_exponents(schedule: Schedule) -> tuple[Any, Any]:
    r"""The powers of ``rho`` in the two terms: :math:`1/p` with the smoothness, :math:`1/(2p+1)` with the noise.

    Args:
        schedule: The shape; one that does not anneal has the exponents (infinity, 1).

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: as :func:`lrtheory.theory.misspecification.rho_exponent`.

    Example:
        >>> from lrtheory import Constant, Cosine
        >>> print(*smooth_exponents(Cosine()), *smooth_exponents(Constant()))
        1/2 1/5 inf 1
    """
    noise = rho_exponent(schedule)
    return (math.inf if noise == 1 else reciprocal(schedule.degree)), noise


def noiseless_law() -> dict[str, "sympy.Expr"]:
    r"""The first term for :math:`h=(1-u)^p`: the restart waits until :math:`\rho x^p=1`.

    Returns:
        ``restart``, the part of the run that remains there; ``loss``, the bound over :math:`\beta D^2/T`; ``exponent``.

    Example:
        >>> noiseless_law()["loss"], noiseless_law()["exponent"]
        (rho**(1/p)*(p/4 + 1/4), 1/p)
    """
    import sympy

    p, x, y, rho = sympy.symbols("p x y rho", positive=True)
    restart = rho ** (-1 / p)
    area = sympy.integrate(y**p, (y, 0, x))
    loss = sympy.powsimp(sympy.simplify((1 / (4 * rho * area)).subs(x, restart)))
    return {
        "restart": restart,
        "loss": loss,
        "exponent": sympy.simplify(rho * sympy.diff(sympy.log(loss), rho)),
    }


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proof, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    after, step, beta, xi, w, short = sympy.symbols("A eta beta xi w s", positive=True)
    before = (after + sympy.sqrt(after**2 + 4 * step)) / 2
    weight, weight_after = 1 / before, 1 / after  # v_{i-1} = 1/A_{i-1} and v_i = 1/A_i
    bracket = w * short - (1 - beta * step) / 2 * short**2  # where m has the direction of w and the length s
    # One step on beta/2 x^2 from its minimum, noise of two points +-xi: the loss after it, the distance that it went.
    loss, squared = beta / 2 * (step * xi) ** 2, (step * xi) ** 2
    identities = {
        "2: the bracket at m = w": bracket.subs(short, w) - (1 + beta * step) / 2 * w**2,
        "2: below m = w it is smaller": bracket.subs(short, w)
        - bracket
        - (w - short) ** 2 / 2
        - beta * step / 2 * (w**2 - short**2),
        "2: no smaller factor will do": 2 * step * loss + squared - step**2 * xi**2 * (1 + beta * step),
        "3: A_i sums eta_t v_t": before - (after + step * weight),
        "3: coefficient of delta_i": step * weight**2 - (weight_after - weight) * after,
        "3: coefficient of the last delta": step * weight.subs(after, 0) ** 2 - 1,
        "3: the noise term": step * weight - (before - after),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


THEOREM = Theorem(
    name="smooth",
    statement="Smooth case: `rho^(1/p)` in the noiseless term, an upper bound",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="not attained; the growth is verified on semidefinite programs of 8 steps",
    labels=("thm:smooth",),
    proof=proof,
)
