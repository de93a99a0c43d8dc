"""What users ask: equivalent rates, a run that goes on, logs that can and cannot be used."""

import numpy as np
import pytest

from lrtheory.forecast import LAWS, Curve, equivalent_lr, extend, fit, read_log
from lrtheory.forecast.extension import Stage
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial
from lrtheory.theory.last_iterate import tuned_lr, worst_case

FAMILY = [WSD(0.2), Polynomial(1), Polynomial(2), Cosine(), Constant()]
of_the_family = pytest.mark.parametrize("schedule", FAMILY, ids=str)


@of_the_family
def test_equivalent_rates_go_there_and_back(schedule):
    there = equivalent_lr(0.01, Polynomial(1), schedule, 500)
    assert equivalent_lr(there.value, schedule, Polynomial(1), 500).value == pytest.approx(0.01)
    assert equivalent_lr(0.01, schedule, schedule, 500).value == pytest.approx(0.01)


def test_equivalent_rates_of_a_forecast_have_its_intervals():
    at, random = np.arange(100, 1_001, 100), np.random.default_rng(0)
    curves = [
        Curve.of(each, 1_000, lr, at=at,
                 losses=3 + (lr * at) ** -0.5 + each(at / 1_000) * lr + random.normal(scale=0.01, size=10))
        for each in FAMILY for lr in (0.05, 0.1, 0.2, 0.4)
    ]  # fmt: skip
    forecast = fit(curves, resamples=20)
    rate = equivalent_lr(0.1, Cosine(), WSD(0.2), 1_000, forecast=forecast)
    assert rate.low <= rate.value <= rate.high
    ratio = forecast.best_lr(WSD(0.2), 1_000).value / forecast.best_lr(Cosine(), 1_000).value
    assert rate.value == pytest.approx(0.1 * ratio)


@of_the_family
def test_the_second_stage_is_the_best_of_its_kind_and_its_price_is_the_worst_case(schedule):
    plan = extend(schedule, 300, 500)
    lr = tuned_lr(schedule, 300, diameter=1.0)
    price = worst_case(plan.steps(plan.go_on, lr), diameter=1.0) * np.sqrt(501)
    assert plan.go_on.price.value == pytest.approx(price, rel=1e-9)  # the same recursion
    assert 1 <= plan.branch.price.value <= plan.go_on.price.value
    for factor in (0.9, 1.1):
        other = Stage(300, plan.go_on.rate * factor, plan.go_on.price)
        assert worst_case(plan.steps(other, lr), diameter=1.0) * np.sqrt(501) > price


def test_no_other_second_stage_is_better():
    """The theorem: random second stages do not beat linear decay."""
    plan, random = extend(Cosine(), 100, 150), np.random.default_rng(0)
    lr = tuned_lr(Cosine(), 100, diameter=1.0)
    first = lr * Cosine().steps(100)
    best = plan.go_on.price.value / np.sqrt(151)
    for _ in range(300):
        shape = (
            np.sort(random.random(50) ** random.uniform(0.3, 3))[::-1] if random.random() < 0.5 else random.random(50)
        )
        second = lr * np.exp(random.uniform(-3, 2)) * shape
        assert worst_case(np.r_[first, second], diameter=1.0) >= best * (1 - 1e-9)


def test_extend_refuses_a_horizon_that_is_over():
    with pytest.raises(ValueError, match="horizon must be above the 100 steps"):
        extend(Cosine(), 100, 100)


RATES = {1e-4: 3.40, 2e-4: 3.30, 4e-4: 3.22, 8e-4: 3.18, 1.6e-3: 3.20}


def test_a_fit_that_contradicts_its_runs_says_so():
    """A run beyond the cliff bends the fit; without it the best rate lies between the neighbours of the best run."""
    runs = [Curve.of(WSD(0.2), 2_000, lr, losses=loss) for lr, loss in RATES.items()]
    assert 4e-4 < fit(runs, LAWS["Quadratic"], resamples=0).best_lr(WSD(0.2), 2_000).value < 1.6e-3
    bent = fit([*runs, Curve.of(WSD(0.2), 2_000, 3.2e-3, losses=7.5)], LAWS["Quadratic"], resamples=0)
    with pytest.warns(UserWarning, match=r"WSD\(0.2\) over 2,000 steps has lr = 0.0008, and the fit says 0.0003"):
        bent.best_lr(WSD(0.2), 2_000)
    assert bent.best_lr(Cosine(), 2_000).value > 0  # of another schedule nothing is known


def written(tmp_path, text):
    path = tmp_path / "log.csv"
    path.write_text(text)
    return path


def test_a_log_with_rates_is_read(tmp_path):
    path = written(tmp_path, "it,eta,val\n0,0.1,5.0\n2,0.1,4.0\n4,0.05,\n6,0.05,3.0\n")
    (curve,) = read_log(path, loss="val", step="it", lr="eta")
    assert curve.at.tolist() == [2, 6]
    assert curve.losses.tolist() == [4.0, 3.0]
    assert curve.steps.tolist() == [0.1, 0.1, 0.1, 0.05, 0.05, 0.05]


def test_exports_of_weights_and_biases_and_tensorboard_are_read(tmp_path):
    rows = "".join(f"{k},{3 + 1 / k},{2 + 1 / k},1,\n" for k in range(1, 4))
    exported = written(tmp_path, f'Step,"a - val","b - val","a - val__MIN","b - val__MAX"\n{rows}')
    first, second = read_log(exported, loss="val", schedule=Constant(), lr=0.1)
    assert (first.name, second.name) == ("a", "b")
    assert second.losses[0] == 3.0
    board = written(tmp_path, "Wall time,Step,Value\n1.0,1,4.0\n2.0,2,3.0\n")
    (curve,) = read_log(board, schedule=Cosine(), lr=0.1, horizon=10)
    assert curve.losses.tolist() == [4.0, 3.0]
    assert curve.steps.size == 10


def test_runs_are_told_apart_and_divergence_is_a_lower_bound(tmp_path):
    path = written(tmp_path, "run,step,loss\na,1,4\na,2,3\nb,1,4\nb,2,9\nb,3,nan\nb,4,2\n")
    first, second = read_log(path, loss="loss", run="run", schedule=Constant(), lr=0.1)
    assert not first.censored.any()
    assert second.losses.tolist() == [4.0, 9.0]
    assert second.censored.tolist() == [False, True]


GOOD = {"loss": "loss", "schedule": Constant(), "lr": 0.1}


@pytest.mark.parametrize(
    ("text", "given", "sentence"),
    [
        ("", GOOD, "no CSV file that can be read"),
        ("epoch,loss\n1,2\n", GOOD, "no column of steps; name one of epoch, loss"),
        ("step,value\n1,2\n", GOOD, "no column 'loss'; name one of step, value"),
        ("step,loss\n1,2\n", {**GOOD, "run": "id"}, "no column 'id' that tells runs apart"),
        ("step,loss\n1,2\n", {**GOOD, "lr": "eta", "schedule": None}, "no column 'eta' of learning rates"),
        ("step,loss\n1,2\n", {**GOOD, "schedule": None}, "rates are needed"),
        ("step,loss\n1,2\n", {**GOOD, "lr": None}, "lr must be its base rate"),
        ("step,loss\n1,low\n", GOOD, "the loss 'low' is no number"),
        ("step,loss\nx,2\n", GOOD, "a step is missing or no number"),
        ("step,loss\n1,\n2,\n", GOOD, "no loss was logged"),
        ("step,loss\n0.5,2\n", GOOD, "steps must be whole numbers"),
        ("step,loss\n2,2\n1,2\n", GOOD, "steps must rise"),
        ("step,loss\n-1,2\n", GOOD, "steps must not be negative"),
        ("step,loss\n1,nan\n2,inf\n", GOOD, "no finite loss was logged after the first step|no loss was logged"),
        ("step,loss\n9,2\n", {**GOOD, "horizon": 5}, "goes on to step 9, beyond the horizon 5"),
        ("step,loss,eta\n1,2,-1\n", {"loss": "loss", "lr": "eta"}, "learning rates must be finite"),
    ],
)
def test_each_way_a_log_is_unusable_has_one_sentence(tmp_path, text, given, sentence):
    with pytest.raises(ValueError, match=sentence) as raised:
        read_log(written(tmp_path, text), **given)
    assert "\n" not in str(raised.value)


def test_a_log_that_is_not_there(tmp_path):
    with pytest.raises(ValueError, match="is not there"):
        read_log(tmp_path / "none.csv", **GOOD)
