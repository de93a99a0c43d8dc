"""SGD and the heavy ball on functions whose curvature changes away from the minimum and along the way, compiled.

`curved_losses` is the function of the same name in `lrtheory.simulation.reference`, up to rounding.
"""

import numpy as np
from numba import njit

from lrtheory.compilation import CACHE
from lrtheory.simulation.streams import CHUNK, replica_state, word

FARTHEST = 1e100
"""A run that is so far away is lost: where the curvature rises, its next gradients are no numbers."""
_BITS = np.uint64(CHUNK)
_ONE = np.uint64(1)


@njit(nogil=True, cache=CACHE, error_model="numpy")
def curved_losses(steps, curvatures, power, momentum, start, noise, seed, replicas):
    r"""The last loss of every replica, infinite where it is lost.

    .. math:: f_t(x)=\sum_i\lambda_{t,i}F(x_i),\qquad F'(x)=x(1+x^2)^s,\quad F(0)=0

    ``curvatures`` has the shape ``(horizon, directions)``; the loss is that of the last row. Every direction has random signs of
    size ``noise`` for noise.
    """
    horizon, directions = curvatures.shape
    losses = np.empty(replicas)
    for replica in range(replicas):
        state = replica_state(np.uint64(seed), np.uint64(replica))
        x, velocity = np.full(directions, start), np.zeros(directions)
        bits, drawn, lost = np.uint64(0), 0, False
        for t in range(horizon):
            for i in range(directions):
                if drawn % CHUNK == 0:
                    bits = word(state, np.uint64(drawn) // _BITS)
                drawn += 1
                sign = noise if bits & _ONE else -noise
                bits >>= _ONE
                velocity[i] = momentum * velocity[i] + curvatures[t, i] * x[i] * (1 + x[i] * x[i]) ** power + sign
                x[i] -= steps[t] * velocity[i]
                lost = lost or not abs(x[i]) < FARTHEST
            if lost and power > 0:
                break
        total = 0.0
        for i in range(directions):
            total += curvatures[-1, i] * ((1 + x[i] * x[i]) ** (power + 1) - 1) / (2 * (power + 1))
        losses[replica] = total if np.isfinite(total) and not (lost and power > 0) else np.inf
    return losses
