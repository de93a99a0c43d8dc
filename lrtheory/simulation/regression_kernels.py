r"""SGD on finite sums at the speed of the machine: the functions of `lrtheory.simulation.regression`, compiled.

**Layout.** The iterates of 32 configurations (16 in double precision) lie side by side, two vector registers a coordinate, and
share the sampled rows: a row's entry is loaded once and multiplies a register of configurations. What limits such a
program is not arithmetic but carrying the iterates through the cache, once for the margins and once for the update.

**Several steps a sweep.** One sweep over the iterates applies the last four steps and computes the margins of the next
four rows :math:`a_1..a_4`. Those are margins of the iterate *before* the four steps; the steps themselves correct
them, exactly, by the products :math:`\langle a_p,a_q\rangle`: after a step :math:`w\to w-\gamma_pa_p` each later margin
falls by :math:`\gamma_p\langle a_p,a_q\rangle`, and

.. math:: \|w-\gamma_pa_p\|^2 = \|w\|^2 - 2\gamma_p\langle a_p,w\rangle + \gamma_p^2\|a_p\|^2

says whether to project, without a look at ``w``.

**The average.** With :math:`\alpha` iterates counted, their sum is kept as :math:`\alpha w+S`. A step that is number
:math:`\alpha+1` then only adds :math:`\alpha\gamma a` to ``S``: the average costs one multiplication more a coordinate
and no sweep of its own. A projection by the factor ``c`` ends that count: the sweep after it *settles*,
:math:`S\to S+\alpha w`, :math:`w\to cw`, :math:`\alpha\to0`, where within the four steps

.. math:: w_p = c_p\,(w_{p-1}-\gamma_pa_p), \qquad w_4 = C_1w_0-\sum_p\gamma_pC_pa_p, \qquad
    \sum_pw_p = B_1w_0-\sum_p\gamma_pB_pa_p,

with :math:`C_p=c_p\cdots c_4` and :math:`B_p=c_p(1+B_{p+1})`, :math:`B_5=0`. Every 256 steps a sweep settles in any
case, which renews the norms, and ``S`` moves to a sum in double precision.

**Mini-batches.** Sweeps compute the margins of eight rows at a time, then apply eight rows at a time.

**What keeps it from the peak.** At d = 1000 the iterates of 32 configurations take 128 kB, more than the first cache holds. In a
sweep of four steps a coordinate is two registers: 16 multiply-adds, 8 cycles of a processor with two 512-bit units, and 128
bytes that come from the second cache and go back to it. Where that moves 48 bytes a cycle in and 32 out (Intel's of this kind),
these are 7 cycles, so 8/15 of the peak where nothing overlaps, and all of it where everything does. *Measured*: 0.50 for single
rows and 0.53 for batches of 32 on an Intel that other work kept busy, 0.72 and 0.81 on an idle AMD. Eight steps a sweep would
halve the traffic, but need 16 registers of margins, 16 of factors and 2 of iterates, where there are 32.

**Accuracy** (*measured*; see the tests). The iterates are those of the reference to rounding, unless rounding decides
on which side of a kink a margin lies.
"""

import math

import numpy as np
from numba import njit, uintp

from lrtheory.compilation import CACHE
from lrtheory.simulation.losses import ABSOLUTE, HINGE, LOGISTIC, SQUARED
from lrtheory.simulation.regression_sweeps import LINE, columns_of, power_of_two, sweep
from lrtheory.simulation.streams import replica_state, word

# The cache of compiled code looks at this file only: change it when you change `streams`, `regression_sweeps` or the codes
# of the losses.

_STEPS = 4  # a sweep, one row a step
_ROWS = 8  # a sweep, mini-batches
_SETTLE = 256  # steps; a single-precision sum of so many iterates is exact to about 1e-6
_FACTORS = 512  # of at most 2 each: their product stays below the largest double
_FAST = {"contract", "nnan", "nsz"}

_coast = sweep(updates=_STEPS, average=True, dots=_STEPS)
_coast_without_sums = sweep(updates=_STEPS, dots=_STEPS)
_settle = sweep(settle=True, updates=_STEPS, average=True, squares=True, dots=_STEPS)
_begin_batch = sweep(settle=True, dots=_ROWS)
_look = sweep(dots=_ROWS)
_apply = sweep(updates=_ROWS)
_apply_last = sweep(updates=_ROWS, squares=True)


@njit
def _aligned(rows, like):
    """Zeros for `rows` sets of columns, in the type of `like`, on a boundary of the cache's lines."""
    width = columns_of(like)
    raw = np.zeros((rows + 1) * width, like.dtype)
    skip = -(raw.ctypes.data // like.itemsize) % (LINE // like.itemsize)
    return raw[skip : skip + rows * width]


@njit(inline="always")
def _decay(margin, kind):
    """`exp(-|margin|)` to a few units in the last place, in operations that have vector forms; `exp(-87)` beyond."""
    x = -min(abs(margin), kind(87))
    n = np.floor(x * kind(1 / math.log(2)) + kind(0.5))
    r = x - n * kind(math.log(2))
    # Taylor's polynomial: |r| < 0.35, so the first term left out is 5e-9 or 4e-18.
    y = kind(1 / 5040)
    if kind(1e-9) + kind(1) > kind(1):  # double precision
        y = kind(1 / 6227020800)
        y = y * r + kind(1 / 479001600)
        y = y * r + kind(1 / 39916800)
        y = y * r + kind(1 / 3628800)
        y = y * r + kind(1 / 362880)
        y = y * r + kind(1 / 40320)
        y = y * r + kind(1 / 5040)
    y = y * r + kind(1 / 720)
    y = y * r + kind(1 / 120)
    y = y * r + kind(1 / 24)
    y = y * r + kind(1 / 6)
    y = y * r + kind(1 / 2)
    y = y * r + kind(1)
    return (y * r + kind(1)) * power_of_two(n)


@njit(inline="always")
def _slope(loss, margin, target, kind):
    """Derivative of the loss of one sample in its margin."""
    if loss == ABSOLUTE:
        slope = kind(1) if margin >= target else kind(-1)
    elif loss == HINGE:
        slope = -target if target * margin < kind(1) else kind(0)
    elif loss == SQUARED:
        slope = margin - target
    else:
        decay = _decay(margin, kind)
        slope = -target * (decay if target * margin >= kind(0) else kind(1)) / (kind(1) + decay)
    return slope


def _coasting(loss):
    """Four steps of all columns as if no iterate left the ball, for one loss; says whether none did.

    One straight loop a loss: the compiler turns it into vectors.  `norms` stay as they are, for a second try with
    projections; `renewed` are those after the steps, `peaks` the largest on the way.
    """

    @njit(fastmath=_FAST, error_model="numpy")
    def coasting(margins, targets, steps, at, products, radius, counted, norms, renewed, peaks, moves, shares):
        width = uintp(columns_of(margins))
        kind = margins.dtype.type
        two, three, at = uintp(2 * width), uintp(3 * width), uintp(at)
        s00, s11, s22, s33 = products[0, 0], products[1, 1], products[2, 2], products[3, 3]
        s01, s02, s03, s12, s13, s23 = (
            products[0, 1], products[0, 2], products[0, 3], products[1, 2], products[1, 3], products[2, 3]
        )  # fmt: skip
        y0, y1, y2, y3 = targets[0], targets[1], targets[2], targets[3]
        w0, w1, w2, w3 = kind(counted), kind(counted + 1), kind(counted + 2), kind(counted + 3)
        twice = kind(2)
        for kk in range(columns_of(margins)):
            k = uintp(kk)
            m0, m1, m2, m3 = margins[k], margins[width + k], margins[two + k], margins[three + k]
            norm = norms[k]
            push = _slope(loss, m0, y0, kind) * steps[at + k]
            moves[k], shares[k] = -push, w0 * push
            m1, m2, m3 = m1 - s01 * push, m2 - s02 * push, m3 - s03 * push
            norm = norm - twice * push * m0 + push * push * s00
            peak = norm
            push = _slope(loss, m1, y1, kind) * steps[at + width + k]
            moves[width + k], shares[width + k] = -push, w1 * push
            m2, m3 = m2 - s12 * push, m3 - s13 * push
            norm = norm - twice * push * m1 + push * push * s11
            peak = max(peak, norm)
            push = _slope(loss, m2, y2, kind) * steps[at + two + k]
            moves[two + k], shares[two + k] = -push, w2 * push
            m3 = m3 - s23 * push
            norm = norm - twice * push * m2 + push * push * s22
            peak = max(peak, norm)
            push = _slope(loss, m3, y3, kind) * steps[at + three + k]
            moves[three + k], shares[three + k] = -push, w3 * push
            norm = norm - twice * push * m3 + push * push * s33
            renewed[k], peaks[k] = norm, max(peak, norm)
        largest = kind(0)
        for kk in range(columns_of(margins)):
            largest = max(largest, peaks[uintp(kk)])
        return largest <= radius * radius

    return coasting


_coasting_absolute, _coasting_hinge = _coasting(ABSOLUTE), _coasting(HINGE)
_coasting_squared, _coasting_logistic = _coasting(SQUARED), _coasting(LOGISTIC)


@njit(fastmath=_FAST, error_model="numpy")
def _slopes(loss, margins, begin, target, slopes):
    """Derivatives of the loss of one sample at its margins, which begin there."""
    for kk in range(columns_of(slopes)):
        k = begin + uintp(kk)
        slopes[k] = _slope(loss, margins[k], target, slopes.dtype.type)


@njit(fastmath=_FAST, error_model="numpy")
def _settling(
    loss, margins, targets, steps, first, products, radius, counted, count, norms, pushes, shrinks, scale, weight, moves, shares
):  # fmt: skip
    """The first `count` of four steps of all columns, with projections: what the sweep that settles needs.

    The sums `B` and the products `C` of the module build up in `weight` and `scale`, from the last step back.
    """
    width = columns_of(margins)
    kind = margins.dtype.type
    scale[:] = kind(1)
    weight[:] = kind(0)
    moves[:] = kind(0)
    shares[:] = kind(0)
    for p in range(count):
        square, begin = products[p, p], uintp(p * width)
        _slopes(loss, margins, begin, targets[p], moves)
        for kk in range(width):
            k, at = uintp(kk), begin + uintp(kk)
            push = moves[at] * steps[uintp(first) + at]
            norm = norms[k] - kind(2) * push * margins[at] + push * push * square
            shrink = radius / max(math.sqrt(max(norm, kind(0))), radius)
            pushes[k] = push
            moves[at] = -push
            shrinks[at] = shrink
            norms[k] = norm * shrink * shrink
        for q in range(p + 1, count):
            product, later = products[p, q], uintp(q * width)
            for kk in range(width):
                k = uintp(kk)
                margins[later + k] = shrinks[begin + k] * (margins[later + k] - product * pushes[k])
    for p in range(count - 1, -1, -1):
        begin = uintp(p * width)
        for kk in range(width):
            k, at = uintp(kk), begin + uintp(kk)
            scale[k] *= shrinks[at]
            weight[k] = shrinks[at] * (kind(1) + weight[k])
            shares[at] = moves[at] * weight[k]
            moves[at] *= scale[k]
    for kk in range(width):
        weight[uintp(kk)] += kind(counted)


@njit(fastmath=True)
def _inner_products(features, rows, products):
    """Inner products of the four rows of a sweep, where `p <= q`."""
    dimension = uintp(features.shape[1])
    flat = features.reshape(-1)
    a, b, c, d = (
        uintp(rows[0]) * dimension,
        uintp(rows[1]) * dimension,
        uintp(rows[2]) * dimension,
        uintp(rows[3]) * dimension,
    )
    ab = ac = ad = bc = bd = cd = products.dtype.type(0)
    for jj in range(features.shape[1]):
        j = uintp(jj)
        aj, bj, cj, dj = flat[a + j], flat[b + j], flat[c + j], flat[d + j]
        ab += aj * bj
        ac += aj * cj
        ad += aj * dj
        bc += bj * cj
        bd += bj * dj
        cd += cj * dj
    products[0, 1], products[0, 2], products[0, 3], products[1, 2], products[1, 3], products[2, 3] = (
        ab,
        ac,
        ad,
        bc,
        bd,
        cd,
    )


@njit
def _row(state, index, samples):
    """Row number `index` of a replica, as `streams.rows` draws it."""
    return np.int64(np.float64(word(state, np.uint64(index)) >> np.uint64(11)) * (samples / 2.0**53))


@njit
def _flush(sums, total):
    for ii in range(sums.size):
        i = uintp(ii)
        total[i] += sums[i]
        sums[i] = 0


@njit(nogil=True, cache=CACHE)
def path(features, norms_of_rows, targets, loss, steps, seed, replica, radius, averaged):
    """Last and averaged iterates of one replica, all columns; see the reference.

    `steps` are flat, step by step; results are flat, coordinate by coordinate.  The averages are meaningless unless
    `averaged`.
    """
    width = columns_of(features)
    samples, dimension = features.shape
    horizon = steps.size // width
    state = replica_state(seed, np.uint64(replica))
    x, sums, total = _aligned(dimension, features), _aligned(dimension, features), np.zeros(dimension * width)
    moves, shares, margins, shrinks = (
        _aligned(_STEPS, features), _aligned(_STEPS, features), _aligned(_STEPS, features), _aligned(_STEPS, features)
    )  # fmt: skip
    norms, renewed, peaks, pushes = (
        _aligned(1, features), _aligned(1, features), _aligned(1, features), _aligned(1, features)
    )  # fmt: skip
    scale, weight = _aligned(1, features), _aligned(1, features)
    old, new, ahead = np.zeros(_STEPS, np.int64), np.zeros(_STEPS, np.int64), np.zeros(_STEPS, np.int64)
    labels = np.zeros(_STEPS, features.dtype)
    for p in range(_STEPS):
        ahead[p] = _row(state, p, samples)
    products = np.zeros((_STEPS, _STEPS), features.dtype)
    coasts, counted = False, 0
    for begin in range(0, horizon + _STEPS, _STEPS):
        for p in range(_STEPS):
            old[p] = new[p]
            new[p] = ahead[p]
            ahead[p] = _row(state, begin + _STEPS + p, samples)
            labels[p], products[p, p] = targets[new[p]], norms_of_rows[new[p]]
        if coasts and averaged:
            _coast(x, sums, features, old, new, ahead, 0, moves, shares, scale, weight, margins, norms)
        elif coasts:
            _coast_without_sums(x, sums, features, old, new, ahead, 0, moves, shares, scale, weight, margins, norms)
        if coasts:
            norms, renewed = renewed, norms
            counted += _STEPS
        else:
            _settle(x, sums, features, old, new, ahead, 0, moves, shares, scale, weight, margins, norms)
            counted = 0
        if begin % _SETTLE == 0 or begin >= horizon:
            _flush(sums, total)
        _inner_products(features, new, products)
        following, first = begin + _STEPS, begin * width
        coasts = following % _SETTLE > 0 and following < horizon
        # Arguments in a tuple would be counted in and out, one atomic operation each.
        if coasts and loss == ABSOLUTE:
            coasts = _coasting_absolute(
                margins, labels, steps, first, products, radius, counted, norms, renewed, peaks, moves, shares
            )  # fmt: skip
        elif coasts and loss == HINGE:
            coasts = _coasting_hinge(
                margins, labels, steps, first, products, radius, counted, norms, renewed, peaks, moves, shares
            )  # fmt: skip
        elif coasts and loss == SQUARED:
            coasts = _coasting_squared(
                margins, labels, steps, first, products, radius, counted, norms, renewed, peaks, moves, shares
            )  # fmt: skip
        elif coasts:
            coasts = _coasting_logistic(
                margins, labels, steps, first, products, radius, counted, norms, renewed, peaks, moves, shares
            )  # fmt: skip
        if not coasts:
            count = max(0, min(_STEPS, horizon - begin))
            _settling(
                loss, margins, labels, steps, first, products, radius, counted, count, norms, pushes, shrinks, scale, weight,
                moves, shares,
            )  # fmt: skip
    return x, total / horizon


@njit(nogil=True, cache=CACHE)
def batch_path(features, targets, loss, steps, batch, seed, replica, radius):
    """The same for mini-batches: `steps`, flat, are divided by the size of the batch."""
    width = columns_of(features)
    samples, dimension = features.shape
    horizon, padded = steps.size // width, -(-batch // _ROWS) * _ROWS
    state = replica_state(seed, np.uint64(replica))
    x, sums, total = _aligned(dimension, features), _aligned(dimension, features), np.zeros(dimension * width)
    margins, moves = _aligned(padded, features), _aligned(padded, features)  # rows that only fill up do not move
    norms, scale, weight = _aligned(1, features), _aligned(1, features), _aligned(1, features)
    new, ahead, labels = np.zeros(padded, np.int64), np.zeros(padded, np.int64), np.zeros(batch, features.dtype)
    for p in range(batch):
        ahead[p] = _row(state, p, samples)
    for t in range(horizon + 1):
        for p in range(batch):
            new[p], ahead[p] = ahead[p], _row(state, (t + 1) * batch + p, samples)
            labels[p] = targets[new[p]]
        _begin_batch(x, sums, features, new, new, ahead, 0, moves, moves, scale, weight, margins, norms)
        if t % _SETTLE == 0 or t == horizon:
            _flush(sums, total)
        if t == horizon:
            break
        for first in range(_ROWS, padded, _ROWS):
            _look(x, sums, features, new, new, ahead, first, moves, moves, scale, weight, margins, norms)
        _plan_batch(loss, margins, labels, steps, t * width, moves)
        for first in range(0, padded - _ROWS, _ROWS):
            _apply(x, sums, features, new, new, ahead, first, moves, moves, scale, weight, margins, norms)
        _apply_last(x, sums, features, new, new, ahead, padded - _ROWS, moves, moves, scale, weight, margins, norms)
        _shrink(norms, radius, scale, weight)
    return x, total / horizon


@njit(fastmath=_FAST, error_model="numpy")
def _plan_batch(loss, margins, targets, steps, first, moves):
    width = columns_of(moves)
    for p in range(targets.size):
        begin, target = uintp(p * width), targets[uintp(p)]
        for kk in range(width):
            at = begin + uintp(kk)
            moves[at] = -_slope(loss, margins[at], target, moves.dtype.type) * steps[uintp(first) + uintp(kk)]


@njit(fastmath=_FAST, error_model="numpy")
def _shrink(norms, radius, scale, weight):
    for kk in range(columns_of(norms)):
        k = uintp(kk)
        scale[k] = weight[k] = radius / max(math.sqrt(norms[k]), radius)


@njit(nogil=True, cache=CACHE)
def mean_losses(features, targets, loss, x):
    """The losses of all columns of `x`, flat, coordinate by coordinate: single margins, sums in double precision."""
    width = columns_of(features)
    samples, dimension = features.shape
    points, margins, unused = _aligned(dimension, features), _aligned(_ROWS, features), _aligned(1, features)
    for i in range(x.size):
        points[i] = x[i]
    rows, ahead = np.zeros(_ROWS, np.int64), np.zeros(_ROWS, np.int64)
    sums, factors = np.zeros(width), np.ones(width)
    for first in range(0, samples, _ROWS):
        for p in range(_ROWS):
            rows[p], ahead[p] = min(first + p, samples - 1), min(first + _ROWS + p, samples - 1)
        _look(points, points, features, rows, rows, ahead, 0, margins, margins, unused, unused, margins, unused)
        for p in range(min(_ROWS, samples - first)):
            _add_losses(loss, margins, uintp(p * width), targets[rows[p]], sums, factors)
        if (first // _ROWS + 1) % (_FACTORS // _ROWS) == 0 or first + _ROWS >= samples:
            for k in range(width):
                sums[k] += math.log(factors[k])
                factors[k] = 1.0
    return sums / samples


@njit(fastmath=_FAST)
def _add_losses(loss, margins, begin, target, sums, factors):
    """Losses of one sample; of the logistic loss `log(1 + exp(-m)) = max(-m, 0) + log(1 + exp(-|m|))` the last factor."""
    for kk in range(columns_of(margins)):
        k = uintp(kk)
        margin = margins[begin + k]
        if loss == ABSOLUTE:
            sums[k] += np.float64(abs(margin - target))
        elif loss == HINGE:
            sums[k] += max(0.0, 1.0 - np.float64(target * margin))
        elif loss == SQUARED:
            residual = np.float64(margin) - np.float64(target)
            sums[k] += 0.5 * residual * residual
        else:
            sums[k] += max(0.0, -np.float64(target * margin))
            factors[k] *= 1.0 + np.float64(_decay(margin, margins.dtype.type))
