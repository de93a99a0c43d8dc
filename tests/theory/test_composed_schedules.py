"""The law, the planner and the worst case agree on whatever schedule is composed."""

import math
import os
import re

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lrtheory
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.misspecification import law
from tests.fuzzed import cooldowns

NIGHTLY = os.environ.get("LRTHEORY_FUZZ") == "nightly"

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
def test_the_law_the_planner_and_the_worst_case_agree(schedule, tolerance):
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
