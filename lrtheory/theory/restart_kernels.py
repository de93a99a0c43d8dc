"""The recursion of the last iterate and its smallest loss, compiled: for long runs and for many base rates.

The plain forms are in :mod:`lrtheory.theory.last_iterate`; the tests prove both equal to the last bit.
"""

import math

import numba
import numpy as np

from lrtheory.compilation import CACHE


@numba.njit(cache=CACHE, nogil=True)
def restarts(steps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """:math:`s_k` and :math:`e_k` at every restart."""
    squares, excess = np.zeros(steps.size + 1), np.zeros(steps.size + 1)
    for k in range(steps.size - 1, -1, -1):
        step = steps[k]
        base = max(squares[k + 1], step)
        gain = step * (step / base)
        squares[k] = base + 2 * step + gain
        excess[k] = excess[k + 1] + (base - squares[k + 1]) + gain
    return squares, excess


@numba.njit(cache=CACHE, nogil=True)
def smallest_losses(
    squares: np.ndarray, excess: np.ndarray, lrs: np.ndarray, lipschitz: float, length: float
) -> np.ndarray:
    """The bound of the best restart at each base rate."""
    losses = np.full(lrs.size, math.inf)
    for i in range(lrs.size):
        for k in range(squares.size):
            s = max(lrs[i] * squares[k], length / lipschitz)
            loss = length**2 / (2 * s) + lipschitz**2 / 2 * (lrs[i] * excess[k] + (s - lrs[i] * squares[k]))
            losses[i] = min(losses[i], loss)
    return losses
