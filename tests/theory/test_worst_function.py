"""The bound of the last iterate is attained: the function that attains it, run."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory import worst_case
from lrtheory.schedules import REGISTRY
from lrtheory.theory.hard_instance import worst_function

ROUNDING = 1e-7  # of lengths: vectors from a singular matrix hold the root of the rounding of its eigenvalues


def attains(steps, lipschitz, distance):
    """Whether the run is a run on the function, and loses what the theorem says."""
    worst = worst_function(steps, lipschitz=lipschitz, distance=distance)
    moving = steps[steps > 0]
    values = worst(worst.path)
    length = distance + lipschitz * moving.sum()  # the start and the path are sums of vectors up to this long
    active = lipschitz * np.sum(worst.directions * worst.path, axis=1)
    assert np.abs(np.linalg.norm(worst.directions, axis=1) - 1).max() < ROUNDING
    assert np.linalg.norm(worst.path[0]) == pytest.approx(distance, abs=ROUNDING * length)
    moved = worst.path[:-1] - lipschitz * moving[:, None] * worst.directions[:-1]
    assert np.abs(moved - worst.path[1:]).max() < ROUNDING * length
    assert np.abs(values - active).max() < ROUNDING * lipschitz * length  # the piece t is active at x_t: a subgradient
    expected = worst_case(steps, lipschitz=lipschitz, distance=distance)
    assert values[-1] == pytest.approx(expected, abs=ROUNDING * lipschitz * length)


@given(
    steps=st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30).map(np.array),
    lipschitz=st.floats(0.1, 10),
    distance=st.floats(1e-2, 1e2),
)
@settings(deadline=None, max_examples=100)
def test_the_bound_is_attained_for_any_steps(steps, lipschitz, distance):
    attains(steps, lipschitz, distance)


@pytest.mark.parametrize("schedule", REGISTRY, ids=str)
@pytest.mark.parametrize("multiple", [0.02, 1.0, 30.0])
def test_the_bound_is_attained_by_every_schedule(schedule, multiple):
    attains(schedule.steps(60, multiple / np.sqrt(60)), 1.0, 1.0)


def test_small_steps_meet_one_slope_only():
    worst = worst_function([0.1, 0.1], distance=1.0)
    assert np.linalg.matrix_rank(worst.directions, tol=1e-6) == 1


def test_bad_input_is_one_sentence():
    with pytest.raises(ValueError, match="steps must be"):
        worst_function([-1.0], distance=1.0)
    with pytest.raises(ValueError, match="distance must be a positive"):
        worst_function([1.0], distance=0.0)
