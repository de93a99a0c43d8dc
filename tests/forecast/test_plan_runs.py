"""The commands for runs: equivalent rates and second stages, as tables and as JSON; and what two-stage runs say of them."""

import json

import pytest

from lrtheory.forecast import Curve, equivalent_lr, extend, fit, read_runs
from lrtheory.plan import main
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial
from lrtheory.sweeps.forecast_extensions import extensions
from tests.loaded import loaded_by

SHAPES = (Constant(), Cosine(), Polynomial(1))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Losses with a best rate: a bias that falls with the rate and noise that follows the mean of the shape."""
    path = tmp_path_factory.mktemp("runs") / "runs.csv"
    rows = [
        f'"{shape}",{horizon},{lr},{3 + (lr * horizon) ** -0.5 + lr * (0.2 + float(shape(0.5)))}'
        for shape in SHAPES for horizon in (300, 600) for lr in (0.05, 0.1, 0.2, 0.4)
    ]  # fmt: skip
    path.write_text("\n".join(["schedule,horizon,lr,loss", *rows, "Cosine(),300,3.2,nan"]))
    return path


def test_equivalent_rates_are_those_of_the_function(capsys, runs):
    asked = ["equivalent", "1e-3", "cosine", "WSD(0.2)", "Constant", "--horizon", "1e3"]
    assert main([*asked, "--json"]) == 0
    wsd, constant = json.loads(capsys.readouterr().out)
    assert wsd["lr"] == equivalent_lr(1e-3, Cosine(), WSD(0.2), 1000).value
    assert (constant["schedule"], constant["ratio"]) == ("Constant()", constant["lr"] / 1e-3)
    assert main(asked) == 0
    table = capsys.readouterr().out
    assert "over 1,000 steps, by the worst case on a bounded domain." in table
    assert f"{wsd['lr']:.3g}" in table
    assert main([*asked, "--runs", str(runs)]) == 0
    table = capsys.readouterr().out
    assert "fitted to 25 runs" in table
    assert "95 % interval" in table


def test_second_stages_are_those_of_the_function(capsys, runs):
    assert main(["extend", "cosine", "300", "600", "--json"]) == 0
    found, plan = json.loads(capsys.readouterr().out), extend(Cosine(), 300, 600)
    assert found["go_on"]["rate"] == plan.go_on.rate
    assert found["known"] is None
    assert main(["extend", "cosine", "300", "600", "--lr", "0.1"]) == 0
    assert f"start at {0.1 * plan.go_on.rate:.3g} and decay linearly to zero in 300 steps" in capsys.readouterr().out
    assert main(["extend", "cosine", "300", "600", "--lr", "0.1", "--runs", str(runs)]) == 0
    assert (
        "The price is the final loss less that of linear decay at its best rate over all 600" in capsys.readouterr().out
    )


def test_a_second_stage_under_a_forecast_is_the_best_of_its_kind(runs):
    forecast = fit(read_runs(runs), resamples=5)
    plan = extend(Cosine(), 300, 600, lr=0.1, forecast=forecast)
    assert plan.known is not None
    (loss,) = forecast.finals([plan.steps(plan.go_on, 0.1)])
    assert plan.go_on.price.value == pytest.approx(loss.value - plan.known.value)
    assert plan.branch.price.value <= plan.go_on.price.value
    assert plan.go_on.price.low <= plan.go_on.price.value <= plan.go_on.price.high
    for factor in (0.8, 1.25):
        other = plan.steps(plan.go_on, 0.1).copy()
        other[300:] *= factor
        assert forecast.finals([other])[0].value > loss.value


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["equivalent", "0", "cosine", "constant", "--horizon", "9"], "lr must be a positive"),
        (["equivalent", "1", "spiral", "constant", "--horizon", "9"], "'spiral' is not a schedule"),
        (["equivalent", "1", "cosine", "constant", "--horizon", "0"], "horizon is a number of steps"),
        (["equivalent", "1", "cosine", "constant", "--horizon", "9", "--runs", "none.csv"], "none.csv is not there"),
        (["extend", "cosine", "20", "10"], "horizon must be above the 20 steps"),
        (["extend", "cosine", "10", "20", "--lr", "nan"], "lr must be a positive"),
        (["extend", "cosine", "10", "20", "--runs", "none.csv"], "give --lr"),
    ],
)
def test_bad_usage_is_one_sentence(arguments, sentence, capsys):
    assert main(arguments) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert sentence in output.err


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("schedule,horizon,lr\nCosine(),9,1", "loss missing"),
        ("schedule,horizon,lr,loss\nCosine(),9,1,nan", "no finite loss"),
        ("schedule,horizon,lr,loss\nCosine(),9,1,3\nspiral,9,1,3", "row 2: 'spiral' is not a schedule"),
        ("schedule,horizon,lr,loss\nCosine(),9.5,1,3", "row 1: horizon must be a whole number"),
        ("schedule,horizon,lr,loss\nCosine(),9,-1,3", "row 1: lr must be a positive"),
    ],
)
def test_each_way_a_table_of_runs_is_unusable_has_one_sentence(tmp_path, text, sentence):
    path = tmp_path / "runs.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=sentence) as raised:
        read_runs(path)
    assert "\n" not in str(raised.value)


def test_extend_takes_lr_and_forecast_together():
    with pytest.raises(ValueError, match="give lr and forecast together"):
        extend(Cosine(), 10, 20, lr=0.1)


def test_the_worst_case_answers_without_tables_or_symbols():
    """Numba itself loads scipy where it is there."""
    plan = "from lrtheory.plan import main; main(['extend', 'cosine', '100', '200'])"
    assert loaded_by(plan, ("pandas", "sympy", "matplotlib", "torch", "scipy.optimize")) == []


def test_what_two_stage_runs_say():
    """Fifteen runs of two stages, of which six can be compared with a run of one stage that is as long."""
    table = extensions()
    assert len(table) == 15
    assert (table["forecast"] - table["loss"]).abs().mean() < 0.005
    prices = table.dropna()
    assert len(prices) == 6
    assert (prices["price_forecast"] - prices["price"]).abs().mean() < 0.005
    assert (prices["price_forecast"] * prices["price"] > 0).all()  # the forecast knows that they are better than cosine
    assert (prices["price_worst_case"] > 0).all()  # the worst case does not
    dropped = table[table["run"].str.startswith("wsdcon")]
    for _, rows in dropped.groupby("model"):  # of three second rates, the best
        assert rows.loc[rows["forecast"].idxmin(), "run"] == rows.loc[rows["loss"].idxmin(), "run"] == "wsdcon_9"


def test_a_run_of_the_readers_is_a_curve(runs):
    found = read_runs(runs)
    assert all(isinstance(run, Curve) for run in found)
    assert [run.censored.tolist() for run in found[-2:]] == [[False], [True]]
