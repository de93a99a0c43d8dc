"""Whatever a public function is given, it returns what its law allows or raises what its documentation says, in one sentence.

1,000 examples by default, the same every time; ``LRTHEORY_FUZZ=nightly`` draws 100,000 new ones. Sizes are bounded (a
horizon by 2,000, an order by 3): beyond them lies time and memory, not other code.
"""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lrtheory
from lrtheory.forecast import LAWS, Curve
from lrtheory.schedules import FAMILIES, REGISTRY, Formula, Schedule, from_bert4keras, parse, piecewise_linear
from lrtheory.simulation import AbsoluteValue
from lrtheory.theory import (
    horizon_exponent,
    least_squares_exponent,
    momentum_edge,
    warmup_edge,
    worst_quadratic_rate,
)
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.misspecification import law
from lrtheory.theory.penalties import PENALTIES

NIGHTLY = os.environ.get("LRTHEORY_FUZZ") == "nightly"
EXAMPLES = 100_000 if NIGHTLY else 1_000

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


@dataclass(frozen=True)
class Target:
    """A public function, what it is given, and what must hold of what it returns."""

    call: Callable[..., Any]
    given: st.SearchStrategy
    law: Callable[[Any], None]
    share: int = 1
    """Of the examples: less where one takes long."""


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

TARGETS = {
    "Polynomial": Target(lrtheory.Polynomial, optional(power=number, floor=part), is_schedule, 2),
    "Exponential": Target(lrtheory.Exponential, optional(final=part), is_schedule, 2),
    "WSD": Target(
        lrtheory.WSD, optional(cooldown=part, shape=mostly(cooldowns), floor=part), is_schedule, 2
    ),
    "SGDR": Target(lrtheory.SGDR, optional(cycles=st.integers(-1, 6), multiplier=few, floor=part), is_schedule, 2),
    "OneCycle": Target(lrtheory.OneCycle, optional(peak=part, initial=part, final=part), is_schedule, 2),
    "STLR": Target(lrtheory.STLR, optional(cut=part, ratio=number), is_schedule, 2),
    "Robust": Target(lrtheory.Robust, optional(uncertainty=mostly(st.floats(1, 1e12))), is_schedule, 2),
    "PiecewiseLinear": Target(
        lrtheory.PiecewiseLinear, both(keywords(knots=knots), optional(**counting)), is_schedule, 3
    ),
    "piecewise_linear": Target(
        lambda step, **rest: piecewise_linear(**rest)(step),
        both(keywords(knots=knots, step=mostly(st.integers(0, 100))), optional(**counting)),
        are_finite_and_at_least(0),
        2,
    ),
    "from_bert4keras": Target(
        from_bert4keras, keywords(lr_schedule=knots), lambda made: is_schedule(lrtheory.PiecewiseLinear(made)), 1
    ),
    "Cosine": Target(lrtheory.Cosine, optional(floor=part), is_schedule),
    "StepDecay": Target(
        lrtheory.StepDecay, optional(milestones=mostly(st.lists(part, max_size=3).map(tuple)), factor=part), is_schedule
    ),
    "Warmup": Target(
        lrtheory.Warmup, both(keywords(schedule=schedule), optional(fraction=part, warmup_steps=few)), is_schedule, 2
    ),
    "Then": Target(
        lrtheory.Then,
        both(keywords(first=schedule, second=schedule), optional(fraction=part, first_steps=few)),
        is_schedule,
        2,
    ),
    "Formula": Target(lrtheory.Formula, both(keywords(text=junk), optional(name=junk)), is_schedule),
    "parse": Target(
        parse,
        keywords(
            text=st.text(max_size=20)
            | st.builds("{}({})".format, st.sampled_from(sorted(FAMILIES)), st.sampled_from(HOSTILE).map(repr))
        ),
        is_schedule,
        3,
    ),
    "steps": Target(
        lambda schedule, **rest: schedule.steps(**rest),
        keywords(schedule=schedules, horizon=horizons, lr=number),
        are_finite_and_at_least(0),
        3,
    ),
    "call": Target(
        lambda schedule, u: schedule(u, 100),
        keywords(schedule=schedules, u=part | st.lists(part, max_size=4)),
        are_finite_and_at_least(0),
        3,
    ),
    "rho_exponent": Target(lrtheory.rho_exponent, keywords(schedule=schedule), are_finite_and_at_least(0), 2),
    "degradation": Target(
        lrtheory.degradation,
        keywords(schedule=schedule, rho=number | st.lists(number, max_size=3)),
        are_finite_and_at_least(1 - 1e-9),
        3,
    ),
    "law": Target(lrtheory.law, keywords(schedule=schedule), is_law, 2),
    "worst_case": Target(
        lrtheory.worst_case,
        both(keywords(steps=mostly(st.lists(number, max_size=30))), lengths),
        are_finite_and_at_least(0),
        4,
    ),
    "worst_case of schedules": Target(
        lrtheory.worst_case,
        both(
            keywords(
                steps=mostly(st.lists(schedule, max_size=3)), horizon=horizons,
                lr=mostly(st.lists(rate, min_size=1, max_size=3)), threads=st.just(1),
            ),
            lengths,
        ),
        are_finite_and_at_least(0),
        2,
    ),
    "tuned_lr": Target(
        lrtheory.tuned_lr,
        both(keywords(schedule=schedule, horizon=horizons), lengths),
        are_finite_and_at_least(0),
        3,
    ),
    "plan_grid": Target(
        lrtheory.plan_grid,
        both(
            keywords(low=number, high=number, schedule=schedule, risk=st.just("convex")),
            optional(tolerance=mostly(st.floats(1, 4)), trials=few, horizon=horizons),
        ),
        is_plan,
        2,
    ),
    "plan_grid(risk)": Target(
        lrtheory.plan_grid,
        both(
            keywords(low=number, high=number, risk=st.sampled_from(["measured", "measured", "convex", "none", 3])),
            optional(tolerance=mostly(st.floats(0.01, 0.5)), trials=few),
        ),
        is_measured_plan,
        2,
    ),
    "next_lr": Target(
        lrtheory.next_lr,
        both(
            keywords(
                results=mostly(st.lists(st.tuples(number, st.none() | st.floats(0, 3) | st.floats()), max_size=5)),
                low=number, high=number, initial_loss=mostly(st.floats(2, 9)),
            ),
            optional(tolerance=part),
        ),
        is_suggestion,
        2,
    ),
    "robust_lr": Target(lrtheory.robust_lr, keywords(low=number, high=number), are_finite_and_at_least(0), 3),
    "robust_loss": Target(lrtheory.robust_loss, keywords(uncertainty=number), are_finite_and_at_least(1 - 1e-12), 2),
    "momentum_edge": Target(
        momentum_edge,
        both(keywords(curvature=number), optional(momentum=part, example_curvature=number, batch=few)),
        are_finite_and_at_least(0),
        2,
    ),
    "warmup_edge": Target(
        warmup_edge, keywords(warmup=number, start=number, end=number, decline=number), are_finite_and_at_least(0), 2
    ),
    "horizon_exponent": Target(
        horizon_exponent,
        both(keywords(exponent=number), optional(shrinking=number, share=part, noise_exponent=number)),
        are_finite_and_at_least(-1),
        2,
    ),
    "worst_quadratic_rate": Target(
        worst_quadratic_rate, both(keywords(horizon=horizons), optional(noise=number)), are_finite_and_at_least(0), 3
    ),
    "least_squares_exponent": Target(
        least_squares_exponent,
        both(
            keywords(horizon=mostly(st.integers(8, 40)), batch=few),
            optional(noise=number, curvature_decay=number, loss_decay=number),
        ),
        are_finite_and_at_least(-9),
        4,
    ),
    "optimal_schedule": Target(
        lrtheory.optimal_schedule,
        both(
            keywords(gradient_norms=mostly(st.lists(number, min_size=1, max_size=60))),
            optional(smoothing=part, knots=few),
        ),
        lambda made: are_finite_and_at_least(0)(made.steps(13)),
        2,
    ),
    "modified_equation": Target(
        lrtheory.modified_equation,
        keywords(order=st.integers(-2, 3) | st.sampled_from(HOSTILE[:4] + HOSTILE[8:])),
        lambda made: made.latex(),
        1,
    ),
    "penalties": Target(
        lambda optimizer, **rest: PENALTIES[optimizer](**rest),
        both(
            keywords(optimizer=st.sampled_from(sorted(PENALTIES))),
            optional(momentum=part, beta1=part, beta2=part, epsilon=part, sampling=junk, nonsense=junk),
        ),
        lambda made: made.latex() and made.expression,
        1,
    ),
    "AbsoluteValue": Target(
        lrtheory.AbsoluteValue,
        both(
            keywords(eps=mostly(st.floats(0, 1))),
            optional(diameter=number, lipschitz=number, start=mostly(st.floats(-1, 1)), noise=mostly(noises)),
        ),
        is_family,
        2,
    ),
    "FiniteSum": Target(
        lrtheory.FiniteSum,
        both(
            keywords(features=mostly(features), targets=mostly(labels), loss=mostly(losses), diameter=number),
            optional(batch=few),
        ),
        is_sum,
        2,
    ),
    "least_squares": Target(lrtheory.least_squares, random_sums, is_sum),
    "absolute_regression": Target(lrtheory.absolute_regression, random_sums, is_sum),
    "hinge_classification": Target(lrtheory.hinge_classification, random_sums, is_sum),
    "logistic_regression": Target(lrtheory.logistic_regression, random_sums, is_sum),
    "Estimate": Target(
        lrtheory.Estimate, keywords(value=number, low=number, high=number), is_interval
    ),
    "expected_loss": Target(
        lrtheory.expected_loss,
        both(
            keywords(
                problem=mostly(st.floats(0.01, 1).map(AbsoluteValue)), schedule=schedule, horizon=horizons, lr=rate
            ),
            optional(nodes=st.sampled_from([16, 64, 0, -1, None, 1.5])),
        ),
        are_finite_and_at_least(0),
        3,
    ),
    "expected_curve": Target(
        lrtheory.expected_curve,
        keywords(problem=mostly(st.floats(0.01, 1).map(AbsoluteValue)), schedule=schedule, horizon=horizons, lr=rate),
        are_finite_and_at_least(0),
        3,
    ),
    "simulate": Target(
        lrtheory.simulate,
        both(
            keywords(
                problem=mostly(st.floats(0.01, 1).map(AbsoluteValue)), schedule=schedule, horizon=horizons, lr=rate,
                replicas=mostly(st.integers(2, 8)),
            ),
            optional(
                seed=mostly(st.integers(0, 2**32)), dtype=mostly(st.sampled_from(["float32", "float64"])),
                averaged=st.booleans(), antithetic=st.booleans(), threads=st.just(1),
            ),
        ),
        is_table,
        3,
    ),
    "equivalent_lr": Target(
        lrtheory.equivalent_lr,
        both(keywords(lr=rate, from_=schedule, to=schedule, horizon=horizons), optional(forecast=st.none())),
        lambda found: are_finite_and_at_least(0)(found.value),
        2,
    ),
    "extend": Target(
        lrtheory.extend,
        both(keywords(schedule=schedule, done=horizons, horizon=horizons), optional(lr=rate)),
        lambda found: are_finite_and_at_least(1 - 1e-9)([found.branch.price.value, found.go_on.price.value]),
        2,
    ),
    "Curve": Target(
        Curve,
        both(
            keywords(
                steps=mostly(st.lists(number, max_size=9)), at=mostly(st.lists(st.integers(1, 9), max_size=3)),
                losses=mostly(st.lists(number, max_size=3)),
            ),
            optional(censored=mostly(st.booleans()), name=junk),
        ),
        lambda made: are_finite_and_at_least(0)(made.peak),
        2,
    ),
    "fit": Target(
        lambda runs, **rest: lrtheory.fit(
            [Curve.of(*run, losses=loss) for *run, loss in runs] if isinstance(runs, list) else runs, **rest
        ),
        both(
            keywords(
                runs=mostly(
                    st.lists(
                        st.tuples(
                            st.sampled_from(REGISTRY), st.integers(5, 50), st.floats(1e-4, 1e4) | st.floats(1e-100, 1e100),
                            st.floats(0, 10) | st.floats(-1e15, 1e15),
                        ),
                        min_size=6, max_size=9,
                    )
                )
            ),
            optional(law=st.sampled_from([None, 7, *LAWS.values()]), resamples=st.integers(-1, 3), workers=st.integers(0, 2)),
        ),
        lambda fitted: are_finite_and_at_least(0)(fitted.best_lr(lrtheory.Cosine(), 100).value),
        1,
    ),
}  # fmt: skip
SHARES = sum(target.share for target in TARGETS.values())


@pytest.mark.parametrize("name", TARGETS)
def test_what_its_law_allows_or_what_it_documents(name):
    target = TARGETS[name]

    @settings(
        max_examples=math.ceil(EXAMPLES * target.share / SHARES),
        deadline=None,
        derandomize=not NIGHTLY,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(arguments=target.given)
    def holds(arguments):
        try:
            value = target.call(**arguments)
        except TypeError:
            return
        except ValueError as error:  # a sentence of ours, not what a library says deep inside
            sentence = str(error)
        else:
            target.law(value)
            return
        assert re.fullmatch(r"[^\n]+\.", sentence), sentence

    holds()


parts = st.sampled_from([0.1, 0.2, 0.5, 0.9, 0.01, 0.99, 0.05, 0.25, 0.75]) | st.integers(10, 990).map(
    lambda k: k / 1000
)
degrees = st.sampled_from([1, 2, 3, 0.5, 1.5, 4, 12]) | st.floats(0.5, 12).map(lambda p: float(f"{p:.3g}"))
floors = st.sampled_from([0, 0, 0, 0.1, 0.01, 1e-4])
leaves = st.one_of(
    st.sampled_from([lrtheory.Constant(), lrtheory.InverseSqrt(), lrtheory.Cosine()]),
    st.builds(lambda floor: lrtheory.Cosine(floor=floor), floors),
    st.builds(lambda power, floor: lrtheory.Polynomial(power, floor=floor), degrees, floors),
    st.builds(lrtheory.Exponential, st.sampled_from([0.5, 0.1, 0.01, 1e-4, 1e-9, 1e-40])),
    st.builds(lambda *where, factor: lrtheory.StepDecay(tuple(sorted({*where})), factor), parts, parts, factor=parts),
    st.builds(lambda cooldown, shape, floor: lrtheory.WSD(cooldown, shape, floor=floor), parts, cooldowns, floors),
    st.builds(
        lambda cycles, multiplier, floor: lrtheory.SGDR(cycles, multiplier, floor=floor),
        st.integers(1, 6), st.sampled_from([1, 2, 3, 10]), floors,
    ),
    st.builds(
        lrtheory.OneCycle, parts, st.sampled_from([0.04, 0.1, 0.5, 1]), st.sampled_from([4e-6, 0.01, 0.1, 0])
    ),
    st.builds(lrtheory.STLR, parts, st.sampled_from([2, 10, 32])),
    st.builds(lrtheory.Robust, st.sampled_from([1.5, 2, 3, 4, 16, 100, 1e3, 1e6, 1e12])),
    st.builds(lambda end: lrtheory.PiecewiseLinear({2: 1, 5: 0.5, 9: end}), st.sampled_from([0, 0.1, 1])),
)  # fmt: skip
composed = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lrtheory.Warmup, inner, parts),
        st.builds(lrtheory.Then, inner, inner, parts),
        st.builds(lambda inner, steps: lrtheory.Warmup(inner, warmup_steps=steps), inner, st.integers(1, 50)),
        st.builds(lambda *two, steps: lrtheory.Then(*two, first_steps=steps), inner, inner, steps=st.integers(1, 50)),
    ),
    max_leaves=4,
)
"""Every family with drawn parameters, decimals as people write them, and all compositions."""


@settings(
    max_examples=2_000 if NIGHTLY else 120,
    deadline=None,
    derandomize=not NIGHTLY,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(schedule=composed, tolerance=st.sampled_from([1.02, 1.2, 1.5, 3.0]))
def test_the_law_the_planner_and_the_worst_case_agree_on_whatever_is_composed(schedule, tolerance):
    agree(schedule, tolerance)


def agree(schedule, tolerance):
    """The law is the limit of the worst case: within 3e-3 of it, or else coming closer as the horizon grows."""
    rho = np.array([0.25, 0.7, 1.0, 1.5, 4.0, 16.0, 64.0])
    try:
        found, factors = law(schedule), lrtheory.degradation(schedule, rho)
        plan = lrtheory.plan_grid(1e-3, 1.0, risk="convex", schedule=schedule, tolerance=tolerance)
    except ValueError as refused:  # parts that fall with different powers of the horizon
        sentence = str(refused)
    else:
        sentence = None
    if sentence is not None:
        assert re.fullmatch(r"[^\n]+\.", sentence), sentence
        assert schedule.name in sentence
        return
    assert (factors >= 1 - 1e-9).all()
    assert (factors <= (rho + 1 / rho) / 2 * (1 + 1e-8)).all()
    served = plan.points[0] / (plan.low * plan.ratio ** np.linspace(0, 1, 5))
    assert lrtheory.degradation(schedule, served).max() <= plan.factor * (1 + 1e-4)  # the plan's restarts are tabulated
    if found.tuned_loss == math.inf:
        return  # the worst case comes as close as a logarithm of the horizon
    gaps = []
    for horizon in (10_000, 160_000, 2_560_000):  # the last only where the last piece is of few steps before
        tuned = lrtheory.tuned_lr(schedule, horizon, diameter=1.0)
        curve = worst_case(schedule, horizon=horizon, lr=rho * tuned, diameter=1.0)
        gaps.append(np.abs(curve / curve[2] / factors - 1).max())
        # Corrections are powers of the horizon, at least its root (an inverse square root's part): a quarter, in the limit.
        if gaps[-1] < 3e-3 or (len(gaps) > 1 and gaps[-1] < gaps[-2] / 2):
            return
    raise AssertionError(f"{schedule}: {gaps}")


def test_every_public_function_is_among_them():
    constants = {"Constant", "InverseSqrt", "Schedule"}  # take nothing
    assert {name for name in lrtheory.__all__ if name not in constants} <= set(TARGETS)
