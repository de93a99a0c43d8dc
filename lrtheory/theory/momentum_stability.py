r"""Where steps stop converging: the edge with heavy-ball momentum and with batches.

**Setting.** One direction of a quadratic loss, minimum at zero: an example's gradient is :math:`a x` with
:math:`\mathbb Ea=\lambda` and :math:`\mathbb Ea^2=\lambda\beta_1`, where :math:`\beta_1\ge\lambda` is the curvature of single
examples. A batch of ``B`` drawn with replacement has :math:`\mathbb E\hat a^2=\lambda\beta_B`,
:math:`\beta_B=\lambda+(\beta_1-\lambda)/B`. The method is
:math:`v_{t+1}=mv_t+\hat a_tx_t`, :math:`x_{t+1}=x_t-\eta v_{t+1}`, as in PyTorch.

**Theorem.** :math:`\mathbb Ex_t^2\to0` exactly for

.. math:: 0<\eta<\frac{2(1-m^2)}{(1+m)\beta_B-2m\lambda}.

* *All examples at once* (:math:`\beta_B=\lambda`): :math:`2(1+m)/\lambda`. In units of the effective rate
  :math:`\eta/(1-m)` momentum widens the room by :math:`(1+m)/(1-m)`.
* *Single examples* (:math:`\beta_B\gg\lambda`): :math:`2(1-m)/\beta_B`. In effective rates momentum gains nothing.
* *No momentum*: :math:`2/\beta_B`. The edge grows with the batch until :math:`B\approx\beta_1/\lambda`.

In many directions, where all examples :math:`a_ia_i^\top` have the same trace :math:`\tau`,
:math:`\mathbb E(a_ia_i^\top)^2=\tau H`, so :math:`\mathbb E\|x_{t+1}\|^2=\|x_t\|^2-\eta(2-\eta\tau)x_t^\top Hx_t` at ``B = 1``,
``m = 0``: the edge is :math:`2/\tau`, with the trace and not the largest eigenvalue.

**Proof.** The second moments :math:`(\mathbb Ex^2,\mathbb Exv,\mathbb Ev^2)` obey a linear recursion ``M``, which maps the cone
of positive semidefinite moments into itself. By Krein and Rutman its spectral radius is therefore an eigenvalue, which is below
1 for small :math:`\eta>0`; it reaches 1 where :math:`\det(I-M)` first vanishes. That determinant is
:math:`\eta\lambda\,[2(1-m^2)-\eta((1+m)\beta_B-2m\lambda)]` (:func:`proof`), which
changes its sign once: beyond, an eigenvalue is larger than 1. ∎

**Status.** *Proved* for one direction, and for many with equal traces at ``B = 1`` and ``m = 0``; elsewhere in many
directions an approximation.

**Source.** Derived here. Without noise: Polyak (1964).
"""

import sympy

from lrtheory.checks import checked_magnitude, checked_whole, is_number
from lrtheory.theory.theorem import Theorem


def momentum_edge(
    curvature: float, *, momentum: float = 0.0, example_curvature: float | None = None, batch: int = 1
) -> float:
    r"""The rate beyond which the second moment grows.

    Args:
        curvature: :math:`\lambda`, positive.
        momentum: :math:`m`, from 0 up to below 1.
        example_curvature: :math:`\beta_1`, at least ``curvature``; none where no example differs from the mean.
        batch: Examples a step, drawn with replacement.

    Raises:
        ValueError: a number outside of its range.

    Example:
        >>> round(momentum_edge(1.0, momentum=0.9), 10)
        3.8
        >>> [round(momentum_edge(0.01, momentum=m, example_curvature=1.0) / (1 - m), 2) for m in (0.0, 0.9)]
        [2.0, 2.02]

    Source:
        Proved here: see the module.
    """
    curvature = checked_magnitude("curvature", curvature)
    example = curvature if example_curvature is None else checked_magnitude("example_curvature", example_curvature)
    if example < curvature:
        raise ValueError(f"example_curvature must be at least the curvature {curvature:g}, not {example:g}.")
    if not (is_number(momentum) and 0 <= momentum < 1):
        raise ValueError(f"momentum must be a number from 0 up to below 1, not {momentum!r}.")
    noisy = curvature + (example - curvature) / checked_whole("batch", batch)
    return float(2 * (1 - momentum**2) / ((1 + momentum) * noisy - 2 * momentum * curvature))


def moments() -> sympy.Matrix:
    r"""The recursion of :math:`(\mathbb Ex^2,\mathbb Exv,\mathbb Ev^2)`, in the symbols eta, m, lambda and beta.

    Example:
        >>> moments().shape
        (3, 3)
    """
    step, m, lam, beta, a, x, v = sympy.symbols("eta m lambda beta a x v")
    after, moved = m * v + a * x, x - step * (m * v + a * x)
    rows = []
    for product in (moved**2, moved * after, after**2):
        mean = sympy.expand(product).subs(a**2, lam * beta).subs(a, lam)
        rows.append([sympy.Poly(mean, x, v).coeff_monomial(monomial) for monomial in (x**2, x * v, v**2)])
    return sympy.Matrix(rows)


def proof() -> dict[str, sympy.Expr]:
    r"""The identities of the proof, each an expression that vanishes.

    Example:
        >>> all(identity == 0 for identity in proof().values())
        True
    """
    step, m, lam, beta = sympy.symbols("eta m lambda beta")
    determinant = (sympy.eye(3) - moments()).det()
    bracket = 2 * (1 - m**2) - step * ((1 + m) * beta - 2 * m * lam)
    edge = 2 * (1 - m**2) / ((1 + m) * beta - 2 * m * lam)
    identities = {
        "the determinant": determinant - step * lam * bracket,
        "all examples at once": edge.subs(beta, lam) - 2 * (1 + m) / lam,
        "single examples": sympy.limit(edge * beta, beta, sympy.oo) - 2 * (1 - m),
        "no momentum": edge.subs(m, 0) - 2 / beta,
    }
    return {name: sympy.simplify(identity) for name, identity in identities.items()}


THEOREM = Theorem(
    name="momentum_edge",
    statement="Momentum and small batches move the edge of convergence",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="for one direction of a quadratic; in many directions an approximation",
    proof=proof,
)
