"""Double precision near the ends of a run keeps its word: no error is larger than its bound, and the families' are small."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lrtheory import Formula
from lrtheory.schedules import REGISTRY
from lrtheory.schedules.expression import read
from lrtheory.schedules.near_end import near_end
from tests.schedules.test_formulas import formulas

HORIZON = 10**30
logarithms = st.lists(st.floats(-40, -1e-12) | st.floats(-1e-3, -1e-12), min_size=1, max_size=12)


def exact_values(expression, log_x):
    """Values with 200 digits; not a number where there is none."""
    context = mpmath.mp.clone()
    context.dps = 200
    values = []
    for y in log_x:
        u = 1 - context.exp(context.mpf(y))
        try:
            values.append(float(expression.digits(context, {"u": u, "t": HORIZON * u, "T": context.mpf(HORIZON)})))
        except (ArithmeticError, NameError, TypeError, ValueError):
            values.append(math.nan)
    return np.array(values)


def beyond_their_bounds(expression, log_x):
    values, errors = near_end(expression, np.array(log_x), HORIZON)
    exact = exact_values(expression, log_x)
    known = np.isfinite(errors) & np.isfinite(exact)
    # Of a constant such as sin(pi), which is zero, 200 digits leave some 1e-200; a factor T makes it 1e30 times larger.
    values, exact = np.where(known, values, 0.0), np.where(known, exact, 0.0)
    return np.flatnonzero(known & (abs(values - exact) > errors + 1e-70)), exact, values, errors


@pytest.mark.parametrize("schedule", REGISTRY, ids=str)
@given(log_x=logarithms)
@settings(deadline=None, max_examples=10)
def test_errors_of_the_families_are_within_their_bounds(schedule, log_x):
    wrong, *found = beyond_their_bounds(schedule.expression, log_x)
    assert not wrong.size, found


@pytest.mark.parametrize("schedule", REGISTRY, ids=str)
def test_the_families_hold_all_but_three_digits_of_a_double_down_to_the_end(schedule):
    log_x = -np.geomspace(1e-3, 40, 200)
    values, errors = near_end(schedule.expression, log_x, HORIZON)
    assert (errors <= 1e-13 * values).mean() > 0.95  # a few lie within rounding of a jump, or of a zero in the run


@given(text=formulas, log_x=logarithms)
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow], max_examples=300)
def test_errors_of_drawn_formulas_are_within_their_bounds(text, log_x):
    try:
        expression = read(text)
    except ValueError:
        return
    wrong, *found = beyond_their_bounds(expression, log_x)
    assert not wrong.size, found


@pytest.mark.parametrize(
    "text",
    [
        "(1 + cos(pi*u))/2", "1 - sin(pi*u/2)", "cosh(1 - u) - 1", "1 - u**3", "1/(1 - log(1 - u))**2", "exp(-5*u) - exp(-5)",
        "1 - Max(u, 0.5)", "tanh(3*(1 - u))", "log(2 - u)", "1 - sqrt(u)", "(1 - u**3)**0.37",
    ],
)  # fmt: skip
def test_what_cancels_at_the_end_does_not_lose_a_digit(text):
    log_x = -np.geomspace(0.8, 60, 100)
    values, errors = near_end(Formula(text).expression, log_x, HORIZON)
    np.testing.assert_allclose(values, exact_values(read(text), log_x), rtol=1e-14)
    assert (errors < 1e-13 * values).all()


def test_a_difference_that_outlives_all_digits_is_reported():
    errors = near_end(read("1 - u - sin(1 - u)"), np.log([1e-9]), HORIZON)[1]
    assert errors[0] > 1e-3 * abs(1e-27 / 6)


@pytest.mark.parametrize(
    "text",
    ["sin(exp(t))", "exp(exp(exp(t)))", "cosh(cosh(t))", "tan(t**t)", "(T**T)**(T**T)*u", "floor(exp(t))", "exp(t)%2"],
)
def test_a_number_too_large_for_a_function_is_refused_and_not_waited_for(text):
    """Each would need some 1e30 bits; that this ends is the test."""
    expression, context = read(text), mpmath.mp.clone()
    with pytest.raises(OverflowError, match="too large for a function"):
        expression.digits(context, {"u": context.mpf(0.5), "t": context.mpf(HORIZON) / 2, "T": context.mpf(HORIZON)})
    assert (near_end(expression, np.log([0.9, 0.5, 0.1]), HORIZON)[1] == np.inf).all()
