r"""The law of misspecification in symbols: H and Q of a schedule, and the law of polynomial decay step by step.

The numbers of :mod:`lrtheory.theory.misspecification` are computed without these; the tests hold the two against each other.
"""

from functools import lru_cache
from typing import Any

import sympy

from lrtheory.schedules.schedule import Schedule, symbols
from lrtheory.serial import one_thread_at_a_time
from lrtheory.theory.theorem import Evidence, Theorem


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
def H(schedule: Schedule) -> sympy.Expr:
    r""":math:`H(u)=\int_u^1h`, symbolic.

    Example:
        >>> from lrtheory import Polynomial
        >>> H(Polynomial(1)).factor()
        (u - 1)**2/2
    """
    u, _ = symbols()
    x, y = sympy.symbols("x y", positive=True)
    return sympy.integrate(limit_expression(schedule).subs(u, 1 - y), (y, 0, x)).subs(x, 1 - u)


@one_thread_at_a_time
def Q(schedule: Schedule) -> sympy.Expr:
    r""":math:`Q(u)=\int_u^1h^2/H`, symbolic where the integrand is a power of what remains of the run.

    Elsewhere it is left as a sympy ``Integral``, which ``evalf`` computes to any number of digits.

    Example:
        >>> from lrtheory import Cosine, Polynomial
        >>> u = symbols()[0]
        >>> Q(Polynomial(2)).subs(u, 0), Q(Cosine()).subs(u, 0).evalf(9)
        (3/2, 2.12214335)
    """
    u, _ = symbols()
    x, y = sympy.symbols("x y", positive=True)
    remaining: Any = limit_expression(schedule).subs(u, 1 - y)
    integrand: Any = sympy.powsimp(sympy.simplify(remaining**2 / H(schedule).subs(u, 1 - y)))
    integral: Any = sympy.Integral(integrand, (y, 0, x))
    is_power = not integrand.has(sympy.Piecewise) and sympy.simplify(y * sympy.diff(integrand, y) / integrand).is_number
    return (integral.doit() if is_power else integral).subs(x, 1 - u)


def polynomial_law() -> dict[str, sympy.Expr]:
    r"""The law of :math:`h=(1-u)^p` for a symbolic ``p``, derived step by step.

    Returns:
        ``H`` and ``Q`` in terms of :math:`x=1-u`; ``tuned_lr`` and ``tuned_loss`` in units of
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
    H_y = sympy.integrate(height, (y, 0, x)).subs(x, y)
    Q_x = sympy.integrate(sympy.powsimp(sympy.simplify(height**2 / H_y)), (y, 0, x))
    H_x = H_y.subs(y, x)
    loss = (1 / (lr * H_x) + lr * Q_x) / 4
    at_start = loss.subs(x, 1)
    tuned = sympy.solve(sympy.Eq(sympy.diff(at_start, lr), 0), lr)[0]
    tuned_loss = sympy.simplify(at_start.subs(lr, tuned))
    factor = sympy.simplify(loss.subs(lr, rho * tuned) / tuned_loss)
    bias, noise = (sympy.diff(part.subs(lr, rho * tuned), x) for part in (1 / (lr * H_x), lr * Q_x))
    restart = ((p + 1) / (p * rho**2)) ** (1 / (2 * p + 1))
    beyond = sympy.simplify(sympy.powsimp(sympy.expand_power_base(factor.subs(x, restart), force=True), force=True))
    exponent = sympy.simplify(rho * sympy.diff(sympy.log(beyond), rho))
    return {
        "H": H_x,
        "Q": sympy.simplify(Q_x),
        "tuned_lr": sympy.simplify(tuned),
        "tuned_loss": tuned_loss,
        "restart": restart,
        "stationarity": sympy.simplify(sympy.powsimp(bias / noise).subs(x, restart)),
        "threshold": sympy.solve(sympy.Eq((p + 1) / (p * rho**2), 1), rho)[0],
        "law": beyond,
        "exponent": exponent,
        "constant": sympy.simplify(beyond.subs(rho, 1)),
    }


def proof() -> dict[str, sympy.Expr]:
    """The identities of the law of polynomial decay, each an expression that vanishes."""
    derived = polynomial_law()
    p, rho = sympy.symbols("p rho", positive=True)
    grown = derived["law"] - derived["constant"] * rho ** (1 / (2 * p + 1))
    identities = {
        "the restart is stationary": derived["stationarity"] + 1,
        "the exponent": derived["exponent"] - 1 / (2 * p + 1),
        "the law is a power": sympy.powsimp(sympy.expand_power_base(grown, force=True), force=True),
        "the threshold": derived["threshold"] - sympy.sqrt((p + 1) / p),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def witness() -> Evidence:
    """The worst case of quadratic decay at a hundred thousand steps; the law is its limit, and 3e-3 is left of the way."""
    from lrtheory.schedules import Polynomial
    from lrtheory.theory.last_iterate import tuned_lr, worst_case
    from lrtheory.theory.misspecification import degradation

    schedule, horizon = Polynomial(2), 100_000
    lr = tuned_lr(schedule, horizon, diameter=1.0)
    tuned, wrong = worst_case(schedule, horizon=horizon, lr=[lr, 256 * lr], diameter=1.0)
    return Evidence(wrong / tuned, degradation(schedule, 256), 3e-3)


THEOREM = Theorem(
    name="misspecification",
    statement="`W(rho)/W(1)` and its constants in the limit",
    status="proved",
    source="Attia and Koren, arXiv 2503.09411",
    module="lrtheory.theory.misspecification",
    attained=(
        "for polynomial decay; at `T` = 10^5 the worst case of every annealed schedule agrees to 3e-3 for `rho` up to 256"
    ),
    labels=("prop:limit", "thm:law"),
    proof=proof,
    witness=witness,
)
