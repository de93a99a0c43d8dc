"""The theorems against semidefinite programs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory import Polynomial
from lrtheory.schedules import REGISTRY

pytest.importorskip("PEPit", reason="semidefinite certificates need PEPit")
from lrtheory.theory.certificates import certify_smooth, certify_worst_case

MULTIPLES = (0.02, 0.5, 3.0, 30.0)  # of 1/sqrt(T): from too small to leave the edge case to larger than the domain
SOLVER = 1e-4  # the solver stops at 1e-8 of the program's own scale, which the largest steps stretch by some 1e3


@pytest.mark.parametrize("schedule", REGISTRY, ids=str)
def test_distance_form_is_exact(schedule):
    for horizon in range(1, 11):
        multiple = MULTIPLES[horizon % 4]
        steps = schedule.steps(horizon, multiple / np.sqrt(horizon))
        assert abs(certify_worst_case(steps, distance=1.0).gap) < SOLVER


@pytest.mark.parametrize("multiple", MULTIPLES)
@pytest.mark.parametrize("horizon", [1, 4, 10])
def test_distance_form_is_exact_at_every_scale(horizon, multiple):
    steps = Polynomial(1).steps(horizon, multiple / np.sqrt(horizon))
    assert abs(certify_worst_case(steps, distance=1.0).gap) < SOLVER


@given(steps=st.lists(st.floats(0.01, 10), min_size=1, max_size=8))
@settings(deadline=None, max_examples=25)
def test_distance_form_is_exact_for_random_steps(steps):
    assert abs(certify_worst_case(steps, distance=1.0).gap) < SOLVER


@pytest.mark.parametrize("schedule", REGISTRY, ids=str)
def test_diameter_form_is_an_upper_bound(schedule):
    for horizon, multiple in ((1, 0.3), (2, 4.0), (3, 1.0), (5, 12.0)):
        steps = schedule.steps(horizon, multiple / np.sqrt(horizon))
        gap = certify_worst_case(steps, diameter=1.0).gap
        # Never below the program; near a change of the best restart the program can be a few percent lower.
        assert -SOLVER < gap < 0.05


def test_units_of_a_certificate():
    steps = Polynomial(2).steps(4, lr=0.5)
    unit = certify_worst_case(steps, distance=1.0)
    scaled = certify_worst_case(3 * steps / 7, lipschitz=7.0, distance=3.0)
    assert scaled.computed == pytest.approx(21 * unit.computed, rel=SOLVER)
    assert abs(scaled.gap) < SOLVER


@pytest.mark.parametrize("degree", [1, 2])
def test_smooth_bound_and_its_exponent(degree):
    multiples = np.array([4.0, 8.0, 16.0])
    certificates = [certify_smooth(Polynomial(degree).steps(8, multiple), diameter=1.0) for multiple in multiples]
    assert all(certificate.gap > -SOLVER for certificate in certificates)
    # The tuned multiple is near 1.8; beyond, the program's value grows like rho^(1/p). Eight steps are few, so the
    # exponent is coarse, but far from 1/(2p+1), which is 0.33 and 0.2.
    computed = [certificate.computed for certificate in certificates]
    slope = np.polyfit(np.log(multiples), np.log(computed), 1)[0]
    assert slope == pytest.approx(1 / degree, abs=0.2)
