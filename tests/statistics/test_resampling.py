"""There is one resampler, and its streams are those of the committed intervals."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtheory.statistics import draws, percentile_interval, resamples

PACKAGE = Path(__file__).parents[2] / "lrtheory"


@given(observations=st.integers(1, 200), repetitions=st.integers(1, 50), seed=st.integers(0, 2**32))
def test_rows_are_drawn_as_they_were_one_at_a_time_and_by_columns(observations, repetitions, seed):
    rows = draws(observations, repetitions, seed)
    random = np.random.default_rng(seed)
    assert np.array_equal(rows, [random.integers(observations, size=observations) for _ in range(repetitions)])
    columns = np.random.default_rng(seed).integers(observations, size=(observations, repetitions))
    assert np.array_equal(rows.reshape(observations, repetitions), columns)


def test_a_generator_goes_on_where_it_stands():
    random = np.random.default_rng(0)
    parts = np.vstack([draws(7, 3, random), draws(7, 2, random)])
    assert np.array_equal(parts, draws(7, 5))


def test_the_first_resample_is_the_observations():
    assert np.array_equal(resamples(5, 3)[0], np.arange(5))
    assert np.array_equal(resamples(5, 3)[1:], draws(5, 3))


def test_missing_values_are_left_out_of_intervals():
    values = np.append(np.linspace(0.0, 1.0, 101), np.nan)
    assert percentile_interval(values) == pytest.approx(tuple(np.percentile(values[:-1], [2.5, 97.5])), rel=1e-15)


def test_nothing_else_draws_observations_with_replacement():
    """Whoever draws whole numbers by a generator does so to make data or batches, not to resample."""
    allowed = {"statistics/resampling.py", "training/ensemble.py", "tasks/bytes.py"}
    found = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\.integers\(|[^_]percentile\(", path.read_text(encoding="utf-8"))
    }
    assert found <= allowed, found - allowed
