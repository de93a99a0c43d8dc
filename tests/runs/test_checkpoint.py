"""A run that is killed and goes on ends where one ends that is never killed."""

import hashlib
import io
from dataclasses import replace

import pytest

pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")

import torch

from lrtheory import tasks
from lrtheory.benchmarks import training
from lrtheory.benchmarks.experiment import Benchmark
from lrtheory.benchmarks.training import train
from lrtheory.optim import strategies
from lrtheory.runs import Store, checkpoint, execute
from lrtheory.runs.__main__ import main as runs
from lrtheory.runs.cell import canonical, describe
from lrtheory.runs.store import versions

TIMED = {"seconds", "peak_memory"}
STEPS = 2 * 6
"""Two epochs of 90 examples in batches of 16."""


class Killed(BaseException):
    pass


def run_with(strategy, **changes):
    benchmark = Benchmark(device="cpu", epochs=2, examples=100)
    return replace(benchmark.cell("synthetic", strategy, lr=benchmark.default_lr("synthetic", strategy)), **changes)


def numbers(result):
    return {name: result[name] for name in result.keys() - TIMED}


def train_until_killed(monkeypatch, run, path, saves):
    """Train until the process is killed, as it were, right after so many checkpoints, one a step."""
    real, left = checkpoint.save, saves

    def save(*arguments):
        nonlocal left
        real(*arguments)
        left -= 1
        if left == 0:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(checkpoint, "save", save)
        with pytest.raises(Killed):
            train(run, path, every=0)


@pytest.mark.parametrize("strategy", strategies.names())
def test_every_strategy_goes_on_to_the_bit(tmp_path, monkeypatch, strategy):
    run, path = run_with(strategy, batch=16), tmp_path / "run.checkpoint"
    whole = train(run)
    for steps in (1, 6, 4):  # within the first epoch, in the second, at its last but one step
        train_until_killed(monkeypatch, run, path, steps)
    reached = checkpoint.load(path, run)
    assert (reached["progress"]["batches"], len(reached["progress"]["curves"]["loss"])) == (5, 1)
    assert numbers(train(run, path)) == numbers(whole)


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_any_step_will_do_with_noise_of_every_kind(tmp_path, monkeypatch, step):
    """Augmentation draws from the generator of the order, dropout from torch's own."""
    real = tasks.get

    def noisy(name, **options):
        task = real(name, **options)
        return replace(
            task,
            settings={name: replace(setting, augment=True) for name, setting in task.settings.items()},
            augment=lambda inputs, order: inputs + torch.randn(inputs.shape, generator=order),
            maker=lambda: torch.nn.Sequential(torch.nn.Dropout(0.5), task.model()),
        )

    monkeypatch.setattr(tasks, "get", noisy)
    run, path = run_with("AdamW", batch=16, seed=step), tmp_path / "run.checkpoint"
    whole = train(run)
    train_until_killed(monkeypatch, run, path, step)
    torch.manual_seed(99)  # another process has another state
    assert numbers(train(run, path)) == numbers(whole)


def test_a_checkpoint_is_kept_until_the_result_is(tmp_path, monkeypatch):
    store, run = Store(tmp_path), run_with("SAM")
    monkeypatch.setitem(train.__kwdefaults__, "every", 0.0)
    result = run.resume(store.checkpoint(run))
    assert store.checkpoint(run).is_file()
    execute([run], store, workers=1)
    assert numbers(store.load(run)) == numbers(result)
    assert not store.checkpoint(run).exists()
    assert runs(["verify", str(tmp_path)]) == 0


@pytest.mark.parametrize("damage", [lambda text: text[:-1], lambda text: text[:200] + b"?" + text[201:], lambda _: b""])
def test_a_damaged_checkpoint_is_named_set_aside_and_not_used(tmp_path, capsys, monkeypatch, damage):
    store, run = Store(tmp_path), run_with("AdamW")
    whole, path = train(run), store.checkpoint(run)
    train_until_killed(monkeypatch, run, path, 1)
    path.write_bytes(damage(path.read_bytes()))
    assert runs(["verify", str(tmp_path)]) == 1
    assert f"checkpoints/{path.name} is not a checkpoint" in capsys.readouterr().out
    assert numbers(train(run, path)) == numbers(whole)
    assert "the cell starts again" in capsys.readouterr().err
    assert [found.suffix for found in path.parent.iterdir()] == [".damaged-1"]


def kept(state):
    """What a checkpoint of the right cell and versions holds, with a state of anybody's choice."""
    return {"cell": canonical(describe(run_with("AdamW"))).decode(), "versions": versions(), "state": state}


def changed(state, **progress):
    return kept(state | {"progress": state["progress"] | progress})


CRAFTED = {
    "a list": lambda state: [1, 2],
    "a tensor": lambda state: torch.ones(2),
    "nothing": lambda state: None,
    "a dictionary": lambda state: {"x": 1},
    "no state": lambda state: {"cell": kept(state)["cell"], "versions": versions()},
    "a cell that is a tensor": lambda state: kept(state) | {"cell": torch.ones(3)},
    "a state that is a number": lambda state: kept(1),
    "an empty state": lambda state: kept({}),
    "another model": lambda state: kept(state | {"model": {"weight": torch.ones(2)}}),
    "another optimizer": lambda state: kept(state | {"training": {}}),
    "another generator": lambda state: kept(state | {"generator": torch.ones(3)}),
    "another order": lambda state: changed(state, shuffled=torch.zeros(3, dtype=torch.uint8)),
    "too many batches": lambda state: changed(state, batches=10**6),
    "batches in words": lambda state: changed(state, batches="two"),
    "times in words": lambda state: changed(state, seconds="long"),
    "no curves": lambda state: changed(state, curves={}),
    "uneven curves": lambda state: changed(state, curves={"test": [1.0], "validation": [], "loss": []}),
    "curves of words": lambda state: changed(state, curves={"test": ["a"], "validation": ["a"], "loss": ["a"]}),
    "a total of two": lambda state: changed(state, total=torch.zeros(2)),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_checkpoint_that_is_whole_and_of_something_else_is_set_aside(tmp_path, capsys, monkeypatch, name):
    run, path = run_with("AdamW"), tmp_path / "x.checkpoint"
    whole = train(run)
    train_until_killed(monkeypatch, run, path, 3)
    buffer = io.BytesIO()
    torch.save(CRAFTED[name](checkpoint.load(path, run)), buffer)
    text = buffer.getvalue()
    path.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
    assert numbers(train(run, path)) == numbers(whole)
    assert "it is kept as x.damaged-1 and the cell starts again" in capsys.readouterr().err


def test_checkpoints_of_other_cells_and_versions_do_not_count(tmp_path, capsys, monkeypatch):
    path = tmp_path / "run.checkpoint"
    checkpoint.save(path, run_with("AdamW"), {"step": 1})
    assert checkpoint.load(path, run_with("AdamW")) == {"step": 1}
    assert checkpoint.load(path, run_with("Adam")) is None
    checkpoint.save(path, run_with("AdamW"), {"step": 1})
    monkeypatch.setattr(checkpoint, "versions", lambda: {"torch": "1.0"})
    assert checkpoint.load(path, run_with("AdamW")) is None
    assert capsys.readouterr().err.count("was made for another cell or with other versions") == 2


def test_nothing_in_a_checkpoint_is_executed(tmp_path, capsys):
    import hashlib
    import io

    class Trap:
        def __reduce__(self):
            return (print, ("executed",))

    buffer = io.BytesIO()
    torch.save({"cell": Trap()}, buffer)
    text = buffer.getvalue()
    path = tmp_path / "run.checkpoint"
    path.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)  # even one that checks
    assert checkpoint.load(path, run_with("AdamW")) is None
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "holds what no checkpoint holds (UnpicklingError)" in captured.err


def test_a_checkpoint_that_cannot_be_written_stops_nothing(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert numbers(train(run_with("AdamW"), tmp_path / "taken" / "x.checkpoint", every=0)) == numbers(
        train(run_with("AdamW"))
    )
    assert "no checkpoint of Run(" in capsys.readouterr().err


@pytest.mark.parametrize("tick", [7.0, 10.0])
def test_checkpoints_are_a_minute_apart(tmp_path, monkeypatch, tick):
    """Each look at the clock takes a tick: an epoch of six steps is shorter than a minute, or longer."""
    now, written = 0.0, []

    def clock():
        nonlocal now
        now += tick
        return now

    monkeypatch.setattr(training.time, "perf_counter", clock)
    monkeypatch.setattr(checkpoint, "save", lambda *_: written.append(now))
    train(run_with("AdamW", batch=16), tmp_path / "x.checkpoint")
    assert 1 <= len(written) <= STEPS // 5
