"""The bootstrap: which of the observations each resample takes, and the interval that the resampled values give."""

import numpy as np


def resamples(observations: int, repetitions: int) -> np.ndarray:
    """Places of observations, one row per resample; the first row is the observations themselves, each once.

    Statistics of the same observations that are computed on the same rows are paired. The rows are the same every time.

    Args:
        observations: How many there are.
        repetitions: How many resamples, drawn with replacement.

    Returns:
        Whole numbers, shape ``(repetitions + 1, observations)``.

    Example:
        >>> rows = resamples(4, 100)
        >>> rows.shape, rows[0].tolist()
        ((101, 4), [0, 1, 2, 3])
    """
    drawn = np.random.default_rng(0).integers(observations, size=(repetitions, observations))
    return np.vstack([np.arange(observations), drawn])


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of resampled values; NaN among them are left out.

    Example:
        >>> percentile_interval(np.linspace(0.0, 100.0, 1001))
        (2.5, 97.5)
    """
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
