"""The committed table of averages: its rows computed again, and what the paper says of them."""

from pathlib import Path

import pandas as pd
import pytest

from lrtheory.sweeps import Averages
from lrtheory.sweeps.averages import METHODS, MethodCell, RatedMethod

TABLE = pd.read_csv(Path(__file__).parents[2] / "figures" / "data" / "averages.csv")
SHORT = TABLE[TABLE["simulated"].isna()]
KEYS = ["rule", "average", "schedule"]


def test_the_default_is_the_table():
    wanted = [(cell.rule, cell.average, repr(cell.schedule), cell.horizon, cell.rho) for cell in Averages().cells()]
    assert list(TABLE[[*KEYS, "horizon", "rho"]].itertuples(index=False, name=None)) == wanted


@pytest.mark.parametrize(("method", "rho"), [(METHODS[3], 16.0), (METHODS[5], 1.0)])
def test_rows_computed_again(method, rho):
    cell = MethodCell(method.rule, method.average, method.schedule, 100_000, rho, 1_000, 0)
    names = dict(zip(KEYS, (cell.rule, cell.average, repr(cell.schedule))))
    row = TABLE[(TABLE[KEYS] == list(names.values())).all(axis=1) & (TABLE["rho"] == rho) & TABLE["simulated"].notna()]
    found = cell.compute()
    # The search for the virtual step ends where bounds are level: 1e-8. Paths may differ where a sum rounds otherwise.
    for column, precision in (("lr", 0), ("upper", 1e-8), ("lower", 1e-11), ("simulated", 2e-2)):
        assert found[column] == pytest.approx(row[column].iloc[0], rel=precision, abs=0)


def test_no_bound_is_on_the_wrong_side_of_a_program():
    judged = SHORT[SHORT["program"].notna()]
    assert len(judged) == 4 * sum(method.rule != "adagrad" for method in METHODS)
    assert (judged["accuracy"] < 1e-3 * judged["program"]).all()
    assert not (judged["upper"] < judged["program"] - judged["accuracy"] - 1e-9).any()
    assert not (judged["lower"] > judged["program"] + judged["accuracy"] + 1e-9).any()


def test_no_simulation_is_above_an_upper_bound():
    long = TABLE[TABLE["upper"].notna() & TABLE["simulated"].notna()]
    assert (long["simulated"] - 4 * long["standard_error"] <= long["upper"]).all()


def test_the_two_bounds_of_the_uniform_average_are_one():
    rows = TABLE[(TABLE[KEYS] == ["sgd", "uniform", "Constant()"]).all(axis=1) & TABLE["simulated"].notna()]
    tuned = rows[rows["rho"].between(1, 16)]
    assert (tuned["lower"] / tuned["upper"]).min() > 0.999


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"certified": 21}, "a program has at most 20 steps, not 21"),
        ({"rhos": (0.0,)}, "rhos must lie from"),
        ({"replicas": 1}, "replicas must be a whole number"),
    ],
)
def test_bad_input_is_one_sentence(change, message):
    with pytest.raises(ValueError, match=message):
        Averages(**change)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sgd last", "a method is a rule, an average and a schedule"),
        ("newton last Constant()", "rule must be one of"),
        ("sgd median Constant()", "average must be one of"),
        ("sgd last zigzag", "zigzag"),
    ],
)
def test_a_text_that_is_no_method_is_one_sentence(text, message):
    with pytest.raises(ValueError, match=message):
        RatedMethod.parse(text)


def test_methods_have_a_text_that_denotes_them():
    assert tuple(RatedMethod.parse(str(method)) for method in METHODS) == METHODS
    with pytest.raises(TypeError, match="must be a RatedMethod"):
        Averages(methods=("sgd last Constant()",))  # pyright: ignore[reportArgumentType]
