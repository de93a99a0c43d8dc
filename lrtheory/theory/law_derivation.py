r"""The law of misspecification in symbols: H and Q of a schedule, and the law of polynomial decay step by step.

The numbers of :mod:`lrtheory.theory.misspecification` are computed without these; the tests hold the two against each other.
"""

from functools import lru_cache
from typing import Any

import sympy

from lrtheory.schedules.schedule import Schedule, symbols
from lrtheory.serial import one_thread_at_a_time


@one_thread_at_a_time
@lru_cache(maxsize=1024)
def limit_expression(schedule: Schedule) -> sympy.Expr:
    """The shape in the limit of long runs: its expression with the horizon sent to infinity."""
    u, horizon = symbols()
    inverse = sympy.Symbol("inverse_horizon", nonnegative=True)  # (1 + Tu)/T then reads u + 1/T
    shape = schedule.expression.symbolic({"u": u, "T": 1 / inverse, "t": 1 + u / inverse})
    found: Any = sympy.piecewise_fold(shape.subs(inverse, 0))
    return sympy.limit(schedule.expr, horizon, sympy.oo) if found.has(sympy.zoo, sympy.nan, sympy.oo) else found


@one_thread_at_a_time
def area(schedule: Schedule) -> sympy.Expr:
    r""":math:`H(u)=\int_u^1h`, symbolic.

    Example:
        >>> from lrtheory import Polynomial
        >>> area(Polynomial(1)).factor()
        (u - 1)**2/2
    """
    u, _ = symbols()
    x, y = sympy.symbols("x y", positive=True)
    return sympy.integrate(limit_expression(schedule).subs(u, 1 - y), (y, 0, x)).subs(x, 1 - u)


@one_thread_at_a_time
def spread(schedule: Schedule) -> sympy.Expr:
    r""":math:`Q(u)=\int_u^1h^2/H`, symbolic where the integrand is a power of what remains of the run.

    Elsewhere it is left as a sympy ``Integral``, which ``evalf`` computes to any number of digits.

    Example:
        >>> from lrtheory import Cosine, Polynomial
        >>> u = symbols()[0]
        >>> spread(Polynomial(2)).subs(u, 0), spread(Cosine()).subs(u, 0).evalf(9)
        (3/2, 2.12214335)
    """
    u, _ = symbols()
    x, y = sympy.symbols("x y", positive=True)
    remaining: Any = limit_expression(schedule).subs(u, 1 - y)
    integrand: Any = sympy.powsimp(sympy.simplify(remaining**2 / area(schedule).subs(u, 1 - y)))
    integral: Any = sympy.Integral(integrand, (y, 0, x))
    is_power = not integrand.has(sympy.Piecewise) and sympy.simplify(y * sympy.diff(integrand, y) / integrand).is_number
    return (integral.doit() if is_power else integral).subs(x, 1 - u)


def polynomial_law() -> dict[str, sympy.Expr]:
    r"""The law of :math:`h=(1-u)^p` for a symbolic ``p``, derived step by step.

    Returns:
        ``area`` and ``spread`` in terms of :math:`x=1-u`; ``tuned_lr`` and ``tuned_loss`` in units of
        :math:`D/(G\sqrt T)` and :math:`DG/\sqrt T`; ``restart``, the best :math:`x` for a given ``rho``; the
        ``threshold`` where it leaves 1; the ``law`` beyond, its ``constant`` and ``exponent``; and ``stationarity``,
        what the two terms of the loss change by at ``restart``, one over the other: -1.

    Example:
        >>> derived = polynomial_law()
        >>> derived["tuned_loss"], derived["exponent"], derived["stationarity"]
        ((p + 1)/(2*sqrt(p)), 1/(2*p + 1), -1)
    """
    p, x, y, rho, lr = sympy.symbols("p x y rho eta", positive=True)
    height = y**p
    area_y = sympy.integrate(height, (y, 0, x)).subs(x, y)
    spread_x = sympy.integrate(sympy.powsimp(sympy.simplify(height**2 / area_y)), (y, 0, x))
    area_x = area_y.subs(y, x)
    loss = (1 / (lr * area_x) + lr * spread_x) / 4
    at_start = loss.subs(x, 1)
    tuned = sympy.solve(sympy.Eq(sympy.diff(at_start, lr), 0), lr)[0]
    tuned_loss = sympy.simplify(at_start.subs(lr, tuned))
    factor = sympy.simplify(loss.subs(lr, rho * tuned) / tuned_loss)
    bias, noise = (sympy.diff(part.subs(lr, rho * tuned), x) for part in (1 / (lr * area_x), lr * spread_x))
    restart = ((p + 1) / (p * rho**2)) ** (1 / (2 * p + 1))
    beyond = sympy.simplify(sympy.powsimp(sympy.expand_power_base(factor.subs(x, restart), force=True), force=True))
    exponent = sympy.simplify(rho * sympy.diff(sympy.log(beyond), rho))
    return {
        "area": area_x,
        "spread": sympy.simplify(spread_x),
        "tuned_lr": sympy.simplify(tuned),
        "tuned_loss": tuned_loss,
        "restart": restart,
        "stationarity": sympy.simplify(sympy.powsimp(bias / noise).subs(x, restart)),
        "threshold": sympy.solve(sympy.Eq((p + 1) / (p * rho**2), 1), rho)[0],
        "law": beyond,
        "exponent": exponent,
        "constant": sympy.simplify(beyond.subs(rho, 1)),
    }
