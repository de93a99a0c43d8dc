r"""The worst case of any average of the iterates, for any steps, in one pass: an upper and a lower bound.

**Setting.** That of :mod:`lrtheory.theory.last_iterate`; the output is :math:`\bar x=\sum_{t\le T+1}w_tx_t` with deterministic
weights :math:`w_t\ge0` that sum to 1. Uniform, step-weighted, tail and polynomial-decay averages, exponential moving averages
and merged checkpoints are weights (:mod:`lrtheory.theory.averaging_weights`), and so is the last iterate. Let
:math:`W_t=\sum_{i\ge t}w_i`. Iterates after the last one that has weight do not matter, so let :math:`w_{T+1}>0`.

**Theorem, upper bound.** For any numbers :math:`q_t\ge w_t` and :math:`c>0`, with :math:`m_t=q_t/\eta_t`, :math:`m_0=0`,

.. math:: \phi_t=m_t\Big(\frac{W_t}{q_t+W_{t+1}}\Big)^2\quad(t\le T),\qquad \phi_{T+1}=\frac{w_{T+1}}c,

*Diameter.* On a set of diameter :math:`D`

.. math:: \mathbb Ef(\bar x)-f^\star\;\le\;\tfrac12\Big[D^2\sum_{t\le T+1}(\phi_t-m_{t-1})_+
    +G^2\Big(\sum_{t\le T}q_t\eta_t+w_{T+1}c\Big)\Big].

*Distance.* If :math:`\phi_t\le m_{t-1}` for :math:`t\ge2` and :math:`\|x_1-x^\star\|\le R`, the same with :math:`R^2\phi_1`
for the first sum and no set.

:func:`average_bound` takes :math:`q_t=\max(w_t,\eta_t\phi_{t+1})` from a restart ``k`` on, :math:`q_t=w_t` before it, and
the best ``k`` and ``c``; with a distance, :math:`k=1`. For the last iterate :math:`1/q_t=A_{t+1}^2/\eta_t`: the theorem of
:mod:`lrtheory.theory.last_iterate`.

**Proof** (identities: :func:`proof`). The reference point moves, :math:`z_0=x^\star`,
:math:`z_t=r_tz_{t-1}+(1-r_t)x_t` with :math:`r_t=W_t/(q_t+W_{t+1})\le1`; a virtual step :math:`\eta_{T+1}=c` with
:math:`q_{T+1}=w_{T+1}`, so :math:`r_{T+1}=1`, ends the run.

1. *One step* times :math:`m_t`:
   :math:`2q_t\,\mathbb E[f(x_t)-f(z_t)]\le m_t\mathbb E\|x_t-z_t\|^2-m_t\mathbb E\|x_{t+1}-z_t\|^2+q_t\eta_tG^2`.
2. *Telescope.* :math:`x_t-z_t=r_t(x_t-z_{t-1})` and :math:`m_tr_t^2=\phi_t`. In the sum the distance
   :math:`\|x_t-z_{t-1}\|^2\le D^2` has the coefficient :math:`\phi_t-m_{t-1}`.
3. *Convexity.* :math:`z_t` has the weight :math:`(1-r_i)\prod_{i<j\le t}r_j` at :math:`x_i`. So the coefficient of
   :math:`2\delta_i`, :math:`\delta_i=f(x_i)-f^\star`, is at least :math:`q_i-(1-r_i)B_i` with :math:`B_i=q_i+r_{i+1}B_{i+1}`,
   :math:`B_{T+2}=0`. By induction :math:`r_iB_i=W_i`, as :math:`B_i=q_i+W_{i+1}`; so the coefficient is :math:`w_i`, and
   :math:`f(\bar x)-f^\star\le\sum_iw_i\delta_i`. ∎

**Theorem, lower bound.** With :math:`M=\sum_tw_t\sum_{i<t}\eta_i` and :math:`E=\sum_{t\in I}w_t\min(\eta_{t-1},\eta_t)` for any
set ``I`` of indices from 2 on of which no two are neighbours (at :math:`T+1`, :math:`\eta_T` alone), some convex function with
subgradients bounded by :math:`G`, on a half-space, leaves from a start at distance :math:`R`

.. math:: f(\bar x)-f^\star\;\ge\;\max_{0\le a\le G}\;a(R-aM)+(G^2-a^2)E ,

which is :math:`\frac{R^2}{4(M+E)}+G^2E` where :math:`R\le2G(M+E)`. On a domain of diameter :math:`D`: :math:`h=\max_I` of the
minima, :math:`Y=\min(Gh,D)`, the same with :math:`R=\sqrt{D^2-Y^2}` and the minima cut at :math:`Y/G`.

*Proof.* Let :math:`f(x,y)=a\max(x,0)+b|y|`, :math:`a^2+b^2=G^2`, on :math:`y\ge0`, started at :math:`(R,0)`. In ``x`` no
step is longer than :math:`a\eta_t`, so :math:`x_t\ge R-a\sum_{i<t}\eta_i`. In ``y`` the oracle is free at 0: for
:math:`t\in I` it moves to :math:`y_t=b\min(\eta_{t-1},\eta_t)` and the next step, of the slope ``b``, leads back to 0,
where the set stops it, if ``t`` is not the last. So :math:`f(\bar x)\ge a(R-aM)+b\sum_{t\in I}w_ty_t`. On a domain take
:math:`[0,R]\times[0,Y]`. ∎

**How far apart.** For the uniform average of an even number ``n`` of iterates under constant steps :math:`\eta\ge R/Gn` they
are equal, :math:`\frac{R^2}{2\eta n}+\frac{G^2\eta}2`, and for any step-weighted average they meet in the limit
(:mod:`lrtheory.theory.averaged`). The upper bound
agrees with semidefinite programs to 1e-8 where steps do not rise, weights do not fall and no rate is below
:math:`R/(G\sqrt T)`; for weights that fall, for small rates and on domains it can lie far above them (*verified*, up to seven
steps). The programs of a known distance have no set, so steps that rise may lose less there than the lower bound.

**Status.** *Proved*. **Source.** Derived here. The moving reference point: Zamani and Glineur, arXiv 2307.11134; a weighted
average by way of it: Liu and Zhou, arXiv 2312.08531.
"""

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from lrtheory.checks import checked_length, checked_magnitude, checked_numbers, checked_steps
from lrtheory.compilation import CACHE
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.theorem import Evidence, Theorem
from lrtheory.theory.virtual_step import smallest_over_sizes

if TYPE_CHECKING:
    import sympy

PARTS = 192
"""Sizes of the virtual step, evenly spaced in logarithms, among which the best is sought first."""


def average_bound(
    steps: Any, weights: Any, *, lipschitz: float = 1.0, distance: float | None = None, diameter: float | None = None
) -> float:
    r"""An upper bound for the expected :math:`f(\bar x)-f^\star` of an average of the iterates of SGD.

    One pass over the steps for each size of the virtual step, of which some two hundred are tried.

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`, finite, none negative.
        weights: Weights of :math:`x_1..x_{T+1}`, one more than steps, none negative; they are divided by their sum.
        lipschitz: :math:`G`.
        distance: :math:`R\ge\|x_1-x^\star\|`.
        diameter: :math:`D`, the diameter of the domain. Exactly one of the two lengths must be given.

    Returns:
        The bound; with ``diameter`` at most :math:`GD`.

    Raises:
        ValueError: bad steps or weights, both or neither length, or a number that is not positive or out of range.

    Example:
        The uniform average of constant steps, and the last iterate:

        >>> import numpy as np
        >>> steps = np.full(99, 0.1)
        >>> round(average_bound(steps, np.ones(100), distance=1.0), 12)
        0.1
        >>> last = np.append(np.zeros(99), 1)
        >>> bool(np.isclose(average_bound(steps, last, distance=1.0), worst_case(steps, distance=1.0), rtol=1e-9))
        True

    Source:
        Proved here: see the module.
    """
    length, lipschitz = checked_length(distance, diameter), checked_magnitude("lipschitz", lipschitz)
    steps, weights = moving(steps, weights)
    radius, bounded = length / lipschitz, diameter is not None
    tails = np.cumsum(weights[::-1])[::-1]
    before = np.concatenate([[0.0], weights[:-1] / steps])  # m_{k-1} of every restart k
    spent = np.concatenate([[0.0], np.cumsum(weights[:-1] * steps)])
    risen = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(before), 0))])
    paid = spent + radius**2 * risen  # what the steps before a restart cost

    def bound(last: float) -> float:
        return _smallest(steps, weights, tails, before, paid, last, radius**2, bounded)

    found = lipschitz**2 * smallest_over_sizes(bound, steps, radius, PARTS)
    return min(found, lipschitz * length) if bounded else found


@numba.njit(cache=CACHE, nogil=True)
def _smallest(
    steps: np.ndarray, weights: np.ndarray, tails: np.ndarray, before: np.ndarray, paid: np.ndarray, last: float,
    square: float, bounded: bool,
) -> float:  # fmt: skip
    """The bound of the best restart, with :math:`G=1`; without a domain of the first."""
    count = steps.size
    later = weights[count] / last  # phi of the step after the present one
    noise = weights[count] * last
    smallest = math.inf
    if bounded or count == 0:
        smallest = (paid[count] + max(later - before[count], 0.0) * square + noise) / 2
    for t in range(count - 1, -1, -1):
        part = max(weights[t], steps[t] * later)
        ratio = tails[t] / (part + tails[t + 1])
        later = part / steps[t] * ratio * ratio
        noise += part * steps[t]
        if bounded or t == 0:
            smallest = min(smallest, (paid[t] + max(later - before[t], 0.0) * square + noise) / 2)
    return smallest


def average_lower_bound(
    steps: Any, weights: Any, *, lipschitz: float = 1.0, distance: float | None = None, diameter: float | None = None
) -> float:
    r"""What an average of the iterates loses at least on its worst function.

    .. math:: \max_{0\le a\le G}\;a(R-aM)+(G^2-a^2)E

    Args:
        steps: As in :func:`average_bound`.
        weights: As in :func:`average_bound`.
        lipschitz: :math:`G`.
        distance: :math:`R`.
        diameter: :math:`D`. Exactly one of the two lengths must be given.

    Raises:
        ValueError: as :func:`average_bound`.

    Example:
        The uniform average of an even number of iterates under constant steps: the bound is attained, at every rate.

        >>> import numpy as np
        >>> steps, weights = np.full(99, 0.4), np.ones(100)
        >>> round(average_lower_bound(steps, weights, distance=1.0), 9)
        0.2125
        >>> round(average_bound(steps, weights, distance=1.0), 9)
        0.2125

    Source:
        Proved here: see the module.
    """
    length, lipschitz = checked_length(distance, diameter), checked_magnitude("lipschitz", lipschitz)
    steps, weights = moving(steps, weights)
    radius = length / lipschitz
    reach = np.minimum(steps, np.append(steps[1:], math.inf))  # how far t = 2..T+1 may go and come back
    if diameter is not None:
        height = min(reach.max(initial=0.0), radius)
        reach, radius = np.minimum(reach, height), math.sqrt(radius**2 - height**2)
    drift = float(weights[1:] @ np.cumsum(steps))
    swings = _best_without_neighbours(weights[1:] * reach)
    both = drift + swings
    slope = min(1.0, radius / (2 * both)) if both > 0 else 1.0
    return lipschitz**2 * (slope * (radius - slope * drift) + (1 - slope**2) * swings)


@numba.njit(cache=CACHE, nogil=True)
def _best_without_neighbours(values: np.ndarray) -> float:
    """The largest sum of values of which no two are neighbours."""
    free = taken = 0.0
    for value in values:
        free, taken = max(free, taken), free + value
    return max(free, taken)


def moving(steps: Any, weights: Any) -> tuple[np.ndarray, np.ndarray]:
    """Positive steps up to the last iterate that has weight, and the weights of the iterates that they reach.

    Raises:
        ValueError: bad steps, or weights that are not one more than steps, finite, none negative, one positive.

    Example:
        >>> steps, weights = moving([0.5, 0.0, 0.25], [1, 1, 2, 0])
        >>> steps.tolist(), weights.tolist()
        ([0.5], [0.25, 0.75])
    """
    positive = checked_steps(steps)
    steps, weights = checked_numbers("steps", steps), checked_numbers("weights", weights)
    if weights.shape != (steps.size + 1,) or not (np.isfinite(weights) & (weights >= 0)).all() or not weights.any():
        raise ValueError(
            f"weights must be {steps.size + 1} finite numbers, one for each iterate, none negative and one positive."
        )
    gathered = np.zeros(positive.size + 1)  # a step of zero leads to the iterate before it
    np.add.at(gathered, np.append(0, np.cumsum(steps > 0)), weights / weights.max())
    last = int(np.flatnonzero(gathered)[-1])
    return positive[:last], gathered[: last + 1] / gathered.sum()


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proof, each an expression that vanishes, named by its step.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    x, z, q, later, weight, step, a, radius, drift, swings = sympy.symbols("x z q W_1 w eta a R M E", positive=True)
    ratio = (weight + later) / (q + later)
    moved = ratio * z + (1 - ratio) * x
    area = sympy.Symbol("A", positive=True)  # A_{t+1}; the last iterate has W = 1 and w = 0
    part = step / area**2
    single = part / step * (1 / (part + 1)) ** 2
    best = radius / (2 * (drift + swings))
    identities = {
        "2: the reference point telescopes": q / step * (x - moved) ** 2 - q / step * ratio**2 * (x - z) ** 2,
        "3: r_i B_i sums the weights": ratio * (q + later) - (weight + later),
        "3: the coefficient of delta_i": q - (1 - ratio) * (q + later) - weight,
        "the last iterate: its recursion": single - 1 / (area + step / area) ** 2,
        "below: the best slope": sympy.diff(a * (radius - a * drift) + (1 - a**2) * swings, a).subs(a, best),
        "below: its value": (best * (radius - best * drift) + (1 - best**2) * swings)
        - (radius**2 / (4 * (drift + swings)) + swings),
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def witness() -> Evidence:
    """The last iterate is one of the averages, and there the bound is the one that is attained."""
    steps = np.linspace(0.5, 0.01, 50)
    bound = average_bound(steps, np.append(np.zeros(50), 1), distance=1.0)
    return Evidence(bound, worst_case(steps, distance=1.0), 1e-9)


THEOREM = Theorem(
    name="any_average",
    statement="Any average of the iterates, any steps, `O(T)`: an upper and a lower bound",
    status="proved",
    source="Zamani and Glineur, arXiv 2307.11134",
    module=__name__,
    attained="by the last iterate and by averages of constant steps; programs are lower where weights fall, and on domains",
    labels=("thm:anyaverage",),
    proof=proof,
    witness=witness,
)
