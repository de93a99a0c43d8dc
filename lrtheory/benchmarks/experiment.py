"""The benchmark as an experiment: which runs a configuration asks for, and the table of their results."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
import pandas as pd
import torch

from lrtheory import tasks
from lrtheory.benchmarks import report
from lrtheory.benchmarks.chosen import checked_strategies, checked_tasks, strategy_of, task_of
from lrtheory.benchmarks.protocols import PROTOCOLS, Protocol
from lrtheory.benchmarks.published import THRESHOLDS
from lrtheory.benchmarks.training import Run, fast_bfloat16
from lrtheory.benchmarks.variant import Variant
from lrtheory.checks import checked_positive
from lrtheory.optim import strategies
from lrtheory.optim.strategies import Strategy
from lrtheory.runs import Compute, Experiment, Store
from lrtheory.runs.definition import Definition
from lrtheory.runs.store import StoreError
from lrtheory.tasks import Task


@final
@dataclass(frozen=True)
class Benchmark(Experiment):
    """Which runs ``python -m lrtheory.benchmark`` makes.

    Args:
        protocol: The protocol: fair, as-described or as-coded.
        tasks: Names of tasks; one of your own as my_tasks.py:MyTask or package.module:Name (a class or an object).
        strategies: Names of strategies; one of your own as my.py:MyStrategy or package.module:Name (a class or an object).
        seeds: The number of seeds, which are 0, 1, 2, ...
        factors: The declared grid of fair: multiples of each strategy's default rate.
        lrs: Rates in place of the grid (fair) or of the default (the other protocols, with one row per rate).
        grow: The largest number of further rates, one after the other, while the best is at an end of the grid of fair.
        epochs: The number of epochs; 0 for that of the protocol.
        examples: The largest number of training and of test examples; 0 for all.
        encoder: The pretrained encoder of the text tasks, a folder or a name; auto for DistilBERT or what LRTHEORY_DATA has.
        device: The device: cpu, cuda, or auto for cuda where there is one.
        precision: The precision: float32, bfloat16, or auto for bfloat16 on cuda, and on a CPU that has it in
            hardware where that is faster.
    """

    needs: ClassVar = {"torch": "torch"}

    protocol: str = "fair"
    tasks: tuple[str | Task | Definition, ...] = tasks.FIVE
    strategies: tuple[str | Strategy | Definition, ...] = strategies.names()
    seeds: int = 3
    factors: tuple[float, ...] = (1 / 64, 1 / 16, 1 / 4, 1.0, 4.0, 16.0, 64.0)
    lrs: tuple[float, ...] = ()
    grow: int = 0
    epochs: int = 0
    examples: int = 0
    encoder: str = "auto"
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        _one_of("protocol", self.protocol, PROTOCOLS)
        _one_of("device", self.device, ("auto", "cpu", "cuda"))
        _one_of("precision", self.precision, ("auto", "float32", "bfloat16"))
        object.__setattr__(self, "strategies", checked_strategies(self.strategies))
        for field, least in (("seeds", 1), ("grow", 0), ("epochs", 0), ("examples", 0)):
            if getattr(self, field) < least:
                raise ValueError(f"{field} must be at least {least}, not {getattr(self, field)}.")
        if 0 < self.examples < 20:
            raise ValueError(f"examples must be at least 20 so that some can be held out, not {self.examples}.")
        for factor in self.factors:
            checked_positive("factor", factor)
        for lr in self.lrs:
            checked_positive("lr", lr)
        taken = dict.fromkeys(map(self.rules.task, checked_tasks(self.tasks)))
        object.__setattr__(self, "tasks", tuple(taken))
        for made in (task.value for task in taken if isinstance(task, Definition)):
            if self.protocol not in made.settings:
                known = ", ".join(made.settings) or "none"
                raise ValueError(
                    f"the task {made.name} has no settings for the protocol {self.protocol}, but for: {known}."
                )

    @classmethod
    def quick(cls) -> Self:
        """One task at a reduced scale, two seeds and three rates."""
        return cls(tasks=("synthetic",), seeds=2, factors=(1 / 4, 1.0, 4.0), epochs=4, examples=1000)

    @property
    def rules(self) -> Protocol:
        """What the protocol says."""
        return PROTOCOLS[self.protocol]

    def cells(self) -> list[Run]:
        """The runs as far as they are known before any is made; a rate that is to be chosen is the default one."""
        return self.rules.cells(self)

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row per run, as the protocol makes them: see :mod:`lrtheory.benchmarks.protocols`."""
        return self.rules.run(self, compute)

    def cell(
        self,
        task: Any,
        strategy: Any,
        *,
        lr: float,
        seed: int = 0,
        variant: Variant = Variant(),  # noqa: B008  # frozen
    ) -> Run:
        """One run of the benchmark: of a task and a strategy as ``tasks`` and ``strategies`` hold them."""
        made = task_of(task, self.encoder)
        settings = made.settings[self.protocol]
        device, precision = self.device, self.precision
        if device == "auto":
            device = "cuda" if torch.cuda.is_available() else "cpu"
        if precision == "auto":
            precision = "bfloat16" if device == "cuda" or (made.mixed and fast_bfloat16()) else "float32"
        return Run(
            task, self.protocol, strategy, variant, seed, lr, self.epochs or settings.epochs, settings.batch,
            self.examples, made.encoder, device, precision,
        )  # fmt: skip

    def default_lr(self, task: Any, strategy: Any) -> float:
        """The base rate of a strategy on a task under the protocol: the paper's, or the program's.

        Example:
            >>> round(Benchmark(protocol="as-coded").default_lr("trec6", "AdamW"), 7)
            3e-05
        """
        return self.rules.default_lr(strategy_of(strategy), task_of(task, self.encoder))

    def grid(self, task: Any, strategy: Any) -> tuple[float, ...]:
        """The rates that are tried where the protocol tunes them."""
        return self.lrs or tuple(factor * self.default_lr(task, strategy) for factor in self.factors)

    def rows(self, runs: Sequence[Run], results: Sequence[dict[str, Any]], role: str, store: Store) -> pd.DataFrame:
        """Results as a table, accuracies in per cent; a diverged run has no last one, and its best is of the epochs before."""
        table = []
        for run, result in zip(runs, results):
            test, held = result["test"], result["validation"]
            last = not result["diverged"]
            settings = task_of(run.task, run.encoder or "auto").settings[run.protocol]
            memory = result["peak_memory"]
            row: dict[str, Any] = {
                "task": str(run.task), "protocol": run.protocol, "strategy": str(run.strategy), "variant": str(run.variant),
                "seed": run.seed, "lr": run.lr, "factor": run.lr / self.default_lr(run.task, run.strategy),
                "role": role, "edge": False, "metric": f"{self.rules.metric} test accuracy",
                "best": max(test, default=np.nan), "last": test[-1] if last else np.nan,
                "validation": held[-1] if held and last else np.nan, "diverged": result["diverged"],
                **{f"epochs_to_{level}": epochs_to(test, level) for level in THRESHOLDS},
                "seconds": result["seconds"], "peak_memory": np.nan if memory is None else memory, "device": run.device,
                "precision": run.precision, "encoder": Path(run.encoder).name, "epochs": run.epochs,
                "full_epochs": settings.epochs, "batch": run.batch, "examples": run.examples,
                "versions": _versions(store, run),
                "curve": " ".join(f"{value:.2f}" for value in test) if role == "final" else "",
            }  # fmt: skip
            table.append(row)
        return pd.DataFrame(table)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """Means over the seeds with their intervals, tests against AdamW, and the published numbers."""
        return report.shown(report.summary(frame))


def _one_of(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}, not {name!r}.")


def check_device(device: str) -> None:
    """Check that this machine has the device.

    Raises:
        ValueError: it has none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is cuda, but there is none here; use cpu.")


def _versions(store: Store, run: Run) -> str:
    """What a stored result was made with."""
    record = store.record(store.path(run).name)
    if isinstance(record, str):
        raise StoreError(
            f"{store.path(run)} {record}; it was changed a moment ago. The same command computes it again."
        )
    return ", ".join(f"{package} {version}" for package, version in record.versions.items())


def epochs_to(test: Sequence[float], level: float) -> float:
    """The first epoch, from 1, after which the accuracy is at least ``level``; NaN where none is.

    Example:
        >>> epochs_to([55.0, 91.0, 88.0], 90), epochs_to([55.0], 90)
        (2.0, nan)
    """
    return next((float(epoch) for epoch, value in enumerate(test, start=1) if value >= level), np.nan)
