from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrtheory.estimate import Estimate
from lrtheory.runs.store import whole_file


def committed() -> Path:
    """The folder of the tables that come with the package: ``figures/data`` of a checkout, or the copy in a wheel.

    Example:
        >>> (committed() / "llm_learning_rates.csv").exists()
        True
    """
    package = Path(__file__).parents[1]
    checkout = package.parent / "figures" / "data"
    return checkout if checkout.is_dir() else package / "figures" / "data"


def fit_slope(x: Any, y: Any, standard_error: Any = None) -> Estimate:
    r"""The exponent of ``y`` against ``x``: least squares of logarithms, with a 95 % interval.

    .. math:: \log y = c + s\log x + \text{residual}

    The interval is Student's, from the residuals, so it widens where the curve is not a power; where each ``y`` has a
    standard error of its own, the variance of the slope is at least what these give.

    Args:
        x: Positive and finite, at least three points, not all the same.
        y: Positive and finite.
        standard_error: Of ``y``; none by default.

    Raises:
        ValueError: fewer than three points, points at one place only, or values that are not positive and finite.

    Example:
        >>> print(f"{fit_slope([1, 2, 4, 8], [3.0, 6.0, 12.0, 24.0]):.3f}")
        1.000 [1.000, 1.000]
    """
    from scipy.stats import t

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
    margin = t.ppf(0.975, len(x) - 2) * np.sqrt(variance)
    return Estimate(float(slope), float(slope - margin), float(slope + margin))


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write a table all at once, with floats that read back exactly."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def shown_table(table: pd.DataFrame) -> str:
    """A table as text for a terminal: numbers to the right, words to the left, no index."""
    cells = [[str(name) for name in table.columns]] + [[str(value) for value in row] for row in table.to_numpy()]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.columns))]
    words = [not _is_number(value) for value in cells[1]] if len(cells) > 1 else [True] * len(widths)
    lines = [
        "  ".join(text.ljust(width) if word else text.rjust(width) for text, width, word in zip(row, widths, words))
        for row in cells
    ]
    return "\n".join(line.rstrip() for line in [lines[0], "  ".join("-" * width for width in widths), *lines[1:]])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
