r"""The last-iterate bound of the literature, split by term, for comparison with the worst case.

For any positive steps and :math:`\|x_1-x^\star\|\le R`,

.. math:: \mathbb E f(x_{T+1})-f^\star\;\le\;\frac{R^2}{2\sum_{t\le T+1}\eta_t}
    +\frac{G^2}2\sum_{t=1}^{T+1}\frac{\eta_t^2}{\sum_{i=\min(t+1,T+1)}^{T+1}\eta_i}.

The step :math:`\eta_{T+1}` is never taken: it is a parameter of the bound, here equal to the last step.

**Proposition.** For a schedule that anneals, :math:`h\sim c(1-u)^p` at the end, and :math:`\eta_t=\lambda\frac R{G\sqrt T}h`
with :math:`\lambda` fixed, the bound is asymptotically exactly twice the distance form of
:func:`lrtheory.theory.last_iterate.worst_case`; so it is when each is tuned.

*Proof.* With :math:`\eta=\lambda R/(G\sqrt T)`, :math:`S_t=\sum_{i\ge t}\eta_i\approx\eta TH`. In units of :math:`RG/\sqrt T` the
first term tends to :math:`\frac1{2\lambda H(0)}`. In the second, :math:`m=T+1-t` steps before the end the term is at most of the
order :math:`\eta\,m^{p-1}T^{-p}` (the last of all, :math:`\eta_{T+1}`, too), so the last :math:`\epsilon T` of them add
:math:`O(\eta\,\epsilon^p)`, and the rest tends to :math:`\frac\lambda2\int_0^{1-\epsilon}h^2/H`. Together
:math:`\frac12\big[\frac1{\lambda H}+\lambda Q\big]` at 0; the distance form tends to half of it by the same argument
(:mod:`lrtheory.theory.misspecification`). Tuned they are :math:`\sqrt{Q/H}` and :math:`\frac12\sqrt{Q/H}`. ∎

**Status.** *Proved*: the factor of two. That the bound is never below the worst case is *verified* in the tests; the bound itself
is *quoted*.

**Source.** Defazio, Cutkosky, Mehta and Mishchenko, arXiv 2310.07831, Theorem 10; Schaipp, Hägele, Taylor, Simsekli and
Bach, arXiv 2501.18965, Theorem 1. The proposition is derived here.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrtheory.checks import checked_magnitude, checked_steps
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.theorem import Evidence, Theorem


@dataclass(frozen=True)
class PublishedBound:
    """The published bound and its two terms.

    Args:
        bias: The term of the distance, which falls as the steps grow.
        noise: The term of the gradients, which grows with the steps.
    """

    bias: float
    noise: float

    @property
    def total(self) -> float:
        """The bound."""
        return self.bias + self.noise


def published_bound(steps: Any, *, lipschitz: float = 1.0, distance: float) -> PublishedBound:
    r"""The published last-iterate bound, split into its two terms.

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`.
        lipschitz: :math:`G`.
        distance: :math:`R\ge\|x_1-x^\star\|`.

    Raises:
        ValueError: steps that are not finite and non-negative, or lengths that are not positive.

    Example:
        >>> from lrtheory import Polynomial, worst_case
        >>> steps = Polynomial(1).steps(1000, lr=1000**-0.5)
        >>> bound = published_bound(steps, distance=1.0)
        >>> round(bound.total / worst_case(steps, distance=1.0), 1)
        2.0

    Source:
        Quoted: see the module.
    """
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    distance = checked_magnitude("distance", distance)
    steps = checked_steps(steps)
    steps = np.append(steps, steps[-1])
    remaining = np.cumsum(steps[::-1])[::-1]
    after = np.append(remaining[1:], remaining[-1])
    return PublishedBound(
        bias=float(distance**2 / (2 * remaining[0])),
        noise=float(lipschitz**2 / 2 * np.sum(steps**2 / after)),
    )


def witness() -> Evidence:
    """Quadratic decay at a hundred thousand steps: the first steps' share of the sums leaves 1e-3."""
    steps = np.linspace(1, 0, 100_000, endpoint=False) ** 2 / math.sqrt(100_000)
    return Evidence(published_bound(steps, distance=1.0).total, 2 * worst_case(steps, distance=1.0), 1e-3)


THEOREM = Theorem(
    name="published_bound",
    statement="The published last-iterate bound is twice as large for schedules that anneal",
    status="proved",
    source="The proposition is derived here",
    module=__name__,
    attained="in the limit; verified at `T` = 10^5; the bound itself is quoted",
    witness=witness,
)
