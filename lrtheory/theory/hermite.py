"""A cubic Hermite interpolant: what ``scipy.interpolate.CubicHermiteSpline`` computes, without the import of scipy.

scipy takes longer to import than a plan takes to compute, and the law needs nothing else of it.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Hermite:
    r"""The piecewise cubic with given values and slopes.

    Between neighbours, with :math:`s=(x-x_i)/h` and :math:`h=x_{i+1}-x_i`, it is

    .. math:: (1+2s)(1-s)^2y_i+s(1-s)^2h\,y_i'+s^2(3-2s)y_{i+1}-s^2(1-s)h\,y_{i+1}';

    beyond the ends the outermost cubics go on.

    Args:
        x: Positions, strictly ascending, at least two.
        y: Values there.
        slope: Derivatives there.

    Example:
        >>> cubic = Hermite(np.array([0.0, 1.0, 3.0]), np.array([0.0, 1.0, 27.0]), np.array([0.0, 3.0, 27.0]))
        >>> cubic(np.array([0.5, 2.0]))
        array([0.125, 8.   ])
    """

    x: np.ndarray
    y: np.ndarray
    slope: np.ndarray

    def __call__(self, at: np.ndarray | float) -> np.ndarray:
        """The values at some positions, of any array shape."""
        place = np.clip(np.searchsorted(self.x, at, side="right") - 1, 0, self.x.size - 2)
        width = self.x[place + 1] - self.x[place]
        s = (at - self.x[place]) / width
        left = (1 - s) ** 2 * ((1 + 2 * s) * self.y[place] + s * width * self.slope[place])
        right = s**2 * ((3 - 2 * s) * self.y[place + 1] - (1 - s) * width * self.slope[place + 1])
        return left + right
