"""Laws that every schedule of the registry obeys."""

import math
import pickle
from dataclasses import dataclass
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lrtheory import (
    Constant,
    Cosine,
    InverseSqrt,
    Polynomial,
    Robust,
    Schedule,
    Then,
    Warmup,
    rho_exponent,
    worst_case,
)
from lrtheory.schedules import FAMILIES, REGISTRY, parse, symbols
from lrtheory.schedules.expansion import HORIZONS
from lrtheory.schedules.robust import FLAT, GOLDEN, robust_pieces

every_schedule = pytest.mark.parametrize("schedule", REGISTRY, ids=str)
u, T = symbols()


@every_schedule
def test_numbers_are_those_of_the_expression(schedule):
    horizon = 37
    points = [0.0, 0.05, 0.123, 0.31, 0.5, 0.777, 0.81, 0.999]
    exact = [float(schedule.expr.subs({u: sympy.Rational(str(x)), T: horizon}).evalf(30)) for x in points]
    # A few operations in double precision; sums such as 1 + cos(pi u) cancel to about 1e-16 of their terms.
    assert schedule(points, horizon) == pytest.approx(exact, rel=1e-12, abs=1e-14)


@every_schedule
@given(horizon=st.integers(1, 400), lr=st.floats(1e-6, 1e6))
@settings(deadline=None, max_examples=20)
def test_steps_are_the_shape_at_the_steps_before(schedule, horizon, lr):
    steps = schedule.steps(horizon, lr)
    assert steps.shape == (horizon,)
    assert steps.dtype == np.float64
    assert [schedule.at(step, horizon) * lr for step in (1, horizon)] == [steps[0], steps[-1]]
    # Steps are whole numbers here and recovered from u there, a rounding of each apart; and a jump keeps its side.
    assert steps == pytest.approx(lr * schedule(np.arange(horizon) / horizon, horizon), rel=1e-12)
    # At most 1 and never zero: no step of any length of run is wasted. One rounding above 1 is allowed.
    assert (steps > 0).all()
    assert (steps <= lr * (1 + 1e-15)).all()


@every_schedule
def test_degree_is_the_order_of_the_zero_at_the_end(schedule):
    context = mpmath.mp.clone()
    context.dps = 120
    power, logarithms, coefficient = schedule.end
    x, horizon = context.mpf(10) ** -40, HORIZONS[0]
    value = schedule.expression.digits(context, {"u": 1 - x, "t": 1 + horizon * (1 - x), "T": horizon})
    leading = coefficient * x ** (context.mpf(power.numerator) / power.denominator)
    # The next term of an expansion in powers of at least 1/2 is 1e-20 of the first; the coefficient was rounded once.
    assert float(value / leading) == pytest.approx(1, rel=1e-15)
    assert logarithms == 0
    assert (schedule(1.0, 1000) == 0) == (schedule.degree > 0)


@every_schedule
def test_prints_as_it_is_written(schedule):
    assert parse(repr(schedule)) == schedule
    assert parse(repr(schedule).lower()) == schedule


@every_schedule
def test_is_a_value(schedule):
    again = pickle.loads(pickle.dumps(schedule))
    assert again == schedule
    assert hash(again) == hash(schedule)


@every_schedule
@given(fraction=st.floats(0.01, 0.9), horizon=st.integers(2, 300))
@settings(deadline=None, max_examples=15)
def test_warmup_wastes_no_step_and_reaches_the_full_rate(schedule, fraction, horizon):
    ramp_steps = Fraction(repr(fraction)) * horizon
    assume(not 0 < abs(ramp_steps - round(ramp_steps)) < 1e-9)  # a ramp that ends a hair after a step takes one more
    warmed = Warmup(schedule, fraction)
    steps = warmed.steps(horizon)
    rising = math.ceil(fraction * horizon - 1e-9)
    ramp = np.minimum(1, np.arange(1, rising + 1) / (fraction * horizon))
    # The ramp divides by an exact fraction, the test by its float: a few roundings apart.
    assert steps[:rising] == pytest.approx(ramp, rel=1e-12)
    over = (np.arange(rising, horizon) / horizon - fraction) / (1 - fraction)
    # Where the shape jumps, an exact fraction and its float may fall on different sides. Both sides are 1e-9 away, and
    # a shape that counts steps has a slope of up to the horizon: 3e-7.
    sides = [schedule(np.clip(over + shift, 0, 1), horizon * (1 - fraction)) for shift in (-1e-9, 1e-9)]
    assert np.minimum(*(np.abs(steps[rising:] - side) for side in sides)).max(initial=0) < 1e-6


@given(at=st.floats(0.05, 0.95))
@settings(deadline=None, max_examples=20)
def test_then_runs_each_over_its_part(at):
    joined = Then(Cosine(), Polynomial(2), at)
    before, after = np.linspace(0, 0.999 * at, 20), np.linspace(at + 1e-9, 1, 20)
    assert joined(before) == pytest.approx(Cosine()(before / at), abs=1e-12)
    assert joined(after) == pytest.approx(Polynomial(2)((after - at) / (1 - at)), abs=1e-8)


@given(degree=st.floats(0.05, 10))
@settings(deadline=None, max_examples=25)
def test_polynomial_takes_any_degree(degree):
    schedule = Polynomial(degree)
    assert float(schedule.degree) == pytest.approx(degree, rel=1e-15)
    assert schedule([0.25]) == pytest.approx(0.75**degree, rel=1e-12)


def test_fractions_stay_exact():
    assert Polynomial(Fraction(1, 3)).degree == sympy.Rational(1, 3)
    assert Polynomial(0.2).degree == sympy.Rational(1, 5)


@given(uncertainty=st.floats(1, 1e6))
@settings(deadline=None, max_examples=25)
def test_robust_fills_the_run_and_keeps_its_balance(uncertainty):
    k, pieces = robust_pieces(uncertainty)
    assert sum(length for length, *_ in pieces) == pytest.approx(1, rel=1e-9)
    if uncertainty >= FLAT:  # the pieces' lengths come from four closed forms; their sum is the theorem
        constant = 2 + GOLDEN + np.sqrt(2) + np.log((1 + np.sqrt(2)) / (2 * GOLDEN**3))
        assert k == pytest.approx(np.log(uncertainty) + constant, rel=1e-9)
    grid = np.linspace(0, 1, 2001)
    assert Robust(uncertainty)(grid).max() == pytest.approx(1, rel=1e-2)  # the peak may fall between two grid points


@dataclass(frozen=True, repr=False)
class Triangle(Schedule):
    """A family of one's own, outside of the package."""

    peak: float = 0.5

    @property
    def formula(self):
        return f"Min(u/{self.peak} + 1/T, (1 - u)/(1 - {self.peak}))"


def test_a_family_of_ones_own_is_one_class_and_one_line(monkeypatch):
    monkeypatch.setitem(FAMILIES, "Triangle", Triangle)
    assert parse("triangle(0.25)") == Triangle(0.25)
    assert Triangle(0.25).steps(8).max() == 1
    assert rho_exponent(Triangle(0.25)) == Fraction(1, 3)
    assert worst_case(Warmup(Triangle(0.25), 0.1).steps(100), distance=1.0) > 0


def test_a_shape_that_counts_steps_asks_for_them():
    with pytest.raises(ValueError, match="counts steps: give its horizon"):
        InverseSqrt()([0.0])


def test_plot_draws_the_shape():
    axes = Cosine().plot(50)
    assert axes.lines[0].get_label() == "Cosine()"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Polynomial(0), "power must be a positive, finite number, not 0"),
        (lambda: Polynomial(-1), "power must be a positive"),
        (lambda: Polynomial(math.nan), "power must be a positive"),
        (lambda: Robust(0.5), "uncertainty must be a finite factor of at least 1, not 0.5"),
        (lambda: parse("Cosin()"), "'Cosin()' is not a schedule; write one of Constant, "),
        (lambda: parse("__import__('os')"), "is not a schedule"),
        (lambda: parse("3"), "is not a schedule"),
        (lambda: Constant().steps(0), "horizon is a number of steps, a whole number of at least 1, not 0"),
        (lambda: Constant().steps(2.5), "horizon is a number of steps"),
        (lambda: Constant().steps(10, lr=0), "lr must be a positive, finite number, not 0"),
        (lambda: Constant().steps(10, lr=math.nan), "lr must be a positive"),
        (lambda: Constant()([1.5]), "it must lie in"),
        (lambda: Constant().at(0, 10), "step must be a whole number from 1 to the horizon + 1, 11, not 0"),
        (lambda: Constant().at(1.0, 10), "step must be a whole number from 1 to the horizon + 1, 11, not 1.0"),
        (lambda: Warmup(Constant()), "give either the fraction of the run that warms up or the warmup_steps"),
        (lambda: Then(Constant(), Constant(), 0.5, 3), "give either the fraction of the run that the first schedule has"),
        (lambda: parse("-" * 3000 + "1"), "is not a schedule"),
        *[
            (lambda call=call: parse(call), "must ")
            for call in (
                "Exponential(1)", "WSD(1.5)", "WSD(0.2, 'cubic')", "SGDR(0)", "SGDR(2.5)", "OneCycle(1)",
                "WSD(5e-324)", "OneCycle(0.3, 2)", "OneCycle(0.3, 0.1, 1)", "STLR(0)", "STLR(0.1, 1)", "Warmup(Cosine(), 1)",
                "Then(Cosine(), Cosine(), 0)", "Cosine(floor=1)", "WSD(0.2, floor=-0.1)", "SGDR(101)", "SGDR(50, 100)",
                "StepDecay((0.5, 0.5))", "StepDecay(0.5)", "StepDecay(())", "Warmup(Cosine(), warmup_steps=0)",
            )
        ],
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        call()
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("part", [1e-75, math.nextafter(1.0, 0.0)])
@pytest.mark.parametrize("call", ["Exponential({})", "WSD({})", "WSD({}, '1-sqrt')", "OneCycle({})", "STLR({})",
                                  "Warmup(Cosine(), {})", "Then(Cosine(), Constant(), {})"])  # fmt: skip
def test_every_part_that_is_allowed_can_be_evaluated(call, part):
    assert np.isfinite(parse(call.format(part)).steps(17)).all()


def test_the_registry_has_every_family():
    assert {schedule.name.split("(")[0] for schedule in REGISTRY} == set(FAMILIES)
