"""The random bits: known values, independence of how they are cut, and the moments they must have."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.simulation import streams

SEEDS = st.integers(0, 2**64 - 1)


def test_finalise_is_splitmix64():
    # The first outputs of the published generator from state 0.
    golden = streams.GOLDEN
    states = np.arange(1, 4, dtype=np.uint64) * golden
    assert [hex(z) for z in streams.finalise(states)] == [
        "0xe220a8397b1dcdaf",
        "0x6e789e6aa1b965f4",
        "0x6c45d188009454f",
    ]


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, first=st.integers(0, 10**6), chunk=st.integers(0, 10**6))
def test_a_word_does_not_depend_on_its_company(seed, first, chunk):
    table = streams.words(seed, np.arange(first, first + 5), np.arange(chunk, chunk + 3))
    assert table[2, 4] == streams.words(seed, [first + 4], [chunk + 2])[0, 0]


@settings(deadline=None, max_examples=30)
@given(seed=SEEDS, horizon=st.integers(1, 200), longer=st.integers(0, 200))
def test_a_longer_horizon_extends_signs_and_rows(seed, horizon, longer):
    assert (streams.signs(seed, [3], horizon + longer)[:horizon] == streams.signs(seed, [3], horizon)).all()
    assert (streams.rows(seed, 3, horizon + longer, 17)[:horizon] == streams.rows(seed, 3, horizon, 17)).all()


def test_words_of_different_keys_differ():
    table = np.stack([streams.words(seed, np.arange(50), np.arange(50)) for seed in range(20)])
    assert np.unique(table).size == table.size


@pytest.mark.parametrize("seed", range(3))
def test_signs_have_mean_zero_and_are_uncorrelated(seed):
    signs = streams.signs(seed, np.arange(2000), 512).astype(float)
    root = np.sqrt(signs.size)
    # Sums of a million signs: five standard deviations fail by chance once in two million.
    assert abs(signs.sum()) < 5 * root
    for lag in (1, 2, 63, 64, 65):
        assert abs((signs[lag:] * signs[:-lag]).sum()) < 5 * root
        assert abs((signs[:, lag:] * signs[:, :-lag]).sum()) < 5 * root
    # The largest of 2,000 standardised sums, and of 512.
    assert np.abs(signs.sum(axis=0)).max() < 5.5 * np.sqrt(512)
    assert np.abs(signs.sum(axis=1)).max() < 5.5 * np.sqrt(2000)


@pytest.mark.parametrize("seed", range(3))
def test_gaussians_have_unit_moments(seed):
    xi = np.concatenate([streams.gaussians(seed, block, chunk) for block in range(3) for chunk in range(3)])
    # Standard deviations of the first four moments of n normals: 1, sqrt 2, sqrt 15, sqrt 96 over sqrt n.
    for power, mean, deviation in ((1, 0, 1), (2, 1, np.sqrt(2)), (3, 0, np.sqrt(15)), (4, 3, np.sqrt(96))):
        assert abs((xi**power).mean() - mean) < 5 * deviation / np.sqrt(xi.size)


def test_gaussians_of_large_seeds_differ():
    assert not (streams.gaussians(2**64 - 1, 0, 0) == streams.gaussians(2**64 - 2, 0, 0)).any()


def test_gaussians_of_single_precision_are_those_of_double_precision_rounded():
    double = streams.gaussians(5, 2, 1)
    assert (streams.gaussians(5, 2, 1, np.float32) == double.astype(np.float32)).all()


@settings(deadline=None, max_examples=20)
@given(seed=SEEDS, samples=st.integers(1, 40))
def test_rows_are_uniform(seed, samples):
    rows = streams.rows(seed, 0, 4000, samples)
    assert rows.min() >= 0
    assert rows.max() < samples
    expected = 4000 / samples
    statistic = ((np.bincount(rows, minlength=samples) - expected) ** 2 / expected).sum()
    # Chi squared with samples - 1 degrees of freedom: mean + 8 deviations + 30 is beyond one in 10^6 for all sizes here.
    assert statistic < samples + 8 * np.sqrt(2 * samples) + 30


def test_rows_reach_no_index_too_large():
    # The largest possible word must round down: (1 - 2^-53) * samples < samples in floating point.
    for samples in (1, 2, 3, 10**9, 2**31 - 1, 2**40 + 1):
        assert int((2.0**53 - 1) * (samples / 2.0**53)) < samples
