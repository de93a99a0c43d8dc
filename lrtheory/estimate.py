"""A number with its interval: the one record for everything that is measured."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Estimate:
    """A number with its 95 % interval.

    Args:
        value: The estimate.
        low: Lower end of the interval.
        high: Upper end.

    Example:
        >>> print(Estimate(0.5, 0.25, 1.0), f"{Estimate(0.5, 0.25, 1.0):.2f}")
        0.5 [0.25, 1] 0.50 [0.25, 1.00]
    """

    value: float
    low: float
    high: float

    def __format__(self, spec: str) -> str:
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def __str__(self) -> str:
        return format(self, ".3g")


def mean_estimate(values: Any) -> Estimate:
    """The mean of independent values with Student's interval.

    Args:
        values: At least two numbers.

    Example:
        >>> print(mean_estimate([1.0, 2.0, 3.0]))
        2 [-0.484, 4.48]
    """
    from scipy.stats import t

    values = np.asarray(values, dtype=np.float64)
    margin = t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return Estimate(float(values.mean()), float(values.mean() - margin), float(values.mean() + margin))
