r"""The implicit penalty of gradient descent under a schedule, over a whole run.

**At a step.** Step ``t`` is a step of gradient descent with the rate :math:`\eta_t`, so it follows the flow of
:math:`L+\frac{\eta_t}4\|\nabla L\|^2` for the time :math:`\eta_t`: the penalty is annealed together with the rate. This
needs no smoothness of the schedule and holds to any order (:func:`lrtheory.theory.backward_error.modified_equation`
with the step's own rate).

**In the time of the run.** With :math:`u\in[0,1]` the part that is over and a smooth shape, one equation serves all
steps,

.. math:: \frac{d\theta}{du}=-\eta T\Big[h(u)-\frac{h'(u)}{2T}\Big]g-\eta T\,\frac{\eta h(u)^2}2\,Hg+O(T^{-2})
    \qquad(\eta T\text{ fixed}),

where :math:`-h'/2T` only sets the clock back by half a step, since a step uses the rate of its beginning.

**Over the run.** In flow time, :math:`d\tau=\eta T\,h\,du`, the coefficient of :math:`\|\nabla L\|^2` averages

.. math:: \frac{\eta}{4}\cdot\kappa,\qquad\kappa=\frac{\int h^2}{\int h},

against :math:`\frac\eta4` for a constant rate. This average is the right one on quadratics, where the end of the run is

.. math:: \prod_t(1-\eta_t\lambda)=\exp\Big(-\lambda\sum_t\eta_t-\frac{\lambda^2}2\sum_t\eta_t^2-\dots\Big)

and the penalty acts through :math:`\sum_t\eta_t^2\approx\eta^2T\int h^2` alone. Elsewhere it weighs all parts of
the path alike.

**Against robustness.** For :math:`h=(1-u)^p` with the exponent :math:`e=1/(2p+1)` of the law of misspecification,
:math:`\kappa=\frac{p+1}{2p+1}=\frac{1+e}2`: perfect robustness costs half of the penalty of the same base rate, and no
more. But the same base rate is not what one would use:

* at equal travel :math:`\sum\eta_t` in equally many steps, annealing penalises *more*, by
  :math:`\int h^2/(\int h)^2\ge1` (Cauchy and Schwarz): the constant rate penalises least;
* at its own tuned rate it penalises more the higher the degree, like :math:`\sqrt p\,\frac{p+1}{2p+1}`;
* raising the rate above the tuned one buys the penalty in proportion and pays in the worst case by the law of
  misspecification: the factor :math:`(\rho+1/\rho)/2` for ``rho`` times the penalty without annealing,
  :math:`C\rho^{1/(2p+1)}` with it.

And the exponent sees only the end of a schedule, the penalty its bulk: a linear cooldown over a part ``c`` of the run
keeps :math:`\frac{1-2c/3}{1-c/2}`, as near 1 as one likes, at the exponent 1/3. So robustness and the implicit penalty
are no opposites. All of this is first order in the rate and ends where :math:`\eta_t\lambda` reaches 1
(:func:`lrtheory.theory.quadratic.quadratic_regime`).

**Status.** *Proved*, except "the tuned rate", which is that of :mod:`lrtheory.theory.misspecification`. The orders of
accuracy are *verified*.

**Source.** Derived here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, cast

import numpy as np
import sympy

from lrtheory.checks import checked_horizon, checked_positive
from lrtheory.schedules.schedule import Schedule, symbols
from lrtheory.theory.law_derivation import limit_expression
from lrtheory.theory.misspecification import law, rho_exponent
from lrtheory.theory.theorem import Theorem


@dataclass(frozen=True)
class SchedulePenalty:
    r"""What a schedule does to the implicit penalty over a run.

    Attributes:
        schedule: The shape.
        travel: :math:`\int_0^1h`, the flow time of the run over :math:`\eta T`.
        energy: :math:`\int_0^1h^2`, the sum of squared rates over :math:`\eta^2T`.
    """

    schedule: Schedule
    travel: sympy.Expr
    energy: sympy.Expr

    @property
    def kept(self) -> sympy.Expr:
        r"""The mean penalty along the flow, relative to a constant rate of the same base: :math:`\int h^2/\int h`."""
        return self.energy / self.travel

    @property
    def at_equal_travel(self) -> sympy.Expr:
        r"""The same, relative to the constant rate that goes as far in as many steps: :math:`\int h^2/(\int h)^2`."""
        return self.energy / self.travel**2

    @property
    def at_tuned_rate(self) -> float:
        r"""The mean of :math:`\eta h` along the flow at the tuned rate, in units of :math:`D/(G\sqrt T)`.

        The mean penalty coefficient is a quarter of it. 0 for a shape that does not anneal, whose tuned rate falls by a
        further root of :math:`\ln T`.
        """
        return law(self.schedule).tuned_lr * float(self.kept)

    @property
    def exponent(self) -> int | Fraction | float:
        r"""The power of the misspecification that the worst case grows with: :math:`1/(2p+1)`."""
        return rho_exponent(self.schedule)


def schedule_penalty(schedule: Schedule) -> SchedulePenalty:
    r"""The integrated implicit penalty of a schedule, exactly.

    Args:
        schedule: The shape. In the limit of long runs where it has one that moves; the result for ``InverseSqrt``
            depends on the horizon symbol ``T``.

    Example:
        >>> from lrtheory.schedules import Cosine, InverseSqrt, Polynomial, WSD
        >>> [schedule_penalty(s).kept for s in (Polynomial(1), Polynomial(2), Cosine(), WSD(0.2))]
        [2/3, 3/5, 3/4, 26/27]
        >>> schedule_penalty(Cosine()).at_equal_travel
        3/2
        >>> schedule_penalty(InverseSqrt()).energy
        log(T + 1)/T

    Source:
        Proved in the module.
    """
    u, _ = symbols()
    shape = limit_expression(schedule)
    if shape == 0 or shape.has(sympy.nan, sympy.zoo, sympy.oo):  # the rate of a long run vanishes against its base
        shape = schedule.expr
    travel, energy = (sympy.simplify(sympy.integrate(sympy.expand(shape**power), (u, 0, 1))) for power in (1, 2))
    return SchedulePenalty(schedule, cast(sympy.Expr, travel), cast(sympy.Expr, energy))


def penalty_over_time(schedule: Schedule, horizon: int, lr: float = 1.0) -> np.ndarray:
    r"""The coefficient :math:`\eta_t/4` of :math:`\|\nabla L\|^2` at each step of a run.

    Args:
        schedule: The shape.
        horizon: Number of steps.
        lr: Base learning rate, positive.

    Raises:
        ValueError: ``horizon`` is not a positive integer, or ``lr`` is not positive and finite.

    Example:
        >>> from lrtheory.schedules import Polynomial
        >>> penalty_over_time(Polynomial(1), 4, lr=0.4)
        array([0.1  , 0.075, 0.05 , 0.025])
    """
    return schedule.steps(horizon, lr) / 4


def flow_in_time(
    schedule: Schedule,
    horizon: int,
    lr: float,
    gradient: Callable[[np.ndarray], Any],
    hessian_vector: Callable[[np.ndarray, np.ndarray], Any],
) -> Callable[[float, np.ndarray], np.ndarray]:
    r"""The time-dependent flow that gradient descent under a smooth schedule follows.

    .. math:: \frac{d\theta}{du}=-\eta T\Big(\Big[h-\frac{h'}{2T}\Big]g+\frac{\eta h^2}2\,Hg\Big)

    Args:
        schedule: A shape that is differentiable on [0, 1).
        horizon: Number of steps :math:`T`.
        lr: Base learning rate :math:`\eta`, positive.
        gradient: ``gradient(theta)``, shape ``(n,)``.
        hessian_vector: ``hessian_vector(theta, v)``, shape ``(n,)``.

    Returns:
        The right-hand side as a function of ``u`` and ``theta``. From :math:`u=0` to 1 it ends :math:`O(T^{-2})` away
        from the iterate, for fixed :math:`\eta T`.

    Raises:
        ValueError: ``horizon`` is not a positive integer, or ``lr`` is not positive and finite.

    Example:
        >>> from lrtheory.schedules import Polynomial
        >>> flow = flow_in_time(Polynomial(1), 10, 0.1, lambda x: x, lambda x, v: v)
        >>> flow(0.0, np.array([1.0]))  # -(1 + 1/20) - 0.1/2
        array([-1.1])
    """
    horizon, lr = checked_horizon(horizon), checked_positive("lr", lr)
    time, steps = symbols()
    shape = schedule.expr.subs(steps, horizon)
    height = sympy.lambdify(time, shape, "numpy")
    slope = sympy.lambdify(time, sympy.diff(shape, time), "numpy")

    def velocity(u: float, theta: np.ndarray) -> np.ndarray:
        g = np.asarray(gradient(theta), dtype=np.float64)
        pull = np.asarray(hessian_vector(theta, g), dtype=np.float64)
        return -lr * horizon * ((height(u) - slope(u) / (2 * horizon)) * g + lr * height(u) ** 2 / 2 * pull)

    return velocity


def flow_in_time_defect(loss: sympy.Expr, variables: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    r"""A step under a smooth schedule against :func:`flow_in_time`, through :math:`T^{-2}`: every component vanishes.

    With :math:`S=\eta T`, :math:`\delta=1/T` and :math:`\theta'=w_0+\delta w_1`,

    .. math:: \theta(u+\delta)-\theta(u)+\delta S\,h\,g
        =\delta\,[w_0+Shg]+\delta^2\Big[w_1+\tfrac12\big(\partial_uw_0+w_0'w_0\big)\Big]+O(\delta^3).

    Args:
        loss: Any expression, a generic ``Function("L")(x, y)`` included; the shape is a generic :math:`h(u)`.
        variables: The symbols it depends on.

    Returns:
        The coefficients of :math:`\delta`, then those of :math:`\delta^2`, for each variable.

    Example:
        >>> x, y = sympy.symbols("x y")
        >>> flow_in_time_defect(sympy.Function("L")(x, y), [x, y])
        [0, 0, 0, 0]
    """
    time, _ = symbols()
    span = sympy.Symbol("S", positive=True)
    h = cast(sympy.Expr, sympy.Function("h")(time))
    g = [sympy.diff(loss, x) for x in variables]
    pull = [sympy.Add(*(sympy.diff(component, x) * v for x, v in zip(variables, g, strict=True))) for component in g]
    w_0 = [-span * h * component for component in g]
    w_1 = [span * sympy.diff(h, time) / 2 * a - span**2 * h**2 / 2 * b for a, b in zip(g, pull, strict=True)]
    first = [w + span * h * component for w, component in zip(w_0, g, strict=True)]
    second = []
    for w, correction in zip(w_0, w_1, strict=True):
        along = sympy.Add(*(sympy.diff(w, x) * v for x, v in zip(variables, w_0, strict=True)))
        second.append(correction + (sympy.diff(w, time) + along) / 2)
    return [cast(sympy.Expr, sympy.expand(defect)) for defect in first + second]


def polynomial_trade() -> dict[str, sympy.Expr]:
    r"""Penalty against robustness for :math:`h=(1-u)^p` and for a linear cooldown, derived symbolically.

    Returns:
        For polynomial decay, ``exponent`` :math:`e=1/(2p+1)`, ``kept``, ``at_equal_travel`` and ``at_tuned_rate`` as in
        :class:`SchedulePenalty`, and ``line``, the identity :math:`\kappa-\frac{1+e}2`, which is zero;
        ``cooldown_kept`` for a linear cooldown over the last part ``c`` of the run, whose exponent is 1/3 for every c.

    Example:
        >>> trade = polynomial_trade()
        >>> trade["kept"], trade["line"], sympy.limit(trade["kept"], sympy.Symbol("p", positive=True), sympy.oo)
        ((p + 1)/(2*p + 1), 0, 1/2)
        >>> sympy.factor(trade["cooldown_kept"])
        2*(2*c - 3)/(3*(c - 2))
    """
    p, x, c = sympy.symbols("p x c", positive=True)
    travel, energy = (sympy.integrate(x**power, (x, 0, 1)) for power in (p, 2 * p))
    kept, exponent = energy / travel, 1 / (2 * p + 1)
    spread = sympy.integrate(sympy.powsimp(x ** (2 * p) / (x ** (p + 1) / (p + 1))), (x, 0, 1))
    cooldown_travel, cooldown_energy = ((1 - c) + c * sympy.integrate(x**power, (x, 0, 1)) for power in (1, 2))
    derived = {
        "exponent": exponent,
        "kept": kept,
        "at_equal_travel": energy / travel**2,
        "at_tuned_rate": kept / sympy.sqrt(travel * spread),
        "line": kept - (1 + exponent) / 2,
        "cooldown_kept": cooldown_energy / cooldown_travel,
    }
    return {name: cast(sympy.Expr, sympy.simplify(value)) for name, value in derived.items()}


def proof() -> dict[str, sympy.Expr]:
    """What the flow in the time of the run misses of the steps, and the line between penalty and robustness."""
    variables = sympy.symbols("x y")
    defects = flow_in_time_defect(sympy.Function("L")(*variables), variables)
    return {
        **{f"defect {number}": sympy.expand(defect) for number, defect in enumerate(defects, 1)},
        "kept is (1 + exponent)/2": polynomial_trade()["line"],
    }


THEOREM = Theorem(
    name="schedule_penalty",
    statement="The penalty is annealed with the rate; polynomial decay of exponent `e` keeps `(1 + e)/2` of it",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="to first order in the rate; orders of accuracy are verified",
    proof=proof,
)
