"""The interpolant of the law against scipy's."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.interpolate import CubicHermiteSpline

from lrtheory.theory.hermite import Hermite


@given(
    st.lists(st.tuples(st.floats(0.01, 10), st.floats(-10, 10), st.floats(-10, 10)), min_size=2, max_size=30), st.data()
)
def test_values_are_those_of_scipy(knots, data):
    x, y, slope = np.cumsum([gap for gap, _, _ in knots]), *np.array(knots).T[1:]
    at = np.array(data.draw(st.lists(st.floats(x[0], x[-1]), min_size=1)))
    size = np.abs(y).max() + np.diff(x).max() * np.abs(slope).max()
    # Each is a few dozen roundings of terms of this size from the cubic; 1e-16 each.
    assert Hermite(x, y, slope)(at) == pytest.approx(CubicHermiteSpline(x, y, slope)(at), rel=0, abs=1e-13 * size)
