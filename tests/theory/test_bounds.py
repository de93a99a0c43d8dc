"""The smooth case, the lower bound of fixed steps, the published bound and the averaged iterate."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrtheory import Constant, Cosine, Formula, InverseSqrt, Polynomial, rho_exponent, tuned_lr, worst_case
from lrtheory.schedules import REGISTRY
from lrtheory.theory.any_average import average_lower_bound
from lrtheory.theory.averaged import averaged_bound
from lrtheory.theory.fixed_steps import fixed_step_lower_bound, two_cycle
from lrtheory.theory.published_bounds import published_bound
from lrtheory.theory.smooth import noiseless_law, smooth_exponents, smooth_worst_case

RHO = np.array([16.0, 32.0, 64.0, 128.0, 256.0])


def slope(x, y):
    return np.polyfit(np.log(x), np.log(y), 1)[0]


def test_the_exponent_of_the_noiseless_term():
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


def one_step_noise(step, smoothness, noise):
    """What the noise of one step costs on its worst instance: half the curvature times x^2, two atoms, from the minimum.

    There the one-step inequality 2 eta E f(y) <= x^2 - E y^2 + N, with y the next point and x = 0, needs at least this N.
    """
    following = step * noise * np.array([-1.0, 1.0])
    return 2 * step * np.mean(smoothness / 2 * following**2) + np.mean(following**2)


def reference(steps, smoothness, noise, length):
    """The theorem from its proof: the weights, and what one step costs on an instance, not by the formula."""
    areas = [0.0]
    for step in steps[::-1]:
        areas.append((areas[-1] + np.sqrt(areas[-1] ** 2 + 4 * step)) / 2)
    weights = 1 / np.array(areas[:0:-1])
    spent = sum(v**2 * one_step_noise(step, smoothness, noise) for v, step in zip(weights, steps))
    return (weights[0] ** 2 * length**2 + spent) / 2


@given(
    parts=st.lists(st.floats(1e-3, 1), min_size=1, max_size=20), smoothness=st.floats(0.1, 10), noise=st.floats(0, 10),
    length=st.floats(0.1, 10),
)  # fmt: skip
@settings(deadline=None, max_examples=50)
def test_smooth_recursion_is_the_theorem(parts, smoothness, noise, length):
    steps = np.array(parts) / smoothness * (1 - 1e-15)
    found = smooth_worst_case(steps, smoothness=smoothness, noise=noise, distance=length)
    # Twenty steps of positive terms, each rounded a few times.
    assert found == pytest.approx(reference(steps, smoothness, noise, length), rel=1e-12)
    stated = min(reference(steps[k:], smoothness, noise, length) for k in range(len(steps)))
    assert smooth_worst_case(steps, smoothness=smoothness, noise=noise, diameter=length) == pytest.approx(
        stated, rel=1e-12
    )


@given(
    step=st.floats(0.01, 1), curvature=st.floats(0, 1), minimum=st.floats(-3, 3), x=st.floats(-1, 1), z=st.floats(-1, 1),
    atoms=st.lists(st.tuples(st.floats(0.01, 1), st.floats(-5, 5)), min_size=2, max_size=4),
)  # fmt: skip
@settings(deadline=None, max_examples=300)
def test_no_projected_step_costs_more_than_the_worst_instance(step, curvature, minimum, x, z, atoms):
    """The one-step inequality of the proof, on quadratics over [-1, 1] and noise of a few atoms, exactly."""
    weights, noise = np.array(atoms).T
    weights = weights / weights.sum()
    noise = noise - weights @ noise
    following = np.clip(x - step * (curvature * (x - minimum) + noise), -1, 1)
    gained = 2 * step * (weights @ (curvature / 2 * (following - minimum) ** 2) - curvature / 2 * (z - minimum) ** 2)
    allowed = (x - z) ** 2 - weights @ (following - z) ** 2 + one_step_noise(step, 1.0, np.sqrt(weights @ noise**2))
    assert gained <= allowed + 1e-13  # a few roundings of numbers up to 100


@given(
    steps=st.lists(st.floats(0.01, 2.5), min_size=1, max_size=30), curvature=st.floats(0.01, 1), start=st.floats(0.01, 2),
    noise=st.sampled_from([0.0, 0.1, 1.0]),
)  # fmt: skip
@example(steps=[1.9], curvature=1.0, start=1.0, noise=0.0)  # loses 0.41, where R^2/2 eta would be 0.26
@example(steps=[1.0], curvature=1.0, start=1e-3, noise=1.0)  # loses half of the variance
@settings(deadline=None, max_examples=100)
def test_smooth_bound_holds_on_quadratics(steps, curvature, start, noise):
    """The second moment of a noisy quadratic is known exactly, whatever the steps."""
    square = start**2
    for step in steps:
        square = (1 - step * curvature) ** 2 * square + (step * noise) ** 2
    bound = smooth_worst_case(steps, smoothness=1.0, noise=noise, distance=start)
    assert curvature / 2 * square <= bound * (1 + 1e-12)


@pytest.mark.parametrize("horizon", [1, 2, 10, 10_000])
def test_smooth_bound_beside_the_function_of_drori_and_teboulle(horizon):
    """Gradient descent with the step 1 from 1, on a parabola that goes on as a line: it loses 1/(4T + 2)."""
    slope, x = 1 / (2 * horizon + 1), 1.0
    for _ in range(horizon):
        x -= min(x, slope)
    loss = slope * x - slope**2 / 2
    assert loss == pytest.approx(1 / (4 * horizon + 2), rel=1e-9)  # ten thousand roundings
    ratio = smooth_worst_case(np.ones(horizon), distance=1.0) / loss
    assert ratio >= 1
    if horizon == 1:
        assert ratio == pytest.approx(3, rel=1e-12)
    if horizon == 10_000:
        assert ratio < 1.01  # the bound's area is T/2 and a logarithm of T


@pytest.mark.parametrize(
    "shape", ["(1-u)**(-1/4)", "1/sqrt(1-u)", "(1-u)**(-3/4)", "1/(1-log(1-u))**2", "exp(-u)", "1-u"]
)
def test_smooth_exponents_refuse_what_the_law_refuses(shape):
    try:
        schedule = Formula(shape, name="mine")
        expected = rho_exponent(schedule)
    except (TypeError, ValueError) as refusal:
        with pytest.raises(type(refusal)):
            smooth_exponents(Formula(shape, name="mine"))
        return
    assert smooth_exponents(schedule)[1] == expected


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
    for noise in (0.0, 1.0):  # steps up to 1/beta, itself included, and none above
        assert smooth_worst_case([1.0], noise=noise, distance=1.0) == 0.5 + noise
        assert smooth_worst_case([np.nextafter(1.0, 2.0)], noise=noise, diameter=1.0) == np.inf
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
def test_published_bound_is_twice_as_large(schedule):
    """Tuned or not: the limit of the bound is twice that of the worst case at every rate."""
    horizon = 100_000
    shape = published_bound(schedule.steps(horizon), distance=1.0)
    tuned = 2 * np.sqrt(shape.bias * shape.noise)
    exact = worst_case(schedule.steps(horizon, tuned_lr(schedule, horizon, distance=1.0)), distance=1.0)
    # The first steps' share of the sums, and for degree 1 a logarithm of T over T.
    assert tuned / exact == pytest.approx(2, rel=1e-3)
    for multiple in (0.25, 1.0, 4.0):
        steps = schedule.steps(horizon, multiple / np.sqrt(horizon))
        ratio = published_bound(steps, distance=1.0).total / worst_case(steps, distance=1.0)
        assert ratio == pytest.approx(2, rel=1e-3)


@pytest.mark.parametrize("schedule", REGISTRY, ids=str)
def test_an_average_forgives_nothing_whatever_the_schedule(schedule):
    """Its bound loses (rho + 1/rho)/2 exactly, and the lower bound nearly as much."""
    steps = schedule.steps(100_000)
    steps *= np.sum(steps**2) ** -0.5
    weights = np.append(steps, 0)
    tuned = averaged_bound(steps, distance=1.0)
    losses = np.array([averaged_bound(steps * rho, distance=1.0) for rho in RHO])
    assert losses / tuned == pytest.approx((RHO + 1 / RHO) / 2, rel=1e-12)
    # Neighbours are nearly equal; not so the first steps of an inverse square root, which hold a tenth of all squares, and more.
    least = 0.9 if schedule == InverseSqrt() else 0.998
    for rho, loss in zip(RHO, losses):
        assert (
            least * loss < average_lower_bound(steps * rho, weights, distance=1.0) <= loss * (1 + 2e-11)
        )  # sums of 100,000 terms
    # On a domain too, where the steps are small beside it; the first 300 of an inverse square root are larger than it.
    least = 0.6 if schedule == InverseSqrt() else 0.98
    assert average_lower_bound(steps * 64, weights, diameter=1.0) > least * 32 * tuned
