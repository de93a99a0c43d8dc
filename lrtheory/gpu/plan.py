"""The pieces, in the order of their value: what each computes on a GPU, and the same at toy size."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import pandas as pd

from lrtheory.runs import Cell, Compute


class Foreseeable(Protocol):
    """An experiment that knows its cells before any is computed."""

    def cells(self) -> Collection[Cell]:
        """What it asks for; where that depends on results, as many others of the same kind."""
        ...

    def run(self, compute: Compute) -> pd.DataFrame:
        """The table."""
        ...

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """What a terminal shows of a table."""
        ...


Named: TypeAlias = Iterator[tuple[str, Foreseeable]]
"""Experiments by the names of their tables."""


@dataclass(frozen=True)
class Piece:
    """A part of what is to be computed on a GPU.

    Args:
        purpose: What it shows.
        experiments: The experiments at full size, in the order of their value; the first ones may be parts of later ones.
        toy: The same at a size at which a processor does them in seconds.
    """

    purpose: str
    experiments: Callable[[], Named]
    toy: Callable[[], Named]


def _step_times() -> Named:
    from lrtheory.gpu.step_times import StepTimes

    yield "step_times", StepTimes("cuda")


def _toy_step_times() -> Named:
    from lrtheory.gpu.step_times import StepTimes

    yield "step_times", StepTimes.quick()


def _cifar10() -> Named:
    """One schedule first: whether the network gets to 93 % within a minute; then all of them."""
    from lrtheory.schedules import Polynomial
    from lrtheory.sweeps import Cifar10

    yield "cifar10_linear", Cifar10(schedules=(Polynomial(1),), device="cuda")
    yield "cifar10", Cifar10(device="cuda")


def _toy_cifar10() -> Named:
    from lrtheory.schedules import Polynomial
    from lrtheory.sweeps import Cifar10

    yield "cifar10_linear", Cifar10(schedules=(Polynomial(1),), per_decade=1, scale="tiny")


def _transformers() -> Named:
    """The parts of the sweep one after another, then all of them in one table."""
    from lrtheory.sweeps import Transformers

    whole = Transformers(scale="full", device="cuda")
    for part in whole.parts:
        yield f"transformers_{part}", replace(whole, parts=(part,))
    yield "transformers", whole


def _toy_transformers() -> Named:
    from lrtheory.schedules import Polynomial
    from lrtheory.sweeps import Transformers

    yield (
        "transformers_sizes",
        replace(Transformers.quick(), parts=("sizes",), schedules=(Polynomial(1),)),
    )


TASKS = ("synthetic", "trec6-scratch", "trec6", "rte", "cifar10", "imdb")
"""The tasks of the benchmark, those that take least first, so that columns are finished one after another."""


def _benchmark() -> Named:
    from lrtheory.benchmarks.scales import SCALES

    for task in TASKS:
        for benchmark in reversed(SCALES["full"].on([task]).benchmarks):
            if benchmark.protocol in ("fair", "as-coded"):
                yield f"benchmark_{task}_{benchmark.protocol}", benchmark


def _toy_benchmark() -> Named:
    from lrtheory.benchmarks.experiment import Benchmark

    for protocol in ("fair", "as-coded"):
        yield (
            f"benchmark_synthetic_{protocol}",
            Benchmark(
                protocol, tasks=("synthetic",), strategies=("AdamW", "DALS"), seeds=2, factors=(0.25, 1.0, 4.0),
                epochs=1, examples=200, device="cpu",
            ),
        )  # fmt: skip


def _robustness() -> Named:
    from lrtheory.sweeps import Robustness

    for task in Robustness().tasks:
        yield f"robustness_{task}", Robustness(tasks=(task,), scale="full")
    yield "robustness", Robustness(scale="full")


def _toy_robustness() -> Named:
    from lrtheory.sweeps import Robustness

    yield "robustness", replace(Robustness.quick(), strategies=("AdamW",))


PLAN: Mapping[str, Piece] = {
    "step_times": Piece("a step of DALS and its peers", _step_times, _toy_step_times),
    "cifar10": Piece("CIFAR-10 to 93 % within a minute, and its sweep of rates", _cifar10, _toy_cifar10),
    "transformers": Piece(
        "wrong rates on language models of 24 and 65 times the size that a CPU trains", _transformers, _toy_transformers
    ),
    "benchmark": Piece("the whole benchmark, fair and as coded", _benchmark, _toy_benchmark),
    "robustness": Piece("what wrong rates cost eighteen strategies", _robustness, _toy_robustness),
}
"""The pieces by name, in the order of their value."""
