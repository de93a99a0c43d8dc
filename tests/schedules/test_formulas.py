"""Formulas: what is read, what is refused in one sentence, and that values and ends are right."""

import math
import os
import random
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory import Formula
from lrtheory.schedules.expression import Expression

FORMULAS = 100_000 if os.environ.get("LRTHEORY_FUZZ") == "nightly" else 500


def test_a_schedule_of_ones_own():
    mine = Formula("sqrt(1 - u)", name="square root")
    assert mine.degree == Fraction(1, 2)
    assert mine.steps(4)[-1] == 0.5
    assert str(mine) == "square root"
    assert repr(mine) == "Formula('sqrt(1 - u)', name='square root')"
    with pytest.raises(ValueError, match="name must not be that of another schedule, 'Cosine"):
        Formula("1 - u", name="Cosine()")


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
