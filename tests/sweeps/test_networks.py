"""The sweep over networks: what it keeps, what its measures say of curves made by hand, and what its committed table says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory import Constant, Polynomial
from lrtheory.runs import Store
from lrtheory.schedules import parse
from lrtheory.sweeps import network_cells, networks, rate_curves, rate_tables
from lrtheory.theory.misspecification import degradation

COMMITTED = Path(__file__).parents[2] / "figures" / "data" / "networks.csv"
TINY = networks.Networks(
    tasks=("logistic-ball", "digits"), optimizers=("sgd", "adamw"), schedules=(Constant(), Polynomial(1)),
    per_decade=1, seeds=2, horizon=20,
)  # fmt: skip


def test_it_resumes_and_does_not_depend_on_the_workers(tmp_path):
    pytest.importorskip("torch")
    frames = [TINY.table(Store(tmp_path / "a"), 2)]
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").iterdir()}
    assert len(stamps) == 2 * 2 * 2 + 2  # tasks, optimizers, schedules; what losses are measured from, a task
    frames += [TINY.table(Store(tmp_path / "a")), TINY.table(Store(tmp_path / "b"), 1)]
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").iterdir()} == stamps
    for frame in frames[1:]:
        pd.testing.assert_frame_equal(frames[0], frame)
    shown = TINY.summary(frames[0])
    assert len(shown) == 8 + 4  # curves; one order a task and optimizer
    assert not shown.isna().any(axis=None)


def test_a_run_that_diverges_has_no_number(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setitem(network_cells.LOWEST, "sgd", 1e2)  # up to a rate of a million
    sweep = networks.Networks(
        tasks=("logistic",), optimizers=("sgd",), schedules=(Constant(),), per_decade=1, seeds=2, horizon=20
    )
    frame = sweep.table(Store(tmp_path), 1)
    last = frame.iloc[-1]
    assert last[["train_loss_0", "train_loss_1", "test_loss", "test_accuracy"]].isna().all()
    (curve,) = rate_curves.curves(frame).values()
    assert np.isinf(curve.excess[-1]).all()
    assert np.isfinite(rate_curves.margin(curve))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"tasks": ("mnist",)}, "'mnist' is no task of this sweep"),
        ({"optimizers": ("lion",)}, "'lion' is no optimizer of this sweep"),
        ({"schedules": ("zigzag",)}, "a schedule of the sweep must be a Schedule such as Cosine"),
        ({"seeds": 1}, "seeds must be at least 2, not 1."),
        ({"device": "tpu"}, "device must be cpu or cuda, not 'tpu'."),
    ],
)
def test_bad_input_is_one_sentence(fields, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        networks.Networks(**fields)


def made(losses, limit=1e9, seeds=2):
    lrs = np.geomspace(1e-3, 1e1, len(losses))
    return rate_curves.Curve(lrs, np.repeat(np.asarray(losses, dtype=float)[:, None], seeds, axis=1), limit, 1000)


@settings(deadline=None, max_examples=25)
@given(power=st.floats(0.1, 2), best=st.integers(2, 12))
def test_the_slope_of_a_power_is_the_power(power, best):
    place = np.arange(25) - best
    curve = made(np.where(place < 0, 2.0 ** (-place), (10 ** (place / 6)) ** power))
    assert curve.best == best
    assert rate_curves.slope(curve).value == pytest.approx(power, rel=1e-9)  # rounding
    assert rate_curves.exponent(curve) == pytest.approx(power, rel=1e-9)


def test_the_branch_ends_where_nothing_is_learned():
    curve = made([9, 1, 2, 4, 8, 16, 0.9, np.inf], limit=10)
    assert curve.branch == slice(7, 7)  # the best is the last but one, and beyond is divergence
    assert rate_curves.slope(curve) is None
    curve = made([9, 1, 1.1, 2, 4, 8, 16, 3, np.inf], limit=10)
    assert curve.branch == slice(2, 6)  # a later rate that is good again does not count


def test_the_margin_is_where_a_tenth_is_lost():
    lrs = np.geomspace(1e-3, 1e1, 401)
    excess = 0.01 + np.abs(np.log10(lrs / 0.01)) * 0.05  # 5 % of the limit a decade, from 0.01 on
    curve = rate_curves.Curve(lrs, excess[:, None], 1.0, 1000)
    assert rate_curves.margin(curve) == pytest.approx(100, rel=0.03)  # half a step of the grid
    never = rate_curves.Curve(lrs, np.full((401, 1), 0.5), 1.0, 1000)
    assert rate_curves.margin(never) == pytest.approx(lrs[-1] / lrs[0])


def test_the_law_itself_has_the_order_that_is_tested():
    rho = np.geomspace(0.03, 300, 41)
    for first, second in rate_tables.ORDER:
        one, other = (
            rate_curves.Curve(rho, np.asarray(degradation(parse(name), rho))[:, None], 1e9, 1000)
            for name in (first, second)
        )
        assert rate_curves.exponent(one) > rate_curves.exponent(other)


# What the committed table says


@pytest.fixture(scope="module")
def measured():
    return pd.read_csv(COMMITTED)


@pytest.fixture(scope="module")
def orders(measured):
    return rate_tables.ordering(measured).set_index(["task", "optimizer", "measure", "first", "second"])


def test_the_committed_table_is_the_default_sweep(measured):
    sweep = networks.Networks()
    cells = len(sweep.tasks) * len(sweep.optimizers) * len(sweep.schedules)
    assert len(measured) == cells * (network_cells.DECADES * sweep.per_decade + 1)
    assert sum(column.startswith("train_loss_") for column in measured) == sweep.seeds >= 5
    assert (measured["best_known"] <= measured.filter(like="train_loss_").min(axis=1).fillna(np.inf)).all()


def test_on_the_theorems_own_ground_slopes_are_ordered_as_the_law_says(orders):
    found = orders.xs("logistic-ball").xs("slope", level="measure")
    assert len(found) == len(network_cells.LOWEST) * len(rate_tables.ORDER)
    assert set(found["verdict"]) == {"yes"}


def test_no_slope_is_ordered_against_the_law(orders):
    assert "reversed" not in set(orders.xs("slope", level="measure")["verdict"])


def test_in_networks_annealing_widens_no_margin(orders):
    margins = orders.xs("margin", level="measure")["verdict"]
    for optimizer in network_cells.LOWEST:
        assert margins["digits-noisy", optimizer, "Constant()", "Polynomial(1)"] == "reversed"
        assert margins["digits", optimizer, "Constant()", "Polynomial(1)"] == "undecided"


def test_annealing_is_better_at_every_rate_above_the_best_constant_one(measured):
    found = rate_curves.curves(measured)
    for task, optimizer in {key[:2] for key in found}:
        constant, linear = (found[task, optimizer, name] for name in ("Constant()", "Polynomial(1)"))
        assert (linear.mean < constant.mean)[constant.best + 1 :].all()


def test_grids_cost_at_least_nothing(measured):
    grids = rate_tables.grid_losses(measured)
    assert (grids["excess_factor"] >= 1 - 1e-12).all()  # rounding
    assert (grids["law_factor"] >= 1 - 1e-12).all()
    constant, linear = (
        grids[(grids["task"] == "logistic-ball") & (grids["optimizer"] == "sgd") & (grids["schedule"] == name)]
        for name in ("Constant()", "Polynomial(1)")
    )
    coarse = constant["ratio"].to_numpy() > 9
    assert (constant["excess"].to_numpy()[coarse] > linear["excess"].to_numpy()[coarse]).all()
