"""The virtual last step of a bound, whose size is free: the smallest bound of all sizes."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def smallest_over_sizes(bound: Callable[[float], float], steps: np.ndarray, radius: float, parts: int) -> float:
    """The smallest value of a bound over the sizes of its virtual step: the best of a grid, refined between its neighbours.

    Args:
        bound: The bound for a size of the virtual step, with lengths in units of the gradient.
        steps: The steps, which with the radius set the range of sizes.
        radius: The distance or diameter.
        parts: The number of sizes of the grid, evenly spaced in logarithms.

    Example:
        >>> round(smallest_over_sizes(lambda size: size + 4 / size, np.ones(3), 1.0, 50), 6)
        4.0
    """
    from scipy import optimize

    def of_logarithm(log_size: float) -> float:
        return bound(math.exp(log_size))

    smallest, largest = steps.min(initial=radius), steps.max(initial=radius)
    grid = np.linspace(math.log(smallest / 1e4), math.log(1000 * largest), parts)
    values = [of_logarithm(point) for point in grid]
    best = int(np.argmin(values))
    ends = grid[max(best - 1, 0)], grid[min(best + 1, parts - 1)]
    refined: Any = optimize.minimize_scalar(of_logarithm, bounds=ends, method="bounded", options={"xatol": 1e-9})
    return min(values[best], float(refined.fun))
