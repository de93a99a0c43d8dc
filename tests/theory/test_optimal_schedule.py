"""The best steps for gradient norms that change, against the constant case, perturbations and the published form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory import Polynomial, worst_case
from lrtheory.theory.refined_schedule import optimal_schedule, optimal_steps, worst_case_of_norms

norm_lists = st.lists(st.floats(-2, 2), min_size=1, max_size=30).map(np.exp)


@given(
    steps=st.lists(st.floats(0.01, 2), min_size=1, max_size=20),
    norm=st.floats(0.2, 4),
    distance=st.floats(0.2, 4),
)
@settings(deadline=None, max_examples=50)
def test_constant_norms_are_the_worst_case(steps, norm, distance):
    exact = worst_case(steps, lipschitz=norm, distance=distance)
    # The one-dimensional search over a stops at 1e-9 of its logarithm, but may sit at the edge of its grid.
    assert worst_case_of_norms(steps, np.full(len(steps), norm), distance=distance) == pytest.approx(exact, rel=1e-6)


@given(norms=norm_lists, distance=st.floats(0.2, 4), seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=50)
def test_no_other_steps_have_a_smaller_bound(norms, distance, seed):
    best = distance / np.sqrt((np.append(norms, norms[-1]) ** -2.0).sum())
    steps = optimal_steps(norms, distance=distance)
    assert worst_case_of_norms(steps, norms, distance=distance) == pytest.approx(best, rel=1e-9)
    moved = steps * np.exp(0.3 * np.random.default_rng(seed).standard_normal(len(steps)))
    assert worst_case_of_norms(moved, norms, distance=distance) >= best * (1 - 1e-12)


@given(norms=norm_lists.filter(lambda norms: len(norms) > 1))
@settings(deadline=None, max_examples=50)
def test_the_published_refinement_has_the_same_steps(norms):
    """Published for T norms, the last step zero; here for T - 1 steps and the norm at the output."""
    norms = np.append(norms, norms[-1])
    weights = norms**-2.0
    published = [weights[t] * weights[t + 1 :].sum() / weights.sum() ** 1.5 for t in range(len(weights))]
    assert published[-1] == 0
    np.testing.assert_allclose(optimal_steps(norms[:-1]), published[:-1], rtol=1e-12)


@given(norms=norm_lists, seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=10)
def test_simulation_stays_below(norms, seed):
    """Signs of random size on |x|: gradients of norm G_t, mean slope the smallest norm times one half."""
    steps = optimal_steps(norms)
    slope = norms.min() / 2
    generator = np.random.default_rng(seed)
    x = np.full(4_000, 1.0)
    for step, norm in zip(steps, norms):
        noise = np.sqrt(norm**2 - slope**2) * generator.choice([-1.0, 1.0], x.size)
        x = x - step * (slope * np.sign(x) + noise)
    losses = slope * np.abs(x)
    bound = worst_case_of_norms(steps, norms, distance=1.0)
    assert losses.mean() <= bound + 6 * losses.std() / np.sqrt(x.size)  # six standard errors


def test_the_schedule_is_the_steps():
    horizon = 2_000
    norms = 1 + 4 * np.exp(-np.arange(horizon) / 100)
    schedule = optimal_schedule(norms, smoothing=0)
    steps = optimal_steps(norms)
    # Knots are 50 steps apart: half of the time in which the norms fall, so the warm-up is cut a little.
    np.testing.assert_allclose(schedule.steps(horizon) * steps.max(), steps, atol=0.02 * steps.max())
    assert schedule.degree == 1
    assert 0 < int(np.argmax(schedule.steps(horizon))) < 600  # it warms up
    noisy = norms * np.exp(0.2 * np.random.default_rng(0).standard_normal(horizon))
    np.testing.assert_allclose(optimal_schedule(noisy).steps(horizon), schedule.steps(horizon), atol=0.2)
    np.testing.assert_allclose(optimal_schedule(np.ones(7)).steps(7), Polynomial(1).steps(7), atol=0.02)


@pytest.mark.parametrize("norms", [[], [0.0, 1.0], [1.0, -1.0], [np.nan], [[1.0]]])
def test_bad_norms_are_one_sentence(norms):
    for function in (optimal_steps, optimal_schedule):
        with pytest.raises(ValueError, match="gradient_norms must be a one-dimensional"):
            function(norms)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimal_steps([1.0], distance=0), "distance must be a positive"),
        (lambda: optimal_schedule([1.0, 1.0], smoothing=1), "smoothing must be a part of the run"),
        (lambda: optimal_schedule([1.0, 1.0], knots=0), "knots must be a whole number"),
        (lambda: optimal_schedule([1.0]), "at least two entries"),
        (lambda: worst_case_of_norms([0.1], [1.0, 1.0], distance=1), "as many"),
        (lambda: worst_case_of_norms([0.1, 0.0], [1.0, 1.0], distance=1), "as many"),
    ],
)
def test_bad_numbers_are_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
