"""The implicit penalty under a schedule: laws over every schedule, orders of accuracy, the trade against robustness."""

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp

from lrtheory.schedules import REGISTRY, WSD, Constant, Cosine, Exponential, Polynomial, symbols
from lrtheory.theory.annealed_penalty import (
    flow_in_time,
    flow_in_time_defect,
    penalty_over_time,
    polynomial_trade,
    schedule_penalty,
)
from lrtheory.theory.backward_error import follow
from lrtheory.theory.gradient_descent_penalty import gradient_descent
from lrtheory.theory.misspecification import law

START = np.array([0.9, -0.7])
HORIZON = symbols()[1]


def gradient(theta):
    """Of x^4/4 + x^2 y + y^2: neither quadratic nor separable."""
    x, y = theta
    return np.array([x**3 + 2 * x * y, x**2 + 2 * y])


def hessian_vector(theta, v):
    x, y = theta
    return np.array([(3 * x**2 + 2 * y) * v[0] + 2 * x * v[1], 2 * x * v[0] + 2 * v[1]])


def descent(schedule, horizon, lr):
    theta = START
    for rate in schedule.steps(horizon, lr):
        theta = theta - rate * gradient(theta)
    return theta


def number(expression, horizon=10_000):
    return float(expression.subs(HORIZON, horizon))


@pytest.mark.parametrize("schedule", REGISTRY, ids=repr)
def test_the_integrals_are_those_of_the_shape(schedule):
    found = schedule_penalty(schedule)
    horizon = 10_000
    steps = schedule.steps(horizon)
    # a left Riemann sum of a shape of variation at most 5 (three cycles) is within 5/T of its integral,
    # and a warm-up at a finite horizon within 1/T of its limit
    assert number(found.travel, horizon) == pytest.approx(steps.mean(), abs=6 / horizon)
    assert number(found.energy, horizon) == pytest.approx(np.mean(steps**2), abs=6 / horizon)
    np.testing.assert_array_equal(penalty_over_time(schedule, horizon), steps / 4)


@pytest.mark.parametrize("schedule", REGISTRY, ids=repr)
def test_annealing_penalises_less_at_equal_base_and_more_at_equal_travel(schedule):
    found = schedule_penalty(schedule)
    assert 0 < number(found.kept) <= 1  # shapes are at most 1
    assert number(found.at_equal_travel) >= 1  # Cauchy and Schwarz
    if schedule == Constant():
        assert found.kept == found.at_equal_travel == 1


@pytest.mark.parametrize("schedule", REGISTRY, ids=repr)
def test_each_step_follows_its_own_penalty_to_order_two(schedule):
    """No smoothness is needed: kinks, jumps and restarts are steps with another rate."""
    shape = schedule.steps(12)
    shape, term, errors = 0.6 * shape[shape > 0] / shape.sum(), gradient_descent(), []
    for parts in (16, 32):  # every step is divided into parts: the same shape, smaller rates
        followed = walked = START
        for rate in shape / parts:
            followed = follow(
                lambda t, rate=rate: term.field(t, gradient, hessian_vector, rate), followed, parts * rate
            )
            for _ in range(parts):
                walked = walked - rate * gradient(walked)
        errors.append(np.linalg.norm(walked - followed))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize("schedule", [Constant(), Polynomial(1), Polynomial(2), Cosine(), Exponential(0.01)], ids=repr)
def test_the_flow_in_time_has_order_two_for_smooth_schedules(schedule):
    errors = []
    for horizon in (64, 128):
        lr = 0.8 / horizon
        flow = flow_in_time(schedule, horizon, lr, gradient, hessian_vector)
        end = solve_ivp(flow, (0, 1), START, "DOP853", rtol=1e-11, atol=1e-13).y[:, -1]
        errors.append(np.linalg.norm(descent(schedule, horizon, lr) - end))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.1)


def test_the_flow_in_time_is_derived_for_a_generic_loss_and_shape():
    x, y = sympy.symbols("x y")
    assert flow_in_time_defect(sympy.Function("L")(x, y), [x, y]) == [0, 0, 0, 0]


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(REGISTRY), st.floats(0.01, 0.3), st.integers(5, 200))
def test_on_a_quadratic_the_penalty_is_the_sum_of_squared_rates(schedule, sharpness, horizon):
    rates = schedule.steps(horizon, sharpness)
    logarithm = np.log(np.prod(1 - rates))
    second_order = -rates.sum() - (rates**2).sum() / 2
    # the rest of the logarithm's series, at most sum r^3/3/(1 - r)
    assert abs(logarithm - second_order) <= (rates**3).sum() / 3 / (1 - sharpness) + 1e-12


def test_the_trade_of_polynomial_decay_is_a_line():
    derived = polynomial_trade()
    p = sympy.Symbol("p", positive=True)
    assert derived["line"] == 0
    for degree in (1, 2, 3):
        found = schedule_penalty(Polynomial(degree))
        assert found.kept == derived["kept"].subs(p, degree) == (1 + found.exponent) / 2
        assert found.at_equal_travel == derived["at_equal_travel"].subs(p, degree)
        # the law's tabulated integrals are good to about 1e-9
        assert found.at_tuned_rate == pytest.approx(float(derived["at_tuned_rate"].subs(p, degree)), rel=1e-7)
    assert sympy.simplify(sympy.diff(sympy.log(derived["at_tuned_rate"]), p)).subs(p, 1) > 0


def test_robustness_and_the_penalty_are_no_opposites():
    c = sympy.Symbol("c", positive=True)
    kept = polynomial_trade()["cooldown_kept"]
    assert sympy.limit(kept, c, 0) == 1
    for cooldown in (0.1, 0.2, 0.5):
        found = schedule_penalty(WSD(cooldown))
        assert found.exponent == sympy.Rational(1, 3)
        assert found.kept == sympy.nsimplify(kept.subs(c, sympy.Rational(str(cooldown))))
    # cosine has the exponent of degree 2 but keeps more than (1 + 1/5)/2
    assert schedule_penalty(Cosine()).exponent == schedule_penalty(Polynomial(2)).exponent
    assert schedule_penalty(Cosine()).kept > schedule_penalty(Polynomial(2)).kept


def test_the_mean_at_the_tuned_rate_is_an_average_along_the_flow():
    cosine = Cosine()
    mean = quad(lambda u: float(cosine(u)) ** 2, 0, 1)[0] / quad(lambda u: float(cosine(u)), 0, 1)[0]
    assert schedule_penalty(cosine).at_tuned_rate == pytest.approx(law(cosine).tuned_lr * mean, rel=1e-10)


def test_bad_input_is_refused_in_one_sentence():
    with pytest.raises(ValueError, match="horizon is a number of steps"):
        penalty_over_time(Cosine(), 0)
    with pytest.raises(ValueError, match="lr must be a positive"):
        flow_in_time(Cosine(), 10, 0.0, gradient, hessian_vector)
