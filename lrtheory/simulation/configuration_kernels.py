r"""Many configurations at once: they lie side by side in a vector and share the noise of a replica.

A step of :math:`\epsilon|x|` pushes towards zero or away from it by one of two amounts, whatever the sign of ``x``: the
noise is symmetric. So ``|x|`` is a walk of its own,

.. math:: y_{t+1} = \min(|y_t + v_t|, D/2), \qquad v_t = -\eta_t(\epsilon\pm\sigma),

and where all configurations of a replica take their sign from one random bit, the bit chooses between two rows of a table
that holds the pushes of a step: no lane asks for anything of its own. Where the average of the iterates is wanted, signs
are kept, by one operation more: the push takes the sign of ``x``.

`advance` is the inner loop as numba compiles it for any processor; `lrtheory.simulation.simd_kernels` has it for some.
Both, and `lrtheory.simulation.replica_kernels`, agree with the reference to the bit.
"""

import math

import numpy as np
from numba import njit, uintp

from lrtheory.compilation import CACHE
from lrtheory.simulation import simd_kernels
from lrtheory.simulation.streams import CHUNK, antithetic_state, replica_state, word

BLOCK = 1920
"""Replicas whose results are summed together; the sums of blocks are merged in their order."""

WIDEST = 512
"""Configurations in a tile of the portable form, at most: as many as keep its loops long and its state in the cache."""

_CACHE = 2**18  # bytes of state that a tile may hold

# The cache of compiled code looks at this file only: change it when you change `streams` or `simd_kernels`.
# Unsigned indices throughout: for signed ones the compiler adds a wrap-around test to every access.


@njit
def _aligned(size, like):
    """An array that starts on a cache line, of the other's precision."""
    room = np.empty(size + 64 // like.itemsize, like.dtype)
    skipped = (-room.ctypes.data % 64) // like.itemsize
    return room[skipped : skipped + size]


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
def _fill_row(table, weak_row, strong_row, lrs, strong, weak, low, high, shape):
    for ii in range(low, high):
        i = uintp(ii)
        lr = lrs[i] * shape
        table[weak_row + i] = -(lr * weak[i])
        table[strong_row + i] = -(lr * strong[i])


@njit
def _fill_table(table, shapes, kinds, lrs, strong, weak, begin, steps):
    """The pushes of each step: a row for bits that are not set, then one for bits that are."""
    width = lrs.size
    low = 0
    while low < width:  # configurations with the same schedule lie side by side
        high = low + 1
        while high < width and kinds[high] == kinds[low]:
            high += 1
        for k in range(steps):
            row = uintp(2 * k * width)
            shape = shapes[kinds[low], begin + k]
            _fill_row(table, row, row + uintp(width), lrs, strong, weak, low, high, shape)
        low = high


@njit
def _row(bits, step, width):
    """Where the row of the table begins that the bit of a step chooses."""
    return (uintp(2) * step + ((bits >> step) & uintp(1))) * width


@njit(fastmath={"contract"})
def _folded(y, push, bound, one):
    # Times one: a multiply-add takes other pipes of the processor than the minimum.
    y = abs(y * one + push)
    return y if y < bound else bound


@njit(fastmath={"contract"})
def _signed(x, push, bound, one):
    # copysign is one bit operation in a lane; x is never -0.
    x = x + math.copysign(one, x) * push
    x = x if x < bound else bound
    return x if x > -bound else -bound


@njit
def _advance_four(x, table, bounds, at, row0, row1, row2, row3, width, one):
    for ii in range(width):
        i = uintp(ii)
        bound = bounds[i]
        y = _folded(x[at + i], table[row0 + i], bound, one)
        y = _folded(y, table[row1 + i], bound, one)
        y = _folded(y, table[row2 + i], bound, one)
        x[at + i] = _folded(y, table[row3 + i], bound, one)


@njit
def _advance_one(x, table, bounds, at, row, width, one):
    for ii in range(width):
        i = uintp(ii)
        x[at + i] = _folded(x[at + i], table[row + i], bounds[i], one)


@njit
def advance(x, table, words, bounds, rows, steps, one):
    """Take the steps of a chunk; `x` has `rows` rows of as many configurations as there are bounds."""
    width = uintp(bounds.size)
    fused = steps - steps % 4
    for kk in range(0, steps, 4):
        k = uintp(kk)
        for mm in range(rows):
            m = uintp(mm)
            bits, at = words[m], m * width
            if kk < fused:
                row0, row1 = _row(bits, k, width), _row(bits, k + uintp(1), width)
                row2, row3 = _row(bits, k + uintp(2), width), _row(bits, k + uintp(3), width)
                _advance_four(x, table, bounds, at, row0, row1, row2, row3, bounds.size, one)
            else:
                for tail in range(kk, steps):
                    _advance_one(x, table, bounds, at, _row(bits, uintp(tail), width), bounds.size, one)


@njit
def _advance_two_signed(x, partial, table, bounds, at, row0, row1, width, one):
    for ii in range(width):
        i = uintp(ii)
        bound = bounds[i]
        first = _signed(x[at + i], table[row0 + i], bound, one)
        second = _signed(first, table[row1 + i], bound, one)
        partial[at + i] = (partial[at + i] + first) + second
        x[at + i] = second


@njit
def _advance_one_signed(x, partial, table, bounds, at, row, width, one):
    for ii in range(width):
        i = uintp(ii)
        x[at + i] = _signed(x[at + i], table[row + i], bounds[i], one)
        partial[at + i] += x[at + i]


@njit
def advance_signed(x, partial, table, words, bounds, rows, steps, one):
    """As `advance`, with signs, adding the iterates to `partial`."""
    width = uintp(bounds.size)
    for kk in range(0, steps, 2):
        k = uintp(kk)
        for mm in range(rows):
            m = uintp(mm)
            row0, at = _row(words[m], k, width), m * width
            if kk + 1 < steps:
                row1 = _row(words[m], k + uintp(1), width)
                _advance_two_signed(x, partial, table, bounds, at, row0, row1, bounds.size, one)
            else:
                _advance_one_signed(x, partial, table, bounds, at, row0, bounds.size, one)


@njit
def _flush(total, partial):
    for ii in range(total.size):
        i = uintp(ii)
        total[i] += partial[i]
        partial[i] = 0


@njit
def _repeat(values, rows):
    """The same row many times, from the start of a cache line."""
    width = values.size
    filled = _aligned(rows * width, values)
    for row in range(rows):
        for i in range(width):
            filled[row * width + i] = values[i]
    return filled


@njit(nogil=True, cache=CACHE)
def moments(values, width, count, antithetic):
    """Mean and sum of squared deviations of the distances from 0, or of their means over pairs, in every column."""
    means, squares = np.zeros(width), np.zeros(width)
    together = 2 if antithetic else 1
    pairs = count // together
    for squared in (False, True):
        for pair in range(pairs):
            at = pair * together * width
            for ii in range(width):
                i = uintp(ii)
                value = abs(np.float64(values[uintp(at) + i]))
                if antithetic:
                    value = (value + abs(np.float64(values[uintp(at + width) + i]))) / 2
                if squared:
                    squares[i] += (value - means[i]) ** 2
                else:
                    means[i] += value
        if not squared:
            means /= pairs
    return means, squares


@njit(nogil=True, cache=CACHE)
def rademacher_tile(
    shapes, kinds, lrs, strong, weak, starts, bounds, seed, first, count, antithetic, averaged, together
):
    """The distances from 0 of the last and averaged iterates of all configurations, over a block of replicas.

    Configuration `i` takes the steps `lrs[i] * shapes[kinds[i]]`, with pushes of `strong[i]` and `weak[i]` times these,
    from `starts[i]` and within `bounds[i]`, whose precision is that of the iterates. `together` is 0 for the portable
    form, or the number of replicas that the vectors take at once.

    Returns the moments of the distances of the last iterates, and of the averaged ones (zeros unless `averaged`).
    """
    width, horizon = lrs.size, shapes.shape[1]
    one = bounds[0] / bounds[0]
    padded = count if together == 0 else -(-count // together) * together
    last = _repeat(starts if averaged else np.abs(starts), padded)
    averages = np.zeros(padded * width if averaged else 0)
    table = _aligned(2 * CHUNK * width, bounds)
    fitting = _CACHE // (width * bounds.itemsize * (2 if averaged else 1))
    at_once = max(1, fitting // simd_kernels.REPLICAS) * simd_kernels.REPLICAS
    partial = _aligned(min(at_once, padded) * width if averaged else 0, bounds)
    partial[:] = 0
    for low in range(0, padded, at_once):
        rows = min(at_once, padded - low)
        x = last[low * width : (low + rows) * width]
        total = averages[low * width : (low + rows) * width] if averaged else averages
        words, states, flips = np.empty(rows, np.uint64), np.empty(rows, np.uint64), np.empty(rows, np.uint64)
        _fill_states(states, flips, seed, first + low, antithetic)
        for begin in range(0, horizon, CHUNK):
            steps = min(CHUNK, horizon - begin)
            _fill_table(table, shapes, kinds, lrs, strong, weak, begin, steps)
            _fill_words(words, states, flips, np.uint64(begin // CHUNK))
            if averaged:
                if together == 0:
                    advance_signed(x, partial, table, words, bounds, rows, steps, one)
                else:
                    simd_kernels.advance_signed(x, partial, table, words, bounds, rows, steps, one)  # pyright: ignore
                _flush(total, partial)
            elif together == 0:
                advance(x, table, words, bounds, rows, steps, one)
            else:
                simd_kernels.advance(x, partial, table, words, bounds, rows, steps, one)  # pyright: ignore
    averages /= horizon
    last_moments = moments(last, width, count, antithetic)
    averaged_moments = moments(averages, width, count, antithetic) if averaged else (np.zeros(width), np.zeros(width))
    return last_moments, averaged_moments
