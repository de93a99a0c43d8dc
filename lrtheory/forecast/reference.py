"""The running noise in plain Python: each line is a line of the definition. The tests hold the compiled sums to these."""

import numpy as np


def running_noise(steps, at, *, weights=None, clamps=True):
    """The noise of the exact last iterate after each of ``at`` steps, one backward pass each."""
    weights = np.ones(len(steps)) if weights is None else weights
    noise = []
    for last in at:
        s, e = 0.0, 0.0
        for step, weight in zip(steps[:last][::-1], weights[:last][::-1]):
            if step > 0:
                base = max(s, step)
                e += weight * ((base - s if clamps else 0.0) + step**2 / base)
                s = base + 2 * step + step**2 / base
        noise.append(e)
    return np.array(noise)


def forgetting_noise(steps, at, *, exponent=1.0, offset, weights=None):
    """Noise that is forgotten with a power of the rate summed since, one backward pass for each of ``at``."""
    weights = np.ones(len(steps)) if weights is None else weights
    noise = []
    for last, start in zip(at, np.broadcast_to(offset, len(at))):
        since, n = 0.0, 0.0
        for step, weight in zip(steps[:last][::-1], weights[:last][::-1]):
            n += weight * step**2 * (start + 2 * since) ** -exponent
            since += step
        noise.append(n)
    return np.array(noise)
