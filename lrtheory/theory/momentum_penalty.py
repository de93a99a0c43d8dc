r"""Heavy ball follows a flow too, to any order, and penalises the gradient more than gradient descent does.

The recurrence is linear in two steps,

.. math:: \theta_{t+1}-(1+\beta)\theta_t+\beta\theta_{t-1}=-\eta\,s\,g(\theta_t),

with :math:`s=1` for the usual sum :math:`m\leftarrow\beta m+g` and :math:`s=1-\beta` for the average
:math:`m\leftarrow\beta m+(1-\beta)g`. Its solutions lie, after a transient that decays like :math:`\beta^t`, on a
slow manifold, where they are values of a flow :math:`\eta` apart. With :math:`D` the derivative along that flow the
recurrence is

.. math:: \sum_{j\ge1}\frac{1+(-1)^j\beta}{j!}(\eta D)^j\theta=-\eta\,s\,g,

so the same rooted trees as for gradient descent give its modified equation, with coefficients rational in
:math:`\beta`.

**Status.** *Proved* as a formal series; orders of accuracy are *verified*.

**Source.** Ghosh, Lyu, Zhang and Wang, Implicit regularization in heavy-ball momentum accelerated stochastic gradient descent,
ICLR 2023; rederived here.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import sympy

from lrtheory.checks import checked_positive, checked_whole
from lrtheory.theory.backward_error import ETA, ModifiedEquation, backward_error
from lrtheory.theory.penalty_term import GRADIENT, PenaltyTerm, hyperparameter
from lrtheory.theory.theorem import Theorem

Convention: TypeAlias = Literal["sum", "ema"]
"""``"sum"``: the momentum is a decaying sum of gradients; ``"ema"``: their exponential moving average."""

BETA = sympy.Symbol("beta", positive=True)
"""The momentum in the formulas."""


def heavy_ball(momentum: float | None = None, convention: Convention = "sum") -> PenaltyTerm:
    r"""The implicit penalty of heavy ball, :math:`m\leftarrow\beta m+g`, :math:`\theta\leftarrow\theta-\eta m`.

    .. math::
        \dot\theta=-\frac1{1-\beta}\nabla\Big(L+\frac{\eta(1+\beta)}{4(1-\beta)^2}\|\nabla L\|^2\Big)+O(\eta^2),

    and for the average :math:`m\leftarrow\beta m+(1-\beta)g`

    .. math:: \dot\theta=-\nabla\Big(L+\frac{\eta(1+\beta)}{4(1-\beta)}\|\nabla L\|^2\Big)+O(\eta^2).

    At equal speed, that is with :math:`\eta/(1-\beta)` in the first form equal to :math:`\eta` in the second and to
    the rate of gradient descent, the penalty is :math:`(1+\beta)/(1-\beta)` times that of gradient descent: 19 times
    at :math:`\beta=0.9`.

    Args:
        momentum: :math:`\beta` in [0, 1); a symbol if left out.
        convention: ``"sum"`` or ``"ema"``.

    Raises:
        ValueError: ``momentum`` is outside [0, 1), or another convention.

    Example:
        >>> print(heavy_ball(convention="ema").latex())
        \dot\theta = -\nabla\left(L + \frac{\eta \left(\beta + 1\right)}{4 \left(1 - \beta\right)}\|\nabla L\|^2\right)
        >>> heavy_ball(0.9, "ema").strength / heavy_ball(0, "ema").strength
        19

    Source:
        Ghosh, Lyu, Zhang and Wang, Implicit regularization in heavy-ball momentum accelerated stochastic gradient
        descent, ICLR 2023; rederived here by :func:`heavy_ball_equation` of order 2.
    """
    beta = hyperparameter("momentum", BETA, momentum, below=1)
    scale = _scale(beta, convention)
    speed = scale / (1 - beta)
    return PenaltyTerm(
        "heavy ball", sympy.S.One, speed, speed * scale * (1 + beta) / (4 * (1 - beta) ** 2), GRADIENT**2
    )


def heavy_ball_equation(order: int, momentum: float | None = None, convention: Convention = "sum") -> ModifiedEquation:
    r"""The modified equation of heavy ball, to any order.

    Args:
        order: At least 1. Order 1 is the gradient flow at speed :math:`1/(1-\beta)` (``"ema"``: 1).
        momentum: :math:`\beta` in [0, 1); a symbol if left out.
        convention: ``"sum"`` or ``"ema"``.

    Returns:
        The equation for a field :math:`f=-\nabla L`. It holds on the slow manifold; :func:`start_from_rest` says where
        on it a run that starts with :math:`m=0` begins.

    Raises:
        ValueError: ``order`` is not a whole number of at least 1, ``momentum`` is outside [0, 1), or another
            convention.

    Example:
        >>> for tree, coefficient in heavy_ball_equation(3, convention="ema").terms:
        ...     print(coefficient, tree)
        1 ()
        -(beta + 1)/(2*(1 - beta)) ((),)
        (beta**2 + 10*beta + 1)/(12*(1 - beta)**2) ((), ())
        (beta**2 + 4*beta + 1)/(3*(1 - beta)**2) (((),),)
        >>> print(heavy_ball_equation(2, 0.5).latex())
        \dot\theta = -2 g - \eta\,6 H g

    Source:
        Derived here from :func:`lrtheory.theory.backward_error.backward_error`. Tag: proved as a formal series;
        orders 1 to 4 verified.
    """
    order = checked_whole("order", order)
    beta = hyperparameter("momentum", BETA, momentum, below=1)
    weights = [(1 + (-1) ** j * beta) / math.factorial(j) for j in range(1, order + 1)]
    multipliers = backward_error(order, weights, _scale(beta, convention))
    return ModifiedEquation(order, tuple((tree, _over_powers(c, beta)) for tree, c in multipliers.items()))


def start_from_rest(
    theta: Any, gradient: Any, lr: float, momentum: float, convention: Convention = "sum"
) -> np.ndarray:
    r"""Where the slow flow of a run begins when the momentum begins at zero.

    .. math:: \theta_0+\frac{\eta\,s\,\beta}{(1-\beta)^2}\,g(\theta_0)+O(\eta^2),

    a step *up* the gradient: the first steps are short. Without it the flow of order 2 is only followed to order 1.

    Derivation: with a constant gradient :math:`\theta_t=\theta_0-\eta sg\sum_{r\le t}\frac{1-\beta^r}{1-\beta}`, which
    tends to the line :math:`\theta_0+\frac{\eta s\beta}{(1-\beta)^2}g-\frac{t\eta s}{1-\beta}g`.

    Args:
        theta: The starting point :math:`\theta_0`, shape ``(n,)``.
        gradient: The gradient there, shape ``(n,)``.
        lr: Learning rate :math:`\eta`, positive.
        momentum: :math:`\beta` in [0, 1).
        convention: ``"sum"`` or ``"ema"``.

    Raises:
        ValueError: ``lr`` is not positive, ``momentum`` is outside [0, 1), or another convention.

    Example:
        >>> start_from_rest([1.0], [2.0], lr=0.1, momentum=0.5)
        array([1.4])

    Source:
        Derived here. Tag: proved; the order that it restores is verified.
    """
    beta = hyperparameter("momentum", BETA, momentum, below=1)
    shift = checked_positive("lr", lr) * float(beta * _scale(beta, convention) / (1 - beta) ** 2)
    return np.asarray(theta, dtype=np.float64) + shift * np.asarray(gradient, dtype=np.float64)


def recurrence_defect(
    loss: sympy.Expr, variables: Sequence[sympy.Symbol], convention: Convention = "sum"
) -> list[sympy.Expr]:
    r"""The heavy-ball recurrence on its corrected flow, through :math:`\eta^2`: every component vanishes.

    With :math:`\dot\theta=v_0+\eta v_1` the corrected flow,

    .. math:: \theta(t\pm\eta)=\theta\pm\eta(v_0+\eta v_1)+\tfrac{\eta^2}2v_0'v_0+O(\eta^3),

    so the recurrence is :math:`\eta[(1-\beta)v_0+sg]+\eta^2[(1-\beta)v_1+\tfrac{1+\beta}2v_0'v_0]+O(\eta^3)`. This is a
    derivation that uses no trees.

    Args:
        loss: Any expression, a generic ``Function("L")(x, y)`` included.
        variables: The symbols it depends on.
        convention: ``"sum"`` or ``"ema"``.

    Returns:
        The coefficients of :math:`\eta`, then those of :math:`\eta^2`, for each variable.

    Example:
        >>> x, y = sympy.symbols("x y")
        >>> recurrence_defect(sympy.Function("L")(x, y), [x, y])
        [0, 0, 0, 0]
    """
    flow = [sympy.expand(component) for component in heavy_ball(convention=convention).expr(loss, variables)]
    v_0, v_1 = ([component.coeff(ETA, power) for component in flow] for power in (0, 1))
    acceleration = [
        sympy.Add(*(sympy.diff(component, x) * v for x, v in zip(variables, v_0, strict=True))) for component in v_0
    ]
    first = [
        (1 - BETA) * v + _scale(BETA, convention) * sympy.diff(loss, x) for v, x in zip(v_0, variables, strict=True)
    ]
    second = [(1 - BETA) * v + (1 + BETA) * a / 2 for v, a in zip(v_1, acceleration, strict=True)]
    return [cast(sympy.Expr, sympy.simplify(defect)) for defect in first + second]


def _scale(beta: sympy.Expr, convention: Convention) -> sympy.Expr:
    if convention not in ("sum", "ema"):
        raise ValueError(f"convention must be 'sum' or 'ema', not {convention!r}.")
    return sympy.S.One if convention == "sum" else 1 - beta


def _over_powers(coefficient: sympy.Expr, beta: sympy.Expr) -> sympy.Expr:
    """A rational function of beta whose denominator is a power of ``beta - 1``, written over ``1 - beta``."""
    numerator, denominator = sympy.fraction(sympy.factor(coefficient))
    if not denominator.has(BETA):
        return coefficient
    power = sympy.Poly(denominator, BETA).degree()
    constant = sympy.cancel(denominator / (1 - beta) ** power)
    return cast(sympy.Expr, sympy.factor(numerator / constant) / (1 - beta) ** power)


def proof() -> dict[str, sympy.Expr]:
    """What the corrected flow misses of the recurrence, for any loss of two variables."""
    variables = sympy.symbols("x y")
    defects = recurrence_defect(sympy.Function("L")(*variables), variables)
    return {f"defect {number}": sympy.simplify(defect) for number, defect in enumerate(defects, 1)}


THEOREM = Theorem(
    name="momentum_penalty",
    statement="Heavy ball penalises the gradient too; the penalty grows by `(1 + beta)/(1 - beta)^2`",
    status="proved",
    source="Ghosh, Lyu, Zhang and Wang",
    module=__name__,
    attained="to second order in the step, after a transient; orders of accuracy are verified",
    proof=proof,
)
