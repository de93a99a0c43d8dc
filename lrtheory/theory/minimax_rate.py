r"""The base rate of a given schedule that forgives most, where it may be too large by a factor.

:func:`minimax_lr` finds it from the worst case of finitely many steps, for any schedule. What no schedule can fall below, and
the one that attains it in the limit, are in :mod:`lrtheory.theory.robust_schedule`.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lrtheory.schedules.robust import checked_uncertainty
from lrtheory.schedules.schedule import Schedule
from lrtheory.theory.last_iterate import tuned_lr, worst_case

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class MinimaxRate:
    r"""The base rate of a schedule whose largest worst case over a range of misspecification is smallest.

    Args:
        schedule: The shape.
        uncertainty: :math:`R`: the rate that runs is the base rate times a factor from 1 to ``R``.
        horizon: The number of steps.
        lr: The base rate, with :math:`D=G=1`.
        loss: The largest worst case over the range, in units of :math:`DG/\sqrt T`.
    """

    schedule: Schedule
    uncertainty: float
    horizon: int
    lr: float
    loss: float

    def __str__(self) -> str:
        return (
            f"{self.schedule} over {self.horizon:,} steps: the base rate {self.lr:.4g} D/G keeps the worst case within"
            f" {self.loss:.4g} DG/sqrt(T) if the rate is too large by any factor up to {self.uncertainty:g}."
        )


def minimax_lr(schedule: Schedule, uncertainty: float, horizon: int) -> MinimaxRate:
    r"""The base rate whose largest worst case over ``[1, uncertainty]`` is smallest.

    .. math:: \min_{\mathrm{lr}}\;\max_{\rho\in[1,R]}W(\rho\,\mathrm{lr}),\qquad\text{in units of }DG/\sqrt T

    on a grid of 96 rates per octave, which locates the minimum to 0.4 % in the rate.

    Args:
        schedule: The shape.
        uncertainty: :math:`R`, at least 1.
        horizon: Number of steps.

    Returns:
        The rate, to be multiplied by any ``rho`` in the range, and its largest loss.

    Raises:
        TypeError: ``schedule`` is not a :class:`Schedule`.
        ValueError: ``uncertainty`` is below 1 or not finite, or ``horizon`` is not a number of steps.

    Example:
        >>> from lrtheory import Polynomial
        >>> print(minimax_lr(Polynomial(1), 16, 2000))
        Polynomial(1) over 2,000 steps: the base rate 0.00751 D/G keeps the worst case within 1.655 DG/sqrt(T) if the rate
        is too large by any factor up to 16.

    Source:
        Computed from :func:`lrtheory.worst_case`.
    """
    window = max(round(96 * math.log2(checked_uncertainty(uncertainty))), 0)
    # Rates below the tuned one over the uncertainty, or above it, are worse than these at one end of their range.
    reach = window + 96
    rates = tuned_lr(schedule, horizon, diameter=1.0) * 2.0 ** (np.arange(-reach, window + reach + 1) / 96)
    losses = worst_case(schedule, horizon=horizon, lr=rates, diameter=1.0)
    largest = np.lib.stride_tricks.sliding_window_view(losses, window + 1).max(axis=1)
    best = int(np.argmin(largest))
    return MinimaxRate(
        schedule, float(uncertainty), int(horizon), float(rates[best]), float(largest[best] * math.sqrt(horizon))
    )


def comparison(schedules: tuple[Schedule, ...], uncertainties: tuple[float, ...], horizon: int) -> "pd.DataFrame":
    """The largest worst case of each schedule over each uncertainty, its base rate at its best.

    Args:
        schedules: The shapes.
        uncertainties: Factors of at least 1.
        horizon: Number of steps.

    Returns:
        One row per schedule and uncertainty: ``schedule``, ``uncertainty``, ``lr`` and ``loss`` in units of DG/sqrt(T).

    Example:
        >>> from lrtheory import Cosine, Robust
        >>> comparison((Cosine(), Robust(16)), (16,), 1000)["loss"].round(2).tolist()
        [1.6, 1.28]
    """
    import pandas as pd

    rows = []
    for schedule in schedules:
        for uncertainty in uncertainties:
            found = minimax_lr(schedule, uncertainty, horizon)
            rows.append(
                {"schedule": schedule.name, "uncertainty": found.uncertainty, "lr": found.lr, "loss": found.loss}
            )
    return pd.DataFrame(rows)
