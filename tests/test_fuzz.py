"""Whatever a public function is given, it returns what its law allows or raises what its documentation says, in one sentence.

1,000 examples by default, the same every time; ``LRTHEORY_FUZZ=nightly`` draws 100,000 new ones. Sizes are bounded (a
horizon by 2,000, an order by 3): beyond them lies time and memory, not other code.
"""

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lrtheory
from lrtheory.forecast import LAWS, Curve
from lrtheory.schedules import FAMILIES, REGISTRY, from_bert4keras, parse, piecewise_linear
from lrtheory.simulation import AbsoluteValue
from lrtheory.theory import (
    horizon_exponent,
    least_squares_exponent,
    momentum_edge,
    warmup_edge,
    worst_quadratic_rate,
)
from lrtheory.theory.penalties import PENALTIES
from tests.fuzzed import (
    HOSTILE,
    are_finite_and_at_least,
    both,
    cooldowns,
    counting,
    features,
    few,
    has_a_best_rate,
    horizons,
    is_family,
    is_interval,
    is_law,
    is_measured_plan,
    is_plan,
    is_schedule,
    is_suggestion,
    is_sum,
    is_table,
    junk,
    keywords,
    knots,
    labels,
    lengths,
    losses,
    mostly,
    noises,
    number,
    optional,
    part,
    random_sums,
    rate,
    schedule,
    schedules,
)

NIGHTLY = os.environ.get("LRTHEORY_FUZZ") == "nightly"
EXAMPLES = 100_000 if NIGHTLY else 1_000


@dataclass(frozen=True)
class Target:
    """A public function, what it is given, and what must hold of what it returns."""

    call: Callable[..., Any]
    given: st.SearchStrategy
    law: Callable[[Any], None]
    share: int = 1
    """Of the examples: less where one takes long."""


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
        has_a_best_rate,
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


def test_every_public_function_is_among_them():
    constants = {"Constant", "InverseSqrt", "Schedule"}  # take nothing
    assert {name for name in lrtheory.__all__ if name not in constants} <= set(TARGETS)
