from typing import Any

import numpy as np

from lrtheory.estimate import Estimate
from lrtheory.statistics.intervals import half_width


def fit_slope(x: Any, y: Any, standard_error: Any = None) -> Estimate:
    r"""The exponent of ``y`` against ``x``: least squares of logarithms, with a 95 % interval.

    .. math:: \log y = c + s\log x + \text{residual}

    The interval is Student's, from the residuals, so it widens where the curve is not a power; where each ``y`` has a
    standard error of its own, the variance of the slope is at least what these give.

    Args:
        x: Positive and finite, at least three points, not all the same.
        y: Positive and finite.
        standard_error: The standard errors of ``y``; none by default.

    Raises:
        ValueError: fewer than three points, points at one place only, or values that are not positive and finite.

    Example:
        >>> print(f"{fit_slope([1, 2, 4, 8], [3.0, 6.0, 12.0, 24.0]):.3f}")
        1.000 [1.000, 1.000]
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(x) < 3 or not ((x > 0) & (y > 0) & np.isfinite(x) & np.isfinite(y)).all() or np.ptp(x) == 0:
        raise ValueError("a slope needs at least three points, all positive and finite, and not all at one place.")
    centred = np.log(x) - np.log(x).mean()
    squares = np.sum(centred**2)
    slope = np.sum(centred * np.log(y)) / squares
    residuals = np.log(y) - np.log(y).mean() - slope * centred
    variance = np.sum(residuals**2) / (len(x) - 2) / squares
    if standard_error is not None:
        relative = np.asarray(standard_error, dtype=float) / y
        variance = max(variance, np.sum((centred * relative) ** 2) / squares**2)
    half = half_width(np.sqrt(variance), len(x) - 2)
    return Estimate(float(slope), float(slope - half), float(slope + half))
