"""The simulators in plain numpy: each line is a line of the definition.

The compiled simulators agree with these bit for bit, `expected_distance` to rounding.  Working precision is that of
`start` or `x`.  Finite sums have theirs in `regression`.
"""

import math

import numpy as np

from lrtheory.simulation.curved_kernels import FARTHEST
from lrtheory.simulation.streams import CHUNK, signs


def _step(x, push, bound):
    return np.maximum(np.minimum(np.where(x >= 0, x - push, x + push), bound), -bound)


def rademacher_block(steps, eps, noise, start, bound, seed, first, count, antithetic=False):
    r"""SGD on `eps |x|` with random signs, replicas `first` to `first + count - 1`.

    .. math:: x_{t+1} = \mathrm{clip}\bigl(x_t - \eta_t\,\mathrm{sign}(x_t)(\epsilon \pm \sigma)\bigr)

    Returns the last iterates `x_{T+1}` and the averages of `x_2 .. x_{T+1}`, both of shape `(count,)`.  Averages are
    summed in working precision within a chunk of 64 steps and in double precision across chunks.
    """
    dtype, horizon = start.dtype, steps.size
    xi = signs(seed, np.arange(first, first + count), horizon, antithetic)
    strong = (steps * (eps + noise)).astype(dtype)
    weak = (steps * (eps - noise)).astype(dtype)
    x = np.full(count, start)
    total = np.zeros(count)
    for begin in range(0, horizon, CHUNK):
        partial = np.zeros(count, dtype)
        for t in range(begin, min(begin + CHUNK, horizon)):
            x = _step(x, np.where(xi[t] > 0, strong[t], weak[t]), bound)
            partial += x
        total += partial
    return x, total / horizon


def gaussian_chunk(x, total, steps, eps, noise, xi, bound):
    """One chunk of SGD on `eps |x|` with noise `xi`, shape `(steps.size, x.size)`: `x` and `total` change in place."""
    drift = (steps * eps).astype(x.dtype)
    scale = (steps * noise).astype(x.dtype)
    partial = np.zeros_like(x)
    for t in range(steps.size):
        x[:] = _step(x, drift[t] + scale[t] * xi[t, : x.size], bound)
        partial += x
    total += partial


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


def _interpolate(values, positions, left, slope):
    """Cubic interpolation at `positions`, in spacings: left of 0 reflected or constant, right of the grid linear."""
    n = values.size - 1

    def node(i):
        inside = values[np.minimum(np.abs(i), n) if left == "reflected" else np.clip(i, 0, n)]
        return inside + slope * np.maximum(i - n, 0)

    base = np.floor(positions).astype(np.int64)
    return sum(weight * node(base + k - 1) for k, weight in enumerate(_lagrange(positions - base)))


def _mean_of_shifts(values, strong, weak, left, slope):
    grid = np.arange(values.size)
    return (_interpolate(values, grid + strong, left, slope) + _interpolate(values, grid + weak, left, slope)) / 2


def _double_window(values, slope):
    """Every second node, then as many again on the line of the given slope (per node)."""
    half = values.size // 2
    return np.concatenate([values[::2], values[-1] + slope * np.arange(1, half + 1)])


def _merge(bottom, top, spacing):
    """Both layers on one grid: the bottom plus what the top adds to the line between them."""
    half = bottom.size // 2
    line = top[half] + spacing * np.arange(half, -half - 1, -1)
    return bottom + (top - line)[::-1]


def expected_distance(steps, eps, noise, start, bound, nodes, reach):
    """Mean of `|x_{T+1}|` for the chain of `rademacher_block`; the method is told in `lrtheory.simulation.distribution`.

    `steps` are positive, `0 <= start <= bound`, `nodes` is even; layers are `reach` standard deviations wide or more.
    """
    if noise == 0:
        for step in steps:
            start = min(abs(start - step * eps), bound)
        return start
    window = bound
    while window / 2 >= 2 * steps[-1] * (eps + reach * noise):
        window /= 2
    spacing = window / nodes
    bottom = np.arange(nodes + 1) * spacing  # mean final |x| from i * spacing
    top = -bottom  # the same from bound - i * spacing, less bound
    drift = variance = 0.0
    for step in steps[::-1]:
        drift += step * eps
        variance += (step * noise) ** 2
        while window < bound and drift + reach * math.sqrt(variance) > window:
            window, spacing = 2 * window, 2 * spacing
            bottom, top = _double_window(bottom, spacing), _double_window(top, -spacing)
            if window >= bound:
                bottom = _merge(bottom, top, spacing)
        strong, weak = np.clip([step * (eps + noise), step * (eps - noise)], -2 * bound, 2 * bound) / spacing
        slope = spacing if window < bound else 0.0
        bottom = _mean_of_shifts(bottom, -strong, -weak, "reflected", slope)
        top = _mean_of_shifts(top, strong, weak, "constant", -spacing)
    if window >= bound or start <= window:
        return float(_interpolate(bottom, np.float64(start / spacing), "reflected", spacing if window < bound else 0.0))
    if start >= bound - window:
        return bound + float(_interpolate(top, np.float64((bound - start) / spacing), "constant", -spacing))
    return start - drift


def method_losses(method, steps, eps, low, high, seed, replicas):
    r"""A method on `eps |x|` over `[low, high]`, started at the upper end, with random signs as noise and `G = 1`.

    Returns the loss of its output for every replica.
    """
    sigma = math.sqrt(1 - eps**2)

    def loss_of(noise):
        path = method.iterates(
            high, lambda x: math.copysign(eps, x) + next(noise), steps, lambda x: min(max(x, low), high)
        )
        return eps * abs(method.weights(steps.size) @ np.fromiter(path, float))

    return np.array([loss_of(iter(sigma * column)) for column in signs(seed, np.arange(replicas), steps.size).T])


def curved_losses(steps, curvatures, power, momentum, start, noise, seed, replicas):
    r"""The heavy ball on `sum_i lambda_i F(x_i)`, `F' = x (1 + x^2)^power`, with random signs as noise.

    Returns the last loss of every replica, infinite where it is lost.
    """
    horizon, directions = curvatures.shape
    xi = noise * signs(seed, np.arange(replicas), horizon * directions).reshape(horizon, directions, replicas)
    x, velocity = np.full((directions, replicas), start), np.zeros((directions, replicas))
    lost = np.zeros(replicas, bool)
    with np.errstate(over="ignore", invalid="ignore"):
        for step, curvature, signed in zip(steps, curvatures[:, :, None], xi):
            velocity = momentum * velocity + curvature * x * (1 + x**2) ** power + signed
            x = x - step * velocity
            lost |= ~(np.abs(x) < FARTHEST).all(0) & (power > 0)
        losses = curvatures[-1] @ (((1 + x**2) ** (power + 1) - 1) / (2 * (power + 1)))
    return np.where(np.isfinite(losses) & ~lost, losses, np.inf)
