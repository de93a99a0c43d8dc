"""Schedules from dictionaries: the note's four formulas, the one rule behind them, and where it ends."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from lrtheory import PiecewiseLinear, worst_case
from lrtheory.schedules import COUNTINGS, FINAL_FACTORS, from_bert4keras, parse, piecewise_linear

# The note's equations, as printed, in exact fractions. Where a printed formula says nothing the result is None.


def equation_8(t, t1, r):
    if 0 < t <= t1:
        return 1 + (r - 1) / t1 * t
    return r if t > t1 else None


def equation_9(t, t1, t2, r):
    if 0 < t <= t1:
        return t / t1
    if t1 < t <= t2:
        return 1 + (r - 1) / (t2 - t1) * (t - t1)
    return r if t > t2 else None


def equation_10(t, t1, t2, t3, r):
    phase = t % t3
    if 0 < phase <= t1:
        return 1 + (r - 1) / t1 * phase
    if t1 < phase <= t2:
        return r
    return r + (1 - r) / (t3 - t2) * (phase - t2) if t2 < phase <= t3 else None


def equation_11(t, t1, t2, t3, t4, r):
    if 0 < t <= t1:
        return t / t1
    phase = (t - t1) % (t4 - t1)
    if t > t1 and phase <= t2 - t1:
        return 1 + (r - 1) / (t2 - t1) * phase
    if t > t1 and t2 - t1 < phase <= t3 - t1:
        return r
    return r + (1 - r) / (t4 - t3) * (phase - (t3 - t1)) if t > t1 and t3 - t1 < phase < t4 - t1 else None


FORMS = {
    # equation, how many knots, the dictionary, the value at t = 0, whether the printed formula has other gaps
    8: (equation_8, 1, lambda times, r: dict(zip(times, (r,))), 1),
    9: (equation_9, 2, lambda times, r: dict(zip(times, (1, r))), 0),
    10: (equation_10, 3, lambda times, r: dict(zip(times, (r, r, 1))), 1),
    11: (equation_11, 4, lambda times, r: dict(zip(times, (1, r, r, 1))), 0),
}
every_form = pytest.mark.parametrize("form", FORMS)
EXAMPLES = {8: (7,), 9: (3, 10), 10: (4, 6, 10), 11: (3, 7, 9, 13)}
factors = st.sampled_from([0.0, 0.1, 0.01, 1e-4, 1e-5, 0.3, 0.999])


def closed(form, t, times, r):
    """The printed equation in fractions, with its gaps closed by continuity."""
    equation, _, _, at_zero = FORMS[form]
    printed = equation(Fraction(t), *map(Fraction, times), Fraction(str(r)))
    if printed is None:
        assert t == 0 or (form == 10 and t % times[2] == 0)  # nothing else is left out
        return Fraction(at_zero if t == 0 else 1)
    return printed


@st.composite
def times_of(draw, form):
    gaps = draw(st.lists(st.integers(1, 40), min_size=FORMS[form][1], max_size=FORMS[form][1]))
    return tuple(int(time) for time in np.cumsum(gaps))


@every_form
@given(data=st.data(), r=factors)
@settings(deadline=None, max_examples=20)
def test_the_four_equations_hold_exactly_at_every_step(form, data, r):
    times = data.draw(times_of(form))
    factor = piecewise_linear(FORMS[form][2](times, r))
    for t in range(4 * times[-1] + 2):  # several periods, every knot, and t = 0
        assert factor(t) == float(closed(form, t, times, r))  # the nearest double: equal to the last bit


@every_form
@given(data=st.data(), r=factors, extra=st.integers(1, 50))
@settings(deadline=None, max_examples=20)
def test_the_schedule_has_the_values_of_the_equations(form, data, r, extra):
    times = data.draw(times_of(form))
    horizon = 3 * times[-1] + extra
    exact = [float(closed(form, t, times, r)) for t in range(1, horizon + 1)]
    # sympy writes slope * (t - start) as a difference of terms as large as the last knot over the shortest gap, at least 1.
    assert PiecewiseLinear(FORMS[form][2](times, r)).steps(horizon) == pytest.approx(exact, abs=4e-16 * (times[-1] + 2))


@every_form
def test_torch_runs_at_the_rates_of_the_formula_to_the_last_bit(form):
    torch = pytest.importorskip("torch")
    times, r, lr = EXAMPLES[form], 0.1, 0.3
    knots = FORMS[form][2](times, r)
    factor, schedule, horizon = piecewise_linear(knots), PiecewiseLinear(knots), 4 * times[-1]

    def rates(make):
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=lr)
        scheduler, seen = make(optimizer), []
        for _ in range(horizon):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return seen

    plain = rates(lambda o: torch.optim.lr_scheduler.LambdaLR(o, lambda done: factor(done + 1)))
    assert plain == [lr * float(closed(form, t, times, r)) for t in range(1, horizon + 1)]
    assert rates(lambda o: schedule.lr_scheduler(o, horizon)) == schedule.steps(horizon, lr).tolist()


@given(
    knots=st.dictionaries(st.integers(1, 60), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), min_size=1, max_size=6),
    horizon=st.integers(1, 200),
)
@settings(deadline=None, max_examples=60)
def test_one_rule_reads_any_dictionary(knots, horizon):
    factor, ordered = piecewise_linear(knots), sorted(knots)
    values = np.array([factor(t) for t in range(horizon + 1)])
    assert all(factor(t) == r for t, r in knots.items())
    assert values[0] == (0 if knots[ordered[0]] == 1 else 1)
    assert np.all((values >= 0) & (values <= 1))
    # continuous: no step changes it by more than the steepest piece does; 1e-15 for the rounding of the differences
    corners = [(0, values[0]), *((t, knots[t]) for t in ordered)]
    steepest = max(abs(b - a) / (t - s) for (s, a), (t, b) in pairwise(corners))
    assert np.abs(np.diff(values)).max() <= steepest + 1e-15
    first_one = next((t for t, r in corners if r == 1), math.inf)
    end, last = corners[-1]
    decays = any(r < 1 for t, r in corners if t > first_one)
    for t in range(end, end + 30):
        period = end - first_one
        assert factor(t) == (factor(first_one + (t - first_one) % period) if last == 1 and decays else last)
    schedule = PiecewiseLinear(knots)
    assert schedule.steps(horizon) == pytest.approx(values[1:], abs=4e-16 * (end + 2))  # as above
    assert parse(schedule.name) == schedule


def test_knots_may_come_in_any_order_and_say_where_they_start():
    assert PiecewiseLinear({2000: 0.1, 1000: 1}) == PiecewiseLinear({1000: 1, 2000: 0.1})
    assert PiecewiseLinear([(2000, 0.1), (1000, 1)]) == PiecewiseLinear({1000: 1, 2000: 0.1})
    assert repr(PiecewiseLinear({2000: 0.1, 1000: 1})) == "PiecewiseLinear({1000: 1, 2000: 0.1})"
    assert PiecewiseLinear({0: 0.2, 4: 1}).steps(6) == pytest.approx([0.4, 0.6, 0.8, 1, 1, 1], abs=1e-15)
    assert PiecewiseLinear({0: 0.3}).steps(2).tolist() == [0.3, 0.3]


def test_a_repeating_dictionary_asks_for_a_horizon_and_one_that_holds_has_a_limit():
    with pytest.raises(ValueError, match="counts steps: give its horizon"):
        PiecewiseLinear({4: 0.1, 6: 0.1, 10: 1})([0.5])
    with pytest.raises(ValueError, match="counts steps: give its horizon"):
        PiecewiseLinear({4: 0.1}, "per_epoch", 10)([0.5])
    assert PiecewiseLinear({4: 1, 10: 0.1})([0.5, 1.0]).tolist() == [0.1, 0.1]
    assert PiecewiseLinear({4: 0.1, 6: 0.1, 10: 1}).degree == 0


# Counting


@given(
    knots=st.sampled_from([{4: 0.1}, {2: 1, 5: 0.01}, {1: 1, 3: 0.5, 5: 0.1}, {2: 0.1, 3: 0.1, 5: 1}]),
    epoch=st.integers(1, 60),
    epochs=st.integers(1, 20),
)
@settings(deadline=None, max_examples=60)
def test_countings_are_what_they_say(knots, epoch, epochs):
    over_run, horizon = piecewise_linear(knots), epoch * epochs
    wanted = {"epochs": [over_run(math.ceil(t / epoch)) for t in range(1, horizon + 1)]}
    if knots[max(knots)] < 1:
        wanted["per_epoch"] = [over_run((t - 1) % epoch + 1) for t in range(1, horizon + 1)]
    for counting, values in wanted.items():
        factor, schedule = piecewise_linear(knots, counting, epoch), PiecewiseLinear(knots, counting, epoch)
        assert [factor(t) for t in range(1, horizon + 1)] == values
        # rounding moves no step to another epoch, and is bounded as above
        assert schedule.steps(horizon) == pytest.approx(values, abs=4e-16 * (max(knots) + 2))
        assert parse(schedule.name) == schedule
        assert factor(0) == over_run(0)


def guarantee(steps):
    """The worst case over a domain of diameter 1 at the best base rate, in units of DG/sqrt(T)."""

    def at(log_rate):
        return worst_case(np.exp(log_rate) * steps, diameter=1.0)

    start = min(np.linspace(-9, 1, 41), key=at)
    best = minimize_scalar(at, bounds=(start - 0.3, start + 0.3), method="bounded")
    return best.fun * np.sqrt(len(steps))  # pyright: ignore[reportAttributeAccessIssue]


def decays(epochs, epoch, final):
    """The same decay, from 1 to the final factor, in each counting."""
    knots = {"cumulative": epochs * epoch, "epochs": epochs, "per_epoch": epoch}
    return {
        counting: PiecewiseLinear({knots[counting]: final}, counting, None if counting == "cumulative" else epoch)
        for counting in COUNTINGS
    }


@pytest.mark.parametrize("final", FINAL_FACTORS["SGD"])
@pytest.mark.parametrize(("epochs", "epoch"), [(5, 20), (10, 30), (20, 20)])
def test_the_advice_on_counting_agrees_with_the_exact_worst_case(epochs, epoch, final):
    guarantees = [guarantee(s.steps(epochs * epoch)) for s in decays(epochs, epoch, final).values()]
    assert guarantees == sorted(guarantees)
    assert guarantees[-1] < guarantee(np.ones(epochs * epoch))


def test_the_numbers_of_the_advice_and_where_it_fails():
    ten = [guarantee(s.steps(1000)) for s in decays(10, 100, 0.01).values()]
    assert [*ten, guarantee(np.ones(1000))] == pytest.approx([1.005, 1.037, 1.315, 1.607], abs=6e-4)  # printed digits
    three = {counting: guarantee(s.steps(3000)) for counting, s in decays(3, 1000, 0.01).items()}
    assert three["epochs"] == pytest.approx(1.222, abs=6e-4)
    assert three["per_epoch"] == pytest.approx(1.162, abs=6e-4)


def test_final_factors_are_those_of_the_note():
    assert {*FINAL_FACTORS} == {"SGD", "SGDM", "Adam", "Lion", "Tiger"}
    assert all(0 < smaller < usual < 1 for usual, smaller in FINAL_FACTORS.values())


# The other reading


def as_bert4keras(knots, from_zero, step):
    """Its rule, with numpy: held outside the knots, which start at 0 with 0 unless told otherwise."""
    knots = {int(t): r for t, r in knots.items()}
    if from_zero and min(knots) != 0:
        knots[0] = 0.0
    return np.interp(step, sorted(knots), [knots[t] for t in sorted(knots)])


@given(
    knots=st.dictionaries(st.integers(0, 50), st.sampled_from([0.0, 0.1, 0.5, 1.0]), min_size=1, max_size=4),
    from_zero=st.booleans(),
)
@settings(deadline=None, max_examples=60)
def test_conversion_gives_every_step_of_bert4keras(knots, from_zero):
    expected = [as_bert4keras(knots, from_zero, done) for done in range(120)]
    one = expected.index(1) if 1 in expected else 120
    if knots[max(knots)] == 1 and min(expected[one:], default=1) < 1:
        with pytest.raises(ValueError, match="comes back to 1 repeats"):
            from_bert4keras(knots, from_zero)
        return
    factor = piecewise_linear(from_bert4keras(knots, from_zero))
    # both are a few roundings from the exact line
    assert [factor(done + 1) for done in range(120)] == pytest.approx(expected, abs=1e-14)


def test_the_two_readings_differ():
    assert [as_bert4keras({4: 0.2}, True, step) for step in (0, 4)] == [0, 0.2]  # a rise from 0
    assert [piecewise_linear({4: 0.2})(step) for step in (0, 4)] == [1, 0.2]  # a decay from 1


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda: PiecewiseLinear({}), ValueError, "knots must not be empty"),
        (lambda: PiecewiseLinear({-1: 0.5}), ValueError, "the time of a knot must be finite and at least 0, not -1."),
        (lambda: PiecewiseLinear({math.inf: 0.5}), ValueError, "the time of a knot must be finite"),
        (
            lambda: PiecewiseLinear({"10": 0.5}),
            ValueError,
            "the time of a knot must be finite and at least 0, not '10'",
        ),
        (lambda: PiecewiseLinear({10: 1.5}), ValueError, "the factor of a knot must lie in [0, 1], not 1.5."),
        (lambda: PiecewiseLinear({10: -0.1}), ValueError, "the factor of a knot must lie in [0, 1], not -0.1."),
        (lambda: PiecewiseLinear({10: math.nan}), ValueError, "the factor of a knot must lie in [0, 1], not nan."),
        (lambda: PiecewiseLinear([(10, 1), (10, 0.1)]), ValueError, "given only once, but there are two at 10."),
        (lambda: parse("PiecewiseLinear({10: 1, 10: 0.1})"), ValueError, "given only once, but there are two at 10."),
        (lambda: parse("PiecewiseLinear({a: 1})"), ValueError, "is not a schedule"),
        (lambda: parse("PiecewiseLinear({**a})"), ValueError, "is not a schedule"),
        (lambda: PiecewiseLinear(5), TypeError, "knots must be a dictionary of times and factors"),
        (lambda: PiecewiseLinear([10, 0.1]), TypeError, "knots must be a dictionary of times and factors"),
        (
            lambda: PiecewiseLinear({4: 0.1}, "daily"),
            ValueError,
            "counting must be one of cumulative, epochs, per_epoch",
        ),
        (
            lambda: PiecewiseLinear({4: 0.1}, "epochs"),
            ValueError,
            "steps_per_epoch must be a whole number of at least 1",
        ),
        (lambda: PiecewiseLinear({4: 0.1}, "epochs", 2.5), ValueError, "steps_per_epoch must be a whole number"),
        (lambda: PiecewiseLinear({4: 0.1}, steps_per_epoch=5), ValueError, "steps_per_epoch must be left out"),
        (
            lambda: PiecewiseLinear({2: 0.1, 4: 1}, "per_epoch", 9),
            ValueError,
            "a dictionary that repeats must be counted",
        ),
        (lambda: PiecewiseLinear({5e-324: 0.1}), ValueError, "the numbers of a knot must be 0 or lie in 1e-75 to 1e75"),
        (lambda: PiecewiseLinear({4: 5e-324}), ValueError, "the numbers of a knot must be 0 or lie in 1e-75 to 1e75"),
        (
            lambda: PiecewiseLinear({10**400: 0.1}),
            ValueError,
            "the numbers of a knot must be 0 or lie in 1e-75 to 1e75",
        ),
        (lambda: piecewise_linear({4: 0.1})(-1), ValueError, "step must be at least 0, not -1."),
        (lambda: from_bert4keras({4: 1, 8: 0.1, 12: 1}), ValueError, "comes back to 1 repeats"),
        (lambda: from_bert4keras({}), ValueError, "knots must not be empty"),
    ],
)
def test_bad_input_is_one_sentence(call, kind, sentence):
    with pytest.raises(kind) as caught:
        call()
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)
