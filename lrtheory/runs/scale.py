r"""What a million cells cost: a model of a run on a cluster, its constants measured, and the run simulated.

``N`` cells of ``c`` seconds on ``W`` threads, ``k`` of them a task. A task costs the scheduler ``o`` seconds, a result
costs the process that keeps the store ``s``; the slowest of the three decides:

.. math:: \text{seconds} \ge \max\Big(\frac{Nc}{W},\;\frac{N}{k}\,o,\;N s\Big), \qquad k\approx\min(1/c, 1024).

So tasks of about a second let the scheduler serve ``W = 1/o`` threads, some hundreds, and longer cells the more; and the
store keeps up while ``W < c/s``: with cells of 10 ms for a few dozen threads, with cells of a second for thousands.

``python -m lrtheory.runs.scale`` measures the store, the constants and the efficiency on workers here, simulates the rest,
and writes ``scale.csv``.
"""

import argparse
import heapq
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

import pandas as pd

from lrtheory.command_line import writable_folder
from lrtheory.door import door
from lrtheory.runs import cluster
from lrtheory.runs.cell import Cell
from lrtheory.runs.executor import SAVED_TOGETHER, execute
from lrtheory.runs.folders import listed, table
from lrtheory.runs.store import Store
from lrtheory.runs.tables import write_csv

STORED = (1_000, 10_000, 100_000)
WAITS, WORKERS = (0.001, 0.01, 0.1), (1, 2, 4, 8)
TASKS = 1_000
"""The number of tasks of no length by which the cost of a task is measured."""
SECONDS = 3.0
"""What a thread has to do in each run that is measured."""
PROJECTED = 10**6
PROJECTED_COSTS, PROJECTED_THREADS = (0.001, 0.01, 0.1, 1.0), tuple(4**k for k in range(7))


@dataclass(frozen=True)
class Waiting(Cell):
    """A cell that occupies a thread and no core: what remains is the cost of running it elsewhere."""

    number: int
    seconds: float

    def compute(self) -> dict[str, Any]:
        """Wait, and return as many numbers as a cell of ``sweep rho``."""
        time.sleep(self.seconds)
        names = ("lr", "law", "worst_case", "eps", "expected", "simulated", "standard_error")
        return {name: self.number / 7 + place for place, name in enumerate(names)}


def bound(cells: int, cost: float, threads: int, *, per_task: float, per_cell: float) -> float:
    """The seconds below which no run is, by the model of the module.

    Example:
        >>> round(bound(10**6, 0.1, 100, per_task=0.002, per_cell=0.0005))  # the threads decide
        1000
        >>> round(bound(10**6, 0.001, 100, per_task=0.002, per_cell=0.0005))  # the store decides
        500
    """
    together = max(1, min(int(cluster.TASK_SECONDS / cost), cluster.LARGEST_TASK))
    return max(cells * cost / threads, cells / together * per_task, cells * per_cell)


def simulated(cells: int, cost: float, threads: int, *, per_task: float, per_cell: float) -> float:
    """The seconds of a run, task by task, with the rule by which :meth:`Cluster.run` makes and submits them.

    The scheduler and the process that keeps the store serve one task after the other; threads take tasks as they come.

    Example:
        >>> round(simulated(1_000, 0.1, 10, per_task=0.002, per_cell=0.0005), 1)
        10.0
    """
    left, scheduler, store = cells, 0.0, 0.0
    free, running = [0.0] * threads, []

    def submit(now: float, cost_known: float | None) -> None:
        nonlocal left, scheduler
        part = cluster.task_size(cost_known, left, threads)
        left -= part
        scheduler = max(scheduler, now) + per_task
        end = max(scheduler, heapq.heappop(free)) + part * cost
        heapq.heappush(free, end)
        heapq.heappush(running, (end, part))

    for _ in repeat(None, min(cells, cluster.AHEAD * threads)):
        submit(0.0, None)
    while running:
        end, part = heapq.heappop(running)
        store = max(store, end) + part * per_cell
        if left:
            submit(store, cost)
    return store


def measure() -> pd.DataFrame:
    """Everything that is measured, and the projection from it: columns as in ``scale.csv``."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [row for cells in STORED for row in _store(Store(Path(folder) / f"{cells}"), cells)]
        per_cell = next(row["seconds"] / row["cells"] for row in reversed(rows) if row["operation"] == "save")
        constants: dict[str, float] = {}
        for workers in WORKERS:
            with cluster.connect(cluster.LOCAL, workers) as here:
                here.client.wait_for_workers(workers)
                if not constants:
                    constants = {"per_task": _per_task(here, Store(Path(folder) / "none")), "per_cell": per_cell}
                rows += [_run(here, cost, workers, Store(Path(folder) / f"{cost}-{workers}")) for cost in WAITS]
    rows += [{"part": "constant", "operation": name, "seconds": value} for name, value in constants.items()]
    return pd.concat([pd.DataFrame(rows), projection(**constants)], ignore_index=True)


def projection(*, per_task: float, per_cell: float) -> pd.DataFrame:
    """A million cells on up to thousands of threads: simulated, and the bound of the model."""
    rows = []
    for cost in PROJECTED_COSTS:
        for threads in PROJECTED_THREADS:
            for part, model in (("simulated", simulated), ("bound", bound)):
                seconds = model(PROJECTED, cost, threads, per_task=per_task, per_cell=per_cell)
                rows.append(_row(part, PROJECTED, cost, threads, seconds))
    return pd.DataFrame(rows)


def _store(store: Store, cells: int) -> list[dict[str, Any]]:
    """What the operations on a store of so many cells take."""
    numbered = [Waiting(number, 0.0) for number in range(cells)]

    def save_all() -> None:
        with ThreadPoolExecutor(SAVED_TOGETHER) as pool:
            list(pool.map(lambda cell: store.save(cell, cell.compute(), seconds=0.0), numbered))

    operations = {
        "save": save_all,
        "list and verify": lambda: listed(store),
        "tabulate": lambda: table(store),
        "resume": lambda: execute(numbered, store, workers=1),
    }
    rows = []
    for name, operation in operations.items():
        start = time.perf_counter()
        operation()
        rows.append(
            {"part": "store", "operation": name, "cells": cells, "seconds": round(time.perf_counter() - start, 3)}
        )
    return rows


def _per_task(here: cluster.Cluster, store: Store) -> float:
    """Seconds per task, of one cell that takes no time: client, scheduler and worker together."""
    spent = []
    for trial in range(3):
        cells = [Waiting(number, 0.0) for number in range(trial * TASKS, (trial + 1) * TASKS)]
        start = time.perf_counter()
        for _ in here.run(cells, store, task_seconds=0.0):
            pass
        spent.append((time.perf_counter() - start) / TASKS)
    return round(sorted(spent)[1], 6)


def _run(here: cluster.Cluster, cost: float, workers: int, store: Store) -> dict[str, Any]:
    """A run on workers here, its store included."""
    cells = [Waiting(number, cost) for number in range(round(SECONDS * workers / cost))]
    start = time.perf_counter()
    execute(cells, store, workers=here)
    return _row("measured", len(cells), cost, workers, time.perf_counter() - start)


def _row(part: str, cells: int, cost: float, threads: int, seconds: float) -> dict[str, Any]:
    return {
        "part": part, "cells": cells, "cell_seconds": cost, "threads": threads, "seconds": round(seconds, 3),
        "efficiency": round(cells * cost / threads / seconds, 4),
    }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and write ``scale.csv``; 0 when done, 2 for bad usage."""
    parser = argparse.ArgumentParser(
        prog="python -m lrtheory.runs.scale",
        description="What the store and a cluster cost a cell, measured here and projected to a million cells.",
        epilog="example: python -m lrtheory.runs.scale --out results",
    )
    parser.add_argument("--out", default="results", metavar="FOLDER", help="Where scale.csv goes. Default: results.")
    options = parser.parse_args(arguments)
    try:
        out = writable_folder(options.out)
    except ValueError as error:
        print(f"lrtheory runs scale: {error}", file=sys.stderr)
        return 2
    write_csv(measure(), out / "scale.csv")
    print(f"Written: {out / 'scale.csv'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    door("runs scale", main)
