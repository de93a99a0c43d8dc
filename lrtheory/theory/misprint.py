r"""A misprint: equation (7) of the note on learning rates lacks a gradient.

The printed right side adds a number to a vector; with the gradient in front of it the flow is the penalised one of
:mod:`lrtheory.theory.gradient_descent_penalty`.

**Status.** *Proved*. **Source.** The misprint is quoted from Zhu Meng's note; the right form is Barrett and Dherin's, arXiv
2009.11162, rederived here.
"""

from dataclasses import dataclass

import sympy

from lrtheory.theory.backward_error import ETA, step_defect
from lrtheory.theory.gradient_descent_penalty import gradient_descent
from lrtheory.theory.theorem import Theorem


@dataclass(frozen=True)
class Erratum:
    """A printed formula that is wrong, and the right one, as LaTeX.

    Attributes:
        printed: The formula as published, quoted as an error.
        reason: Why it cannot be right.
        derivation: The steps that lead to the right one.
        corrected: The right formula.
    """

    printed: str
    reason: str
    derivation: tuple[str, ...]
    corrected: str


def equation_seven() -> Erratum:
    r"""Equation (7) of Zhu Meng's note on learning rates, as printed and as it must read.

    The note states the implicit penalty without the gradient in front of it. :func:`equation_seven_defect` shows in
    one dimension, where the printed sum makes sense, that it is not the flow that gradient descent follows.

    Example:
        >>> print(equation_seven().corrected)
        \dot\theta = -\nabla\left(L + \frac{\eta}{4}\|\nabla L\|^2\right) + O(\eta^2)

    Source:
        Quoted: Zhu Meng, note on learning-rate strategies in deep learning (in Chinese), 2 May 2025, revised
        26 June 2025, equation (7). The right form is Barrett and Dherin's, arXiv 2009.11162, rederived here.
    """
    return Erratum(
        printed=r"\theta^{(1)}(t) = -\left(g(t) + \frac{1}{4}\eta\|g(t)\|_2^2\right)",
        reason=(
            "It adds a number to a vector, and its two terms scale differently: in units in which the parameters are "
            "s times as large, a step of eta g is s times as long, but eta squared times the squared norm is s "
            "squared times as large."
        ),
        derivation=(
            r"\theta(t+\eta) = \theta + \eta\dot\theta + \frac{\eta^2}{2}\ddot\theta + O(\eta^3) = \theta - \eta g",
            r"\dot\theta = -g - \frac{\eta}{2}\ddot\theta + O(\eta^2)",
            r"\ddot\theta = -H\dot\theta + O(\eta) = Hg + O(\eta)",
            r"\dot\theta = -g - \frac{\eta}{2}Hg + O(\eta^2)",
            r"Hg = \frac{1}{2}\nabla\|g\|^2",
        ),
        corrected=gradient_descent().latex() + r" + O(\eta^2)",
    )


def equation_seven_defect(loss: sympy.Expr, variable: sympy.Symbol) -> tuple[sympy.Expr, sympy.Expr]:
    r"""The :math:`\eta^2` error of one step of the printed and of the corrected equation (7), in one dimension.

    Returns:
        :math:`\tfrac12L'L''-\tfrac14L'^2` for the printed form, zero only where :math:`L'=2L''` or
        :math:`L'=0`, and 0 for the corrected form.

    Example:
        >>> x = sympy.Symbol("x")
        >>> equation_seven_defect(sympy.Function("L")(x), x)[1]
        0
        >>> equation_seven_defect(x**2, x)
        (-x**2 + 2*x, 0)
    """
    slope = sympy.diff(loss, variable)
    printed = -(slope + ETA * slope**2 / 4)
    corrected = -sympy.diff(loss + ETA * slope**2 / 4, variable)
    first, second = (step_defect([velocity.doit()], [-slope], [variable], 2)[1][0] for velocity in (printed, corrected))
    return first, second


def proof() -> dict[str, sympy.Expr]:
    """The error of one step of the corrected form, and what is left of the printed one, for any loss."""
    x = sympy.Symbol("x")
    loss = sympy.Function("L")(x)
    printed, corrected = equation_seven_defect(loss, x)
    slope = sympy.diff(loss, x)
    return {
        "the corrected form": corrected,
        "what the printed form misses": sympy.expand(printed - slope * sympy.diff(slope, x) / 2 + slope**2 / 4),
    }


THEOREM = Theorem(
    name="equation_seven",
    statement="Equation (7) of Zhu Meng's note lacks a gradient",
    status="proved",
    source="the right form is Barrett and Dherin's",
    module=__name__,
    attained="the printed form is off in the second power of the step unless `L' = 2 L''`",
    proof=proof,
)
