"""All runs of the committed table at once: the whole benchmark with its audit, and what a machine without a GPU can do of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pandas as pd

from lrtheory.benchmarks import audit
from lrtheory.benchmarks.experiment import Benchmark
from lrtheory.runs import Compute
from lrtheory.runs.definition import Definition
from lrtheory.tasks import FIVE, Task

SIX = (*FIVE, "trec6-scratch")
"""The tasks of the paper, and the one that its abstract claims and its programs never ran."""
IDENTITY = ["part", "role", "task", "protocol", "strategy", "variant", "seed", "lr", "epochs", "examples", "precision"]
"""The columns that tell one run from another."""


@dataclass(frozen=True)
class Scale:
    """Benchmarks and audits whose runs make one table.

    Args:
        benchmarks: Benchmarks of any protocol.
        audits: Benchmarks whose runs as coded are audited, each with its own tasks, strategies and budget.
        failures: Benchmarks of published failures at other rates or scales than the audits try.
    """

    benchmarks: tuple[Benchmark, ...]
    audits: tuple[Benchmark, ...]
    failures: tuple[Benchmark, ...] = ()

    def run(self, compute: Compute) -> pd.DataFrame:
        """All runs, with the column ``part`` of the audit's table; no run stands there twice.

        They are made benchmark by benchmark in the order given, so that columns are finished one after the other.
        """
        frames = [each.run(compute).assign(part=each.rules.part) for each in self.benchmarks]
        frames += [audit.Audit(each).as_coded(compute) for each in self.audits]
        frames += [each.run(compute).assign(part="sweep") for each in self.failures]
        return pd.concat(frames, ignore_index=True).drop_duplicates(IDENTITY, ignore_index=True)

    def on(self, tasks: Sequence[str | Task | Definition]) -> "Scale":
        """The part of it on some tasks, named as benchmarks name them.

        Raises:
            ValueError: it has none of them.

        Example:
            >>> [benchmark.tasks for benchmark in FULL.on(["cifar10"]).benchmarks]
            [('cifar10',), ('cifar10',), ('cifar10',)]
        """

        def kept(parts: tuple[Benchmark, ...]) -> tuple[Benchmark, ...]:
            names = [(part, tuple(name for name in part.tasks if name in wanted)) for part in parts]
            return tuple(replace(part, tasks=found) for part, found in names if found)

        wanted = {*tasks, *(f"{name}-as-coded" for name in tasks)}
        scale = Scale(kept(self.benchmarks), kept(self.audits), kept(self.failures))
        if scale == Scale((), ()):
            known = dict.fromkeys(name for part in (*self.benchmarks, *self.audits) for name in part.tasks)
            raise ValueError(
                f"this scale has none of the tasks {', '.join(map(str, tasks))}; it has {', '.join(map(str, known))}."
            )
        return scale


FULL = Scale(
    benchmarks=(
        Benchmark(protocol="as-coded", seeds=5, device="cuda"),
        Benchmark(protocol="as-described", device="cuda"),
        Benchmark(tasks=SIX, device="cuda"),
    ),
    audits=(
        Benchmark(tasks=("synthetic",), seeds=5, device="cuda"),
        Benchmark(tasks=("rte", "trec6", "imdb"), device="cuda"),
    ),
)
"""For one large GPU: everything, three seeds or more. It has never run on one."""

_GROWING = Benchmark(device="cpu", factors=(1 / 4, 1.0, 4.0), grow=4, seeds=4)
_MIXED = replace(_GROWING, precision="bfloat16")
_CODED = replace(_MIXED, protocol="as-coded", seeds=1)

CPU = Scale(
    benchmarks=(
        replace(_MIXED, tasks=("cifar10",), epochs=8),
        replace(_CODED, tasks=("cifar10",)),
        Benchmark(protocol="as-coded", tasks=("synthetic",), seeds=5, device="cpu"),
        Benchmark(protocol="as-described", tasks=("synthetic",), device="cpu"),
        Benchmark(tasks=("synthetic",), seeds=5, device="cpu"),
        replace(_GROWING, tasks=("trec6-scratch",)),
        replace(_MIXED, tasks=("trec6",)),
        replace(_MIXED, tasks=("imdb-short",), examples=4000),
        replace(_MIXED, tasks=("rte",), epochs=3),
        replace(_MIXED, protocol="as-described", seeds=1, tasks=("cifar10",)),
    ),
    audits=(
        Benchmark(tasks=("synthetic",), device="cpu"),
        replace(_CODED, tasks=("trec6",), strategies=(*audit.failures("trec6"), "RAdam"), examples=500, epochs=4),
    ),
    failures=(replace(_CODED, tasks=("trec6",), strategies=("STLR+Discriminative", "RAdam")),),
)
"""For a processor without a GPU, in about a day of one core: the synthetic task and TREC-6, fine-tuned and from scratch, in
full; CIFAR-10 on all its images, fair for 8 of its 50 epochs and as coded and as described for all 50 with one seed, as it
was published; IMDb on 4,000 short reviews; RTE in full for 3 of its 5 epochs, on which nothing here learns more than a few
points above chance."""

SCALES = {"cpu": CPU, "full": FULL}
