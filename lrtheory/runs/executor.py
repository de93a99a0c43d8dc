"""Who computes the cells that a store lacks: threads and processes here, or a cluster."""

import time
from collections.abc import Generator, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack, closing
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lrtheory.extras import load_torch
from lrtheory.processors import processors
from lrtheory.runs.cell import Cell, cell_id
from lrtheory.runs.cluster import Cluster, Done, needs_gpu
from lrtheory.runs.pace import Pace
from lrtheory.runs.processes import Processes
from lrtheory.runs.progress import progress
from lrtheory.runs.store import Store

SAVED_TOGETHER = 16
"""Files written at a time for a cluster: a disk makes 16 durable in little more than the time of one."""

Workers = int | Cluster | None
"""Who computes: a number of cells at a time here, one for each processor by default, or a cluster."""

Finished = Generator[tuple[Cell, dict[str, Any]], None, None]


class TimeOverError(RuntimeError):
    """Cells were not begun, because they were not expected to end in the time that there was; all others are stored."""


class Compute:
    """What an experiment calls for the results of cells, for the time of a ``with`` block.

    Cells that hold the interpreter's lock are computed in processes, which start when the first of them is asked for and
    end with the block; all others are computed on threads.

    Args:
        store: The store that keeps the results. It notes which cells were asked for.
        workers: The number of cells at a time, by default one for each processor that this process may use; or a Dask cluster
            (:func:`lrtheory.runs.cluster.connect`).
        pace: How much time there is, for cells that are computed here; no limit by default.

    Raises:
        ValueError: ``workers`` is below 1.
        TypeError: ``workers`` is neither a whole number nor a cluster.

    Example:
        >>> import tempfile
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Square(Cell):
        ...     of: int
        ...
        ...     def compute(self):
        ...         return {"is": self.of**2}
        >>> with Compute(Store(Path(tempfile.mkdtemp()))) as compute:
        ...     compute([Square(2), Square(3)])
        [{'is': 4}, {'is': 9}]
    """

    def __init__(self, store: Store, workers: Workers = None, *, pace: Pace | None = None) -> None:
        if isinstance(workers, bool) or not isinstance(workers, Workers):
            raise TypeError(f"workers must be a whole number or a cluster, not {workers!r}.")
        if isinstance(workers, int) and workers < 1:
            raise ValueError(f"workers must be at least 1, not {workers}.")
        self.store, self._pace = store, pace
        self._cluster = workers if isinstance(workers, Cluster) else None
        self._workers = workers if isinstance(workers, int) else processors()
        self._block = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._block.__exit__(kind, error, trace)

    @property
    def here(self) -> bool:
        """Whether cells are computed on this machine, and not on a cluster."""
        return self._cluster is None

    def __call__(
        self, cells: Sequence[Cell], *, phase: str = "cells", at_once: int | None = None
    ) -> list[dict[str, Any]]:
        """The results of the cells, in their order: those in the store are read, the others computed and kept.

        Each cell is computed whole by one worker. An interruption keeps every cell that is finished: the same call goes
        on from there. It returns at once; threads that are at work on a cell go on until that ends, and keep it, or until
        the process ends.

        Args:
            cells: The cells that are wanted; repeated ones are computed once.
            phase: The purpose of the cells, which is shown with the progress.
            at_once: The largest number of cells at a time on this machine.

        Returns:
            One result per cell.

        Raises:
            StoreError: a stored file was written by a later version.
            OSError: the store is full or cannot be written to.
            ModuleNotFoundError: a cell that is not stored needs a CUDA device, and there is none here.
            TimeOverError: the pace let some cells not begin.
        """
        self.store.asked.update(dict.fromkeys(map(cell_id, cells)))
        results = {cell: self.store.load(cell) for cell in dict.fromkeys(cells)}
        missing = [cell for cell, result in results.items() if result is None]
        if self.here:
            check_devices(missing)
        run = self._on_threads(missing, at_once) if self._cluster is None else self._on_cluster(missing, self._cluster)
        with progress(phase, len(results), len(results) - len(missing)) as finish, closing(run) as finished:
            for cell, result in finished:
                results[cell] = result
                finish()
        if left := sum(result is None for result in results.values()):
            raise TimeOverError(f"{left} of {len(results)} cells were not begun in the time that there was.")
        return [results[cell] for cell in cells]  # pyright: ignore[reportReturnType]

    @cached_property
    def _processes(self) -> Processes:
        return self._block.enter_context(Processes(self._workers))

    def _on_threads(self, cells: Sequence[Cell], at_once: int | None) -> Finished:
        workers = self._workers if at_once is None else min(at_once, self._workers)
        if workers > 1 and any(cell.own_process for cell in cells):
            self._processes  # noqa: B018  # started by this thread, not by several at a time

        def finish(cell: Cell) -> dict[str, Any] | None:
            if self._pace is not None and not self._pace.may_begin(cell):
                return None
            start, checkpoint = time.perf_counter(), self.store.checkpoint(cell)
            if workers > 1 and cell.own_process:
                result = self._processes.call(resumed, checkpoint.resolve(), cell)
            else:
                result = cell.resume(checkpoint)
            seconds = time.perf_counter() - start
            self.store.save(cell, result, seconds=seconds)
            if self._pace is not None:
                self._pace.ended(cell, seconds)
            return result

        pool = ThreadPoolExecutor(workers)
        waits = True
        try:
            futures = {pool.submit(finish, cell): cell for cell in cells}
            for future in as_completed(futures):
                if (result := future.result()) is not None:
                    yield futures[future], result
        except (KeyboardInterrupt, GeneratorExit):
            waits = False  # whoever interrupts does not wait for a cell of an hour
            raise
        finally:
            pool.shutdown(wait=waits, cancel_futures=True)

    def _on_cluster(self, cells: Sequence[Cell], cluster: Cluster) -> Finished:
        def save(done: Done) -> tuple[Cell, dict[str, Any]]:
            cell, result, seconds, made_with = done
            self.store.save(cell, result, seconds=seconds, made_with=made_with)
            return cell, result

        with ThreadPoolExecutor(SAVED_TOGETHER) as pool:
            for task in cluster.run(cells, self.store):
                yield from pool.map(save, task)


def has_devices(cells: Iterable[Cell]) -> bool:
    """Whether this machine has the devices on which cells say that they are computed."""
    return not any(map(needs_gpu, cells)) or load_torch("a GPU").cuda.is_available()


def check_devices(cells: Iterable[Cell]) -> None:
    """Check that this machine has the devices on which cells say that they are computed.

    Raises:
        ModuleNotFoundError: it has no CUDA device, or no torch to find one.
    """
    if not has_devices(cells):
        raise ModuleNotFoundError("torch finds no CUDA device here; leave --device out to train on the CPU.")


def resumed(checkpoint: Path, cell: Cell) -> dict[str, Any]:
    """What a process computes: a function that it can import."""
    return cell.resume(checkpoint)


def execute(
    cells: Sequence[Cell], store: Store, *, workers: Workers = None, phase: str = "cells"
) -> list[dict[str, Any]]:
    """The results of the cells, in their order: one call of :class:`Compute`, which says what the arguments mean."""
    with Compute(store, workers) as compute:
        return compute(cells, phase=phase)
