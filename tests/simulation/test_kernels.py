"""The compiled simulators are the plain ones, bit for bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.simulation import kernels, reference, streams
from lrtheory.simulation.problems import LOSSES

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
    count=st.integers(1, 70),
    first=st.integers(0, 2**40),
    seed=st.integers(0, 2**64 - 1),
    eps=st.floats(0, 1),
    start=st.floats(-0.5, 0.5),
    draw=st.integers(0, 2**32),
)
def test_rademacher_block(dtype, horizon, count, first, seed, eps, start, draw):
    scalar = np.dtype(dtype).type
    steps, noise = random_steps(draw, horizon), np.sqrt(1 - eps**2)
    start, bound = scalar(start) + scalar(0), scalar(0.5)  # +0, never -0
    ours = kernels.rademacher_block(steps, eps, noise, start, bound, masks_of(dtype), np.uint64(seed), first, count)
    theirs = reference.rademacher_block(steps, eps, noise, start, bound, seed, first, count)
    for our, their in zip(ours, theirs):
        assert_same_bits(our, their)
        assert np.abs(our).max() <= 0.5  # the projection keeps every iterate, so their average, in the domain


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
    kernels.gaussian_chunk(*ours, steps, eps, noise, xi, scalar(0.5))
    reference.gaussian_chunk(*theirs, steps, eps, noise, xi, scalar(0.5))
    for our, their in zip(ours, theirs):
        assert_same_bits(our, their)


@settings(deadline=None, max_examples=60)
@given(
    dtype=DTYPES,
    loss=st.sampled_from(sorted(LOSSES)),
    horizon=st.integers(1, 140),
    dimension=st.integers(1, 9),
    columns=st.integers(1, kernels.COLUMNS),
    scale=st.sampled_from([0.1, 1.0, 30.0]),
    draw=st.integers(0, 2**32),
)
def test_finite_sum_path(dtype, loss, horizon, dimension, columns, scale, draw):
    generator = np.random.default_rng(draw)
    features = (scale * generator.standard_normal((13, dimension))).astype(dtype)
    targets = generator.choice([-1, 1], 13).astype(dtype)
    steps = (10 ** generator.uniform(-3, 0.5, (horizon, columns))).astype(dtype)
    radius = np.dtype(dtype).type(0.75)
    rows = streams.rows(draw, 0, horizon, 13)
    ours = kernels.finite_sum_path(features, targets, LOSSES[loss], steps, rows, radius)
    theirs = reference.finite_sum_path(features, targets, LOSSES[loss], steps, rows, radius)
    for our, their in zip(ours, theirs):
        assert_same_bits(our, their)
        # Scaling to the sphere rounds each coordinate: a few units in the last place.
        assert np.linalg.norm(our, axis=0).max() <= 0.75 * (1 + 8 * np.finfo(dtype).eps)


@settings(deadline=None, max_examples=40)
@given(
    horizon=st.integers(1, 60),
    eps=st.floats(0, 1),
    start=st.floats(0, 0.5),
    scale=st.floats(-6, 3),
    spread=st.floats(0, 3),
    nodes=st.sampled_from([16, 64, 130]),
    draw=st.integers(0, 2**32),
)
def test_expected_distance(horizon, eps, start, scale, spread, nodes, draw):
    steps = 10 ** (scale + spread * np.random.default_rng(draw).uniform(-1, 1, horizon))
    noise = np.sqrt((1 - eps) * (1 + eps))
    ours = kernels.expected_distance(steps, eps, noise, start, 0.5, nodes, 6.0)
    theirs = reference.expected_distance(steps, eps, noise, start, 0.5, nodes, 6.0)
    # Fused multiply-adds round differently; a cubic stencil grows errors by at most 1.25 a step in the maximum norm,
    # and in practice not at all.
    assert ours == pytest.approx(theirs, rel=1e-9, abs=1e-12)


@settings(deadline=None, max_examples=30)
@given(dtype=DTYPES, split=st.integers(1, 99), horizon=HORIZONS)
def test_a_replica_does_not_depend_on_the_others(dtype, split, horizon):
    scalar = np.dtype(dtype).type

    def block(first, count):
        steps = random_steps(1, horizon)
        return kernels.rademacher_block(
            steps, 0.3, 0.9, scalar(0.5), scalar(0.5), masks_of(dtype), np.uint64(9), first, count
        )

    whole, left, right = block(0, 100), block(0, split), block(split, 100 - split)
    for all_of_them, some, others in zip(whole, left, right):
        assert_same_bits(all_of_them, np.concatenate([some, others]))
