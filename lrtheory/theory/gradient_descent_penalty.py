r"""Gradient descent follows a flow, but not the gradient flow: the flow of a penalised loss.

A step of gradient descent, :math:`\theta\mapsto\theta-\eta g(\theta)`, is the time-:math:`\eta` map of

.. math:: \dot\theta=-\nabla\big(L+\tfrac{\eta}{4}\|\nabla L\|^2\big)+O(\eta^2):

the implicit gradient penalty, the first correction of :mod:`lrtheory.theory.backward_error`. The
penalties of other optimizers have a file each; :mod:`lrtheory.theory.penalties` lists them. What is a gradient beyond:
:mod:`lrtheory.theory.gradient_corrections`; where the picture breaks:
:mod:`lrtheory.theory.quadratic`; a published misprint: :mod:`lrtheory.theory.misprint`.

**Status.** *Proved*; orders of accuracy are *verified*. **Source.** Barrett and Dherin, arXiv 2009.11162; rederived here.
"""

import sympy

from lrtheory.theory.backward_error import step_defect
from lrtheory.theory.penalty_term import GRADIENT, PenaltyTerm
from lrtheory.theory.theorem import Theorem


def gradient_descent() -> PenaltyTerm:
    r"""The implicit penalty of full-batch gradient descent.

    .. math:: \dot\theta=-\nabla\big(L+\tfrac\eta4\|\nabla L\|^2\big)+O(\eta^2)

    Example:
        >>> print(gradient_descent().latex())
        \dot\theta = -\nabla\left(L + \frac{\eta}{4}\|\nabla L\|^2\right)

    Source:
        Barrett and Dherin, arXiv 2009.11162. Proved by :func:`lrtheory.modified_equation` of order 2.
    """
    return PenaltyTerm("gradient descent", sympy.S.One, sympy.S.One, sympy.Rational(1, 4), GRADIENT**2)


def proof() -> dict[str, sympy.Expr]:
    """What one step of the penalised flow misses of one step of gradient descent, for any loss of two variables."""
    variables = sympy.symbols("x y")
    loss = sympy.Function("L")(*variables)
    descent = [-sympy.diff(loss, x) for x in variables]
    defects = step_defect(gradient_descent().expr(loss, variables), descent, variables, 2)
    return {
        f"the power {power} of the step, {x}": sympy.expand(defect)
        for power, row in enumerate(defects, 1)
        for x, defect in zip(variables, row, strict=True)
    }


THEOREM = Theorem(
    name="implicit_penalty",
    statement="Gradient descent follows the flow of `L + (eta/4)‖∇L‖²`",
    status="proved",
    source="Barrett and Dherin, arXiv 2009.11162",
    module=__name__,
    attained="to second order in the step; orders of accuracy are verified",
    labels=("prop:penalty",),
    proof=proof,
)
