"""Strategies and tasks from outside the package: what runs them, what tells their cells apart, and what is refused."""

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("torch", reason="the benchmark needs torch")
pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")

import torch
from torch import nn

from lrtheory.benchmark import main
from lrtheory.benchmarks import audit, experiment
from lrtheory.benchmarks.experiment import Benchmark
from lrtheory.benchmarks.published import ACCURACY
from lrtheory.benchmarks.training import Run
from lrtheory.benchmarks.variant import Variant
from lrtheory.figures import benchmark as heat_map
from lrtheory.figures import learning_curves_all, robustness
from lrtheory.figures.provenance import ids_digest
from lrtheory.optim.strategies import Strategy, Training
from lrtheory.report.benchmark import accuracy_table, columns
from lrtheory.runs import Store, cell_id
from lrtheory.runs.__main__ import main as runs
from lrtheory.runs.definition import ChangedError, Definition
from lrtheory.sweeps.robustness import Robustness
from lrtheory.tasks import Examples, Settings, Task

STRATEGY = '''
from dataclasses import dataclass

import torch

from lrtheory.optim.strategies import Strategy, Training
from lrtheory.optim.strategies.strategy import scheduled, trainable
from lrtheory.schedules import Cosine


@dataclass(frozen=True)
class Nadam(Strategy):
    """NAdam under a cosine."""

    beta: float = 0.9

    name = "NAdam"
    lr = {"vision": 3e-4, "text": 5e-5}

    def make(self, model, setting):
        optimizer = torch.optim.NAdam(trainable(model), lr=setting.lr, betas=(self.beta, 0.999))
        return Training(optimizer, scheduled(optimizer, setting, Cosine()))


SLOW = Nadam(beta=0.5)
'''

TASK = '''
import torch
from torch import nn

from lrtheory.tasks import Examples, FunctionTask, Settings, Task


class Rings(Task):
    """Is a point inside a circle?"""

    name, title, family, classes = "rings", "Rings", "vision", 2
    settings = {"fair": Settings(epochs=2, batch=20)}

    def load(self, seed):
        points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
        labels = (points.norm(dim=1) > 1.2).long()
        return Examples(points[:100], labels[:100]), Examples(points[100:], labels[100:])

    def model(self):
        return nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))


HALVES = FunctionTask("halves", "Halves", "vision", 2, Rings.settings, Rings().load, Rings().model)
WORDS = FunctionTask("words", "Words", "words", 2, Rings.settings, Rings().load, Rings().model)
'''


@pytest.fixture
def outside(tmp_path, monkeypatch):
    """A folder with a strategy and a task, whose modules are forgotten afterwards; and what commands share."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    number = len(list(tmp_path.parent.parent.iterdir()))
    names = f"mine_{tmp_path.name}_{number}", f"tasks_{tmp_path.name}_{number}"
    for name, text in zip(names, (STRATEGY, TASK)):
        Path(f"{name}.py").write_text(text)
    yield f"{names[0]}.py", f"{names[1]}.py"
    for name in names:
        sys.modules.pop(name, None)


def options(strategies, tasks, *more):
    return [
        "--strategies",
        *strategies,
        "--tasks",
        *tasks,
        "--seeds",
        "2",
        "--factors",
        "1",
        "4",
        "--device",
        "cpu",
        *more,
    ]


def test_files_of_ones_own_are_run_by_worker_processes_merged_and_drawn(outside, tmp_path, capsys):
    strategy, task = outside
    command = options([f"{strategy}:Nadam", "AdamW"], [f"{task}:Rings"])
    assert main([*command, "--workers", "2", "--out", "apart"]) == 0
    assert main([*command, "--workers", "1", "--out", "here"]) == 0
    tables = [
        pd.read_csv(Path(out) / "results.csv").drop(columns=["seconds", "peak_memory"]) for out in ("apart", "here")
    ]
    pd.testing.assert_frame_equal(*tables)
    assert set(tables[0]["strategy"]) == {"NAdam", "AdamW"}
    assert set(tables[0]["task"]) == {"rings"}
    assert runs(["merge", "both", "apart", "here"]) == 0
    assert len(list(Path("both/cells").glob("*.json"))) == len(list(Path("apart/cells").glob("*.json"))) == 6
    capsys.readouterr()
    assert main([*command, "--workers", "1", "--out", "both"]) == 0  # all read from what was merged
    assert len(list(Path("both/cells").glob("*.json"))) == 6
    record = next(each for _, each in Store(Path("both/cells")).records() if each.config["strategy"] == "NAdam")
    assert set(record.config["strategy_definition"]) == {"fields", "source"}


def test_a_changed_definition_is_another_cell_and_stops_workers_that_hold_the_first(outside, monkeypatch):
    strategy, task = outside
    first, again, slow = (Definition.read(f"{strategy}:{name}", Strategy) for name in ("Nadam", "Nadam", "SLOW"))
    cell = Benchmark(strategies=(first,), tasks=(Definition.read(f"{task}:HALVES", Task),)).cell
    assert first == again
    assert cell_id(cell("synthetic", first, lr=1.0)) == cell_id(cell("synthetic", again, lr=1.0))
    given = Definition.of(replace(first.value, beta=0.5))
    assert given.text == "NAdam(beta=0.5)"
    ids = {cell_id(cell("synthetic", each, lr=1.0)) for each in (first, slow, given, "AdamW")}
    assert len(ids) == 4
    Path(strategy).write_text(STRATEGY.replace("0.999", "0.99"))
    changed = replace(first, digest="0" * 64)
    assert cell_id(cell("synthetic", first, lr=1.0)) in ids  # as it was when it was imported
    with pytest.raises(ChangedError, match="changed while runs of it were under way: start the command again"):
        _ = changed.value
    gone = replace(first, module="nowhere_to_be_found")
    with pytest.raises(ChangedError, match="a worker process cannot import Nadam from the module nowhere_to_be_found"):
        _ = gone.value


def test_a_definition_changes_with_the_class_that_it_derives_from(outside):
    strategy, _ = outside
    base = Path(strategy).stem
    Path("derived.py").write_text(f"from {base} import Nadam\nclass Mine(Nadam):\n    name = 'Mine'\n")
    code = "from lrtheory.optim.strategies import Strategy; from lrtheory.runs.definition import Definition;"
    code += "print(Definition.read('derived.py:Mine', Strategy).digest)"

    def digest():
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
        return done.stdout

    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    first = digest()
    assert digest() == first
    Path(strategy).write_text(STRATEGY.replace("0.999", "0.99"))
    assert digest() != first


SCRIPT = """
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from lrtheory.runs.definition import Definition


@dataclass(frozen=True)
class Here:
    size: int = 1
    name = "Here"


def text(definition):
    return definition.text


if __name__ == "__main__":
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        print(pool.submit(text, Definition.of(Here(2))).result())
"""


def test_a_worker_process_finds_a_class_of_the_script_that_started_it(tmp_path):
    (tmp_path / "script.py").write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, tmp_path / "script.py"], capture_output=True, text=True, env=environment, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "Here(size=2)\n"), done.stderr


def test_a_strategy_of_ones_own_runs_through_the_sweep_over_wrong_rates(outside, monkeypatch):
    strategy, _ = outside
    sweep = Robustness(tasks=("synthetic",), strategies=("adamw", f"{strategy}:Nadam"), scale="tiny", seeds=1)
    assert sweep.strategies == ("AdamW", f"{strategy}:Nadam")
    monkeypatch.setattr(experiment, "_versions", lambda store, run: "")
    asked = Asked()
    assert set(sweep.run(asked)["strategy"]) == {"AdamW", "NAdam"}
    assert {str(cell.strategy) for cell in asked.cells} == {"AdamW", "NAdam"}
    with pytest.raises(ValueError, match="has no 'Nope'"):
        Robustness(strategies=(f"{strategy}:Nope",))


@dataclass(frozen=True)
class Nineteenth(Strategy):
    """Plain gradient descent under another name."""

    momentum: float = 0.0

    name = "The nineteenth"
    lr = {"vision": 0.1, "text": 0.01}  # noqa: RUF012

    def make(self, model, setting):
        return Training(torch.optim.SGD(model.parameters(), lr=setting.lr, momentum=self.momentum))


class Sides(Task):
    """Whether a coordinate is positive."""

    name, title, family, classes = "sides", "Sides", "vision", 2
    settings = dict.fromkeys(("fair", "as-coded"), Settings(epochs=2, batch=20))

    def load(self, seed):
        points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
        labels = (points[:, 0] > 0).long()
        return Examples(points[:100], labels[:100]), Examples(points[100:], labels[100:])

    def model(self):
        return nn.Linear(2, 2)


def test_objects_of_ones_own_run_from_python(tmp_path):
    mine = (Nineteenth(), Nineteenth(momentum=0.9), "adamw")
    benchmark = Benchmark(strategies=mine, tasks=(Sides(),), protocol="as-coded", seeds=1, device="cpu")
    frame = benchmark.table(Store(tmp_path), 1)
    assert frame["strategy"].tolist() == ["The nineteenth", "The nineteenth(momentum=0.9)", "AdamW"]
    assert frame["best"].between(0, 100).all()
    shown = benchmark.summary(frame)
    assert shown["generation"].tolist() == ["own", "own", 3]


def test_what_a_table_holds_decides_what_is_drawn():
    """A nineteenth strategy appears in every figure and table of strategies without another edit."""
    committed = heat_map.data()
    extra = committed[committed["strategy"] == "AdamW"].assign(strategy="The nineteenth")
    frame = pd.concat([committed, extra], ignore_index=True)
    assert frame["strategy"].nunique() == 19 == len(ACCURACY) + 1
    assert "The nineteenth" in _texts(heat_map.draw(frame))
    assert "The nineteenth" in _texts(learning_curves_all.draw(frame))
    final = frame[(frame["role"] == "final") & (frame["part"] == "fair") & (frame["variant"] == "")]
    assert "The nineteenth" in [row[0] for row in accuracy_table(columns(final)).rows]
    lost = robustness.data()
    frame = pd.concat([lost, lost[lost["strategy"] == "AdamW"].assign(strategy="The nineteenth")], ignore_index=True)
    assert "The nineteenth" in _texts(robustness.draw(frame))


def _texts(figure):
    shown = [text.get_text() for axes in figure.axes for text in (*axes.get_yticklabels(), *axes.texts)]
    legends = [axes.get_legend() for axes in figure.axes if axes.get_legend() is not None]
    return [*shown, *(text.get_text() for legend in legends for text in legend.get_texts())]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--strategies", "nowhere.py:Mine"], "there is no file nowhere.py."),
        (["--strategies", "{strategy}:Nadan"], "has no 'Nadan': did you mean Nadam?"),
        (["--strategies", "{strategy}:"], "names nothing: write my.py:Name or package.module:Name."),
        (["--strategies", "{strategy}:Cosine"], "is no strategy: it must be a class that derives from Strategy."),
        (["--tasks", "{strategy}:Nadam"], "is no task: it must be a class that derives from Task."),
        (["--strategies", "no.such:Mine"], "no.such cannot be imported: ModuleNotFoundError: No module named 'no'."),
        (["--strategies", "my-file.py:Mine"], "its name must be a Python identifier, such as my_strategy.py."),
        (["--strategies", "statistics.py:Mine"], "there is another module 'statistics'; rename the file."),
        (["--strategies", "broken.py:Mine"], "broken.py cannot be imported: ZeroDivisionError: division by zero."),
        (
            ["--tasks", "{task}:Rings", "--protocol", "as-coded"],
            "has no settings for the protocol as-coded, but for: fair.",
        ),
        (["--tasks", "{task}:WORDS"], "the family of words must be one of vision, text, not 'words'."),
        (["--strategies", "taken.py:Adam"], "is called 'AdamW' as one of the package's is: give it another name."),
        (["--strategies", "taken.py:Nameless"], "the strategy Nameless has no name."),
        (["--strategies", "taken.py:Poor"], "Poor has no base rate for 'text': lr has one for each family."),
    ],
)
def test_what_cannot_be_run_is_one_sentence(outside, tmp_path, capsys, arguments, sentence):
    Path("my-file.py").write_text("")
    Path("statistics.py").write_text("")
    Path("broken.py").write_text("1 / 0")
    sys.modules.pop("taken", None)
    Path("taken.py").write_text(
        "from lrtheory.optim.strategies import Strategy\n"
        "class Adam(Strategy):\n    name, lr = 'AdamW', {'vision': 1.0, 'text': 1.0}\n    def make(self, *_): ...\n"
        "class Nameless(Adam):\n    name = property()\n"
        "class Poor(Adam):\n    name, lr = 'Poor', {'vision': 1.0}\n"
    )
    strategy, task = outside
    assert main([each.format(strategy=strategy, task=task) for each in arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert sentence in err
    assert err.count("\n") == 1
    assert not Path("results").exists()


def test_objects_that_no_worker_could_import_are_refused():
    class Local(Nineteenth):
        pass

    class Sized(Nineteenth):
        def __init__(self):
            object.__setattr__(self, "size", 3)

    Sized.__qualname__, Sized.__dataclass_fields__ = "Sized", {}
    for given, message in (
        (Local(), "must be a class at the top level of a file"),
        (3, "3 is no strategy"),
        ("sgd", "did you mean 'Fixed SGD'"),
    ):
        with pytest.raises(ValueError, match=message):
            Benchmark(strategies=(given,))
    with pytest.raises(ValueError, match="made of functions, which have no name of their own"):
        Benchmark(tasks=(experiment.task_of("synthetic"),))


CELLS = {
    "fair": (432, "54f6c9753028b3f8f4563f4924eba6f58fa6cf4874f9cbb70ae8224e35d4fc0a"),
    "as-described": (108, "2854eaf01af08ae771b2c93ae05773f51109245b9749e6ae01959888531f1eb7"),
    "as-coded": (108, "db52b54d07c090f3a23ec83c201f5d02954cb10b03b91eef0d41e194b74a2c42"),
    "audit": (218, "08dbe9765d375772d61b102d76a193401cf48466831845add31e1957411ff9cf"),
}
"""How many cells, and the SHA-256 of their ids, as they were when the committed table was made."""


class Asked:
    """Notes which cells are asked for, and answers each in the same way."""

    store = Store(Path("nowhere"))

    def __init__(self):
        self.cells = {}

    def __call__(self, cells, **_):
        self.cells |= dict.fromkeys(cells)
        result = {
            "test": [50.0],
            "validation": [50.0],
            "loss": [0.5],
            "diverged": False,
            "seconds": 1.0,
            "peak_memory": None,
        }
        return [result] * len(cells)


@pytest.mark.parametrize("part", CELLS)
def test_the_ids_of_cells_are_those_of_the_committed_table(monkeypatch, part):
    monkeypatch.setattr(experiment, "_versions", lambda store, run: "")
    benchmark = Benchmark(tasks=("synthetic", "cifar10", "trec6-scratch"), device="cpu", precision="float32", seeds=2)
    asked = Asked()
    if part == "audit":
        audit.Audit(benchmark).as_coded(asked)
    else:
        replace(benchmark, protocol=part).run(asked)
    assert (len(asked.cells), ids_digest(map(cell_id, asked.cells))) == CELLS[part]


def test_the_id_of_a_variant_is_that_of_its_text():
    run = Run("cifar10", "as-coded", "DALS", Variant.of(departures=audit.AS_PRINTED), 0, 0.03, 50, 128)
    assert cell_id(run) == "c410b646c6e35a62e439655dadb5bd0ae1aae13c52dcd8401d1e27fbfdba1617"
