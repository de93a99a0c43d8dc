"""A sample of the rows of every committed table that needs no extras, computed again."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lrtheory import Constant, Cosine, Polynomial
from lrtheory.runs import Store
from lrtheory.sweeps import Degree, Grid, Horizon, Rho
from lrtheory.sweeps.precision import EXPONENT, PRECISION

DATA = Path(__file__).parents[2] / "figures" / "data"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return Store(tmp_path_factory.mktemp("cells"))


def assert_same(name, again):
    """The rows of the committed table that have the keys of these, column by column to the stated precision."""
    committed = pd.read_csv(DATA / f"{name}.csv")
    keys = [key for key in ("schedule", "rho", "ratio", "layer", "horizon") if key in committed]
    assert list(committed.columns) == list(PRECISION[name])
    rows = again[keys].merge(committed, on=keys, how="left")
    assert len(rows) == len(again) > 0
    for column, precision in PRECISION[name].items():
        if again[column].dtype == object or pd.api.types.is_string_dtype(again[column]):
            assert again[column].tolist() == rows[column].tolist(), column
            continue
        simulated = (again["layer"] == "simulated").to_numpy() if "layer" in again else np.zeros(len(again), bool)
        error = np.abs(again[column].to_numpy() - rows[column].to_numpy())
        allowed = precision * np.abs(rows[column].to_numpy())
        if column in ("exponent", "low", "high"):
            allowed = np.where(simulated, EXPONENT, allowed)
        assert (error <= allowed).all(), (column, error.max())


@pytest.mark.parametrize(("schedule", "rhos"), [(Polynomial(2), Rho().rhos), (Constant(), (1.0, 16.0))])
def test_rho(store, schedule, rhos):
    """Also where the loss is level and the slope a choice."""
    assert_same("rho", Rho(schedules=(schedule,), rhos=rhos).table(store, 1))


def test_degree(store):
    assert_same("degree", Degree(degrees=(2.0,)).table(store, 1))


def test_grid(store):
    assert_same("grid", Grid(schedules=(Polynomial(2),)).table(store, 1))


def test_horizon(store):
    few = Horizon(schedules=(Constant(), Cosine()), horizons=(1_000, 10_000, 100_000))
    assert_same("horizon", few.table(store, 1))
