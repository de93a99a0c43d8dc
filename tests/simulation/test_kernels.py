"""The compiled simulators of the one-dimensional family are the plain one, bit for bit, in every form."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.simulation import configuration_kernels, reference, replica_kernels, simd_kernels, streams
from lrtheory.simulation.moments import Moments
from lrtheory.simulation.one_dimensional import Configurations, rademacher_tasks
from lrtheory.simulation.problems import AbsoluteValue

DTYPES = st.sampled_from(["float32", "float64"])
# Tails of every kind: below and above the fused steps (4), the words (32 and 64) and their multiples.
HORIZONS = st.one_of(st.integers(1, 12), st.sampled_from([31, 32, 33, 63, 64, 65, 96, 127, 128, 129, 200]))


def masks_of(dtype):
    word = np.dtype(f"uint{8 * np.dtype(dtype).itemsize}").type
    return word(1) << np.arange(8 * np.dtype(dtype).itemsize, dtype=word)


def random_steps(seed, horizon):
    generator = np.random.default_rng(seed)
    steps = 10 ** generator.uniform(-4, 1, horizon)
    steps[generator.random(horizon) < 0.1] = 0
    return steps


def assert_same_bits(ours, theirs):
    assert ours.dtype == theirs.dtype
    assert ours.tobytes() == np.ascontiguousarray(theirs).tobytes()


@settings(deadline=None, max_examples=100)
@given(
    dtype=DTYPES,
    horizon=HORIZONS,
    pairs=st.integers(1, 35),
    first=st.integers(0, 2**40),
    seed=st.integers(0, 2**64 - 1),
    eps=st.floats(0, 1),
    start=st.floats(-0.5, 0.5),
    antithetic=st.booleans(),
    averaged=st.booleans(),
    vectors=st.booleans(),
    draw=st.integers(0, 2**32),
)
def test_replicas_side_by_side(dtype, horizon, pairs, first, seed, eps, start, antithetic, averaged, vectors, draw):
    scalar = np.dtype(dtype).type
    steps, noise = random_steps(draw, horizon), np.sqrt(1 - eps**2)
    start, bound = scalar(start) + scalar(0), scalar(0.5)  # +0, never -0
    alone = simd_kernels.alone(np.dtype(dtype), averaged) if vectors else (0, 0, 0)
    x, average = replica_kernels.rademacher_block(
        steps, eps + noise, eps - noise, start, bound, masks_of(dtype), np.uint64(seed), first, 2 * pairs, antithetic,
        averaged, alone,
    )  # fmt: skip
    exact, exact_average = reference.rademacher_block(
        steps, eps, noise, start, bound, seed, first, 2 * pairs, antithetic
    )
    assert_same_bits(x, exact if averaged else np.abs(exact))
    assert np.abs(x).max() <= 0.5  # the projection keeps every iterate in the domain
    if averaged:
        assert_same_bits(average, exact_average)


@settings(deadline=None, max_examples=60)
@given(
    dtype=DTYPES,
    horizon=HORIZONS,
    pairs=st.integers(1, 35),
    configurations=st.integers(1, 6),
    seed=st.integers(0, 2**64 - 1),
    antithetic=st.booleans(),
    averaged=st.booleans(),
    vectors=st.booleans(),
    draw=st.integers(0, 2**32),
)
def test_configurations_side_by_side(
    dtype, horizon, pairs, configurations, seed, antithetic, averaged, vectors, draw
):  # fmt: skip
    number = np.dtype(dtype)
    generator = np.random.default_rng(draw)
    width = simd_kernels.width(number) if vectors else 16
    if width == 0:
        pytest.skip("this processor has no vectors that are known")
    shapes = np.array([random_steps(draw, horizon), random_steps(draw + 1, horizon)])
    lanes = np.minimum(np.arange(width), configurations - 1)
    kinds, lrs = generator.integers(0, 2, configurations)[lanes], generator.uniform(0.1, 1, configurations)[lanes]
    eps = generator.uniform(0, 1, configurations)[lanes]
    noise = np.sqrt((1 - eps) * (1 + eps))
    bounds = generator.uniform(0.5, 2, configurations)[lanes].astype(number)
    starts = (bounds * generator.uniform(-1, 1, configurations)[lanes].astype(number)) + number.type(0)
    found = configuration_kernels.rademacher_tile(
        shapes, kinds, lrs, eps + noise, eps - noise, starts, bounds, np.uint64(seed), 6, 2 * pairs, antithetic, averaged,
        simd_kernels.together(averaged) if vectors else 0,
    )  # fmt: skip
    for lane in range(configurations):
        steps = lrs[lane] * shapes[kinds[lane]]
        exact = reference.rademacher_block(
            steps, eps[lane], noise[lane], starts[lane], bounds[lane], seed, 6, 2 * pairs, antithetic
        )
        for (means, squares), values in zip(found, exact if averaged else exact[:1]):
            mean, square = configuration_kernels.moments(values, 1, 2 * pairs, antithetic)
            assert (means[lane], squares[lane]) == (mean[0], square[0])


def test_moments_are_means_and_squared_deviations():
    values = np.random.default_rng(0).standard_normal((40, 3)).astype(np.float32)
    means, squares = configuration_kernels.moments(values.ravel(), 3, 40, False)
    distances = np.abs(values.astype(np.float64))
    # Sums of 40 numbers of order one, in double precision.
    assert means == pytest.approx(distances.mean(axis=0), rel=1e-13)
    assert squares == pytest.approx(40 * distances.var(axis=0), rel=1e-13)
    paired = configuration_kernels.moments(values.ravel(), 3, 40, True)[1]
    assert paired == pytest.approx(20 * distances.reshape(20, 2, 3).mean(axis=1).var(axis=0), rel=1e-13)


def summed(sweep, replicas, dtype, **options):
    totals = [Moments.nothing(len(sweep.lrs)) for _ in range(2)]
    for task in rademacher_tasks(sweep, replicas, 5, np.dtype(dtype), **options):
        for where, *parts in task():
            for total, part in zip(totals, parts):
                total.add(where, part)
    return totals


@settings(deadline=None, max_examples=25)
@given(
    dtype=DTYPES,
    configurations=st.sampled_from([1, 2, 5, 6, 7, 31, 32, 33, 40, 70, 127, 128, 130]),
    replicas=st.sampled_from([2, 58, 60, 62, 960, 1920, 1922, 4000]),
    antithetic=st.booleans(),
    averaged=st.booleans(),
)
def test_nobody_can_tell_which_form_served_a_configuration(dtype, configurations, replicas, antithetic, averaged):
    generator = np.random.default_rng(configurations)
    problems = [AbsoluteValue(eps, diameter=each) for eps, each in generator.uniform(0.01, 0.9, (configurations, 2))]
    shapes = np.array([random_steps(each, 70) for each in range(3)])
    kinds, lrs = np.sort(generator.integers(0, 3, configurations)), generator.uniform(0.01, 1, configurations)
    whole = Configurations(problems, shapes, kinds, lrs)
    options = {"antithetic": antithetic, "averaged": averaged}
    vectors, portable = (summed(whole, replicas, dtype, vectors=each, **options) for each in (True, False))
    chosen = configurations // 2
    one = slice(chosen, chosen + 1)
    alone = summed(Configurations(problems[one], shapes, kinds[one], lrs[one]), replicas, dtype, **options)
    for of_vectors, of_portable, of_one in list(zip(vectors, portable, alone))[: 1 + averaged]:
        for name in ("count", "mean", "squares"):
            assert_same_bits(getattr(of_vectors, name), getattr(of_portable, name))
            assert_same_bits(getattr(of_vectors, name)[one], getattr(of_one, name))


DIGEST = """
import hashlib
from lrtheory import Constant, Cosine
from lrtheory.simulation import AbsoluteValue, simulate, simd_kernels
problems = [AbsoluteValue(eps) for eps in (0.01, 0.1, 0.5)]
table = simulate(problems, [Constant(), Cosine()], horizon=150, lr=[0.01 * k for k in range(1, 24)], replicas=500, threads=1)
numbers = table[["last", "last_standard_error", "averaged", "averaged_standard_error"]].to_numpy()
print(simd_kernels.LAYOUT.bits if simd_kernels.LAYOUT else 0, hashlib.sha256(numbers.tobytes()).hexdigest())
"""


def test_other_processors_find_the_same_bits():
    targets = {
        "this one": {},
        "AVX2": {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt,+sse4.2"},
        "no vectors": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    }
    if simd_kernels.LAYOUT is None:
        pytest.skip("this processor has no vectors that are known")
    digests = {}
    for name, target in targets.items():
        command = [sys.executable, "-c", DIGEST]
        run = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | target)
        bits, digests[name] = run.stdout.split()
        assert bits == {"this one": str(simd_kernels.LAYOUT.bits), "AVX2": "256", "no vectors": "0"}[name]
    assert len(set(digests.values())) == 1


@settings(deadline=None, max_examples=60)
@given(
    dtype=DTYPES,
    horizon=st.integers(1, 64),
    count=st.integers(1, 70),
    eps=st.floats(0, 1),
    start=st.floats(-0.5, 0.5),
    draw=st.integers(0, 2**32),
)
def test_gaussian_chunk(dtype, horizon, count, eps, start, draw):
    scalar = np.dtype(dtype).type
    steps, noise = random_steps(draw, horizon), np.sqrt(1 - eps**2)
    xi = streams.gaussians(draw, 0, 0, dtype)
    ours = np.full(count, scalar(start) + scalar(0)), np.ones(count)
    theirs = np.full(count, scalar(start) + scalar(0)), np.ones(count)
    replica_kernels.gaussian_chunk(*ours, steps, eps, noise, xi, scalar(0.5))
    reference.gaussian_chunk(*theirs, steps, eps, noise, xi, scalar(0.5))
    for our, their in zip(ours, theirs):
        assert_same_bits(our, their)


@settings(deadline=None, max_examples=30)
@given(dtype=DTYPES, split=st.integers(1, 99), horizon=HORIZONS, averaged=st.booleans())
def test_a_replica_does_not_depend_on_the_others(dtype, split, horizon, averaged):
    scalar, alone = np.dtype(dtype).type, simd_kernels.alone(np.dtype(dtype), averaged)

    def block(first, count):
        steps = random_steps(1, horizon)
        return replica_kernels.rademacher_block(
            steps,
            1.2,
            -0.6,
            scalar(0.5),
            scalar(0.5),
            masks_of(dtype),
            np.uint64(9),
            first,
            count,
            False,
            averaged,
            alone,
        )

    whole, left, right = block(0, 100), block(0, split), block(split, 100 - split)
    for all_of_them, some, others in zip(whole, left, right):
        assert_same_bits(all_of_them, np.concatenate([some, others]))
