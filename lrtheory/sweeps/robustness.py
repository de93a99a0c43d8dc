r"""What does a wrong rate cost each of the eighteen strategies? Accuracy lost at 2, 4 and 10 times the tuned rate, either way.

The tuned rate is that of the benchmark's *fair* protocol (:mod:`lrtheory.benchmarks.protocols`): the best accuracy on held-out
examples over a declared grid of ratio 4, one seed. It and six rates around it are run with every seed. Runs are the benchmark's
own cells, so what a benchmark stored in the same folder is not run again. The *accuracy lost* is the test accuracy after the
last epoch at the tuned rate minus that at the other, seed by seed. It may be negative: the tuned rate is only as good as its
grid. A run that diverges counts as chance, one class in ``classes``.

Three numbers put a strategy's rates together:

* ``mean lost``: of the six rates, seed by seed; compared with AdamW's on the same seeds by a paired t-test, adjusted by Holm's
  method for the strategies of the task;
* ``sensitivity``: the learning-rate sensitivity of Wortsman et al. (arXiv 2309.14322), the mean over rates of
  :math:`\min(\ell,\ell_0)-\ell^\star`, here uniform in the logarithm of the rate from a tenth to ten times the tuned one, with
  the training loss of the last epoch for :math:`\ell`, the logarithm of the number of classes for :math:`\ell_0`, and the
  smallest mean over seeds for :math:`\ell^\star`. Theirs is a validation loss over three decades, the same for all;
* ``grid 4`` and ``grid 10``: accuracy lost after tuning over a grid of that ratio, at its worst offset, against the best of the
  seven rates; means over seeds, straight lines between rates. The grid's best rate is picked by the accuracy that is reported.

A tuned rate at an end of its grid is marked: a better one may lie outside, and what is lost on that side is then too small.

**Results** (measured, three seeds; the synthetic task and TREC-6 from scratch in full, CIFAR-10 at a reduced scale;
the numbers are in ``docs/findings.md`` and in the paper, read from the committed table by
:mod:`lrtheory.report.benchmark`).

* *Robustness is no property of a strategy.* The order of the strategies on one task says nothing of their order on
  another.
* *Which side is dangerous depends on the task.* Too large a rate costs more on TREC-6 and CIFAR-10, too small a rate
  on the synthetic task for most strategies.
* *Annealing forgives on one task of three*, the synthetic one; on the others both a fixed rate and a cosine fall off
  the cliff beyond which nothing is learnt.
* *DALS stands next to its cliff*: from scratch on TREC-6 twice the tuned rate costs its three variants far more than
  any other strategy.
* *The two sensitivities agree in order.*
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np
import pandas as pd

from lrtheory.benchmarks.published import ACCURACY
from lrtheory.benchmarks.published import TASKS as FIVE
from lrtheory.benchmarks.report import REFERENCE, number, spread
from lrtheory.extras import load_torch
from lrtheory.runs import Compute, Experiment
from lrtheory.statistics import holm, interval, paired_p_value, worst_offset
from lrtheory.sweeps.checks import check_unique

TASKS = (*FIVE, "trec6-scratch")
OFF = {"/10": 1 / 10, "/4": 1 / 4, "/2": 1 / 2, "x2": 2.0, "x4": 4.0, "x10": 10.0}
"""The wrong rates, over the tuned one."""
RATIOS = (4.0, 10.0)
"""The ratios of the grids whose cost is reported."""
SEEDS = {"cpu": 3, "full": 3, "tiny": 2}
"""Runs at every rate, by scale."""
DENSE = 2_001
"""Rates between a tenth and ten times the tuned one at which grids are laid."""


@final
@dataclass(frozen=True)
class Robustness(Experiment):
    """Which runs ``sweep robustness`` makes.

    Args:
        tasks: Names of the benchmark's tasks.
        strategies: Names of strategies; one of your own as my.py:MyStrategy or package.module:Name (a class or an object).
        seeds: The number of runs at every rate; 0 for the scale's own number.
        scale: The scale: cpu (reduced: see lrtheory/benchmarks/scales.py), full, for a GPU, or tiny.
    """

    needs: ClassVar = {"torch": "torch"}

    tasks: tuple[str, ...] = ("synthetic", "trec6-scratch", "cifar10")
    strategies: tuple[str, ...] = tuple(ACCURACY)
    seeds: int = 0
    scale: str = "cpu"

    def __post_init__(self) -> None:
        known = {"task": TASKS, "strategy": tuple(ACCURACY), "scale": ("cpu", "full", "tiny")}
        spelt = {name.lower(): name for name in ACCURACY}
        object.__setattr__(self, "strategies", tuple(spelt.get(name.lower(), name) for name in self.strategies))
        for name in ("tasks", "strategies"):
            check_unique(name, getattr(self, name))
        named = [name for name in self.strategies if ":" not in name]
        for kind, given in (("task", self.tasks), ("strategy", named), ("scale", (self.scale,))):
            for name in given:
                if name not in known[kind]:
                    raise ValueError(f"{name!r} is no {kind} of this sweep; there are {', '.join(known[kind])}.")
        if self.seeds < 0:
            raise ValueError(f"seeds must be at least 0, not {self.seeds}.")
        if len(named) < len(self.strategies):
            try:
                self.benchmarks()  # which checks what is from outside
            except (ModuleNotFoundError, FileNotFoundError) as missing:
                raise ValueError(str(missing)) from None

    @classmethod
    def quick(cls) -> Self:
        """One task, three strategies, and short runs."""
        return cls(tasks=("synthetic",), strategies=("Fixed SGD", "AdamW", "DALS"), scale="tiny")

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row per run: those of the declared grid (seed 0), and those at the tuned rate and around it (every seed).

        ``off`` is the rate over the tuned one and ``edge`` says that this lies at an end of its grid. ``accuracy`` is in per
        cent, after the last epoch, that of chance where the run diverged; ``loss`` is the mean training loss of the last epoch,
        empty there.

        Raises:
            ModuleNotFoundError: a package that a strategy needs is not installed.
            FileNotFoundError: a data set cannot be had.
        """
        from lrtheory import tasks
        from lrtheory.tasks.data import DataError

        rows = []
        for benchmark in self.benchmarks():
            (task,) = benchmark.tasks
            made = tasks.get(task, encoder=benchmark.encoder)
            try:
                made.fetch()
            except DataError as error:
                raise FileNotFoundError(str(error)) from None
            known = benchmark.run(compute)
            wanted = [cell for line in _lines(benchmark, known) for cell in line]
            results = compute([run for run, _ in wanted])
            rows += [_row(made, run, facts, result) for (run, facts), result in zip(wanted, results)]
        return pd.DataFrame(rows)

    def cells(self) -> list[Any]:
        """The runs as far as they are known before any is made; the default rate stands for the tuned one."""
        found = []
        for benchmark in self.benchmarks():
            found += benchmark.cells()
            for strategy in benchmark.strategies:
                tuned = benchmark.default_lr(benchmark.tasks[0], strategy)
                found += [
                    benchmark.cell(benchmark.tasks[0], strategy, lr=tuned * off, seed=seed)
                    for off in OFF.values()
                    for seed in range(benchmark.seeds)
                ]
        return list(dict.fromkeys(found))

    def benchmarks(self) -> list[Any]:
        """The fair benchmark of each task, at the scale of this configuration."""
        load_torch("this experiment")
        from lrtheory.benchmarks.experiment import Benchmark
        from lrtheory.benchmarks.scales import SCALES

        fair: tuple[Benchmark, ...] = (Benchmark.quick(),)
        if self.scale != "tiny":
            fair = tuple(benchmark for benchmark in SCALES[self.scale].benchmarks if benchmark.protocol == "fair")
        found = []
        for task in self.tasks:
            of_task = [benchmark for benchmark in fair if task in benchmark.tasks]
            if not of_task:
                raise FileNotFoundError(f"the scale {self.scale} has no benchmark of {task}.")
            seeds = self.seeds or SEEDS[self.scale]
            found.append(replace(of_task[0], tasks=(task,), strategies=self.strategies, seeds=seeds))
        return found

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """One row per task and strategy: those that lose least in the mean first, means with half their intervals."""
        rows, found = [], measures(frame)
        order = found["task"].map({task: place for place, task in enumerate(found["task"].unique())})
        for row in found.assign(order=order).sort_values(["order", "mean lost"]).to_dict("records"):
            rows.append(
                {
                    "task": row["task"], "strategy": row["strategy"], "lr": f"{row['lr']:.3g}{' (edge)' if row['edge'] else ''}",
                    "tuned": f"{row['tuned']:.1f}", **{name: f"{row[name]:+.1f}" for name in OFF},
                    "mean lost": spread(row["mean lost"], row["half mean lost"]),
                    f"vs {REFERENCE}": number(row["versus"], "+.1f"), "p": number(row["p"], ".3f"),
                    "sensitivity": spread(row["sensitivity"], row["half sensitivity"]),
                    **{f"grid {ratio:g}": f"{row[f'grid {ratio:g}']:.1f}" for ratio in RATIOS},
                    "seeds": f"{row['seeds']}" + (f", {row['diverged']} diverged" if row["diverged"] else ""),
                    "examples": row["examples"] or "all", "epochs": row["epochs"],
                }
            )  # fmt: skip
        return pd.DataFrame(rows)


def _lines(benchmark: Any, known: pd.DataFrame) -> Iterator[list[tuple[Any, dict[str, Any]]]]:
    """For each strategy its runs, each once, with what the table says of them beside their results."""
    (task,) = benchmark.tasks
    given = {str(each): each for each in benchmark.strategies}
    for strategy, group in known.groupby("strategy", sort=False):
        final = group[group["role"] == "final"].iloc[0]
        tuned, edge = float(final["lr"]), bool(final["edge"])
        tried = group.loc[group["role"] == "tuning", "lr"].tolist()
        rates = {(lr, 0): float(f"{lr / tuned:.6g}") for lr in tried}
        rates |= {(tuned * off, seed): off for off in (1.0, *OFF.values()) for seed in range(benchmark.seeds)}
        yield [
            (benchmark.cell(task, given[str(strategy)], lr=lr, seed=seed), {"tuned": tuned, "off": off, "edge": edge})
            for (lr, seed), off in sorted(rates.items())
        ]


def _row(task: Any, run: Any, facts: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    chance, lost = 100 / task.classes, result["diverged"]
    return {
        "task": str(run.task), "strategy": str(run.strategy), "seed": run.seed, "lr": run.lr, **facts, "chance": chance,
        "accuracy": chance if lost else result["test"][-1], "loss": np.nan if lost else result["loss"][-1],
        "diverged": lost, "epochs": run.epochs, "full_epochs": task.settings[run.protocol].epochs, "batch": run.batch,
        "examples": run.examples, "precision": run.precision, "device": run.device,
    }  # fmt: skip


def lost(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per task, strategy and seed: the accuracy at the tuned rate, and what is lost at each wrong one and in the mean."""
    rows = []
    for (task, strategy), group in frame.groupby(["task", "strategy"], sort=False):
        accuracy = group.pivot_table(index="seed", columns="off", values="accuracy").dropna(subset=[1.0])
        part = pd.DataFrame({name: accuracy[1.0] - accuracy[off] for name, off in OFF.items()}).dropna()
        part = part.assign(tuned=accuracy[1.0], task=str(task), strategy=str(strategy)).reset_index()
        part["mean lost"] = part[list(OFF)].mean(axis=1)
        rows.append(part)
    return pd.concat(rows, ignore_index=True)


def sensitivity(group: pd.DataFrame) -> pd.Series:
    """The learning-rate sensitivity of one strategy on one task, by seed: the module says of what."""
    untrained = np.log(100 / group["chance"].iloc[0])
    losses = group.assign(loss=group["loss"].fillna(np.inf).clip(upper=untrained))
    losses = (
        losses.pivot_table(index="off", columns="seed", values="loss").loc[sorted([1.0, *OFF.values()])].dropna(axis=1)
    )
    excess, log_off = losses - losses.mean(axis=1).min(), np.log(losses.index.to_numpy())
    return pd.Series(np.trapezoid(excess.to_numpy(), log_off, axis=0) / np.ptp(log_off), index=losses.columns)


def grid_lost(group: pd.DataFrame, ratio: float) -> float:
    """The accuracy that one strategy loses after tuning over a grid of a ratio, at its worst offset: the module says how."""
    seven = group[group["off"].isin([1.0, *OFF.values()])]
    mean = seven.groupby("off")["accuracy"].mean()
    dense = np.geomspace(mean.index.min(), mean.index.max(), DENSE)
    between = np.interp(np.log(dense), np.log(mean.index.to_numpy()), mean.max() - mean.to_numpy())
    return worst_offset(dense, between, ratio)


def measures(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per task and strategy, with all measures as numbers; ``half ...`` is half a 95 % interval, NaN for one seed.

    ``versus`` is the mean lost minus AdamW's, over the seeds that both have, and ``p`` its paired test after Holm's adjustment.
    """
    by_seed, rows = lost(frame), []
    for (task, strategy), group in frame.groupby(["task", "strategy"], sort=False):
        of_task = by_seed[by_seed["task"] == task].set_index("seed")
        mine, reference = (of_task[of_task["strategy"] == name] for name in (strategy, REFERENCE))
        row: dict[str, Any] = {
            "task": task, "strategy": strategy, "lr": group["tuned"].iloc[0], "edge": bool(group["edge"].iloc[0]),
            "seeds": len(mine), "diverged": int(group.loc[group["off"].isin(OFF.values()), "diverged"].sum()),
            "examples": group["examples"].iloc[0], "epochs": group["epochs"].iloc[0],
            "full_epochs": group["full_epochs"].iloc[0],
        }  # fmt: skip
        for name in ("tuned", *OFF, "mean lost"):
            row[name], row[f"half {name}"] = interval(mine[name])
        row["sensitivity"], row["half sensitivity"] = interval(sensitivity(group))
        difference = (mine["mean lost"] - reference["mean lost"]).dropna().to_numpy()
        compared = strategy != REFERENCE and len(difference) > 0
        row["versus"] = difference.mean() if compared else np.nan
        row["p"] = paired_p_value(difference) if compared else np.nan
        rows.append(row | {f"grid {ratio:g}": grid_lost(group, ratio) for ratio in RATIOS})
    found = pd.DataFrame(rows)
    found["p"] = found.groupby("task", sort=False)["p"].transform(holm)
    return found
