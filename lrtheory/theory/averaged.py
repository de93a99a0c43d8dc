r"""The worst case of the averaged iterate, which no schedule's annealing can help.

For :math:`\bar x=\sum_t\eta_tx_t/\sum_t\eta_t` the one-step inequality sums to

.. math:: \mathbb Ef(\bar x)-f^\star\;\le\;\frac{R^2+G^2\sum_t\eta_t^2}{2\sum_t\eta_t},

so tuned at :math:`\eta=\frac RG(\sum h_t^2)^{-1/2}` a rate wrong by ``rho`` loses exactly
:math:`\tfrac12(\rho+1/\rho)` in the bound, for every shape: exponent 1. There is no logarithm, so for a constant rate the
line shows at any horizon, where the last iterate's exponent only rises to 1 as :math:`T\to\infty`.

**Status.** *Proved* (textbook), an upper bound. **Source.** Nemirovski et al., SIAM J. Optim. 19(4), 2009.
"""

from typing import Any

import numpy as np

from lrtheory.theory.worst_case import checked_magnitude, checked_steps


def averaged_bound(steps: Any, *, lipschitz: float = 1.0, distance: float) -> float:
    r"""The classical bound for the step-weighted average of the iterates.

    .. math:: \frac{R^2+G^2\sum_t\eta_t^2}{2\sum_t\eta_t}

    Args:
        steps: Learning rates :math:`\eta_1..\eta_T`.
        lipschitz: :math:`G`.
        distance: :math:`R\ge\|x_1-x^\star\|` (the diameter of a bounded domain serves).

    Raises:
        ValueError: steps that are not finite and non-negative, or lengths that are not positive.

    Example:
        >>> from lrtheory import Constant
        >>> round(averaged_bound(Constant().steps(100, lr=0.1), distance=1.0), 12)
        0.1
    """
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    distance = checked_magnitude("distance", distance)
    steps = checked_steps(steps)
    return float((distance**2 + lipschitz**2 * np.sum(steps**2)) / (2 * np.sum(steps)))
