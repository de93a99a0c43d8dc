r"""One step on a domain: the worst case in closed form, where the restart bound is too large, with noise or without.

**Theorem.** For :math:`T=1`, on a set of diameter :math:`D`, with :math:`\eta` in units of :math:`D/G`, the largest
:math:`\mathbb E f(x_2)-f^\star` over :math:`DG` is

.. math:: 1-\eta\;\big(\eta\le\tfrac14\big),\qquad \eta+\frac1{8\eta}\;\big(\tfrac14\le\eta\le\tfrac1{\sqrt2}\big),\qquad
    \frac{3\eta-\eta^3}2\;\big(\tfrac1{\sqrt2}\le\eta\le1\big),\qquad 1\;(\eta\ge1),

whether or not gradients are noisy. The diameter form of :mod:`lrtheory.theory.last_iterate` is the same up to
:math:`\eta=\frac1{\sqrt2}` and beyond the point where it is 1; between them it is larger, by at most 3.2 %.

**Proof, upper bound** (:math:`D=G=1`, :math:`x^\star=0`; identities: :func:`proof`). The two restarts know
:math:`\|x_1\|\le1` or :math:`\|x_2\|\le1`; a mixture knows both. For :math:`\lambda\in[0,1]` add up
:math:`\lambda` times :math:`\mathbb Ef(x_1)-f^\star\le\mathbb E\langle g_1,x_1\rangle`, :math:`\lambda` times
:math:`f(x_2)-f(x_1)\le\langle g,x_2-x_1\rangle` and :math:`1-\lambda` times :math:`f(x_2)-f^\star\le\langle g,x_2\rangle`, where
:math:`g` is the subgradient at :math:`x_2`. With
:math:`2\eta\mathbb E\langle g_1,x_1\rangle\le\mathbb E[\|x_1\|^2-\|x_2\|^2+\eta^2]` and
:math:`\langle g,u\rangle\le\frac12(\mu+\|u\|^2/\mu)` for :math:`u=x_2-\lambda x_1`,

.. math:: \|u\|^2=(1-\lambda)\|x_2\|^2-\lambda(1-\lambda)\|x_1\|^2+\lambda\|x_2-x_1\|^2,\qquad
    \mathbb E\|x_2-x_1\|^2\le\eta^2,

so :math:`\mathbb Ef(x_2)-f^\star\le\frac\lambda{2\eta}(\eta^2+X_1-X_2)+\frac\mu2
+\frac{(1-\lambda)X_2-\lambda(1-\lambda)X_1+\lambda\eta^2}{2\mu}` with :math:`X_t=\mathbb E\|x_t\|^2\le1`. At
:math:`\lambda=1-\eta^2`, :math:`\mu=\eta` the coefficients of :math:`X_1` and :math:`X_2` are
:math:`\frac{(1-\eta^2)^2}{2\eta}` and :math:`\frac{2\eta^2-1}{2\eta}`, not negative for :math:`\eta^2\ge\frac12`, and the
value at :math:`X_1=X_2=1` is :math:`\frac{3\eta-\eta^3}2`. The other pieces are restarts. ∎

**Attained.** In the plane let :math:`\|x_1\|=1`, and let :math:`g_1,g_2` be the unit vectors with
:math:`\langle g_i,x_1\rangle=\phi` on either side of :math:`x_1`, :math:`f(x)=\max(0,\langle g_1,x\rangle,\langle g_2,x\rangle)`.
At :math:`x_1` both are subgradients; the step along :math:`g_1` leads to a loss of
:math:`\phi-\eta\langle g_1,g_2\rangle=\phi-\eta(2\phi^2-1)` and to
:math:`\|x_2\|^2=1+\eta^2-2\eta\phi`. So :math:`\phi=\max(\frac1{4\eta},\frac\eta2)`, at most 1, keeps it on the domain, the
hull of 0, :math:`x_1,x_2`, and loses the pieces above. Beyond :math:`\eta=1` use the function of
:mod:`lrtheory.theory.fixed_steps`. ∎

So noise does not close the gap of the restart bound. For longer runs two restarts can be mixed in the same way
(:mod:`lrtheory.theory.mixed_restarts`); the mixture of all is not known in closed form.

**Status.** *Proved*, and *verified* by semidefinite programs. **Source.** Derived here.
"""

import math
from typing import TYPE_CHECKING

from lrtheory.checks import checked_magnitude, checked_positive
from lrtheory.theory.theorem import Evidence, Theorem

if TYPE_CHECKING:
    import sympy


def one_step_worst_case(step: float, *, lipschitz: float = 1.0, diameter: float) -> float:
    r"""The largest :math:`\mathbb Ef(x_2)-f^\star` after one step on a domain.

    Args:
        step: The learning rate :math:`\eta`.
        lipschitz: :math:`G`.
        diameter: :math:`D`, the diameter of the domain.

    Raises:
        ValueError: a number that is not positive, or a length out of range.

    Example:
        >>> from lrtheory import worst_case
        >>> round(one_step_worst_case(0.8, diameter=1.0), 6), round(worst_case([0.8], diameter=1.0), 6)
        (0.944, 0.95625)

    Source:
        Proved here: see the module.
    """
    unit = checked_magnitude("lipschitz", lipschitz) * checked_magnitude("diameter", diameter)
    step = checked_positive("step", step) * lipschitz / diameter
    if step >= 1:
        return unit
    value = min(max(1 / (4 * step), step / 2), 1.0)
    return unit * (value - step * (2 * value**2 - 1))


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proof, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    step, weight, mu, first, second, phi, one, two = sympy.symbols("eta lambda mu X_1 X_2 phi x_1 x_2", positive=True)
    moved = (1 - weight) * two**2 - weight * (1 - weight) * one**2 + weight * (two - one) ** 2
    bound = weight / (2 * step) * (step**2 + first - second) + mu / 2
    bound += ((1 - weight) * second - weight * (1 - weight) * first + weight * step**2) / (2 * mu)
    chosen = bound.subs({weight: 1 - step**2, mu: step})
    best = (3 * step - step**3) / 2
    loss = phi - step * (2 * phi**2 - 1)
    identities = {
        "the distance from the mixture": (two - weight * one) ** 2 - moved,
        "the coefficient of the start": sympy.diff(sympy.expand(chosen), first) - (1 - step**2) ** 2 / (2 * step),
        "the coefficient of the end": sympy.diff(sympy.expand(chosen), second) - (2 * step**2 - 1) / (2 * step),
        "the bound": chosen.subs({first: 1, second: 1}) - best,
        "attained: on the domain": (1 + step**2 - 2 * step * phi).subs(phi, step / 2) - 1,
        "attained: there": loss.subs(phi, step / 2) - best,
        "attained: inside": loss.subs(phi, 1 / (4 * step)) - (step + 1 / (8 * step)),
        "attained: the best value": sympy.diff(loss, phi).subs(phi, 1 / (4 * step)),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def witness() -> Evidence:
    """Take the step of length 0.8 in the plane; the points are on a domain of diameter 1."""
    step, value = 0.8, 0.4
    along, across = (
        value,
        math.sqrt(1 - value**2),
    )  # the slopes are (along, across) and (along, -across), the start (1, 0)
    x, y = 1 - step * along, -step * across
    assert math.hypot(x, y) <= 1 + 1e-12
    return Evidence(max(along * x + across * y, along * x - across * y), one_step_worst_case(step, diameter=1.0), 1e-12)


THEOREM = Theorem(
    name="one_step",
    statement="One step on a domain: the worst case in closed form, with noise or without",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="always; the restart bound is up to 3.2 % larger, so noise does not close its gap",
    labels=("prop:onestep",),
    proof=proof,
    witness=witness,
)
