"""A schedule, an experiment and a figure from outside the package: one class and one line each, and everything knows them."""

import json
import os
import subprocess
import sys

import pandas as pd

from lrtheory.runs.record import Record
from lrtheory.runs.store import Store

MINE = '''
from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures import FIGURES
from lrtheory.figures.registry import FigureEntry
from lrtheory.runs import Cell, Experiment
from lrtheory.runs.experiment import ExperimentEntry
from lrtheory.schedules import FAMILIES, Cosine, Schedule
from lrtheory.sweeps import EXPERIMENTS


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
'''


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
