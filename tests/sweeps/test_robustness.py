"""The sweep over wrong rates: its measures on accuracies made by hand, what it shares with the benchmark, what it refuses."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.benchmarks.published import ACCURACY
from lrtheory.runs import Store
from lrtheory.sweeps import robustness

COMMITTED = Path(__file__).parents[2] / "figures" / "data" / "robustness.csv"
TINY = robustness.Robustness(tasks=("synthetic",), strategies=("AdamW", "Fixed SGD"), scale="tiny")
RATES = sorted([1.0, *robustness.OFF.values()])


def made(curve, strategy="AdamW", seeds=3, noise=0.0, edge=False):
    """Runs whose accuracy is ``curve(decades off)``, at the tuned rate with noise, and whose training loss is linear in it."""
    random, rows = np.random.default_rng(0), []
    for seed in range(seeds):
        for off in RATES:
            accuracy = curve(np.log10(off)) + (noise * random.standard_normal() if off == 1.0 else 0.0)
            rows.append(
                {"task": "synthetic", "strategy": strategy, "seed": seed, "lr": off / 100, "tuned": 1 / 100, "off": off,
                 "edge": edge, "chance": 10.0, "accuracy": accuracy, "loss": np.log(10) * (100 - accuracy) / 90,
                 "diverged": False, "epochs": 80, "full_epochs": 80, "batch": 64, "examples": 0}
            )  # fmt: skip
    return pd.DataFrame(rows)


SLOPES = st.floats(0, 40)


@settings(deadline=None, max_examples=25)
@given(left=SLOPES, right=SLOPES, level=st.floats(60, 100))
def test_measures_of_a_tent_are_those_of_a_tent(left, right, level):
    frame = made(lambda decades: level - (right if decades > 0 else left) * abs(decades))
    (row,) = robustness.measures(frame).to_dict("records")
    decades = np.log10([2, 4, 10])
    exact = {"abs": 1e-9}  # rounding of numbers up to 100
    assert row["tuned"] == pytest.approx(level, **exact)
    assert [row[name] for name in ("/2", "/4", "/10")] == pytest.approx(left * decades, **exact)
    assert [row[name] for name in ("x2", "x4", "x10")] == pytest.approx(right * decades, **exact)
    assert row["mean lost"] == pytest.approx((left + right) * decades.sum() / 6, **exact)
    # Over a decade on either side the mean of a straight line is half its end.
    assert row["sensitivity"] == pytest.approx((left + right) / 4 * np.log(10) / 90, **exact)
    for ratio in robustness.RATIOS:  # at the worst offset both neighbours lose the same
        worst = left * right / (left + right) * np.log10(ratio) if left + right else 0.0
        assert row[f"grid {ratio:g}"] == pytest.approx(worst, abs=0.02 * (left + right) + 1e-9)  # the grid of offsets


@settings(deadline=None, max_examples=25)
@given(losses=st.lists(st.floats(-10, 60), min_size=7, max_size=7), shift=st.floats(-20, 20))
def test_what_is_lost_does_not_depend_on_the_level(losses, shift):
    at = dict(zip(np.log10(RATES), losses))
    first, moved = (robustness.measures(made(lambda decades, by=by: 80 - at[decades] + by)) for by in (0.0, shift))
    for name in (*robustness.OFF, "mean lost", "grid 4", "grid 10"):
        np.testing.assert_allclose(first[name], moved[name], atol=1e-9)  # rounding of numbers up to 100
    for ratio in robustness.RATIOS:  # of two valleys the coarser of two grids that are not nested may hit more
        assert 0 <= first[f"grid {ratio:g}"].iloc[0] <= max(losses) - min(losses) + 1e-9
    assert robustness.sensitivity(made(lambda decades: 80 - at[decades])).min() >= 0


def test_a_paired_comparison_with_adamw_takes_what_seeds_share_out():
    noise, gap = 2.0, 3.0  # lost at every rate but the tuned one
    adamw = made(lambda decades: 90 - 10 * abs(decades), noise=noise)
    other = adamw.assign(strategy="Lion", accuracy=adamw["accuracy"] - gap * (adamw["off"] != 1.0))
    other.loc[other["seed"] == 0, "accuracy"] -= 0.3 * (other["off"] != 1.0)
    rows = robustness.measures(pd.concat([adamw, other])).set_index("strategy")
    assert rows.loc["Lion", "versus"] == pytest.approx(gap + 0.1)
    assert rows.loc["Lion", "half mean lost"] > 1  # seeds alone tell little
    assert rows.loc["Lion", "p"] < 0.01  # pairs tell much
    assert np.isnan(rows.loc["AdamW", ["versus", "p"]].to_numpy(dtype=float)).all()


def test_the_summary_names_edges_divergence_and_scale():
    frame = made(lambda decades: 90 - 20 * abs(decades), edge=True)
    gone = (frame["off"] == 10.0) & (frame["seed"] == 0)
    frame.loc[gone, ["accuracy", "loss", "diverged"]] = [10.0, np.nan, True]
    (line,) = TINY.summary(frame.assign(examples=2000)).to_dict("records")
    assert line["lr"] == "0.01 (edge)"
    assert line["seeds"] == "3, 1 diverged"
    assert (line["examples"], line["x10"]) == (2000, "+40.0")  # (20 + 20 + 80)/3


def test_runs_are_the_benchmarks_own_and_are_not_repeated(tmp_path):
    pytest.importorskip("torch")
    pytest.importorskip("pytorch_optimizer")

    store, (benchmark,) = Store(tmp_path), TINY.benchmarks()
    tuned = benchmark.table(store, 1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    frame = TINY.table(store, 1)
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    assert {path: after[path] for path in before} == before
    pd.testing.assert_frame_equal(frame, TINY.table(store, 1))
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")} == after
    assert {f"{name}.json" for name in store.asked} == {path.name for path in after}  # what a record counts
    assert len(after) == len(frame) == len(frame.drop_duplicates(["strategy", "lr", "seed"]))
    final = tuned[tuned["role"] == "final"].set_index(["strategy", "seed"])["last"]
    same = frame[frame["off"] == 1.0].set_index(["strategy", "seed"])["accuracy"]
    pd.testing.assert_series_equal(same, final, check_names=False)
    assert (frame.groupby("strategy")["seed"].value_counts().min()) == len(RATES)
    assert len(TINY.summary(frame)) == 2


def test_a_run_that_diverges_counts_as_a_guess(tmp_path, monkeypatch):
    pytest.importorskip("torch")
    from lrtheory.benchmarks import training

    def train(run, *_):
        gone = run.lr > 0.02
        return {"test": [] if gone else [90.0], "validation": [] if gone else [90.0], "loss": [] if gone else [0.2],
                "diverged": gone, "seconds": 0.0, "peak_memory": None}  # fmt: skip

    monkeypatch.setattr(training, "train", train)
    frame = replace(TINY, strategies=("Fixed SGD",)).table(Store(tmp_path), 1)
    gone = frame[frame["diverged"]]
    assert (gone["lr"] > 0.02).all()
    assert (gone["accuracy"] == 10.0).all()
    assert gone["loss"].isna().all()
    (row,) = robustness.measures(frame).to_dict("records")
    assert (row["x4"], row["/4"]) == (80.0, 0.0)
    assert row["diverged"] == 2 * sum(frame["tuned"].iloc[0] * off > 0.02 for off in robustness.OFF.values())


def test_each_task_has_a_fair_benchmark_at_the_reduced_scale():
    pytest.importorskip("torch")
    tasks = ("synthetic", "trec6-scratch", "cifar10", "trec6")
    for benchmark, task in zip(robustness.Robustness(tasks=tasks, seeds=4).benchmarks(), tasks):
        assert (benchmark.tasks, benchmark.protocol, benchmark.seeds) == ((task,), "fair", 4)
        assert benchmark.strategies == tuple(ACCURACY)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tasks": ("mnist",)}, "'mnist' is no task of this sweep; there are synthetic, cifar10"),
        ({"strategies": ("adamx",)}, "'adamx' is no strategy of this sweep; there are Fixed SGD"),
        ({"scale": "huge"}, "'huge' is no scale of this sweep; there are cpu, full, tiny."),
        ({"seeds": -1}, "seeds must be at least 0, not -1."),
    ],
)
def test_bad_input_is_one_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        robustness.Robustness(**changes)


# What the committed table says


@pytest.fixture(scope="module")
def measured():
    if not COMMITTED.exists():
        pytest.skip("no table yet")
    return pd.read_csv(COMMITTED)


def test_the_committed_table_is_the_default_sweep(measured):
    pytest.importorskip("torch")
    for benchmark in robustness.Robustness().benchmarks():
        group = measured[measured["task"] == benchmark.tasks[0]]
        assert tuple(group["strategy"].unique()) == benchmark.strategies
        counts = group[group["off"].isin(RATES)].groupby(["strategy", "off"]).size()
        assert len(counts) == len(benchmark.strategies) * len(RATES)
        assert (counts == benchmark.seeds).all()


def test_annealed_sgd_forgives_a_rate_ten_times_too_large_and_fixed_sgd_does_not(measured):
    lost = robustness.measures(measured[measured["task"] == "synthetic"]).set_index("strategy")["x10"]
    assert lost["Fixed SGD"] > 5
    assert (lost[["Cosine Decay SGD", "SGDR"]] < 3).all()


def test_the_order_of_the_strategies_does_not_carry_over_to_another_task(measured):
    lost = robustness.measures(measured).pivot_table("mean lost", "strategy", "task")
    agreement = lost.corr("spearman").to_numpy()
    assert (np.abs(agreement[np.triu_indices(3, 1)]) < 0.2).all()


def test_dals_stands_next_to_its_cliff_from_scratch_on_trec(measured):
    lost = robustness.measures(measured[measured["task"] == "trec6-scratch"]).set_index("strategy")["x2"]
    assert lost.drop(["DALS", "DALS-Fast", "DALS-Acc"]).max() < 15 < 25 < lost[["DALS", "DALS-Fast", "DALS-Acc"]].min()
