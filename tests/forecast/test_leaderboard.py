"""The leaderboard: its folds leave out what they say, a law from outside takes part, and what the committed table says."""

import numpy as np
import pandas as pd
import pytest

from lrtheory.forecast import LAWS, fit
from lrtheory.runs import Store
from lrtheory.runs.tables import committed
from lrtheory.sweeps import forecast as board
from lrtheory.sweeps.forecast_cells import PUBLISHED, UNITS, Cell
from lrtheory.sweeps.forecast_logs import (
    BEST_RATE,
    MULTI_POWER,
    ON_CURVES,
    ON_ONE_SHAPE,
    SIZES,
    TASKS,
    folds,
    grids_of_rates,
    rates,
    runs_of_rates,
)


@pytest.fixture(scope="module")
def measured():
    return pd.read_csv(committed() / "forecast.csv")


@pytest.mark.parametrize("size", SIZES)
def test_rates_are_those_that_were_logged(size):
    logs = pd.read_csv(committed() / MULTI_POWER)
    for name, rows in logs[logs["model"] == size].groupby("schedule"):
        steps = rates(str(name))
        rows = rows[rows["step"] < len(steps)]
        # The logs round their rates; within a cooldown they are up to a hundred steps beside the loss.
        np.testing.assert_allclose(steps[rows["step"]], rows["lr"], rtol=0.1)


@pytest.mark.parametrize("task", [task for task in TASKS if task not in ("size", BEST_RATE, *ON_ONE_SHAPE)])
def test_what_is_forecast_is_not_fitted(task):
    curves, parts = folds(task, "25M" if task in ON_CURVES else "124M")
    for taken, asked in parts:
        assert not (taken & asked).any()
        assert taken.any()
    if task != "authors' split" and not task.endswith("horizon"):
        times = np.sum([asked for _, asked in parts], axis=0)
        assert set(times) <= {0, 1}
    assert len(curves) >= 9


def test_a_forecast_curve_does_not_reach_its_own_fit():
    curves, parts = folds("authors' split", "100M")
    (taken, asked), *_ = parts
    found = Cell("ExactNoise", "authors' split", "100M", "").compute()
    forecast = fit([curve for curve, kept in zip(curves, taken) if kept], LAWS["ExactNoise"], resamples=0)
    for name, rms in zip(found["curve"], found["rms"]):
        (curve,) = (each for each, kept in zip(curves, asked) if kept and each.name == name)
        # The units of a fit to three curves and to nine differ, and so does the last step of its search.
        assert forecast.rms([curve]) == pytest.approx(rms, rel=0.01)


def test_the_quick_sweep_and_its_summary(tmp_path):
    sweep = board.Forecasts(laws=("CurrentRate", "ExactNoise"), tasks=("authors' split",))
    frame = sweep.table(Store(tmp_path), 1)
    assert len(frame) == 2 * 3 * 6
    assert list(sweep.summary(frame)["task"].unique()) == ["authors' split"]
    again = sweep.table(Store(tmp_path), 1)
    pd.testing.assert_frame_equal(frame, again)


def test_bad_names_are_refused():
    with pytest.raises(ValueError, match="'cubic' is not one of ShrinkingGradients"):
        board.Forecasts(laws=("cubic",))


# What the committed table says


def mean(measured, law, task, data=None):
    return board.error(measured, law, task, data).value


def test_the_default_law_reaches_its_targets(measured):
    law = board.DEFAULT_LAW
    for size, split, curve in zip(SIZES, (0.0050, 0.0055, 0.0070), (0.0061, 0.0048, 0.0070)):
        assert mean(measured, law, "authors' split", size) <= split
        assert mean(measured, law, "curve", size) < curve
        assert mean(measured, law, "authors' split", size) < mean(measured, PUBLISHED, "authors' split", size)
    chosen = measured[(measured["law"] == law) & (measured["task"] == "schedule")]
    annealed = chosen[~chosen["curve"].str.startswith("constant,")]
    assert np.sqrt((annealed["rms"] ** 2).mean()) <= 0.0131
    assert np.sqrt((chosen["rms"] ** 2).mean()) <= 0.034
    horizon = measured[(measured["law"] == law) & (measured["task"] == "horizon")]
    assert np.sqrt((horizon["rms"] ** 2).mean()) <= 0.044


def test_the_default_law_is_significantly_better_than_every_law_of_the_literature_at_unseen_rates_and_horizons(
    measured,
):
    others = [law for law in LAWS if law not in (board.DEFAULT_LAW, "ExpectedSmoothness")]
    for task in ("schedule", "rate", "horizon", "whole schedule", "whole rate", "whole horizon"):
        for law in others:
            if ((measured["law"] == law) & (measured["task"] == task)).any():
                assert board.error(measured, law, task, less=board.DEFAULT_LAW).low > 0, (task, law)


def test_the_default_law_is_the_best_of_all_but_where_the_model_or_the_horizon_is_new(measured):
    for task in TASKS:
        if task not in ("size", "horizon", "rate, Marin", BEST_RATE):  # there others are better
            laws = [law for law in LAWS if ((measured["law"] == law) & (measured["task"] == task)).any()]
            best = min(mean(measured, law, task) for law in laws)
            # Expected smoothness is as good on nine curves of one rate.
            assert mean(measured, board.DEFAULT_LAW, task) <= best + 2e-4


def test_no_candidate_betters_the_default_over_all_tasks(measured):
    table = board.candidates(measured)
    assert set(table["candidate"]) == set(board.CANDIDATES)
    assert (table["better on"] < table["tasks"]).all()
    worst = table.drop(columns=["candidate", "better on", "tasks"]).max(axis=1)
    assert (worst > 0.001).all()  # each loses more than a thousandth of a nat somewhere


def test_noise_grows_like_the_third_root_of_the_peak_rate():
    _, curves = runs_of_rates(False)
    a, c, q = fit(curves, resamples=0).best.theta
    assert a == pytest.approx(1 / 2, abs=0.05)
    assert 1 - c - q == pytest.approx(1 / 3, abs=0.05)


def test_best_rates(measured):
    found = board.best_rates(measured).set_index("law")
    default = found.loc[board.DEFAULT_LAW]
    assert default["within 1.25"] == 10
    assert default["schedules"] == 11
    assert default["worst factor"] < 1.3
    assert default["covered"] == 10  # of 11, where 95 % intervals hold 10.5 in the mean


def test_what_rates_of_other_sources_say(measured):
    """The law was chosen before these were looked at: its form holds in DeepOBS, not in Marin."""
    default = board.DEFAULT_LAW
    assert mean(measured, default, "rate, DeepOBS") < 0.006
    assert board.error(measured, "Quadratic", "rate, DeepOBS", less=default).low > 0
    assert mean(measured, "ExactNoise", "rate, Marin") < mean(measured, default, "rate, Marin")


@pytest.mark.parametrize("task", ON_ONE_SHAPE)
def test_laws_that_take_part_can_be_fitted_to_grids_without_one_rate(task):
    least = min(len(grid) for grid in grids_of_rates(task))
    for name in board.WITH_ONE_SHAPE[task]:
        law = LAWS[name]
        given = 0 if task == "rate, DeepOBS" or UNITS & {each.name for each in law.free} else len(law.free)
        assert law.numbers - given <= least - 1
