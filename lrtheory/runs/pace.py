"""How long cells take, and which of them may still begin in the time that there is."""

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, final

from lrtheory.runs.cell import Cell
from lrtheory.runs.store import Store

SLACK = 1.2
"""How much longer than the longest of its like a cell may take, to be begun."""


@final
class Pace:
    """A limited time for cells: none begins that is not expected to end in it, and none that is at work is stopped.

    What is expected of a cell comes from cells that take alike: from those in the store, from a shortened one that is computed
    for its time alone (:meth:`Cell.shortened`), and from those that end under this pace. A cell of which nothing is known
    may begin as long as there is time.

    Args:
        seconds: The time, from now.
        clock: Seconds that only rise.

    Example:
        >>> now = [0.0]
        >>> pace = Pace(10.0, clock=lambda: now[0])
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Nap(Cell):
        ...     number: int
        ...
        ...     def compute(self):
        ...         return {}
        >>> pace.may_begin(Nap(1)), pace.expected([Nap(2)])
        (True, None)
        >>> now[0] = 4.0
        >>> pace.ended(Nap(1), seconds=4.0)
        >>> pace.expected([Nap(2), Nap(3)]), pace.may_begin(Nap(2))
        (8.0, True)
        >>> now[0] = 8.0
        >>> pace.may_begin(Nap(3)), pace.left()
        (False, 2.0)
    """

    def __init__(self, seconds: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._end, self._lock = clock, clock() + seconds, Lock()
        self._units: dict[Any, dict[Cell, float]] = defaultdict(dict)

    def left(self) -> float:
        """The seconds that are left, 0 where there are none."""
        return max(0.0, self._end - self._clock())

    def may_begin(self, cell: Cell) -> bool:
        """Whether there is time left, and the cell is expected to end in it."""
        kind, factor = _kind(cell)
        with self._lock:
            longest = factor * max(self._units[kind].values(), default=0.0)
            return SLACK * longest <= self.left() > 0

    def ended(self, cell: Cell, seconds: float) -> None:
        """Take note of what a cell took."""
        kind, factor = _kind(cell)
        with self._lock:
            self._units[kind][cell] = seconds / factor

    def learn(self, cells: Iterable[Cell], store: Store) -> list[Cell]:
        """Take note of the cells that are stored; those that are not are returned, each once."""
        missing = []
        for cell in dict.fromkeys(cells):
            if not store.path(cell).exists() or isinstance(record := store.record(store.path(cell).name), str):
                missing.append(cell)
            else:
                self.ended(cell, record.seconds)
        return missing

    def measure(self, cells: Iterable[Cell], seconds: float = math.inf) -> None:
        """Compute a shortened cell of each kind of which nothing is known: once to warm up, once for its time.

        Args:
            cells: The cells whose time is to be known.
            seconds: After how many seconds, or when no time is left, no more are measured.
        """
        last = self.left() - seconds
        for cell in cells:
            kind, factor = _kind(cell)
            if isinstance(kind, Cell) and not self._units[kind] and self.left() > max(last, 0.0):
                kind.compute()
                begun = self._clock()
                result = kind.compute()
                whole = self._clock() - begun
                trained = result.get("seconds", whole)
                self.ended(cell, factor * trained + whole - trained)

    def expected(self, cells: Iterable[Cell]) -> float | None:
        """The seconds that cells take, one after another; None where of one of them nothing is known."""
        total = 0.0
        for cell in cells:
            kind, factor = _kind(cell)
            if not self._units[kind]:
                return None
            total += factor * statistics.mean(self._units[kind].values())
        return total


def _kind(cell: Cell) -> tuple[Any, float]:
    """What a cell shares with those that take alike, and how many times as long it takes as the unit of them."""
    return cell.shortened() or (type(cell), 1.0)
