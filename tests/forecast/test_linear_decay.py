"""Linear decay is best for any bias: identities, a numerical attack, the limit, and how best rates move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from lrtheory.forecast import linear_decay, misspecified
from lrtheory.forecast.running_noise import running_noise
from lrtheory.schedules import Cosine, Polynomial
from lrtheory.theory.misspecification import degradation

exponents = st.floats(0.1, 2.0)


@pytest.mark.parametrize("module", [linear_decay, misspecified], ids=lambda module: module.__name__)
def test_every_identity_of_the_proof_vanishes(module):
    identities = module.proof()
    assert len(identities) >= 6
    assert all(identity == 0 for identity in identities.values()), identities


@given(steps=st.lists(st.floats(0, 1e3), min_size=1, max_size=60).filter(any).map(np.array))
@settings(deadline=None, max_examples=200)
def test_no_steps_are_less_noisy_than_linear_decay_of_the_same_sum(steps):
    noise = running_noise(steps, [steps.size])[0]
    assert noise >= 2 * steps.sum() / steps.size * (1 - 1e-12)  # rounding


@pytest.mark.parametrize("horizon", [1, 2, 50, 1_000])
def test_linear_decay_attains_it(horizon):
    steps = Polynomial(1).steps(horizon, lr=0.3)
    assert running_noise(steps, [horizon])[0] == pytest.approx(2 * steps.sum() / horizon, rel=1e-11)


def test_steps_near_linear_decay_are_worse_and_the_more_so_the_further():
    random, steps = np.random.default_rng(0), Polynomial(1).steps(100)
    for _ in range(50):
        direction = random.normal(size=100)
        excess = []
        for size in (0.02, 0.05, 0.1):
            other = steps * np.exp(size * direction)
            excess.append(running_noise(other, [100])[0] / (2 * other.sum() / 100) - 1)
        assert 0 < excess[0] < excess[1] < excess[2]


@given(bias=st.floats(0.1, 10), exponent=exponents, noise=st.floats(0.1, 10), horizon=st.integers(2, 500))
@settings(deadline=None, max_examples=50)
def test_the_best_rate_is_best(bias, exponent, noise, horizon):
    best = linear_decay.best_rate(horizon, bias=bias, exponent=exponent, noise=noise)
    steps = Polynomial(1).steps(horizon)

    def loss(rate):
        return bias * (rate * steps.sum()) ** -exponent + noise * rate * running_noise(steps, [horizon])[0]

    assert loss(best) <= min(loss(best * 0.99), loss(best * 1.01))
    summed = (exponent * bias * horizon / (2 * noise)) ** (1 / (1 + exponent))
    assert loss(best) == pytest.approx((1 + exponent) * bias * summed**-exponent, rel=1e-9)  # rounding


def test_rates_move_with_the_horizon_as_stated():
    rates = [linear_decay.best_rate(horizon, bias=1.0, exponent=0.5, noise=1.0) for horizon in (10**5, 10**6)]
    # T / (T + 1) in place of 1 moves the slope by less than 1e-5
    assert np.log10(rates[1] / rates[0]) == pytest.approx(linear_decay.transfer_exponent(0.5), abs=1e-5)
    with pytest.raises(ValueError, match="for noise must grow with the rate"):
        linear_decay.transfer_exponent(0.5, 0.6, 0.5)


@pytest.mark.parametrize("schedule", [Polynomial(1), Polynomial(2), Polynomial(3), Cosine()], ids=str)
def test_the_limit_is_half_the_integral_of_the_squared_shape_over_what_remains(schedule):
    def remaining(u):
        return quad(lambda v: float(schedule(v)), u, 1)[0]

    limit = quad(lambda u: float(schedule(u)) ** 2 / (2 * remaining(u)), 0, 1 - 1e-6)[0]
    # Near its end a run of T steps differs from its limit by O(1/T^p), here at most 1e-3.
    assert running_noise(schedule.steps(200_000), [200_000])[0] == pytest.approx(limit, rel=2e-3)


@given(rho=st.floats(1.0, 1e3), degree=st.sampled_from([1, 2, 3]))
@settings(deadline=None, max_examples=30)
def test_restarts_with_the_bias_of_the_worst_case_are_its_law(rho, degree):
    assert misspecified.restarted_degradation(rho, 1.0, degree) == pytest.approx(
        float(degradation(Polynomial(degree), rho)),
        rel=1e-6,  # it minimises numerically
    )


@given(rho=st.floats(1.0, 1e3), exponent=exponents, degree=st.floats(0.5, 4))
@settings(deadline=None, max_examples=50)
def test_restarts_are_a_minimum_over_what_remains(rho, exponent, degree):
    w = np.geomspace(1e-6, 1, 20_001)
    loss = rho**-exponent * w ** (-exponent * (degree + 1)) + exponent * rho * w**degree
    stated = float(misspecified.restarted_degradation(rho, exponent, degree))
    # neighbours on the grid differ by 0.07 %, so the minimum is missed by the square of that, times at most 40
    assert stated == pytest.approx(loss.min() / (1 + exponent), rel=1e-4)


def test_bad_input_is_one_sentence():
    with pytest.raises(ValueError, match="rho must be positive"):
        misspecified.degradation_of_forecast([0.0], 1.0)
    with pytest.raises(ValueError, match="bias must be a positive"):
        linear_decay.best_rate(10, bias=0.0, exponent=1.0, noise=1.0)
