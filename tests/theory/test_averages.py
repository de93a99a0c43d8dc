"""Averages of the iterates, methods that remember or adapt, one step, and the smooth lower bound."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory import Constant, Cosine, Polynomial, worst_case
from lrtheory.schedules import REGISTRY
from lrtheory.simulation import reference
from lrtheory.simulation.method_kernels import method_losses
from lrtheory.theory.adaptive import adagrad_bound, annealed_adagrad_loss
from lrtheory.theory.any_average import average_bound, average_lower_bound
from lrtheory.theory.averaged import averaged_bound
from lrtheory.theory.averaging_weights import exponential_weights, merged_weights, polynomial_weights, tail_weights
from lrtheory.theory.methods import AVERAGES, RULES, Method
from lrtheory.theory.one_step import one_step_worst_case
from lrtheory.theory.smooth import smooth_worst_case
from lrtheory.theory.smooth_hard_instance import envelope_gradient, run_witness, smooth_lower_bound

HORIZON = 30

runs = st.integers(1, 12).flatmap(
    lambda count: st.tuples(
        st.lists(st.floats(0.02, 5), min_size=count, max_size=count),
        st.lists(st.floats(0, 1), min_size=count, max_size=count).map(lambda parts: [*parts, 1.0]),
    )
)
"""Steps, and weights of their iterates."""


def stated(steps, weights, square, last, restart):
    """The theorem's right side, term by term, for the choice of its docstring; the first iterate is number 0."""
    count, tails = len(steps), np.append(np.cumsum(weights[::-1])[::-1], 0.0)
    parts, phi = np.zeros(count), np.zeros(count + 1)
    phi[count] = weights[count] / last
    for t in range(count - 1, -1, -1):
        parts[t] = max(weights[t], steps[t] * phi[t + 1]) if t >= restart else weights[t]
        phi[t] = parts[t] / steps[t] * (tails[t] / (parts[t] + tails[t + 1])) ** 2
    before = np.append(0.0, parts / steps)
    paid = sum(max(phi[t] - before[t], 0.0) for t in range(count + 1))
    return (square * paid + parts @ steps + weights[count] * last) / 2


@given(run=runs, length=st.floats(0.3, 3))
@settings(deadline=None, max_examples=20)
def test_the_bound_of_an_average_is_the_theorem(run, length):
    steps, weights = np.array(run[0]), np.array(run[1]) / sum(run[1])
    sizes = np.geomspace(1e-5, 3e3, 160)
    distance = average_bound(steps, weights, distance=length)
    diameter = average_bound(steps, weights, diameter=length)
    from_start = min(stated(steps, weights, length**2, last, 0) for last in sizes)
    anywhere = min(stated(steps, weights, length**2, last, k) for last in sizes for k in range(len(steps) + 1))
    # Sizes 13 % apart: the sum is a few hundredths above its minimum halfway between two, at a kink.
    assert distance * (1 - 1e-9) <= from_start <= distance * 1.03
    assert diameter * (1 - 1e-9) <= min(anywhere, length) <= diameter * 1.03


@given(run=runs, length=st.floats(0.3, 3), lipschitz=st.floats(0.3, 3))
@settings(deadline=None, max_examples=100)
def test_the_bounds_of_an_average_are_in_order(run, length, lipschitz):
    for size in ({"distance": length}, {"diameter": length}):
        lower, upper = (each(*run, lipschitz=lipschitz, **size) for each in (average_lower_bound, average_bound))
        assert 0 <= lower <= upper * (1 + 1e-9)
        unit = size.copy()
        (name,) = unit
        scaled = np.array(run[0]) * lipschitz / length
        assert lower == pytest.approx(average_lower_bound(scaled, run[1], **{name: 1.0}) * length * lipschitz, rel=1e-9)
        assert upper == pytest.approx(average_bound(scaled, run[1], **{name: 1.0}) * length * lipschitz, rel=1e-6)


@pytest.mark.parametrize("schedule", REGISTRY, ids=str)
@pytest.mark.parametrize("rho", [0.1, 1, 10])
def test_the_last_iterate_is_an_average(schedule, rho):
    steps = schedule.steps(200, rho / math.sqrt(200))
    last = np.append(np.zeros(200), 1.0)
    for size in ({"distance": 1.0}, {"diameter": 1.0}):
        assert average_bound(steps, last, **size) == pytest.approx(worst_case(steps, **size), rel=1e-6)


@pytest.mark.parametrize("rho", [0.5, 1.0, 4.0, 16.0])
@pytest.mark.parametrize("horizon", [2, 10, 1_000, 100_000])
def test_an_inverse_square_root_has_no_logarithm_in_its_uniform_average(horizon, rho):
    steps = rho / np.sqrt(np.arange(1, horizon + 1))
    weights = np.append(np.ones(horizon), 0)
    bound = average_bound(steps, weights, diameter=1.0) * math.sqrt(horizon)
    assert bound <= (rho + 1 / (2 * rho)) * (1 + 1e-9)
    assert bound <= (1 / steps[-1] + steps.sum()) / (2 * horizon) * math.sqrt(horizon) * (1 + 1e-9)
    if horizon == 100_000:  # and linear in rho is the truth: half of it is lost
        assert average_lower_bound(steps, weights, diameter=1.0) * math.sqrt(horizon) > 0.45 * rho


@pytest.mark.parametrize("multiple", [1.0, 3.0, 20.0])
def test_constant_steps_and_an_even_number_of_iterates_attain_the_bound(multiple):
    steps, weights = np.full(99, multiple / 10), np.ones(100)
    bounds = average_lower_bound(steps, weights, distance=1.0), average_bound(steps, weights, distance=1.0)
    assert bounds == pytest.approx([averaged_bound(np.full(100, multiple / 10), distance=1.0)] * 2, rel=1e-12)


@given(run=runs)
@settings(deadline=None, max_examples=60)
def test_the_function_of_the_lower_bound(run):
    """Run a max(x, 0) + b |y| against the oracle; among all sets of indices the best is the bound."""
    steps, weights = np.array(run[0][:7]), np.array([*run[1][: len(run[0][:7])], 1.0])
    weights = weights / weights.sum()
    count, best = len(steps), 0.0
    for chosen in range(1 << count):  # bit t: the iterate t + 2 is out
        if chosen & (chosen << 1):
            continue
        for a in np.linspace(0, 1, 21):
            b, x, y, mean = math.sqrt(1 - a**2), 1.0, 0.0, np.array([weights[0], 0.0])
            for t, step in enumerate(steps):
                slope = b if y > 0 else 0.0
                if chosen >> t & 1:
                    assert y == 0  # back at the minimiser
                    slope = -b * min(1.0, steps[t + 1] / step if t + 1 < count else 1.0)
                y = max(y - step * slope, 0.0) if y > 0 else y - step * slope
                y = y if y > 1e-12 else 0.0  # out and back again, rounded
                x -= step * a * (x > 0)
                mean += weights[t + 1] * np.array([x, y])
            best = max(best, a * max(mean[0], 0.0) + b * mean[1])
    bound = average_lower_bound(steps, weights, distance=1.0)
    # Slopes 0.05 apart: the bound is a parabola in the slope, of the curvature 2 (M + E).
    assert best >= bound - 2 * (steps.sum() + steps.max()) * 0.025**2 - 1e-12


def test_steps_of_zero_and_what_comes_after_the_last_weight_do_not_matter():
    plain = average_bound([0.5, 0.25], [1, 1, 2], distance=1.0)
    assert average_bound([0.5, 0.0, 0.25, 0.3], [1, 0.5, 0.5, 2, 0], distance=1.0) == pytest.approx(plain, rel=1e-12)
    assert average_bound([0.5], [1, 0], distance=2.0) == pytest.approx(2.0, rel=1e-6)  # the start alone loses G R
    assert average_lower_bound([0.5], [1, 0], distance=2.0) == 2.0


@pytest.mark.parametrize("weights", [[1, 1], [1, 1, -1], [0, 0, 0], [1, 1, math.nan], [[1, 1, 1]], "abc"])
def test_bad_weights_are_one_sentence(weights):
    for function in (average_bound, average_lower_bound):
        with pytest.raises(ValueError, match=r"weights must be (3 finite numbers|numbers)"):
            function([0.5, 0.5], weights, distance=1.0)


def test_weights_are_the_recursions():
    path = np.random.default_rng(0).normal(size=HORIZON + 1)
    mean = ball = path[0]
    for t, x in enumerate(path[1:], start=2):
        mean = (1 - 4 / (t + 3)) * mean + 4 / (t + 3) * x
        ball = 0.9 * ball + 0.1 * x
    assert polynomial_weights(HORIZON, 3) @ path == pytest.approx(mean, rel=1e-12)
    assert exponential_weights(HORIZON, 0.9) @ path == pytest.approx(ball, rel=1e-12)
    assert polynomial_weights(HORIZON, 0) == pytest.approx(tail_weights(HORIZON), rel=1e-12)
    assert np.flatnonzero(merged_weights(100, 4, 0.5)).tolist() == [62, 75, 88, 100]
    assert merged_weights(3, 4).tolist() == tail_weights(3).tolist() == [0.25] * 4
    for name in AVERAGES:
        for horizon in (1, 2, 7, 1000):
            weights = Method("sgd", name).weights(horizon)
            assert weights.shape == (horizon + 1,)
            assert (weights >= 0).all()
            assert weights.sum() == pytest.approx(1, rel=1e-12)
    for call in (
        lambda: tail_weights(5, 0), lambda: tail_weights(5, 1.5), lambda: merged_weights(5, 9), lambda: polynomial_weights(5, -1),
        lambda: exponential_weights(5, 1),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="must"):
            call()


@pytest.mark.parametrize("average", ["last", "uniform"])
@pytest.mark.parametrize("rule", RULES)
def test_the_compiled_method_is_the_plain_one(rule, average):
    method, steps = Method(rule, average), Cosine().steps(150, 0.3)
    for low in (0.0, -0.5):
        plain = reference.method_losses(method, steps, 0.2, low, 1 + low, 7, 3)
        weights = method.weights(150)
        compiled = method_losses(RULES.index(rule), steps, weights, 0.2, low, 1 + low, 7, 3)
        assert compiled == pytest.approx(plain, rel=1e-9, abs=1e-12)


def test_methods_that_are_the_same_are_the_same():
    """Without memory's effect: one step of every linear rule is a gradient step; schedule-free averages its own path."""

    def gradient(x):
        return np.tanh(x)

    (start, steps), same = (np.array([1.0, -2.0]), [0.3]), lambda x: x
    paths = {rule: list(Method(rule).iterates(start, gradient, steps, same)) for rule in RULES}
    assert paths["dual_averaging"][1] == pytest.approx(paths["sgd"][1])
    assert start - paths["heavy_ball"][1] == pytest.approx(0.1 * (start - paths["sgd"][1]))
    assert start - paths["schedule_free"][1] == pytest.approx((start - paths["sgd"][1]) / 2)
    slope = gradient(start)
    assert start - paths["adagrad"][1] == pytest.approx(0.3 * slope / (math.sqrt(2) * np.linalg.norm(slope)))
    for wrong in (("newton", "last"), ("sgd", "median")):
        with pytest.raises(ValueError, match="must be one of"):
            Method(*wrong)


@given(
    rho=st.floats(0.1, 10), norms=st.lists(st.floats(0.01, 10), min_size=1, max_size=40), minimum=st.floats(0, 1),
    start=st.floats(0, 1),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_adagrad_keeps_its_promise_at_any_guess(rho, norms, minimum, start):
    """Regret on the interval, with slopes of any size."""
    sizes = iter(norms)
    slopes = []

    def gradient(x):
        slopes.append(next(sizes) * (1 if x > minimum else -1))
        return slopes[-1]

    path = list(Method("adagrad").iterates(start, gradient, [rho] * len(norms), lambda x: min(max(x, 0.0), 1.0)))
    regret = sum(slope * (x - minimum) for slope, x in zip(slopes, path))
    assert regret <= adagrad_bound(rho) * math.sqrt(sum(np.square(slopes))) * (1 + 1e-9)


def test_annealed_adagrad_has_the_exponent_of_linear_decay():
    rhos = np.array([16.0, 64.0, 256.0])
    losses = [annealed_adagrad_loss(rho, 100_000) for rho in rhos]
    assert np.polyfit(np.log(rhos), np.log(losses), 1)[0] == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize("step", [0.05, 0.25, 0.5, 0.7072, 0.85, 1.0, 3.0])
def test_one_step_is_below_the_restarts_and_equal_where_it_says(step):
    exact, bound = one_step_worst_case(step, diameter=1.0), worst_case([step], diameter=1.0)
    inside = 2**-0.5 < step < 1
    assert (exact < bound * (1 - 1e-9)) == inside or exact == pytest.approx(bound, rel=1e-9)
    assert one_step_worst_case(step * 3 / 7, lipschitz=7.0, diameter=3.0) == pytest.approx(21 * exact, rel=1e-12)


def test_the_restart_bound_of_one_step_is_at_most_as_far_off_as_it_says():
    ratios = [
        worst_case([step], diameter=1.0) / one_step_worst_case(step, diameter=1.0) for step in np.linspace(0.05, 2, 500)
    ]
    assert min(ratios) >= 1 - 1e-12
    assert 1.03 < max(ratios) < 1.032


@given(
    x=st.floats(0, 3), y=st.floats(-3, 3), b=st.floats(0.05, 2), s=st.floats(0.05, 3), beta=st.floats(0.3, 3),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_the_envelope_is_the_smallest_value_and_its_gradient_is_that(x, y, b, s, beta):
    value, along, across = envelope_gradient(x, y, b, s, beta)

    def at(u, v):
        return max(0.0, b * u, s * abs(v)) + beta / 2 * ((x - u) ** 2 + (y - v) ** 2)

    u, v = x - along / beta, y - across / beta
    assert at(u, v) == pytest.approx(value, rel=1e-9, abs=1e-12)
    for angle in np.linspace(0, 2 * np.pi, 24):
        for far in (1e-3, 0.3):
            assert at(u + far * np.cos(angle), v + far * np.sin(angle)) >= value - 1e-12


@pytest.mark.parametrize("degree", [1, 2, 3])
@pytest.mark.parametrize("rho", [1.0, 4.0, 16.0])
def test_the_smooth_lower_bound_is_run_and_stays_below_the_upper_one(degree, rho):
    for horizon in (10, 1000):
        steps = Polynomial(degree).steps(horizon, rho)
        lower, upper = smooth_lower_bound(steps, diameter=1.0), smooth_worst_case(steps, diameter=1.0)
        assert lower <= run_witness(steps) * (1 + 1e-9)
        assert run_witness(steps) <= upper
    scaled = smooth_lower_bound(steps / 5, smoothness=5.0, diameter=3.0)
    assert scaled == pytest.approx(45 * lower, rel=1e-9)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_the_noiseless_exponent_is_attained(degree):
    """In the limit 2^(-1-1/p) of the upper bound; at a million steps within the room that the swings need."""
    horizon, rhos = 1_000_000, np.array([8.0, 16.0, 32.0])
    pairs = [
        [each(Polynomial(degree).steps(horizon, rho), diameter=1.0) for each in (smooth_lower_bound, smooth_worst_case)]
        for rho in rhos
    ]
    lower, upper = np.transpose(pairs)
    assert np.polyfit(np.log(rhos), np.log(lower), 1)[0] == pytest.approx(1 / degree, abs=0.01)
    assert lower / upper == pytest.approx(2 ** (-1 - 1 / degree), rel=0.04)


def test_a_lower_bound_without_swings_is_that_of_drori_and_teboulle():
    for horizon in (1, 10, 100):
        assert smooth_lower_bound(Constant().steps(horizon, 1.0), diameter=1.0) == pytest.approx(1 / (4 * horizon + 2))


def test_the_implicit_step_prefers_steep_places():
    """The flow with the opposite sign follows the implicit step to a higher order than that of gradient descent."""
    from scipy import integrate, optimize

    def slope(x):
        return x + x**3  # of x^2/2 + x^4/4, whose curvature is 1 + 3 x^2

    errors = {}
    for sign in (-1, 1):
        missed = []
        for step in (0.1, 0.05):
            x = 1.0
            for _ in range(round(1 / step)):
                x = float(
                    optimize.brentq(lambda new, old=x, step=step: new - old + step * slope(new), -2, 2, xtol=1e-14)
                )
            flow = integrate.solve_ivp(
                lambda t, x, step=step, sign=sign: -slope(x) * (1 + sign * step / 2 * (1 + 3 * x**2)),
                (0, 1),
                [1.0],
                rtol=1e-11,
                atol=1e-12,
            )
            missed.append(abs(flow.y[0, -1] - x))
        errors[sign] = np.log2(missed[0] / missed[1])
    assert errors[-1] == pytest.approx(2, abs=0.3)
    assert errors[1] == pytest.approx(1, abs=0.3)
