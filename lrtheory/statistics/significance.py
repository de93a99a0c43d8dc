"""Paired tests, and their adjustment for how many there are."""

import math

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp


def holm(p: pd.Series) -> pd.Series:
    """Holm's adjustment of p-values for how many there are; NaN stays and does not count.

    Example:
        >>> holm(pd.Series([0.01, 0.04, math.nan])).tolist()
        [0.02, 0.04, nan]
    """
    ordered = p.dropna().sort_values()
    factors = np.arange(len(ordered), 0, -1)
    adjusted = pd.Series(np.minimum(np.maximum.accumulate(ordered.to_numpy() * factors), 1.0), index=ordered.index)
    return adjusted.reindex(p.index)


def paired_p_value(differences: np.ndarray) -> float:
    """The p-value of the t-test that paired differences have mean zero; NaN where there is nothing to test.

    Example:
        >>> round(paired_p_value(np.array([1.0, 2.0, 3.0])), 3), paired_p_value(np.array([2.0, 2.0, 2.0]))
        (0.074, 0.0)
    """
    if len(differences) < 2 or not differences.any():
        return math.nan
    if np.ptp(differences) == 0:  # the statistic is infinite
        return 0.0
    return float(ttest_1samp(differences, 0.0).pvalue)  # pyright: ignore[reportAttributeAccessIssue]
