"""The running noise against its plain reference, the worst case's own recursion, and its theorem."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.forecast import reference
from lrtheory.forecast.running_noise import FAR, LEAF, NODES, forgetting_noise, running_noise
from lrtheory.schedules import REGISTRY
from lrtheory.theory.last_iterate import restarts

AGREE = 1e-11
"""The theorem's bound is 1e-12 of a block's sum of squares, a level; a tree of these tests has at most ten levels."""
HORIZON = 2_000
AT = np.array([1, 2, LEAF, LEAF + 1, 500, 1_024, 1_999, 2_000])


@pytest.mark.parametrize("schedule", REGISTRY, ids=str)
def test_every_prefix_of_every_schedule_is_the_worst_case_recursion(schedule):
    steps = schedule.steps(HORIZON, lr=0.3)
    stated = [restarts(taken[taken > 0])[1][0] for taken in (steps[:t] for t in AT)]
    np.testing.assert_allclose(running_noise(steps, AT), stated, rtol=AGREE)


@given(seed=st.integers(0, 10**6), spread=st.floats(0, 8), clamps=st.booleans(), weighted=st.booleans())
@settings(deadline=None, max_examples=25)
def test_fast_and_plain_are_equal(seed, spread, clamps, weighted):
    random = np.random.default_rng(seed)
    size = int(random.integers(1, 400))
    steps = random.lognormal(sigma=spread, size=size) * (random.random(size) > 0.1)  # some are zero
    weights = random.random(size) if weighted else None
    at = np.unique(random.integers(0, size + 1, random.choice([2, 20])))  # single passes, and the tree
    fast = running_noise(steps, at, weights=weights, clamps=clamps)
    np.testing.assert_allclose(fast, reference.running_noise(steps, at, weights=weights, clamps=clamps), rtol=AGREE)


@given(seed=st.integers(0, 10**6), exponent=st.floats(0.3, 2.5), offset=st.floats(1e-3, 10), weighted=st.booleans())
@settings(deadline=None, max_examples=25)
def test_forgetting_fast_and_plain_are_equal(seed, exponent, offset, weighted):
    random = np.random.default_rng(seed)
    steps = random.lognormal(size=300)
    weights = random.random(300) if weighted else None
    at = np.array([0, 1, 100, 299, 300])
    found = forgetting_noise(steps, at, exponent=exponent, offset=offset, weights=weights)
    stated = reference.forgetting_noise(steps, at, exponent=exponent, offset=offset, weights=weights)
    np.testing.assert_allclose(found, stated, rtol=AGREE)


def test_steps_that_leap_are_served_one_by_one():
    steps = np.repeat(10.0 ** np.random.default_rng(1).uniform(-8, 8, 20), 100)
    at = np.arange(0, 2_001, 97)
    np.testing.assert_allclose(running_noise(steps, at), reference.running_noise(steps, at), rtol=AGREE)


def test_several_weights_at_once_are_each_alone():
    random = np.random.default_rng(2)
    steps, weights = random.random(500), random.random((3, 500))
    together = running_noise(steps, [10, 100, 200, 300, 500], weights=weights)
    alone = [running_noise(steps, [10, 100, 200, 300, 500], weights=each) for each in weights]
    np.testing.assert_allclose(together, alone, rtol=1e-13)  # the same sums


def test_units():
    steps = np.linspace(1, 0, 1_000)
    np.testing.assert_allclose(running_noise(7 * steps, AT[:5]), 7 * running_noise(steps, AT[:5]), rtol=1e-12)


@given(
    steps=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=40),
    angle=st.floats(-np.pi / 2, np.pi / 2),
    far=st.floats(1.0, 1e3),
)
@settings(deadline=None, max_examples=100)
def test_the_bounds_of_the_theorem_hold_in_the_complex_plane(steps, angle, far):
    total, squares = sum(steps), sum(step**2 for step in steps)
    right = far * 1e-3 * total * np.exp(1j * angle * 0.999)  # anywhere in the right half-plane
    outside = far * FAR * total * np.exp(2j * angle)  # anywhere outside of the disc
    for start, bound in ((right, 1), (outside, 4)):
        s, noise = start, 0.0
        for step in steps:
            noise += step**2 / s
            s += 2 * step + step**2 / s
            assert abs(s) >= abs(start) / bound * (1 - 1e-12)  # rounding
        assert abs(start * noise) <= bound * squares * (1 + 1e-12)


def test_the_ellipse_of_the_theorem_lies_in_the_domain_and_gives_the_stated_bound():
    a = (1 + np.sqrt(2)) / 2
    b = np.sqrt(a)
    assert a**2 - b**2 == pytest.approx(1 / 4)  # foci 0 and 1
    rho = 2 * (a + b)
    assert rho == pytest.approx(1 + np.sqrt(2) + np.sqrt(2 + 2 * np.sqrt(2)))
    x = 0.5 + a * np.cos(t := np.linspace(0, 2 * np.pi, 10_001)) + 1j * b * np.sin(t)
    assert (np.abs(x[x.real <= 0]) <= 1 + 1e-12).all()
    assert 16 * rho ** -(NODES - 1) / (rho - 1) < 1.2e-12


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: running_noise([1.0, -1.0], [1]), "none negative"),
        (lambda: running_noise([1.0], [2]), "between 0 and the number of steps, 1"),
        (lambda: running_noise([1.0], [0.5]), "whole numbers"),
        (lambda: running_noise([1.0], [1], weights=[1.0, 1.0]), "as many as the steps"),
        (lambda: forgetting_noise([1.0], [1], offset=0.0), "offset must be positive"),
        (lambda: forgetting_noise([1.0], [1], offset=1.0, exponent=0.0), "exponent"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
