"""Planned grids keep their promise, for every schedule, in the law, the worst case and simulation."""

from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from lrtheory import Constant, Cosine, Exponential, Polynomial, Robust, StepDecay, degradation, tuned_lr
from lrtheory.schedules import REGISTRY
from lrtheory.simulation import worst_eps
from lrtheory.theory.even_covering import even_covering
from lrtheory.theory.grid_planning import GridPlan, compare_plans, plan_convex
from lrtheory.theory.last_iterate import worst_case

every_schedule = pytest.mark.parametrize("schedule", REGISTRY, ids=str)
HORIZON = 150

ranges = st.tuples(st.floats(-6, 0), st.floats(0.01, 5)).map(lambda ends: (10 ** ends[0], 10 ** (ends[0] + ends[1])))
tolerances = st.floats(0.01, 3).map(lambda excess: 1 + excess)


@given(ends=ranges, tolerance=tolerances, seed=st.integers(0, 2**32))
@settings(deadline=None, max_examples=120)
def test_the_exact_worst_case_keeps_the_promise(ends, tolerance, seed):
    """Wherever the tuned rate lies in the range, the best trial's worst case is within the factor."""
    for schedule in REGISTRY:
        plan = plan_convex(*ends, schedule=schedule, tolerance=tolerance, horizon=HORIZON)
        assert plan.factor <= tolerance * (1 + 1e-8)  # the level is found from above, to 1e-9
        tuned = tuned_lr(schedule, HORIZON, diameter=1.0)
        best = worst_case(schedule, horizon=HORIZON, lr=tuned, diameter=1.0)
        # The upper end, some places where two trials meet if they divide the range, and anywhere.
        random = np.random.default_rng(seed)
        met = plan.low * plan.ratio ** np.append(random.integers(plan.trials + 1, size=3), plan.trials)
        rates = np.append(np.minimum(met, ends[1]), ends[0] * (ends[1] / ends[0]) ** random.random(3))
        rho = np.array(plan.points)[:, None] / rates
        losses = worst_case(schedule, horizon=HORIZON, lr=rho.ravel() * tuned, diameter=1.0).reshape(rho.shape) / best
        assert losses.min(axis=0).max() <= plan.factor * (1 + 1e-8)


@given(schedule=st.sampled_from(REGISTRY), ends=ranges, tolerance=tolerances, part=st.floats(0, 1))
@settings(deadline=None, max_examples=200)
def test_the_law_keeps_the_promise(schedule, ends, tolerance, part):
    plan = plan_convex(*ends, schedule=schedule, tolerance=tolerance)
    rates = plan.low * (plan.high / plan.low) ** np.array([0.0, part, 1.0])
    # The plan's law is tabulated: restarts 0.7 % apart, so it lies above by at most the square of that.
    lost = degradation(schedule, np.array(plan.points)[:, None] / rates).min(axis=0)
    assert lost.max() <= plan.factor * (1 + 1e-4)
    assert 1 <= plan.typical <= plan.factor * (1 + 1e-8)


@every_schedule
def test_a_coarser_grid_breaks_it(schedule):
    """The ratio is the widest: five percent more lose more than was tolerated, in the law itself."""
    plan = plan_convex(1e-4, 1e-1, schedule=schedule, tolerance=1.3)
    below, above = plan.points[0] / (plan.low * plan.ratio), plan.points[0] / plan.low
    wider = np.array([below / 1.05**0.5, above * 1.05**0.5])
    level = degradation(schedule, np.array([below, above])).max()
    assert level == pytest.approx(plan.factor, rel=1e-3)
    assert degradation(schedule, wider).max() > level


def test_sets_of_rates_that_are_not_connected_are_combined():
    """Eight trials that each serve the rates around their own would be needed; six do, and the law itself says so."""
    plan = plan_convex(1.0, 128.0, schedule=Robust(16), tolerance=1.028)
    assert plan.trials == 6
    assert plan.widest_ratio**7 < 128 < plan.widest_ratio**8
    rates = np.geomspace(plan.low, plan.high, 200)
    lost = degradation(Robust(16), np.array(plan.points)[:, None] / rates).min(axis=0)
    assert lost.max() <= 1.028
    assert plan.typical == pytest.approx(lost.mean(), rel=1e-3)  # 256 midpoints against 200 rates with the ends


def served_by_search(plan, count, tolerance):
    """Whether some geometric grid of that many points serves the range of a plan: every ratio and place of a fine lattice.

    The law or the worst case is evaluated anew, at rates ``STEP`` apart in the logarithm; intervals that are served are
    shortened by a step at either end, so that a grid which is found is one.
    """
    within = lost_by_rates(plan.schedule, plan.horizon) <= tolerance
    within[1:-1] &= within[:-2] & within[2:]
    (places,) = np.nonzero(within)
    if not len(places):
        return False
    length = int(np.ceil(np.log(plan.high / plan.low) / STEP))
    for spacing in range(1, places[-1] - places[0] + 2):
        served = np.zeros(places[-1] - places[0] + 1 + spacing * (count - 1), bool)
        for j in range(count):
            served[places - places[0] + spacing * j] = True
        gaps = np.flatnonzero(np.concatenate([[True], ~served, [True]]))
        if np.diff(gaps).max() - 1 > length:
            return True
    return False


@lru_cache
def lost_by_rates(schedule, horizon):
    """The factor lost at ``RHO``, by the law or the exact worst case of a horizon."""
    if horizon is None:
        return degradation(schedule, RHO)
    tuned = tuned_lr(schedule, horizon, diameter=1.0)
    losses = worst_case(schedule, horizon=horizon, lr=np.append(RHO, 1.0) * tuned, diameter=1.0)
    return losses[:-1] / losses[-1]


STEP = 0.01
RHO = np.exp(np.arange(-500, 501) * STEP)


@given(
    shape=st.sampled_from([*((s, None) for s in (Cosine(), Polynomial(2), Robust(4), Robust(16))),
                           (Robust(16), 150), (Robust(16), 10), (StepDecay((0.5, 0.75), 0.1), 150), (Exponential(0.01), 10)]),
    tolerance=st.floats(1.01, 1.1) | st.floats(1.1, 1.9), decades=st.floats(0.2, 3),
)  # fmt: skip
@settings(deadline=None, max_examples=30)
def test_no_plan_of_fewer_trials_is_found_by_search(shape, tolerance, decades):
    schedule, horizon = shape
    plan = plan_convex(1.0, 10**decades, schedule=schedule, tolerance=tolerance, horizon=horizon)
    assert plan.lost(np.geomspace(plan.low, plan.high, 300)).max() <= tolerance * (1 + 1e-8)
    assert plan.trials == 1 or not served_by_search(plan, plan.trials - 1, tolerance)


def test_the_search_finds_what_is_there():
    plan = plan_convex(1.0, 90.0, schedule=Robust(16), tolerance=1.028)
    assert plan.trials == 6
    assert served_by_search(plan, 6, 1.028)


def best_of_all_spacings(parts, count):
    """The longest interval that is covered, over spacings a three-hundredth of the extent apart, one interval at a time."""
    longest = 0.0
    for spacing in np.linspace(0, parts[-1, 1] - parts[0, 0], 301)[1:]:
        ends = np.sort((parts[None] + spacing * np.arange(count)[:, None, None]).reshape(-1, 2), axis=0)
        begin, reached = ends[0]
        for left, right in ends:
            begin, reached = (left, right) if left > reached else (begin, max(reached, right))
            longest = max(longest, reached - begin)
    return longest


@given(
    widths=st.lists(st.tuples(st.floats(0.1, 2), st.floats(0.1, 5)), min_size=2, max_size=4), count=st.integers(2, 6)
)
@settings(deadline=None, max_examples=40)
def test_the_spacing_that_covers_most_is_found(widths, count):
    ends = np.cumsum(np.array(widths)[:, ::-1]).reshape(-1, 2)  # a gap, then an interval, ...
    longest = best_of_all_spacings(ends, count)
    if longest > max(ends[:, 1] - ends[:, 0]) * (1 + 1e-9):
        found = even_covering(ends, count, longest)
        assert found is not None
        spacing, left = found
        inside = left + np.linspace(0, longest, 400)
        places = inside[:, None, None] - spacing * np.arange(count)[:, None]
        assert ((places >= ends[:, 0] - 1e-9) & (places <= ends[:, 1] + 1e-9)).any(axis=(1, 2)).all()
    assert even_covering(ends, count, count * (ends[:, 1] - ends[:, 0]).sum() * (1 + 1e-9)) is None


@every_schedule
def test_no_coarser_grid_does_where_they_are_connected(schedule):
    """One point less, wherever it starts, leaves some tuned rate of the range unserved."""
    tolerance, rho = 1.3, np.geomspace(1e-2, 1e2, 1001)  # 0.93 % apart
    within = np.flatnonzero(degradation(schedule, rho) <= tolerance)
    assert (np.diff(within) == 1).all()  # connected
    plan = plan_convex(1e-4, 1e-1, schedule=schedule, tolerance=tolerance)
    reach = rho[within[-1] + 1] / rho[within[0] - 1]  # at least that of a point
    assert plan.widest_ratio == pytest.approx(reach, rel=2.1 * 9.3e-3)
    assert plan.trials == 1 or reach ** (plan.trials - 1) < plan.high / plan.low


@every_schedule
def test_trials_and_tolerance_agree(schedule):
    for trials in (1, 2, 5):
        plan = plan_convex(1e-4, 1e-1, schedule=schedule, trials=trials)
        assert plan.trials == trials
        asked = plan_convex(1e-4, 1e-1, schedule=schedule, tolerance=plan.factor * (1 + 1e-6))
        assert asked.trials <= trials
        more = plan_convex(1e-4, 1e-1, schedule=schedule, trials=trials + 1)
        assert more.factor <= plan.factor * (1 + 1e-8)  # equal on a plateau, as of Robust
        assert plan.lost(np.geomspace(plan.low, plan.high, 100)).max() <= plan.factor * (1 + 1e-8)


@pytest.mark.parametrize(("schedule", "tolerance", "upward"), [
    (Constant(), 1.2, 1.863), (Polynomial(1), 1.2, 2.048), (Polynomial(2), 1.2, 2.752),
    (Constant(), 1.5, 2.618), (Polynomial(1), 1.5, 4.0), (Polynomial(2), 1.5, 8.397),
])  # fmt: skip
def test_how_far_upward_a_schedule_forgives(schedule, tolerance, upward):
    plan = plan_convex(1e-4, 1e-1, schedule=schedule, tolerance=tolerance)
    downward = tolerance - np.sqrt(tolerance**2 - 1)
    # Quoted to four digits; on the table of the law's restarts a steep end is known to 1e-4 times 2p + 1.
    assert plan.widest_ratio * downward == pytest.approx(upward, rel=1e-3)


@every_schedule
def test_simulation_keeps_the_promise(schedule):
    """The worst member of the one-dimensional family stays below the factor times the tuned worst case."""
    horizon = 1_000
    plan = plan_convex(1e-3, 1.0, schedule=schedule, trials=3, horizon=horizon)
    tuned = tuned_lr(schedule, horizon, diameter=1.0)
    promise = plan.factor * worst_case(schedule, horizon=horizon, lr=tuned, diameter=1.0)
    for part in (0.0, 0.25, 0.5, 0.75, 1.0):  # offsets: the tuned rate moves through one interval
        rates = plan.points[1] / (plan.low * plan.ratio ** (1 + part)) * tuned * plan.ratio ** np.array([-1, 0, 1])
        best = min(worst_eps(schedule, horizon=horizon, lr=rate)[1] for rate in rates)
        assert best <= promise * (1 + 1e-3)  # the expectation is computed to 1e-3


@every_schedule
def test_what_is_typical_is_the_mean_over_the_range(schedule):
    plan = plan_convex(1e-4, 1e-1, schedule=schedule, tolerance=1.5)
    rates = plan.low * (plan.high / plan.low) ** ((np.arange(3000) + 0.5) / 3000)
    assert plan.typical == pytest.approx(
        plan.lost(rates).mean(), rel=2e-4
    )  # the midpoint rule with 64 points; 3e-3 at 65 ends


@pytest.mark.parametrize("decades", [16, 40, 100])
def test_a_range_of_many_decades_is_planned(decades):
    plan = plan_convex(10.0 ** (-decades / 2), 10.0 ** (decades / 2), schedule=Constant(), trials=1)
    assert plan.points == pytest.approx((1.0,), rel=1e-4)
    assert plan.factor == pytest.approx(10.0 ** (decades / 2) / 2)


def test_a_plan_is_a_table_a_picture_and_a_page():
    plan: GridPlan = plan_convex(1e-4, 1e-1, schedule=Cosine(), tolerance=1.5)
    frame = plan.to_frame()
    assert frame["lr"].tolist() == list(plan.points)
    assert set(frame["schedule"]) == {"Cosine()"}
    page = plan._repr_html_()
    assert page.count("<tr") == 1 + plan.trials
    assert "at most 1.426 times" in page
    axes = plan.plot(Figure().subplots())
    curve, trials, promise = axes.get_lines()
    assert curve.get_ydata().max() <= promise.get_ydata()[0] * (1 + 1e-8)
    assert trials.get_xdata().tolist() == list(plan.points)


def test_a_plan_reads_as_sentences():
    text = str(plan_convex(1e-4, 1e-1, schedule=Cosine(), tolerance=1.5))
    assert text.startswith("Cosine(): try 0.000409, 0.00409, 0.0409.\n")
    assert "at most 1.426 times this schedule's own tuned one (1.030 DG/sqrt(T))" in text
    assert "inf" not in str(plan_convex(1e-4, 1e-1, schedule=Constant(), tolerance=1.5))


def test_annealing_saves_trials():
    plan = plan_convex(1e-5, 1.0, schedule=Polynomial(3), tolerance=1.5)
    trials = {each.schedule: each.trials for each in compare_plans(plan)}
    assert trials == {Polynomial(3): 3, Polynomial(1): 5, Constant(): 6}
    assert [each.schedule for each in compare_plans(plan_convex(1, 9, schedule=Constant(), trials=2))] == [
        Constant(), Polynomial(1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 0.0}, "low must be a positive"),
        ({"high": float("inf")}, "high must be a positive"),
        ({"low": 2.0}, "low must be below high, not 2 and 1"),
        ({"tolerance": 1.0}, "tolerance must be a factor above 1 and at most 1e"),
        ({"tolerance": 1e200}, "tolerance must be a factor above 1 and at most 1e"),
        ({"low": 1e-200, "high": 1e200}, "high must be at most 1e"),
        ({"low": 1e-320, "high": 1e308}, "high must be at most 1e"),
        ({"tolerance": None}, "exactly one of tolerance"),
        ({"trials": 3}, "exactly one of tolerance"),
        ({"tolerance": None, "trials": 0}, "trials must be a whole number"),
        ({"tolerance": None, "trials": 2.5}, "trials must be a whole number"),
        ({"tolerance": None, "trials": 2**31}, "trials must be at most 10,000"),
        ({"tolerance": 1 + 2**-52}, r"Cosine\(\) needs more than 10,000 trials"),
        ({"horizon": 0}, "horizon is a number of steps"),
        ({"horizon": 10**8}, "horizon must be at most 10,000,000 steps, not 100,000,000"),
    ],
)
def test_bad_requests_are_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        plan_convex(**({"low": 0.1, "high": 1.0, "schedule": Cosine(), "tolerance": 1.2} | arguments))


def test_bad_schedule_and_rate():
    with pytest.raises(TypeError, match=r"schedule must be a Schedule such as .*, not str"):
        plan_convex(0.1, 1, schedule="cosine", tolerance=2)  # pyright: ignore
    with pytest.raises(ValueError, match="tuned_rate must be positive"):
        plan_convex(0.1, 1, schedule=Cosine(), tolerance=2).lost([0.0])
