import os
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

from tqdm import tqdm

from lrtheory.runs.store import Store

Cell = TypeVar("Cell")


def execute(
    compute: Callable[[Cell], dict[str, Any]], cells: Sequence[Cell], store: Store, *, workers: int | None = None
) -> list[dict[str, Any]]:
    """The results of the cells, in their order: those in the store are read, the others computed and kept.

    Each cell runs whole on one thread; the kernels release the interpreter's lock. An interruption keeps every cell
    that is finished: the same call goes on from there.

    Args:
        compute: A pure function of the cell. It returns a dictionary of plain values.
        cells: What is wanted; repetitions are computed once.
        store: Where results are kept.
        workers: Number of threads; one a core by default.

    Returns:
        One result a cell.

    Raises:
        ValueError: ``workers`` is below 1.

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
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}.")
    results = {cell: store.load(cell) for cell in dict.fromkeys(cells)}
    missing = [cell for cell, result in results.items() if result is None]

    def finish(cell: Cell) -> dict[str, Any]:
        start = time.perf_counter()
        result = compute(cell)
        store.save(cell, result, seconds=time.perf_counter() - start)
        return result

    bar = tqdm(total=len(results), initial=len(results) - len(missing), unit="cell", disable=not sys.stderr.isatty())
    pool = ThreadPoolExecutor(workers or os.cpu_count())
    try:
        futures = {pool.submit(finish, cell): cell for cell in missing}
        for future in as_completed(futures):
            results[futures[future]] = future.result()
            bar.update()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        bar.close()
    return [results[cell] for cell in cells]  # pyright: ignore[reportReturnType]
