"""The sweep over residual networks: what it keeps, that its runs are what their cells say, and what its committed table says."""

import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lrtheory import Constant, Polynomial
from lrtheory.runs import Store
from lrtheory.sweeps import cifar10, rate_curves, rate_tables

COMMITTED = Path(__file__).parents[2] / "figures" / "data" / "cifar10.csv"
TINY = cifar10.Cifar10(schedules=(Constant(), Polynomial(1)), per_decade=1, scale="tiny")


@pytest.fixture
def pictures(monkeypatch):
    """Images that need no file: the class is a colour, under much grain."""
    torch = pytest.importorskip("torch")
    from lrtheory.sweeps import residual_training
    from lrtheory.tasks import cifar10 as images
    from lrtheory.tasks.task import Examples

    def drawn(count, seed):
        generator = torch.Generator().manual_seed(seed)
        labels = torch.randint(10, (count,), generator=generator)
        colours = torch.randint(256, (10, 3, 1, 1), generator=torch.Generator().manual_seed(0))
        grain = 40 * torch.randn(count, 3, 32, 32, generator=generator)
        return Examples((colours[labels] + grain).clamp(0, 255).to(torch.uint8), labels)

    monkeypatch.setattr(images, "load", lambda: (drawn(400, 1), drawn(300, 2)))
    monkeypatch.setattr(images, "fetch", lambda: None)
    residual_training._setting.cache_clear()
    yield
    residual_training._setting.cache_clear()


def without_seconds(frame):
    return frame.drop(columns="seconds")


def test_it_resumes_and_does_not_depend_on_the_workers(tmp_path, pictures):
    first = TINY.table(Store(tmp_path / "a"), 2)
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").glob("*.json")}
    assert len(stamps) == len(TINY.cells()) == 2 * 4 * 2  # schedules, rates, seeds
    again = TINY.table(Store(tmp_path / "a"), 1)
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").glob("*.json")} == stamps
    pd.testing.assert_frame_equal(first, again)
    pd.testing.assert_frame_equal(without_seconds(first), without_seconds(TINY.table(Store(tmp_path / "b"), 1)))
    shown = TINY.summary(first)
    assert len(shown) == 2 + 1 + 2  # curves, one order, accuracies
    assert not shown.isna().any(axis=None)


def small_cell(**changes):
    base = next(cell for cell in TINY.cells() if (cell.lr, cell.schedule) == (0.1, Polynomial(1)))
    return replace(base, size=(4, 2), batch=16, **changes)


def test_a_run_learns(pictures):
    # Ten seeds ended at losses of 0.91 to 1.09 and accuracies of 0.79 to 1.00, with a standard deviation of 0.07.
    trained = small_cell(lr=1.0, examples=320, tested=300, epochs=12).compute()
    assert trained["train_loss"] < 1.6 < math.log(10)  # what a guess has
    assert trained["test_accuracy"] > 0.5  # a guess is right in a tenth


def test_a_run_follows_every_field_of_its_cell(pictures):
    base = small_cell(examples=128, tested=100, epochs=6)
    trained = base.compute()
    changes = {
        "network": ("wide", (10, 1)), "size": (3, 2), "schedule": Constant(), "lr": 0.05, "seed": 1, "examples": 112,
        "epochs": 5, "batch": 32, "momentum": 0.5, "weight_decay": 0.1, "smoothing": 0.0, "precision": "float32",
    }  # fmt: skip
    untouched = {"tested", "device"}
    assert set(changes) | untouched == {field.name for field in fields(base)}
    for name, value in changes.items():
        change = {"network": value[0], "size": value[1]} if name == "network" else {name: value}
        assert replace(base, **change).compute()["train_loss"] != trained["train_loss"], name


def test_one_graph_serves_all_runs_of_a_network(pictures):
    torch = pytest.importorskip("torch")
    from lrtheory.sweeps import residual_training
    from lrtheory.training.ensemble import start

    compiled = 0

    def backend(graph, inputs):
        nonlocal compiled
        compiled += 1
        return graph.forward

    torch.compiler.reset()
    loss = torch.compile(residual_training.smoothed_loss, backend=backend, fullgraph=True)
    setting = residual_training._setting("compact", (2, 2), 64, 64, "cpu")
    for seed in range(3):
        model = start(setting.task, seed).train()
        arguments = (setting.train.inputs, setting.train.labels, 0.2, "bfloat16")
        expected = residual_training.smoothed_loss(start(setting.task, seed).train(), *arguments)
        torch.testing.assert_close(loss(model, *arguments), expected)
    assert compiled == 1


def test_a_run_that_diverges_has_no_number(tmp_path, pictures, monkeypatch):
    monkeypatch.setattr(cifar10, "LOWEST", 1e9)
    sweep = replace(TINY, schedules=(Constant(),))
    frame = sweep.table(Store(tmp_path), 1)
    last = frame.iloc[-1]
    assert last[["train_loss_0", "train_loss_1", "test_loss", "test_accuracy"]].isna().all()
    (curve,) = rate_curves.curves(frame).values()
    assert np.isinf(curve.excess[-1]).all()


def test_the_scales_are_what_they_say():
    for name, scale in cifar10.SCALES.items():
        for cell in replace(TINY, networks=cifar10.NETWORKS, scale=name).cells():
            assert cell.horizon == scale.epochs * (scale.examples // scale.batch) > 0
            assert (cell.examples, cell.precision) == (scale.examples, "bfloat16")
    seeds = [cell.seed for cell in TINY.cells()]
    assert seeds == sorted(seeds)  # an early stop leaves whole seeds
    assert {cell.examples for cell in replace(TINY, scale="auto").cells()} == {2_048}
    assert {cell.examples for cell in replace(TINY, scale="auto", device="cuda").cells()} == {50_000}
    full = cifar10.SCALES["full"]
    assert (full.examples, full.tested, full.size["compact"]) == (50_000, 10_000, (64, 1))


def test_no_network_can_have_less_than_the_entropy_of_a_smoothed_label():
    probabilities = np.full(10, 0.02)
    probabilities[0] = 0.82
    assert cifar10._entropy(0.2) == pytest.approx(-(probabilities * np.log(probabilities)).sum(), rel=1e-12)  # rounding


def test_what_is_lost_is_read_off_at_the_best_rate():
    lrs = np.geomspace(1e-2, 1e1, 10)
    right = 0.6 - 0.1 * np.abs(np.log10(lrs / 0.1))  # ten points a decade
    frame = pd.DataFrame({"task": "compact", "schedule": "Cosine()", "lr": lrs, "seconds": 1.0})
    frame["test_accuracy_0"], frame["test_accuracy_1"] = right + 0.01, right - 0.01
    (line,) = cifar10.accuracies(frame).to_dict("records")
    assert line["best lr"] == "0.1"
    assert line["accuracy"].startswith("60.00 ±")
    assert (line["/ 10"], line["x 10"], line["x 4"]) == ("10.0", "10.0", "6.0")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"networks": ("vgg",)}, "'vgg' is no network of this sweep; there are compact, wide."),
        ({"scale": "huge"}, "scale must be one of auto, full, medium, small, tiny, not 'huge'."),
        ({"device": "tpu"}, "device must be one of cpu, cuda, not 'tpu'."),
        ({"schedules": ("zigzag",)}, "a schedule of the sweep must be a Schedule such as Cosine"),
        ({"seeds": 1}, "seeds must be at least 2, or 0 for the scale's, not 1."),
        ({"per_decade": 0}, "per_decade must be at least 1, not 0."),
    ],
)
def test_bad_input_is_one_sentence(changes, sentence):
    with pytest.raises((TypeError, ValueError), match=sentence):
        cifar10.Cifar10(**changes)


# What the committed table says


@pytest.fixture(scope="module")
def measured():
    return pd.read_csv(COMMITTED)


def test_the_committed_table_is_the_default_sweep(measured):
    wanted = cifar10.Cifar10().cells()
    assert len(measured) == len({(cell.network, cell.schedule, cell.lr) for cell in wanted})
    assert sum(column.startswith("train_loss_") for column in measured) == 1 + max(cell.seed for cell in wanted)
    assert (measured.filter(like="train_loss_").min(axis=1).dropna() > measured["best_known"].iloc[0]).all()


def test_annealed_schedules_are_flat_over_a_decade_and_all_fall_off_a_cliff(measured):
    for (_, _, schedule), curve in rate_curves.curves(measured).items():
        near = curve.lrs[curve.mean < curve.mean.min() + 0.1]
        assert schedule in ("Constant()", "InverseSqrt()") or near.max() / near.min() > 9.9  # a decade, to four digits
        beyond = curve.mean[np.isclose(curve.lrs, 4.642)].item()
        assert 0.39 <= (beyond - curve.mean.min()) / (curve.limit - curve.mean.min()) <= 0.97


def test_annealing_is_better_at_every_rate_from_twice_the_best_constant_one(measured):
    found = {key[2]: curve for key, curve in rate_curves.curves(measured).items()}
    constant, linear = found["Constant()"], found["Polynomial(1)"]
    assert (linear.excess < constant.excess)[constant.lrs > 2 * constant.lrs[constant.best]].all()


def test_the_order_of_the_law_is_not_seen_at_this_scale(measured):
    verdicts = rate_tables.ordering(measured).groupby("measure")["verdict"].value_counts()
    assert verdicts["slope"].to_dict() == {"undecided": 3, "no branch": 1, "yes": 1}
    assert verdicts["margin"].to_dict() == {"undecided": 5}


def test_the_wide_network_says_the_same():
    wide = pd.read_csv(COMMITTED.with_name("cifar10_wide.csv"))
    found = {key[2]: curve for key, curve in rate_curves.curves(wide).items()}
    constant, linear = found["Constant()"], found["Polynomial(1)"]
    assert constant.best == linear.best == found["Cosine()"].best
    assert (linear.excess < constant.excess)[constant.best + 1 :].all()
    verdicts = rate_tables.ordering(wide).set_index(["measure", "first", "second"])["verdict"]
    assert verdicts["margin", "Constant()", "Polynomial(1)"] == "yes"
    assert verdicts["slope"].tolist() == ["undecided", "undecided"]
