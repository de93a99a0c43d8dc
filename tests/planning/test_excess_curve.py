"""The measured curve: its laws, and that a fit finds the curves from which grids were drawn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtheory.planning.excess_curve import MEASURED, chance_lost, excess, fit
from lrtheory.planning.rate_grid import RateGrid
from lrtheory.runs.tables import committed
from lrtheory.sweeps.wrong_rates import grids

SPACING = np.log(2.0) / 2
numbers = st.tuples(st.floats(-10, 2), st.floats(-10, 2), st.floats(-2, 2)).map(np.array)


@given(curve=numbers)
def test_a_wrong_rate_costs_more_the_farther_it_is(curve):
    up = np.linspace(0, 8, 50)
    for side in (up, -up):
        fractions = excess(curve, side)
        assert fractions[0] == 0
        assert (np.diff(fractions) >= 0).all()
        assert fractions[-1] < 1
    chances = chance_lost(curve, np.linspace(-8, 8, 50), 0.1)
    assert (np.diff(chances) >= 0).all()
    assert chances[0] < 1e-12


def drawn(edge, seeds, ends_at_its_best=False):
    """Grids of one source with curves around one, whose edge is known, and noise of a tenth."""
    found = []
    for seed in range(seeds):
        random = np.random.default_rng(seed)
        curve = np.array([-4.0, -3.5, np.log(edge) + 0.1 * random.standard_normal()])
        distance = SPACING * np.arange(-6, 1 if ends_at_its_best else 9) + 0.2 * random.random()
        fraction = np.where(
            distance > np.exp(curve[2]), 0.6, excess(curve, distance) * np.exp(0.1 * random.standard_normal())
        )
        fraction -= fraction.min()
        rho = np.exp(distance - distance[np.argmin(fraction)])
        found.append(RateGrid(("drawn", "", "", str(seed)), rho, fraction, fraction, rho))
    return found


@pytest.mark.parametrize("edge", [1.0, 2.0])
def test_a_fit_finds_the_edge(edge):
    # A grid knows its edge to half a spacing, and its best rate likewise.
    assert abs(np.exp(fit(drawn(edge, 8)).mean[2]) - edge) < SPACING


def test_a_grid_that_ends_at_its_best_says_nothing_of_the_edge():
    seen, censored = fit(drawn(1.0, 8)), fit(drawn(1.0, 8, ends_at_its_best=True))
    assert censored.covariance[2][2] > seen.covariance[2][2]


def test_the_sample_has_the_mean_and_covariance_of_the_model():
    sample = MEASURED.sample(4096)
    assert np.abs(sample.mean(0) - MEASURED.mean).max() < 0.05  # quasi-random: far below 2.8/64
    assert np.abs(np.cov(sample.T) / np.array(MEASURED.covariance) - 1).max() < 0.2


def test_one_grid_is_no_distribution():
    with pytest.raises(ValueError, match="at least two grids, not 1"):
        fit(drawn(1.0, 1))


def test_the_measured_model_is_the_fit_to_the_committed_grids():
    found = grids(pd.read_csv(committed() / "wrong_rates.csv"))
    fitted = fit([grid for grid in found if grid.name[0] != "convex"])
    # The constants have four digits.
    np.testing.assert_allclose(fitted.mean, MEASURED.mean, rtol=1e-3)
    np.testing.assert_allclose(fitted.covariance, MEASURED.covariance, rtol=1e-3)
    assert fitted.width == MEASURED.width
