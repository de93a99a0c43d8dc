"""Contestants that take turns, and the table of their times."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pandas as pd

PACKAGES = ("numpy", "numba", "llvmlite", "jax", "torch", "scikit-learn", "PEPit")
"""Whose versions are printed beside the times."""


@dataclass(frozen=True)
class Contestant:
    """One way of doing the work.

    Args:
        name: What the table calls it.
        run: Does the work once.
        work: How many units of it: steps, multiply-adds or bounds.
    """

    name: str
    run: Callable[[], object]
    work: float


def race(contestants: list[Contestant], repeats: int, clock: Callable[[], float] = time.process_time) -> pd.DataFrame:
    """Times per unit of work, in nanoseconds: a row a contestant, with its ratio to the first.

    The contestants take turns, so that what slows the machine slows all of them; a first turn that compiles is not
    counted. The ratio is the median of the ratios turn by turn.

    Args:
        contestants: The first is the one that the others are compared with.
        repeats: Turns that count.
        clock: Processor time of the process by default, which other processes disturb least.
    """
    times: dict[str, list[float]] = {each.name: [] for each in contestants}
    for turn in range(repeats + 1):
        for each in contestants:
            begun = clock()
            each.run()
            if turn > 0:
                times[each.name].append(1e9 * (clock() - begun) / each.work)
    first = times[contestants[0].name]
    return pd.DataFrame(
        [
            {
                "peer": each.name,
                "work": each.work,
                "median": statistics.median(times[each.name]),
                "min": min(times[each.name]),
                "max": max(times[each.name]),
                "ratio": statistics.median(theirs / ours for theirs, ours in zip(times[each.name], first)),
            }
            for each in contestants
        ]
    )


@contextmanager
def one_core() -> Iterator[None]:
    """Keep the process, and the pools that libraries start, to one core."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def machine() -> str:
    """The processor's name and the number of cores this process may use."""
    try:
        described = Path("/proc/cpuinfo").read_text()
        fields = dict(line.split("\t: ", 1) for line in described.replace("\t\t", "\t").splitlines() if "\t: " in line)
        name = f"{fields['model name']} (family {fields['cpu family']}, model {fields['model']})"
    except (OSError, KeyError):
        name = platform.processor() or platform.machine()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def versions() -> str:
    """Python and the packages that are installed here."""
    return ", ".join([f"Python {platform.python_version()}", *(f"{name} {_version(name)}" for name in _installed())])


def missing(*packages: str) -> list[str]:
    """Those of the packages that are not installed here."""
    installed = _installed(*packages)
    return [name for name in packages if name not in installed]


def _installed(*packages: str) -> list[str]:
    return [name for name in packages or PACKAGES if _version(name)]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""
