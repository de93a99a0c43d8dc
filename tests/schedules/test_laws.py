"""Laws that every schedule of the registry obeys."""

import math
import pickle
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lrtheory import Constant, Cosine, InverseSqrt, Polynomial, Robust, Schedule, warmup
from lrtheory.schedules import FAMILIES, REGISTRY, parse, symbols, then
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
    # Steps are whole numbers here and recovered from u there, a rounding of each apart; and a jump keeps its side.
    assert steps == pytest.approx(lr * schedule(np.arange(horizon) / horizon, horizon), rel=1e-12)
    # At most 1 and never zero: no step of any length of run is wasted. One rounding above 1 is allowed.
    assert (steps > 0).all()
    assert (steps <= lr * (1 + 1e-15)).all()


@every_schedule
def test_degree_is_the_order_of_the_zero_at_the_end(schedule):
    degree = float(schedule.degree)
    x = np.array([1e-3, 1e-4])
    end = schedule(1 - x, 10**9)
    slope = np.log(end[0] / end[1]) / np.log(x[0] / x[1])
    if schedule.name.startswith("OneCycle"):  # its floor of 4e-6 shows only closer to the end than any cosine
        assert schedule(1.0) == pytest.approx(4e-6)
        return
    # The local slope differs from its limit by the next term of the expansion, at most of the order of x^(1/2).
    assert slope == pytest.approx(degree, abs=0.05)
    assert (schedule(1.0, 1000) == 0) == (degree > 0)


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
    warmed = warmup(schedule, fraction)
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
    joined = then(Cosine(), Polynomial(2), at)
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


@given(doubt=st.floats(1, 1e6))
@settings(deadline=None, max_examples=25)
def test_robust_fills_the_run_and_keeps_its_balance(doubt):
    k, pieces = robust_pieces(doubt)
    assert sum(length for length, *_ in pieces) == pytest.approx(1, rel=1e-9)
    if doubt >= FLAT:  # the pieces' lengths come from four closed forms; their sum is the theorem
        constant = 2 + GOLDEN + np.sqrt(2) + np.log((1 + np.sqrt(2)) / (2 * GOLDEN**3))
        assert k == pytest.approx(np.log(doubt) + constant, rel=1e-9)
    grid = np.linspace(0, 1, 2001)
    assert Robust(doubt)(grid).max() == pytest.approx(1, rel=1e-2)  # the peak may fall between two grid points


def test_a_schedule_of_ones_own():
    mine = Schedule("square root", "sqrt(1 - u)")
    assert mine.degree == sympy.Rational(1, 2)
    assert mine.steps(4)[-1] == 0.5
    with pytest.raises(ValueError, match=r"may depend on u, t and T only, not on \['z'\]"):
        Schedule("stranger", "z*u").expr  # noqa: B018
    with pytest.raises(ValueError, match="backwards is negative in places"):
        Schedule("backwards", "u - 1").steps(3)


@pytest.mark.parametrize(
    "formula",
    [
        "(1 - u",
        "",
        "np.exp(-u)",
        "lambda u: u",
        lambda u: u,
        "1/0",
        "I*u",
        "u < 1",
        "[u]",
        "f(u)",
        "1 u",
        "__import__('no')",
    ],
)
def test_what_is_no_formula_is_one_sentence(formula):
    mine = Schedule("mine", formula)
    for ask in (lambda: mine.expr, lambda: mine.degree, lambda: mine([0.5]), lambda: mine.steps(4)):
        with pytest.raises(
            ValueError, match=r"^mine: .* is no formula in u that sympy reads, such as '\(1 - u\)\*\*2'\.$"
        ):
            ask()


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("sqrt(u - 0.5)", "mine is not a finite number in places"),
        ("1/u", "mine is not a finite number in places"),
        ("Piecewise((1, u < 1/2))", "mine is not a finite number in places"),
    ],
)
def test_a_shape_without_usable_values_is_one_sentence(formula, sentence):
    with pytest.raises(ValueError, match=sentence):
        Schedule("mine", formula).steps(4)
    if formula.startswith("sqrt"):  # and does not ask for a horizon that would not help
        with pytest.raises(ValueError, match=sentence):
            Schedule("mine", formula)([0.2])


def test_a_shape_that_counts_steps_asks_for_them():
    with pytest.raises(ValueError, match="counts steps: give its horizon"):
        InverseSqrt()([0.0])


def test_plot_draws_the_shape():
    axes = Cosine().plot(50)
    assert axes.lines[0].get_label() == "Cosine()"


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: Polynomial(0), "degree must be a positive, finite number, not 0"),
        (lambda: Polynomial(-1), "degree must be a positive"),
        (lambda: Polynomial(math.nan), "degree must be a positive"),
        (lambda: Robust(0.5), "doubt must be a finite factor of at least 1, not 0.5"),
        (lambda: parse("Cosin()"), "'Cosin()' is not a schedule; write one of Constant, "),
        (lambda: parse("__import__('os')"), "is not a schedule"),
        (lambda: parse("3"), "is not a schedule"),
        (lambda: Constant().steps(0), "horizon is a number of steps, a whole number of at least 1, not 0"),
        (lambda: Constant().steps(2.5), "horizon is a number of steps"),
        (lambda: Constant().steps(10, lr=0), "lr must be a positive, finite number, not 0"),
        (lambda: Constant().steps(10, lr=math.nan), "lr must be a positive"),
        (lambda: Constant()([1.5]), "it must lie in"),
        *[
            (lambda call=call: parse(call), "must ")
            for call in (
                "Exponential(1)", "WSD(1.5)", "WSD(0.2, 'cosine')", "SGDR(0)", "SGDR(2.5)", "OneCycle(1)",
                "WSD(5e-324)", "OneCycle(0.3, 2)", "OneCycle(0.3, 0.1, 1)", "STLR(0)", "STLR(0.1, 1)", "warmup(Cosine(), 1)",
                "then(Cosine(), Cosine(), 0)",
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
                                  "warmup(Cosine(), {})", "then(Cosine(), Constant(), {})"])  # fmt: skip
def test_every_part_that_is_allowed_can_be_evaluated(call, part):
    assert np.isfinite(parse(call.format(part)).steps(17)).all()


def test_the_registry_has_every_family():
    assert {schedule.name.split("(")[0] for schedule in REGISTRY} == set(FAMILIES)
