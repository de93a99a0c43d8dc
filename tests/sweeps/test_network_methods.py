"""The sweep of methods on networks: what it keeps, what its measures say, and what its committed table says."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lrtheory.runs import Store
from lrtheory.sweeps import network_methods
from lrtheory.sweeps.network_methods import TRAININGS, NetworkMethods, margins, method_curves
from lrtheory.sweeps.rate_curves import Curve

DATA = Path(__file__).parents[2] / "figures" / "data"
TINY = NetworkMethods(tasks=("logistic-ball",), methods=("sgd", "dog"), seeds=2, horizon=20)


@pytest.fixture(scope="module")
def measured():
    return pd.read_csv(DATA / "network_methods.csv")


def test_it_resumes(tmp_path):
    pytest.importorskip("torch")
    frames = [TINY.table(Store(tmp_path), 1)]
    stamps = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(stamps) == 1 + 2
    frames.append(TINY.table(Store(tmp_path), 2))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == stamps
    pd.testing.assert_frame_equal(*frames)
    assert len(TINY.summary(frames[0])) == len(TRAININGS["sgd"].outputs) + len(TRAININGS["dog"].outputs)


def test_averages_are_those_of_the_weights(monkeypatch):
    """A weight on the last iterate alone, taken along the way, is what training ends with; one on the start is the start."""
    pytest.importorskip("torch")
    ends = {"last": None, "also last": lambda horizon: np.append(np.zeros(horizon), 1.0),
            "first": lambda horizon: np.append(1.0, np.zeros(horizon))}  # fmt: skip
    monkeypatch.setattr(network_methods, "OUTPUTS", ends)
    training = network_methods.Trained("sgd", TRAININGS["sgd"].schedule, "rate", 1e-2, 1, 1, tuple(ends))
    monkeypatch.setitem(network_methods.TRAININGS, "sgd", training)
    found = network_methods.NetworkMethodCell("logistic", "sgd", 2, 10, 1).compute()
    assert found["last"] == found["also last"] != found["first"]
    assert len(set(found["first"]["train_loss"])) == 1  # that task starts at zero


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"tasks": ("mnist",)}, "'mnist' is no task of this sweep"),
        ({"methods": ("lion",)}, "'lion' is no method of this sweep"),
        ({"seeds": 1}, "seeds must be at least 2, not 1."),
        ({"batch": 0}, "batch must be at least 1, not 0."),
    ],
)
def test_bad_input_is_one_sentence(fields, sentence):
    with pytest.raises(ValueError, match=sentence):
        NetworkMethods(**fields)


def test_margins_are_where_a_tenth_is_lost():
    values = np.geomspace(1e-3, 1e1, 401)
    excess = 0.01 + np.abs(np.log10(values / 0.01)) * np.where(values < 0.01, 0.2, 0.05)
    low, high = margins(Curve(values, excess[:, None], 1.0, 1000))
    assert low == pytest.approx(10**0.5, rel=0.03)  # half a step of the grid
    assert high == pytest.approx(100, rel=0.03)


def test_the_committed_table_is_the_default_sweep(measured):
    sweep = NetworkMethods()
    rows = sum(len(training.outputs) * len(training.values()) for training in TRAININGS.values())
    assert len(measured) == len(sweep.tasks) * rows
    assert sum(column.startswith("train_loss_") for column in measured) == sweep.seeds
    assert (measured["best_known"] <= measured.filter(like="train_loss_").min(axis=1).fillna(np.inf)).all()


def test_plain_training_is_that_of_the_sweep_of_networks(measured):
    """The same tasks, horizon, batches and seeds: the last iterates of SGD are its first eight seeds'."""
    other = pd.read_csv(DATA / "networks.csv")
    for name, rule, schedule in (("sgd", "sgd", "Constant()"), ("sgd, linear", "sgd", "Polynomial(1)")):
        mine = measured[(measured["method"] == name) & (measured["output"] == "last")].reset_index(drop=True)
        theirs = other[(other["optimizer"] == rule) & (other["schedule"] == schedule)].reset_index(drop=True)
        assert mine["value"].tolist() == theirs["lr"].tolist()
        seeds = [f"train_loss_{seed}" for seed in range(8)]
        convex = (
            mine["task"].str.startswith("logistic") & (mine["value"] <= 0.1)
        ).to_numpy()  # not chaotic, not diverged
        # Batched products of another size sum in another order: single precision, 4,000 steps.
        np.testing.assert_allclose(mine.loc[convex, seeds], theirs.loc[convex, seeds], rtol=2e-3)


def test_what_findings_say(measured):
    found = method_curves(measured)
    averaged = [
        margins(found["digits-noisy", "sgd", output])[1] for output in TRAININGS["sgd"].outputs if output != "last"
    ]
    assert max(averaged) < margins(found["digits-noisy", "sgd", "last"])[1]
    ball = [margins(found["logistic-ball", "sgd", output])[1] for output in ("last", "uniform")]
    assert ball[1] > 3 * ball[0]
    for task in ("digits", "digits-noisy"):
        low, high = margins(found[task, "dog", "last"])
        assert low > 1000
        assert high > 30
