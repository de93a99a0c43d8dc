"""The scale of the committed table: grids that grow, columns by themselves, fused steps, and what tells runs apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("torch", reason="the benchmark needs torch")
pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")

import torch

from lrtheory import tasks
from lrtheory.benchmarks import scales, training
from lrtheory.benchmarks.experiment import Benchmark
from lrtheory.benchmarks.protocols import beyond_ends
from lrtheory.benchmarks.variant import Variant
from lrtheory.optim import strategies
from lrtheory.runs import Store
from lrtheory.runs.cell import cell_id
from lrtheory.tasks.data import offline_folder

TIMED = {"seconds", "peak_memory"}


def tuning(lrs, validation, strategy="AdamW"):
    factors = np.array(lrs) / 0.1
    return pd.DataFrame(
        {"task": "t", "strategy": strategy, "lr": lrs, "factor": factors, "validation": validation, "epochs": 1}
    )


@pytest.mark.parametrize(
    ("validation", "beyond"),
    [
        ([1.0, 2.0, 1.0], {}), ([3.0, 2.0, 1.0], {0: 0.00625}), ([1.0, 2.0, 3.0], {2: 1.6}), ([2.0, 2.0, 2.0], {}),
        ([1.0, np.nan, np.nan], {0: 0.00625}),
    ],
)  # fmt: skip
def test_a_grid_grows_beyond_the_end_where_its_best_is(validation, beyond):
    found = beyond_ends(tuning([0.025, 0.1, 0.4], validation))
    assert found == pytest.approx(beyond)


def test_growth_ends_inside_or_after_so_many_rates(tmp_path):
    small = Benchmark(
        tasks=("synthetic",), strategies=("AdamW", "Fixed SGD"), seeds=1, factors=(1 / 4096, 1 / 1024, 1 / 256),
        epochs=1, examples=400, device="cpu",
    )  # fmt: skip
    fixed, grown = (replace(small, grow=count).table(Store(tmp_path / "cells"), 1) for count in (0, 3))
    for strategy, group in grown[grown["role"] == "tuning"].groupby("strategy"):
        before = fixed[(fixed["role"] == "tuning") & (fixed["strategy"] == strategy)]
        assert set(before["lr"]) < set(group["lr"])  # rates this small learn nothing, so the best is the largest
        assert len(group) <= len(before) + 3
        ratios = np.diff(np.log(np.sort(group["lr"])))
        assert np.allclose(ratios, np.log(4))  # the grid stays geometric; two roundings a rate
        final = grown[(grown["role"] == "final") & (grown["strategy"] == strategy)]
        inside = not final["edge"].any()
        assert inside or len(group) == len(before) + 3


def test_a_column_is_a_part_of_its_scale():
    column = scales.CPU.on(["cifar10"])
    assert {part.protocol for part in column.benchmarks} == {"fair", "as-coded", "as-described"}
    assert all(part.tasks == ("cifar10",) for part in column.benchmarks)
    assert {name for part in scales.CPU.on(["synthetic"]).benchmarks for name in part.tasks} == {
        "synthetic", "synthetic-as-coded",
    }  # fmt: skip
    with pytest.raises(ValueError, match="none of the tasks imdb; it has cifar10"):
        scales.CPU.on(["imdb"])


def test_every_run_of_a_scale_says_its_device_and_precision():
    for part in (*scales.CPU.benchmarks, *scales.CPU.audits, *scales.CPU.failures):
        for task in part.tasks:
            run = part.cell(task, "AdamW", lr=0.1)
            assert run.device == "cpu"
            assert run.precision in ("float32", "bfloat16")
            if tasks.get(task, encoder=part.encoder).mixed:
                assert run.precision == "bfloat16"  # whatever processor it is: the table is one table


def test_the_name_of_a_run_stays():
    """Stored results are found by it: a change loses what was computed."""
    run = training.Run("cifar10", "fair", "AdamW", Variant(), 0, 0.0003, 8, 128, precision="bfloat16")
    assert cell_id(run) == "dae4e9b826bc5d72be2daa0814f1393d5ace8e161cdc2edd66fa57fcbeb57326"


@pytest.mark.skipif(offline_folder() is None, reason="LRTHEORY_DATA names no folder with the data sets")
@pytest.mark.parametrize("strategy", ["Cosine Decay SGD", "Lookahead+AdamW", "DALS"])
def test_on_images_resumed_equals_uninterrupted(strategy, tmp_path):
    benchmark = Benchmark(tasks=("cifar10",), examples=300, epochs=2, device="cpu", precision="bfloat16")
    run = benchmark.cell("cifar10", strategy, lr=0.01)
    whole, path, steps = training.train(run), tmp_path / "checkpoint", 0
    real = strategies.Training.step

    def killed(self, loss_fn, scaler=None):
        nonlocal steps
        steps += 1
        if steps == 4:  # in the second pass
            raise KeyboardInterrupt
        return real(self, loss_fn, scaler)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(strategies.Training, "step", killed)
        with pytest.raises(KeyboardInterrupt):
            training.train(run, path, every=0)
    assert path.exists()
    resumed = training.train(run, path)
    assert {name: resumed[name] for name in whole.keys() - TIMED} == {
        name: whole[name] for name in whole.keys() - TIMED
    }


@pytest.mark.parametrize("name", ["Fixed SGD", "Adam", "AdamW", "Lookahead+AdamW"])
def test_fused_steps_are_the_plain_steps(name):
    """Up to the rounding of the terms in another order: some ulp of 1.2e-7 a step, on weights below one."""
    found = []
    for fused in (False, True):
        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(20, 30), torch.nn.ReLU(), torch.nn.Linear(30, 1))
        built = strategies.build(name, model, 20, 0.01)
        if fused:
            training._fuse(built.optimizer)
        inputs = torch.randn(16, 20)
        losses = [built.step(lambda: model(inputs).square().mean()).item() for _ in range(20)]  # noqa: B023
        found.append((losses, torch.cat([parameter.detach().ravel() for parameter in model.parameters()])))
    assert found[0][0] == pytest.approx(found[1][0], rel=1e-4)
    assert torch.allclose(found[0][1], found[1][1], atol=1e-5)
