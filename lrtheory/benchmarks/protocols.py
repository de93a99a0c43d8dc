"""Which runs there are: the three protocols, and what each reports.

*fair*, the default: every strategy gets the same number of rates, its own default times a fixed set of factors, and by the
same rule more of them (``grow``) while its best is at an end; the rate with the best last-epoch accuracy on held-out training
examples (one seed) is run with every seed, and the last epoch's test accuracy is reported. The test set chooses nothing.

*as-described*: the paper's text. Its rates, its epochs, the best test accuracy over the epochs.

*as-coded*: the published program, its errors included: its own task, no augmentation, double layer decay, rates stepped in
bursts, restarts counted in iterations, and the best test accuracy over the epochs. ``python -m lrtheory.benchmark --audit``
switches these on and off one by one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np
import pandas as pd
import torch

from lrtheory import tasks
from lrtheory.benchmarks import report
from lrtheory.benchmarks.published import THRESHOLDS
from lrtheory.benchmarks.training import Run, fast_bfloat16
from lrtheory.checks import checked_positive
from lrtheory.optim import strategies
from lrtheory.runs import Compute, Experiment, Store
from lrtheory.runs.store import StoreError

PROTOCOLS = ("fair", "as-described", "as-coded")

METRIC = {"fair": "last", "as-described": "best", "as-coded": "best"}
"""Which test accuracy a protocol reports: of the last epoch, or the best over the epochs."""


@final
@dataclass(frozen=True)
class Benchmark(Experiment):
    """Which runs ``python -m lrtheory.benchmark`` makes.

    Args:
        protocol: fair, as-described or as-coded.
        tasks: Names of tasks.
        strategies: Names of strategies.
        seeds: Number of seeds: 0, 1, 2, ...
        factors: The declared grid of fair: multiples of each strategy's default rate.
        lrs: Rates in place of the grid (fair) or of the default (the others), each a row of its own there.
        grow: At most so many rates more, one after the other, while the best is at an end of the grid of fair.
        epochs: In place of the protocol's; 0 for the protocol's.
        examples: At most so many training and so many test examples; 0 for all.
        encoder: Pretrained encoder of the text tasks, a folder or a name; auto for DistilBERT or what LRTHEORY_DATA has.
        device: cpu, cuda, or auto for cuda where there is one.
        precision: float32, bfloat16, or auto for bfloat16 on cuda, and on a CPU that has it in hardware where that is faster.
    """

    needs: ClassVar = {"torch": "torch"}

    protocol: str = "fair"
    tasks: tuple[str, ...] = tasks.FIVE
    strategies: tuple[str, ...] = strategies.names()
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
        for name in self.tasks:
            _one_of("task", name, tasks.names())
        known = dict.fromkeys(
            strategies.get(name).name for name in self.strategies
        )  # once each, as the registry spells it
        object.__setattr__(self, "strategies", tuple(known))
        for field, least in (("seeds", 1), ("grow", 0), ("epochs", 0), ("examples", 0)):
            if getattr(self, field) < least:
                raise ValueError(f"{field} must be at least {least}, not {getattr(self, field)}.")
        if 0 < self.examples < 20:
            raise ValueError(f"examples must be at least 20 so that some can be held out, not {self.examples}.")
        for factor in self.factors:
            checked_positive("factor", factor)
        for lr in self.lrs:
            checked_positive("lr", lr)
        coded = self.protocol == "as-coded"  # what the published column calls synthetic is another task
        renamed = ("synthetic-as-coded" if coded and name == "synthetic" else name for name in self.tasks)
        object.__setattr__(self, "tasks", tuple(dict.fromkeys(renamed)))

    @classmethod
    def quick(cls) -> Self:
        """One task at a reduced scale, two seeds and three rates."""
        return cls(tasks=("synthetic",), seeds=2, factors=(1 / 4, 1.0, 4.0), epochs=4, examples=1000)

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row per run: those that chose the rate (``tuning``) and those that count (``final``)."""
        if self.protocol != "fair":
            wanted = [
                run_of(self, task, strategy, lr=lr, seed=seed)
                for task in self.tasks
                for strategy in self.strategies
                for lr in self.lrs or (default_lr(self, task, strategy),)
                for seed in range(self.seeds)
            ]
            return rows(self, wanted, compute(wanted), "final", compute.store)
        tried = [
            run_of(self, task, strategy, lr=lr)
            for task in self.tasks
            for strategy in self.strategies
            for lr in grid(self, task, strategy)
        ]
        tuning = rows(self, tried, compute(tried, phase="tuning"), "tuning", compute.store)
        for _ in range(self.grow):
            beyond = [replace(tried[place], lr=lr) for place, lr in beyond_ends(tuning).items()]
            if not beyond:
                break
            tried += beyond
            more = rows(self, beyond, compute(beyond, phase="tuning beyond"), "tuning", compute.store)
            tuning = pd.concat([tuning, more], ignore_index=True)
        chosen = [tried[place] for place in best_rates(tuning).index]
        wanted = [replace(run, seed=seed) for run in chosen for seed in range(self.seeds)]
        final = rows(self, wanted, compute(wanted, phase="all seeds"), "final", compute.store)
        return pd.concat([tuning, final.assign(edge=ends_grid(tuning, final))], ignore_index=True)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """Means over the seeds with their intervals, tests against AdamW, and the published numbers."""
        return report.shown(report.summary(frame))


def _one_of(what: str, name: str, known: Sequence[str]) -> None:
    if name not in known:
        raise ValueError(f"{what} must be one of {', '.join(known)}, not {name!r}.")


def check_device(device: str) -> None:
    """Check that this machine has the device.

    Raises:
        ValueError: it has none.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device is cuda, but there is none here; use cpu.")


def run_of(benchmark: Benchmark, task: str, strategy: str, *, lr: float, seed: int = 0, variant: str = "") -> Run:
    """One run of a benchmark."""
    made = tasks.get(task, encoder=benchmark.encoder)
    settings = made.settings[benchmark.protocol]
    device, precision = benchmark.device, benchmark.precision
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if precision == "auto":
        precision = "bfloat16" if device == "cuda" or (made.mixed and fast_bfloat16()) else "float32"
    return Run(
        task, benchmark.protocol, strategy, variant, seed, lr, benchmark.epochs or settings.epochs, settings.batch,
        benchmark.examples, made.encoder, device, precision,
    )  # fmt: skip


def default_lr(benchmark: Benchmark, task: str, strategy: str) -> float:
    """The base rate of a strategy on a task under the protocol: the paper's, or the program's.

    Example:
        >>> round(default_lr(Benchmark(protocol="as-coded"), "trec6", "AdamW"), 7)
        3e-05
    """
    made, known = tasks.get(task, encoder=benchmark.encoder), strategies.get(strategy)
    if benchmark.protocol != "as-coded":
        return known.lr[made.family]
    return made.lr_factor_as_coded * known.as_coded[made.family]["lr"]


def grid(benchmark: Benchmark, task: str, strategy: str) -> tuple[float, ...]:
    """The rates that fair tries."""
    return benchmark.lrs or tuple(factor * default_lr(benchmark, task, strategy) for factor in benchmark.factors)


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


def rows(
    benchmark: Benchmark, runs: Sequence[Run], results: Sequence[dict[str, Any]], role: str, store: Store
) -> pd.DataFrame:
    """Results as a table, accuracies in per cent; a diverged run has no last one, and its best is of the epochs before."""
    table = []
    for run, result in zip(runs, results):
        test, held = result["test"], result["validation"]
        last = not result["diverged"]
        row: dict[str, Any] = {
            "task": run.task, "protocol": run.protocol, "strategy": run.strategy, "variant": run.variant,
            "seed": run.seed, "lr": run.lr, "factor": run.lr / default_lr(benchmark, run.task, run.strategy),
            "role": role, "edge": False, "metric": f"{METRIC[run.protocol]} test accuracy",
            "best": max(test, default=np.nan), "last": test[-1] if last else np.nan,
            "validation": held[-1] if held and last else np.nan, "diverged": result["diverged"],
        }  # fmt: skip
        row |= {f"epochs_to_{level}": epochs_to(test, level) for level in THRESHOLDS}
        table.append(
            row | {
                "seconds": result["seconds"],
                "peak_memory": np.nan if result["peak_memory"] is None else result["peak_memory"], "device": run.device,
                "precision": run.precision, "encoder": Path(run.encoder).name, "epochs": run.epochs,
                "full_epochs": _full_epochs(run), "batch": run.batch, "examples": run.examples, "versions": _versions(store, run),
                "curve": " ".join(f"{value:.2f}" for value in test) if role == "final" else "",
            }
        )  # fmt: skip
    return pd.DataFrame(table)


def _full_epochs(run: Run) -> int:
    """The epochs of the protocol, of which a run of reduced scale makes fewer."""
    return tasks.get(run.task, encoder=run.encoder or "auto").settings[run.protocol].epochs


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
