"""The one-dimensional simulator against what one would write instead, and its own time against its work.

A unit of work is a step of one replica of one configuration. The configurations are those of the default sweep: ten
schedules, thirteen rates, ten slopes. Peers too slow for all of it run a hundred of them for fewer steps. All peers except
the naive ones share one random sign between the configurations, as the kernel does, and are as good as their library
allows: single precision, updates in place, state that fits the cache, several steps a call. "Expert" JAX takes the kernel's
own mathematics: distances instead of positions, noise drawn in advance, sixteen steps unrolled, 512-bit vectors.
"""

import ctypes
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numba import njit

from lrtheory.schedules import WSD, Constant, Cosine, Exponential, InverseSqrt, Polynomial, Robust
from lrtheory.simulation import AbsoluteValue, expected_curve, expected_loss, simd_kernels, simulate
from lrtheory.simulation.one_dimensional import Configurations, rademacher_tasks
from tests.peers.measure import Contestant, missing, one_core, race

SCHEDULES = [
    Constant(), InverseSqrt(), Polynomial(1), Polynomial(2), Polynomial(3), Cosine(), WSD(0.2), WSD(0.5), Exponential(0.01),
    Robust(16),
]  # fmt: skip
HORIZON, REPLICAS, BOUND = 10_000, 10_000, 0.5
RATES = [2.0**k / HORIZON**0.5 for k in range(-4, 9)]
SLOPES = np.geomspace(0.003, 0.9, 10)
FEW = 100
"""Configurations of the slow peers, spread over all."""

SLOW_REPLICAS = 1000


def sweep(horizon: int = HORIZON) -> Configurations:
    """All 1,300 configurations."""
    problems = [AbsoluteValue(eps) for eps in SLOPES]
    rows = [(each, kind, lr) for each in problems for kind in range(len(SCHEDULES)) for lr in RATES]
    of_row, kinds, lrs = (list(column) for column in zip(*rows))
    return Configurations(of_row, np.array([s.steps(horizon) for s in SCHEDULES]), np.array(kinds), np.array(lrs))


def whole(horizon: int, replicas: int, **options: Any) -> pd.DataFrame:
    """The kernel as its users call it."""
    problems = [AbsoluteValue(eps) for eps in SLOPES]
    options = {"averaged": False, "threads": 1} | options
    return simulate(problems, SCHEDULES, horizon=horizon, lr=RATES, replicas=replicas, **options)


def table(repeats: int) -> pd.DataFrame:
    """Nanoseconds a step: of one core for the contestants, of the clock for threads and for growing work."""
    with one_core():
        contestants = kernels() + peers()
        frames = [race(contestants, repeats).assign(kernel="one-dimensional")]
        frames.append(_distribution(repeats).assign(kernel="distribution"))
    count = os.cpu_count() or 1
    frames.append(
        race(
            [
                Contestant(f"{threads} threads", partial(whole, HORIZON, 3840, threads=threads), 1300 * HORIZON * 3840)
                for threads in (1, 2, 3)
                if threads <= count
            ],
            repeats,
            clock=time.perf_counter,
        ).assign(kernel="threads")
    )
    frames.append(_growth(repeats).assign(kernel="work"))
    frame = pd.concat(frames, ignore_index=True)
    return frame[["kernel", "peer", "work", "median", "min", "max", "ratio"]]


def kernels() -> list[Contestant]:
    """The forms of the simulator, the fastest first; what the others are compared with."""
    block, work = 1920, 1300 * HORIZON * 1920
    everything = sweep()

    def portable() -> None:
        tasks = rademacher_tasks(
            everything, block, 0, np.dtype(np.float32), antithetic=False, averaged=False, vectors=False
        )
        for task in tasks:
            task()

    return [
        Contestant("lrtheory", partial(whole, HORIZON, block), work),
        Contestant("lrtheory, any processor", portable, work),
        Contestant("lrtheory, averages too", partial(whole, HORIZON, block, averaged=True), work),
        Contestant("lrtheory, float64", partial(whole, HORIZON, block, dtype="float64"), work),
    ]


def peers() -> list[Contestant]:
    """Every peer that is here; the others are named on stderr."""
    found = [*_c_program(), *_numpy(), *_numba()]
    for package, make in (("jax", _jax), ("torch", _torch)):
        if missing(package):
            print(f"missing: {package}", file=sys.stderr)
        else:
            found += make()
    return found


def _few(horizon: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Steps, slopes and noise of the configurations of the slow peers."""
    everything = sweep()
    chosen = np.linspace(0, len(everything.lrs) - 1, FEW).astype(int)
    steps = everything.lrs[chosen] * everything.shapes[everything.kinds[chosen], :horizon].T
    problems = [everything.problems[each] for each in chosen]
    return steps, np.array([each.eps for each in problems]), np.array([each.noise_scale for each in problems])


def _c_program() -> list[Contestant]:
    if simd_kernels.LAYOUT is None or simd_kernels.LAYOUT.bits < 512:
        print("missing: the C program needs AVX-512", file=sys.stderr)
        return []
    library = Path(tempfile.mkdtemp()) / "simulator.so"
    source = Path(__file__).with_name("simulator.c")
    flags = ["-O3", "-march=native", "-shared", "-fPIC"]
    try:
        subprocess.run(["cc", *flags, "-o", str(library), str(source)], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        print("missing: a C compiler", file=sys.stderr)
        return []
    everything = sweep()
    width, count = 64, len(everything.lrs)
    lanes = np.minimum(np.arange(-(-count // width) * width), count - 1)
    eps = np.array([each.eps for each in everything.problems])[lanes]
    noise = np.array([each.noise_scale for each in everything.problems])[lanes]
    arrays = [
        everything.shapes, everything.kinds[lanes].astype(np.int64), everything.lrs[lanes], eps + noise, eps - noise,
        np.full(lanes.size, BOUND, np.float32), np.full(lanes.size, BOUND, np.float32),
    ]  # fmt: skip
    means = np.empty(lanes.size)
    program = ctypes.CDLL(str(library)).simulate
    long, pointer = ctypes.c_long, ctypes.c_void_p
    program.argtypes = [long, long, long, *[pointer] * 7, ctypes.c_uint64, pointer]

    def run() -> np.ndarray:
        at = [each.ctypes.data for each in arrays]
        program(lanes.size, HORIZON, 1920, *at, 0, means.ctypes.data)
        return means

    ours = whole(HORIZON, 1920)["last"].to_numpy() / eps[:count]
    if not np.allclose(run()[:count], ours, rtol=1e-12, atol=0):
        raise AssertionError("the C program and the kernel disagree")
    return [Contestant("C, -O3 -march=native", run, 1300 * HORIZON * 1920)]


def _numpy() -> list[Contestant]:
    steps, eps, noise = _few(1000)

    def naive(horizon: int) -> float:
        generator = np.random.default_rng(0)
        x = np.full((FEW, SLOW_REPLICAS), BOUND)
        for t in range(horizon):
            xi = generator.integers(0, 2, x.shape) * 2 - 1
            x = np.clip(x - steps[t, :, None] * (eps[:, None] * np.sign(x) + noise[:, None] * xi), -BOUND, BOUND)
        return float(np.abs(x).mean())

    def tuned(horizon: int) -> float:
        generator, total = np.random.default_rng(0), 0.0
        drift = (steps[:horizon] * eps).astype(np.float32)[:, :, None]
        scale = (steps[:horizon] * noise).astype(np.float32)[:, :, None]
        together = SLOW_REPLICAS // 2
        for _ in range(2):
            x = np.full((FEW, together), BOUND, np.float32)
            push, kick = np.empty_like(x), np.empty_like(x)
            bits = np.unpackbits(generator.integers(0, 256, (horizon, -(-together // 8)), dtype=np.uint8), axis=1)
            xi = bits[:, :together].astype(np.float32) * 2 - 1
            for t in range(horizon):
                np.copysign(drift[t], x, out=push)
                np.subtract(x, push, out=x)
                np.multiply(scale[t], xi[t], out=kick)
                np.subtract(x, kick, out=x)
                np.minimum(x, BOUND, out=x)
                np.maximum(x, -BOUND, out=x)
            total += np.abs(x).mean() / 2
        return float(total)

    return [
        Contestant("numpy, naive", partial(naive, 50), FEW * SLOW_REPLICAS * 50),
        Contestant("numpy, tuned", partial(tuned, 500), FEW * SLOW_REPLICAS * 500),
    ]


@njit
def _naive_loop(steps, eps, noise, bound, replicas):
    total = 0.0
    for j in range(eps.size):
        for _ in range(replicas):
            x = bound
            for t in range(steps.shape[0]):
                xi = 1.0 if np.random.random() < 0.5 else -1.0  # noqa: NPY002
                x = min(max(x - steps[t, j] * (eps[j] * np.sign(x) + noise[j] * xi), -bound), bound)
            total += abs(x)
    return total / eps.size / replicas


def _numba() -> list[Contestant]:
    steps, eps, noise = _few(50)
    return [
        Contestant(
            "numba, naive", partial(_naive_loop, steps, eps, noise, BOUND, SLOW_REPLICAS), FEW * SLOW_REPLICAS * 50
        )
    ]


def _jax() -> list[Contestant]:
    import jax
    import jax.numpy as jnp

    steps, eps, noise = (jnp.asarray(each, jnp.float32) for each in _few(2000))
    key = jax.random.PRNGKey(0)

    def scanned(key, steps, eps, noise, shape, shared, unroll):
        def advance(carry, step):
            x, key = carry
            key, drawn = jax.random.split(key)
            xi = jax.random.rademacher(drawn, shape[-1:] if shared else shape, jnp.float32)
            x = jnp.clip(x - step[..., None] * (eps[..., None] * jnp.sign(x) + noise[..., None] * xi), -BOUND, BOUND)
            return (x, key), None

        (x, _), _ = jax.lax.scan(advance, (jnp.full(shape, BOUND, jnp.float32), key), steps, unroll=unroll)
        return jnp.abs(x).mean()

    one_by_one = jax.jit(jax.vmap(lambda key, *of: scanned(key, *of, (SLOW_REPLICAS,), False, 1), (0, 1, 0, 0)))
    independent = jax.jit(lambda key, *of: scanned(key, *of, (FEW, SLOW_REPLICAS), False, 1))
    shared = jax.jit(lambda key, *of: scanned(key, *of, (FEW, SLOW_REPLICAS), True, 4))

    @jax.jit
    def expert(signs, steps, eps, noise):
        drift, scale = steps * eps, steps * noise

        def block(signs):
            def advance(y, now):
                drift, scale, xi = now
                return jnp.minimum(jnp.abs(y - drift[:, None] - scale[:, None] * xi[None, :]), BOUND), None

            start = jnp.full((FEW, signs.shape[1]), BOUND, jnp.float32)
            y, _ = jax.lax.scan(advance, start, (drift, scale, signs), unroll=16)
            return y.sum()

        return jax.lax.map(block, signs).sum()

    signs = jax.random.rademacher(key, (4, 2000, SLOW_REPLICAS // 4), jnp.float32)
    keys = jax.random.split(key, FEW)
    work = FEW * SLOW_REPLICAS

    def timed(function: Callable, *arguments: Any) -> Callable[[], object]:
        return lambda: function(*arguments).block_until_ready()

    return [
        Contestant("JAX, scan and vmap", timed(one_by_one, keys, steps[:200], eps, noise), work * 200),
        Contestant("JAX, batched, own noise", timed(independent, key, steps[:200], eps, noise), work * 200),
        Contestant("JAX, batched", timed(shared, key, steps, eps, noise), work * 2000),
        Contestant("JAX, expert", timed(expert, signs, steps, eps, noise), work * 2000),
    ]


def _torch() -> list[Contestant]:
    import torch

    torch.set_num_threads(1)
    steps, eps, noise = (torch.from_numpy(each).float() for each in _few(960))
    drift, scale = (steps * eps)[:, :, None], (steps * noise)[:, :, None]
    shape = (FEW, SLOW_REPLICAS)

    def signs(*shape: int) -> Any:
        return torch.randint(0, 2, shape).float().mul_(2).sub_(1)

    def naive(horizon: int) -> Any:
        x = torch.full(shape, BOUND)
        for t in range(horizon):
            gradient = eps[:, None] * torch.sign(x) + noise[:, None] * signs(*shape)
            x = (x - steps[t, :, None] * gradient).clamp_(-BOUND, BOUND)
        return x.abs().mean()

    def tuned(horizon: int) -> Any:
        x, xi = torch.full(shape, BOUND), signs(horizon, 1, SLOW_REPLICAS)
        for t in range(horizon):
            x.sub_(torch.copysign(drift[t], x)).addcmul_(scale[t], xi[t], value=-1).clamp_(-BOUND, BOUND)
        return x.abs().mean()

    def sixteen(x: Any, drift: Any, scale: Any, xi: Any) -> Any:
        for k in range(16):
            x = (x - torch.copysign(drift[k], x) - scale[k] * xi[k]).clamp(-BOUND, BOUND)
        return x

    compiled = torch.compile(sixteen)

    def fused(horizon: int) -> Any:
        x, xi = torch.full(shape, BOUND), signs(horizon, 1, SLOW_REPLICAS)
        for t in range(0, horizon, 16):
            x = compiled(x, drift[t : t + 16], scale[t : t + 16], xi[t : t + 16])
        return x.abs().mean()

    def without_gradients(function: Callable, horizon: int) -> Contestant:
        def run() -> Any:
            with torch.no_grad():
                return function(horizon)

        names = {naive: "torch, own noise", tuned: "torch, tuned", fused: "torch, compiled"}
        return Contestant(names[function], run, FEW * SLOW_REPLICAS * horizon)

    return [without_gradients(naive, 96), without_gradients(tuned, 480), without_gradients(fused, 960)]


def _distribution(repeats: int) -> pd.DataFrame:
    """Nanoseconds a configuration of the default sweep, of one core, and of the simulation that is as exact."""
    chosen = np.linspace(0, 1299, 65).astype(int)
    rows = [(eps, schedule, lr) for eps in SLOPES for schedule in SCHEDULES for lr in RATES]
    some = [rows[each] for each in chosen]

    def run(function: Callable) -> None:
        for eps, schedule, lr in some:
            function(AbsoluteValue(eps), schedule, horizon=HORIZON, lr=lr)

    return race(
        [
            Contestant("expected_loss", partial(run, expected_loss), len(some)),
            Contestant("expected_curve", partial(run, expected_curve), len(some)),
        ],
        min(repeats, 3),
    )


def _growth(repeats: int) -> pd.DataFrame:
    """Time of the clock on all cores against work, from a thousandth of the default sweep to all of it."""
    contestants = []
    for horizon, replicas in ((100, 1000), (1000, 1000), (10_000, 1000), (10_000, 10_000)):
        work = 1300 * horizon * replicas
        contestants.append(Contestant("all threads", partial(whole, horizon, replicas, threads=None), work))
    # The same name for all: raced one by one.
    return pd.concat([race([each], min(repeats, 3), clock=time.perf_counter) for each in contestants])
