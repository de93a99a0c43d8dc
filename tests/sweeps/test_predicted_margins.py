"""The predicted margins: the committed ones are those of the program, and the comparison says what the text says."""

from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("torch", reason="the inputs are measured on networks")
from lrtheory import Constant, Polynomial
from lrtheory.sweeps.predicted_margins import compare, inputs, predicted

DATA = Path(__file__).parents[2] / "figures" / "data"
KNOWN = pd.read_csv(DATA / "predicted_margins.csv")


def test_the_committed_inputs_are_those_of_the_first_weights():
    row = KNOWN[KNOWN["task"] == "logistic"].iloc[0]
    found = inputs("logistic")
    for name in ("curvature", "example_curvature", "noise", "distance", "gain"):
        assert found[name] == pytest.approx(row[name], rel=2e-3)  # four digits, and the end of L-BFGS


def test_the_committed_predictions_follow_from_their_inputs():
    for schedule in (Constant(), Polynomial(1)):
        rows = KNOWN[(KNOWN["task"] == "digits-noisy") & (KNOWN["schedule"] == repr(schedule))]
        row = rows[rows["optimizer"] == "sgd"].iloc[0]
        given = {
            name: float(row[name])
            for name in ("curvature", "example_curvature", "noise", "lipschitz", "distance", "gain")
        }
        assert predicted("digits-noisy", 0.0, schedule, given)["edge_margin"] == pytest.approx(row["margin"], rel=1e-3)


def test_the_comparison_is_as_told():
    result = compare(KNOWN, pd.read_csv(DATA / "networks.csv")).set_index(["task", "optimizer"])
    digits = result.loc[
        [("digits", "sgd"), ("digits", "momentum"), ("digits-noisy", "sgd"), ("digits-noisy", "momentum")]
    ]
    assert digits["margin"].between(1.3, 1.75).all()
    assert digits["order"].between(0.73, 0.9).all()
    assert digits["best_lr"].between(5, 9).all()
    assert (result.loc[["logistic"], "order"] < 0).all()
