r"""The law of misspecification: what a base rate wrong by ``rho`` costs under each schedule.

**Statement.** Let :math:`\eta_t=\eta\,h((t-1)/T)` with a shape that anneals like :math:`(1-u)^p`, and

.. math:: H(\tau)=\int_\tau^1h, \qquad Q(\tau)=\int_\tau^1\frac{h^2}H .

As :math:`T\to\infty` the worst case of the last iterate on a domain of diameter :math:`D`
(:mod:`lrtheory.theory.worst_case`) is

.. math:: W(\eta)\;\sim\;\min_\tau\;\frac12\Big[\frac{D^2}{2\eta T\,H(\tau)}+\frac{\eta G^2}2\,Q(\tau)\Big],

the minimum being over restarts. With :math:`\tau^\star` minimising :math:`Q/H`, the tuned rate is
:math:`\frac D{G\sqrt T}(H^\star Q^\star)^{-1/2}`, the tuned value :math:`\frac{DG}{\sqrt T}\,\tfrac12\sqrt{Q^\star/H^\star}`,
and a rate ``rho`` times the tuned one loses the factor

.. math:: \frac{W(\rho)}{W(1)}=\min_\tau\frac12\Big[\frac{H^\star}{\rho\,H(\tau)}+\frac{\rho\,Q(\tau)}{Q^\star}\Big].

* It is :math:`(\rho+1/\rho)/2` from 1 up to a threshold, and for every :math:`\rho\le1` if the tuned restart is the first
  step, as for every annealing schedule of the registry (a shape that falls steeply early may forgive downward too).
* Beyond it grows like :math:`C\rho^{1/(2p+1)}`. For :math:`h=(1-u)^p` this is exact,
  :math:`\frac{2p+1}{2(p+1)}\big(\frac{p+1}p\big)^{p/(2p+1)}\rho^{1/(2p+1)}` for
  :math:`\rho\ge\sqrt{(p+1)/p}` (:func:`polynomial_law` derives it).
* A shape that does not anneal has a logarithmic :math:`Q` (the last iterate's logarithm of ``T``), so that a
  restart at a vanishing part of the run wins for every fixed ``rho`` as :math:`T\to\infty`: the factor is
  :math:`(\rho+1/\rho)/2` for all of them.

**Derivation.** In the recursion of :mod:`lrtheory.theory.worst_case`, :math:`s_k\approx2\eta T H` and
:math:`s_k-2\sum\eta_t=\sum\eta_t^2/A_{t+1}^2\approx\tfrac\eta2 Q` because :math:`A^2\approx2\eta TH` and
:math:`\sum\to T\int`. **Status:** proved as an upper bound in the limit, and as attained for polynomial decay
(:mod:`lrtheory.theory.law_attained`); for other shapes that is verified through the certificates. The worst case at
:math:`T=10^5` agrees with the law to a few parts in a thousand.

**Source.** The exponent: Attia and Koren, arXiv 2503.09411. The sharp form with its constants: here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import sympy
from numpy.polynomial import legendre
from scipy.interpolate import CubicHermiteSpline

from lrtheory.schedules.schedule import Schedule, checked_numbers, checked_schedule, last_piece, symbols

LARGEST = 1e100
"""A misspecification beyond this, or below its inverse, would leave the range of numbers."""


@dataclass(frozen=True)
class Law:
    r"""The law of one schedule, with :math:`D`, :math:`G` and :math:`T` scaled out.

    Args:
        schedule: The shape.
        degree: The order :math:`p` of its zero.
        exponent: :math:`1/(2p+1)`.
        tuned_lr: Tuned rate over :math:`D/(G\sqrt T)`; 0 for a shape that does not anneal (its tuned rate falls by a
            further root of :math:`\ln T`).
        tuned_loss: Tuned worst case over :math:`DG/\sqrt T`; infinite for a shape that does not anneal.
        threshold: From 1 up to this ``rho`` the factor is :math:`(\rho+1/\rho)/2`.
        constant: :math:`C`, where the factor tends to :math:`C\rho^{1/(2p+1)}`.
    """

    schedule: Schedule
    degree: sympy.Expr
    exponent: sympy.Expr
    tuned_lr: float
    tuned_loss: float
    threshold: float
    constant: float


def degradation(schedule: Schedule, rho: Any) -> np.ndarray:
    r"""The factor that the worst case loses when the base rate is ``rho`` times the tuned one, in the limit.

    .. math:: \frac{W(\rho)}{W(1)}=\min_\tau\frac12\Big[\frac{H^\star}{\rho\,H(\tau)}+\frac{\rho\,Q(\tau)}{Q^\star}\Big]

    Args:
        schedule: The shape.
        rho: Misspecification, positive, any shape: above 1 the rate is too large.

    Returns:
        Factors of at least 1, the shape of ``rho``.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: ``rho`` is not positive and finite, or the shape ends in no power of what remains of the run.

    Example:
        >>> from lrtheory import Constant, Cosine, Polynomial
        >>> [degradation(s, 10.0).round(4).item() for s in (Constant(), Polynomial(1), Cosine(), Polynomial(3))]
        [5.05, 2.0358, 1.7436, 1.3753]

    Source:
        Proved here as an upper bound, and as attained for polynomial decay: see the module.
    """
    checked_schedule("schedule", schedule)
    rho = checked_numbers("rho", rho)
    if not ((rho >= 1 / LARGEST) & (rho <= LARGEST)).all():
        limits = f"from {1 / LARGEST:g} to {LARGEST:g}"
        raise ValueError(f"rho must be positive and finite, {limits}: it is the rate used over the tuned rate.")
    if schedule.degree == 0:
        return np.asarray((rho + 1 / rho) / 2)
    return np.array([_factor(schedule, value) for value in rho.ravel()]).reshape(rho.shape)


def rho_exponent(schedule: Schedule) -> sympy.Expr:
    r"""The power of ``rho`` that the loss grows with: :math:`1/(2p+1)`, exact; 1 for a shape that does not anneal.

    Raises:
        TypeError: ``schedule`` is no schedule.

    Example:
        >>> from lrtheory import Constant, Cosine, Polynomial
        >>> rho_exponent(Polynomial(1)), rho_exponent(Cosine()), rho_exponent(Constant())
        (1/3, 1/5, 1)
    """
    return 1 / (2 * checked_schedule("schedule", schedule).degree + 1)


@lru_cache(maxsize=256)
def law(schedule: Schedule) -> Law:
    r"""The exponent and the constants of a schedule's law.

    With :math:`h\sim c\,(1-u)^p` at the end, minimising
    :math:`\frac12[\frac{H^\star(p+1)}{c\rho}x^{-(p+1)}+\rho\frac{c(p+1)}{pQ^\star}x^p]` over :math:`x` gives the constant
    for large ``rho``.

    Example:
        >>> from lrtheory import Cosine
        >>> cosine = law(Cosine())
        >>> round(cosine.tuned_lr, 5), round(cosine.tuned_loss, 5), round(cosine.constant, 4)
        (0.9708, 1.03008, 1.1213)
    """
    exponent = rho_exponent(schedule)
    if schedule.degree == 0:
        return Law(schedule, schedule.degree, exponent, 0.0, math.inf, math.inf, 0.5)
    table = functionals(schedule)
    p, c = float(schedule.degree), float(leading_coefficient(schedule))
    bias, noise = table.tuned_area * (p + 1) / c, c * (p + 1) / (p * table.tuned_spread)
    best = ((p + 1) * bias / (p * noise)) ** (1 / (2 * p + 1))
    constant = (bias * best ** -(p + 1) + noise * best**p) / 2
    return Law(
        schedule,
        schedule.degree,
        exponent,
        tuned_lr=1 / math.sqrt(table.tuned_area * table.tuned_spread),
        tuned_loss=math.sqrt(table.tuned_spread / table.tuned_area) / 2,
        threshold=_threshold(table),
        constant=constant,
    )


def limit_expression(schedule: Schedule) -> sympy.Expr:
    """The shape in the limit of long runs: its expression with the horizon sent to infinity."""
    _, horizon = symbols()
    inverse = sympy.Symbol("inverse_horizon", nonnegative=True)
    # (1 + Tu)/T has to read u + 1/T before the horizon is infinite.
    separated: Any = schedule.expr.replace(lambda part: part.is_Mul and part.has(horizon), sympy.expand)
    return separated.subs(horizon, 1 / inverse).subs(inverse, 0)


def leading_coefficient(schedule: Schedule) -> sympy.Expr:
    """The number :math:`c` in :math:`h(u)\\sim c\\,(1-u)^p` at the end of the run, exact.

    Example:
        >>> from lrtheory import Cosine
        >>> leading_coefficient(Cosine())
        pi**2/4
    """
    u, _ = symbols()
    x = sympy.Symbol("x", positive=True)
    return sympy.limit(last_piece(limit_expression(schedule)).subs(u, 1 - x) / x**schedule.degree, x, 0, "+")


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


@dataclass(frozen=True)
class Functionals:
    r""":math:`H` and :math:`Q` of a schedule, tabulated against what remains of the run.

    Args:
        grid: Values of :math:`\log(1-u)`, dense, breakpoints included.
        log_area: :math:`\log H` as a function of :math:`\log(1-u)`.
        log_spread: :math:`\log Q` likewise.
        tuned: :math:`\log(1-\tau^\star)` of the tuned restart.
        start_height: :math:`h(0)`.
    """

    grid: np.ndarray
    log_area: CubicHermiteSpline
    log_spread: CubicHermiteSpline
    tuned: float
    start_height: float

    @property
    def tuned_area(self) -> float:
        """:math:`H` at the tuned restart."""
        return float(np.exp(self.log_area(self.tuned)))

    @property
    def tuned_spread(self) -> float:
        """:math:`Q` at the tuned restart."""
        return float(np.exp(self.log_spread(self.tuned)))


NODES = 16
PANELS_PER_DECADE = 4
DECADES = 12
DENSE = 4_000
DIGITS = 40


@lru_cache(maxsize=256)
def functionals(schedule: Schedule) -> Functionals:
    """Tabulate H and Q: Lobatto collocation on panels geometric in what remains of the run.

    The shape is evaluated with 40 digits, since near its zero a formula such as 1 + cos(pi u) cancels. Panels end at
    the shape's breakpoints, where its two one-sided values are used, so each panel is smooth; log H and log Q are
    nearly linear in log(1 - u), and a Hermite spline through the nodes carries them to a dense grid.
    """
    degree = float(schedule.degree)
    if not 0 < degree < math.inf:
        raise ValueError(
            f"{schedule} must end like a power of what remains of the run: it has no degree, but {degree:g}."
        )
    u, _ = symbols()
    x = sympy.Symbol("x", positive=True)
    height = sympy.lambdify(x, limit_expression(schedule).subs(u, 1 - x), "mpmath")
    decades = min(DECADES, 140 / degree)  # the square of the shape must not underflow
    panels = math.ceil(PANELS_PER_DECADE * decades * max(1.0, degree / 8))
    edges = np.unique(np.concatenate([np.geomspace(10.0**-decades, 1, panels + 1), _breakpoints(schedule)]))
    nodes, integration = _lobatto(NODES)
    log_x = np.array([(a + b) / 2 + (b - a) / 2 * nodes for a, b in zip(np.log(edges), np.log(edges[1:]))])
    inside = 1e-13  # how far inside its panel an end node is: far enough to tell the two sides of a jump apart
    log_x[:, 0] += inside
    log_x[:, -1] -= inside
    with mpmath.workdps(DIGITS):
        h = np.array([[float(height(mpmath.exp(y))) for y in panel] for panel in log_x])
    half = np.diff(np.log(edges))[:, None] / 2
    xs = np.exp(log_x)

    def accumulate(rate: np.ndarray, start: float) -> np.ndarray:  # the running integral of rate d(log x)
        within = half * (rate @ integration.T)
        return start + np.concatenate([[0.0], np.cumsum(within[:-1, -1])])[:, None] + within

    area_nodes = accumulate(xs * h, xs[0, 0] * h[0, 0] / (degree + 1))
    spread_nodes = accumulate(xs * h**2 / area_nodes, (degree + 1) / degree * h[0, 0])
    flat = log_x.ravel()
    log_area = CubicHermiteSpline(flat, np.log(area_nodes).ravel(), (xs * h / area_nodes).ravel())
    log_spread = CubicHermiteSpline(flat, np.log(spread_nodes).ravel(), (xs * h**2 / area_nodes / spread_nodes).ravel())
    grid = np.unique(np.concatenate([np.linspace(log_x[0, 0], 0.0, DENSE), np.log(_breakpoints(schedule))]))
    tuned = _smallest(lambda y: np.exp(log_spread(y) - log_area(y)), grid)[0]
    return Functionals(grid, log_area, log_spread, tuned, float(h[-1, -1]))


def _factor(schedule: Schedule, rho: float) -> float:
    """The factor at one rho: the best restart."""
    table = functionals(schedule)
    bias, noise = table.tuned_area / (2 * rho), rho / (2 * table.tuned_spread)
    best, factor = _smallest(
        lambda y: bias * np.exp(-table.log_area(y)) + noise * np.exp(table.log_spread(y)), table.grid
    )
    if best > table.grid[0]:
        return factor
    found = law(schedule)  # the best restart lies beyond the table, where the shape is a power of what remains
    return found.constant * rho ** float(found.exponent)


def _smallest(function: Callable[[np.ndarray], np.ndarray], grid: np.ndarray) -> tuple[float, float]:
    """Where a function is smallest and its value: the best of a grid, then twice the best of a finer one around it.

    The functions have kinks at breakpoints (which are on the grid), so no parabola is laid through neighbours.
    """
    for _ in range(3):
        values = function(grid)
        best = int(np.argmin(values))
        found = float(grid[best]), float(values[best])
        around = grid[max(best - 1, 0) : best + 2]
        grid = np.unique(np.concatenate([np.linspace(around[0], around[-1], 65), around]))
    return found  # pyright: ignore[reportPossiblyUnbound]


def _threshold(table: Functionals) -> float:
    """The largest rho at which no later restart is better than the tuned one."""
    later = table.grid[table.grid < table.tuned - 1e-6]  # closer, both differences below are lost to rounding
    gain = 1 - np.exp(table.log_spread(later)) / table.tuned_spread
    squared = (table.tuned_area / np.exp(table.log_area(later)) - 1) / gain
    candidates = [float(squared.min())]
    if table.tuned == table.grid[-1] and table.start_height > 0:
        candidates.append(table.tuned_spread / table.start_height)  # the limit of the ratio at the first step
    return math.sqrt(min(candidates))


def _breakpoints(schedule: Schedule) -> np.ndarray:
    """Where the shape changes its formula, as parts of the run that remain."""
    u, _ = symbols()
    relations = limit_expression(schedule).atoms(sympy.core.relational.Relational)
    solutions: Any = [sympy.solveset(sympy.Eq(r.lhs, r.rhs), u, sympy.Interval(0, 1)) for r in relations]
    return np.array(sorted({1 - float(point) for found in solutions for point in found if 0 < point < 1}))


def _lobatto(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Gauss-Lobatto nodes on [-1, 1] and the matrix that integrates an interpolant from -1 to each node."""
    last = np.zeros(count)
    last[-1] = 1
    nodes = np.concatenate([[-1.0], np.sort(legendre.legroots(legendre.legder(last)).real), [1.0]])
    basis = np.eye(count)
    values = legendre.legval(nodes, basis).T
    integrals = np.array([legendre.legval(nodes, legendre.legint(row, lbnd=-1)) for row in basis]).T
    return nodes, integrals @ np.linalg.inv(values)
