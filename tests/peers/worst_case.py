"""The worst case of 10,000 configurations, beside the published bound and beside semidefinite programs.

A unit of work is a configuration. The published bound is computed as its authors do (arXiv 2501.18965): three terms from
cumulative sums, one configuration at a time. The program is the one of `lrtheory.theory.certificates`, solved by PEPit; at
20 steps it says what the recursion says, and says it for any method.

Of many different schedules at one rate each, JAX and torch do the same in double precision, all schedules side by side in a
vector from the last step to the first; that they find the same is checked. They are handed exponents of polynomial decay, where
``worst_case`` reads and checks a formula for each schedule.
"""

import importlib
import os
import sys
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from lrtheory.schedules import Polynomial
from lrtheory.theory.last_iterate import worst_case
from tests.peers.measure import Contestant, missing, race

HORIZON, SHORT = 10_000, 20
SCHEDULES = [Polynomial(float(degree)) for degree in np.linspace(0.5, 4, 100)]
RATES = np.geomspace(1e-4, 1, 100)
DIFFERENT, TOGETHER, RATE = 1_000, 10_000, 0.01
"""Schedules at a time, for ``worst_case`` and for peers, which need more of them to be at their best; and their rate."""


def table(repeats: int) -> pd.DataFrame:
    """Nanoseconds a configuration, of the clock."""
    linear = Polynomial(1)
    steps = linear.steps(HORIZON, 0.01)
    short = linear.steps(SHORT, 0.2)
    many = partial(worst_case, SCHEDULES, horizon=HORIZON, lr=RATES, diameter=1.0)
    count = len(SCHEDULES) * RATES.size
    cores = os.cpu_count() or 1
    long = [
        Contestant("worst_case of many, 1 thread", partial(many, threads=1), count),
        Contestant(f"worst_case of many, {cores} threads", many, count),
        Contestant("worst_case, one by one", again(20, partial(worst_case, steps, diameter=1.0)), 20),
        Contestant("published bound, as its authors compute it", again(20, partial(published, steps, 1.0, 1.0)), 20),
        Contestant("the recursion in Python", partial(recursion, steps.tolist(), 1.0, 1.0), 1),
    ]
    frames = [race(long, repeats, clock=time.perf_counter).assign(horizon=HORIZON)]
    brief = [Contestant("worst_case", again(1000, partial(worst_case, short, distance=1.0)), 1000)]
    if missing("PEPit"):
        print("not installed, left out: PEPit", file=sys.stderr)
    else:
        certificates = importlib.import_module("lrtheory.theory.certificates")
        brief.append(Contestant("PEPit", partial(certificates.certify_worst_case, short, distance=1.0), 1))
    frames.append(race(brief, min(repeats, 3), clock=time.perf_counter).assign(horizon=SHORT))
    frames.append(race(different(), min(repeats, 3), clock=time.perf_counter).assign(horizon=HORIZON))
    frame = pd.concat(frames, ignore_index=True)
    return frame[["horizon", "peer", "work", "median", "min", "max", "ratio"]]


def different() -> list[Contestant]:
    """Different schedules, on all cores."""
    exponents = np.linspace(0.5, 4, TOGETHER)
    fewer = exponents[:: TOGETHER // DIFFERENT]
    schedules = [Polynomial(float(degree)) for degree in fewer]
    ours = partial(worst_case, schedules, horizon=HORIZON, lr=RATE, diameter=1.0)
    found = [Contestant("worst_case of different schedules", ours, DIFFERENT)]
    for package, make in (("jax", _jax), ("torch", _torch)):
        if missing(package):
            print(f"not installed, left out: {package}", file=sys.stderr)
            continue
        peer = make(exponents)
        if not np.allclose(np.asarray(peer())[:: TOGETHER // DIFFERENT], ours(), rtol=1e-9, atol=0):
            raise AssertionError(f"{package} and worst_case disagree")
        found.append(Contestant(f"{package} on different schedules", peer, TOGETHER))
    return found


def _jax(exponents: np.ndarray) -> Callable[[], object]:
    import jax
    import jax.numpy as jnp

    def losses(exponents):
        def before(state, left):
            square, excess, smallest = state
            step = RATE * left**exponents
            base = jnp.maximum(square, step)
            gain = step * (step / base)
            state = base + 2 * step + gain, excess + (base - square) + gain
            s = jnp.maximum(state[0], 1.0)
            return (*state, jnp.minimum(smallest, 1 / (2 * s) + (state[1] + s - state[0]) / 2)), None

        zero = jnp.zeros_like(exponents)
        left = jnp.arange(1, HORIZON + 1) / HORIZON
        return jax.lax.scan(before, (zero, zero, zero + 1), left)[0][2]

    def run() -> object:
        with jax.enable_x64(True) if hasattr(jax, "enable_x64") else jax.experimental.enable_x64():
            return compiled(jnp.asarray(exponents)).block_until_ready()

    compiled = jax.jit(losses)
    return run


def _torch(exponents: np.ndarray) -> Callable[[], object]:
    import torch

    powers = torch.from_numpy(exponents)

    def run() -> object:
        square, excess, smallest = torch.zeros_like(powers), torch.zeros_like(powers), torch.ones_like(powers)
        with torch.no_grad():
            for left in (np.arange(1, HORIZON + 1) / HORIZON).tolist():
                step = torch.pow(left, powers).mul_(RATE)
                base = torch.maximum(square, step)
                gain = step * step / base
                excess += base - square + gain
                square = base.add_(step, alpha=2).add_(gain)
                s = square.clamp(min=1.0)
                torch.minimum(smallest, 0.5 / s + (excess + s - square) / 2, out=smallest)
        return smallest

    threads = torch.get_num_threads()

    def on_all_cores() -> object:
        torch.set_num_threads(os.cpu_count() or 1)
        try:
            return run()
        finally:
            torch.set_num_threads(threads)

    return on_all_cores


def again(times: int, run: Callable[[], object]) -> Callable[[], object]:
    """The same work several times: one call would be timed with cold caches."""
    return lambda: [run() for _ in range(times)]


def published(steps: np.ndarray, lipschitz: float, distance: float) -> float:
    """The published bound on the last iterate, term by term."""
    total, taken = steps.sum(), steps.cumsum()
    squares = (steps * lipschitz) ** 2
    after = total - taken[:-1]
    since = squares.sum() - squares.cumsum()[:-1] + squares[:-1]
    last = (steps[:-1] / after * since / (after + steps[:-1])).sum()
    return distance**2 / (2 * total) + squares.sum() / (2 * total) + last / 2


def recursion(steps: list[float], lipschitz: float, diameter: float) -> float:
    """The theorem in plain Python."""
    square = excess = 0.0
    smallest = lipschitz * diameter
    for step in reversed(steps):
        base = max(square, step)
        gain = step * step / base
        excess += base - square + gain
        square = base + 2 * step + gain
        s = max(square, diameter / lipschitz)
        smallest = min(smallest, diameter**2 / (2 * s) + lipschitz**2 / 2 * (excess + s - square))
    return smallest
