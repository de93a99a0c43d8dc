"""Methods on the one-dimensional family, compiled: the loop of `lrtheory.theory.methods`, one replica after another.

`method_losses` is the function of the same name in `lrtheory.simulation.reference`, up to rounding.
"""

import math

import numpy as np
from numba import njit

from lrtheory.compilation import CACHE
from lrtheory.simulation.streams import CHUNK, replica_state, word
from lrtheory.theory.methods import MOMENTUM, RULES

_BITS = np.uint64(CHUNK)
_ONE = np.uint64(1)
_SGD, _BALL, _FREE, _DUAL, _ADAGRAD = range(len(RULES))


@njit(nogil=True, cache=CACHE, error_model="numpy")
def method_losses(rule, steps, weights, eps, low, high, seed, replicas):
    """The losses of the weighted average of the iterates of every replica; the rule by its place in `RULES`."""
    sigma = math.sqrt(1 - eps * eps)
    losses = np.empty(replicas)
    for replica in range(replicas):
        state = replica_state(np.uint64(seed), np.uint64(replica))
        x = base = high
        memory = 0.0
        total = weights[0] * x
        bits = np.uint64(0)
        for t in range(steps.size):
            if t % CHUNK == 0:
                bits = word(state, np.uint64(t) // _BITS)
            noise = sigma if bits & _ONE else -sigma
            bits >>= _ONE
            at = (1 - MOMENTUM) * base + MOMENTUM * x if rule == _FREE else x
            slope = (eps if at >= 0 else -eps) + noise
            if rule == _FREE:
                base = min(max(base - steps[t] * slope, low), high)
                x = (t + 1) / (t + 2) * x + base / (t + 2)
            elif rule == _BALL:
                base = min(max(base - steps[t] * slope, low), high)
                x = MOMENTUM * x + (1 - MOMENTUM) * base
            elif rule == _DUAL:
                memory += slope
                x = min(max(high - steps[t] * memory, low), high)
            elif rule == _ADAGRAD:
                memory += slope * slope
                x = min(max(x - steps[t] / math.sqrt(2 * memory) * slope, low), high)
            else:
                x = min(max(x - steps[t] * slope, low), high)
            total += weights[t + 1] * x
        losses[replica] = eps * abs(total)
    return losses
