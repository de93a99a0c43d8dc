"""How the best rate moves with the number of steps, against exact quadratics with noise and semidefinite programs."""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar

from lrtheory.forecast import fit
from lrtheory.sweeps.forecast_logs import runs_of_rates
from lrtheory.theory.batch_size import horizon_exponent, least_squares_exponent, worst_quadratic_rate
from lrtheory.theory.cliff import certify_cliff, forgotten, quadratic_loss

HORIZON, LONGER = 2_000, 2_200
CURVATURES = np.geomspace(1e-3, 1, 7)
RATES = np.geomspace(2e-5, 0.05, 400)
"""Small steps: no sharpness exceeds 0.05, by about which an exact sum differs from the limit."""


def least(function, low, high):
    """Where a function is smallest."""
    found: Any = minimize_scalar(function, bounds=(low, high), method="bounded", options={"xatol": 1e-10})
    return float(found.x)


def exact(power, horizon):
    """Bias and noise of every rate in every direction, from a distance 1 and with unit variance, by the recursion."""
    parts = []
    for start, noise in ((1.0, 0.0), (0.0, 1.0)):
        second = np.full((len(RATES), len(CURVATURES)), start)
        for shape in (1 - np.arange(horizon) / horizon) ** power:
            steps = RATES[:, None] * shape
            second = (1 - CURVATURES * steps) ** 2 * second + noise * steps**2
        parts.append(CURVATURES / 2 * second)
    return parts


EXACT = {(power, horizon): exact(power, horizon) for power in (0, 1) for horizon in (HORIZON, LONGER)}


def best_log_rate(losses):
    """Where the lowest loss is, by a parabola through its neighbours; NaN at an end or beside another minimum."""
    i = int(np.argmin(losses))
    if i in (0, len(losses) - 1) or np.count_nonzero(np.diff(np.sign(np.diff(losses)))) > 1:
        return math.nan
    left, middle, right = losses[i - 1 : i + 2]
    stride = math.log(RATES[1] / RATES[0])
    return math.log(RATES[i]) + stride * (left - right) / (2 * (left - 2 * middle + right))


def exact_exponent(power, starts, variances):
    """The exponent between both horizons, and the logarithm of the first best rate."""
    places = [
        best_log_rate(bias @ starts + noise @ variances)
        for bias, noise in (EXACT[power, horizon] for horizon in (HORIZON, LONGER))
    ]
    return (places[1] - places[0]) / math.log(LONGER / HORIZON), places[0]


def of_law(power, starts, variances, log_rate):
    """The exponent of Theorem 1: S of the best rate obeys N |b'| = (S nu)', N the number of examples."""
    step = 1e-4
    logs = log_rate + math.log(math.sqrt(HORIZON * LONGER)) + step * np.arange(-2, 3)
    z = np.exp(logs)[:, None] * CURVATURES
    bias = np.exp(-2 * z / (power + 1)) * CURVATURES / 2 @ starts
    noise = z * forgotten(power, z) / 2 @ variances
    marginal = np.gradient(noise * np.exp(logs), step) / np.exp(logs)
    slopes = [np.gradient(np.log(each), step)[2] for each in (-np.gradient(bias, step) / np.exp(logs), marginal)]
    ratio = 1 + slopes[0] - slopes[1]  # the slope of log S |b'| / (S nu)' in log S
    return ratio / (slopes[1] - slopes[0])


@pytest.mark.parametrize("power", [0, 1])
def test_the_exponent_on_quadratics_of_any_spectrum_start_and_covariance(power):
    random, found = np.random.default_rng(3), []
    for _ in range(400):
        starts, variances = 10 ** random.uniform(-3, 0, len(CURVATURES)), 10 ** random.uniform(-2, 2, len(CURVATURES))
        exponent, log_rate = exact_exponent(power, starts, variances)
        if math.isfinite(exponent) and log_rate < math.log(0.02):
            middle = log_rate + exponent * 0.5 * math.log(LONGER / HORIZON)
            found.append((exponent, of_law(power, starts, variances, middle)))
    assert len(found) > 100
    # The law is the limit of small steps: a sharpness of 0.02 moves a slope by less than as much.
    assert np.abs(np.diff(found)).max() < 0.02
    assert min(exponent for exponent, _ in found) < -0.3


def test_noise_in_fast_directions_and_bias_in_a_slow_one_make_the_best_rate_rise():
    slow, fast = np.zeros(len(CURVATURES)), np.zeros(len(CURVATURES))
    slow[2], fast[-1] = 1.0, 1.0
    curvature = CURVATURES[2]
    for z in (0.25, 0.4, 0.6, 0.8):  # where lambda^2 T exp(-2 z) = s/4, the noise of constant steps
        variance = 4 * curvature**2 * HORIZON * math.exp(-2 * z)
        exponent, log_rate = exact_exponent(0, slow, variance * fast)
        assert curvature * HORIZON * math.exp(log_rate) == pytest.approx(z, rel=0.05)  # up to a sharpness
        # 1/2z - 1 at the first horizon; over a tenth of it the exponent changes by up to 1/4z of a tenth.
        assert exponent == pytest.approx(1 / (2 * z) - 1, abs=0.15)
        assert (exponent > 0) == (z < 0.5)


def test_rates_are_in_proportion_to_the_batch_at_the_same_number_of_examples():
    starts, variances = np.full(len(CURVATURES), 0.1), np.linspace(5, 20, len(CURVATURES))
    factor = LONGER / HORIZON
    rates = [
        best_log_rate(EXACT[1, t][0] @ starts + EXACT[1, t][1] @ variances / batch)
        for t, batch in ((LONGER, 1.0), (HORIZON, factor))
    ]
    assert rates[1] - rates[0] == pytest.approx(math.log(factor), abs=2e-3)  # up to the sharpness of a step


def test_moments_of_least_squares_are_those_of_batches():
    """One step from a fixed point, averaged over drawn batches, against the line of the recursion."""
    random, batch, rate, noise = np.random.default_rng(0), 3, 0.3, 0.5
    curvature, start = np.array([1.0, 0.3, 0.1]), np.array([1.0, -0.5, 2.0])
    examples = random.normal(size=(400_000, batch, 3)) * np.sqrt(curvature)
    labels = examples @ start + math.sqrt(noise) * random.normal(size=(400_000, batch))
    after = start - rate * (examples * labels[:, :, None]).mean(1)
    second = start**2
    stated = (1 - rate * curvature) ** 2 * second + rate**2 / batch * curvature * (
        curvature * second + curvature @ second + noise
    )
    error = (after**2).std(0) / math.sqrt(len(after))
    assert (np.abs((after**2).mean(0) - stated) < 5 * error).all()


def test_noise_of_batches_turns_the_sign_at_small_ones_and_the_other_way_round():
    without = [least_squares_exponent(200, batch) for batch in (1, 16, 256)]
    assert without == sorted(without, reverse=True)
    assert without[0] > 0.1
    assert abs(without[-1]) < 0.06  # the spacing of the rates, where next to the edge no parabola fits
    little = [least_squares_exponent(400, batch, noise=0.1) for batch in (1, 16)]
    assert little[0] > 0.05 > -0.03 > little[1]
    assert least_squares_exponent(200, 4, noise=1.0, loss_decay=1.5) < -0.15


@given(
    a=st.floats(0.1, 2), c=st.floats(0, 0.9), kappa=st.floats(0.95, 1.5), log_batch=st.floats(-6, 6),
)  # fmt: skip
@settings(deadline=None)
def test_the_exponent_of_power_laws_is_that_of_their_minimum(a, c, kappa, log_batch):
    averaged, left, horizon = math.exp(-log_batch), 1.0, 1000.0

    def place(horizon):
        def loss(log_rate):
            total = math.exp(log_rate) * horizon
            return total**-a + math.exp(kappa * log_rate) * (averaged + left * total**-c)

        return least(loss, -25, 25)

    found = (place(horizon * 1.01) - place(horizon / 1.01)) / (2 * math.log(1.01))
    shrunk = (kappa - c) * left * (math.exp(place(horizon)) * horizon) ** -c
    share = shrunk / (kappa * averaged + shrunk)
    stated = horizon_exponent(a, shrinking=c, share=share, noise_exponent=kappa)
    assert found == pytest.approx(stated, abs=1e-3)  # a minimum is found to the root of rounding, 1e-8, over 0.02
    assert (stated > 0) == (c * share > a)


def test_the_best_rate_of_the_worst_quadratic():
    curvatures = np.concatenate([np.geomspace(1e-4, 1, 4_000), [1.0]])
    for horizon, noise in ((1, 0.0), (7, 0.0), (20, 0.01), (50, 0.3)):
        rate = worst_quadratic_rate(horizon, noise=noise)
        losses = [
            quadratic_loss(np.full(horizon, r), curvatures, noise=noise).max() for r in (0.99 * rate, rate, 1.01 * rate)
        ]
        assert losses[1] < min(losses[0], losses[2])


@given(horizon=st.integers(1, 10**5))
@settings(deadline=None, max_examples=30)
def test_without_noise_the_best_rate_rises_to_the_edge_as_stated(horizon):
    q, y = 2 * horizon, worst_quadratic_rate(horizon) - 1
    assert math.log1p(y) + q * math.log(y) == pytest.approx(
        q * math.log(q) - (q + 1) * math.log(q + 1), abs=1e-3 * (1 + math.log(q))
    )
    assert y < q / (q + 1)
    exponent = q * math.log(q / ((q + 1) * y)) / (1 + q * (1 + y) / y)
    after = worst_quadratic_rate(2 * horizon)
    assert math.log(after / (1 + y)) > 0
    assert 0 < exponent < 0.2
    if horizon >= 100:
        assert exponent == pytest.approx(math.log(2 * q) / (2 * q), rel=0.1)


@pytest.mark.parametrize("horizon", [40, 150, 600, 1_700])
def test_with_noise_the_sign_turns_where_stated(horizon):
    """A fifth, since the constant in front of the logarithm is stated to one digit."""
    turn = math.sqrt(0.03 * math.log(4 * horizon)) / horizon
    for factor, sign in ((0.8, 1), (1.25, -1)):
        rates = [worst_quadratic_rate(round(t), noise=factor * turn) for t in (horizon / 1.1, horizon * 1.1)]
        assert math.copysign(1, rates[1] - rates[0]) == sign


def test_programs_over_all_smooth_functions_have_best_rates_that_rise():
    pytest.importorskip("PEPit", reason="semidefinite certificates need PEPit")

    def stated(horizon, rate):
        return max(1 / (1 + 2 * horizon * rate), (rate - 1) ** (2 * horizon)) / 2

    best = [least(partial(stated, horizon), 1.2, 2) for horizon in (1, 2, 3, 4)]
    assert best == sorted(best)
    assert best[0] == pytest.approx(1.5, abs=1e-6)
    for horizon, rate in enumerate(best, 1):
        for near in (0.95 * rate, 1.05 * rate):  # on both sides of the kink
            assert certify_cliff(np.full(horizon, near)).computed == pytest.approx(stated(horizon, near), rel=1e-3)


def test_what_public_logs_say_of_noise_that_shrinks():
    """The numbers of the docstring: the default law on final losses of a language model at one batch."""
    _, logged = runs_of_rates(whole=False)
    a, c, sublinear = fit(logged, resamples=0).best.theta
    assert (round(a, 2), round(c, 2), round(1 - sublinear, 2)) == (0.5, 0.44, 0.79)
    assert horizon_exponent(a, shrinking=c, noise_exponent=1 - sublinear) == pytest.approx(-0.08, abs=5e-3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: horizon_exponent(0.0), "exponent must be"),
        (lambda: horizon_exponent(1.0, shrinking=1.0), "for noise must grow with the rate"),
        (lambda: horizon_exponent(1.0, share=1.5), "share must be a number from 0 to 1"),
        (lambda: least_squares_exponent(4, 1), "from 8 to 10,000"),
        (lambda: least_squares_exponent(10, 0), "batch must be"),
        (lambda: least_squares_exponent(10, 1, noise=-1.0), "noise must be a number"),
        (lambda: least_squares_exponent(10, 1, noise=1e9), "the best rate is not between"),
        (lambda: worst_quadratic_rate(0), "horizon"),
        (lambda: worst_quadratic_rate(10**7), "at most a million"),
        (lambda: worst_quadratic_rate(10, noise=-1.0), "noise must be a number"),
    ],
)
def test_bad_values_get_one_sentence(call, message):
    with pytest.raises(ValueError, match=message):
        call()
