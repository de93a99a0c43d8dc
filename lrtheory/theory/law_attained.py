r"""The law of misspecification is the truth: a function and a domain on which annealed schedules lose what it says.

**Theorem.** Let ``h`` anneal, fall continuously or stay, with a piecewise smooth slope, and let
:math:`H(\tau)=\int_\tau^1h` have a concave logarithm (:math:`h/H` does not fall): polynomial decay of every degree, cosine,
a constant rate with a linear cooldown (WSD), exponential decay that ends in a linear one. Let
:math:`\eta_t=\lambda\frac D{G\sqrt T}h((t-1)/T)`. There are convex functions, Lipschitz with constant :math:`G`, on domains
of diameter :math:`D`, on which exact subgradients leave :math:`f(x_{T+1})-f^\star\sim V(\lambda)\,DG/\sqrt T` as
:math:`T\to\infty`, where :math:`V` is the limit of the worst-case bound (:mod:`lrtheory.theory.misspecification`). So the
exponent :math:`1/(2p+1)` and its constant are no artefacts of an analysis.

**Construction** (:math:`G=1`). Let ``k`` be the best restart, :math:`\varepsilon>0`, :math:`R=(1-\varepsilon/2)D`, and
:math:`g_k,\dots,g_{T+1}`, :math:`x_k` those of :mod:`lrtheory.theory.hard_instance` for the steps from ``k`` on. If ``k`` is
not the first step, let ``w`` be a further direction, in which the run goes to and fro, and

.. math:: f(x)=\max\Big(0,\;\langle g_s,x\rangle,\;|\langle w,x\rangle|,\;
    \pm(1-\varepsilon)\langle w,x\rangle+\varepsilon\,a\,\frac{\langle x_k,x\rangle}{\|x_k\|\,\rho_1}\Big).

Before ``k`` the iterate stays at :math:`\rho_1x_k/\|x_k\|` but for its coordinate along ``w``, which changes its sign in every
step and has the size :math:`|a_{t+1}|=\eta_t-|a_t|\approx\eta_t/2`. The last piece, equal to the one before at
:math:`a=|a_{k-1}|`, takes it a little less far at step :math:`k-1`, so that the pieces :math:`g_s` are the larger ones from
there on.

**Proof.** Let :math:`\tau` be the place of ``k``, :math:`\kappa=(R/D)^2\big/\lambda^2h(\tau)H(\tau)`, and
:math:`K(u)=\int_\tau^u(h/H)^2`. The values of the worst function are in the limit :math:`\frac12\eta_k\,e(u)`,

.. math:: e(u)=\frac1{2h(\tau)}\Big[\kappa h(\tau)\Big(1+\frac{H(u)}{H(\tau)}\Big)+\int_\tau^u\frac{h^2}H+H(u)K(u)\Big],\qquad
    e'=\frac{h}{2h(\tau)}\Big[\frac{2h}H-\kappa\frac{h(\tau)}{H(\tau)}-K\Big].

1. *Never below its start.* Where the best restart is inside, it is stationary, :math:`\lambda^2hH=1`, so
   :math:`\kappa=(1-\varepsilon/2)^2`; where it is the first step, :math:`\lambda^2hH\le1`. At :math:`\kappa=1`

   .. math:: 2h(\tau)(e-1)=\int_\tau^u\frac{h^2}H-\int_\tau^u|h'(v)|\Big(1-\frac{H(u)}{H(v)}\Big)\mathrm dv
       \;\ge\;\int_\tau^uH\,\Big(\frac hH\Big)'\;\ge0,

   and ``e`` is larger by :math:`\frac{\kappa-1}2(1+H(u)/H(\tau))` for other :math:`\kappa`. So :math:`e\ge\min(\kappa,1)`, or
   :math:`e\ge\kappa` for :math:`\kappa\le1`.
2. *Before* ``k`` the piece in use is the largest: :math:`|a_t|\approx\eta_t/2\ge\eta_k/2>\frac12\eta_k\kappa`. *After*,
   :math:`|a_k|\approx(\frac12-\varepsilon)\eta_k<\frac12\eta_k\kappa\le\frac12\eta_ke`.
3. *Distances from the minimiser* change by :math:`\eta_t^2-2\eta_tf(x_t)\approx\eta_t(\eta_t-\eta_ke)`. That is positive
   only while :math:`h>h(\tau)e`, a part :math:`O(\varepsilon)` of the run since :math:`e'(\tau)>0`, and adds
   :math:`O(\varepsilon^2)` there; before ``k`` it is :math:`O(1/T)`. They stay below :math:`D`.
4. *Distances between iterates.* :math:`\|x_t-x_s\|^2=\sum_{s\le j<t}[\eta_j^2-2\eta_j(f(x_j)-f(x_s))]`, in the limit
   :math:`D^2` times :math:`F(s,t)=\lambda^2\int_s^t[h^2-h(\tau)h(e-e(s))]`. Its derivative in ``s`` is
   :math:`-\lambda^2\big[\frac{h^2}HH(t)+\frac h2\big(\kappa\frac{h(\tau)}{H(\tau)}+K\big)(H-H(t))\big]\le0`, so ``F`` is
   largest at :math:`s=\tau`, where it is the integral of this bracket. Since ``h`` does not rise,
   :math:`K(u)\le h(\tau)\big(\frac1{H(u)}-\frac1{H(\tau)}\big)`; with :math:`y=H(t)/H(\tau)` and
   :math:`\lambda^2h(\tau)H(\tau)\le1/\max(\kappa,1)`

   .. math:: F\;\le\;\frac1{\max(\kappa,1)}\Big[\tfrac12(1-y-y\ln y)+\tfrac14(\kappa-1)_+(1-y)^2\Big]
       \;\le\;\tfrac12\big(1+e^{-2}\big)<0.57,

   for the first part is largest at :math:`y=e^{-2}` and the second below a quarter of :math:`\kappa-1`.
5. *The loss* is the bound of the restart ``k`` with :math:`R` for :math:`D`: at least :math:`(1-\varepsilon/2)^2` of it. ∎

Only step 1 needs the logarithm of ``H``. Where ``h`` drops, as in ``Robust``, :math:`h/H` falls and the construction fails.

**Status.** *Proved*, and *verified* by running it: :func:`law_attainment` does so at ten thousand steps. **Source.** Derived
here.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from lrtheory.checks import checked_horizon, checked_positive
from lrtheory.compilation import CACHE
from lrtheory.schedules import Cosine, Schedule
from lrtheory.schedules.schedule import checked_schedule
from lrtheory.theory.hard_instance import worst_function, worst_products
from lrtheory.theory.last_iterate import restarts, tuned_lr, worst_case
from lrtheory.theory.theorem import Evidence, Theorem

if TYPE_CHECKING:
    import sympy

ROUNDING = 1e-9
"""What values of the function may differ by: sums of a thousand products of numbers near 1, from vectors of a singular matrix."""


@dataclass(frozen=True, eq=False)
class Witness:
    r"""A run on the function that attains the law; :math:`G=D=1`, the minimiser is the origin.

    Args:
        pieces: Slopes of the linear functions whose maximum with 0 is :math:`f`, a row a piece.
        path: The iterates, a row an iterate.
        active: The piece whose slope each step used.
    """

    pieces: np.ndarray
    path: np.ndarray
    active: np.ndarray

    @property
    def loss(self) -> float:
        """The value at the last iterate."""
        return float(max(np.max(self.pieces @ self.path[-1]), 0.0))

    @property
    def diameter(self) -> float:
        """The largest distance between two iterates, or of one from the minimiser."""
        points = np.vstack([np.zeros_like(self.path[:1]), self.path])
        squares = np.sum(points**2, axis=1)
        return math.sqrt(np.max(squares[:, None] + squares - 2 * points @ points.T))


@dataclass(frozen=True)
class Attainment:
    """How much of the worst case a run on its function loses; :math:`G=D=1`.

    Args:
        loss: The value at the last iterate.
        diameter: The largest distance between two iterates, or of one from the minimiser.
        bound: The worst case of the same steps on a domain of that diameter.
    """

    loss: float
    diameter: float
    bound: float

    @property
    def share(self) -> float:
        """The loss over the bound: at most 1."""
        return self.loss / self.bound


@dataclass(frozen=True)
class _Plan:
    """What the run does before and after its best restart.

    Args:
        steps: All learning rates.
        turn: How many steps come before the restart.
        distance: How far the iterates before the restart are from the minimiser, along that at the restart.
        sizes: The sizes of the iterates' last coordinates before the restart, and at it.
    """

    steps: np.ndarray
    turn: int
    distance: float
    sizes: np.ndarray


def law_witness(schedule: Schedule, rho: float, horizon: int, *, slack: float = 0.05) -> Witness:
    r"""A function on which a schedule, at ``rho`` times its tuned rate, loses nearly what the law says.

    The loss is the bound of the best restart with :math:`1-\varepsilon/2` for the diameter 1, at least
    :math:`(1-\varepsilon/2)^2` of the worst case. The theorem is about long runs; each witness is checked before it is handed
    out, and where the run is too short for its rate, or the shape is not one of the theorem's, there is none.

    Args:
        schedule: The shape; it must not rise.
        rho: The rate over the tuned one, positive.
        horizon: Number of steps :math:`T`; a thousand at most, the vectors need :math:`T^2` numbers.
        slack: :math:`\varepsilon`, below 0.4: what is given away of the distance and at the turn.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: numbers out of their ranges, a schedule that rises, or too few steps: a slope that is used would be no
            subgradient, or points of the run would be more than :math:`1+\varepsilon` apart.

    Example:
        >>> witness = law_witness(Cosine(), 4, 400)
        >>> from lrtheory import degradation
        >>> from lrtheory.theory.misspecification import law
        >>> stated = law(Cosine()).tuned_loss * degradation(Cosine(), 4) / 400**0.5
        >>> round(float(witness.loss / stated), 2), round(witness.diameter, 1)
        (0.98, 1.0)

    Source:
        Derived here: see the module.
    """
    plan = _planned(schedule, rho, horizon, slack)
    steps, turn = plan.steps, plan.turn
    late = worst_function(steps[turn:], distance=1 - slack / 2)
    slopes = np.pad(late.directions, ((0, 0), (0, 1)))
    pieces, start = slopes, np.append(late.path[0], 0.0)
    active = np.arange(len(steps) - turn)
    if turn > 0:
        side = np.zeros(len(start))
        side[-1] = 1.0
        reach = float(np.linalg.norm(late.path[0]))
        inward = slack * plan.sizes[-2] / plan.distance * start / reach
        sign = (-1.0) ** (turn - 1)
        pieces = np.vstack([slopes, side, -side, (1 - slack) * sign * side + inward])
        start = start * plan.distance / reach + plan.sizes[0] * side
        count = len(slopes)
        to_and_fro = count + np.arange(turn - 1) % 2
        active = np.concatenate([to_and_fro, [count + 2], active])
    moved = np.cumsum(steps[:, None] * pieces[active], axis=0)
    witness = Witness(pieces, np.vstack([start, start - moved]), active)
    fault = _fault(witness, slack)
    if fault:
        raise ValueError(f"{horizon} steps are too few for a witness of {schedule} at rho = {rho:g}: {fault}.")
    return witness


def law_attainment(schedule: Schedule, rho: float, horizon: int, *, slack: float = 0.05) -> Attainment:
    r"""The loss and the diameter of the run of :func:`law_witness`, from products of its vectors, beside the worst case.

    Args:
        schedule: As in :func:`law_witness`.
        rho: As in :func:`law_witness`.
        horizon: Number of steps :math:`T`; the distances of ten thousand take half a second.
        slack: As in :func:`law_witness`.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: numbers out of their ranges, or a schedule that rises. That the slopes are subgradients is not checked here.

    Example:
        >>> round(law_attainment(Cosine(), 4, 10_000, slack=0.02).share, 3)
        1.0

    Source:
        Derived here: see the module.
    """
    plan = _planned(schedule, rho, horizon, slack)
    steps, turn, radius = plan.steps, plan.turn, 1 - slack / 2
    areas, _, products = worst_products(steps[turn:], radius)
    first = radius**2 / areas[0] ** 2  # the value at the restart, and the product of its iterate with every slope
    values = np.maximum(first - np.append(0.0, np.cumsum(steps[turn:] * products)), 0.0)
    square = _largest_square(steps[turn:], values, radius**2)
    if turn > 0:
        squares = radius**2 + np.append(0.0, np.cumsum(steps[turn:] * (steps[turn:] - 2 * values[:-1])))
        shared = plan.distance * (radius**2 - first * np.append(0.0, np.cumsum(steps[turn:]))) / radius
        widest = plan.sizes[:-1].max() + plan.sizes[-1]
        square = max(
            square + plan.sizes[-1] ** 2,
            float(np.max(squares + plan.distance**2 - 2 * shared)) + widest**2,
            plan.distance**2 + plan.sizes[:-1].max() ** 2,
            (2 * plan.sizes[:-1].max()) ** 2,
        )
    diameter = math.sqrt(square)
    return Attainment(float(values[-1]), diameter, worst_case(steps, diameter=diameter))


def _planned(schedule: Schedule, rho: float, horizon: int, slack: float) -> _Plan:
    if checked_positive("slack", slack) >= 0.4:
        raise ValueError(f"slack must be below 0.4, not {slack!r}.")
    checked_schedule("schedule", schedule)
    horizon = checked_horizon(horizon)
    lr = checked_positive("rho", rho) * tuned_lr(schedule, horizon, diameter=1.0)
    steps = schedule.steps(horizon, lr=lr)
    steps = steps[steps > 0]
    if (np.diff(steps) > 1e-9 * steps[:-1]).any():
        raise ValueError(f"the schedule of a witness must not rise, and {schedule} does.")
    squares, excess = restarts(steps)
    base = np.maximum(squares[:-1], 1.0)
    turn = int(np.argmin(1 / base + base - squares[:-1] + excess[:-1]))
    if turn == 0:
        return _Plan(steps, 0, 1 - slack / 2, np.zeros(1))
    sizes = [steps[0] / 2]
    for step in steps[: turn - 1]:
        sizes.append(step - sizes[-1])
    # The short step also moves towards the minimiser, by its step times the second part of its slope.
    reach = 1 - slack / 2
    distance = (reach + math.sqrt(reach**2 + 4 * steps[turn - 1] * slack * sizes[-1])) / 2
    sizes.append(abs((1 - slack) * steps[turn - 1] - sizes[-1]))
    return _Plan(steps, turn, distance, np.array(sizes))


@numba.njit(cache=CACHE, nogil=True)
def _largest_square(steps: np.ndarray, values: np.ndarray, start: float) -> float:
    """The largest squared distance between iterates of the worst function, or from its minimiser."""
    largest = square = start
    for t in range(steps.size):
        square += steps[t] * (steps[t] - 2 * values[t])
        largest = max(largest, square)
    for s in range(steps.size):
        square = 0.0
        for t in range(s, steps.size):
            square += steps[t] * (steps[t] - 2 * (values[t] - values[s]))
            largest = max(largest, square)
    return largest


def _fault(witness: Witness, slack: float) -> str:
    """What keeps the run from being one of subgradients on a domain of diameter ``1 + slack``; empty if nothing does."""
    values = witness.pieces @ witness.path[:-1].T
    used = values[witness.active, np.arange(len(witness.active))]
    if (np.maximum(values.max(axis=0), 0) - used).max() > ROUNDING:
        return "a slope that it would use is no subgradient"
    if witness.diameter > 1 + slack:
        return f"its points would be {witness.diameter:.3g} apart, on a domain of diameter 1"
    return ""


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proof, each an expression that vanishes, named by its step.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    u, kappa, first, area, end, y = sympy.symbols("u kappa h_0 H_0 H_t y", positive=True)
    h, left, loss, squares = (sympy.Function(name)(u) for name in ("h", "H", "Q", "K"))
    slopes: Any = {
        sympy.diff(left, u): -h, sympy.diff(loss, u): h**2 / left, sympy.diff(squares, u): h**2 / left**2,
    }  # fmt: skip
    e = (kappa * first * (1 + left / area) + loss + left * squares) / (2 * first)
    rise = h / (2 * first) * (2 * h / left - kappa * first / area - squares)
    falls = sympy.Function("J")(u)  # the integral of |h'|/H
    lost = first - h - left * falls  # that of |h'(v)| (1 - H(u)/H(v))
    falling: Any = {**slopes, sympy.diff(falls, u): -sympy.diff(h, u) / left}
    # What F/lambda^2 and the claimed integral change by as s moves to the right: -h^2 + h_0 e'(s) (H - H_t).
    moved = -(h**2) + first * rise * (left - end)
    bracket = h**2 / left * end + h / 2 * (kappa * first / area + squares) * (left - end)
    # With K at most h_0 (1/H - 1/H_0) and kappa = 1, over h_0 and as an integral in H.
    level = sympy.Symbol("H", positive=True)
    bounded = sympy.integrate((1 + end / level) / 2, (level, y * area, area)).subs(end, y * area)
    shape = (1 - y - y * sympy.log(y)) / 2
    more = sympy.integrate((level - y * area) / 2, (level, y * area, area)) / area
    p, x = sympy.symbols("p x", positive=True)
    polynomial = {kappa: 1, first: 1, area: 1 / (p + 1), left: x ** (p + 1) / (p + 1)}
    polynomial |= {loss: (p + 1) / p * (1 - x**p), squares: (p + 1) ** 2 * (1 / x - 1)}
    stated = (1 + x ** (p + 1) + (p + 1) / p * (1 - x**p) + (p + 1) * (x**p - x ** (p + 1))) / 2
    identities = {
        "the slope of e": sympy.diff(e, u).subs(slopes) - rise,
        "e of polynomial decay": e.subs(polynomial) - stated,
        "1: e without kappa": e - e.subs(kappa, 1) - (kappa - 1) / 2 * (1 + left / area),
        "1: the two sums fall alike": sympy.diff(2 * first * (e.subs(kappa, 1) - 1) - loss + lost, u)
        .subs(falling)
        .doit()
        - h * (h / left - first / area + falls - squares),
        "1: the difference is constant": sympy.diff(h / left + falls - squares, u).subs(falling),
        "1: the bracket at least": left * sympy.diff(h / left, u).subs(slopes) - (h**2 / left + sympy.diff(h, u)),
        "4: the slope in s": moved + bracket,
        "4: the integral": bounded - area * shape,
        "4: where it is largest": sympy.diff(shape, y).subs(y, sympy.exp(-2)),
        "4: its largest value": shape.subs(y, sympy.exp(-2)) - (1 + sympy.exp(-2)) / 2,
        "4: what kappa adds": more - area * (1 - y) ** 2 / 4,
    }
    return {name: sympy.simplify(sympy.expand(identity)) for name, identity in identities.items()}


def witness() -> Evidence:
    """Run a cosine of ten thousand steps at four times its tuned rate: 1 % of slack, and what it is short of the limit."""
    found = law_attainment(Cosine(), 4, 10_000, slack=0.01)
    return Evidence(found.loss, found.bound, 0.01)


THEOREM = Theorem(
    name="law_attained",
    statement="It is attained on a domain of known diameter, by polynomial decay, cosine, WSD and their like",
    status="proved",
    source="Derived here",
    module=__name__,
    attained=(
        "in the limit where the shape does not rise and its tail integral has a concave logarithm; else an upper bound: where "
        "the best restart changes, semidefinite programs are lower, and where all restarts tie 5 to 7 % lower, also as the "
        "horizon grows (verified up to 15 steps)"
    ),
    labels=("thm:domain",),
    proof=proof,
    witness=witness,
)
