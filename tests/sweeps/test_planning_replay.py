"""The replay of planners: rows of the committed tables computed again, and what the texts say of them."""

import numpy as np
import pandas as pd
import pytest

from lrtheory.runs.tables import committed
from lrtheory.sweeps.measured_calibration import MeasuredCalibration
from lrtheory.sweeps.measured_planning import MeasuredPlanning, trials_needed
from lrtheory.sweeps.planning_replay import DENSE, MOST, OFFSETS, Replay, dense, fitted_without, replays

PLANNING = pd.read_csv(committed() / "measured_planning.csv").set_index(["source", "planner"])
CALIBRATION = pd.read_csv(committed() / "measured_calibration.csv").set_index(["source", "planner", "above", "up to"])


def computed(cells):
    """Results of cells, computed here and now."""
    return [cell.compute() for cell in cells]


def test_trials_are_counted_from_where_the_regret_stays_below():
    assert trials_needed(np.array([0.001, 0.1, 0.001]), 0.01) == 2.5
    assert trials_needed(np.array([0.001, 0.001]), 0.01) == 1


def test_rows_of_the_committed_table_are_those_of_the_program():
    again = MeasuredPlanning(sources=("deepobs",), planners=("equal", "convex")).run(computed)  # pyright: ignore
    again = again.set_index(["source", "planner"])
    np.testing.assert_allclose(again.to_numpy(float), PLANNING.loc[again.index].to_numpy(float), rtol=1e-9)
    assert list(again.columns) == list(PLANNING.columns)


def test_both_tables_are_of_the_same_replays_of_all_dense_grids():
    for source in ("deepobs", "networks", "convex"):
        chosen = dense(source)
        assert (PLANNING.loc[source, "grids"] == len(chosen)).all()
        assert (PLANNING.loc[source, "tasks"] == len({grid.name[1:3] for grid in chosen})).all()
        assert all(len(grid.rho) >= DENSE for grid in chosen)
    assert len(dense("networks")) == 54
    for source in ("deepobs", "networks"):
        for planner in ("equal", "next"):
            of_all = CALIBRATION.loc[(source, planner, 0.0, 1.0)]
            assert of_all["proposals"] == MOST * OFFSETS * len(dense(source))
            # Three digits in either table.
            assert MOST * of_all["counted"] == pytest.approx(PLANNING.loc[(source, planner), "lost at 10"], rel=0.011)
            parts = CALIBRATION.loc[source, planner].drop((0.0, 1.0))
            assert parts["proposals"].sum() == of_all["proposals"]
            assert (parts["counted"] * parts["proposals"]).sum() / of_all["proposals"] == pytest.approx(
                of_all["counted"], rel=0.011
            )


def test_a_sequence_is_replayed_with_the_runs_of_the_grid():
    (cell,) = (
        cell for cell in replays(("networks",), ("next",))
        if (cell.optimizer, cell.model, cell.schedule) == ("sgd", "digits", "Cosine()")
    )  # fmt: skip
    (grid,) = (
        grid for grid in dense("networks") if grid.name == (cell.source, cell.optimizer, cell.model, cell.schedule)
    )
    found = cell.compute()
    assert set(found["regret"]) <= set(grid.fraction)
    for part in np.reshape(found["regret"], (OFFSETS, MOST)):
        assert (np.diff(part) <= 0).all()
        assert part[-1] < 0.01
    assert found["lost"] == np.cumsum(np.reshape(found["gone"], (OFFSETS, MOST)), axis=1).ravel().tolist()
    assert all(0 <= chance <= 1 for chance in found["stated"])


def test_no_curve_is_fitted_to_what_is_replayed():
    assert fitted_without("networks") != fitted_without("deepobs")


def test_the_sequence_needs_fewer_trials_to_a_small_regret_and_loses_fewer_runs():
    for source in ("deepobs", "networks"):
        following, equal = PLANNING.loc[(source, "next")], PLANNING.loc[(source, "equal")]
        assert following["over equal 0.003 high"] < 1
        assert following["over equal 0.01"] > 0.8  # the target that was missed
        assert following["lost at 10 high"] < equal["lost at 10 low"]
        for planner in ("TPE", "GP"):
            assert following["trials to 0.01"] < PLANNING.loc[(source, planner), "trials to 0.01"]


def test_on_networks_the_convex_plan_loses_more_runs_than_equal_spacing():
    convex, equal = PLANNING.loc[("networks", "convex")], PLANNING.loc[("networks", "equal")]
    for trials in (3, 5):
        assert convex[f"lost at {trials} low"] > equal[f"lost at {trials} high"]
    assert 0.9 < convex["over equal 0.01"] < 1 < convex["over equal 0.003"] < 1.2


def test_chances_are_right_for_deepobs_and_too_low_for_the_small_networks():
    for planner in ("equal", "next"):
        right, low = (CALIBRATION.loc[(source, planner, 0.0, 1.0)] for source in ("deepobs", "networks"))
        assert right["low"] <= right["stated"] <= right["high"]
        assert low["stated"] < low["low"]
    few = CALIBRATION.loc[("networks", "next")].drop((0.0, 1.0)).reset_index().query("`up to` <= 0.3")
    assert (few["counted"] / few["stated"]).between(2, 4).all()


@pytest.mark.parametrize("kind", [MeasuredPlanning, MeasuredCalibration])
def test_unknown_names_are_refused_in_one_sentence(kind):
    with pytest.raises(ValueError, match="'imagenet' is not one of"):
        kind(sources=("imagenet",))
    assert kind.quick().cells()
    assert all(isinstance(cell, Replay) for cell in kind.quick().cells())


def test_equal_spacing_must_take_part():
    with pytest.raises(ValueError, match="planners must hold equal"):
        MeasuredPlanning(planners=("next",))


def test_the_terminal_tables_are_of_the_committed_ones():
    planning = MeasuredPlanning.summary(PLANNING.reset_index())
    assert len(planning) == len(PLANNING)
    assert planning["over equal 0.003"].str.fullmatch(r"\S+ \[\S+, \S+\]").all()
    assert len(MeasuredCalibration.summary(CALIBRATION.reset_index())) == len(CALIBRATION)
