r"""The two functionals of a schedule that decide its law: the steps that remain, and the noise that remains.

With a shape :math:`h` on a run of length 1,

.. math:: H(\tau)=\int_\tau^1h, \qquad Q(\tau)=\int_\tau^1\frac{h^2}H .

:mod:`lrtheory.theory.misspecification` states what they mean for the worst case. Here they are computed: :func:`anneals` says
whether :math:`Q` is finite, and :func:`functionals` tabulates both. *Verified*: the laws that follow from the tables are those
that follow from closed forms of both (:mod:`lrtheory.theory.law_derivation`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.polynomial import legendre

from lrtheory.schedules.breakpoints import breakpoints
from lrtheory.schedules.expansion import HORIZONS
from lrtheory.schedules.expression import ROUNDING
from lrtheory.schedules.near_end import near_end
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.serial import multiple_precision, one_thread_at_a_time
from lrtheory.theory.hermite import Hermite

PROBE = 1_000
"""The horizon at which a shape is tried for values that are no learning rates."""
NODES = 16
PANELS_PER_DECADE = 4
DECADES = 12
SLOW_DECADES = 100
"""Of a shape of degree 0, whose Q comes from all of them: beyond, it is taken for a power of the logarithm."""
STEEPEST = 1e30
"""The largest degree: the cubes of a spline's intervals must stay in the range of numbers."""
HALVINGS = 12
RESOLVED = 1e-10
"""Panels are halved, so often at most, until the highest coefficients of H and Q are so small against them."""
ACCURACY = 1e-13
"""A value whose error may be larger than this, beside what it adds to, is computed again with many digits."""
DENSE = 4_000
DIGITS = 40
LONG = HORIZONS[0]
"""The horizon that stands for the limit of long runs."""
BEGINNING = 1e-20
"""Breakpoints nearer to the first step than this part of the run belong to a fixed number of steps, which is none of it."""
SINGULAR = 1e-12
"""The first part of the run is left out where the shape is infinite at its start: no restart there is best."""


@lru_cache(maxsize=1024)
def anneals(schedule: Schedule) -> bool:
    r"""Whether :math:`Q` is finite, so that the law of annealing schedules holds.

    With :math:`h\sim c\,x^p\ell^q` at the end, :math:`x=1-u` and :math:`\ell=\ln(1/x)`, it is for :math:`p>0`; and for
    :math:`p=0`, where :math:`H\sim xh` and so :math:`Q\sim\int c\,\ell^q\,d\ell`, if and only if :math:`q<-1`.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: the shape is negative or no finite number in places, or ends in no power of what remains of the run, or
            its integral is infinite.

    Example:
        >>> from lrtheory import Formula
        >>> [anneals(Formula(text)) for text in ("1 - u", "1/(1 - log(1 - u))**2", "(1 - u)**(-1/4)")]
        [True, True, False]
    """
    checked_schedule("schedule", schedule).steps(PROBE)
    power, logarithms, _ = schedule.end
    if power <= -1:
        raise ValueError(
            f"{schedule} has no law: it grows at its end like the power {power} of what remains of the run."
        )
    return power > 0 or (power == 0 and logarithms < -1)


@dataclass(frozen=True)
class Functionals:
    r""":math:`H` and :math:`Q` of a schedule, tabulated against what remains of the run.

    Args:
        grid: Values of :math:`\log(1-u)`, dense, breakpoints included.
        log_H: :math:`\log H` as a function of :math:`\log(1-u)`.
        log_Q: :math:`\log Q` likewise.
        tuned: :math:`\log(1-\tau^\star)` of the tuned restart.
        start_height: :math:`h(0)`.
        vanishes: Whether the whole shape falls to zero as the horizon grows, as that of :class:`lrtheory.InverseSqrt`.
    """

    grid: np.ndarray
    log_H: Hermite
    log_Q: Hermite
    tuned: float
    start_height: float
    vanishes: bool

    @property
    def tuned_H(self) -> float:
        """:math:`H` at the tuned restart."""
        return float(np.exp(self.log_H(self.tuned)))

    @property
    def tuned_Q(self) -> float:
        """:math:`Q` at the tuned restart."""
        return float(np.exp(self.log_Q(self.tuned)))

    @cached_property
    def on_grid(self) -> tuple[np.ndarray, np.ndarray]:
        """:math:`1/H` and :math:`Q` at the points of the grid, which every misspecification asks for."""
        return np.exp(-self.log_H(self.grid)), np.exp(self.log_Q(self.grid))


@one_thread_at_a_time
@lru_cache(maxsize=256)
def functionals(schedule: Schedule) -> Functionals:
    """Tabulate H and Q: Lobatto collocation on panels geometric in what remains of the run.

    Near its zero a formula such as 1 + cos(pi u) cancels: :func:`lrtheory.schedules.near_end.near_end` evaluates it in
    double precision without that, and where its bound on the errors is too large 40 digits or more are used. Panels
    end at the shape's breakpoints, where its two one-sided values are used, so each panel is smooth; log H and log Q are
    nearly linear in log(1 - u), and a Hermite spline through the nodes carries them to a dense grid. All positions are
    logarithms of what remains, so that early and late breakpoints are as exact as others.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: Q is infinite; or the shape has no limit of long runs, or is negative or no number in places, or
            falls below the range of numbers.
    """
    if not anneals(schedule):
        raise ValueError(f"{schedule} does not anneal: Q is infinite.")
    degree = float(schedule.degree)
    breaks = _breakpoints(schedule)
    decades = min(DECADES, 140 / degree) if degree > 0 else SLOW_DECADES  # the shape must not underflow
    start = breaks.min(initial=0.0) - decades * math.log(10)
    if degree > STEEPEST or breaks.min(initial=0.0) - start < 1e-9 * -start:
        raise ValueError(
            f"{schedule} is too steep: its degree is {degree:g}, and its decay a part of the run too small."
        )
    digits = DIGITS + 2 * max(0, -start / math.log(10) - DECADES) + math.log10(max(degree, 1))
    exact = multiple_precision(math.ceil(digits))

    def height(x: Any, horizon: int = LONG) -> Any:
        return schedule.expression.digits(exact, _in_the_limit(exact.mpf(1) - x, horizon))

    vanishes = _vanishes(schedule, breaks, start, height, exact)
    try:
        singular = not math.isfinite(height(exact.mpf(1)))
    except ArithmeticError:
        singular = True
    except (NameError, TypeError, ValueError):  # as everywhere: refused below
        singular = False
    edges = _edges(
        start, breaks, decades * math.log(10) / math.ceil(PANELS_PER_DECADE * decades * max(1.0, degree / 8))
    )
    if singular:
        late = edges[edges < max(-0.5, breaks.max(initial=-math.inf))]
        edges = np.concatenate([late, -np.geomspace(-late[-1], SINGULAR, 4 * DECADES)[1:]])
    known: dict[tuple[float, float], np.ndarray] = {}
    for _ in range(HALVINGS):
        log_x, h = _heights(schedule, edges, breaks, height, exact, known)
        slope, H_nodes, Q_nodes, resolved = _integrals(edges, log_x, h, degree)
        if resolved.all():
            break
        edges = np.sort(np.concatenate([edges, (edges[:-1] + edges[1:])[~resolved] / 2]))
    flat = log_x.ravel()
    if not H_nodes.min() > 0:
        raise ValueError(f"{schedule} falls below the range of numbers at its end.")
    log_H = Hermite(flat, np.log(H_nodes).ravel(), slope.ravel())
    rate = h * slope / Q_nodes  # pyright: ignore[reportOperatorIssue]
    log_Q = Hermite(flat, np.log(Q_nodes).ravel(), rate.ravel())
    last = flat[-1] if singular else 0.0
    grid = np.unique(np.concatenate([np.linspace(flat[0], last, DENSE), log_x[:, 1:-1].ravel(), breaks]))
    tuned = smallest(lambda y: np.exp(log_Q(y) - log_H(y)), grid, np.exp(log_Q(grid) - log_H(grid)))[0]
    return Functionals(grid, log_H, log_Q, tuned, 0.0 if singular else float(h[-1, -1]), vanishes)


def _heights(
    schedule: Schedule,
    edges: np.ndarray,
    breaks: np.ndarray,
    height: Callable[[Any], Any],
    exact: Any,
    known: dict[Any, np.ndarray],
) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of what remains at the nodes of each panel, and the shape there; panels that are known are kept."""
    half = np.diff(edges)[:, None] / 2
    log_x = (edges[:-1, None] + edges[1:, None]) / 2 + half * _lobatto(NODES)[0]
    # End nodes lie so far inside of their panel that the two sides of a jump are told apart.
    log_x[:, 0] = edges[:-1] + np.maximum(1e-10 * half[:, 0], 4 * np.spacing(np.abs(edges[:-1])))
    log_x[:, -1] = edges[1:] - np.maximum(1e-10 * half[:, 0], 4 * np.spacing(np.abs(edges[1:])))
    ends = list(pairwise(edges.tolist()))
    values, errors = np.array([known.get(each, np.zeros(NODES)) for each in ends]), np.zeros(log_x.shape)
    new = np.array([each not in known for each in ends])
    pieces = np.searchsorted(np.sort(breaks), edges[1:])
    for piece in set(pieces[new].tolist()):
        rows = new & (pieces == piece)
        flat, bounds = near_end(schedule.expression, log_x[rows].ravel(), LONG)
        values[rows], errors[rows] = flat.reshape(-1, NODES), bounds.reshape(-1, NODES)
    # H and Q are sums from the end on: what counts beside the error of a node is the largest that came before.
    parts = np.where(np.isfinite(errors), np.abs(values), 0.0) * np.exp(log_x)
    largest = np.maximum.accumulate(parts.ravel()).reshape(parts.shape)
    for row, column in np.argwhere(~(errors * np.exp(log_x) <= ACCURACY * largest)):
        try:
            values[row, column] = float(height(exact.exp(log_x[row, column])))
        except (ArithmeticError, NameError, TypeError, ValueError):
            values[row, column] = math.nan
    if not (values >= -ROUNDING).all() or not np.isfinite(values).all():
        raise ValueError(f"{schedule} is negative or no finite number in places: a learning rate must not be.")
    known.update(zip(ends, values))
    return log_x, np.maximum(values, 0.0)


def _integrals(
    edges: np.ndarray, log_x: np.ndarray, h: np.ndarray, degree: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The slope of log H, H and Q at the nodes, and which panels resolve both."""
    _, integration, coefficients = _lobatto(NODES)
    half, xs = np.diff(edges)[:, None] / 2, np.exp(log_x)

    def accumulate(rate: np.ndarray, start: float) -> tuple[np.ndarray, np.ndarray]:  # the integral of rate d(log x)
        within = half * (rate @ integration.T)
        total = start + np.concatenate([[0.0], np.cumsum(within[:-1, -1])])[:, None] + within
        highest = np.abs(half * (rate @ coefficients[-2:].T)).max(axis=1)
        return total, highest <= RESOLVED * total[:, 0]

    H_nodes, H_resolved = accumulate(xs * h, xs[0, 0] * h[0, 0] / (degree + 1))
    with np.errstate(divide="ignore", invalid="ignore"):  # where H is not resolved
        slope = xs * h / H_nodes
    if degree > 0:
        rest = (degree + 1) / degree * h[0, 0]
    else:  # a power of the logarithm, as that of its first panel
        index = np.log(h[0, 0] / h[0, -1]) / np.log(log_x[0, -1] / log_x[0, 0])
        rest = h[0, 0] * -log_x[0, 0] / (index - 1)
    Q_nodes, Q_resolved = accumulate(h * slope, rest)
    return slope, H_nodes, Q_nodes, H_resolved & Q_resolved


def _in_the_limit(u: Any, horizon: int) -> dict[str, Any]:
    """The names of a formula in a run so long that its first step is none of it."""
    return {"u": u, "t": horizon * u, "T": horizon}


def _vanishes(schedule: Schedule, breaks: np.ndarray, start: float, height: Callable[..., Any], exact: Any) -> bool:
    """Whether the end of the shape falls to zero as the horizon grows, and with it all that comes before.

    Raises:
        ValueError: the end falls with a higher power of the horizon than something before it.
    """
    if not schedule.expression.depends_on("t", "T"):
        return False
    pieces = pairwise([start, *breaks.tolist(), 0.0])
    places = [exact.exp((a + b) / 2) for a, b in pieces]
    falls = [float(exact.re(height(x) / height(x, LONG**2))) if height(x, LONG**2) else math.inf for x in places]
    if falls[0] > 2 * min(falls):
        raise ValueError(f"{schedule} has no limit of long runs: its parts fall with different powers of the horizon.")
    return falls[0] > 2


def _edges(start: float, breaks: np.ndarray, spacing: float) -> np.ndarray:
    """Ends of panels from the start to 0: the breakpoints, and evenly spaced ones that are not close to them.

    The spacing is for the last piece; elsewhere it is that of a power of small degree.
    """
    last = breaks.min(initial=0.0)
    inner = np.linspace(start, last, max(round((last - start) / spacing), 1) + 1)[1:-1]
    if last < 0:
        spacing = math.log(10) / PANELS_PER_DECADE
        others = np.linspace(last, 0.0, max(round(-last / spacing), 1) + 1)[1:-1]
        inner = np.concatenate([inner, others[np.abs(others[:, None] - breaks).min(axis=1) > spacing / 8]])
    return np.sort(np.concatenate([[start], inner, breaks, [0.0]]))


def smallest(function: Callable[[np.ndarray], np.ndarray], grid: np.ndarray, values: np.ndarray) -> tuple[float, float]:
    """Where a function is smallest and its value: the best of its values on a grid, then twice of a finer grid around it.

    The functions have kinks at breakpoints (which are on the grid), so no parabola is laid through
    neighbours; and two points may lie so close together that rounding decides, so two neighbours on each side are taken.
    """
    for _ in range(2):
        best = int(np.argmin(values))
        around = grid[max(best - 2, 0) : best + 3]
        grid = np.unique(np.concatenate([np.linspace(around[0], around[-1], 65), around]))
        values = function(grid)
    best = int(np.argmin(values))
    return float(grid[best]), float(values[best])


def _breakpoints(schedule: Schedule) -> np.ndarray:
    """Where the shape changes its formula: logarithms of what remains, ascending; what rounding cannot tell apart is one."""
    exact = multiple_precision(200)  # a part of the run may be as small as 1e-75
    try:
        found = breakpoints(schedule.expression, exact, lambda u: _in_the_limit(u, LONG))
    except ValueError as reason:
        raise ValueError(f"{schedule} has no law: {reason}.") from None
    kept: list[float] = []
    for point in sorted(float(exact.log(1 - point)) for point in found):
        if point < -BEGINNING and (not kept or point - kept[-1] > 1e-12 * abs(point)):
            kept.append(point)
    return np.array(kept)


@lru_cache(maxsize=1)
def _lobatto(count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Gauss-Lobatto nodes on [-1, 1], and for values there their integrals from -1 to each and Legendre coefficients."""
    last = np.zeros(count)
    last[-1] = 1
    nodes = np.concatenate([[-1.0], np.sort(legendre.legroots(legendre.legder(last)).real), [1.0]])
    basis = np.eye(count)
    coefficients = np.linalg.inv(legendre.legval(nodes, basis).T)
    integrals = np.array([legendre.legval(nodes, legendre.legint(row, lbnd=-1)) for row in basis]).T
    return nodes, integrals @ coefficients, coefficients
