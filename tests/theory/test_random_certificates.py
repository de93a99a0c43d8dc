"""Random steps and weights before semidefinite programs: no upper bound below one, none above where it is called exact.

A few by default, the same every time; ``LRTHEORY_FUZZ=nightly`` takes 200 of them.
"""

import os

import numpy as np
import pytest

from lrtheory.theory.any_average import average_lower_bound
from lrtheory.theory.averaged import averaged_bound
from lrtheory.theory.heavy_ball_iterate import heavy_ball_lower_bound
from lrtheory.theory.methods import Method
from lrtheory.theory.one_step import one_step_worst_case

pytest.importorskip("PEPit", reason="semidefinite certificates need PEPit")
from lrtheory.theory.certificates import (
    certified_loss,
    certify_average,
    certify_heavy_ball,
    certify_smooth,
    certify_worst_case,
)

COUNT = 200 if os.environ.get("LRTHEORY_FUZZ") == "nightly" else 8
EXACT = 1e-4
ROUNDING = 1e-9


def draw(random, falling=False):
    """Steps in units of the length, of any size and order or falling from sizes that are not small."""
    horizon = int(random.integers(1, 8))
    if falling:
        return np.sort(random.uniform(1, 3, horizon))[::-1] / np.sqrt(horizon)
    return np.exp(random.uniform(np.log(0.02), np.log(8), horizon))


def last_iterate(random):
    steps = draw(random)
    certificate = certify_worst_case(steps, distance=1.0)
    assert abs(certificate.gap) <= EXACT
    on_domain = certify_worst_case(steps, diameter=1.0)
    assert on_domain.gap >= -on_domain.gap_accuracy - ROUNDING
    assert on_domain.gap_accuracy <= EXACT


def any_average(random):
    steps = draw(random)
    weights = np.append(random.uniform(0, 1, steps.size) * (random.random(steps.size) < 0.7), random.uniform(0.1, 1))
    for size in ("distance", "diameter"):
        certificate = certify_average(steps, weights, **{size: 1.0})
        assert certificate.gap_accuracy <= EXACT
        assert certificate.gap >= -certificate.gap_accuracy - ROUNDING
        if size == "diameter" or (np.diff(steps) <= 0).all():
            lower = average_lower_bound(steps, weights, **{size: 1.0})
            assert lower <= certificate.computed + certificate.accuracy + ROUNDING


def exact_average(random):
    steps = draw(random, falling=True)
    weights = np.sort(np.append(random.uniform(0, 1, steps.size), 1.0))
    assert abs(certify_average(steps, weights, distance=1.0).gap) <= EXACT


def heavy_ball(random):
    steps, momentum = draw(random), float(random.uniform(0.05, 0.95))
    for size in ("distance", "diameter"):
        certificate = certify_heavy_ball(steps, momentum=momentum, **{size: 1.0})
        assert certificate.gap_accuracy <= EXACT
        assert certificate.gap >= -certificate.gap_accuracy - ROUNDING
        lower = heavy_ball_lower_bound(steps, momentum=momentum, **{size: 1.0})
        assert lower <= certificate.computed + certificate.accuracy + ROUNDING


def one_step(random):
    step = float(np.exp(random.uniform(np.log(0.02), np.log(3))))
    certificate = certify_worst_case([step], diameter=1.0)
    assert certificate.computed == pytest.approx(one_step_worst_case(step, diameter=1.0), rel=EXACT)


def smooth(random):
    certificate = certify_smooth(random.uniform(0.05, 3, int(random.integers(1, 8))), diameter=1.0)
    assert certificate.gap >= -certificate.gap_accuracy - ROUNDING


def quoted(random):
    """Schedule-free and dual averaging under constant steps have the bound of the uniform average."""
    steps = np.full(int(random.integers(1, 8)), float(np.exp(random.uniform(np.log(0.05), np.log(3)))))
    bound = averaged_bound(np.append(steps, steps[-1]), distance=1.0)
    for method in (Method("schedule_free"), Method("dual_averaging", "uniform")):
        computed, accuracy = certified_loss(method, steps)
        assert computed <= bound + accuracy + ROUNDING


KINDS = (last_iterate, any_average, exact_average, heavy_ball, last_iterate, one_step, smooth, quoted)


@pytest.mark.parametrize("number", range(COUNT))
def test_random_runs_are_on_the_right_side_of_their_programs(number):
    KINDS[number % len(KINDS)](np.random.default_rng([number, 19]))
