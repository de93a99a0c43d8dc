"""Student's intervals of means."""

import math
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import stdtrit  # scipy.stats, which says the same, takes long to import

from lrtheory.estimate import Estimate


def half_width(standard_error: float, degrees_of_freedom: int) -> float:
    """Half the width of the 95 % interval of Student's distribution.

    Args:
        standard_error: The estimated standard deviation of the estimate.
        degrees_of_freedom: At least 1.

    Example:
        >>> round(half_width(1.0, 2), 3), round(half_width(1.0, 10**6), 3)
        (4.303, 1.96)
    """
    return float(stdtrit(degrees_of_freedom, 0.975) * standard_error)


def mean_estimate(values: Any) -> Estimate:
    """The mean of independent values with its 95 % interval (Student's).

    Args:
        values: At least two numbers.

    Example:
        >>> print(mean_estimate([1.0, 2.0, 3.0]))
        2 [-0.484, 4.48]
    """
    values = np.asarray(values, dtype=np.float64)
    half = half_width(values.std(ddof=1) / math.sqrt(len(values)), len(values) - 1)
    return Estimate(float(values.mean()), float(values.mean() - half), float(values.mean() + half))


def interval(values: pd.Series) -> tuple[float, float]:
    """The mean of the finite values and half the width of its 95 % interval (Student's; NaN below two values).

    Example:
        >>> mean, half = interval(pd.Series([1.0, 2.0, 3.0]))
        >>> round(mean, 3), round(half, 3)
        (2.0, 2.484)
    """
    finite = values.dropna()
    if len(finite) < 2:
        return (float(finite.mean()) if len(finite) else math.nan), math.nan
    return float(finite.mean()), half_width(finite.std() / math.sqrt(len(finite)), len(finite) - 1)
