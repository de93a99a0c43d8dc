"""The progress of a run: a bar in a terminal; in a file or a pipe, a line from time to time."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

from tqdm import tqdm

INTERVAL = 30.0
"""Seconds between two lines, at least; a run that is shorter prints none."""


@contextmanager
def progress(phase: str, total: int, done: int) -> Iterator[Callable[[], Any]]:
    """Show on the standard error stream how many cells are done, for the time of the block.

    Args:
        phase: The purpose of the cells, in a word.
        total: The number of cells.
        done: The number of cells that were in the store.

    Returns:
        A function to call after each cell.
    """
    stream: Any = sys.stderr
    if stream is None or stream.closed:  # in a daemon, or without a console on Windows
        yield lambda: None
    elif stream.isatty():
        with tqdm(total=total, initial=done, unit="cell", desc=phase) as bar:
            yield bar.update
    else:
        yield _Lines(stream, phase, total, done).update


class _Lines:
    def __init__(self, stream: TextIO, phase: str, total: int, done: int) -> None:
        self._stream, self._phase, self._total, self._stored, self._done = stream, phase, total, done, done
        self._begun = self._said = time.monotonic()

    def update(self) -> None:
        self._done += 1
        now = time.monotonic()
        if now - self._said < INTERVAL:
            return
        self._said, taken = now, now - self._begun
        left = taken / (self._done - self._stored) * (self._total - self._done)
        line = (
            f"{self._phase}: {self._done} of {self._total} cells after {duration(taken)}, about {duration(left)} left"
        )
        with suppress(OSError):  # a log that is full stops no run
            print(line, file=self._stream, flush=True)


def duration(seconds: float) -> str:
    """A duration as hours, minutes and seconds.

    Example:
        >>> duration(61.4), duration(3600)
        ('0:01:01', '1:00:00')
    """
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
