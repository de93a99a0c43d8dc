"""The command for a GPU: a dry run on the CPU, its time, what it foresees, and what it says where there is no GPU."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from lrtheory.benchmarks.experiment import Benchmark  # noqa: E402
from lrtheory.gpu.__main__ import main  # noqa: E402
from lrtheory.gpu.plan import PLAN  # noqa: E402
from lrtheory.runs import Compute, Store  # noqa: E402
from lrtheory.runs.executor import TimeOverError  # noqa: E402
from lrtheory.runs.pace import Pace  # noqa: E402
from lrtheory.runs.record import Record  # noqa: E402
from lrtheory.sweeps import residual_training  # noqa: E402
from lrtheory.tasks import cifar10 as images  # noqa: E402
from lrtheory.tasks.data import DataError  # noqa: E402
from tests.runs.cells import Square  # noqa: E402
from tests.sweeps.test_cifar10 import pictures  # noqa: E402, F401
from tests.sweeps.test_transformers import few, text  # noqa: E402, F401

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")


def stored(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "cells").glob("*.json"))


def results(folder: Path) -> dict[str, object]:
    """What is stored, but for what depends on the clock or the memory."""
    times = ("seconds", "times", "peak_memory")
    return {
        name: {key: value for key, value in record.result.items() if key not in times}
        for name, record in Store(folder / "cells").records()
        if isinstance(record, Record)
    }


@pytest.fixture
def data(pictures, text, few):  # noqa: F811
    """Images and a text that need no file, and two rates for language models."""


@pytest.fixture(scope="module")
def dry_run(tmp_path_factory):
    """All pieces at toy size, computed once."""
    return tmp_path_factory.mktemp("dry_run")


def test_a_dry_run_goes_through_every_piece_and_computes_nothing_twice(dry_run, data, capsys):
    assert main(["--dry-run", "--out", str(dry_run), "--workers", "1"]) == 0
    said = capsys.readouterr().out
    for name, piece in PLAN.items():
        assert f"{name}: {piece.purpose}; at most 9 minutes." in said
        for table, _ in piece.toy():
            assert (dry_run / f"{table}.csv").exists()
    before = stored(dry_run)
    assert main(["--dry-run", "--out", str(dry_run), "--workers", "1"]) == 0
    assert stored(dry_run) == before


def test_a_piece_stops_in_time_and_goes_on(dry_run, tmp_path, data, capsys):
    """A clock on which a cell takes ten million minutes, and a piece has time for four and a half of them."""
    arguments = ["--dry-run", "benchmark", "--out", str(tmp_path), "--workers", "1", "--minutes", "4.5e7"]
    counts = []
    for stops in (True, True, False):
        assert main(arguments, clock=lambda: 6e8 * len(stored(tmp_path))) == 0
        assert ("Run the same to go on." in capsys.readouterr().out) == stops
        counts.append(len(stored(tmp_path)))
    assert counts == [5, 10, 12]
    whole = results(dry_run)
    assert results(tmp_path) == {name: whole[name] for name in stored(tmp_path)}
    assert (tmp_path / "benchmark_synthetic_fair.csv").exists()


@pytest.mark.parametrize("name", PLAN)
def test_what_is_foreseen_is_what_is_asked_for(name, dry_run, data):
    for table, experiment in PLAN[name].toy():
        store = Store(dry_run / "cells")
        with Compute(store, 1) as compute:
            experiment.run(compute)
        # A tuned rate at an end of its grid has fewer of the wrong rates on the grid than the default in its middle.
        overlaps = 2 * len(experiment.strategies) if name == "robustness" else 0
        assert 0 <= len(store.asked) - len(experiment.cells()) <= overlaps, table


@pytest.mark.parametrize("name", PLAN)
def test_everything_at_full_size_is_for_a_gpu_and_each_cell_once(name):
    for table, experiment in PLAN[name].experiments():
        cells = experiment.cells()
        assert {getattr(cell, "device") for cell in cells} == {"cuda"}, table  # noqa: B009
        assert len(set(cells)) == len(cells) > 0


def test_a_shortened_cell_is_the_shortest_of_its_kind(data):
    cells = [cell for piece in PLAN.values() for _, experiment in piece.toy() for cell in experiment.cells()]
    shorter = [pair for cell in cells if (pair := cell.shortened()) is not None]
    assert len(shorter) > len(cells) / 2
    for short, factor in shorter:
        assert factor >= 1
        assert short.shortened() == (short, 1.0)


def test_the_rates_and_seeds_of_a_benchmark_do_not_make_its_time():
    fair = Benchmark(tasks=("synthetic",), strategies=("AdamW", "SAM"), device="cpu")
    found = {cell.strategy: cell.shortened() for cell in fair.cells()}
    steps = 80 * 6400 / 640  # epochs, examples, and those of ten steps
    assert {name: factor for name, (_, factor) in found.items()} == {"AdamW": steps, "SAM": 2 * steps}
    assert len({short for short, _ in found.values()}) == 1


def test_cells_that_would_not_end_in_time_are_not_begun(tmp_path):
    now = [0.0]
    pace = Pace(10.0, clock=lambda: now[0])
    pace.ended(Square(0), 4.0)
    store = Store(tmp_path)

    class Slow(Store):
        def save(self, cell, result, **more):
            super().save(cell, result, **more)
            now[0] += 4.0

    with (
        Compute(Slow(tmp_path), 1, pace=pace) as compute,
        pytest.raises(TimeOverError, match=r"^1 of 3 cells were not begun"),
    ):
        compute([Square(1), Square(2), Square(3)])
    assert [store.load(Square(number)) is not None for number in (1, 2, 3)] == [True, True, False]


@without_gpu
def test_without_a_gpu_it_says_so(tmp_path, capsys):
    assert main(["step_times", "--out", str(tmp_path)]) == 1
    assert "torch finds no CUDA device here" in capsys.readouterr().err
    assert not (tmp_path / "cells").exists()


@pytest.mark.parametrize("failure", [DataError("no images."), RuntimeError("out of memory")])
def test_what_fails_does_not_keep_others_from_running(failure, tmp_path, data, monkeypatch, capsys):
    def fail():
        raise failure

    monkeypatch.setattr(images, "load", fail)
    residual_training._setting.cache_clear()
    assert main(["--dry-run", "cifar10", "step_times", "--out", str(tmp_path)]) == 1
    assert (tmp_path / "step_times.csv").exists()
    assert str(failure) in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (["cifar100"], "'cifar100' is no piece; there are step_times, cifar10,"),
        (["--minutes", "0"], "minutes must be positive, not 0."),
        (["--workers", "0"], "workers must be at least 1, not 0."),
    ],
)
def test_bad_usage_is_one_sentence(given, sentence, tmp_path, capsys):
    assert main([*given, "--out", str(tmp_path)]) == 2
    assert sentence in capsys.readouterr().err
