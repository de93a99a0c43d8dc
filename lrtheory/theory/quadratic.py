r"""Where the picture of a flow breaks: quadratics in closed form.

Along an eigenvector with eigenvalue :math:`\lambda` gradient descent multiplies by :math:`1-\eta\lambda`. That is a flow
below :math:`\eta\lambda=1`, no flow above, and unstable beyond 2.

**Status.** *Proved*. **Source.** Classical; stated here for comparison.
"""

from typing import Any

import numpy as np

from lrtheory.checks import checked_positive, checked_whole
from lrtheory.theory.theorem import Evidence, Theorem


def quadratic_rate(lr: Any, curvature: Any) -> np.ndarray:
    r"""The exact modified flow of gradient descent along an eigenvector of a quadratic loss.

    .. math:: \theta_{t+1}=(1-\eta\lambda)\theta_t,\qquad
        \dot\theta=\frac{\log(1-\eta\lambda)}{\eta}\,\theta
        =-\Big(\lambda+\frac{\eta\lambda^2}2+\frac{\eta^2\lambda^3}3+\dots\Big)\theta .

    The series has radius of convergence :math:`\eta\lambda=1`; there the modified curvature
    :math:`-\log(1-\eta\lambda)/\eta` is infinite (one step lands on the minimum), and beyond it no real flow in one
    dimension steps across the minimum.

    Args:
        lr: Learning rates :math:`\eta>0`.
        curvature: Eigenvalues :math:`\lambda` with :math:`\eta\lambda<1`, of either sign. Broadcast with ``lr``.

    Returns:
        The rates :math:`\log(1-\eta\lambda)/\eta`.

    Raises:
        ValueError: some :math:`\eta\lambda\ge1`.

    Example:
        >>> float(quadratic_rate(0.5, 1.0).round(6)), float(quadratic_rate(1e-6, 1.0).round(6))
        (-1.386294, -1.000001)
    """
    lr, curvature = np.asarray(lr, dtype=np.float64), np.asarray(curvature, dtype=np.float64)
    if not (np.all(lr > 0) and np.all(lr * curvature < 1)):
        raise ValueError("gradient descent follows a flow only where lr is positive and lr times curvature is below 1.")
    return np.log1p(-lr * curvature) / lr


def quadratic_regime(lr: float, curvature: float) -> str:
    r"""What gradient descent does along an eigenvector: the flow picture ends at 1, stability at 2.

    Args:
        lr: Learning rate, positive.
        curvature: Eigenvalue :math:`\lambda` of the Hessian, positive.

    Returns:
        ``"flow"`` for :math:`\eta\lambda<1`, ``"one step"`` at 1, ``"oscillates"`` between 1 and 2, ``"cycles"`` at 2,
        ``"diverges"`` above.

    Raises:
        ValueError: an argument is not positive and finite.

    Example:
        >>> [quadratic_regime(lr, 1.0) for lr in (0.5, 1.0, 1.5, 2.0, 2.5)]
        ['flow', 'one step', 'oscillates', 'cycles', 'diverges']
    """
    sharpness = checked_positive("lr", lr) * checked_positive("curvature", curvature)
    if sharpness in (1.0, 2.0):
        return "one step" if sharpness == 1.0 else "cycles"
    return "flow" if sharpness < 1 else "oscillates" if sharpness < 2 else "diverges"


def predicted_contraction(sharpness: Any, order: int) -> np.ndarray:
    r"""The factor a step that a truncated modified equation predicts on a quadratic.

    .. math:: \exp\Big(-\sum_{k=1}^{\text{order}}\frac{(\eta\lambda)^k}{k}\Big)
        \quad\text{instead of}\quad1-\eta\lambda .

    It lies in (0, 1) for every :math:`\eta\lambda>0` and every order, so no truncation sees the oscillation beyond
    :math:`\eta\lambda=1` or the divergence beyond 2; the penalised loss is then the wrong model, not a rough one.

    Args:
        sharpness: Products :math:`\eta\lambda`.
        order: Order of the truncation, at least 1.

    Example:
        >>> predicted_contraction([0.1, 2.5], order=2).round(4)  # gradient descent: 0.9 and -1.5
        array([0.9003, 0.0036])
    """
    sharpness = np.asarray(sharpness, dtype=np.float64)
    powers = np.arange(1, checked_whole("order", order) + 1)
    return np.exp(-np.sum(sharpness[..., None] ** powers / powers, axis=-1))


def witness() -> Evidence:
    """A step of gradient descent against the time-``lr`` map of its modified flow: the same but for rounding."""
    lr, curvature = 0.5, 1.2
    return Evidence(float(np.exp(lr * quadratic_rate(lr, curvature))), 1 - lr * curvature, 1e-12)


THEOREM = Theorem(
    name="quadratic",
    statement="On quadratics gradient descent is a flow up to `eta * lambda = 1`, none above, and unstable beyond 2",
    status="proved",
    source="Classical; stated here for comparison",
    module=__name__,
    witness=witness,
)
