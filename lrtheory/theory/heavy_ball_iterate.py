r"""Heavy ball under any steps: in long annealed runs its worst case is that of plain SGD.

**Setting.** That of :mod:`lrtheory.theory.last_iterate`, with a momentum :math:`0\le\beta<1`: from :math:`z_1=x_1`,

.. math:: z_{t+1}=\Pi(z_t-\eta_tg_t),\qquad x_{t+1}=\beta x_t+(1-\beta)z_{t+1},\qquad g_t\text{ at }x_t .

Wherever the projection does nothing this is :math:`x_{t+1}=x_t-(1-\beta)\eta_tg_t+\beta(x_t-x_{t-1})`: Polyak's heavy
ball, whose rate is :math:`(1-\beta)\eta_t`. The output is :math:`x_{T+1}`. With :math:`\kappa_t\ge0` let

.. math:: x_t=\frac{z_t+\kappa_tx_{t-1}}{1+\kappa_t},\qquad\kappa_1=0 .

On a domain :math:`\gamma_t=\eta_t` and :math:`\kappa_t=\frac\beta{1-\beta}` for :math:`t\ge2`. Without a domain the
same iterates have a second form, :math:`\gamma_t=(1-\beta^{T+1-t})\eta_t` for :math:`\eta_t`,
:math:`\kappa_{t+1}=\frac{\beta-\beta^{T+1-t}}{1-\beta}`, in which :math:`\kappa_{T+1}=0`: there
:math:`z_{T+1}=x_{T+1}`, and :math:`\gamma_t` is what the gradient ``t`` moves in all.

**Theorem, upper bound.** Let :math:`q_t>0`, :math:`0\le p_t<1` for :math:`k\le t\le T`, :math:`c>0`,
:math:`m_t=q_t/\gamma_t`, :math:`q_{T+1}=\frac1{1+\kappa_{T+1}}`, :math:`p_{T+1}=0`, :math:`m_{T+1}=q_{T+1}/c`,
:math:`B_t=q_t+(1-p_{t+1})B_{t+1}`, :math:`s_t=q_t-p_tB_t`, all without terms beyond :math:`T+1`. Where

.. math:: \begin{aligned}
    m_t(1-p_t)^2&\le m_{t-1}, & (1-p_t)\,p_{t-1}(1+\kappa_{t-1})&\ge p_t\kappa_t&&(k<t),\\
    (1+\kappa_t)s_t&\ge\kappa_{t+1}s_{t+1}&&&&(k<t\le T),
    \end{aligned}

with 0 for :math:`\kappa_k`, and :math:`C=s_k-\kappa_{k+1}s_{k+1}`, on a set of diameter ``D``

.. math:: \mathbb Ef(x_{T+1})-f^\star\le\tfrac12\Big[m_k\big((1-p_k)D+e_k\big)^2
    +G^2\Big(\sum_{t=k}^Tq_t\gamma_t+q_{T+1}c\Big)\Big]+GD\max(0,-C)+Gq_ke_k ,

:math:`e_1=0`, :math:`e_t=\frac{\kappa_t}{1+\kappa_t}\min(e_{t-1}+G\gamma_{t-1},D)`. From a known distance ``R``,
without a domain, the same holds with ``R`` for ``D`` and :math:`k=1`. On a domain :math:`\kappa_{T+1}` may be taken as
0 for :math:`Ge_{T+1}` more.

:func:`heavy_ball_bound` takes :math:`m_{t-1}=m_t(1-p_t)^2`, unless the last condition asks for more, and for
:math:`p_t` the plain SGD's of :mod:`lrtheory.theory.any_average` under :math:`\gamma`, cut where the second condition
asks for less; then the best ``k``, ``c``.

**Proof** (identities: :func:`proof`). The reference point moves towards the auxiliary points: :math:`u_{k-1}=x^\star`,
:math:`u_k=(1-p_k)x^\star+p_kx_k`, then :math:`u_t=(1-p_t)u_{t-1}+p_tz_t`.

1. *One step* times :math:`m_t`, for the projection brings no feasible point further away:
   :math:`2q_t\mathbb E\langle g_t,z_t-u_t\rangle\le m_t\mathbb E\|z_t-u_t\|^2-m_t\mathbb E\|z_{t+1}-u_t\|^2+q_t\gamma_tG^2`.
2. *Telescope.* :math:`z_t-u_t=(1-p_t)(z_t-u_{t-1})` for :math:`t>k`, so nothing is left but the first term, and there
   :math:`\|z_k-u_k\|\le(1-p_k)\|x_k-x^\star\|+\|z_k-x_k\|`. Here
   :math:`z_t-x_t=\frac{\kappa_t}{1+\kappa_t}(z_t-x_{t-1})`, so :math:`\|z_k-x_k\|` is at most :math:`e_k` in the root
   of the mean square.
3. *Masses.* :math:`z_t=(1+\kappa_t)x_t-\kappa_tx_{t-1}`. In :math:`u_t` the point :math:`x_t` has the mass
   :math:`p_t(1+\kappa_t)` and :math:`x_{t-1}` the mass :math:`(1-p_t)p_{t-1}(1+\kappa_{t-1})-p_t\kappa_t`, later
   multiplied by :math:`1-p_j`: not negative. So :math:`\langle g_t,z_t-u_t\rangle` is a sum of
   :math:`\langle g_t,x_t-x_i\rangle\ge f(x_t)-f(x_i)` and of :math:`\langle g_t,x_t-x^\star\rangle` with coefficients
   that are not negative, since that of :math:`x_{t-1}` is :math:`\kappa_t` more than its mass; at ``k`` the difference
   :math:`\langle g_k,z_k-x_k\rangle\ge-Ge_k` in the mean remains.
4. *Coefficients.* That of :math:`f(x_i)-f^\star` in the sum over ``t`` is :math:`(1+\kappa_i)s_i-\kappa_{i+1}s_{i+1}`,
   which is 1 at :math:`T+1`, not negative in between, and ``C`` at ``k``, where :math:`f(x_k)-f^\star\le GD`. Where
   :math:`\kappa_{T+1}` is taken as 0, the last inequality has :math:`z_{T+1}` for :math:`x_{T+1}`, which are at most
   :math:`e_{T+1}` apart. ∎

**Theorem, lower bound.** Without a domain heavy ball loses on some function at least the exact worst case of plain SGD
with the steps :math:`\gamma_t=(1-\beta^{T+1-t})\eta_t`, from the same distance. So does Nesterov's form, which asks for
the subgradient at :math:`y_t=(1-\beta)z_t+\beta x_t`.

*Proof.* In the second form the points are :math:`z_{t+1}=z_t-\gamma_tg_t`, :math:`z_{T+1}=x_{T+1}`, and :math:`x_t` is
a convex combination of :math:`z_1,\dots,z_t`. Let these be the path of plain SGD on its worst function
(:mod:`lrtheory.theory.hard_instance`). At :math:`z_j` the pieces from ``j`` on have one value, and no earlier one has a
larger. So at :math:`z_1,\dots,z_t`, and at their convex combinations, no piece is above the piece ``t``, which is not
negative: the oracle may answer :math:`Gg_t` at :math:`x_t`, and the path is the one supposed. For
:math:`y_t=x_1-\sum_{s<t}(1-\beta^{t+1-s})\eta_sg_s` the same: it has the weight
:math:`\frac{1-\beta^{t+1-s}}{1-\beta^{T+1-s}}\le1` on all :math:`z_j` with :math:`j>s` together, which falls with
``s``. ∎

:func:`heavy_ball_lower_bound` takes the larger of this and of runs on :math:`G|x|`, where momentum overshoots the
minimum; on a domain the runs alone, on the interval between the start and the point ``D`` below it.

**How far apart.** Where the steps anneal and ``T`` is many times :math:`\frac1{1-\beta}`, hardly: the second condition
binds only in the last :math:`O(\frac1{1-\beta})` steps, and the start costs a part of the order
:math:`\frac1{(1-\beta)T}`. At linear decay, its tuned rate and :math:`\beta=0.9` the two differ by 25 % for a thousand
steps and by 2.5 % for a hundred thousand (*verified*). So a constant momentum forgives what the schedule forgives, and
nothing more. In runs as short as :math:`\frac1{1-\beta}` the upper bound can be several times too large.

**Status.** *Proved*; how close the two are is *verified*. **Source.** Derived here. Heavy ball as an average: Ghadimi,
Feyzmahdavian and Johansson, arXiv 1412.7457; Sebbouh, Gower and Defazio, arXiv 2006.07867.
"""

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from lrtheory.checks import checked_length, checked_magnitude, checked_steps
from lrtheory.compilation import CACHE
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.theorem import Evidence, Theorem
from lrtheory.theory.virtual_step import smallest_over_sizes

if TYPE_CHECKING:
    import sympy

PARTS = 96
"""Sizes of the virtual step, evenly spaced in logarithms, among which the best is sought first."""
STARTS = 257
"""Starts of the runs that overshoot."""


def heavy_ball_bound(
    steps: Any, *, momentum: float = 0.9, lipschitz: float = 1.0, distance: float | None = None,
    diameter: float | None = None,
) -> float:  # fmt: skip
    r"""An upper bound for the expected :math:`f(x_{T+1})-f^\star` of heavy ball.

    One pass over the steps for each size of the virtual step, of which some hundred are tried.

    Args:
        steps: :math:`\eta_1..\eta_T`, finite, none negative; zeros are dropped. Polyak's rates over :math:`1-\beta`.
        momentum: :math:`\beta`, in [0, 1).
        lipschitz: :math:`G`.
        distance: :math:`R\ge\|x_1-x^\star\|`.
        diameter: :math:`D`, the diameter of the domain. Exactly one of the two lengths must be given.

    Returns:
        The bound; with ``diameter`` at most :math:`GD`.

    Raises:
        ValueError: bad steps, a momentum outside [0, 1), both or neither length, or a length that is out of range.

    Example:
        Without momentum, and linear decay with it:

        >>> steps = 0.06 * np.linspace(1, 0.001, 1000)
        >>> round(heavy_ball_bound(steps, momentum=0.0, distance=1.0) / worst_case(steps, distance=1.0), 6)
        1.0
        >>> round(heavy_ball_bound(steps, momentum=0.5, distance=1.0) / worst_case(steps, distance=1.0), 2)
        1.0

    Source:
        Proved here: see the module.
    """
    length, lipschitz = checked_length(distance, diameter), checked_magnitude("lipschitz", lipschitz)
    steps, momentum = checked_steps(steps), checked_momentum(momentum)
    radius, bounded = length / lipschitz, diameter is not None
    moved, memory = _forms(steps, momentum, bounded)
    away = _apart(moved, memory, radius) if bounded else np.zeros(steps.size + 1)
    cut = np.append(memory[:-1], 0.0)  # the last memory taken for nothing, at the price of away[-1]
    firsts = [0, *(steps.size - 2**power for power in range(int(math.log2(steps.size)) + 1) if bounded)]

    def bound(last: float) -> float:
        whole = [_smallest(moved, memory, away, last, radius, first, bounded) for first in firsts]
        short = [_smallest(moved, cut, away, last, radius, first, bounded) for first in firsts if bounded]
        return min(min(whole), min(short, default=math.inf) + away[-1])

    found = lipschitz**2 * smallest_over_sizes(bound, moved, radius, PARTS)
    return min(found, lipschitz * length) if bounded else found


def _forms(steps: np.ndarray, momentum: float, bounded: bool) -> tuple[np.ndarray, np.ndarray]:
    """What each step moves, and the numbers kappa of the points 1 to T + 1, in the form for a domain or the other."""
    if bounded:
        return steps, np.append(0.0, np.full(steps.size, momentum / (1 - momentum)))
    left = momentum ** np.arange(steps.size, 0, -1.0)
    return (1 - left) * steps, np.append(0.0, (momentum - left) / (1 - momentum))


@numba.njit(cache=CACHE, nogil=True)
def _apart(moved: np.ndarray, memory: np.ndarray, radius: float) -> np.ndarray:
    """How far apart the two points of a time can be on a domain."""
    away = np.zeros(moved.size + 1)
    for t in range(1, moved.size + 1):
        away[t] = memory[t] / (1 + memory[t]) * min(away[t - 1] + moved[t - 1], radius)
    return away


@numba.njit(cache=CACHE, nogil=True)
def _smallest(
    moved: np.ndarray, memory: np.ndarray, away: np.ndarray, last: float, radius: float, first: int, bounded: bool,
) -> float:  # fmt: skip
    """The bound of the best start from ``first`` on, with :math:`G=1`; without a domain of the first."""
    count = moved.size
    parts = np.zeros(count + 1)  # p_t: those of plain steps, then cut so that no mass is negative
    weight = tail = 1 / (1 + memory[count])
    square = weight / last
    for t in range(count - 1, first - 1, -1):
        weight = memory[t + 1] * weight / (1 + memory[t])
        part = max(weight, moved[t] * square)
        ratio = (tail + weight) / (part + tail)
        parts[t], square, tail = 1 - ratio, part / moved[t] * ratio * ratio, tail + weight
    wanted = parts[first]
    before = 1.0  # the mass of the last point before
    for t in range(first + 1, count):
        if memory[t] > 0:
            parts[t] = min(parts[t], before / (before + memory[t]))
        before = parts[t] * (1 + memory[t])
    weight = total = 1 / (1 + memory[count])
    square, noise, ratio, smallest = weight / last, weight * last, 1.0, math.inf
    for t in range(count - 1, first - 1, -1):
        if bounded or t == 0:
            natural = wanted if t == first else parts[t]
            part = max(natural, memory[t + 1] * parts[t + 1] / (1 - parts[t + 1]))
            if part <= 1:
                charge = part * ratio * total + memory[t + 1] * weight
                for full in range(2):
                    size = moved[t] * square
                    if full and part < 1:
                        size = max(size, charge / (1 - part))
                    lacking = max(charge - size * (1 - part), 0.0)
                    start = size / moved[t] * ((1 - part) * radius + away[t]) ** 2
                    value = (start + noise + size * moved[t]) / 2 + radius * lacking + size * away[t]
                    smallest = min(smallest, value)
        part = parts[t]
        if part >= 1:
            break
        charge = part * ratio * total + memory[t + 1] * weight / (1 + memory[t])
        size = max(moved[t] * square, charge / (1 - part))
        total = size + ratio * total
        weight = size - part * total
        ratio = 1 - part
        square = size / moved[t] * ratio * ratio
        noise += size * moved[t]
    return smallest


def heavy_ball_lower_bound(
    steps: Any, *, momentum: float = 0.9, lipschitz: float = 1.0, distance: float | None = None,
    diameter: float | None = None,
) -> float:  # fmt: skip
    r"""What heavy ball loses at least on its worst function.

    Args:
        steps: As in :func:`heavy_ball_bound`.
        momentum: :math:`\beta`.
        lipschitz: :math:`G`.
        distance: :math:`R`.
        diameter: :math:`D`. Exactly one of the two lengths must be given. On a domain only the runs on :math:`G|x|` count.

    Raises:
        ValueError: as :func:`heavy_ball_bound`.

    Example:
        >>> steps = 0.06 * np.linspace(1, 0.001, 1000)
        >>> bounds = [each(steps, momentum=0.5, distance=1.0) for each in (heavy_ball_lower_bound, heavy_ball_bound)]
        >>> round(bounds[0] / bounds[1], 2)
        1.0

    Source:
        Proved here: see the module.
    """
    length, lipschitz = checked_length(distance, diameter), checked_magnitude("lipschitz", lipschitz)
    steps, momentum = checked_steps(steps), checked_momentum(momentum)
    steps = steps * lipschitz / length  # so that units do not decide on which side of the minimum a run is rounded to
    run = max(
        _run(steps, momentum, start, start - 1.0 if diameter is not None else -math.inf)
        for start in np.linspace(0, 1.0, STARTS)
    )
    if diameter is None:
        run = max(run, worst_case(_forms(steps, momentum, False)[0], distance=1.0))
    return lipschitz * length * run


@numba.njit(cache=CACHE, nogil=True)
def _run(steps: np.ndarray, momentum: float, start: float, low: float) -> float:
    """The last loss on :math:`|x|`, from a start that is the upper end of the domain."""
    x = z = start
    for step in steps:
        z = min(max(z - (step if x > 0 else -step), low), max(start, z) if low == -math.inf else start)
        x = momentum * x + (1 - momentum) * z
    return abs(x)


def checked_momentum(momentum: float) -> float:
    """A momentum in [0, 1).

    Raises:
        ValueError: it is not.
    """
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must lie in [0, 1), not {momentum!r}.")
    return float(momentum)


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proofs, each an expression that vanishes, named by its step.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    beta, step, z, x, before, u = sympy.symbols("beta eta z x x_0 u", positive=True)
    p, memory, q, later_p, later_memory, later_q, later_total = sympy.symbols(
        "p kappa q p_1 kappa_1 q_1 B_1", positive=True
    )
    times, end = sympy.symbols("t T", positive=True)  # t: from the step s = 0 to the point; T: to the end
    slope = sympy.Symbol("g", real=True)
    auxiliary = (x - beta * before) / (1 - beta)  # z, from two points
    moved = beta * x + (1 - beta) * (auxiliary - step * slope)
    polyak = x - (1 - beta) * step * slope + beta * (x - before)
    power = beta ** (end + 1 - times)
    share = (1 - beta) / (1 - power)  # of z in the next point, in the second form
    pull, whole = 1 - beta**times, 1 - beta ** (end + 1)  # of the step 0
    reference = (1 - p) * u + p * z
    total = q + (1 - later_p) * later_total
    mass = (1 - later_p) * p * (1 + memory) - later_p * later_memory  # of x_i in u_{i+1}
    coefficient = q * (1 + memory) * (1 - p) - later_q * later_memory - mass * later_total
    held, later_held = q - p * total, later_q - later_p * later_total  # s_i and s_{i+1}
    identities = {
        "the setting: Polyak's form": moved - polyak,
        "the setting: the point before": (1 + memory) * ((z + memory * x) / (1 + memory)) - memory * x - z,
        "the setting: the second form": (1 - share) * pull + share * whole - (1 - beta ** (times + 1)),
        "the setting: its memory": 1 / share - 1 - (beta - power) / (1 - beta),
        "2: the reference point telescopes": (z - reference) - (1 - p) * (z - u),
        "4: the coefficients": coefficient - (1 + memory) * held + later_memory * later_held,
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def witness() -> Evidence:
    """Linear decay: what the lower bound's function loses beside the upper bound, 3,000 steps at a momentum of 0.5."""
    steps = 0.03 * np.linspace(1, 1e-3, 3000)
    found = heavy_ball_lower_bound(steps, momentum=0.5, distance=1.0)
    return Evidence(found, heavy_ball_bound(steps, momentum=0.5, distance=1.0), 1e-3)


THEOREM = Theorem(
    name="heavy_ball",
    statement="Heavy ball, any steps, `O(T)`: an upper bound, and below it plain SGD's worst case, for Nesterov's form too",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="the two meet as annealed runs grow: a constant momentum forgives what the schedule forgives",
    labels=("thm:heavyball",),
    proof=proof,
    witness=witness,
)
