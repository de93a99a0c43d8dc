"""Processes that compute in the place of threads: they never outlive this one, and are started again when they are killed."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import LifoQueue
from threading import Lock, Thread, current_thread, main_thread
from types import TracebackType
from typing import Any, Self

ATTEMPTS = 3
"""How often one call may lose its process before it is given up."""


class WorkerError(RuntimeError):
    """Processes were killed again and again over one call; the message says which."""


class Processes:
    """A pool of fresh interpreters for the time of a ``with`` block.

    Each process reads from a pipe whose other end is held by this one alone. Nothing is ever written to it: when this
    process ends, however it is killed, the system closes that end, and every reader ends itself at once. A signal on
    the death of the parent (``PR_SET_PDEATHSIG``) would not do: Linux sends it when the *thread* that started the
    process ends.

    When a process is killed, for instance because memory is short, a new one takes its place and repeats its call. Each
    has a pool of the standard library to itself: one pool of several is given up as a whole when one of them dies, and
    may fail while it does so if another is just being started.

    Args:
        number: The number of processes, at least 1.
    """

    def __init__(self, number: int) -> None:
        self._ended, self._lock = False, Lock()
        with interrupts_elsewhere():  # starts what processes share in this thread, and not in one that calls
            self._reader, self._writer = get_context("spawn").Pipe(duplex=False)
        self._pools: set[ProcessPoolExecutor] = set()
        self._idle: LifoQueue[ProcessPoolExecutor] = LifoQueue()  # the last used first: it has its process already
        for _ in range(number):
            self._idle.put(self._started())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._ended = True
        try:
            if kind is not None:
                self._writer.close()  # what is under way is not wanted any more
            for pool in self._pools:
                pool.shutdown(wait=kind is None, cancel_futures=True)
        finally:  # after Ctrl-C while waiting, too
            self._writer.close()
            self._reader.close()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """The value of a function at arguments, all of which can be pickled; from several threads, several at a time.

        Raises:
            WorkerError: processes were killed over this call, ``ATTEMPTS`` times.
            Exception: what the function raises.
        """
        pool = self._idle.get()
        try:
            for _ in range(ATTEMPTS):
                try:
                    return _submitted(pool, function, *arguments).result()
                except BrokenProcessPool:
                    pool = self._replaced(pool)
        finally:
            self._idle.put(pool)
        raise WorkerError(
            f"processes were killed {ATTEMPTS} times over {arguments[-1]!r}; if memory is short, fewer --workers need less."
        )

    def _replaced(self, broken: ProcessPoolExecutor) -> ProcessPoolExecutor:
        """A new pool in the place of a broken one, unless the block has ended."""
        with self._lock:
            if self._ended:
                raise WorkerError("the processes are not wanted any more.")
            print("lrtheory: a worker process was killed; its work starts again in a new one.", file=sys.stderr)
            broken.shutdown(wait=True)  # its memory is free before others take more
            self._pools.remove(broken)
            return self._started()

    def _started(self) -> ProcessPoolExecutor:
        """A pool whose process starts with its first call."""
        pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_end_with_parent, initargs=(self._reader,))
        self._pools.add(pool)
        return pool


def _submitted(pool: ProcessPoolExecutor, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    with interrupts_elsewhere():
        try:
            return pool.submit(function, *arguments)
        except OSError as error:  # of a process that was killed while it started
            raise BrokenProcessPool(str(error)) from error


def _end_with_parent(reader: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches every process of a terminal; the parent ends this one

    def wait() -> None:
        with suppress(EOFError, OSError):
            reader.recv_bytes()
        os._exit(1)

    Thread(target=wait, daemon=True).start()


@contextmanager
def interrupts_elsewhere() -> Iterator[None]:
    """Have this thread, and a process that it starts, leave Ctrl-C to others: a process could not answer while it starts."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # its start would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        # Another thread keeps the block: lifting it, it might take the Ctrl-C that was to wake the main thread.
        if current_thread() is main_thread():
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
