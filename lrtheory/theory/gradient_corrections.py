r"""Which corrections of gradient descent are gradients: the first always, the next in general not.

With :math:`g=\nabla L`, :math:`H=\nabla^2L`, :math:`T=\nabla^3L`, gradient descent follows

.. math:: \dot\theta=-g-\tfrac\eta2Hg-\eta^2\big(\tfrac13H^2g+\tfrac1{12}T(g,g)\big)-\dots

The first correction is the gradient of :math:`\tfrac\eta4\|\nabla L\|^2`; the second is the gradient of nothing unless
the Hessian commutes with its own rate of change along the flow.

**Status.** *Proved*, and *verified* for drawn polynomials. **Source.** Derived here.
"""

from collections.abc import Sequence

import sympy

from lrtheory.theory.backward_error import ModifiedEquation, modified_equation
from lrtheory.theory.rooted_trees import size
from lrtheory.theory.theorem import Theorem


def first_correction_defect(loss: sympy.Expr, variables: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    r"""The identity :math:`\tfrac12Hg-\nabla\big(\tfrac14\|g\|^2\big)=0`: the first correction is a gradient.

    Args:
        loss: Any expression, a generic ``Function("L")(x, y)`` included.
        variables: The symbols it depends on.

    Returns:
        The components of the left-hand side; each is zero.

    Example:
        >>> x, y = sympy.symbols("x y")
        >>> first_correction_defect(sympy.Function("L")(x, y), [x, y])
        [0, 0]
    """
    gradient = [sympy.diff(loss, x) for x in variables]
    correction = [-term for term in _terms_of_order(2, [-component for component in gradient], variables)]
    penalty = sympy.Add(*(component**2 for component in gradient)) / 4
    return [sympy.expand(a - sympy.diff(penalty, x)) for a, x in zip(correction, variables, strict=True)]


def second_correction_curl(loss: sympy.Expr, variables: Sequence[sympy.Symbol]) -> sympy.Matrix:
    r"""The curl of the :math:`\eta^2` term of gradient descent's modified equation.

    .. math:: v=-\tfrac13H^2g-\tfrac1{12}T(g,g),\qquad
        \partial_iv_j-\partial_jv_i=\tfrac16\big[H,\,T(g)\big]_{ij},\qquad T(g)=\sum_kg_k\,\partial_kH.

    So there is a modified *loss* beyond the first correction exactly when the Hessian commutes with its own
    rate of change along the flow: in one dimension, for quadratics, for separable losses, but not in general.

    Proof: :math:`\nabla(g^\top Hg)=2H^2g+T(g,g)`, so :math:`v=-\tfrac1{12}\nabla(g^\top Hg)-\tfrac16H^2g`. In the
    curl of :math:`H^2g` the derivatives that fall on :math:`g` give the symmetric :math:`H^3`, those that fall on
    the outer :math:`H` contract the symmetric :math:`T` with :math:`Hg`, and what is left is
    :math:`T(g)H-HT(g)`.

    Args:
        loss: Any expression.
        variables: The symbols it depends on.

    Returns:
        The antisymmetric matrix :math:`\partial_iv_j-\partial_jv_i`, from the derivatives of :math:`v` themselves;
        :func:`hessian_commutator` is the right-hand side.

    Example:
        >>> x, y = sympy.symbols("x y")
        >>> second_correction_curl(x**2 * y, [x, y])[0, 1].factor()
        -2*x*(x**2 - 2*y**2)/3
        >>> second_correction_curl(x**4 + y**3, [x, y])
        Matrix([
        [0, 0],
        [0, 0]])

    Source:
        Derived here; also verified for a generic loss of two variables and drawn polynomials of three.
    """
    descent = [-sympy.diff(loss, x) for x in variables]
    velocity = _terms_of_order(3, descent, variables)
    return sympy.Matrix(
        len(variables),
        len(variables),
        lambda i, j: sympy.expand(sympy.diff(velocity[j], variables[i]) - sympy.diff(velocity[i], variables[j])),
    )


def hessian_commutator(loss: sympy.Expr, variables: Sequence[sympy.Symbol]) -> sympy.Matrix:
    r"""One sixth of :math:`[H,T(g)]`, the Hessian against its rate of change: see :func:`second_correction_curl`."""
    hessian = sympy.hessian(loss, variables)
    change = sympy.zeros(len(variables))
    for x in variables:
        change += sympy.diff(loss, x) * sympy.diff(hessian, x)
    return ((hessian * change - change * hessian) / 6).applyfunc(sympy.expand)


def _terms_of_order(nodes: int, field: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """The coefficient of the power ``nodes - 1`` of the step in the modified equation of a field."""
    full = modified_equation(nodes)
    only = tuple((tree, c if size(tree) == nodes else sympy.S.Zero) for tree, c in full.terms)
    return ModifiedEquation(nodes, only).expr(field, variables, sympy.S.One)


def proof() -> dict[str, sympy.Expr]:
    """The first correction is the gradient of the penalty, and the curl of the second is a commutator, for any loss."""
    variables = sympy.symbols("x y")
    loss = sympy.Function("L")(*variables)
    curl = second_correction_curl(loss, variables) - hessian_commutator(loss, variables)
    return {
        **{f"the first correction, {x}": left for x, left in zip(variables, first_correction_defect(loss, variables))},
        "the curl of the second": sympy.expand(curl[0, 1]),
    }


THEOREM = Theorem(
    name="gradient_corrections",
    statement="The first correction of gradient descent is a gradient; the next is in general none",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="unless the Hessian commutes with its rate of change along the flow",
    proof=proof,
)
