"""Laws that every schedule of the registry obeys."""

import math
import os
import pickle
import random
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
    Formula,
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
from lrtheory.schedules.expression import Expression
from lrtheory.schedules.robust import FLAT, GOLDEN, robust_pieces

every_schedule = pytest.mark.parametrize("schedule", REGISTRY, ids=str)
u, T = symbols()
FORMULAS = 100_000 if os.environ.get("LRTHEORY_FUZZ") == "nightly" else 500


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


def test_a_schedule_of_ones_own():
    mine = Formula("sqrt(1 - u)", name="square root")
    assert mine.degree == Fraction(1, 2)
    assert mine.steps(4)[-1] == 0.5
    assert str(mine) == "square root"
    assert repr(mine) == "Formula('sqrt(1 - u)', name='square root')"
    with pytest.raises(ValueError, match="name must not be that of another schedule, 'Cosine"):
        Formula("1 - u", name="Cosine()")


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


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(1 - u", "its brackets, operators and commas do not fit together"),
        ("", "its brackets, operators and commas do not fit together"),
        ("1 u", "its brackets, operators and commas do not fit together"),
        ("-" * 3000 + "u", "its brackets, operators and commas do not fit together"),
        ("(" * 300 + "u" + ")" * 300, "its brackets, operators and commas do not fit together"),
        ("+".join(["u"] * 300), "it is nested more than 100 deep"),
        ("u" * 200_000, "it has more than 100,000 characters"),
        ("np.exp(-u)", "it contains 'np.exp(-u)'"),
        ("u.real", "it contains 'u.real'"),
        ("lambda u: u", 'it contains the sign ":"'),
        ("__import__('no')", """it contains the sign "'\""""),
        ("[u]", 'it contains the sign "["'),
        ("µ", 'it contains the sign "µ"'),
        (5, "it is no text but a int"),
        ("1/0", "it divides by zero"),
        ("I*u", "it may depend on u, t and T only, not on 'I'"),
        ("z*u", "it may depend on u, t and T only, not on 'z'"),
        ("u < 1", "it is a condition and no number"),
        ("2*(u < 1)", "a condition stands in it where a number must"),
        ("f(u)", "'f' is none of the functions sqrt, "),
        ("sin(u, u)", "sin does not take 2 arguments"),
        ("Piecewise(u, u)", "Piecewise takes pairs of a value and a condition"),
        ("9**9**9", "a number in it has an exponent beyond 1000"),
        ("pi**(10**9)", "a number in it has an exponent beyond 1000"),
        ("exp(1000)", "a constant in it is no finite number"),
        ("sqrt(-1)", "a constant in it is no finite number"),
        ("1e400", "a number in it is not 0 and beyond"),
        ("2u", "it has '2u', where a number and a name must be apart"),
    ],
)
def test_what_is_no_formula_is_one_sentence(text, reason):
    with pytest.raises(ValueError, match="is no formula in u: ") as caught:
        Formula(text)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("formula", "sentence"),
    [
        ("sqrt(u - 0.5)", "is not a finite number in places"),
        ("1/u", "is not a finite number in places"),
        ("Piecewise((1, u < 1/2))", "is not a finite number in places"),
        ("u - 1", "is negative in places"),
        ("-1", "is negative in places"),
        ("0", "is zero throughout"),
    ],
)
def test_a_shape_without_usable_values_is_one_sentence(formula, sentence):
    with pytest.raises(ValueError, match=sentence):
        Formula(formula)


@pytest.mark.parametrize(
    ("formula", "end"),
    [
        ("Min(1, 5*(1 - u))", (1, 0, 5)),
        ("max(0.1, 1 - u)", (0, 0, 0.1)),
        ("(1 - u)**2 if u < 0.5 else sqrt(1 - u)", (Fraction(1, 2), 0, 1)),
        ("(1 - u)**(-1/4)", (Fraction(-1, 4), 0, 1)),
        ("1/(1 - log(1 - u))**2", (0, -2, 1)),
        ("(1 - u)*log(2/(1 - u))", (1, 1, 1)),
        ("1 - sin(pi*u/2)", (2, 0, math.pi**2 / 8)),
        ("(1 - u)**2/2 - (1 - cos(1 - u))", (4, 0, 1 / 24)),
        ("exp(3*log(1 - u))", (3, 0, 1)),
        ("tanh(1 - u)", (1, 0, 1)),
        ("ceiling(2*u)", (0, 0, 2)),
        ("1 - u**100", (1, 0, 100)),
        ("(1 - u)**pi", (math.pi, 0, 1)),
    ],
)
def test_the_end_of_a_formula(formula, end):
    assert Formula(formula).end == pytest.approx(end, rel=1e-14)  # computed with fifty digits and rounded once


@pytest.mark.parametrize(
    ("formula", "reason"),
    [
        ("exp(-1/(1 - u))", "the exponential in it grows without bound or oscillates"),
        ("2 + sin(1/(1 - u))", "the sine in it grows without bound or oscillates"),
        ("1 - floor(2*u)", "it is zero before the end of the run"),
        ("(1 - u)**T", "the order of its zero depends on the horizon"),
    ],
)
def test_an_end_without_a_degree_is_one_sentence(formula, reason):
    with pytest.raises(ValueError, match="has no degree: ") as caught:
        Formula(formula).degree  # noqa: B018
    assert reason in str(caught.value)


# Formulas drawn from a grammar, most of them valid; and noise.
leaves = st.sampled_from(["u", "1 - u", "t", "T", "pi", "E", "0.1", "2", "3/7", "1e-3", "0"])
unary = st.sampled_from(
    ["sqrt", "exp", "log", "sin", "cos", "tan", "sinh", "cosh", "tanh", "abs", "floor", "ceiling", "-"]
)
formulas = st.recursive(
    leaves,
    lambda inner: (
        st.tuples(unary, inner).map(lambda parts: f"{parts[0]}({parts[1]})")
        | st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "**", "%"]), inner).map(
            lambda parts: "({}){}({})".format(*parts)
        )
        | st.tuples(st.sampled_from(["Min", "max", "Mod"]), inner, inner).map(lambda parts: "{}({}, {})".format(*parts))
        | st.tuples(inner, inner, inner, inner).map(lambda parts: "Piecewise(({}, {} < {}), ({}, True))".format(*parts))
    ),
    max_leaves=12,
)
noise = st.lists(
    st.sampled_from(
        ["u", "t", "T", "(", ")", "*", "**", "9", "1e9", ".", ",", "__class__", "exec", "eval", "open", "lambda", " ", "'", "[",
         "]", "{", "}", "=", ":", ";", "\n", "@", "import os", "os.system", "Piecewise", "True", "if", "else", "for", "in"]
    ),
    max_size=30,
).map("".join)  # fmt: skip


class Undecidable(Exception):
    """Floats do not decide the value: a jump is too near, or a number or an argument too large or too small."""


class Bounded:
    """An mpmath context that refuses functions of arguments beyond a million."""

    def __init__(self):
        self.context = mpmath.mp.clone()
        self.context.dps = 60

    def __getattr__(self, name):
        function = getattr(self.context, name)
        if name not in ("exp", "sin", "cos", "tan", "sinh", "cosh", "tanh"):
            return function

        def bounded(value):
            if abs(value) > 1e6:
                raise Undecidable
            return function(value)

        return bounded

    def power(self, base, exponent):
        return self.exp(exponent * self.context.log(base)) if base else self.context.power(base, exponent)


def perturbed(node, context, values, size, chance):
    """An expression's value where the result of each operation is off by a random part of ``size``, at most."""

    def off(value):
        if value and not 1e-300 < abs(value) < 1e300:
            raise Undecidable
        return value * (1 + size * context.mpf(chance.uniform(-1, 1)))

    def below(child):
        return perturbed(child, context, values, size, chance)

    if node.operation == "Piecewise":
        for value, condition in zip(node.arguments[::2], node.arguments[1::2]):
            if below(condition):
                return below(value)
        return context.nan
    if node.operation in values:
        return off(values[node.operation])
    arguments = {str(number): below(child) for number, child in enumerate(node.arguments)}
    one, other = [*arguments.values(), 0, 1][:2]
    jumps = {"floor": one, "ceiling": one, "Mod": one / other if other else 0}
    if node.operation in jumps:
        one, other = jumps[node.operation], context.nint(mpmath.re(jumps[node.operation]))
    if node.operation in ("<", "<=", ">", ">=", *jumps) and abs(one - other) <= 1e-9 * max(abs(one), abs(other)):
        raise Undecidable
    value = Expression(node.operation, tuple(map(Expression, arguments)), node.value).digits(context, arguments)
    return value if node.is_condition else off(value)


def refused_in_one_sentence(call):
    """What a call returns, or None where it raises one sentence."""
    try:
        return call()
    except ValueError as error:
        if "\n" in str(error):
            raise
        return None


@given(text=formulas | noise | st.text(max_size=30))
@settings(deadline=None, max_examples=FORMULAS)
def test_any_text_is_evaluated_right_or_refused_in_one_sentence(text):
    schedule = refused_in_one_sentence(lambda: Formula(text))
    if schedule is None:
        return
    horizon, context = 1009, Bounded()
    for done in (1, 333, 777, 1000):
        exact = {"u": context.mpf(done) / horizon, "t": context.mpf(done + 1), "T": context.mpf(horizon)}
        value = refused_in_one_sentence(lambda done=done: schedule.at(done + 1, horizon))
        if value is None:
            continue
        try:
            # Cancellation amplifies rounding without a bound, so this compares where errors of up to 1e-12 in each
            # operation, four thousand times its rounding, move the exact value by less than 1e-9.
            values = [
                perturbed(schedule.expression, context, exact, size, random.Random(seed))
                for seed, size in enumerate((0, 1e-12, 1e-12, 1e-12))
            ]
        except (ValueError, TypeError, ZeroDivisionError, OverflowError, Undecidable):  # complex numbers have no order
            continue
        if all(not mpmath.im(each) for each in values):
            low, high = min(map(mpmath.re, values)), max(map(mpmath.re, values))
            if high - low < 1e-9 * high:
                assert value == pytest.approx(float(mpmath.re(values[0])), rel=1e-6, abs=1e-9)
    refused_in_one_sentence(lambda: schedule.degree)


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
