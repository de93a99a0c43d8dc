"""The command: what it writes, what it keeps, what it refuses; and that a run is a function of its cell."""

import json
import math
from dataclasses import replace

import pandas as pd
import pytest

pytest.importorskip("torch", reason="the benchmark needs torch")
pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")

from lrtheory import tasks
from lrtheory.benchmark import main
from lrtheory.benchmarks import audit, headlines, published, report, scales, training
from lrtheory.benchmarks.experiment import Benchmark
from lrtheory.figures import audit as audit_figure
from lrtheory.figures import benchmark as heat_map
from lrtheory.figures import learning_curves_all, taxonomy
from lrtheory.optim import strategies
from lrtheory.runs import Compute, Store, execute

SMALL = [
    "--tasks",
    "synthetic",
    "--epochs",
    "2",
    "--examples",
    "200",
    "--seeds",
    "2",
    "--device",
    "cpu",
    "--workers",
    "1",
]
FEW = ["--strategies", "AdamW", "DALS"]
TIMED = {"seconds", "peak_memory"}
COLUMNS = {
    "task", "protocol", "strategy", "variant", "seed", "lr", "metric", "best", "last", "epochs_to_90", "seconds",
    "peak_memory", "device",
}  # fmt: skip


def lines(capsys):
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err


def results(folder):
    return pd.read_csv(folder / "results.csv", keep_default_na=False, na_values=[""])


def without_times(frame):
    return frame.drop(columns=list(TIMED))


def small_run(strategy="DALS", **changes):
    benchmark = Benchmark(device="cpu", epochs=2, examples=200)
    run = benchmark.cell("synthetic", strategy, lr=benchmark.default_lr("synthetic", strategy))
    return replace(run, **changes)


def test_quick_runs_every_strategy_from_end_to_end(tmp_path, capsys):
    assert main(["--quick", "--workers", "1", "--device", "cpu", "--epochs", "2", "--out", str(tmp_path)]) == 0
    out, err = lines(capsys)
    assert out[0].split()[:4] == ["task", "strategy", "generation", "lr"]
    assert len(out) == 2 + len(strategies.names())
    assert "Written:" in err
    assert "Synthetic: another scale (examples 1000 and epochs 2) than" in err
    table = results(tmp_path)
    assert set(table.columns) >= COLUMNS
    counts = table.groupby(["strategy", "role"]).size().to_dict()
    sizes = {"tuning": 3, "final": 2}  # a declared grid of equal size for all
    assert counts == {(name, role): size for name in strategies.names() for role, size in sizes.items()}
    assert (table["metric"] == "last test accuracy").all()
    assert {path.suffix for path in tmp_path.glob("ranks.*")} == {".png", ".pdf"}
    tex = (tmp_path / "results.tex").read_text()
    assert tex.count(r"\\") == 1 + len(strategies.names())


def test_the_rate_is_chosen_on_held_out_examples_alone(tmp_path):
    main([*SMALL, *FEW, "--out", str(tmp_path)])
    table = results(tmp_path)
    for _, group in table.groupby("strategy"):
        tuning = group[group["role"] == "tuning"]
        (chosen,) = group.loc[group["role"] == "final", "lr"].unique()
        assert tuning.set_index("lr").loc[chosen, "validation"] == tuning["validation"].max()


def test_a_finished_benchmark_is_read_back_byte_for_byte(tmp_path, capsys):
    main([*SMALL, *FEW, "--out", str(tmp_path)])
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    main([*SMALL, *FEW, "--out", str(tmp_path)])
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()} == first


def test_resumed_equals_uninterrupted(tmp_path, capsys, monkeypatch):
    main([*SMALL, *FEW, "--out", str(tmp_path / "whole")])
    real, left = training.train, 3

    def interrupted(run, checkpoint):
        nonlocal left
        if left == 0:
            raise KeyboardInterrupt
        left -= 1
        return real(run, checkpoint)

    monkeypatch.setattr(training, "train", interrupted)
    assert main([*SMALL, *FEW, "--out", str(tmp_path / "parts")]) == 1
    assert "the same command goes on from there" in lines(capsys)[1]
    assert len(list((tmp_path / "parts" / "cells").iterdir())) == 3
    monkeypatch.setattr(training, "train", real)
    assert main([*SMALL, *FEW, "--out", str(tmp_path / "parts")]) == 0
    whole, parts = (without_times(results(tmp_path / name)) for name in ("whole", "parts"))
    pd.testing.assert_frame_equal(whole, parts)


@pytest.mark.parametrize("strategy", ["AdamW", "SAM", "DALS-Fast"])
def test_a_run_is_a_function_of_its_cell(strategy):
    first, again = (training.train(small_run(strategy)) for _ in range(2))
    other = training.train(small_run(strategy, seed=1))
    assert {key: first[key] for key in first.keys() - TIMED} == {key: again[key] for key in again.keys() - TIMED}
    assert first["loss"] != other["loss"]


def test_processes_change_no_result(tmp_path):
    """Two workers are other processes with fresh interpreters; the numbers are the same to the bit."""
    runs = [small_run("AdamW", seed=seed) for seed in range(2)]
    apart = execute(runs, Store(tmp_path), workers=2)
    here = [training.train(run) for run in runs]
    assert [result["test"] for result in apart] == [result["test"] for result in here]


def test_a_diverging_run_is_recorded(tmp_path, capsys):
    arguments = ["--protocol", "as-described", "--strategies", "Fixed SGD", "--lrs", "1e12", "--seeds", "1"]
    assert main([*SMALL, *arguments, "--out", str(tmp_path)]) == 0
    (row,) = results(tmp_path).to_dict("records")
    assert row["diverged"]
    assert math.isnan(row["last"])
    assert "1, 1 diverged" in lines(capsys)[0][-1]


def test_json_is_every_run(tmp_path, capsys):
    main([*SMALL, "--strategies", "AdamW", "--json", "--out", str(tmp_path)])
    records = json.loads("\n".join(lines(capsys)[0]))
    assert len(records) == 7 + 2


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--strategies", "DALSFast"], "there is no strategy 'DALSFast': did you mean 'DALS-Fast'?"),
        (["--tasks", "cifar"], "task must be one of synthetic, cifar10"),
        (["--protocol", "unfair"], "protocol must be one of fair, as-described, as-coded, not 'unfair'"),
        (["--seeds", "0"], "seeds must be at least 1"),
        (["--lrs", "-1"], "lr must be a positive"),
        (["--factors", "nan"], "factor must be a positive"),
        (["--examples", "5"], "examples must be at least 20"),
        (["--device", "tpu"], "device must be one of auto, cpu, cuda"),
        (["--workers", "0"], "workers must be at least 1"),
        (["--out", "/proc/nothing"], "--out /proc/nothing cannot be made"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = lines(capsys)
    assert out == []
    assert sentence in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_missing_data_are_one_sentence_and_cost_nothing_finished(tmp_path, capsys, monkeypatch):
    main([*SMALL, "--strategies", "AdamW", "--out", str(tmp_path)])
    kept = sorted((tmp_path / "cells").iterdir())
    capsys.readouterr()
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("LRTHEORY_DATA", str(tmp_path / "empty"))
    assert main(["--tasks", "synthetic", "cifar10", "--out", str(tmp_path)]) == 1
    out, err = lines(capsys)
    assert out == []
    assert "cifar10/data_batch_1.npz is not in" in err
    assert err.count("\n") == 1
    assert sorted((tmp_path / "cells").iterdir()) == kept


def test_as_coded_means_its_own_synthetic_task():
    coded = Benchmark(protocol="as-coded")
    assert coded.tasks[0] == "synthetic-as-coded"
    assert coded.tasks[1:] == Benchmark().tasks[1:]
    assert coded.default_lr("synthetic-as-coded", "DALS") == 0.03
    assert coded.default_lr("trec6-scratch", "Fixed SGD") == 0.01


def test_the_published_table_is_about_the_registry():
    assert tuple(published.ACCURACY) == strategies.names()
    assert tuple(published.DRAFT) == strategies.names()
    assert set(published.EPOCHS_TO) <= set(strategies.names())
    assert all(len(row) == len(published.TASKS) for row in published.ACCURACY.values())


def test_every_artefact_is_a_switch_of_its_strategy():
    for artefact in audit.ARTEFACTS:
        assert set(dict(artefact.variant.switches)) <= set(strategies.get(artefact.strategy).switches)
        assert artefact.departs(tasks.get("cifar10"))
    coarse = next(artefact for artefact in audit.ARTEFACTS if artefact.variant.text == "coarse_layers=False")
    assert not coarse.departs(tasks.get("synthetic-as-coded"))  # the children of that network are its layers


def test_the_audit_answers_every_headline(tmp_path, capsys):
    names = ["AdamW", "RAdam", "STLR+Discriminative", "SGDR", "DALS", "DALS-Fast"]
    assert main([*SMALL, "--audit", "--strategies", *names, "--factors", "0.5", "2", "--out", str(tmp_path)]) == 0
    out = "\n".join(lines(capsys)[0])
    assert "layers discounted twice" in out
    assert "restarts counted in iterations" in out
    assert "98.0 on synthetic, the best" in out
    assert "90 % in 3 epochs" in out
    table = pd.read_csv(tmp_path / "audit.csv")
    assert set(table["part"]) == {"table", "switch", "fair"}
    assert len(table[table["part"] == "table"]) == 2 * len(names)


def rows_of(task, strategy, values, **more):
    return [
        {
            "task": task, "protocol": "as-coded", "strategy": strategy, "variant": "", "seed": seed, "lr": 0.1,
            "factor": 1.0, "role": "final", "edge": False, "metric": "best test accuracy", "best": value, "last": value,
            "diverged": False, "seconds": 1.0, "peak_memory": 1.0, "part": "table", "curve": "50.00",
            "examples": 0, "epochs": 10, "full_epochs": 10,
            **dict.fromkeys(("epochs_to_60", "epochs_to_70", "epochs_to_80", "epochs_to_90"), 1.0), **more,
        }
        for seed, value in enumerate(values)
    ]  # fmt: skip


def test_verdicts_follow_from_the_numbers():
    low, high = [43.0, 43.5, 44.0], [96.0, 97.0, 97.5]
    frame = rows_of("trec6", "STLR+Discriminative", low) + rows_of("trec6", "RAdam", high)
    frame += rows_of("synthetic-as-coded", "DALS", [97.9, 98.1, 98.0])
    frame += rows_of("synthetic-as-coded", "RAdam", [96.0, 96.1, 96.2])
    frame += rows_of("synthetic-as-coded", "STLR+Discriminative", [95.0, 95.1, 95.2])
    for factor, value in ((1.0, 43.5), (64.0, 95.0)):
        frame += rows_of("trec6", "STLR+Discriminative", [value] * 3, part="sweep", factor=factor)
    frame += rows_of("trec6", "STLR+Discriminative", [21.0] * 3, part="sweep", examples=1000, epochs=3)
    frame += rows_of("trec6", "STLR+Discriminative", [90.0] * 3, part="sweep", examples=1000, epochs=3, factor=4.0)
    frame += rows_of("trec6", "RAdam", high, part="fair", protocol="fair", metric="last test accuracy")
    frame += rows_of(
        "trec6", "STLR+Discriminative", low, part="fair", protocol="fair", metric="last test accuracy", edge=True
    )
    frame = pd.DataFrame(frame)
    table = headlines.verdicts(frame).set_index(["headline", "protocol"])
    assert table.loc[("98.0 on synthetic, the best", "as-coded"), "stands"] == "yes"
    assert table.loc[(headlines.Collapse.title, "as-coded"), "stands"] == "yes"
    assert table.loc[(headlines.Collapse.title, "as-coded, switches"), "stands"] == "no: the rate"
    assert (
        table.loc[(headlines.Collapse.title, "fair"), "stands"] == "undecided: a tuned rate lies at an end of its grid"
    )
    numbers = table.loc[(headlines.Collapse.title, "as-coded, switches"), "numbers"]
    assert "95.0 at 64 times" in numbers
    assert (
        "as coded (1000 examples, 3 of 10 epochs): 21.0 at its rate, 90.0 at 4 times" in numbers
    )  # scales are kept apart
    assert table.loc[("no strategy wins everywhere", "as-coded"), "stands"] == "yes"
    assert list(audit.shown_sweep(frame)["scale"]) == ["", "1000 examples, 3 of 10 epochs"]
    panels = audit_figure.draw(frame).axes
    assert [panel.get_title(loc="left") for panel in panels] == [
        "", "trec6: full scale", "trec6: 1000 examples, 3 of 10 epochs",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("coded", "without", "cause"),
    [
        ((43.5, 45.0), (44.0, 45.0), "yes"), ((43.5, 45.0), (95.0, 95.0), "no: the artefacts"),
        ((43.5, 95.0), (44.0, 95.0), "no: the rate"), ((43.5, 45.0), (44.0, 95.0), "no: both together"),
        ((43.5, 95.0), (95.0, 95.0), "no: the artefacts or the rate"),
    ],
)  # fmt: skip
def test_the_collapse_is_laid_to_what_takes_it_away(coded, without, cause):
    frame = []
    for variant, values in (("", coded), ("double_decay=False,bursts=False", without)):
        for factor, value in zip((1.0, 256.0), values):
            frame += rows_of("trec6", "STLR+Discriminative", [value], part="sweep", variant=variant, factor=factor)
    table = headlines.verdicts(pd.DataFrame(frame)).set_index("protocol")
    assert table.loc["as-coded, switches", "stands"] == cause


def test_a_strategy_that_diverges_is_not_as_good_as_the_best():
    frame = rows_of("t", "A", [90.0, 91.0, 90.0]) + rows_of("t", "B", [90.0, math.nan, math.nan])
    frame += rows_of("t", "C", [50.0, 51.0, 50.0]) + rows_of("t", "D", [90.1, 90.9, 89.9])
    assert headlines.indistinguishable(pd.DataFrame(frame)) == ["A", "D"]


def test_a_scale_is_one_table_in_which_no_run_stands_twice(tmp_path):
    tiny = Benchmark(
        tasks=("synthetic",), strategies=("AdamW", "DALS"), seeds=2, epochs=1, examples=40, factors=(1.0, 4.0),
        device="cpu",
    )  # fmt: skip
    coded = replace(tiny, protocol="as-coded")
    store = Store(tmp_path / "cells")
    with Compute(store, 1) as compute:
        frame = scales.Scale((coded, tiny), (tiny,), (replace(coded, lrs=(0.5,)),)).run(compute)
    assert not frame.duplicated(scales.IDENTITY).any()
    sizes = frame.groupby(["part", "role"]).size().to_dict()
    switched = len([artefact for artefact in audit.ARTEFACTS if artefact.strategy == "DALS"])
    assert sizes == {
        ("table", "final"): 4, ("fair", "tuning"): 4, ("fair", "final"): 4, ("switch", "final"): 2 * switched,
        ("sweep", "final"): 4,
    }  # fmt: skip
    assert len(audit.effects(frame)) == switched


def test_a_scale_is_one_command(tmp_path, capsys, monkeypatch):
    tiny = Benchmark(tasks=("synthetic",), strategies=("AdamW", "DALS"), seeds=1, epochs=1, examples=40, factors=(1.0,))
    monkeypatch.setitem(scales.SCALES, "cpu", scales.Scale((replace(tiny, protocol="as-coded"),), (tiny,)))
    command = ["--scale", "cpu", "--workers", "1", "--out", str(tmp_path)]
    assert main(command) == 0
    out, err = lines(capsys)
    assert "Published headlines:" in out
    assert "Synthetic: another scale (examples 40 and epochs 1) than" in err
    first = (tmp_path / "benchmark.csv").read_bytes()
    assert main(command) == 0  # from what is stored
    assert (tmp_path / "benchmark.csv").read_bytes() == first
    assert main([*command, "--seeds", "2"]) == 2
    assert "--scale says what is run" in capsys.readouterr().err


def test_a_paired_difference_is_found_and_an_equal_one_is_not():
    frame = pd.DataFrame(
        rows_of("t", "AdamW", [90.0, 91.0, 92.0])
        + rows_of("t", "DALS", [92.0, 93.1, 94.0])
        + rows_of("t", "SAM", [90.1, 90.9, 92.1])
    )
    table = report.summary(frame).set_index("strategy")
    assert table.loc["DALS", "p"] < 0.01 < 0.5 < table.loc["SAM", "p"]
    assert table.loc["DALS", "versus_reference"] == pytest.approx(2.0333, abs=1e-3)
    assert headlines.indistinguishable(frame) == ["DALS"]


def test_figures_are_drawn_from_results(tmp_path):
    benchmark = Benchmark(
        protocol="as-described", tasks=("synthetic",), strategies=("AdamW", "DALS", "SAM"), seeds=2, epochs=2,
        examples=200, device="cpu",
    )  # fmt: skip
    frame = benchmark.table(Store(tmp_path / "cells"), 1)
    audited = frame[frame["strategy"] == "SAM"].assign(protocol="as-coded", part="table")
    pd.concat([frame.assign(part="described"), audited]).to_csv(tmp_path / "benchmark.csv", index=False)
    read = heat_map.data(tmp_path)
    assert set(read["protocol"]) == {"as-described"}  # a column of one strategy is the audit's
    assert len(heat_map.draw(read).axes) == 2
    assert [panel.get_legend().get_title().get_text() for panel in learning_curves_all.draw(read).axes] == [
        "generation 3", "generation 5, others", "DALS",
    ]  # fmt: skip
    assert len(taxonomy.draw(taxonomy.data()).axes) == 1
    assert set(taxonomy.data()["strategy"]) == set(strategies.names())
