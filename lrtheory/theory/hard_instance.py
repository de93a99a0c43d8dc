r"""The function on which the last iterate does as badly as the bound says: the distance form is exact.

**Theorem.** For any steps, :math:`G` and :math:`R` there are unit vectors :math:`g_1,\dots,g_{T+1}` and a start at distance
:math:`R` from the origin such that

.. math:: f(x)=G\max\big(0,\,\langle g_1,x\rangle,\dots,\langle g_{T+1},x\rangle\big),

convex, Lipschitz with constant :math:`G` and smallest at the origin, has the subgradient :math:`Gg_t` at the iterate
:math:`x_t` of :math:`x_{t+1}=x_t-\eta_tGg_t`, and :math:`f(x_{T+1})` is the distance form of
:func:`lrtheory.theory.last_iterate.worst_case`. No noise is needed, and no domain.

**Construction** (with :math:`G=1`; else :math:`R/G` for :math:`R`). Let :math:`A_{T+1}>0`, :math:`A_t=A_{t+1}+b_t`,
:math:`b_t=\eta_t/A_{t+1}`, :math:`b_{T+1}=A_{T+1}` be the numbers of the proof there, :math:`A_1^2=s=\max(s_1,R)`. Where
:math:`s=s_1` let :math:`\kappa` be the first step with :math:`s_{\kappa+1}\le\eta_\kappa`: there
:math:`A_{\kappa+1}=b_\kappa=\sqrt{\eta_\kappa}`, and :math:`b_t\le A_{t+1}` before. With :math:`y=R^2/A_1^3` let

.. math:: q_1=A_1-y\ge0,\qquad q_{t+1}=q_t\Big(1-\frac{b_t}{A_{t+1}}\Big),\qquad p_t=1-\frac{q_t}{A_{t+1}},

so that :math:`q_t=0` for :math:`t>\kappa` (where :math:`s=R`, for all ``t``). Finally

.. math:: \langle g_i,g_j\rangle=p_{\min(i,j)}\quad(i\ne j),\qquad x_1=A_1\sum_{t\le T+1}b_tg_t .

**Proof** (identities: :func:`proof`).

1. *There are such vectors.* For numbers :math:`c_i` with the partial sums :math:`X_i=\sum_{j\ge i}c_j`,

   .. math:: \Big\|\sum_ic_ig_i\Big\|^2=\frac y{A_1}X_1^2
       +\sum_{i\le T}q_iA_i\Big(\frac{X_i}{A_i}-\frac{X_{i+1}}{A_{i+1}}\Big)^2\ge0 .

2. *The start.* :math:`\langle g_i,\sum_tb_tg_t\rangle=\sum_{t<i}b_tp_t+A_i-q_i` is :math:`y` for every ``i``. So
   :math:`\|x_1\|^2=A_1^2\cdot yA_1=R^2`.
3. *Values.* With :math:`\phi_t=A_1y-\sum_{j<t}\eta_jp_j`, :math:`\langle g_i,x_t\rangle=\phi_t` for all :math:`i\ge t`, and

   .. math:: \phi_t=\tfrac12\Big[A_1y+A_t(A_t-q_t)+\sum_{j<t}b_j^2\Big]\ge0,

   since :math:`q_t\le A_t`, inductively.
4. *No earlier piece is higher.* For :math:`i<t`,
   :math:`\phi_t-\langle g_i,x_t\rangle=\sum_{i\le j<t}b_jq_j-\frac{q_i}{A_{i+1}}\sum_{i<j<t}\eta_j`. The first sum is
   :math:`\frac12(A_iq_i-A_tq_t)`, the second at most :math:`\frac12(A_{i+1}^2-A_t^2)`, and
   :math:`q_t\le q_iA_t/A_i` because :math:`1-b_j/A_{j+1}\le A_{j+1}/A_j`. So the difference is at least
   :math:`\frac{q_i}2\big(b_i+\frac{A_t^2}{A_{i+1}}-\frac{A_t^2}{A_i}\big)\ge0`: the piece ``t`` is active at :math:`x_t`.
5. *The loss.* :math:`\phi_{T+1}=\frac12[R^2/A_1^2+A_{T+1}^2+\sum b_j^2]=\frac12[R^2/s+s-2\sum\eta_t]`. ∎

**Status.** *Proved*, and *verified* by running it. **Source.** Derived here. Constant and linearly decaying steps: Zamani and
Glineur, arXiv 2307.11134.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lrtheory.checks import checked_magnitude, checked_steps
from lrtheory.theory.last_iterate import restarts, worst_case
from lrtheory.theory.theorem import Evidence, Theorem

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True, eq=False)
class WorstFunction:
    r"""A function that makes the last iterate as bad as it can be, and the run that it does it to.

    Args:
        lipschitz: :math:`G`.
        directions: The unit vectors :math:`g_t`, shape ``(T + 1, T + 1)``, a row a vector.
        path: The iterates :math:`x_1..x_{T+1}`, a row an iterate. The subgradient at row ``t`` is :math:`Gg_t`.
    """

    lipschitz: float
    directions: np.ndarray
    path: np.ndarray

    def __call__(self, x: Any) -> np.ndarray:
        r""":math:`f(x)=G\max(0,\max_t\langle g_t,x\rangle)`, for a point or a row a point."""
        return self.lipschitz * np.maximum(np.max(np.asarray(x) @ self.directions.T, axis=-1), 0.0)


def worst_function(steps: Any, *, lipschitz: float = 1.0, distance: float) -> WorstFunction:
    r"""The function on which these steps lose what the worst case says, to the last digit.

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`, as in :func:`lrtheory.theory.last_iterate.worst_case`; a few hundred, for
            the vectors need :math:`T^2` numbers.
        lipschitz: :math:`G`.
        distance: :math:`R=\|x_1-x^\star\|`.

    Raises:
        ValueError: steps that are not finite and non-negative, or lengths that are not positive.

    Example:
        >>> from lrtheory import Cosine, worst_case
        >>> steps = Cosine().steps(20, lr=0.5)
        >>> f = worst_function(steps, distance=1.0)
        >>> round(float(f(f.path[-1]) / worst_case(steps, distance=1.0)), 9)
        1.0

    Source:
        Proved here: see the module.
    """
    steps = checked_steps(steps)
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    radius = checked_magnitude("distance", distance) / lipschitz
    areas, differences, products = worst_products(steps, radius)
    rows = np.arange(len(areas))
    gram = np.append(products, 1.0)[np.minimum.outer(rows, rows)]
    np.fill_diagonal(gram, 1.0)
    eigenvalues, vectors = np.linalg.eigh(gram)
    directions = vectors * np.sqrt(np.maximum(eigenvalues, 0.0))  # rounding may put a zero below zero
    start = areas[0] * differences @ directions
    moved = np.cumsum(steps[:, None] * directions[:-1], axis=0)
    return WorstFunction(lipschitz, directions, lipschitz * np.vstack([start, start - moved]))


def worst_products(steps: np.ndarray, radius: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The numbers A, their differences b, and the products p of a piece with every later one, with G = 1.

    Example:
        >>> areas, _, products = worst_products(np.array([1.0, 1.0]), 1.0)
        >>> areas.tolist(), products.round(3).tolist()
        ([2.5, 2.0, 1.0], [-0.218, -0.827])
    """
    areas, turn = _areas(steps, radius)
    differences = np.append(-np.diff(areas), areas[-1])
    shrink = np.where(np.arange(len(steps)) < turn, 1 - differences[:-1] / areas[1:], 0.0)
    slack = (areas[0] - radius**2 / areas[0] ** 3) * np.cumprod(np.append(1.0, shrink))
    return areas, differences, 1 - slack[:-1] / areas[1:]


def _areas(steps: np.ndarray, radius: float) -> tuple[np.ndarray, int]:
    """The numbers :math:`A_1..A_{T+1}`, and how many steps come before the turn."""
    squares, _ = restarts(steps)
    areas = np.empty(len(steps) + 1)
    turn = int(np.argmax(squares[1:] <= steps)) if squares[0] >= radius else -1
    if turn < 0:
        areas[0] = math.sqrt(radius)
    else:
        areas[turn + 1] = math.sqrt(steps[turn])
        for t in range(turn, -1, -1):
            areas[t] = areas[t + 1] + steps[t] / areas[t + 1]
    for t in range(turn + 1, len(steps)):  # the larger root: A falls no faster than it must
        areas[t + 1] = (areas[t] + math.sqrt(max(areas[t] ** 2 - 4 * steps[t], 0.0))) / 2
    return areas, turn


def proof() -> dict[str, "sympy.Expr"]:
    r"""The identities of the proof, each an expression that vanishes, named by its step.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    import sympy

    area, b, q, y, a_one, radius, end, squares = sympy.symbols("A b q y A_1 R a S", positive=True)
    earlier = area + b  # A_t from A = A_{t+1}
    following = q * (1 - b / area)  # q_{t+1}
    p, step = 1 - q / area, b * area
    start = radius**2 / a_one**3
    before, last = sympy.symbols("b_0 A_2", positive=True)  # b_{i-1} and A_{i+1}, with A = A_i
    q_before = q / (1 - before / area)  # q_{i-1}
    identities = {
        "1: the first diagonal": y / a_one + (a_one - y) / a_one - 1,
        "1: a diagonal": q / area + q_before * (area + before) / area**2 - 2 * q_before / area,
        "1: off the diagonal": q * area / (area * last) - q / last,
        "2: the products with the start are equal": b * p + (area - following) - (earlier - q),
        "2: the distance": a_one**2 * start * a_one - radius**2,
        "3: the values": -step * p - (area * (area - following) - earlier * (earlier - q) + b**2) / 2,
        "3: q stays below A": area - earlier * (1 - b / area) - b**2 / area,
        "4: the first sum": b * q - (earlier * q - area * following) / 2,
        "4: the second sum": step - (earlier**2 - area**2 - b**2) / 2,
        "4: q falls faster than A": area / earlier - (1 - b / area) - b**2 / (area * earlier),
        "5: the loss": (a_one * start + end**2 + squares) / 2 - (radius**2 / a_one**2 + end**2 + squares) / 2,
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


def witness() -> Evidence:
    """Run the function against steps that rise and fall; rounding in a product of forty vectors leaves 1e-9."""
    steps = 0.1 + 0.09 * np.sin(np.arange(40.0) ** 2)
    function = worst_function(steps, distance=1.0)
    return Evidence(float(function(function.path[-1])), worst_case(steps, distance=1.0), 1e-9)


THEOREM = Theorem(
    name="worst_function",
    statement="It is attained when the distance to a minimiser is known",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="for any steps: the function is there; semidefinite programs agree (`sweep tightness`)",
    labels=("thm:attained",),
    proof=proof,
    witness=witness,
)
