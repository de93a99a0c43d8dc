"""The logs of language models against the worst case: shapes, fits that find what they are given, the committed table."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lrtheory.runs import Store
from lrtheory.schedules import Cosine, Polynomial, Warmup
from lrtheory.sweeps import language_models as lm
from lrtheory.sweeps import loss_models as models
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.published_bounds import published_bound

DATA = Path(__file__).parents[2] / "figures" / "data"
LOGS = DATA / "llm_learning_rates.csv"


@pytest.fixture(scope="module")
def runs():
    return models.runs(LOGS)


@pytest.fixture(scope="module")
def measured():
    return pd.read_csv(DATA / "language_models.csv")


def test_every_logged_schedule_has_a_shape_with_its_warm_up(runs):
    for schedule, steps in runs[["schedule", "steps"]].drop_duplicates().itertuples(index=False):
        rates = models.shape(schedule, steps).steps(steps)
        warm = np.arange(1, models.WARMUP + 1) / models.WARMUP
        np.testing.assert_allclose(rates[: models.WARMUP], warm, rtol=1e-12)  # rounding
        assert rates.max() == pytest.approx(1)
        cooldown = schedule.rpartition(" ")[2] if "cooldown" in schedule else None
        if cooldown:  # as long as the name says, to a step
            assert (rates[models.WARMUP :] < 1).sum() == pytest.approx(
                min(float(cooldown) * steps, steps - 301), abs=1.5
            )


def test_the_longest_cooldown_is_linear_decay_and_cosine_is_cosine():
    warm = Fraction(models.WARMUP, models.LONGEST)
    assert models.shape("constant then linear cooldown 0.994", models.LONGEST) == Warmup(Polynomial(1), warm)
    assert models.shape("cosine to zero", models.LONGEST) == Warmup(Cosine(), warm)
    to_tenth = models.shape("cosine to 10%", 1000).steps(1000)
    assert to_tenth[-1] == pytest.approx(0.1, abs=1e-4)  # one step from the end of half a cosine


def test_curves_are_the_bounds_themselves():
    steps = models.shape("cosine to zero", 15_000).steps(15_000)
    for place in (100, 400, 700):
        lr = models.SCALED[place]
        bounds = {
            "diameter": worst_case(lr * steps, diameter=1.0),
            "distance": worst_case(lr * steps, distance=1.0),
            "published": published_bound(lr * steps, distance=1.0).total,
        }
        for name, bound in bounds.items():
            assert np.exp(models.curve(name, "cosine to zero", 15_000)[place]) == pytest.approx(
                bound, rel=1e-9
            )  # rounding


@pytest.mark.parametrize("bound", models.BOUNDS)
def test_a_fit_finds_the_numbers_that_made_its_losses(runs, bound):
    names = ["constant", "cosine to zero", "constant then linear cooldown 0.2"]
    made = runs[runs["schedule"].isin(names) & (runs["steps"] == 25_000)].copy()
    unit = [
        np.exp(np.interp(np.log(4 * lr), np.log(models.SCALED), models.curve(bound, schedule, steps)))
        for schedule, lr, steps in zip(made["schedule"], made["lr"], made["steps"])
    ]
    made["loss"] = 2.9 + 9.0 * np.array(unit)
    found = models.fit(bound, made)
    # gamma is minimised to the tolerance of the scalar search, and the loss is flat there
    assert (found.gamma, found.scale, found.floor) == pytest.approx((4, 9, 2.9), rel=1e-3)
    assert found.predict("cosine to zero", 0.001, 25_000) == pytest.approx(
        made[(made["schedule"] == "cosine to zero") & (made["lr"] == 0.001)]["loss"].iloc[0], abs=1e-4
    )
    tuned = found.best_lr("cosine to zero", 25_000)
    assert all(
        found.predict("cosine to zero", tuned, 25_000) <= found.predict("cosine to zero", tuned * off, 25_000) + 1e-9
        for off in (0.9, 1.1)
    )


def test_quadratics_are_quadratics(runs):
    made = runs[runs["steps"] == models.LONGEST].copy()
    made["loss"] = 3 + 0.1 * np.log(made["lr"] / 1e-3) ** 2
    for model in ("quadratic", "quadratic per schedule"):
        found = models.fit(model, made)
        assert found.best_lr("constant", models.LONGEST) == pytest.approx(1e-3, rel=1e-9)  # rounding
        assert found.predict("cosine to zero", 2e-3, models.LONGEST) == pytest.approx(3 + 0.1 * np.log(2) ** 2)
    unseen = models.fit("quadratic per schedule", made[made["schedule"] != "constant"])
    assert np.isnan(unseen.predict("constant", 1e-3, models.LONGEST))


def test_what_is_left_out_is_left_out(tmp_path, runs):
    logged = pd.read_csv(LOGS)
    spoilt = logged.copy()
    at = (logged["schedule"] == "constant") & (logged["steps"] == models.LONGEST)
    spoilt.loc[at, "final_validation_loss"] = 4.0
    predictions = []
    for name, frame in (("logs", logged), ("spoilt", spoilt)):
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
        sweep = lm.LanguageModels(models=("quadratic",), logs=str(tmp_path / f"{name}.csv"))
        table = sweep.table(Store(tmp_path / "cells"), 1)
        predictions.append(table[table["schedule"] == "constant"].set_index("left_out")["predicted"])
    true, other = predictions
    assert true["schedule"].tolist() == other["schedule"].tolist()  # its own runs do not reach it
    assert true["nothing"].tolist() != other["nothing"].tolist()
    assert true["rate"].tolist() != other["rate"].tolist()  # the other rates of the schedule do
    assert len(list((tmp_path / "cells").iterdir())) == 8  # other logs are other cells


def test_bad_input_is_one_sentence():
    with pytest.raises(ValueError, match="no model of the loss"):
        lm.LanguageModels(models=("cubic",))
    with pytest.raises(ValueError, match="no model of the loss"):
        models.fit("cubic", pd.DataFrame())


# What the committed table says


def test_the_committed_table_is_of_the_committed_logs(measured, runs):
    assert sorted(measured["loss"].unique()) == sorted(runs["loss"].unique())
    assert runs["diverged"].sum() == 1


def test_the_restart_form_predicts_unseen_schedules_best(measured):
    for other in ("distance", "published", "quadratic"):
        assert lm.rms(measured, other, "schedule", less="diameter").low > 0
    annealed = measured[measured["schedule"] != "constant"]
    assert lm.rms(annealed, "diameter", "schedule").high < 0.02
    assert lm.rms(annealed, "quadratic", "schedule").low > 0.025


def test_the_best_rates_are_ranked_right_and_too_low(measured):
    rates = lm.best_rates(measured)
    assert rates["diameter"].corr(rates["measured"], method="spearman") > 0.9
    annealed = rates[rates["schedule"] != "constant"]
    assert (annealed["diameter"] < annealed["measured"]).all()


def test_no_model_of_three_numbers_explains_the_constant_schedule_or_reaches_the_noise(measured):
    constant = measured[measured["schedule"] == "constant"]
    assert lm.rms(constant, "diameter", "schedule").value > 0.1
    assert lm.rms(measured, "diameter", "nothing").low > 5 * lm.repeats(LOGS)
    # with a schedule's own runs, three numbers of its own are better than three for all
    assert lm.rms(measured, "quadratic per schedule", "rate", less="diameter").high < 0
