r"""What every law of loss curves is: a level, columns with coefficients that are not negative, and a few free numbers.

.. math:: L(t) = L_0 + \sum_j c_j\,\phi_j(t;\theta), \qquad c_j\ge0

:math:`L_0` and :math:`c_j` are linear and solved for exactly at every :math:`\theta` (variable projection). A law sees the
*shape* of a run (its rates over the peak rate, per :math:`N` steps, so that summed rates are of order 1), the places of the
losses, and the peak rate in units of the fitted runs' own.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lrtheory.forecast.steps_gradient import WeightedNoise

Features = dict[str, np.ndarray]


@dataclass(frozen=True)
class Free:
    """A number of a law that is not linear.

    Args:
        name: The name that is shown.
        low: Smallest value.
        high: Largest value.
        starts: The values at which searches begin: first the first value of every number together, then the others.
        without_rates: The value where all runs have one peak rate, which cannot tell it; None if they can.
    """

    name: str
    low: float
    high: float
    starts: tuple[float, ...]
    without_rates: float | None = None


class Law:
    """A law of loss curves: see the module."""

    free: tuple[Free, ...] = ()
    columns_of: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """How the law is shown."""
        return type(self).__name__

    @property
    def numbers(self) -> int:
        """How many numbers are fitted."""
        return 1 + len(self.columns_of) + len(self.free)

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """What the columns need of a shape: arrays whose last axis is ``at``.

        Args:
            shape: Rates with the largest at ``1/N``.
            at: Numbers of steps.
        """
        raise NotImplementedError

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """The columns at given free numbers.

        Args:
            features: As from :meth:`features`, of all losses side by side, and ``peak``, the peak rate of each.
            theta: The free numbers.
        """
        raise NotImplementedError

    def weighted_noise(self, theta: np.ndarray, coefficients: np.ndarray) -> WeightedNoise | None:
        """The law at given numbers where it is a bias and weighted noise, so that steps have a gradient; None where it is not.

        Args:
            theta: The free numbers.
            coefficients: The coefficients of the columns.
        """
        return None


@dataclass(frozen=True)
class Interpolated:
    """A table at Chebyshev nodes of a number, read between them. Sums of powers span decades: their logarithms are smooth.

    Args:
        low: Smallest value of the number.
        high: Largest value.
        count: Number of nodes.
    """

    low: float
    high: float
    count: int

    @property
    def nodes(self) -> np.ndarray:
        """Where the table is computed."""
        return (self.low + self.high) / 2 + (self.high - self.low) / 2 * np.cos(self._angles)

    @property
    def _angles(self) -> np.ndarray:
        return (2 * np.arange(self.count) + 1) * np.pi / (2 * self.count)

    def weights(self, value: Any) -> np.ndarray:
        """The weights of the nodes at one value, or at many: nodes along the first axis.

        Example:
            >>> table = Interpolated(0.0, 1.0, 12)
            >>> round(float(table.weights(0.3) @ np.exp(table.nodes) - np.exp(0.3)), 12) + 0
            0.0
        """
        value = np.asarray(value, dtype=float)
        away = value - self.nodes.reshape(-1, *(1,) * value.ndim)
        signs = (-1.0) ** np.arange(self.count) * np.sin(self._angles)
        near = np.abs(away) < 1e-14
        parts = signs.reshape(-1, *(1,) * value.ndim) / np.where(near, 1.0, away)
        parts = np.where(near.any(axis=0), near.astype(float), parts)
        return parts / parts.sum(axis=0)


def summed(shape: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The rate summed until each place."""
    return np.cumsum(shape)[at - 1]


def power(base: np.ndarray, exponent: float) -> np.ndarray:
    """A power of positive numbers."""
    return np.exp(exponent * np.log(base))


BIAS = Free("a", 0.02, 2.0, (0.5, 0.3, 0.8))
"""The exponent of the bias that every law of powers has."""
