"""The bootstrap: which of the observations each resample takes, and the interval that the resampled values give."""

import numpy as np


def draws(observations: int, repetitions: int, random: int | np.random.Generator = 0) -> np.ndarray:
    """Places of observations drawn with replacement, one row per resample.

    Args:
        observations: How many there are.
        repetitions: How many resamples.
        random: The seed, or a generator that goes on where it stands.

    Returns:
        Whole numbers, shape ``(repetitions, observations)``.

    Example:
        >>> rows = draws(4, 100)
        >>> rows.shape, bool((rows == draws(4, 100)).all())
        ((100, 4), True)
    """
    return np.random.default_rng(random).integers(observations, size=(repetitions, observations))


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
    return np.vstack([np.arange(observations), draws(observations, repetitions)])


def percentile_interval(values: np.ndarray) -> tuple[float, float]:
    """The 95 % percentile interval of resampled values; NaN among them are left out.

    Example:
        >>> percentile_interval(np.linspace(0.0, 100.0, 1001))
        (2.5, 97.5)
    """
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)
