"""Few configurations: the replicas of one lie side by side in a vector, each with its own random bits.

The bits of a chunk of steps are one word a replica. `advance` takes four steps per pass, so that a state is loaded and
stored less often, as numba compiles it for any processor; `lrtheory.simulation.simd_kernels` has it for some. No
floating-point operation is reordered or contracted, so results are those of the reference, bit for bit, on every machine.
All functions that are called from outside release the interpreter lock.
"""

import math

import numpy as np
from numba import njit, uintp

from lrtheory.compilation import CACHE
from lrtheory.simulation import simd_kernels
from lrtheory.simulation.streams import CHUNK, antithetic_state, replica_state, word

# The cache of compiled code looks at this file only: change it when you change `streams` or `simd_kernels`.
# Unsigned indices throughout: for signed ones the compiler adds a wrap-around test to every access.


@njit
def _fill_states(states, flips, seed, first, antithetic):
    """What the words of the replicas depend on, besides the chunk."""
    for ii in range(states.size):
        i = uintp(ii)
        replica = np.uint64(first + i)
        if antithetic:
            states[i], flips[i] = antithetic_state(seed, replica)
        else:
            states[i], flips[i] = replica_state(seed, replica), np.uint64(0)


@njit
def _fill_words(words, states, flips, chunk):
    for ii in range(words.size):
        i = uintp(ii)
        words[i] = word(states[i], chunk) ^ flips[i]


@njit
def _fill_lanes(lanes, words, shift):
    for ii in range(words.size):
        i = uintp(ii)
        lanes[i] = words[i] >> shift


@njit
def _pair_lanes(lanes, words, second):
    """The bits of 32 steps: those of the first half of the replicas in even lanes, those of the others in odd ones."""
    low, wide = np.uint64(0xFFFFFFFF), np.uint64(32)
    half = uintp(lanes.size)
    for ii in range(lanes.size):
        i = uintp(ii)
        if second:
            lanes[i] = (words[i] >> wide) | (words[i + half] & ~low)
        else:
            lanes[i] = (words[i] & low) | (words[i + half] << wide)


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


@njit
def advance(x, lanes, masks, strong, weak, steps, bound):
    """Take some steps of the distances `x` from 0, at most as many as a lane has bits."""
    fused = steps - steps % 4
    for k in range(0, fused, 4):
        _advance_four(x, lanes, masks, strong, weak, uintp(k), bound)
    for k in range(fused, steps):
        _advance_one(x, lanes, masks[k], strong[k], weak[k], bound)


@njit
def advance_signed(x, partial, lanes, masks, strong, weak, steps, bound, one):
    """As `advance`, with signs, adding the iterates to `partial`."""
    fused = steps - steps % 4
    for k in range(0, fused, 4):
        _advance_four_signed(x, partial, lanes, masks, strong, weak, uintp(k), bound, one)
    for k in range(fused, steps):
        _advance_one_signed(x, partial, lanes, masks[k], strong[k], weak[k], bound, one)


@njit
def _fill_table(table, pushes, indexed, strong, weak, steps):
    """The pushes of each step, a row of `pushes`: entry `j` is that of the bit with which `j` decides the step."""
    for k in range(table.size // pushes):
        bit = k % indexed
        for j in range(pushes):
            push = -strong[k] if (j >> bit) & 1 else -weak[k]
            table[k * pushes + j] = push if k < steps else 0  # a step of zero changes nothing


@njit(nogil=True, cache=CACHE)
def rademacher_block(
    steps, strong_push, weak_push, start, bound, masks, seed, first, count, antithetic, averaged, together
):
    """Last and averaged iterate of `count` replicas; see the reference.

    `masks[k]` is `2**k`, as wide as `start`. Unless `averaged`, signs are not kept, and the averages are empty. `together` is
    what `simd_kernels.alone` says, or zeros for the portable form.
    """
    at_once, pushes, indexed = together
    horizon, width = steps.size, masks.size
    padded = count if at_once == 0 else -(-count // at_once) * at_once
    one = bound / bound
    x = np.full(padded, start)
    partial = np.zeros(padded if averaged else 0, x.dtype)
    total = np.zeros(partial.size)
    words, states, flips = np.empty(padded, np.uint64), np.empty(padded, np.uint64), np.empty(padded, np.uint64)
    lanes = np.empty(padded, masks.dtype)
    strong, weak = np.empty(width, x.dtype), np.empty(width, x.dtype)
    table = np.empty(width * pushes, x.dtype)
    _fill_states(states, flips, seed, first, antithetic)
    if not averaged:
        x = np.abs(x)
    for begin in range(0, horizon, width):
        chunk, part = divmod(begin, CHUNK)
        if part == 0:
            if averaged:
                total += partial
                partial[:] = 0
            _fill_words(words, states, flips, np.uint64(chunk))
        n = min(width, horizon - begin)
        for k in range(n):
            strong[k] = steps[begin + k] * strong_push
            weak[k] = steps[begin + k] * weak_push
        if at_once:
            _pair_lanes(lanes.view(np.uint64), words, part > 0)
            _fill_table(table, pushes, indexed, strong, weak, n)
            simd_kernels.advance_alone(x, lanes, table, bound, -(-n // indexed), one)  # pyright: ignore
            continue
        _fill_lanes(lanes, words, np.uint64(part))
        if averaged:
            advance_signed(x, partial, lanes, masks, strong, weak, n, bound, one)
        else:
            advance(x, lanes, masks, strong, weak, n, bound)
    if averaged:
        total += partial
    if at_once:
        x = np.concatenate((x[::2], x[1::2]))[:count]
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
