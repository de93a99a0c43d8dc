"""All runs of the committed table at once: the whole benchmark with its audit, and what a machine without a GPU can do of it."""

from dataclasses import dataclass, replace

import pandas as pd

from lrtheory.benchmarks import audit
from lrtheory.benchmarks.experiment import Benchmark
from lrtheory.runs import Compute
from lrtheory.tasks import FIVE

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
        """All runs, with the column ``part`` of the audit's table; no run stands there twice."""
        frames = [each.run(compute).assign(part=each.rules.part) for each in self.benchmarks]
        frames += [audit.Audit(each).as_coded(compute) for each in self.audits]
        frames += [each.run(compute).assign(part="sweep") for each in self.failures]
        return pd.concat(frames, ignore_index=True).drop_duplicates(IDENTITY, ignore_index=True)


FULL = Scale(
    benchmarks=(
        Benchmark(protocol="as-coded", seeds=5),
        Benchmark(protocol="as-described"),
        Benchmark(tasks=SIX),
    ),
    audits=(Benchmark(tasks=("synthetic",), seeds=5), Benchmark(tasks=("rte", "trec6", "imdb"))),
)
"""For one large GPU: everything, three seeds or more."""

_TEXT = Benchmark(device="cpu", precision="bfloat16")
_TREC = replace(_TEXT, tasks=("trec6",), epochs=3, factors=(1.0, 4.0, 16.0, 64.0))

CPU = Scale(
    benchmarks=(
        Benchmark(protocol="as-coded", tasks=("synthetic",), seeds=5, device="cpu"),
        Benchmark(protocol="as-described", tasks=("synthetic",), device="cpu"),
        Benchmark(tasks=("synthetic",), seeds=5, device="cpu"),
        Benchmark(tasks=("trec6-scratch",), device="cpu"),
        Benchmark(
            tasks=("cifar10",), examples=2000, epochs=8, factors=(1 / 16, 1 / 4, 1.0, 4.0, 16.0), device="cpu"
        ),
        _TREC,
        replace(_TEXT, tasks=("rte",), examples=1200, epochs=1, factors=(1.0, 4.0, 16.0)),
        replace(_TEXT, tasks=("imdb",), examples=600, epochs=1, factors=(4.0, 16.0, 64.0)),
    ),
    audits=(
        Benchmark(tasks=("synthetic",), device="cpu"),
        replace(_TREC, strategies=(*audit.failures("trec6"), "RAdam"), examples=500, epochs=4, seeds=1),
    ),
    failures=(
        replace(_TEXT, protocol="as-coded", tasks=("trec6",), strategies=("STLR+Discriminative", "RAdam"), seeds=1),
    ),
)  # fmt: skip
"""For two cores and half a day: the synthetic task and TREC-6 from scratch in full, TREC-6 fine-tuned for three epochs on all
its questions, the others at the scale stated here."""

SCALES = {"cpu": CPU, "full": FULL}
