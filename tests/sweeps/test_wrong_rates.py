"""The table of wrong rates: what is committed is what the program makes, and its figures are read rightly."""

import numpy as np
import pandas as pd
import pytest

from lrtheory.planning.rate_grid import RateGrid
from lrtheory.runs.tables import committed
from lrtheory.sweeps.wrong_rates import SourceCell, WrongRates, grids, statistics

TABLE = pd.read_csv(committed() / "wrong_rates.csv", keep_default_na=False, na_values=[""])


@pytest.mark.parametrize("source", ["marin", "124M", "deepobs", "networks", "convex"])
def test_the_committed_rows_are_those_of_the_program(source):
    made = pd.DataFrame(SourceCell(source).compute())
    rows = TABLE[TABLE["source"] == source].reset_index(drop=True)
    assert len(made) == len(rows)
    for name in ("lr", "rho", "fraction"):
        np.testing.assert_allclose(made[name], rows[name], rtol=1e-5)
    assert (made["lost"] == rows["lost"]).all()


def grid(rho, fraction):
    return RateGrid(("a", "b", "c", "d"), np.array(rho), np.array(fraction), np.array(fraction), np.array(rho))


def test_the_edge_lies_between_the_last_kept_and_the_first_lost():
    assert grid([0.5, 1, 2, 4], [0.01, 0, 0.02, 0.9]).edge == (2.0, 4.0)
    assert grid([0.5, 1, 2], [0.01, 0, 0.02]).edge == (2.0, np.inf)


def test_a_grid_that_ends_at_its_best_is_left_out_of_that_branch():
    row = statistics([grid([0.25, 0.5, 1], [0.02, 0.01, 0])])
    assert np.isnan(row["edge"])
    assert np.isnan(row["fraction at 2"])
    assert row["fraction at 0.5"] == 0.01


def test_between_rates_the_line_is_straight_and_nowhere_else():
    found = grid([1, 1.5, 3, 9], [0, 0.1, 0.2, 0.9])
    assert 0.1 < found.at(2.0) < 0.2
    assert found.at(5.0) is None
    assert found.at(20.0) is None


def test_every_best_rate_has_no_excess():
    assert all(item.fraction[item.best] == 0 and item.rho[item.best] == 1 for item in grids(TABLE))


def test_unknown_sources_are_named():
    with pytest.raises(ValueError, match="'imagenet' is no source of this sweep"):
        WrongRates(sources=("imagenet",))
