"""The experiment on the implicit penalty: its pieces against exact ones, its resumption, and what its table says."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lrtheory.statistics import mean_estimate
from lrtheory.sweep import main
from lrtheory.sweeps import penalty

torch = pytest.importorskip("torch")

COMMITTED = Path(__file__).parents[2] / "figures" / "data" / "penalty.csv"
SMALL = ["--lrs", "0.05", "0.1", "--runs", "3", "--flow-time", "4", "--refinement", "2", "--points", "8"]
CELL = penalty.PenaltyCell(lr=0.1, runs=3, flow_time=4.0, refinement=2, points=8, seed=1)


def loss_of_one_run(problem, run):
    """The loss of one network, written out: for torch's own Hessian."""

    def loss(theta):
        pieces, used, hidden = penalty._SHAPES, 0, problem.inputs[run]
        for layer, (rows, columns) in enumerate(pieces):
            weight = theta[used : used + rows * columns].reshape(rows, columns)
            bias = theta[used + rows * columns : used + (rows + 1) * columns]
            used += (rows + 1) * columns
            hidden = hidden @ weight + bias
            hidden = hidden.tanh() if layer < len(pieces) - 1 else hidden
        return ((hidden[:, 0] - problem.targets[run]) ** 2).mean() / 2

    return loss


def test_the_batched_network_has_the_gradients_and_sharpness_of_each_run():
    problem = penalty._Problem.draw(CELL)
    losses, gradients = penalty._loss_and_gradient(problem, problem.start)
    sharpness = penalty._sharpness(problem, problem.start)
    for run in range(CELL.runs):
        loss, theta = loss_of_one_run(problem, run), problem.start[run]
        hessian = torch.autograd.functional.hessian(loss, theta)
        # two orders of summation in double precision
        torch.testing.assert_close(losses[run], loss(theta), rtol=1e-12, atol=0)
        torch.testing.assert_close(gradients[run], torch.func.grad(loss)(theta), rtol=1e-10, atol=1e-13)
        # the Rayleigh quotient errs by the square of the eigenvector's error, (ratio of eigenvalues)^(2 * 100)
        torch.testing.assert_close(sharpness[run], torch.linalg.eigvalsh(hessian).abs().max(), rtol=1e-4, atol=0)


def test_a_step_on_the_penalised_loss_is_the_gradient_and_hessian_times_gradient():
    problem, step, weight = penalty._Problem.draw(CELL), 0.03, 0.2
    moved = penalty._descend(problem, problem.start, step, 1, weight)
    for run in range(CELL.runs):
        loss, theta = loss_of_one_run(problem, run), problem.start[run]
        gradient, hessian = torch.func.grad(loss)(theta), torch.autograd.functional.hessian(loss, theta)
        expected = theta - step * (gradient + 2 * weight * hessian @ gradient)
        torch.testing.assert_close(moved[run], expected, rtol=1e-10, atol=1e-13)  # rounding only


def test_it_resumes_and_does_not_depend_on_the_workers(tmp_path, capsys):
    command = ["penalty", *SMALL, "--out"]
    assert main([*command, str(tmp_path / "a"), "--workers", "2"]) == 0
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "a" / "cells").iterdir()}
    assert len(stamps) == 2
    first = {path.name: path.read_bytes() for path in (tmp_path / "a").glob("penalty.*")}
    assert set(first) == {"penalty.csv", "penalty.json", "penalty.png", "penalty.pdf"}
    del first["penalty.json"]  # it says what the cells took
    assert main([*command, str(tmp_path / "a")]) == 0
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a" / "cells").iterdir()} == stamps
    assert main([*command, str(tmp_path / "b"), "--workers", "1"]) == 0
    for folder in ("a", "b"):
        assert {name: (tmp_path / folder / name).read_bytes() for name in first} == first
    out = capsys.readouterr().out
    assert out.splitlines()[0].split()[:1] == ["lr"]
    frame = pd.read_csv(tmp_path / "a" / "penalty.csv")
    assert len(frame) == 6
    assert np.isfinite(frame.to_numpy()).all()


def test_without_torch_it_says_so(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["penalty", *SMALL, "--out", str(tmp_path)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "needs torch" in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--lrs", "0"], "lr must be a positive, finite number, not 0.0"),
        (["--lrs", "10"], "lr must be at most flow_time / 8, not 10.0."),
        (["--runs", "1"], "runs must be at least 2, not 1."),
        (["--refinement", "1"], "refinement must be at least 2, not 1."),
        (["--flow-time", "-1"], "flow_time must be a positive"),
    ],
)
def test_bad_input_is_one_sentence(tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(["penalty", *arguments]) == 2
    assert sentence in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_orders_are_read_off_the_steps_below_one():
    lrs = np.repeat([0.01, 0.02, 0.04, 0.4], 2)
    frame = pd.DataFrame(
        {"lr": lrs, "lr_sharpness": 10 * lrs, "distance_flow": 3 * lrs, "distance_penalised": 5 * lrs**2}
    )
    frame.loc[frame["lr"] == 0.4, "distance_flow"] = 100.0  # beyond the flow, so it must not count
    assert {name: slope.value for name, slope in penalty.orders(frame).items()} == pytest.approx(
        {"distance_flow": 1, "distance_penalised": 2}, rel=1e-12
    )
    assert penalty.orders(frame[frame["lr"] > 0.01]) == {}


# What the committed table says


@pytest.fixture(scope="module")
def measured():
    return pd.read_csv(COMMITTED)


def test_the_committed_table_has_the_orders_of_the_theory(measured):
    assert measured.groupby("lr").size().min() >= 10  # runs
    found = penalty.orders(measured)
    assert found["distance_flow"].value == pytest.approx(1, abs=0.1)  # 0.1: the next order's share at these steps
    assert found["distance_penalised"].value == pytest.approx(2, abs=0.1)


def test_the_penalty_explains_descent_below_one_and_not_beyond_two(measured):
    for _, group in measured.groupby("lr"):
        sharpness, ratio = group["lr_sharpness"].mean(), penalty.explained(group)
        descent, penalised = (
            mean_estimate(group[f"sharpness_{path}"] - group["sharpness_flow"]) for path in ("descent", "penalised")
        )
        assert penalised.high < 0  # the penalty flattens, everywhere
        if sharpness < 1:
            assert ratio.high < 0.3
            assert 0.7 < penalised.value / descent.value < 1
        if sharpness > 2:
            assert ratio.low > 0.4
            assert penalised.value / descent.value < 0.2


def test_no_difference_in_test_accuracy_was_found(measured):
    for _, group in measured.groupby("lr"):
        for path in ("descent", "penalised"):
            difference = mean_estimate(group[f"accuracy_{path}"] - group["accuracy_flow"])
            assert difference.low < 0 < difference.high
