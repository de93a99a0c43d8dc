"""Every law: it finds what made its curves, knows its units, and answers; and what is its own."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from lrtheory.forecast import LAWS, Curve, MultiPower, fit
from lrtheory.forecast.candidates import CANDIDATES
from lrtheory.forecast.fitting import Problem
from lrtheory.forecast.forecast import Forecast, Numbers
from lrtheory.forecast.linear_decay import best_rate
from lrtheory.forecast.running_noise import forgetting_noise, running_noise
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial, Warmup
from lrtheory.theory.last_iterate import restarts
from lrtheory.theory.published_bounds import published_bound

EVERY = {**LAWS, **CANDIDATES}
AT = np.array([100, 300, 600, 1_000, 1_400, 1_700, 2_000])
HORIZON = 2_000
every_law = pytest.mark.parametrize("law", EVERY.values(), ids=EVERY)


def problem(law, rates=(0.05, 0.2), shapes=None):
    shapes = shapes or (Constant(), Cosine(), WSD(0.2), Warmup(Polynomial(1), 0.1))
    curves = [Curve.of(each, HORIZON, lr, at=AT, losses=np.zeros(AT.size)) for each in shapes for lr in rates]
    return Problem.of(law, curves, 1), curves


@every_law
def test_a_fit_finds_what_made_its_losses(law):
    blank, curves = problem(law)
    theta = np.array([0.7 * each.starts[0] + 0.3 * each.starts[-1] for each in law.free])
    coefficients = np.array([3.0, *np.linspace(1, 0.5, len(law.columns_of))])
    columns = np.column_stack(law.columns(blank.features, theta))
    coefficients[1:] /= columns.std(axis=0)
    made = coefficients[0] + columns @ coefficients[1:]
    filled = [Curve(c.steps, c.at, made[blank.curve == i]) for i, c in enumerate(curves)]
    # Without noise the search ends at a relative tolerance of 1e-7 of the squares; losses are of order 1.
    assert fit(filled, law, resamples=0).rms() < 1e-3


@every_law
def test_units_of_rates_do_not_matter(law):
    predictions = []
    for unit in (1.0, 1e-3):
        curves = [
            Curve.of(each, HORIZON, lr * unit, at=AT, losses=4 - np.log(AT) / 9 + 0.1 * lr + 0.02 * place)
            for place, each in enumerate((Constant(), Cosine(), WSD(0.2)))
            for lr in (0.5, 1.0, 2.0)
        ]
        predictions.append(fit(curves, law, resamples=0).curve(Polynomial(2), HORIZON, unit, at=AT))
    np.testing.assert_allclose(*predictions, atol=1e-5)  # searches stop where steps fall below 1e-6


@every_law
def test_columns_are_smooth_in_the_free_numbers(law):
    """Tables are read between their nodes: a kink there would stop a search."""
    blank, _ = problem(law)
    for each, start in zip(law.free, [each.starts[0] for each in law.free]):
        place = law.free.index(each)
        theta = np.array([other.starts[0] for other in law.free])

        def total(value, theta=theta, place=place):
            theta = theta.copy()
            theta[place] = value[0]
            return float(sum(column.sum() for column in law.columns(blank.features, theta)))

        slopes = [approx_fprime(np.array([start + shift]), total, 1e-6)[0] for shift in (-1e-3, 0.0, 1e-3)]
        # a second difference of a smooth function is of the order of the shift
        assert abs(slopes[0] - 2 * slopes[1] + slopes[2]) < 0.01 * (np.abs(slopes).max() + 1e-9)


def test_features_are_the_sums_that_the_laws_state():
    steps, span = Cosine().steps(500, 0.3), 250.0
    curve = Curve(steps, [400], [1.0])
    unit = 0.3 * span
    features = {name: law.features(steps / unit, curve.at) for name, law in EVERY.items()}
    squares, excess = restarts(steps[:400])
    assert features["WorstCase"]["square"][0] * unit == pytest.approx(squares[0], rel=1e-11)
    assert features["ExactNoise"]["noise"][0] * unit == pytest.approx(excess[0], rel=1e-11)
    stated = published_bound(steps[:400], distance=1.0).noise * 2
    assert features["PublishedBound"]["noise"][0] * unit == pytest.approx(stated, rel=1e-11)


def test_the_multi_power_law_is_its_own_formula():
    law, steps = MultiPower(), Warmup(Cosine(), 0.1).steps(3_000, 0.5)
    theta = np.array([0.5, 2.0, 0.6, 0.65])
    shape = steps / steps.max() / 1_000
    features = law.features(shape, np.array([1_500, 3_000])) | {"peak": np.ones(2)}
    found = -law.columns(features, theta)[1]
    for place, last in enumerate((1_500, 3_000)):
        drop = 0.0
        for k in range(1, last):
            if shape[k] > 0:
                since = shape[k:last].sum()
                rate = shape[k] / shape.max()
                drop += (shape[k - 1] - shape[k]) * (
                    1 - (1 + np.exp(theta[1]) * rate ** -theta[3] * since) ** -theta[2]
                )
        assert found[place] == pytest.approx(drop, rel=1e-3)  # the gathering that the module states


@pytest.mark.parametrize("c", [-0.25, 0.1, 0.5, 1.1])
def test_the_table_of_shrinking_gradients_is_the_sum(c):
    shape = Warmup(Cosine(), 0.1).steps(3_000) / 1_500
    at = np.array([300, 3_000])
    sums = np.maximum(np.cumsum(shape), 1e-300)
    stated = running_noise(shape, at, weights=np.where(shape > 0, sums**-c, 0.0), clamps=False)
    for law, theta, column in (
        (LAWS["ShrinkingGradients"], [0.5, c, 0.0], 1),
        (LAWS["ExpectedSmoothness"], [c], 2),
    ):
        if law.free[-1].low <= theta[-1]:
            found = law.columns(law.features(shape, at) | {"peak": np.ones(2)}, np.array(theta))[column]
            np.testing.assert_allclose(found, stated, rtol=1e-3)  # of a noise of a tenth of a nat


def test_the_functional_scaling_table_is_the_kernel():
    law, steps = LAWS["FunctionalScaling"], Cosine().steps(1_000)
    shape = steps / 500
    features = law.features(shape, np.array([500, 1_000])) | {"peak": np.full(2, 1.5)}
    for offset, exponent in ((-5.0, 1.2), (-2.0, 0.8)):
        stated = forgetting_noise(1.5 * shape, [500, 1_000], offset=np.exp(offset), exponent=exponent)
        found = law.columns(features, np.array([0.5, offset, exponent]))[1]
        np.testing.assert_allclose(found, stated, rtol=0.01)  # twelve nodes over eight decades of the offset


def forecast_of(law, theta, coefficients, **given):
    return Forecast(law, 1_000.0, 0.1, Numbers(np.array(theta), np.array(coefficients), 0.0), **given)


@pytest.mark.parametrize(
    ("law", "theta", "coefficients"),
    [
        (LAWS["ExactNoise"], [0.5], [3.0, 0.2, 100.0]),
        (LAWS["ShrinkingGradients"], [0.5, 0.4, 0.2], [3.0, 0.2, 50.0]),
        (LAWS["ExpectedSmoothness"], [0.6], [3.0, 0.2, 20.0, 30.0]),
    ],
)
@pytest.mark.parametrize(
    "steps", [Cosine().steps(300, 0.1), np.linspace(0.02, 0.3, 200), 0.1 + 0.09 * np.sin(np.arange(150.0))]
)
def test_the_adjoint_is_the_derivative_of_the_forecast(law, theta, coefficients, steps):
    forecast = forecast_of(law, theta, coefficients, curves=(), resampled=())
    noise = law.weighted_noise(forecast.best.theta, forecast.best.coefficients[1:])
    value, gradient = noise.value_and_gradient(steps, rate=forecast.rate, span=forecast.span)
    # The law reads a table in its exponents, to 1e-4 of a noise.
    assert coefficients[0] + value == pytest.approx(forecast.of_steps(steps, [steps.size])[0], abs=1e-3)
    for direction in (steps, np.cos(np.arange(steps.size)) * steps):
        ahead, behind = (
            noise.value_and_gradient(steps * 1.0 + h * direction, rate=forecast.rate, span=forecast.span)[0]
            for h in (1e-6, -1e-6)
        )
        # Central differences err by the square of 1e-6 and by rounding over it.
        assert gradient @ direction == pytest.approx((ahead - behind) / 2e-6, rel=1e-5, abs=1e-7)


def test_candidates_that_change_the_noise_are_not_searched_by_the_gradient_of_the_default():
    default = LAWS["ShrinkingGradients"]
    numbers = np.array([0.5, 0.4, 0.2]), np.array([0.2, 50.0])
    assert default.weighted_noise(*numbers) is not None
    for law in CANDIDATES.values():
        assert law.weighted_noise(*numbers) is None


def test_the_best_schedule_under_constant_gradients_is_linear_decay_at_the_best_rate():
    curves = (Curve.of(Constant(), 1_000, 0.1, losses=3.0),)
    forecast = forecast_of(LAWS["ExactNoise"], [0.5], [3.0, 0.2, 100.0], curves=curves, resampled=())
    found, lr = forecast.best_schedule(1_000, pieces=4)
    summed = 0.1 * 1_000  # one unit of the summed rate
    stated = best_rate(1_000, bias=0.2 * summed**0.5, exponent=0.5, noise=100.0 / summed)
    assert forecast.best_lr(Polynomial(1), 1_000).value == pytest.approx(stated, rel=1e-3)  # the scalar search's
    best = forecast.final(Polynomial(1), 1_000, stated).value
    # Pieces hold linear decay exactly; the search stops within its tolerance of it.
    assert best <= forecast.final(found, 1_000, lr).value <= best + 1e-4
    assert lr == pytest.approx(stated, rel=0.1)
    assert found([0.25, 0.5, 0.75]) == pytest.approx([0.75, 0.5, 0.25], abs=0.1)


def test_ranks_and_intervals_come_from_resampled_curves():
    random = np.random.default_rng(1)
    truth = forecast_of(LAWS["ExactNoise"], [0.5], [3.0, 0.2, 100.0], curves=(), resampled=())
    curves = []
    for each in (Constant(), Cosine(), WSD(0.3)):
        for lr in (0.02, 0.05, 0.1, 0.2):
            losses = truth.curve(each, HORIZON, lr, at=AT) + random.normal(scale=2e-3, size=AT.size)
            curves.append(Curve.of(each, HORIZON, lr, at=AT, losses=losses))
    forecast = fit(curves, LAWS["ExactNoise"], resamples=60)
    best, true = forecast.best_lr(Polynomial(1), HORIZON), truth_best_lr(truth, curves)
    assert best.low <= best.value <= best.high
    assert best.value == pytest.approx(true, rel=0.1)
    ranked = forecast.rank([Constant(), Polynomial(1)], HORIZON)
    assert ranked.schedules == (Polynomial(1), Constant())
    assert ranked.better[0, 1] == 1.0
    assert ranked.losses[0].value < ranked.losses[1].value
    again = fit(curves, LAWS["ExactNoise"], resamples=60)
    assert again.best_lr(Polynomial(1), HORIZON) == best


def truth_best_lr(truth, curves):
    return forecast_of(
        truth.law, truth.best.theta, truth.best.coefficients, curves=tuple(curves), resampled=()
    ).best_lr(Polynomial(1), HORIZON).value  # fmt: skip


def test_a_diverged_run_is_a_lower_bound():
    truth = forecast_of(LAWS["ExactNoise"], [0.5], [3.0, 0.2, 100.0], curves=(), resampled=())
    curves = [
        Curve.of(each, HORIZON, lr, at=AT, losses=truth.curve(each, HORIZON, lr, at=AT))
        for each in (Constant(), Cosine())
        for lr in (0.05, 0.1)
    ]
    alone = fit(curves, LAWS["ExactNoise"], resamples=0)
    held = Curve.of(Cosine(), HORIZON, 0.2, losses=2.0, censored=True)  # the law is above: it changes nothing
    assert fit([*curves, held], LAWS["ExactNoise"], resamples=0).rms(curves) < 1e-4
    broken = Curve.of(Cosine(), HORIZON, 0.2, losses=9.0, censored=True)
    pushed = fit([*curves, broken], LAWS["ExactNoise"], resamples=0)
    above = pushed.final(Cosine(), HORIZON, 0.2).value
    assert above >= alone.final(Cosine(), HORIZON, 0.2).value - 1e-6


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (lambda: fit([1.0]), TypeError, "sequence of Curve"),
        (lambda: fit([Curve.of(Constant(), 10, 0.1, losses=1.0)]), ValueError, "1 losses are too few for the 6 numbers"),
        (lambda: Curve([0.0], [1], [1.0]), ValueError, "one positive"),
        (lambda: Curve([0.1], [1], [np.nan]), ValueError, "losses must be finite"),
        (lambda: Curve([0.1], [2], [1.0]), ValueError, "from 1 to 1"),
        (lambda: Curve([0.0, 0.1], [1, 2], [1.0, 1.0]), ValueError, "before the first step of a positive rate"),
        (lambda: fit([Curve.of(Constant(), 50, 0.1, at=range(1, 51), losses=np.ones(50))]).rank([], 10), ValueError,
         "at least one schedule"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(call, error, sentence):
    with pytest.raises(error, match=sentence):
        call()


def test_plot_draws_every_curve():
    curves = [
        Curve.of(each, 100, 0.1, at=range(10, 101, 10), losses=np.linspace(4, 3, 10)) for each in (Constant(), Cosine())
    ]
    axes = fit(curves, LAWS["ExactNoise"], resamples=0).plot()
    assert len(axes.lines) == 4
