"""Few configurations: the replicas of one lie side by side in a vector, each with its own random bits.

The bits of a chunk of steps are one word a replica, and four steps are taken per pass, so that a state is loaded and
stored less often. No floating-point operation is reordered or contracted, so results are those of the reference, bit for
bit, on every machine. All functions release the interpreter lock.
"""

import math

import numpy as np
from numba import njit, uintp

from lrtheory.compilation import CACHE
from lrtheory.simulation.streams import CHUNK, antithetic_state, replica_state, word

# The cache of compiled code looks at this file only: change it when you change `streams`.
# Unsigned indices throughout: for signed ones the compiler adds a wrap-around test to every access.


@njit
def _fill_words(words, seed, first, chunk, antithetic):
    for ii in range(words.size):
        i = uintp(ii)
        replica = np.uint64(first + i)
        if antithetic:
            state, flip = antithetic_state(seed, replica)
            words[i] = word(state, chunk) ^ flip
        else:
            words[i] = word(replica_state(seed, replica), chunk)


@njit
def _fill_lanes(lanes, words, shift):
    for ii in range(words.size):
        i = uintp(ii)
        lanes[i] = words[i] >> shift


@njit
def _signed(x, push, bound, one):
    # copysign is one bit operation in a lane; x is never -0, so this is "x - push if x >= 0 else x + push".
    x = x - math.copysign(one, x) * push
    x = x if x < bound else bound
    return x if x > -bound else -bound


@njit
def _folded(y, push, bound):
    y = abs(y - push)
    return y if y < bound else bound


@njit
def _advance_four_signed(x, partial, lanes, masks, strong, weak, first, bound, one):
    mask0, mask1, mask2, mask3 = masks[first], masks[first + 1], masks[first + 2], masks[first + 3]
    strong0, strong1, strong2, strong3 = strong[first], strong[first + 1], strong[first + 2], strong[first + 3]
    weak0, weak1, weak2, weak3 = weak[first], weak[first + 1], weak[first + 2], weak[first + 3]
    for ii in range(x.size):
        i = uintp(ii)
        y, total, bits = x[i], partial[i], lanes[i]
        y = _signed(y, strong0 if bits & mask0 else weak0, bound, one)
        total += y
        y = _signed(y, strong1 if bits & mask1 else weak1, bound, one)
        total += y
        y = _signed(y, strong2 if bits & mask2 else weak2, bound, one)
        total += y
        y = _signed(y, strong3 if bits & mask3 else weak3, bound, one)
        total += y
        x[i], partial[i] = y, total


@njit
def _advance_one_signed(x, partial, lanes, mask, strong, weak, bound, one):
    for ii in range(x.size):
        i = uintp(ii)
        x[i] = _signed(x[i], strong if lanes[i] & mask else weak, bound, one)
        partial[i] += x[i]


@njit
def _advance_four(x, lanes, masks, strong, weak, first, bound):
    mask0, mask1, mask2, mask3 = masks[first], masks[first + 1], masks[first + 2], masks[first + 3]
    strong0, strong1, strong2, strong3 = strong[first], strong[first + 1], strong[first + 2], strong[first + 3]
    weak0, weak1, weak2, weak3 = weak[first], weak[first + 1], weak[first + 2], weak[first + 3]
    for ii in range(x.size):
        i = uintp(ii)
        y, bits = x[i], lanes[i]
        y = _folded(y, strong0 if bits & mask0 else weak0, bound)
        y = _folded(y, strong1 if bits & mask1 else weak1, bound)
        y = _folded(y, strong2 if bits & mask2 else weak2, bound)
        x[i] = _folded(y, strong3 if bits & mask3 else weak3, bound)


@njit
def _advance_one(x, lanes, mask, strong, weak, bound):
    for ii in range(x.size):
        i = uintp(ii)
        x[i] = _folded(x[i], strong if lanes[i] & mask else weak, bound)


@njit(nogil=True, cache=CACHE)
def rademacher_block(steps, strong_push, weak_push, start, bound, masks, seed, first, count, antithetic, averaged):
    """Last and averaged iterate of `count` replicas; see the reference.

    `masks[k]` is `2**k`, as wide as `start`. Unless `averaged`, signs are not kept, and the averages are empty.
    """
    horizon, width = steps.size, masks.size
    one = bound / bound
    x = np.full(count, start)
    partial = np.zeros_like(x)
    total = np.zeros(count if averaged else 0)
    words = np.empty(count, np.uint64)
    lanes = np.empty(count, masks.dtype)
    strong = np.empty(width, x.dtype)
    weak = np.empty(width, x.dtype)
    if not averaged:
        x = np.abs(x)
    for begin in range(0, horizon, width):
        chunk, part = divmod(begin, CHUNK)
        if part == 0:
            if averaged:
                total += partial
                partial[:] = 0
            _fill_words(words, seed, first, np.uint64(chunk), antithetic)
        _fill_lanes(lanes, words, np.uint64(part))
        n = min(width, horizon - begin)
        for k in range(n):
            strong[k] = steps[begin + k] * strong_push
            weak[k] = steps[begin + k] * weak_push
        fused = n - n % 4
        for k in range(0, fused, 4):
            if averaged:
                _advance_four_signed(x, partial, lanes, masks, strong, weak, uintp(k), bound, one)
            else:
                _advance_four(x, lanes, masks, strong, weak, uintp(k), bound)
        for k in range(fused, n):
            if averaged:
                _advance_one_signed(x, partial, lanes, masks[k], strong[k], weak[k], bound, one)
            else:
                _advance_one(x, lanes, masks[k], strong[k], weak[k], bound)
    if averaged:
        total += partial
    return x, total / horizon


@njit(nogil=True, cache=CACHE)
def gaussian_chunk(x, total, steps, eps, noise, xi, bound):
    """Advance `x` and add its iterates to `total`, in place; see the reference."""
    one = bound / bound
    drift = (steps * eps).astype(x.dtype)
    scale = (steps * noise).astype(x.dtype)
    partial = np.zeros_like(x)
    for k in range(steps.size):
        for ii in range(x.size):
            i = uintp(ii)
            x[i] = _signed(x[i], drift[k] + scale[k] * xi[k, i], bound, one)
            partial[i] += x[i]
    total += partial
