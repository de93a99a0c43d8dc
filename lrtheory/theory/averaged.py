r"""The step-weighted average of the iterates, which no annealing can help: its worst case is the classical bound.

**Theorem.** For :math:`\bar x=\sum_t\eta_tx_t/\sum_t\eta_t` and :math:`\|x_1-x^\star\|\le R` the one-step inequality sums to

.. math:: \mathbb Ef(\bar x)-f^\star\;\le\;\frac{R^2+G^2\sum_t\eta_t^2}{2\sum_t\eta_t},

tuned at :math:`\eta=\frac RG(\sum h_t^2)^{-1/2}`, and a rate wrong by ``rho`` loses exactly :math:`\tfrac12(\rho+1/\rho)`
times that, for every shape. As :math:`T\to\infty` the bound is attained: let ``h`` be bounded and almost everywhere continuous
and :math:`\eta_t=\frac{\lambda R}{G\sqrt T}h((t-1)/T)`; then at every fixed :math:`\lambda` the lower bound of
:mod:`lrtheory.theory.any_average` is :math:`(1-o(1))` of the upper one, from a known distance and on a domain alike.

*Proof.* With :math:`S=\sum\eta_t`, :math:`\Sigma=\sum\eta_t^2`, :math:`w_t=\eta_t/S` there,
:math:`M=\frac1S\sum_t\eta_t\sum_{i<t}\eta_i=\frac{S^2-\Sigma}{2S}`. Since neighbouring steps differ by :math:`o(1/\sqrt T)`
but for a part :math:`o(1)` of them, every second index has :math:`E=\frac{\Sigma}{2S}(1-o(1))`. So
:math:`M+E=\frac S2(1-o(1))`, and :math:`\frac{R^2}{4(M+E)}+G^2E` is
:math:`\big(\frac{R^2}{2S}+\frac{G^2\Sigma}{2S}\big)(1-o(1))`. On a domain the steps, and with them ``Y``, are
:math:`O(D/\sqrt T)`, so :math:`R=D(1-O(1/T))`. ∎

So the law of an average is exact and linear in ``rho``, annealed or not, where the last iterate of an annealed run has
:math:`\rho^{1/(2p+1)}`. There is no logarithm: for a constant rate the line shows at any horizon.

**Without weights.** On a set of diameter :math:`D`, and for steps that do not increase, :math:`q_t=w_t=\frac1T` in the theorem of
:mod:`lrtheory.theory.any_average` gives the uniform average of :math:`x_1,\dots,x_T`

.. math:: \mathbb Ef(\bar x)-f^\star\;\le\;\frac1{2T}\Big[\frac{D^2}{\eta_T}+G^2\sum_t\eta_t\Big],

at most :math:`\big(\rho+\frac1{2\rho}\big)\frac{DG}{\sqrt T}` for :math:`\eta_t=\frac{\rho D}{G\sqrt t}`: an inverse square
root is :math:`O(\rho/\sqrt T)` without a logarithm, whose step-weighted average has one.

**A decay in disguise.** An average is the last iterate of a run whose gradients are taken elsewhere:
:math:`\bar x=x_1-\sum_t\eta_tW_{t+1}g_t`, as if the rate decayed like :math:`hW`. In the limit of long runs the bounds know
it: with :math:`n=1/m`, the state of :mod:`lrtheory.theory.any_average` moves by :math:`n'=-2(\eta h-wn)/W`, and
:math:`\tilde n=nW^2` by :math:`\tilde n'=-2\eta hW`, which is the last iterate's under the shape :math:`hW`; the noise terms
:math:`\eta^2h^2/n` and :math:`(\eta hW)^2/\tilde n` are equal. So from a known distance no average has a smaller bound in the
limit than the last iterate of :math:`hW`, and constant steps averaged over a window have that of a linear cooldown in it. On a
domain they part: a decay restarts inside its cooldown, where iterates of a constant rate that are already in the average keep
their noise, :math:`G^2\sum w_t\eta_t/2`. So merged checkpoints forgive a rate up to where that noise matters, and then are linear
in ``rho``.

**Status.** *Proved*. **Source.** The upper bound: Nemirovski et al., SIAM J. Optim. 19(4), 2009; the uniform average:
Zinkevich, ICML 2003. That it is attained is derived here.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from lrtheory.checks import checked_magnitude, checked_steps
from lrtheory.theory.any_average import average_lower_bound
from lrtheory.theory.theorem import Evidence, Theorem

if TYPE_CHECKING:
    import sympy


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


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proofs, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    total, squares, radius, n, u, eta, h, tail, weight = sympy.symbols("S Sigma R n u eta h W w", positive=True)
    drift, swings = (total**2 - squares) / (2 * total), squares / (2 * total)
    state, left = sympy.Function("n")(u), sympy.Function("W")(u)
    moved = sympy.diff(state * left**2, u).subs(
        {sympy.diff(state, u): -2 * (eta * h - weight * state) / left, sympy.diff(left, u): -weight}
    )
    two = sympy.symbols("eta_1:4", positive=True)  # three steps
    before = sum(step * sum(two[:place]) for place, step in enumerate(two))
    identities = {
        "the drift": before - (sum(two) ** 2 - sum(step**2 for step in two)) / 2,
        "the limit of the lower bound": radius**2 / (4 * (drift + swings))
        + swings
        - (radius**2 + squares) / (2 * total),
        "in disguise: the state": moved + 2 * eta * h * left,
        "in disguise: the noise": (eta * h * tail) ** 2 / (n * tail**2) - eta**2 * h**2 / n,
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def witness() -> Evidence:
    """Linear decay at four times its tuned rate: the lower bound of 10,000 steps beside the bound."""
    steps = 0.04 * 3**0.5 * np.linspace(1, 1e-4, 10_000)
    return Evidence(
        average_lower_bound(steps, np.append(steps, 0), distance=1.0), averaged_bound(steps, distance=1.0), 1e-3
    )


THEOREM = Theorem(
    name="averaged",
    statement="The step-weighted average is linear in `rho`, annealed or not, with the factor `(rho + 1/rho)/2`",
    status="proved",
    source="Zinkevich, ICML 2003. That it is attained is derived here",
    module=__name__,
    attained="in the limit of long runs at every rate, from a known distance and on a domain",
    labels=("prop:average",),
    proof=proof,
    witness=witness,
)
