"""The loops of `lrtheory.simulation.distribution`, compiled; that module tells the methods.

`expected_distance` is the function of the same name in `lrtheory.simulation.reference`, up to rounding: sums are
contracted here. All functions that are called from outside release the interpreter lock.
"""

import math

import numpy as np
from numba import njit, uintp

from lrtheory.compilation import CACHE

# Unsigned indices: for signed ones the compiler adds a wrap-around test to every access.

_LEVELS = 64
_NODES_A_STEP = 16  # to the larger push, at least, where the grid is finest
_AHEAD = 3  # steps whose size the grid must resolve now
_NEGLIGIBLE = 1e-15  # a probability
_FORGOTTEN = 1e-12  # of a mean: the difference between two starts that is none; rounding leaves a few 1e-14
_LOOKED = 64  # steps between looks


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
def _forgotten(values):
    """Whether all starts end at the same mean, so that no earlier step changes it."""
    low = high = values[0]
    for ii in range(values.size):
        here = values[uintp(ii)]
        low = here if here < low else low
        high = here if here > high else high
    return high - low <= _FORGOTTEN * abs(high)


@njit
def _value_at(padded, margin, position):
    base = math.floor(position)
    w0, w1, w2, w3 = _lagrange(position - base)
    i = margin + int(base)
    return w0 * padded[i - 1] + w1 * padded[i] + w2 * padded[i + 1] + w3 * padded[i + 2]


@njit(nogil=True, cache=CACHE, error_model="numpy", fastmath={"contract"})
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
        elif t % _LOOKED == 0 and _forgotten(bottom):
            return bottom[0]
    if window >= bound or start <= window:
        _pad(padded, margin, bottom, 2, 2, True, spacing if window < bound else 0.0)
        return _value_at(padded, margin, start / spacing)
    if start >= bound - window:
        _pad(padded, margin, top, 2, 2, False, -spacing)
        return bound + _value_at(padded, margin, (bound - start) / spacing)
    return start - drift


@njit(fastmath={"contract", "reassoc", "nsz"})
def _sums(mass, first, last):
    """Of the nodes from the first to the last: what they add to the mean distance, in spacings, and sizes summed."""
    distance = size = 0.0
    for ii in range(last - first + 1):
        here = mass[uintp(first) + uintp(ii)]
        distance += here * (first + ii)
        size += abs(here)
    return distance, size


@njit
def _sink(coarse, fine, half):
    """Hand the nodes of the lower half to the finer level, every second node of which they are."""
    for ii in range(half + 1):
        i = uintp(ii)
        fine[i + i] += coarse[i]
        coarse[i] = 0.0


@njit
def _raise(fine, coarse, first, last):
    """Hand nodes to the coarser level, those between its nodes by cubic weights."""
    for i in range(first, last + 1):
        here, j = fine[i], i // 2
        if i % 2 == 0:
            coarse[j] += here
        else:
            coarse[abs(j - 1)] -= here / 16
            coarse[j] += here * 9 / 16
            coarse[j + 1] += here * 9 / 16
            coarse[j + 2] -= here / 16
        fine[i] = 0.0


@njit
def _clip(mass, n, beyond):
    for i in range(n + 1, n + 1 + beyond):
        mass[n] += mass[i]
        mass[i] = 0.0


@njit
def _move(mass, padded, landed, margin, first, n, strong, weak):
    """One step of the nodes from the first to the last, reflected at 0; returns how far beyond the last they reach."""
    for ii in range(n + 1):
        here = mass[uintp(ii)]
        # Tails would become subnormal numbers, which are slow.
        padded[uintp(margin) + uintp(ii)] = here if abs(here) > 1e-40 else 0.0
    low = first - int(strong) - 3
    above = int(max(-weak, 0.0)) + 3
    arrived = landed[: n + above - low + 1]
    _mean_of_shifts(arrived, padded, margin + low, strong, weak)
    for ii in range(n + 1):
        mass[uintp(ii)] = 0.0
    for ii in range(max(low, 0), n + above + 1):
        mass[uintp(ii)] = arrived[uintp(ii - low)]
    for ii in range(1, -low + 1):
        mass[uintp(ii)] += arrived[uintp(-low - ii)]
    return max(above, -low - n)


@njit(nogil=True, cache=CACHE, error_model="numpy")
def distance_curve(steps, eps, noise, start, bound, nodes):
    """Means of `|x_1| .. |x_{T+1}|` by the forward recursion.

    Row `j` of `levels` holds the law on `[0, bound / 2**j]`, its lower half only where `j` is the finest. A step moves all
    rows, then what has left a row upwards, then what has come to its lower half.
    """
    half = nodes // 2
    margin = 5 * nodes + 8
    padded = np.zeros(2 * margin)
    landed = np.zeros(2 * margin)
    levels = np.zeros((_LEVELS, 3 * nodes + 8))
    active = np.zeros(_LEVELS, np.bool_)
    above = np.zeros(_LEVELS, np.int64)
    curve = np.empty(steps.size + 1)
    curve[0] = mean = start
    finest = 0
    base = min(int(start / bound * nodes), nodes - 1)
    weights = _lagrange(start / bound * nodes - base)
    for k in range(4):
        levels[0, abs(base + k - 1)] += weights[k]
    _clip(levels[0], nodes, 2)
    active[0] = True
    for t in range(steps.size):
        if steps[t] == 0:
            curve[t + 1] = mean
            continue
        # A push beyond 2 * bound ends at the bound from everywhere.
        strong = min(steps[t] * (eps + noise), 2 * bound)
        weak = max(min(steps[t] * (eps - noise), 2 * bound), -2 * bound)
        # What the next steps resolve must be kept now; but a step must not leave the finest window.
        least = min(steps[t], steps[min(t + _AHEAD, steps.size - 1)]) or steps[t]
        fine = math.ceil(math.log2(bound * _NODES_A_STEP * steps[t] / (nodes * strong * least)))
        wanted = max(0, min(fine, int(math.log2(bound / strong)), _LEVELS - 1))
        while finest < wanted:
            _sink(levels[finest], levels[finest + 1], half)
            finest += 1
            active[finest] = True
        while finest > wanted + 1 or (finest > wanted == 0):
            _raise(levels[finest], levels[finest - 1], 0, nodes)
            active[finest], active[finest - 1] = False, True
            finest -= 1
        for level in range(finest + 1):
            above[level] = 0
            if active[level]:
                scale = nodes / bound * 2.0**level
                first = 0 if level == finest else half + 1
                above[level] = _move(levels[level], padded, landed, margin, first, nodes, strong * scale, weak * scale)
        for level in range(finest, 0, -1):
            if active[level]:
                beyond = nodes + above[level]
                if _sums(levels[level], nodes + 1, beyond)[1] > _NEGLIGIBLE:
                    _raise(levels[level], levels[level - 1], nodes + 1, beyond)
                    active[level - 1] = True
                    above[level - 1] = max(above[level - 1], above[level] // 2 + 3)
                else:
                    _clip(levels[level], nodes, above[level])
        if active[0]:
            _clip(levels[0], nodes, above[0])
        mean = 0.0
        for level in range(finest + 1):
            if active[level]:
                if level < finest:
                    _sink(levels[level], levels[level + 1], half)
                    active[level + 1] = True
                distance, size = _sums(levels[level], 0, nodes)
                active[level] = level == finest or size > _NEGLIGIBLE
                mean += distance * bound / nodes / 2.0**level
        curve[t + 1] = mean
    return curve


@njit
def _split(mass, above, below, margin, low, high, zero):
    """Copy the nodes that are not below 0 to one array and the others to another; the rest of both is zero."""
    for ii in range(low, high + 1):
        i = uintp(ii)
        # Not subnormal, which is slow.
        here = mass[i] if abs(mass[i]) > 1e-40 else 0.0
        above[uintp(margin) + i] = here if ii <= zero else 0.0
        below[uintp(margin) + i] = here if ii > zero else 0.0


@njit(fastmath={"contract", "reassoc", "nsz"})
def _mean_and_change(mass, above, below, margin, low, high, position, spacing):
    mean = change = 0.0
    for ii in range(low, high + 1):
        i = uintp(ii)
        mean += mass[i] * abs(position - ii * spacing)
        change += abs(mass[i] - (above[uintp(margin) + i] + below[uintp(margin) + i]))
    return mean, change


@njit(nogil=True, cache=CACHE, error_model="numpy")
def lattice_curve(horizon, strong, weak, start, fine):
    """Means of `|x_1| .. |x_{T+1}|` for constant pushes towards 0, on a lattice with `fine` nodes to the strong one."""
    spacing, shift = strong / fine, weak / strong * fine
    room = fine + 4  # for what a reflection puts beyond the start
    zero = room + int(start / spacing)  # the last node that is not below 0
    size = zero + 1 + room
    margin = 2 * room
    mass = np.zeros(size)
    back = np.empty(size)
    above, below = np.zeros(size + 2 * margin), np.zeros(size + 2 * margin)
    curve = np.empty(horizon + 1)
    curve[0] = start
    mass[room] = 1.0
    low = high = room
    for t in range(horizon):
        _split(mass, above, below, margin, low, high, zero)
        first, last = max(low - 4, 0), min(high + room, size - 1)
        if high > zero:
            first = min(first, zero - room)
        _mean_of_shifts(mass[first : last + 1], above, margin + first, -float(fine), -shift)
        if high > zero:
            returned = back[first : last + 1]
            _mean_of_shifts(returned, below, margin + first, float(fine), shift)
            for i in range(first, last + 1):
                mass[uintp(i)] += back[uintp(i)]
        curve[t + 1], change = _mean_and_change(
            mass, above, below, margin, first, last, start + room * spacing, spacing
        )  # fmt: skip
        if change < 1e-14:  # a chain never changes more than it has
            curve[t + 2 :] = curve[t + 1]
            break
        above[margin + low : margin + high + 1] = 0
        below[margin + low : margin + high + 1] = 0
        low, high = first, last
        while abs(mass[low]) < _NEGLIGIBLE:
            mass[low] = 0
            low += 1
        while abs(mass[high]) < _NEGLIGIBLE:
            mass[high] = 0
            high -= 1
    return curve
