"""The predicted margins: the committed ones are those of the program, and the comparison says what the text says."""

import math
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("torch", reason="the inputs are measured on networks")
from lrtheory import Constant, Polynomial
from lrtheory.sweeps.network_cells import TASKS
from lrtheory.sweeps.predicted_margins import MOMENTA, PredictedMargins, compare, inputs, predicted

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


def test_the_table_is_put_together_from_its_cells():
    """The committed numbers as the results of the cells, in the places where a cell has them, give the committed table."""

    def told(cells):
        results = []
        for cell in cells:
            rows = KNOWN[(KNOWN["task"] == cell.task) & KNOWN["optimizer"].isin(MOMENTA)]
            given = rows.iloc[0][["curvature", "example_curvature", "noise", "lipschitz", "distance", "gain"]].to_dict()
            columns = rows[["best_lr", "edge", "edge_margin", "branch_margin"]]
            found = [
                {name: value if math.isfinite(value) else None for name, value in row.items()}
                for row in columns.to_dict("records")
            ]
            results.append({"given": given, "found": found})
        return results

    again = PredictedMargins().run(told)  # pyright: ignore
    # Ratios are of numbers that were rounded to four digits.
    pd.testing.assert_frame_equal(again, KNOWN, rtol=2e-3)


def test_unknown_tasks_are_refused_in_one_sentence():
    with pytest.raises(ValueError, match="'cifar' is no task of this sweep"):
        PredictedMargins(tasks=("cifar",))
    assert set(PredictedMargins().tasks) == set(TASKS)
