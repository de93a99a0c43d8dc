"""SGD on finite sums, 160 configurations on the same rows: the kernel against what one would write instead.

A unit of work is a floating-point operation: of `4 b d` that a step of one configuration needs with a batch of `b` rows of
`d` numbers, and `2 d` for the averaged iterate. Nothing is projected here (the ball is never left), which only the kernel
checks. `peak` is what the processor could do: multiply-adds on registers. Compiled torch is missing: it was not made to run
in one process with JAX here (torch 2.13, JAX 0.10).
"""

import ctypes
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from numba import njit

from lrtheory.simulation import FiniteSum, regression
from lrtheory.simulation.losses import LOSSES, SQUARED
from tests.peers.measure import Contestant, missing, one_core, race

CONFIGURATIONS, SAMPLES = 160, 10_000
SETTINGS = list(product(("squared", "logistic"), (100, 1000), (1, 32), (False, True)))
"""Loss, dimension, batch, and whether the average is followed."""
FLOPS = 3e9  # of a fast contestant's turn

PEAK = """
#include <immintrin.h>
#if defined(__AVX512F__)
typedef __m512 V;
#define SET _mm512_set1_ps
#define FMA _mm512_fmadd_ps
#else
typedef __m256 V;
#define SET _mm256_set1_ps
#define FMA _mm256_fmadd_ps
#endif
float peak(long n, float *out) {
    V a[12], x = SET(0.999f), y = SET(0.001f);
    for (int i = 0; i < 12; i++) a[i] = SET((float)i);
    for (long t = 0; t < n; t++)
        for (int i = 0; i < 12; i++) a[i] = FMA(a[i], x, y);
    for (int i = 1; i < 12; i++) a[0] += a[i];
    *out = ((float *)&a[0])[0];
    return sizeof(V) / 4 * 12 * 2;
}
"""

COLUMNS = """
#include <math.h>
void columns(const float *features, const float *targets, const long *rows, const float *steps, int logistic, int averaged,
             long horizon, long b, long d, long k, float *restrict w, float *restrict total, float *restrict m) {
    for (long t = 0; t < horizon; t++, rows += b, steps += k) {
        for (long p = 0; p < b; p++) {
            const float *a = features + rows[p] * d, y = targets[rows[p]];
            float *restrict z = m + p * k;
            for (long i = 0; i < k; i++) z[i] = 0;
            for (long j = 0; j < d; j++)
                for (long i = 0; i < k; i++) z[i] += a[j] * w[j * k + i];
            for (long i = 0; i < k; i++) z[i] = steps[i] / b * (logistic ? -y / (1 + expf(y * z[i])) : z[i] - y);
        }
        for (long j = 0; j < d; j++) {
            for (long p = 0; p < b; p++) {
                float a = features[rows[p] * d + j];
                for (long i = 0; i < k; i++) w[j * k + i] -= a * m[p * k + i];
            }
            if (averaged)
                for (long i = 0; i < k; i++) total[j * k + i] += w[j * k + i];
        }
    }
}
"""


def table(repeats: int) -> pd.DataFrame:
    """A row a setting and contestant: nanoseconds an operation, billions of operations a second, share of the peak."""
    absent = missing("jax", "torch", "scikit-learn")
    if absent:
        print(f"not installed, left out: {', '.join(absent)}", file=sys.stderr)
    frames = []
    for loss, d, b, averaged in SETTINGS:
        with one_core():
            frame = race(_contestants(loss, d, b, averaged), repeats)
        frame.insert(0, "setting", f"{loss}, d = {d}, batch {b}, " + ("last and averaged" if averaged else "last"))
        frame["gflops"] = 1 / frame["median"]
        frame["share of peak"] = frame["median"].iloc[1] / frame["median"]
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


@cache
def _data(d: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    features = generator.standard_normal((SAMPLES, d)) / np.sqrt(d)
    return features, np.sign(features @ generator.standard_normal(d) + 0.1 * generator.standard_normal(SAMPLES))


def _contestants(loss: str, d: int, b: int, averaged: bool) -> list[Contestant]:
    features, targets = _data(d)
    data = regression.Data.of(FiniteSum(features, targets, loss, 1e9, b), np.dtype("float32"))
    flops = (4 * b + 2 * averaged) * d
    horizon = int(FLOPS / flops / CONFIGURATIONS) // 4 * 4
    lrs = np.geomspace(1e-3, 0.9, CONFIGURATIONS)
    steps = (lrs * (1 - np.arange(horizon) / horizon)[:, None]).astype(np.float32)
    rows = np.random.default_rng(1).integers(0, SAMPLES, (horizon, b))
    work = _Work(data.features, data.targets, features, targets, loss, rows, steps, averaged)

    def kernel() -> None:
        for first in range(0, CONFIGURATIONS, 32):
            regression.fast_path(data, steps[:, first : first + 32], 0, 0, averaged)

    few = max(4, horizon // 10)
    makers: list[tuple[str, float, Callable[[], Callable[[], object] | None]]] = [
        ("numpy, all configurations", few * CONFIGURATIONS, lambda: work.numpy_columns(few)),
        ("numpy, one by one", few, lambda: work.numpy_alone(few)),
        ("numba, one by one", horizon, lambda: work.numba_alone()),
        ("C, all configurations", few * CONFIGURATIONS, lambda: work.c_columns(few)),
        ("JAX, all configurations", few * CONFIGURATIONS, lambda: work.jax_columns(few)),
        ("JAX, vmap of one", 20 * CONFIGURATIONS, lambda: work.jax_vmap(20)),
        ("torch, all configurations", few * CONFIGURATIONS, lambda: work.torch_columns(few)),
        ("scikit-learn, one by one", SAMPLES, lambda: work.scikit_learn() if b == 1 else None),
    ]
    peak, of_peak = _peak()
    contestants = [Contestant("lrtheory", kernel, flops * horizon * CONFIGURATIONS), Contestant("peak", peak, of_peak)]
    for name, count, make in makers:
        run = make()
        if run:
            contestants.append(Contestant(name, run, flops * count))
    return contestants


class _Work:
    """The same SGD in other people's words; each method returns what does it, or None where its library is missing."""

    def __init__(self, features, targets, features64, targets64, loss, rows, steps, averaged):
        self.features, self.targets, self.features64, self.targets64 = features, targets, features64, targets64
        self.loss, self.rows, self.steps, self.averaged = loss, rows, steps, averaged
        self.batch, self.shape = rows.shape[1], (features.shape[1], steps.shape[1])

    def numpy_columns(self, horizon):
        squared = self.loss == "squared"

        def run():
            w = np.zeros(self.shape, np.float32)
            total = np.zeros_like(w)
            for t in range(horizon):
                a, y = self.features[self.rows[t]], self.targets[self.rows[t]][:, None]
                margins = a @ w
                slopes = margins - y if squared else -y / (1 + np.exp(y * margins))
                slopes *= self.steps[t] / self.batch
                w -= a.T @ slopes
                if self.averaged:
                    total += w
            return w, total

        return run

    def numpy_alone(self, horizon):
        squared = self.loss == "squared"

        def run():
            w = np.zeros(self.shape[0])
            total = np.zeros_like(w)
            for t in range(horizon):
                a, y = self.features64[self.rows[t]], self.targets64[self.rows[t]]
                margins = a @ w
                slopes = margins - y if squared else -y / (1 + np.exp(y * margins))
                w -= self.steps[t, 10] / self.batch * (slopes @ a)
                if self.averaged:
                    total += w
            return w, total

        return run

    def numba_alone(self):
        steps = self.steps[:, 10].astype(float)
        return lambda: _alone(self.features64, self.targets64, LOSSES[self.loss], self.rows, steps, self.averaged)

    def c_columns(self, horizon):
        library = _compiled(COLUMNS)
        if library is None:
            return None
        w, total = np.zeros(self.shape, np.float32), np.zeros(self.shape, np.float32)
        margins = np.empty((self.batch, self.shape[1]), np.float32)
        pointers = [
            each.ctypes.data_as(ctypes.c_void_p) for each in (self.features, self.targets, self.rows, self.steps)
        ]
        sizes = [ctypes.c_long(n) for n in (horizon, self.batch, *self.shape)]
        results = [each.ctypes.data_as(ctypes.c_void_p) for each in (w, total, margins)]
        switches = [ctypes.c_int(self.loss == "logistic"), ctypes.c_int(self.averaged)]

        def run():
            w[:] = 0
            library.columns(*pointers, *switches, *sizes, *results)
            return w, total

        return run

    def jax_columns(self, horizon):
        if missing("jax"):
            return None
        jax, jnp = importlib.import_module("jax"), importlib.import_module("jax.numpy")
        features, targets = jnp.asarray(self.features), jnp.asarray(self.targets)
        squared = self.loss == "squared"

        @jax.jit
        def path(rows, steps):
            def step(state, at):
                w, total = state
                batch, step = at
                a, y = features[batch], targets[batch][:, None]
                margins = a @ w
                slopes = margins - y if squared else -y / (1 + jnp.exp(y * margins))
                w = w - a.T @ (slopes * step / self.batch)
                return (w, total + w if self.averaged else total), None

            start = jnp.zeros(self.shape, jnp.float32)
            return jax.lax.scan(step, (start, start if self.averaged else 0.0), (rows, steps))[0]

        rows, steps = jnp.asarray(self.rows[:horizon]), jnp.asarray(self.steps[:horizon])
        return lambda: jax.block_until_ready(path(rows, steps))

    def jax_vmap(self, horizon):
        if missing("jax"):
            return None
        jax, jnp = importlib.import_module("jax"), importlib.import_module("jax.numpy")
        features, targets = jnp.asarray(self.features), jnp.asarray(self.targets)

        def loss(w, batch):
            margins = features[batch] @ w
            if self.loss == "squared":
                return jnp.mean((margins - targets[batch]) ** 2) / 2
            return jnp.mean(jnp.log1p(jnp.exp(-targets[batch] * margins)))

        def alone(rows, steps):
            def step(state, at):
                w, total = state
                w = w - at[1] * jax.grad(loss)(w, at[0])
                return (w, total + w if self.averaged else total), None

            start = jnp.zeros(self.shape[0], jnp.float32)
            return jax.lax.scan(step, (start, start if self.averaged else 0.0), (rows, steps))[0]

        path = jax.jit(jax.vmap(alone, in_axes=(None, 1)))
        rows, steps = jnp.asarray(self.rows[:horizon]), jnp.asarray(self.steps[:horizon])
        return lambda: jax.block_until_ready(path(rows, steps))

    def torch_columns(self, horizon):
        if missing("torch"):
            return None
        torch = importlib.import_module("torch")
        torch.set_num_threads(1)
        features, targets = torch.from_numpy(self.features), torch.from_numpy(self.targets)
        rows, steps = torch.from_numpy(self.rows), torch.from_numpy(self.steps)
        squared, averaged, batch = self.loss == "squared", self.averaged, self.batch

        def step(w, total, row, eta):
            a, y = features[row], targets[row][:, None]
            margins = a @ w
            slopes = margins - y if squared else -y / (1 + torch.exp(y * margins))
            w.addmm_(a.T, slopes * (eta / batch), alpha=-1)
            if averaged:
                total += w

        def run():
            with torch.no_grad():
                w, total = torch.zeros(self.shape), torch.zeros(self.shape)
                for t in range(horizon):
                    step(w, total, rows[t], steps[t])
            return w, total

        return run

    def scikit_learn(self):
        if missing("scikit-learn"):
            return None
        linear = importlib.import_module("sklearn.linear_model")
        settings = {
            "alpha": 0.0, "penalty": None, "learning_rate": "invscaling", "eta0": 0.1, "max_iter": 1, "tol": None,
            "average": self.averaged,
        }  # fmt: skip
        squared = self.loss == "squared"
        model = linear.SGDRegressor(**settings) if squared else linear.SGDClassifier(loss="log_loss", **settings)
        return lambda: model.fit(self.features64, self.targets64)


@njit
def _alone(features, targets, loss, rows, steps, averaged):
    horizon, batch = rows.shape
    w, total, change = np.zeros(features.shape[1]), np.zeros(features.shape[1]), np.zeros(features.shape[1])
    for t in range(horizon):
        change[:] = 0
        for i in rows[t]:
            margin = 0.0
            for j in range(w.size):
                margin += features[i, j] * w[j]
            slope = margin - targets[i] if loss == SQUARED else -targets[i] / (1 + np.exp(targets[i] * margin))
            for j in range(w.size):
                change[j] += slope * features[i, j]
        for j in range(w.size):
            w[j] -= steps[t] / batch * change[j]
            if averaged:
                total[j] += w[j]
    return w, total


@cache
def _peak() -> tuple[Callable[[], object], float]:
    library = _compiled(PEAK)
    if library is None:
        return lambda: None, float("nan")
    library.peak.restype = ctypes.c_float
    out, turns = ctypes.c_float(), 5_000_000
    of_a_turn = library.peak(ctypes.c_long(1), ctypes.byref(out))
    return lambda: library.peak(ctypes.c_long(turns), ctypes.byref(out)), turns * of_a_turn


@cache
def _compiled(source: str) -> ctypes.CDLL | None:
    """A C program, compiled for this processor, or None without a compiler."""
    folder = Path(tempfile.mkdtemp())
    (folder / "peer.c").write_text(source)
    try:
        # In two steps: linked with -ffast-math, it would flush small numbers to zero in the whole process.
        for command in (
            "gcc -c -O3 -march=native -ffast-math -fPIC -o peer.o peer.c",
            "gcc -shared -o peer.so peer.o -lm",
        ):
            subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no C compiler, left out: {error}", file=sys.stderr)
        return None
    return ctypes.CDLL(str(folder / "peer.so"))
