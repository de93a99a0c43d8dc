"""Plans by the measured curve: laws of the grid and of the next rate."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from lrtheory import Cosine, next_lr, plan_grid
from lrtheory.planning.measured import expected, plan_measured
from lrtheory.theory.grid_planning import plan_convex

LOW, HIGH = 1e-4, 1e-1


def final_loss(lr, best=0.02, edge=1.0):
    d = math.log(lr / best)
    return math.nan if d > edge else 0.5 + 0.03 * d * d


def test_more_trials_leave_less():
    plans = [plan_measured(LOW, HIGH, trials=trials) for trials in (1, 2, 4, 7)]
    regrets = [plan.regret for plan in plans]
    assert regrets == sorted(regrets, reverse=True)
    assert [len(plan.points) for plan in plans] == [1, 2, 4, 7]
    assert all(0 <= plan.all_lost <= min(plan.lost) <= max(plan.lost) <= 1 for plan in plans)


def test_the_fewest_trials_that_keep_a_tolerance():
    plan = plan_measured(LOW, HIGH, tolerance=0.05)
    assert plan.regret <= 0.05 < plan_measured(LOW, HIGH, trials=len(plan.points) - 1).regret


def test_a_plan_is_a_table_a_picture_and_a_page():
    plan = plan_measured(LOW, HIGH, trials=3)
    frame = plan.to_frame()
    assert frame["lr"].tolist() == list(plan.points)
    assert frame["lost"].tolist() == list(plan.lost)
    assert plan._repr_html_().count("<tr") == 4
    (line,) = plan.plot(Figure().subplots()).get_lines()
    assert line.get_xydata().tolist() == frame[["lr", "lost"]].to_numpy().tolist()


@given(shift=st.floats(0.1, 10), trials=st.integers(1, 6))
@settings(deadline=None, max_examples=20)
def test_rates_that_lie_higher_are_lost_more_often(shift, trials):
    even = plan_measured(LOW, HIGH, trials=trials)
    moved = expected(LOW, HIGH, [shift * point for point in even.points])
    higher = np.array(moved.lost) - np.array(even.lost)
    assert (higher * np.log(shift) >= -1e-12).all()
    assert expected(LOW, HIGH, even.points) == even


def test_units_do_not_matter():
    one, thousand = (plan_measured(LOW * unit, HIGH * unit, trials=3) for unit in (1, 1000))
    np.testing.assert_allclose(np.array(thousand.points), 1000 * np.array(one.points), rtol=1e-9)


def test_the_next_rates_find_the_best_and_stop():
    results = []
    for _ in range(10):
        suggestion = next_lr(results, LOW, HIGH, initial_loss=2.3)
        if suggestion.lr is None:
            break
        results.append((suggestion.lr, final_loss(suggestion.lr)))
    assert suggestion.lr is None
    assert abs(math.log(suggestion.best / 0.02)) < 0.5
    assert suggestion.likely[0] < suggestion.best < suggestion.likely[1]


@pytest.mark.parametrize(("best", "beyond"), [(0.5, "above"), (2e-5, "below")])
def test_a_sweep_that_ends_at_its_best_is_planned_further(best, beyond):
    tried = [(lr, final_loss(lr, best)) for lr in np.geomspace(LOW, HIGH, 4)]
    suggestion = next_lr(tried, LOW, HIGH, initial_loss=2.3)
    assert suggestion.lr > HIGH if beyond == "above" else suggestion.lr < LOW * 1.5


@given(decades=st.floats(-9, 6))
@settings(deadline=None, max_examples=25)
def test_the_best_rate_is_found_however_far_beyond_the_range_it_lies(decades):
    """Censored sweeps, also those whose every run was lost: on and on, until little is left to gain."""
    best = 10**decades
    results = [(lr, final_loss(lr, best)) for lr in plan_grid(LOW, HIGH, trials=4).points]
    for _ in range(20):
        suggestion = next_lr(results, LOW, HIGH, initial_loss=10.0)  # above the loss at the lowest rate
        if suggestion.lr is None:
            break
        results.append((suggestion.lr, final_loss(suggestion.lr, best)))
    assert suggestion.lr is None
    assert abs(math.log(suggestion.best / best)) < 1.0


def test_where_every_trial_was_lost_the_next_is_lower():
    suggestion = next_lr([(0.1, None), (0.03, math.inf)], LOW, HIGH, initial_loss=2.3)
    assert suggestion.lr < 0.03
    assert suggestion.best is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: plan_measured(LOW, HIGH), "exactly one of trials"),
        (lambda: expected(LOW, HIGH, []), "points must be positive and finite rates, at least one"),
        (lambda: expected(LOW, HIGH, [0.0]), "points must be positive and finite rates, at least one"),
        (lambda: plan_measured(LOW, HIGH, trials=0), "trials must be a whole number from 1 to 40"),
        (lambda: plan_measured(LOW, HIGH, tolerance=2.0), "tolerance must be a fraction"),
        (lambda: next_lr([(-1.0, 2.0)], LOW, HIGH, initial_loss=2.3), "every rate of the results must be positive"),
        (lambda: next_lr([], LOW, HIGH, initial_loss=math.nan), "initial_loss must be a finite number"),
        (lambda: next_lr([], LOW, HIGH, initial_loss=2.3, tolerance=0), "tolerance must be a fraction"),
    ],
)
def test_bad_values_get_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_one_door_to_both_risks():
    assert plan_grid(LOW, HIGH, trials=3) == plan_measured(LOW, HIGH, trials=3)
    assert plan_grid(LOW, HIGH, trials=3, risk="measured") == plan_measured(LOW, HIGH, trials=3)
    proved = plan_grid(LOW, HIGH, schedule=Cosine(), trials=3, risk="convex")
    assert proved == plan_convex(LOW, HIGH, schedule=Cosine(), trials=3)
    with pytest.raises(ValueError, match="takes neither schedule nor horizon"):
        plan_grid(LOW, HIGH, schedule=Cosine(), trials=3)  # pyright: ignore
    with pytest.raises(ValueError, match="risk must be"):
        plan_grid(LOW, HIGH, schedule=Cosine(), trials=3, risk="none")


@given(low=st.floats(1e-6, 1e3), ratio=st.floats(1.5, 1e8), trials=st.integers(1, 12))
@settings(deadline=None, max_examples=30)
def test_points_are_equally_spaced_in_the_logarithm(low, ratio, trials):
    points = np.log([low, *plan_measured(low, low * ratio, trials=trials).points, low * ratio])
    steps = np.diff(points)
    # Rounding of logarithms of up to 20 in size.
    np.testing.assert_allclose(steps[1:-1], math.log(ratio) / trials, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(steps[[0, -1]], math.log(ratio) / trials / 2, rtol=1e-9, atol=1e-13)


def studied(loss, **options):
    optuna = pytest.importorskip("optuna", reason="the sampler is for Optuna")
    from lrtheory.planning.optuna_sampler import NextRate

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=NextRate(LOW, HIGH, initial_loss=2.3, **options))
    study.optimize(loss, n_trials=12, catch=(FloatingPointError,))
    return study


def test_the_sampler_of_optuna_proposes_the_next_rates_and_stops():
    asked = []

    def loss(trial):
        asked.append(trial.suggest_float("lr", 1e-9, 1e3, log=True))
        value = final_loss(asked[-1])
        if math.isnan(value):
            raise FloatingPointError("diverged")
        return value

    study = studied(loss)
    results = []
    for lr in asked:
        suggestion = next_lr(results, LOW, HIGH, initial_loss=2.3)
        assert lr == suggestion.lr
        value = final_loss(lr)
        results.append((lr, None if math.isnan(value) else value))
    assert len(asked) < 12
    assert next_lr(results, LOW, HIGH, initial_loss=2.3).lr is None
    assert abs(math.log(study.best_params["lr"] / 0.02)) < 0.5


def test_the_sampler_of_optuna_refuses_what_it_cannot_do():
    optuna = pytest.importorskip("optuna", reason="the sampler is for Optuna")
    from lrtheory.planning.optuna_sampler import NextRate

    with pytest.raises(ValueError, match="low must be below high"):
        NextRate(1.0, 0.1, initial_loss=2.3)
    with pytest.raises(ValueError, match="NextRate proposes lr alone, not momentum"):
        studied(lambda trial: trial.suggest_float("momentum", 0.1, 1))
    study = optuna.create_study(direction="maximize", sampler=NextRate(LOW, HIGH, initial_loss=2.3))
    with pytest.raises(ValueError, match="NextRate minimises a loss"):
        study.ask().suggest_float("lr", LOW, HIGH)
