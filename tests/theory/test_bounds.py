"""The smooth case, the lower bound of fixed steps, the published bound and the averaged iterate."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory import Constant, Cosine, InverseSqrt, Polynomial, tuned_lr, worst_case
from lrtheory.schedules import REGISTRY
from lrtheory.theory.averaged import averaged_bound
from lrtheory.theory.fixed_step_lower_bound import fixed_step_lower_bound, two_cycle
from lrtheory.theory.published_bound import published_bound
from lrtheory.theory.smooth import noiseless_law, proof, smooth_exponents, smooth_worst_case

RHO = np.array([16.0, 32.0, 64.0, 128.0, 256.0])


def slope(x, y):
    return np.polyfit(np.log(x), np.log(y), 1)[0]


def test_every_identity_of_the_smooth_proof_vanishes():
    assert all(identity == 0 for identity in proof().values())
    assert str(noiseless_law()["exponent"]) == "1/p"


@pytest.mark.parametrize("schedule", [Polynomial(1), Polynomial(2), Polynomial(3), Cosine()], ids=str)
def test_smooth_exponents_are_reached(schedule):
    bias, noise = map(float, smooth_exponents(schedule))
    horizon = 100_000
    # Without noise a restart waits for beta eta <= 1, which the integers round: 1e-3 of the slope at this horizon.
    noiseless = [smooth_worst_case(schedule.steps(horizon, rho), diameter=1.0) for rho in RHO]
    assert slope(RHO, noiseless) == pytest.approx(bias, abs=0.02)
    # With much noise the smoothness never binds: the law of the non-smooth case with sigma for G. The cosine's last
    # part is a square only in the limit, which moves its slope by 4e-3.
    noisy = [
        smooth_worst_case(schedule.steps(horizon, rho / np.sqrt(horizon)), smoothness=1e-3, noise=1.0, diameter=1.0)
        for rho in RHO
    ]
    assert slope(RHO, noisy) == pytest.approx(noise, abs=0.01)


@given(
    target=st.floats(-2, 2), noise=st.floats(0.01, 2), lr=st.floats(0.05, 0.9), horizon=st.integers(1, 60),
    schedule=st.sampled_from(REGISTRY), seed=st.integers(0, 2**32),
)  # fmt: skip
@settings(deadline=None, max_examples=25)
def test_smooth_bound_holds_on_quadratics(target, noise, lr, horizon, schedule, seed):
    """A noisy quadratic in the plane of its curvature: the mean loss of many runs stays below the bound."""
    steps = schedule.steps(horizon, lr)
    x = np.full(4000, target)
    generator = np.random.default_rng(seed)
    for step in steps:
        x = x - step * (x + noise * generator.standard_normal(x.size))
    losses = x**2 / 2
    bound = smooth_worst_case(steps, smoothness=1.0, noise=noise, distance=max(abs(target), 1e-9))
    # Six standard errors: a bound that holds fails by chance once in 1e9 examples.
    assert losses.mean() <= bound + 6 * losses.std() / np.sqrt(x.size)


@given(length=st.floats(-75, 75), slope=st.floats(-75, 75))
@settings(deadline=None, max_examples=50)
def test_units_do_not_matter(length, slope):
    """Steps in units of length over slope, losses in units of both, as far as either may go."""
    length, slope = 10**length, 10**slope
    steps = Cosine().steps(20, lr=0.3)
    for bound, size in (
        (lambda steps, **units: published_bound(steps, **units).total, "distance"),
        (averaged_bound, "distance"),
        (fixed_step_lower_bound, "diameter"),
        (lambda steps, lipschitz, diameter: smooth_worst_case(
            steps, noise=lipschitz, smoothness=lipschitz / diameter, diameter=diameter,
        ), "diameter"),
    ):  # fmt: skip
        scaled = bound(steps * (length / slope), lipschitz=slope, **{size: length})
        assert scaled == pytest.approx(bound(steps, lipschitz=1.0, **{size: 1.0}) * length * slope, rel=1e-11)


@pytest.mark.parametrize(
    ("bound", "units"),
    [
        (published_bound, {"distance": 1e200}), (averaged_bound, {"distance": 1e200}),
        (smooth_worst_case, {"distance": 1e200}), (fixed_step_lower_bound, {"diameter": 1.0, "lipschitz": 1e200}),
        (smooth_worst_case, {"distance": 1.0, "noise": 1e200}),
    ],
)  # fmt: skip
def test_what_leaves_the_range_of_numbers_is_refused(bound, units):
    with pytest.raises(ValueError, match=r"must be .*to 1e"):
        bound([1.0, 0.5], **units)


def test_smooth_edges():
    assert smooth_worst_case([3.0], diameter=1.0) == np.inf
    assert smooth_worst_case([3.0, 0.5], distance=1.0) == np.inf
    assert smooth_worst_case([3.0, 0.5], diameter=1.0) == smooth_worst_case([0.5], diameter=1.0)
    with pytest.raises(ValueError, match="noise must be a number from 0 to 1e"):
        smooth_worst_case([0.5], noise=-1.0, diameter=1.0)


@pytest.mark.parametrize("rho", [1.0, 4.0, 16.0])
@pytest.mark.parametrize("schedule", [Constant(), InverseSqrt()], ids=str)
def test_fixed_steps_are_linear_in_rho(schedule, rho):
    """Between the lower bound, which is linear in rho, and the worst case lies a logarithm of the horizon."""
    horizon = 10_000
    steps = rho * schedule.steps(horizon, tuned_lr(schedule, horizon, diameter=1.0))
    lower = fixed_step_lower_bound(steps, diameter=1.0)
    assert lower == pytest.approx(rho * fixed_step_lower_bound(steps / rho, diameter=1.0), rel=1e-12)
    assert lower <= worst_case(steps, diameter=1.0) <= (1 + np.log(horizon)) * lower


@given(schedule=st.sampled_from(REGISTRY), horizon=st.integers(1, 200), lr=st.floats(1e-4, 10))
@settings(deadline=None, max_examples=60)
def test_lower_bound_is_below_the_worst_case(schedule, horizon, lr):
    steps = schedule.steps(horizon, lr)
    assert fixed_step_lower_bound(steps, diameter=1.0) <= worst_case(steps, diameter=1.0) * (1 + 1e-9)


@given(step=st.floats(0.01, 10), offset=st.floats(0.01, 0.99), pairs=st.integers(0, 50))
@settings(deadline=None, max_examples=40)
def test_two_cycle_is_the_witness(step, offset, pairs):
    loss = two_cycle(step, 2 * pairs + 1, offset=offset * step)
    # x - eta and back again: each pair of steps rounds twice.
    assert loss == pytest.approx(step * (1 - offset), rel=1e-9, abs=1e-12)
    assert loss <= fixed_step_lower_bound([step], diameter=10.0)


@pytest.mark.parametrize("schedule", [Polynomial(1), Polynomial(2), Polynomial(3), Cosine()], ids=str)
def test_published_bound_is_twice_as_large_when_both_are_tuned(schedule):
    horizon = 100_000
    shape = published_bound(schedule.steps(horizon), distance=1.0)
    tuned = 2 * np.sqrt(shape.bias * shape.noise)
    exact = worst_case(schedule.steps(horizon, tuned_lr(schedule, horizon, distance=1.0)), distance=1.0)
    # The step of the bound that is never taken adds a term of order T^(-1/2) of the noise for degree 1, less above.
    assert tuned / exact == pytest.approx(2, rel=5e-3)


def test_averaged_bound_forgives_nothing():
    steps = Constant().steps(1000)
    tuned = np.sum(steps**2) ** -0.5
    losses = [averaged_bound(steps * rho * tuned, distance=1.0) for rho in RHO]
    assert np.array(losses) / averaged_bound(steps * tuned, distance=1.0) == pytest.approx((RHO + 1 / RHO) / 2)
