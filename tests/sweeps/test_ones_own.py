"""What is added from outside the package is one class and one line each, and everything knows it.

Here a schedule, a theorem, an experiment, a figure, a strategy and a task; ``tests/benchmarks/test_outside.py`` has more on the
last two, and ``tests/theory/test_proofs.py`` on theorems.
"""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from lrtheory.runs.record import Record
from lrtheory.runs.store import Store

MINE = '''
from dataclasses import dataclass

import pandas as pd
import sympy
from matplotlib.figure import Figure

from lrtheory.figures import FIGURES
from lrtheory.figures.registry import FigureEntry
from lrtheory.runs import Cell, Experiment
from lrtheory.runs.experiment import ExperimentEntry
from lrtheory.schedules import FAMILIES, Cosine, Schedule
from lrtheory.sweeps import EXPERIMENTS
from lrtheory.theorems import Theorem, register


@dataclass(frozen=True, repr=False)
class Arch(Schedule):
    height: float = 1.0

    @property
    def formula(self):
        return f"(1 - u**2)*{self.height}"


FAMILIES["Arch"] = Arch


@dataclass(frozen=True)
class Total(Cell):
    schedule: Schedule
    horizon: int

    def compute(self):
        return {"total": float(self.schedule.steps(self.horizon).sum())}


@dataclass(frozen=True)
class Travel(Experiment):
    """Which sums are computed.

    Args:
        schedules: The shapes.
        horizon: Number of steps.
    """

    schedules: tuple[Schedule, ...] = (Cosine(), Arch())
    horizon: int = 30

    @classmethod
    def quick(cls):
        return cls(horizon=3)

    def run(self, compute):
        cells = [Total(schedule, self.horizon) for schedule in self.schedules]
        first = compute(cells, phase="first")
        longer = [Total(schedule, round(2 * found["total"])) for schedule, found in zip(self.schedules, first)]
        rows = zip(map(repr, self.schedules), first, compute(longer, phase="then"))
        return pd.DataFrame([{"schedule": name, **one, "longer": other["total"]} for name, one, other in rows])

    @staticmethod
    def summary(frame):
        return frame.round(3)


EXPERIMENTS["travel"] = ExperimentEntry("How far do the steps of a schedule go?", lambda: Travel)


class Drawn:
    @staticmethod
    def data(folder):
        return pd.read_csv(folder / "travel.csv")

    @staticmethod
    def draw(frame):
        figure = Figure()
        figure.subplots().bar(frame["schedule"], frame["total"])
        return figure


FIGURES["travel"] = FigureEntry(("travel",), lambda: Drawn)

register(Theorem(
    "arch", "An arch is `3/2` of a triangle.", "proved", "Derived here.", "mine",
    proof=lambda: {"1": 2 * sympy.integrate(Arch().expr, (*Arch().expr.free_symbols, 0, 1)) - sympy.Rational(4, 3)},
))
'''

TRAINED = """
import torch
from torch import nn

from lrtheory.optim.strategies import Strategy, Training
from lrtheory.tasks import Examples, Settings, Task


class Plain(Strategy):
    name = "Plain"
    lr = {"vision": 0.1, "text": 0.01}

    def make(self, model, setting):
        return Training(torch.optim.SGD(model.parameters(), lr=setting.lr))


class Sides(Task):
    name, title, family, classes = "sides", "Sides", "vision", 2
    settings = {"fair": Settings(epochs=2, batch=20)}

    def load(self, seed):
        points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
        labels = (points[:, 0] > 0).long()
        return Examples(points[:100], labels[:100]), Examples(points[100:], labels[100:])

    def model(self):
        return nn.Linear(2, 2)
"""


def run(folder, command, *arguments):
    code = f"import mine, sys; from lrtheory.{command} import main; sys.exit(main(sys.argv[1:]))"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def test_a_schedule_an_experiment_and_a_figure_of_ones_own(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    assert "How far do the steps of a schedule go?" in run(tmp_path, "sweep", "--help").stdout
    shown = run(tmp_path, "sweep", "travel", "--help").stdout
    assert "Number of steps. Default: 30." in shown
    assert "The shapes. Default: Cosine() Arch(1)." in " ".join(shown.split())
    done = run(tmp_path, "sweep", "travel", "--schedules", "Arch(0.5)", "arch", "--horizon", "100", "--out", "out")
    assert (done.returncode, done.stderr.splitlines()[0]) == (0, "Written:")
    assert [line.split()[0] for line in done.stdout.splitlines()[2:]] == ["Arch(0.5)", "Arch(1)"]
    frame = pd.read_csv(tmp_path / "out" / "travel.csv")
    assert frame["schedule"].tolist() == ["Arch(0.5)", "Arch(1)"]
    assert {path.name for path in (tmp_path / "out").glob("travel.*")} == {
        "travel.csv", "travel.json", "travel.png", "travel.pdf",
    }  # fmt: skip
    record = json.loads((tmp_path / "out" / "travel.json").read_text())
    assert record["command"] == "python -m lrtheory.sweep travel --schedules 'Arch(0.5)' 'Arch(1)' --horizon 100"
    assert record["cells"] == 4  # of both phases
    stored = dict(Store(tmp_path / "out" / "cells").records())
    assert len(stored) == 4
    assert all(isinstance(each, Record) and each.kind == "Total" for each in stored.values())


def test_a_figure_of_ones_own_is_drawn_from_the_table_that_its_command_computes(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    done = run(tmp_path, "figures.__main__", "travel", "--recompute", "--out", "drawn")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["drawn/travel.png", "drawn/travel.pdf"]
    assert b"made by python -m lrtheory.sweep travel, cells 4 " in (tmp_path / "drawn" / "travel.png").read_bytes()


def test_a_schedule_of_ones_own_is_under_the_laws_and_in_their_table_and_figure(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    done = run(tmp_path, "sweep", "rho", "--quick", "--schedules", "Arch(2)", "Polynomial(1)", "--out", "out")
    assert done.returncode == 0, done.stderr
    frame = pd.read_csv(tmp_path / "out" / "rho.csv")
    arch, line = (frame[frame["schedule"] == name] for name in ("Arch(2)", "Polynomial(1)"))
    assert (arch["degree"] == 1).all()  # it ends like 1 - u
    assert arch["law"].iloc[-1] == pytest.approx(line["law"].iloc[-1], rel=0.5)  # so both grow like rho^(1/3)
    assert b"Arch(2)" in (tmp_path / "out" / "rho.png").read_bytes()


def test_a_theorem_of_ones_own_is_checked_and_in_the_table_of_the_report(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    code = (
        "import mine; from lrtheory.theorems import THEOREMS; THEOREMS['arch'].check();"
        "from lrtheory.report import markdown, theorems; print(markdown.render(theorems.table()))"
    )
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "| An arch is `3/2` of a triangle. | proved |  | `mine` |" in done.stdout


def test_a_strategy_and_a_task_of_ones_own_are_in_the_tables_and_figures_of_the_benchmark(tmp_path):
    pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "trained.py").write_text(TRAINED)
    chosen = [
        "--strategies",
        "AdamW",
        "trained.py:Plain",
        "--tasks",
        "trained.py:Sides",
        "--factors",
        "1",
        "--seeds",
        "1",
    ]
    done = run(tmp_path, "benchmark", *chosen, "--device", "cpu", "--workers", "1", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert [line.split()[:2] for line in done.stdout.splitlines()[2:]] == [["sides", "AdamW"], ["sides", "Plain"]]
    assert "Plain" in (tmp_path / "out" / "results.tex").read_text()
    assert {path.name for path in (tmp_path / "out").glob("*.png")} == {
        "ranks.png",
        "learning_curves.png",
        "learning_curves_all.png",
    }
