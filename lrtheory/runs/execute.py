import time
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from typing import Any, TypeVar

from lrtheory.processors import processors
from lrtheory.runs.cell import cell_id
from lrtheory.runs.cluster import Cluster, Done
from lrtheory.runs.progress import progress
from lrtheory.runs.store import Store

Cell = TypeVar("Cell")

SAVED_TOGETHER = 16
"""Files written at a time for a cluster: a disk makes 16 durable in little more than the time of one."""

Workers = int | Cluster | None
"""Who computes: a number of threads here, one a core by default, or a cluster."""


def execute(
    compute: Callable[[Cell], dict[str, Any]],
    cells: Sequence[Cell],
    store: Store,
    *,
    workers: Workers = None,
    phase: str = "cells",
) -> list[dict[str, Any]]:
    """The results of the cells, in their order: those in the store are read, the others computed and kept.

    Each cell runs whole on one thread; the kernels release the interpreter's lock. An interruption keeps every cell
    that is finished: the same call goes on from there. It returns at once; threads that are at work on a cell go on
    until that ends, and keep it, or until the process ends.

    Args:
        compute: A pure function of the cell. It returns a dictionary of plain values.
        cells: What is wanted; repetitions are computed once.
        store: Where results are kept. It notes which cells were asked for.
        workers: Number of threads, by default one for each processor that this process may use; or a Dask cluster
            (:func:`lrtheory.runs.cluster.connect`).
        phase: What the cells are for, shown with the progress.

    Returns:
        One result a cell.

    Raises:
        ValueError: ``workers`` is below 1.
        TypeError: ``workers`` is neither a whole number nor a cluster.
        StoreError: a stored file was written by a later version.
        OSError: the store is full or cannot be written to.

    Example:
        >>> import tempfile
        >>> from dataclasses import dataclass
        >>> from pathlib import Path
        >>> @dataclass(frozen=True)
        ... class Square:
        ...     of: int
        >>> store = Store(Path(tempfile.mkdtemp()))
        >>> execute(lambda cell: {"is": cell.of**2}, [Square(2), Square(3)], store)
        [{'is': 4}, {'is': 9}]
    """
    if isinstance(workers, bool) or not isinstance(workers, Workers):
        raise TypeError(f"workers must be a whole number or a cluster, not {workers!r}.")
    if isinstance(workers, int) and workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}.")
    store.asked.update(dict.fromkeys(map(cell_id, cells)))
    results = {cell: store.load(cell) for cell in dict.fromkeys(cells)}
    missing = [cell for cell, result in results.items() if result is None]
    run = _on_cluster if isinstance(workers, Cluster) else _on_threads
    with (
        progress(phase, len(results), len(results) - len(missing)) as finish,
        closing(run(compute, missing, store, workers)) as finished,
    ):
        for cell, result in finished:
            results[cell] = result
            finish()
    return [results[cell] for cell in cells]  # pyright: ignore[reportReturnType]


def _on_threads(
    compute: Callable[[Cell], dict[str, Any]], cells: Sequence[Cell], store: Store, workers: Any
) -> Generator[tuple[Cell, dict[str, Any]], None, None]:
    def finish(cell: Cell) -> dict[str, Any]:
        start = time.perf_counter()
        result = compute(cell)
        store.save(cell, result, seconds=time.perf_counter() - start)
        return result

    pool = ThreadPoolExecutor(workers or processors())
    waits = True
    try:
        futures = {pool.submit(finish, cell): cell for cell in cells}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except (KeyboardInterrupt, GeneratorExit):
        waits = False  # whoever interrupts does not wait for a cell of an hour
        raise
    finally:
        pool.shutdown(wait=waits, cancel_futures=True)


def _on_cluster(
    compute: Callable[[Cell], dict[str, Any]], cells: Sequence[Cell], store: Store, workers: Any
) -> Generator[tuple[Cell, dict[str, Any]], None, None]:
    def save(done: Done) -> tuple[Cell, dict[str, Any]]:
        cell, result, seconds, made_with = done
        store.save(cell, result, seconds=seconds, made_with=made_with)
        return cell, result

    with ThreadPoolExecutor(SAVED_TOGETHER) as pool:
        for task in workers.run(compute, cells):
            yield from pool.map(save, task)
