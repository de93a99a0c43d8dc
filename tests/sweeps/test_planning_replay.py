"""The replay of planners: one small replay, and what the text says of the committed tables."""

import numpy as np
import pandas as pd

from lrtheory.runs.tables import committed
from lrtheory.sweeps.planning_replay import replay, trials_needed

SUMMARY = pd.read_csv(committed() / "measured_planning.csv").set_index(["source", "planner"])


def test_trials_are_counted_from_where_the_regret_stays_below():
    assert trials_needed(np.array([0.001, 0.1, 0.001]), 0.01) == 2.5
    assert trials_needed(np.array([0.001, 0.001]), 0.01) == 1


def test_a_replay_answers_with_the_runs_of_the_grid():
    frame = pd.read_csv(committed() / "wrong_rates.csv")
    networks = frame["source"] == "networks"
    few = frame[
        (frame["source"] == "marin") | networks & (frame["schedule"] == "Cosine()") & (frame["optimizer"] == "sgd")
    ]
    table = replay(few, ["equal", "next"], offsets=1)
    assert set(table["regret"]) <= set(few["fraction"]) | {1.0}
    following = table[table["planner"] == "next"]
    for _, group in following.groupby("model"):
        assert (group["regret"].diff().dropna() <= 0).all()
        assert group["regret"].iloc[-1] < 0.01


def test_the_sequence_needs_fewer_trials_to_a_small_regret_and_loses_fewer_runs():
    for source in ("deepobs", "networks"):
        following, equal = SUMMARY.loc[source, "next"], SUMMARY.loc[source, "equal"]
        assert following["over equal 0.003 high"] < 1
        assert following["over equal 0.01"] > 0.8  # the target that was missed
        assert following["lost at 10 high"] < equal["lost at 10 low"]
        for planner in ("TPE", "GP"):
            assert following["trials to 0.01"] < SUMMARY.loc[(source, planner), "trials to 0.01"]
