r"""Equations (4) and (5) of the note, read literally, are implicit Euler, whose penalty has the opposite sign.

The note writes :math:`\theta(t)=\theta(t-\eta)-\eta\,g(t)` with the gradient :math:`g(t)=\nabla L(\theta(t))` of its
equation (2): the gradient at the *new* time. That is not gradient descent, whose gradient is at the old one, but the
implicit method, a proximal step. It follows :math:`\dot\theta=-\nabla\big(L-\frac\eta4\|\nabla L\|^2\big)+O(\eta^2)`: it
prefers *steep* places where gradient descent prefers flat ones (:mod:`lrtheory.theory.gradient_descent_penalty`).

**Derivation.** :math:`\theta_-=\theta-\eta\dot\theta+\frac{\eta^2}2\ddot\theta` with :math:`\theta_-=\theta+\eta g` gives
:math:`\dot\theta=-g+\frac\eta2\ddot\theta`, and :math:`\ddot\theta=Hg+O(\eta)`, so
:math:`\dot\theta=-g+\frac\eta2Hg=-\nabla(L-\frac\eta4\|g\|^2)`. On :math:`L=\frac a2\theta^2` one step divides by
:math:`1+a\eta`, the flow with the rate :math:`\ln(1+a\eta)/\eta=a-\frac{a^2\eta}2+\dots`, slower than :math:`a`, where
gradient descent has :math:`-\ln(1-a\eta)/\eta`, faster. (:func:`proof` has both, for any loss, in one dimension and in two.)

**Status.** *Proved*. **Source.** The equations are quoted from Zhu Meng's note; the reading is derived here.
"""

from typing import Any

import sympy

from lrtheory.theory.backward_error import ETA
from lrtheory.theory.theorem import Theorem


def implicit_step_defect(
    velocity: list[sympy.Expr], loss: sympy.Expr, variables: list[sympy.Symbol]
) -> list[sympy.Expr]:
    r"""The :math:`\eta^2` error of a flow against one implicit step :math:`\theta(t)=\theta(t-\eta)-\eta\nabla L(\theta(t))`.

    The flow is followed backwards from the new point, where the gradient is.

    Args:
        velocity: The right side of the flow, one expression for each variable, up to the first power of :math:`\eta`.
        loss: :math:`L`.
        variables: The parameters.

    Example:
        >>> x = sympy.Symbol("x")
        >>> loss = x**2 / 2
        >>> implicit_step_defect([-x + ETA / 2 * x], loss, [x]), implicit_step_defect([-x - ETA / 2 * x], loss, [x])
        ([0], [x])
    """
    defects = []
    for speed, variable in zip(velocity, variables):
        second = sum(sympy.diff(speed, other) * theirs for other, theirs in zip(variables, velocity))
        before: Any = variable - ETA * speed + ETA**2 / 2 * second
        stated: Any = variable + ETA * sympy.diff(loss, variable)
        left: Any = sympy.expand(before - stated)
        defects.append(sympy.simplify(left.coeff(ETA, 2)))
    return defects


def proof() -> dict[str, sympy.Expr]:
    """What the flow with the opposite sign misses of the implicit step, and what that of gradient descent misses of it.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    x, y = sympy.symbols("x y")
    rate = sympy.Symbol("a", positive=True)
    loss = sympy.Function("L")(x, y)
    square = sympy.diff(loss, x) ** 2 + sympy.diff(loss, y) ** 2

    def flow(sign: int) -> list[sympy.Expr]:
        return [-sympy.diff(loss + sign * ETA / 4 * square, variable).doit() for variable in (x, y)]

    explicit = implicit_step_defect(flow(1), loss, [x, y])
    vanishing = {
        f"the opposite sign, component {place}": left
        for place, left in enumerate(implicit_step_defect(flow(-1), loss, [x, y]))
    }
    vanishing |= {
        f"the sign of gradient descent, component {place}": sympy.expand(left - sympy.diff(square, variable).doit() / 2)
        for place, (left, variable) in enumerate(zip(explicit, (x, y)))
    }
    implicit = sympy.series(sympy.log(1 + rate * ETA) / ETA, ETA, 0, 2).removeO()
    forward = sympy.series(-sympy.log(1 - rate * ETA) / ETA, ETA, 0, 2).removeO()
    vanishing["a parabola, implicit"] = sympy.expand(implicit - (rate - rate**2 * ETA / 2))
    vanishing["a parabola, gradient descent"] = sympy.expand(forward - (rate + rate**2 * ETA / 2))
    return vanishing


THEOREM = Theorem(
    name="implicit_euler",
    statement="Equations (4) and (5) of the note, read literally, are implicit Euler: its penalty has the opposite sign",
    status="proved",
    source="The equations are quoted from Zhu Meng's note",
    module=__name__,
    attained="up to the second power of the step, for any loss of two parameters",
    labels=("prop:implicit",),
    proof=proof,
)
