r"""Adam follows a corrected sign-like flow, and its correction may reward what gradient descent penalises.

Full-batch Adam after its burn-in (the bias corrections then are 1) is
:math:`\theta_{t+1}=\theta_t-\eta\,m_t\,P(v_t)` by components, where :math:`m` and :math:`v` are exponential moving
averages of :math:`g` and :math:`g^2` with decays :math:`\beta_1`, :math:`\beta_2`. Along a smooth path the moving
average of a quantity :math:`a` lags behind it,

.. math:: \sum_{k\ge0}(1-\beta)\beta^k\,a(t-k\eta)=a-\frac{\eta\beta}{1-\beta}\dot a+O(\eta^2).

Both lags and the Euler correction :math:`\tfrac\eta2\ddot\theta` add up: with :math:`q(g)=g\,P(g^2)`,

.. math::
    \dot\theta_j=-P(g_j^2)\Big[g_j+\eta\,c(g_j)\,\partial_jR\Big],\qquad R=\sum_ir(g_i),\quad r'=q,\qquad
    c(g)=\frac12\Big[\frac{1+\beta_1}{1-\beta_1}+\frac{1+\beta_2}{1-\beta_2}\cdot\frac{2vP'(v)}{P(v)}\Big]_{v=g^2}.

**Status.** *Proved* where no component of the gradient is zero; the order of accuracy is *verified*.

**Source.** Cattaneo, Klusowski and Shigida, arXiv 2309.00079; rederived here for either placement of epsilon.
"""

import math
from collections.abc import Sequence
from typing import Literal, TypeAlias

import sympy

from lrtheory.theory.backward_error import ETA
from lrtheory.theory.penalty_term import GRADIENT, PenaltyTerm, hyperparameter
from lrtheory.theory.theorem import Theorem

Placement: TypeAlias = Literal["inside", "outside"]
r"""Where epsilon stands: inside, :math:`\sqrt{v+\varepsilon}`, or outside, :math:`\sqrt v+\varepsilon`, as in torch."""

BETA_1, BETA_2, EPSILON = sympy.symbols("beta_1 beta_2 epsilon", positive=True)
"""The hyperparameters in the formulas."""

SECOND_MOMENT = sympy.Symbol("v", positive=True)
"""The moving average of the squared gradient, the argument of the preconditioner."""


def adam(
    beta1: float | None = None,
    beta2: float | None = None,
    epsilon: float | None = None,
    placement: Placement = "inside",
) -> PenaltyTerm:
    r"""The implicit penalty of full-batch Adam after its burn-in.

    With :math:`\varepsilon` inside the square root, and :math:`\|g\|_{1,\varepsilon}=\sum_i\sqrt{g_i^2+\varepsilon}`,

    .. math::
        \dot\theta_j=-\frac1{\sqrt{g_j^2+\varepsilon}}\Big(g_j+\frac\eta2\Big[\frac{1+\beta_1}{1-\beta_1}
        -\frac{1+\beta_2}{1-\beta_2}\cdot\frac{g_j^2}{g_j^2+\varepsilon}\Big]\partial_j\|\nabla L\|_{1,\varepsilon}\Big)
        +O(\eta^2).

    Where gradients are large against :math:`\sqrt\varepsilon` the bracket is
    :math:`\frac{1+\beta_1}{1-\beta_1}-\frac{1+\beta_2}{1-\beta_2}`, which is :math:`19-1999=-1980` for (0.9, 0.999):
    Adam then *rewards* a large 1-norm of the gradient. Where they are small it penalises, like heavy ball.
    :func:`sign_change` gives the border.

    Args:
        beta1: Decay of the first moment, in [0, 1); 0 is RMSProp. A symbol if left out.
        beta2: Decay of the second moment, in [0, 1). A symbol if left out.
        epsilon: The constant :math:`\varepsilon`, at least 0; a symbol if it is left out.
        placement: ``"inside"`` or ``"outside"`` the square root.

    Raises:
        ValueError: a hyperparameter is out of its range, or another placement.

    Example:
        >>> term = adam(0.9, 0.999, 1e-8)
        >>> [float(term.coefficient.subs(GRADIENT, g).round(3)) for g in (0, 1)]  # tiny and large gradients
        [9.5, -990.0]

    Source:
        Cattaneo, Klusowski and Shigida, arXiv 2309.00079; rederived here for either placement by
        :func:`update_defect`.
    """
    memory_1 = _memory(hyperparameter("beta1", BETA_1, beta1, below=1))
    memory_2 = _memory(hyperparameter("beta2", BETA_2, beta2, below=1))
    small = hyperparameter("epsilon", EPSILON, epsilon)
    preconditioner = _preconditioner(small, placement)
    magnitude = sympy.Abs(GRADIENT)
    if placement == "inside":
        density = sympy.sqrt(GRADIENT**2 + small)
    else:
        density = magnitude - small * sympy.log(1 + magnitude / small) if small != 0 else magnitude
    elasticity = sympy.simplify(2 * SECOND_MOMENT * sympy.diff(preconditioner, SECOND_MOMENT) / preconditioner)
    coefficient = (memory_1 + memory_2 * elasticity) / 2
    return PenaltyTerm(
        "Adam",
        preconditioner.subs(SECOND_MOMENT, GRADIENT**2),
        sympy.S.One,
        coefficient.subs(SECOND_MOMENT, GRADIENT**2),
        density,
    )


def sign_change(beta1: float, beta2: float, epsilon: float, placement: Placement = "inside") -> float:
    r"""The size of a gradient component at which Adam's penalty turns into a reward.

    With :math:`A=\frac{1+\beta_1}{1-\beta_1}` and :math:`B=\frac{1+\beta_2}{1-\beta_2}`, the coefficient
    :math:`c(g)` has the sign of :math:`A-B\,s`, where :math:`s=\frac{g^2}{g^2+\varepsilon}` (inside) or
    :math:`\frac{|g|}{|g|+\varepsilon}` (outside) grows from 0 to 1. So it penalises every gradient if
    :math:`\beta_1\ge\beta_2`, and otherwise those with

    .. math:: |g|<\sqrt{\frac{\varepsilon A}{B-A}}\ \text{(inside)},\qquad
        |g|<\frac{\varepsilon A}{B-A}\ \text{(outside)}.

    Args:
        beta1: The decay rate of the average of gradients, in [0, 1).
        beta2: The decay rate of the average of their squares, in [0, 1).
        epsilon: The constant :math:`\varepsilon`, at least 0.
        placement: ``"inside"`` or ``"outside"`` the square root.

    Returns:
        The border: a penalty below, a reward above; infinite if it always penalises.

    Raises:
        ValueError: a hyperparameter is out of its range, or another placement.

    Example:
        >>> [float(f"{sign_change(0.9, 0.999, 1e-8, placement):.3g}") for placement in ("inside", "outside")]
        [9.8e-06, 9.6e-11]
        >>> sign_change(0.9, 0.9, 1e-8)
        inf

    Source:
        Derived here.
    """
    memory_1 = _memory(hyperparameter("beta1", BETA_1, beta1, below=1))
    memory_2 = _memory(hyperparameter("beta2", BETA_2, beta2, below=1))
    small = hyperparameter("epsilon", EPSILON, epsilon)
    _preconditioner(small, placement)
    if memory_1 >= memory_2:
        return math.inf
    border = float(small * memory_1 / (memory_2 - memory_1))
    return math.sqrt(border) if placement == "inside" else border


def update_defect(
    loss: sympy.Expr, variables: Sequence[sympy.Symbol], placement: Placement = "inside"
) -> list[sympy.Expr]:
    r"""Adam's update on its corrected flow, through :math:`\eta^2`: every component vanishes.

    Along :math:`\dot\theta=w_0+\eta w_1` the moments are :math:`m=g-\eta\frac{\beta_1}{1-\beta_1}\dot g` and
    :math:`v=g^2-\eta\frac{\beta_2}{1-\beta_2}\,2g\dot g` up to :math:`O(\eta^2)`, so the update reads

    .. math:: \eta\,[w_0+gP(g^2)]+\eta^2\Big[w_1+\tfrac12w_0'w_0
        -\tfrac{\beta_1}{1-\beta_1}\dot gP(g^2)-\tfrac{2\beta_2}{1-\beta_2}g^2\dot gP'(g^2)\Big]+O(\eta^3).

    Args:
        loss: Any expression, a generic ``Function("L")(x, y)`` of real variables included.
        variables: The symbols it depends on.
        placement: ``"inside"`` or ``"outside"`` the square root.

    Returns:
        The coefficients of :math:`\eta`, then those of :math:`\eta^2`, for each variable; not simplified.

    Example:
        >>> x = sympy.Symbol("x", real=True)
        >>> [sympy.simplify(defect) for defect in update_defect(x**2 + x**4, [x])]
        [0, 0]
    """
    preconditioner = _preconditioner(EPSILON, placement)
    slope = sympy.diff(preconditioner, SECOND_MOMENT)
    flow = adam(placement=placement).expr(loss, variables)
    w_0 = [component.subs(ETA, 0) for component in flow]
    w_1 = [sympy.diff(component, ETA) for component in flow]

    def rate(quantity: sympy.Expr) -> sympy.Expr:
        return sympy.Add(*(sympy.diff(quantity, x) * w for x, w in zip(variables, w_0, strict=True)))

    first, second = [], []
    for x, w, correction in zip(variables, w_0, w_1, strict=True):
        g = sympy.diff(loss, x)
        p, p_slope = preconditioner.subs(SECOND_MOMENT, g**2), slope.subs(SECOND_MOMENT, g**2)
        lag_1, lag_2 = (beta / (1 - beta) for beta in (BETA_1, BETA_2))
        first.append(w + g * p)
        second.append(correction + rate(w) / 2 - lag_1 * rate(g) * p - 2 * lag_2 * g**2 * rate(g) * p_slope)
    return first + second


def _memory(beta: sympy.Expr) -> sympy.Expr:
    """Twice the mean age of what a moving average holds, in steps, plus 1."""
    return (1 + beta) / (1 - beta)


def _preconditioner(epsilon: sympy.Expr, placement: Placement) -> sympy.Expr:
    if placement not in ("inside", "outside"):
        raise ValueError(f"placement must be 'inside' or 'outside', not {placement!r}.")
    root = sympy.sqrt(SECOND_MOMENT + epsilon) if placement == "inside" else sympy.sqrt(SECOND_MOMENT) + epsilon
    return 1 / root


def proof() -> dict[str, sympy.Expr]:
    """What the corrected flow misses of a step of Adam after its burn-in, for any loss of two variables."""
    variables = sympy.symbols("x y", real=True)
    defects = update_defect(sympy.Function("L", real=True)(*variables), variables)
    return {f"defect {number}": sympy.simplify(defect) for number, defect in enumerate(defects, 1)}


THEOREM = Theorem(
    name="adam_penalty",
    statement="Adam follows a corrected sign-like flow, whose correction can be a reward",
    status="proved",
    source="Cattaneo, Klusowski and Shigida, arXiv 2309.00079",
    module=__name__,
    attained="to second order in the step, after the burn-in",
    proof=proof,
)
