"""Means and standard errors of many samples at once, merged from parts without loss to cancellation."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Moments:
    """For each configuration, the number of values, their mean, and the sum of their squared deviations from it.

    Args:
        count: Shape ``(configurations,)``, as the others.
        mean: Zero where nothing was seen.
        squares: Likewise.
    """

    count: NDArray[np.int64]
    mean: NDArray[np.float64]
    squares: NDArray[np.float64]

    @staticmethod
    def of(values: NDArray[np.float64]) -> "Moments":
        """The moments of the rows of a table ``(configurations, values)``.

        Example:
            >>> Moments.of(np.array([[1.0, 3.0], [5.0, 5.0]])).squares
            array([2., 0.])
        """
        mean = values.mean(axis=1)
        squares = np.square(values - mean[:, None]).sum(axis=1)
        return Moments(np.full(len(values), values.shape[1]), mean, squares)

    @staticmethod
    def nothing(configurations: int) -> "Moments":
        """The moments of no values."""
        return Moments(np.zeros(configurations, np.int64), np.zeros(configurations), np.zeros(configurations))

    def add(self, where: slice, part: "Moments") -> None:
        """Merge the moments of other values of the configurations ``where``, in place."""
        count = self.count[where] + part.count
        gap = part.mean - self.mean[where]
        self.squares[where] += part.squares + gap * gap * (self.count[where] * part.count / count)
        self.mean[where] += gap * part.count / count
        self.count[where] = count

    def standard_error(self) -> NDArray[np.float64]:
        """The standard errors of the means; NaN for a single value."""
        spare = np.where(self.count > 1, self.count - 1, np.nan)
        return np.sqrt(self.squares / spare / self.count)

    def scaled(self, factor: Any) -> "Moments":
        """The moments of the values times a factor, one of each configuration."""
        return Moments(self.count, self.mean * factor, self.squares * np.square(factor))
