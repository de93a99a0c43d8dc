"""The three protocols: which runs each makes of a benchmark, and which accuracy it reports.

*fair*, the default: every strategy gets the same number of rates, its own default times a fixed set of factors, and by the
same rule more of them (``grow``) while its best is at an end; the rate with the best last-epoch accuracy on held-out training
examples (one seed) is run with every seed, and the last epoch's test accuracy is reported. The test set chooses nothing.

*as-described*: the paper's text. Its rates, its epochs, the best test accuracy over the epochs.

*as-coded*: the published program, its errors included: its own task, no augmentation, double layer decay, rates stepped in
bursts, restarts counted in iterations, and the best test accuracy over the epochs. ``python -m lrtheory.benchmark --audit``
switches these on and off one by one.
"""

from abc import ABC
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar, final

import numpy as np
import pandas as pd

from lrtheory.optim.strategies import Strategy
from lrtheory.runs.definition import Definition
from lrtheory.tasks import Task

if TYPE_CHECKING:
    from lrtheory.benchmarks.experiment import Benchmark
    from lrtheory.benchmarks.training import Run
    from lrtheory.runs import Compute


@dataclass(frozen=True)
class Protocol(ABC):
    """How a benchmark is run, and what of a run is reported."""

    name: ClassVar[str]
    """What cells and tables call it."""
    part: ClassVar[str]
    """What the column ``part`` of the audit's table calls its runs."""
    metric: ClassVar[str] = "best"
    """Which test accuracy is reported: the ``best`` over the epochs, or that of the ``last``."""
    holds_out: ClassVar[bool] = False
    """Whether training examples are held out for validation."""
    as_coded: ClassVar[bool] = False
    """Whether strategies follow the published program."""

    def __str__(self) -> str:
        return self.name

    def task(self, given: str | Definition) -> str | Definition:
        """The task that the protocol runs in the place of another; the same one by default."""
        return given

    def default_lr(self, strategy: Strategy, task: Task) -> float:
        """The base rate of a strategy on a task: the paper's."""
        return strategy.lr[task.family]

    def cells(self, benchmark: "Benchmark") -> "list[Run]":
        """The runs as far as they are known before any is made: every strategy at its default rate, or at those given."""
        return [
            benchmark.cell(task, strategy, lr=lr, seed=seed)
            for task in benchmark.tasks
            for strategy in benchmark.strategies
            for lr in benchmark.lrs or (benchmark.default_lr(task, strategy),)
            for seed in range(benchmark.seeds)
        ]

    def run(self, benchmark: "Benchmark", compute: "Compute") -> pd.DataFrame:
        """One row per run: those of :meth:`cells`."""
        wanted = self.cells(benchmark)
        return benchmark.rows(wanted, compute(wanted), "final", compute.store)


@final
@dataclass(frozen=True)
class Fair(Protocol):
    """Rates tuned alike for all on held-out examples; the accuracy after the last epoch."""

    name = "fair"
    part = "fair"
    metric = "last"
    holds_out = True

    def cells(self, benchmark: "Benchmark") -> "list[Run]":
        """Those of the declared grid, then every seed of its default rate, which stands for the one that will be chosen."""
        return list(dict.fromkeys([*self._tried(benchmark), *super().cells(replace(benchmark, lrs=()))]))

    def _tried(self, benchmark: "Benchmark") -> "list[Run]":
        return [
            benchmark.cell(task, strategy, lr=lr)
            for task in benchmark.tasks
            for strategy in benchmark.strategies
            for lr in benchmark.grid(task, strategy)
        ]

    def run(self, benchmark: "Benchmark", compute: "Compute") -> pd.DataFrame:
        """One row per run: those that chose the rate (``tuning``) and those that count (``final``)."""
        tried = self._tried(benchmark)
        tuning = benchmark.rows(tried, compute(tried, phase="tuning"), "tuning", compute.store)
        for _ in range(benchmark.grow):
            beyond = [replace(tried[place], lr=lr) for place, lr in beyond_ends(tuning).items()]
            if not beyond:
                break
            tried += beyond
            more = benchmark.rows(beyond, compute(beyond, phase="tuning beyond"), "tuning", compute.store)
            tuning = pd.concat([tuning, more], ignore_index=True)
        chosen = [tried[place] for place in best_rates(tuning).index]
        wanted = [replace(run, seed=seed) for run in chosen for seed in range(benchmark.seeds)]
        final = benchmark.rows(wanted, compute(wanted, phase="all seeds"), "final", compute.store)
        return pd.concat([tuning, final.assign(edge=ends_grid(tuning, final))], ignore_index=True)


@final
@dataclass(frozen=True)
class AsDescribed(Protocol):
    """The text of the paper."""

    name = "as-described"
    part = "described"


@final
@dataclass(frozen=True)
class AsCoded(Protocol):
    """The published program, its errors included."""

    name = "as-coded"
    part = "table"
    as_coded = True

    def task(self, given: str | Definition) -> str | Definition:
        """What the published column calls synthetic is another task."""
        return "synthetic-as-coded" if given == "synthetic" else given

    def default_lr(self, strategy: Strategy, task: Task) -> float:
        """The base rate of a strategy on a task: the program's."""
        return task.lr_factor_as_coded * strategy.coded(task.family)["lr"]


PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in (Fair(), AsDescribed(), AsCoded())}
"""The protocols by name."""


def best_rates(tuning: pd.DataFrame) -> pd.DataFrame:
    """For each task and strategy the row of the best last validation accuracy; of equals, that nearest to the default."""
    score = tuning["validation"].fillna(-1.0)
    distance = np.abs(np.log(tuning["factor"]))
    ordered = tuning.assign(score=-score, distance=distance).sort_values(["score", "distance"], kind="stable")
    return ordered.groupby(["task", "strategy"], sort=False).head(1).sort_index()[tuning.columns]


def beyond_ends(tuning: pd.DataFrame) -> dict[int, float]:
    """For each best rate at an end of three or more tried, by its place in the table, the next rate of the geometric grid."""
    beyond = {}
    best = best_rates(tuning)
    for place, row in best[ends_grid(tuning, best)].iterrows():
        of_pair = (tuning["task"] == row["task"]) & (tuning["strategy"] == row["strategy"])
        tried = np.sort(tuning.loc[of_pair, "lr"].unique())
        beyond[place] = float(tried[0] ** 2 / tried[1] if row["lr"] == tried[0] else tried[-1] ** 2 / tried[-2])
    return beyond


def ends_grid(tuning: pd.DataFrame, final: pd.DataFrame) -> np.ndarray:
    """For each final run whether its rate is the smallest or largest of three or more tried: a better one may lie outside."""
    tried = tuning.groupby(["task", "strategy"])["lr"].agg(["min", "max", "size"])
    tried = tried.loc[list(zip(final["task"], final["strategy"]))].reset_index(drop=True)
    lr = final["lr"].reset_index(drop=True)
    return ((tried["size"] > 2) & ((lr == tried["min"]) | (lr == tried["max"]))).to_numpy()
