"""What made the published numbers: each suspected artefact on and off, and each failure over its base rate.

All runs but those of the part ``fair`` follow the published program. The suspects are those of reading it: layers discounted
twice, rates moved in bursts, restarts counted in iterations, an adaptive form under the name of SAM, momentum as an average,
trust ratios applied after the momentum, a first step of rate zero; and, for each failure, a rate that is far off.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from statistics import median
from typing import Any, final

import pandas as pd

from lrtheory.benchmarks.chosen import task_of
from lrtheory.benchmarks.experiment import Benchmark
from lrtheory.benchmarks.published import ACCURACY, TASKS, accuracy
from lrtheory.benchmarks.report import measured, number, scale
from lrtheory.benchmarks.training import Run
from lrtheory.benchmarks.variant import Variant
from lrtheory.optim import strategies
from lrtheory.optim.dals import AS_PRINTED
from lrtheory.optim.layers import coarse_layer_names, layer_names
from lrtheory.runs import Compute
from lrtheory.statistics import holm, paired_p_value
from lrtheory.tasks import Task

FAILURE = 4.0
"""A published failure is a cell so many points or more below the median of its column."""

SWEEP = (1 / 4, 1.0, 4.0, 16.0, 64.0, 256.0)
"""Multiples of the program's rate at which each failure is run again."""


@dataclass(frozen=True)
class Artefact(ABC):
    """A place where the program departs from the paper or from the method it names.

    Args:
        name: The suspected artefact.
        strategy: The strategy that has it.
        variant: The switches that take it away.
    """

    name: str
    strategy: str
    variant: Variant

    @abstractmethod
    def departs(self, task: Task) -> bool:
        """Whether the program has the artefact on a task."""


@final
@dataclass(frozen=True)
class Switched(Artefact):
    """An artefact that some switches of the program's form turn on."""

    def departs(self, task: Task) -> bool:
        """Whether the program has one of the switches set otherwise."""
        coded = strategies.get(self.strategy).coded(task.family)
        return any(coded.get(name, False) != value for name, value in self.variant.switches)


@final
@dataclass(frozen=True)
class CoarseLayers(Artefact):
    """Layers counted by the children of a model, with blocks in pairs."""

    def departs(self, task: Task) -> bool:
        """Whether that is another division than by layers: some models have the same however they are counted."""
        model = task.model()
        return coarse_layer_names(model) != layer_names(model)


ARTEFACTS: tuple[Artefact, ...] = (
    Switched("layers discounted twice", "STLR+Discriminative", Variant.of(double_decay=False)),
    Switched("rates moved in bursts", "STLR+Discriminative", Variant.of(bursts=False)),
    Switched("discounted twice and in bursts", "STLR+Discriminative", Variant.of(double_decay=False, bursts=False)),
    CoarseLayers("layers by children, blocks in pairs", "STLR+Discriminative", Variant.of(coarse_layers=False)),
    CoarseLayers("layers by children, blocks in pairs", "Discriminative LR", Variant.of(coarse_layers=False)),
    Switched("restarts counted in iterations", "SGDR", Variant.of(counts_iterations=False)),
    Switched("adaptive SAM under the name of SAM", "SAM", Variant.of(adaptive=False)),
    Switched("adaptive SAM under the name of SAM", "SAM+Discriminative", Variant.of(adaptive=False)),
    Switched("momentum as an average", "Grokfast", Variant.of(averaged_momentum=False)),
    Switched("an average that starts at zero", "Grokfast", Variant.of(zero_start=False)),
    Switched("averaged momentum and from zero", "Grokfast", Variant.of(averaged_momentum=False, zero_start=False)),
    Switched("trust ratio after the momentum", "LARS", Variant.of(after_momentum=False)),
    Switched("a constant rate for LARS", "LARS", Variant.of(constant=False)),
    Switched("a first step of rate zero", "DALS", Variant.of(from_zero=False)),
    Switched("a first step of rate zero", "DALS-Fast", Variant.of(from_zero=False)),
    Switched("no warm-up", "DALS-Acc", Variant.of(warms_up=True)),
    Switched("other than the printed equations", "DALS", Variant.of(departures=AS_PRINTED)),
    Switched("other than the printed equations", "DALS-Fast", Variant.of(departures=AS_PRINTED)),
    Switched("other than the printed equations", "DALS-Acc", Variant.of(departures=AS_PRINTED)),
)
"""The suspects, in the order of the table."""


def failures(task: str) -> tuple[str, ...]:
    """The strategies that fail in a column of the published table.

    Example:
        >>> failures("trec6")
        ('Discriminative LR', 'Grokfast', 'STLR+Discriminative', 'SAM+Discriminative')
    """
    if task not in TASKS:
        return ()
    column = {name: accuracies[TASKS.index(task)] for name, accuracies in ACCURACY.items()}
    return tuple(name for name, value in column.items() if value <= median(column.values()) - FAILURE)


@dataclass(frozen=True)
class Audit:
    """The suspects of the published program, switched on and off.

    Args:
        benchmark: The tasks, strategies and budget; its protocol and rates do not count.
    """

    benchmark: Benchmark

    def run(self, compute: Compute) -> pd.DataFrame:
        """All runs: those as coded, and ``fair``, the same tasks under that protocol, in the column ``part``."""
        fair = replace(self.benchmark, protocol="fair", lrs=())
        return pd.concat([self.as_coded(compute), fair.run(compute).assign(part="fair")], ignore_index=True)

    def as_coded(self, compute: Compute) -> pd.DataFrame:
        """The runs that follow the published program, with a column ``part``.

        ``table``: every strategy as coded; ``switch``: an artefact taken away; ``sweep``: a failure at other rates, as coded
        and with the artefacts of its strategy taken away.
        """
        coded = replace(self.benchmark, protocol="as-coded", lrs=())
        parts = {"table": coded.run(compute)}
        wanted = {
            "switch": [
                run
                for task in coded.tasks
                for artefact in ARTEFACTS
                if artefact.strategy in coded.strategies and artefact.departs(task_of(task, coded.encoder))
                for run in _runs(coded, task, artefact.strategy, artefact.variant)
            ],
            "sweep": [
                run
                for task in coded.tasks
                for strategy in failures(str(task))
                if strategy in coded.strategies
                for factor in SWEEP
                for variant in (Variant(), _without_artefacts(strategy))
                for run in _runs(coded, task, strategy, variant, factor)
            ],
        }
        for part, runs in wanted.items():
            parts[part] = coded.rows(runs, compute(runs, phase=part), "final", compute.store)
        return pd.concat([part.assign(part=name) for name, part in parts.items() if len(part)], ignore_index=True)


@dataclass(frozen=True, eq=False)
class Effect:
    """What the runs say of one artefact on one task.

    Args:
        artefact: The artefact.
        task: The name of the task.
        kept: The final runs with it.
        without: The final runs without it.
    """

    artefact: Artefact
    task: str
    kept: pd.DataFrame
    without: pd.DataFrame

    @property
    def differences(self) -> pd.Series:
        """What the best accuracy gains without it, seed by seed."""
        return (self.without.set_index("seed")["best"] - self.kept.set_index("seed")["best"]).dropna()


def effects(frame: pd.DataFrame) -> list[Effect]:
    """Every artefact on every task for which there are runs."""
    final, found = frame[frame["role"] == "final"], []
    coded, switched = final[final["part"] == "table"], final[final["part"] == "switch"]
    for artefact in ARTEFACTS:
        mine, off = (runs[runs["strategy"] == artefact.strategy] for runs in (coded, switched))
        for task, without in off[off["variant"] == artefact.variant.text].groupby("task", sort=False):
            kept = mine[(mine["task"] == task) & mine["seed"].isin(without["seed"])]
            found.append(Effect(artefact, str(task), kept, without))
    return found


def shown_switches(frame: pd.DataFrame) -> pd.DataFrame:
    """What each artefact is worth: the program's best and last accuracy with it and without it, and the paired difference."""
    lines = []
    for effect in effects(frame):
        line = {"task": effect.task, "strategy": effect.artefact.strategy, "artefact": effect.artefact.name}
        for metric in ("best", "last"):
            line[f"{metric}, with"] = measured(effect.kept[metric])
            line[f"{metric}, without"] = measured(effect.without[metric])
        difference = effect.differences
        lines.append(
            line
            | {"difference": f"{round(difference.mean(), 1) + 0.0:+.1f}", "p": paired_p_value(difference.to_numpy())}
        )
    table = pd.DataFrame(lines)
    if len(table):
        table["p"] = [number(p, ".3f") for p in holm(table["p"])]
    return table


def shown_sweep(frame: pd.DataFrame) -> pd.DataFrame:
    """Each published failure at other base rates: the best accuracy, as coded and without the strategy's artefacts."""
    final, lines = frame[frame["part"] == "sweep"], []
    keys = ["task", "examples", "epochs", "strategy", "variant"]
    for (task, _, _, strategy, variant), group in final.groupby(keys, sort=False):
        line = {"task": task, "scale": scale(group), "strategy": strategy, "form": variant or "as coded"}
        line["published"] = number(_published(str(strategy), str(task)), ".1f")
        lines.append(line | {f"x {factor:g}": measured(part["best"]) for factor, part in group.groupby("factor")})
    return pd.DataFrame(lines)


def _runs(coded: Benchmark, task: Any, strategy: str, variant: Variant, factor: float = 1.0) -> list[Run]:
    lr = factor * coded.default_lr(task, strategy)
    return [coded.cell(task, strategy, lr=lr, seed=seed, variant=variant) for seed in range(coded.seeds)]


def _without_artefacts(strategy: str) -> Variant:
    """The variant of a strategy that takes most artefacts away at once."""
    return max((artefact.variant for artefact in ARTEFACTS if artefact.strategy == strategy), key=len)


def _published(strategy: str, task: str) -> float:
    value = accuracy(strategy, task)
    return math.nan if value is None else value
