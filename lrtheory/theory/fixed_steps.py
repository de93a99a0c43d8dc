r"""Why a fixed step cannot forgive: its last iterate loses a factor ``rho``, and that is tight.

**Theorem.** Whatever the steps, some convex function with subgradients bounded by :math:`G` on a set of diameter
:math:`D` leaves

.. math:: f(x_{T+1})-f^\star \;\ge\; \min(G^2\eta_T,\; GD).

**Proof.** Let :math:`f(x)=G|x|` on :math:`[0,D]` and :math:`x_1=0`, the minimiser. Every number in :math:`[-G,G]` is a
subgradient there; let the oracle answer 0 until step ``T`` and :math:`-G` at step ``T``. Then
:math:`x_{T+1}=\min(G\eta_T,D)`. ∎

So a constant step :math:`\eta=\rho c\,D/(G\sqrt T)`, and an inverse square root
:math:`\eta_t=\rho c\,D/(G\sqrt t)` alike, lose at least :math:`\rho c\,DG/\sqrt T` as long as
:math:`\rho c\le\sqrt T`: linear in ``rho``. The upper bound of
:mod:`lrtheory.theory.last_iterate` is linear in ``rho`` too (up to the last iterate's logarithm of ``T``), so for these
two schedules linear is the truth. An annealed schedule has a small :math:`\eta_T` and escapes.

The oracle need not be that malicious: :func:`two_cycle` runs the same function with the subgradient
:math:`G\,\mathrm{sign}(x)`, exact and noiseless, and a constant step ends in a 2-cycle that loses up to the same.

**Status.** *Proved*; the witness is run.

**Source.** Derived here.
"""

from typing import Any

from lrtheory.checks import checked_magnitude, checked_steps
from lrtheory.theory.theorem import Evidence, Theorem


def fixed_step_lower_bound(steps: Any, *, lipschitz: float = 1.0, diameter: float) -> float:
    r"""What SGD with these steps loses at least on its worst function: :math:`\min(G^2\eta_T, GD)`.

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`; only the last matters.
        lipschitz: :math:`G`.
        diameter: :math:`D`, the diameter of the domain.

    Raises:
        ValueError: steps that are not finite and non-negative, or lengths that are not positive.

    Example:
        >>> from lrtheory import Constant, Polynomial
        >>> round(fixed_step_lower_bound(Constant().steps(100, lr=0.8), diameter=1.0), 9)
        0.8
        >>> round(fixed_step_lower_bound(Polynomial(1).steps(100, lr=0.8), diameter=1.0), 9)
        0.008

    Source:
        Proved here: see the module.
    """
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    diameter = checked_magnitude("diameter", diameter)
    return float(min(lipschitz**2 * checked_steps(steps)[-1], lipschitz * diameter))


def two_cycle(step: float, horizon: int, *, lipschitz: float = 1.0, offset: float) -> float:
    r"""The loss after ``horizon`` constant steps on :math:`G|x|` with exact subgradients :math:`G\,\mathrm{sign}(x)`.

    From :math:`x_1=\mathrm{offset}\in(0,G\eta)` the iterates alternate between ``offset`` and
    :math:`\mathrm{offset}-G\eta`, so an odd number of steps loses :math:`G(G\eta-\mathrm{offset})`, whose supremum
    over offsets is the lower bound :math:`G^2\eta`.

    Args:
        step: The constant step :math:`\eta`.
        horizon: Number of steps.
        lipschitz: :math:`G`.
        offset: Distance of the start from the minimiser.

    Example:
        >>> round(two_cycle(0.5, horizon=7, offset=0.001), 9)
        0.499
    """
    x = offset
    for _ in range(horizon):
        x -= step * lipschitz * (1 if x >= 0 else -1)
    return lipschitz * abs(x)


def witness() -> Evidence:
    """A constant step from next to the minimiser ends in a 2-cycle; the start is 1e-9 away, and so is the loss."""
    return Evidence(two_cycle(0.5, horizon=7, offset=1e-9), fixed_step_lower_bound([0.5] * 7, diameter=1.0), 1e-8)


THEOREM = Theorem(
    name="fixed_step_lower_bound",
    statement="Constant and inverse-sqrt rates are linear in `rho`: a lower bound",
    status="proved",
    source="Derived here",
    module=__name__,
    attained="by a 2-cycle; the upper bound is a logarithm of `T` above it",
    labels=("thm:lower",),
    witness=witness,
)
