"""The simulators, compiled: the functions of `lrtheory.simulation.reference`, bit for bit, in a form that is fast.

What makes them fast is layout, not tricks: replicas (or configurations) lie side by side in memory, so that the
inner loops run in SIMD lanes; a few steps are taken per pass, so that a state is loaded and stored less often; the
noise of 64 steps is one word.  No floating-point operation is reordered or contracted, so the bits of a result do
not depend on the machine.  All functions release the interpreter lock.
"""

import math

import numpy as np
from numba import njit, uintp

from lrtheory.simulation.problems import ABSOLUTE, HINGE, SQUARED
from lrtheory.simulation.streams import CHUNK, replica_state, word

COLUMNS = 32
"""Configurations of a finite sum that run side by side; a constant, so that loops over them become straight lines."""

_ROW1, _ROW2, _ROW3 = np.uint64(COLUMNS), np.uint64(2 * COLUMNS), np.uint64(3 * COLUMNS)

# The cache of compiled code looks at this file only: change it when you change `streams` or the codes of the losses.
# Unsigned indices throughout: for signed ones the compiler adds a wrap-around test to every access.


@njit
def _fill_words(words, seed, first, chunk):
    for ii in range(words.size):
        i = uintp(ii)
        words[i] = word(replica_state(seed, np.uint64(first + i)), chunk)


@njit
def _fill_lanes(lanes, words, shift):
    for ii in range(words.size):
        i = uintp(ii)
        lanes[i] = words[i] >> shift


@njit
def _step(x, push, bound, one):
    # copysign is one bit operation in a lane; x is never -0, so this is "x - push if x >= 0 else x + push".
    x = x - math.copysign(one, x) * push
    x = x if x < bound else bound
    return x if x > -bound else -bound


@njit
def _advance_four(x, partial, lanes, masks, strong, weak, first, bound, one):
    mask0, mask1, mask2, mask3 = masks[first], masks[first + 1], masks[first + 2], masks[first + 3]
    strong0, strong1, strong2, strong3 = strong[first], strong[first + 1], strong[first + 2], strong[first + 3]
    weak0, weak1, weak2, weak3 = weak[first], weak[first + 1], weak[first + 2], weak[first + 3]
    for ii in range(x.size):
        i = uintp(ii)
        y, total, bits = x[i], partial[i], lanes[i]
        y = _step(y, strong0 if bits & mask0 else weak0, bound, one)
        total += y
        y = _step(y, strong1 if bits & mask1 else weak1, bound, one)
        total += y
        y = _step(y, strong2 if bits & mask2 else weak2, bound, one)
        total += y
        y = _step(y, strong3 if bits & mask3 else weak3, bound, one)
        total += y
        x[i], partial[i] = y, total


@njit
def _advance_one(x, partial, lanes, mask, strong, weak, bound, one):
    for ii in range(x.size):
        i = uintp(ii)
        x[i] = _step(x[i], strong if lanes[i] & mask else weak, bound, one)
        partial[i] += x[i]


@njit(nogil=True, cache=True)
def rademacher_block(steps, eps, noise, start, bound, masks, seed, first, count):
    """Last and averaged iterate of `count` replicas; see the reference.  `masks[k]` is `2**k`, as wide as `start`."""
    horizon, width = steps.size, masks.size
    one = bound / bound
    x = np.full(count, start)
    partial = np.zeros_like(x)
    total = np.zeros(count)
    words = np.empty(count, np.uint64)
    lanes = np.empty(count, masks.dtype)
    strong = np.empty(width, x.dtype)
    weak = np.empty(width, x.dtype)
    for begin in range(0, horizon, width):
        chunk, part = divmod(begin, CHUNK)
        if part == 0:
            total += partial
            partial[:] = 0
            _fill_words(words, seed, first, np.uint64(chunk))
        _fill_lanes(lanes, words, np.uint64(part))
        n = min(width, horizon - begin)
        for k in range(n):
            strong[k] = steps[begin + k] * (eps + noise)
            weak[k] = steps[begin + k] * (eps - noise)
        fused = n - n % 4
        for k in range(0, fused, 4):
            _advance_four(x, partial, lanes, masks, strong, weak, uintp(k), bound, one)
        for k in range(fused, n):
            _advance_one(x, partial, lanes, masks[k], strong[k], weak[k], bound, one)
    return x, (total + partial) / horizon


@njit(nogil=True, cache=True)
def gaussian_chunk(x, total, steps, eps, noise, xi, bound):
    """Advance `x` and add its iterates to `total`, in place; see the reference."""
    one = bound / bound
    drift = (steps * eps).astype(x.dtype)
    scale = (steps * noise).astype(x.dtype)
    partial = np.zeros_like(x)
    for k in range(steps.size):
        for ii in range(x.size):
            i = uintp(ii)
            x[i] = _step(x[i], drift[k] + scale[k] * xi[k, i], bound, one)
            partial[i] += x[i]
    total += partial


@njit
def _lagrange(theta):
    """Weights of the nodes -1, 0, 1, 2 at the point `theta` between 0 and 1."""
    left, right = theta + 1, theta - 1
    far = theta - 2
    return (
        -theta * right * far * (1 / 6),
        left * right * far * (1 / 2),
        -left * theta * far * (1 / 2),
        left * theta * right * (1 / 6),
    )


@njit(error_model="numpy", fastmath={"contract"})
def _mean_of_shifts(values, padded, margin, shift1, shift2):
    base1, base2 = math.floor(shift1), math.floor(shift2)
    a0, a1, a2, a3 = _lagrange(shift1 - base1)
    b0, b1, b2, b3 = _lagrange(shift2 - base2)
    first1, first2 = uintp(margin + base1 - 1), uintp(margin + base2 - 1)
    one, two, three = uintp(1), uintp(2), uintp(3)
    for ii in range(values.size):
        i, j = first1 + uintp(ii), first2 + uintp(ii)
        left = a0 * padded[i] + a1 * padded[i + one] + a2 * padded[i + two] + a3 * padded[i + three]
        right = b0 * padded[j] + b1 * padded[j + one] + b2 * padded[j + two] + b3 * padded[j + three]
        values[uintp(ii)] = 0.5 * (left + right)


@njit
def _pad(padded, margin, values, left, right, reflect, slope):
    """Copy the values, with as many nodes to their left and right as a shift will read."""
    n = values.size - 1
    origin, end = uintp(margin), uintp(margin + n)
    for ii in range(n + 1):
        padded[origin + uintp(ii)] = values[uintp(ii)]
    mirrored = min(left, n) if reflect else 0
    for ii in range(1, mirrored + 1):
        padded[origin - uintp(ii)] = values[uintp(ii)]
    beyond = values[n] if reflect else values[0]
    for ii in range(mirrored + 1, left + 1):
        padded[origin - uintp(ii)] = beyond
    for ii in range(1, right + 1):
        padded[end + uintp(ii)] = values[n] + ii * slope


@njit
def _double_window(values, spacing, slope):
    half = (values.size - 1) // 2
    for i in range(half + 1):
        values[i] = values[2 * i]
    for i in range(1, half + 1):
        values[half + i] = values[half] + i * slope * spacing


@njit
def _merge(bottom, top, spacing):
    n = bottom.size - 1
    half = n // 2
    for i in range(half):
        bottom[n - i] += top[i] - (top[half] + (half - i) * spacing)


@njit
def _value_at(padded, margin, position):
    base = math.floor(position)
    w0, w1, w2, w3 = _lagrange(position - base)
    i = margin + int(base)
    return w0 * padded[i - 1] + w1 * padded[i] + w2 * padded[i + 1] + w3 * padded[i + 2]


@njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract"})
def expected_distance(steps, eps, noise, start, bound, nodes, reach):
    """Mean of the last `|x|` by the backward recursion; see the reference."""
    if noise == 0:
        for t in range(steps.size):
            start = min(abs(start - steps[t] * eps), bound)
        return start
    window = bound
    while window / 2 >= 2 * steps[-1] * (eps + reach * noise):
        window /= 2
    spacing = window / nodes
    margin = 2 * nodes + 4
    padded = np.empty(2 * margin + nodes + 1)
    bottom = np.arange(nodes + 1) * spacing
    top = -bottom
    drift = variance = 0.0
    for t in range(steps.size - 1, -1, -1):
        drift += steps[t] * eps
        variance += (steps[t] * noise) ** 2
        while window < bound and drift + reach * math.sqrt(variance) > window:
            window, spacing = 2 * window, 2 * spacing
            _double_window(bottom, spacing, 1)
            _double_window(top, spacing, -1)
            if window >= bound:
                _merge(bottom, top, spacing)
        # A push beyond 2 * bound ends at the bound from everywhere.
        strong = min(steps[t] * (eps + noise), 2 * bound) / spacing
        weak = max(min(steps[t] * (eps - noise), 2 * bound), -2 * bound) / spacing
        towards, away = int(strong) + 3, int(max(-weak, 0.0)) + 3
        layered = window < bound
        _pad(padded, margin, bottom, towards, away, True, spacing if layered else 0.0)
        _mean_of_shifts(bottom, padded, margin, -strong, -weak)
        if layered:
            _pad(padded, margin, top, away, towards, False, -spacing)
            _mean_of_shifts(top, padded, margin, strong, weak)
    if window >= bound or start <= window:
        _pad(padded, margin, bottom, 2, 2, True, spacing if window < bound else 0.0)
        return _value_at(padded, margin, start / spacing)
    if start >= bound - window:
        _pad(padded, margin, top, 2, 2, False, -spacing)
        return bound + _value_at(padded, margin, (bound - start) / spacing)
    return start - drift


@njit
def _slopes(loss, margins, target, out):
    """Derivatives of the loss of one sample at the margins of all configurations."""
    if loss == ABSOLUTE:
        for k in range(out.size):
            out[k] = 1 if margins[k] >= target else -1
    elif loss == HINGE:
        for k in range(out.size):
            out[k] = -target if target * margins[k] < 1 else 0
    elif loss == SQUARED:
        for k in range(out.size):
            out[k] = margins[k] - target
    else:
        for k in range(out.size):
            margin = np.float64(target * margins[k])
            decay = math.exp(-abs(margin))
            out[k] = -target * (decay if margin >= 0 else 1.0) / (1.0 + decay)


@njit
def _margins(x, sample, partial, margins):
    """Predictions of all columns for one sample; `partial += x` on the way, while `x` is at hand."""
    margins[:] = 0
    for j in range(0, sample.size, 4):
        feature0, feature1, feature2, feature3 = sample[j], sample[j + 1], sample[j + 2], sample[j + 3]
        row = uintp(j * COLUMNS)
        for kk in range(COLUMNS):
            k = uintp(kk)
            at0, at1, at2, at3 = row + k, row + k + _ROW1, row + k + _ROW2, row + k + _ROW3
            x0, x1, x2, x3 = x[at0], x[at1], x[at2], x[at3]
            margins[k] = margins[k] + feature0 * x0 + feature1 * x1 + feature2 * x2 + feature3 * x3
            partial[at0] += x0
            partial[at1] += x1
            partial[at2] += x2
            partial[at3] += x3


@njit
def _flush(partial, total, t):
    """At the end of a chunk; `partial` lags one step behind."""
    if t % CHUNK == 1:
        total += partial
        partial[:] = 0


@njit
def _descend(x, sample, pushes, squares):
    """One step of all columns before projection, and their squared norms after it."""
    squares[:] = 0
    for j in range(0, sample.size, 4):
        feature0, feature1, feature2, feature3 = sample[j], sample[j + 1], sample[j + 2], sample[j + 3]
        row = uintp(j * COLUMNS)
        for kk in range(COLUMNS):
            k = uintp(kk)
            at0, at1, at2, at3 = row + k, row + k + _ROW1, row + k + _ROW2, row + k + _ROW3
            push = pushes[k]
            x0, x1 = x[at0] - feature0 * push, x[at1] - feature1 * push
            x2, x3 = x[at2] - feature2 * push, x[at3] - feature3 * push
            x[at0], x[at1], x[at2], x[at3] = x0, x1, x2, x3
            squares[k] = squares[k] + x0 * x0 + x1 * x1 + x2 * x2 + x3 * x3


@njit
def _project(x, squares, radius):
    for k in range(COLUMNS):
        if squares[k] > radius * radius:
            scale = radius / np.sqrt(squares[k])
            for at in range(k, x.size, COLUMNS):
                x[at] *= scale


@njit(nogil=True, cache=True)
def finite_sum_path(features, targets, loss, steps, rows, radius):
    """Last and averaged iterate of every column, at most `COLUMNS` of them; see the reference."""
    dimension = features.shape[1]
    horizon, columns = steps.shape
    padded = dimension + -dimension % 4  # rows of zeros change no sum, columns without steps stay at zero
    x = np.zeros(padded * COLUMNS, features.dtype)
    partial, total = np.zeros_like(x), np.zeros(x.size)
    sample = np.zeros(padded, x.dtype)
    margins, pushes, squares = np.empty_like(x[:COLUMNS]), np.zeros_like(x[:COLUMNS]), np.empty_like(x[:COLUMNS])
    for t in range(horizon):
        _flush(partial, total, t)
        sample[:dimension] = features[rows[t]]
        _margins(x, sample, partial, margins)
        _slopes(loss, margins, targets[rows[t]], pushes)
        pushes[:columns] *= steps[t]
        pushes[columns:] = 0
        _descend(x, sample, pushes, squares)
        _project(x, squares, radius)
    _flush(partial, total, horizon)
    partial += x
    averaged = (total + partial) / horizon
    return (
        x.reshape(padded, COLUMNS)[:dimension, :columns].copy(),
        averaged.reshape(padded, COLUMNS)[:dimension, :columns].copy(),
    )
