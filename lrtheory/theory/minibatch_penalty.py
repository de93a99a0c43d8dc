r"""Mini-batches in random order penalise the spread of their gradients; batches drawn independently do not.

An epoch of random reshuffling visits :math:`m` batches with losses :math:`L_1,\dots,L_m` once each, in random order;
:math:`L` is their mean. To second order in :math:`\eta` an epoch does

.. math:: \theta\mapsto\theta-\eta\sum_kg_k+\eta^2\sum_{j\text{ before }k}H_kg_j,

and over the orders each pair of batches comes equally often either way round:

.. math:: \mathbb E\sum_{j\text{ before }k}H_kg_j=\tfrac12\Big(m^2Hg-\sum_kH_kg_k\Big).

What is missing from the :math:`\tfrac12m^2Hg` of one long step of the flow is the penalty. With replacement a batch may
follow itself, nothing is missing, and the mean drift is that of gradient descent on :math:`L`.

**Status.** *Proved* in the mean over the orders; *verified* over every order of the batches.

**Source.** Smith, Dherin, Barrett and De, arXiv 2101.12176; rederived here.
"""

from collections.abc import Sequence
from itertools import permutations, product
from typing import Literal, TypeAlias, cast

import sympy

from lrtheory.theory.backward_error import ETA
from lrtheory.theory.penalty_term import GRADIENT, PenaltyTerm
from lrtheory.theory.theorem import Theorem

Sampling: TypeAlias = Literal["reshuffled", "with_replacement"]
"""``"reshuffled"``: every batch once an epoch, in random order; ``"with_replacement"``: each step draws any batch."""


def minibatch(sampling: Sampling = "reshuffled") -> PenaltyTerm:
    r"""The implicit penalty of stochastic gradient descent on mini-batches.

    Random reshuffling follows, in the mean over the orders of an epoch,

    .. math::
        \dot\theta=-\nabla\Big(L+\frac\eta{4m}\sum_{k=1}^m\|\nabla L_k\|^2\Big)
        =-\nabla\Big(L+\frac\eta4\|\nabla L\|^2+\frac\eta{4m}\sum_{k=1}^m\|\nabla L_k-\nabla L\|^2\Big),

    up to :math:`O((m\eta)^3)` an epoch. With replacement the last sum is absent from the drift: the spread of the
    batches enters as noise of covariance :math:`\eta\,\mathrm{Cov}(g_k)` instead.

    Args:
        sampling: ``"reshuffled"`` or ``"with_replacement"``.

    Returns:
        A term whose ``field`` takes a gradient of shape ``(batches, n)`` and whose ``loss`` and ``expr`` take the list
        of the batches' losses.

    Raises:
        ValueError: another sampling.

    Example:
        >>> print(minibatch().latex())
        \dot\theta = -\nabla\left(L + \frac{\eta}{4}\frac{1}{m}\sum_k\|\nabla L_k\|^2\right)
        >>> x = sympy.Symbol("x")
        >>> minibatch().loss([(x - 1)**2, (x + 1)**2], [x]).expand()  # the spread of the gradients is 4
        eta*x**2 + eta + x**2 + 1

    Source:
        Smith, Dherin, Barrett and De, arXiv 2101.12176; rederived here by :func:`epoch_defect`.
    """
    if sampling not in ("reshuffled", "with_replacement"):
        raise ValueError(f"sampling must be 'reshuffled' or 'with_replacement', not {sampling!r}.")
    names = {"reshuffled": "random reshuffling", "with_replacement": "mini-batches drawn with replacement"}
    return PenaltyTerm(
        names[sampling],
        sympy.S.One,
        sympy.S.One,
        sympy.Rational(1, 4),
        GRADIENT**2,
        per_batch=sampling == "reshuffled",
    )


def epoch_defect(
    losses: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol], sampling: Sampling = "reshuffled"
) -> list[sympy.Expr]:
    r"""The mean of an epoch less the corrected flow over the time :math:`m\eta`: zero through :math:`\eta^2`.

    Takes the mean over all :math:`m!` orders, or over all :math:`m^m` draws with replacement.

    Args:
        losses: The batches' losses :math:`L_1,\dots,L_m`; generic functions included. A handful at most.
        variables: The symbols they depend on.
        sampling: ``"reshuffled"`` or ``"with_replacement"``.

    Returns:
        The coefficients of :math:`\eta`, then those of :math:`\eta^2`, for each variable.

    Raises:
        ValueError: another sampling.

    Example:
        >>> x, y = sympy.symbols("x y")
        >>> batches = [sympy.Function(name)(x, y) for name in ("A", "B")]
        >>> epoch_defect(batches, [x, y]), epoch_defect(batches, [x, y], "with_replacement")
        ([0, 0, 0, 0], [0, 0, 0, 0])
    """
    m = len(losses)
    corrected = [sympy.expand(component) for component in minibatch(sampling).expr(losses, variables)]
    v_0, v_1 = ([component.coeff(ETA, power) for component in corrected] for power in (0, 1))
    gradients = [[sympy.diff(loss, x) for x in variables] for loss in losses]
    runs = list(permutations(range(m)) if sampling == "reshuffled" else product(range(m), repeat=m))
    defects_1, defects_2 = [], []
    for i in range(len(variables)):
        mean_step = sympy.Add(*(-gradients[k][i] for run in runs for k in run)) / len(runs)
        pairs = [
            sympy.diff(gradients[run[late]][i], z) * gradients[run[early]][a]
            for run in runs
            for late in range(m)
            for early in range(late)
            for a, z in enumerate(variables)
        ]
        acceleration = sympy.Add(*(sympy.diff(v_0[i], z) * v for z, v in zip(variables, v_0, strict=True)))
        defects_1.append(mean_step - m * v_0[i])
        defects_2.append(sympy.Add(*pairs) / len(runs) - m * v_1[i] - sympy.Integer(m) ** 2 * acceleration / 2)
    return [cast(sympy.Expr, sympy.expand(defect)) for defect in defects_1 + defects_2]


def batch_spread(examples: int, batch_size: int) -> sympy.Rational:
    r"""How much of the examples' spread a random partition into batches leaves between the batches.

    With :math:`\Gamma=\frac1N\sum_i\|\nabla\ell_i-\nabla L\|^2` over the :math:`N` examples, the penalty of random
    reshuffling, averaged over the partitions into batches of :math:`B`, is

    .. math:: \frac\eta4\|\nabla L\|^2+\frac\eta4\cdot\frac{N-B}{(N-1)B}\,\Gamma:

    the variance of the mean of :math:`B` draws without replacement.

    Args:
        examples: :math:`N`, at least 2.
        batch_size: :math:`B`, a divisor of :math:`N`.

    Returns:
        The factor :math:`\frac{N-B}{(N-1)B}`, exactly: 1 for single examples, 0 for the full batch.

    Raises:
        ValueError: the batch size does not divide the number of examples, or there are fewer than two.

    Example:
        >>> batch_spread(10, 1), batch_spread(10, 5), batch_spread(10, 10)
        (1, 1/9, 0)

    Source:
        Smith, Dherin, Barrett and De, arXiv 2101.12176. Verified over all partitions of six examples.
    """
    if examples < 2 or batch_size < 1 or examples % batch_size:
        raise ValueError(f"batch_size must divide examples, at least 2 of them, not {batch_size!r} of {examples!r}.")
    return cast(sympy.Rational, sympy.Rational(examples - batch_size, (examples - 1) * batch_size))


def proof() -> dict[str, sympy.Expr]:
    """What the corrected flow misses of an epoch of three batches in the mean over their orders, for any losses."""
    variables = sympy.symbols("x y")
    defects = epoch_defect([sympy.Function(f"L_{batch}")(*variables) for batch in range(3)], variables)
    return {f"defect {number}": sympy.simplify(defect) for number, defect in enumerate(defects, 1)}


THEOREM = Theorem(
    name="minibatch_penalty",
    statement="Reshuffled mini-batches penalise the spread of their gradients; batches drawn independently do not",
    status="proved",
    source="Smith, Dherin, Barrett and De, arXiv 2101.12176",
    module=__name__,
    attained="to second order in the step, in the mean over the orders",
    proof=proof,
)
