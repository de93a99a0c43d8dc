"""Branch and cliff on smooth problems without a domain, against exact sums, simulation and semidefinite programs."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.theory.cliff import (
    certify_cliff,
    edge,
    forgotten,
    growth,
    margin_constant,
    quadratic_loss,
    tuned,
    unbounded_worst_case,
)  # fmt: skip
from lrtheory.theory.momentum_stability import moments, momentum_edge
from lrtheory.theory.warmup_stability import warmup_edge

POWERS = (0, 0.5, 1, 2, 3)


def decay(power, horizon):
    return (1 - np.arange(horizon) / horizon) ** power


@given(
    steps=st.lists(st.floats(0.01, 3.0), min_size=1, max_size=30),
    last=st.floats(0.01, 1.0),
    noise=st.floats(0, 2),
)
@settings(deadline=None)
def test_no_quadratic_exceeds_the_bound(steps, last, noise):
    bound = unbounded_worst_case([*steps, last], noise=noise)
    exact = quadratic_loss([*steps, last], np.linspace(0, 1, 101), noise=noise)
    assert exact.max() <= bound * (1 + 1e-12)  # both are sums of at most 31 positive terms


@pytest.mark.parametrize("power", POWERS)
def test_the_edge_parts_runs_that_return_from_runs_that_leave(power):
    horizon = 400
    for factor, leaves in ((0.9, False), (1.1, True)):
        r = factor * edge(power)
        loss = quadratic_loss(r * decay(power, horizon), 1.0)
        assert (loss > 1) == leaves
        # The sum over steps is a Riemann sum of the integral, whose end points and pole it misses by O(log T) in all.
        assert abs(math.log(loss) / horizon - 2 * growth(power, r)) < 4 * math.log(horizon) / horizon


@given(power=st.floats(0, 10))
@settings(deadline=None, max_examples=30)
def test_the_edge_and_the_tuned_rate_lie_inside_of_what_was_searched(power):
    """Both sides of each are computed: an answer at the end of a range would fail here."""
    e, k = edge(power), tuned(power)
    if power > 0:
        assert growth(power, e * (1 - 1e-6)) < 0 < growth(power, e * (1 + 1e-6))
    z = np.geomspace(1e-3, 1e6, 50_000)
    bias, noise = z * np.exp(-2 * z / (power + 1)), z * forgotten(power, z)
    below, at, above = (bias / rate + rate * noise for rate in (0.99 * k, k, 1.01 * k))
    assert (
        below.max() > at.max() < above.max()
    )  # a grid of spacing 4e-4 misses a maximum by 2e-8, a rate off by 1e-2 costs 5e-5
    assert 1e-2 < z[int(np.argmax(at))] < 1e2


@given(power=st.floats(1e-6, 10), sharpness=st.floats(0.01, 100))
@settings(deadline=None, max_examples=50)
def test_the_growth_is_the_mean_logarithm(power, sharpness):
    v = (np.arange(400_000) + 0.5) / 400_000
    # The middle rule misses the logarithm at its pole by about a step, and more where v^p is steep at 0.
    assert growth(power, sharpness) == pytest.approx(np.log(np.abs(1 - sharpness * v**power) + 1e-300).mean(), abs=2e-3)


def test_the_edge_of_linear_decay_in_closed_form():
    r = edge(1)
    assert abs((r - 1) * math.log(r - 1) - r) < 1e-9


@pytest.mark.parametrize("power", POWERS)
def test_the_tuned_rate_is_that_of_long_runs(power):
    horizon, noise = 4_000, 2.0
    curvatures = np.geomspace(1e-4, 0.2, 400)  # z from 0.4 k to 800 k/2
    scale = 1 / (noise * math.sqrt(horizon))
    rates = tuned(power) * np.array([0.8, 1.0, 1.25])
    losses = [quadratic_loss(k * scale * decay(power, horizon), curvatures, noise=noise).max() for k in rates]
    assert losses[1] == min(losses)


def test_where_runs_do_not_return_the_order_of_margins_reverses():
    lost = [margin_constant(power, returns=False) for power in POWERS]
    back = [margin_constant(power, returns=True) for power in POWERS]
    assert lost == sorted(lost, reverse=True)
    assert max(back) / min(back) < 1.3 < max(lost) / min(lost)


def test_a_run_on_a_quartic_does_not_return():
    """Theorem 3 on x^2/2 + x^4/4, whose curvature rises: a sharpness that a quadratic undoes."""
    horizon, lr = 100, 3.0
    x, lowest = 1.0, []
    for step in lr * decay(1, horizon):
        x -= step * (x + x**3)
        lowest.append(abs(x))
        if abs(x) > 1e50:
            break
    assert lowest == sorted(lowest)
    assert lowest[-1] > 1e50
    assert quadratic_loss(lr * decay(1, horizon), 1.0) < 1e-10


@pytest.mark.parametrize(
    ("sharpness", "lowest", "highest"), [(1.0, 0.5, 1), (1.9, 0.15, 1), (3.0, 0.05, 1), (4.0, 0.1, 1)]
)
def test_programs_on_both_sides_of_the_edge(sharpness, lowest, highest):
    pytest.importorskip("PEPit", reason="semidefinite certificates need PEPit")
    steps = sharpness * decay(1, 8)
    certificate = certify_cliff(steps)
    assert lowest < certificate.computed / certificate.theoretical < highest
    assert certificate.computed > 1.5 * quadratic_loss(steps, np.linspace(0, 1, 1001)).max()


def test_programs_find_functions_that_do_not_return():
    """At three and four times 1/beta quadratics undo what they amplified, and other smooth convex functions do not."""
    pytest.importorskip("PEPit", reason="semidefinite certificates need PEPit")
    for sharpness, computed, quadratic in ((3.0, 0.5012, 0.00656), (4.0, 22.737, 0.0163)):
        steps = sharpness * decay(1, 8)
        assert certify_cliff(steps).computed == pytest.approx(computed, rel=1e-4)
        assert quadratic_loss(steps, np.linspace(0, 1, 4001)).max() == pytest.approx(quadratic, rel=1e-2)


@given(
    curvature=st.floats(0.01, 1.0),
    ratio=st.floats(1.0, 100.0),
    momentum=st.floats(0.0, 0.95),
    batch=st.integers(1, 64),
)
@settings(deadline=None)
def test_the_moments_grow_just_beyond_the_edge_and_shrink_just_below(curvature, ratio, momentum, batch):
    limit = momentum_edge(curvature, momentum=momentum, example_curvature=ratio * curvature, batch=batch)
    noisy = curvature + (ratio - 1) * curvature / batch
    for factor, grows in ((0.99, False), (1.01, True)):
        values = {"eta": factor * limit, "m": momentum, "lambda": curvature, "beta": noisy}
        matrix = np.array(moments().subs(values), dtype=float)
        assert (np.abs(np.linalg.eigvals(matrix)).max() > 1) == grows


@given(warmup=st.floats(1, 1e4), start=st.floats(1, 100), ratio=st.floats(0.001, 1), decline=st.floats(10, 1e3))
@settings(deadline=None)
def test_the_edge_of_the_ramp_is_that_of_every_instant(warmup, start, ratio, decline):
    t = np.concatenate([np.linspace(0, 2e4, 20_001), [warmup, decline]])
    sharpness = np.minimum(t / warmup, 1) * start * np.maximum(np.exp(-t / decline), ratio)
    safe = warmup_edge(warmup, start=start, end=ratio * start, decline=decline)
    assert safe * sharpness.max() == pytest.approx(2, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: edge(-1), "power must be a number from 0 to 10"),
        (lambda: unbounded_worst_case([1.0], noise=-1), "noise must be a number"),
        (lambda: momentum_edge(1.0, momentum=1.0), "momentum must be a number from 0"),
        (lambda: momentum_edge(1.0, example_curvature=0.5), "example_curvature must be at least"),
        (lambda: momentum_edge(1.0, batch=0), "batch must be a whole number of at least 1"),
        (lambda: warmup_edge(10, start=1.0, end=2.0, decline=5), "end must be at most"),
    ],
)
def test_bad_values_get_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_a_usable_last_step_nothing_is_promised():
    assert unbounded_worst_case([1.0, 1.5]) == math.inf
    assert growth(1, 0.5) < 0 < growth(0, 2.5)
