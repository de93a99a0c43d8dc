"""What fuzzed functions are given, and what must hold of what they return."""

import math
import re
import warnings
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import strategies as st

import lrtheory
from lrtheory.schedules import REGISTRY, Formula, Schedule

HOSTILE = (
    None, True, False, 0, -1, 1, 2**63, -(10**400), 10**400, Fraction(1, 10**400), 0.0, -0.0, 5e-324, 1e-308, 1e308, -1.5,
    math.nan, math.inf, -math.inf,
    1j, Fraction(1, 3), np.float32("nan"), np.int8(-3), np.array([]), np.array([1.0, np.nan]), np.array(["a"]),
    np.zeros((2, 0)), "", "0.5", "nan", "Cosine()", "__import__('os').abort()", b"\xff", [], [[1.0], [1.0, 2.0]], (), {},
    {1: 2}, {"a": None}, object(), int, len,
)  # fmt: skip
"""What no function expects everywhere and some function expects somewhere."""

junk = st.sampled_from(HOSTILE) | st.floats() | st.integers() | st.text(max_size=8)


def mostly(good: st.SearchStrategy) -> st.SearchStrategy:
    """Good values three times in four, and else anything."""
    return st.one_of(good, good, good, junk)


positive = st.floats(1e-6, 1e6) | st.floats(0, exclude_min=True, allow_infinity=False)
number = mostly(positive)
rate = mostly(st.floats(1e-100, 1e100))
part = mostly(st.floats(0, 1))
few = mostly(st.integers(1, 6))
horizons = st.integers(1, 2000) | st.sampled_from([None, True, 0, -5, 1.5, math.nan, "7", np.int64(12), [3]])
schedules = st.sampled_from(REGISTRY) | st.sampled_from(REGISTRY) | st.just(Formula("(1 - u)**2*exp(-u)"))
schedule = st.one_of(schedules, schedules, schedules, junk)
lengths = st.fixed_dictionaries({}, optional={"lipschitz": number, "distance": number, "diameter": number})
cooldowns = st.sampled_from(["linear", "1-sqrt", "cosine", "1-square"])
knots = mostly(
    st.dictionaries(st.integers(0, 50) | st.floats(0, 50), st.floats(0, 1) | st.sampled_from([0, 1]), max_size=5)
    | st.dictionaries(junk.filter(lambda key: type(key).__hash__ is not None and key == key), junk, max_size=3)
)
counting = {"counting": mostly(st.sampled_from(["cumulative", "epochs", "per_epoch"])), "steps_per_epoch": few}


def keywords(**fields: st.SearchStrategy) -> st.SearchStrategy:
    return st.fixed_dictionaries(fields)


def optional(**fields: st.SearchStrategy) -> st.SearchStrategy:
    return st.fixed_dictionaries({}, optional=fields)


def both(*parts: st.SearchStrategy) -> st.SearchStrategy:
    return st.tuples(*parts).map(lambda given: {name: value for part in given for name, value in part.items()})


random_sums = both(keywords(samples=few, dimension=few), optional(diameter=number, noise=number, batch=few, seed=few))
features = st.lists(st.lists(st.floats(-9, 9) | st.floats(), min_size=2, max_size=2), min_size=3, max_size=3)
labels = st.lists(st.sampled_from([-1.0, 1.0]) | st.floats(-9, 9), min_size=3, max_size=3)
losses = st.sampled_from(["absolute", "hinge", "squared", "logistic"])
noises = st.sampled_from(["rademacher", "gaussian"])


def is_schedule(made: Any) -> None:
    """A rate at every step, none negative."""
    assert isinstance(made, Schedule)
    steps = made.steps(17)
    assert steps.shape == (17,)
    assert np.isfinite(steps).all()
    assert (steps >= 0).all()


def are_finite_and_at_least(least: float) -> Callable[[Any], None]:
    def law(value: Any) -> None:
        values = np.asarray(value, dtype=float)
        assert not np.isnan(values).any()
        assert (values >= least).all()

    return law


def is_plan(plan: Any) -> None:
    points = np.asarray(plan.points)
    assert len(points) >= 1
    assert np.isfinite(points).all()
    assert (points > 0).all()
    assert plan.factor >= 1


def is_measured_plan(plan: Any) -> None:
    points = np.asarray(plan.points)
    assert ((plan.low < points) & (points < plan.high)).all() or np.isclose(plan.low, plan.high)
    assert 0 <= plan.all_lost <= min(plan.lost) <= max(plan.lost) <= 1
    assert 0 <= plan.regret <= 1


def is_suggestion(suggestion: Any) -> None:
    assert suggestion.lr is None or 0 < suggestion.lr < math.inf
    assert 0 <= suggestion.regret <= 1
    assert 0 < suggestion.likely[0] <= suggestion.likely[1] < math.inf


def is_table(table: Any) -> None:
    assert (table["last_standard_error"].dropna() >= 0).all()
    assert (table["last"] >= 0).all()


def is_law(found: Any) -> None:
    assert found.tuned_loss >= 1 - 1e-9  # no method promises less than DG/sqrt(T)
    assert 0 <= found.exponent <= 1
    assert found.threshold >= 1 - 1e-9


def is_interval(made: Any) -> None:
    assert re.fullmatch(r"\S+ \[\S+, \S+\]", str(made))


def is_family(problem: Any) -> None:
    """Its gradients have the mean square that it claims."""
    assert problem.noise_scale**2 + problem.eps**2 == pytest.approx(problem.lipschitz**2, rel=1e-12)
    assert abs(problem.start) <= problem.bound


def is_sum(problem: Any) -> None:
    """At the origin it is not below its least value, and its gradient there is not above its bound."""
    at_origin = float(problem.loss_at(np.zeros(problem.features.shape[1])))
    assert math.isfinite(at_origin)
    assert 0 <= problem.lipschitz < math.inf
    try:
        least = problem.minimum
    except ValueError as error:  # no minimiser in the ball
        sentence = str(error)
    else:
        assert least <= at_origin * (1 + 1e-9)
        return
    assert re.fullmatch(r"[^\n]+\.", sentence), sentence


def has_a_best_rate(fitted: Any) -> None:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The best of the fitted runs of")  # random losses follow no law
        are_finite_and_at_least(0)(fitted.best_lr(lrtheory.Cosine(), 100).value)
