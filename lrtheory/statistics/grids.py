import numpy as np


def worst_offset(rates: np.ndarray, loss: np.ndarray, ratio: float) -> float:
    r"""The loss of the best point of a geometric grid, at the grid's worst offset.

    .. math:: \max_a\;\min_j\;\text{loss}(a\,r^j)

    Args:
        rates: Learning rates, geometrically spaced.
        loss: The loss at each of them.
        ratio: The ratio :math:`r` of neighbouring grid points.

    Example:
        >>> rho = np.geomspace(1 / 64, 64, 20001)
        >>> round(worst_offset(rho, (rho + 1 / rho) / 2, 4.0), 3)  # (2 + 1/2)/2: the tuned rate is in the middle
        1.25
    """
    spacing = np.log(rates[1] / rates[0])
    period = max(round(float(np.log(ratio) / spacing)), 1)
    return float(max(loss[offset::period].min() for offset in range(period)))
