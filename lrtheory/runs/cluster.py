"""The cells of a store on a Dask cluster: the same cells, the same store, the same bits.

The process that was started keeps the store; workers need no folder in common. A task holds as many cells as take about
a second, and a few tasks a thread are under way at a time: what is lost with a worker is seconds, and the scheduler
holds no more than the cluster can do, whatever the number of cells. A worker that dies has its tasks done elsewhere.
"""

import logging
import math
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from lrtheory import __version__
from lrtheory.processors import processors
from lrtheory.runs.cell import Cell, cell_id
from lrtheory.runs.processes import interrupts_elsewhere
from lrtheory.runs.store import Store, versions

LOCAL = "local"
"""The address of a cluster that is started here and ends with the command."""
TASK_SECONDS = 1.0
"""The seconds that a task should take: a thousand times the scheduler's part in it. A worker that dies loses as much."""
LARGEST_TASK = 1024
AHEAD = 2
"""Tasks under way for each thread: one that runs, one that waits at hand."""
POLLED = 0.005
"""Seconds between two looks at what is done."""
PATIENCE = 30.0
"""Seconds in which a scheduler must answer, and in which some worker must run before it is said that none does."""

Done = tuple[Cell, dict[str, Any], float, dict[str, str]]
"""A cell, its result, the seconds it took and the versions it was made with."""


class ClusterError(RuntimeError):
    """A cluster cannot be used; the message says why."""


@dataclass(frozen=True)
class Cluster:
    """Workers elsewhere, in the place of a number of threads: see :func:`connect`."""

    client: Any
    """A ``distributed.Client``."""

    def run(self, cells: Sequence[Cell], store: Store, *, task_seconds: float = TASK_SECONDS) -> Iterator[list[Done]]:
        """Compute cells in any order; what is finished comes as it is finished, the cells of a task together.

        Args:
            cells: Without repetitions, of classes that workers can import. Those whose ``device`` is ``"cuda"`` go to
                workers with the resource ``GPU``.
            store: Where workers that see this folder keep checkpoints of cells that take long.
            task_seconds: The seconds that a task should take.

        Raises:
            ClusterError: a cell killed every worker that tried it, or a worker has another version of this package.
        """
        from distributed import CancelledError, KilledWorker, as_completed

        self._check_gpus(cells)
        waiting, finished, idle = deque(cells), as_completed(), _Idle(self.client)
        kept = Store(store.folder.resolve())  # workers may be in other folders
        held: dict[Any, list[Cell]] = {}
        threads, asked, cost = 0, -math.inf, None
        try:
            while waiting or held:
                if time.monotonic() - asked > 1:
                    threads, asked = sum(self.client.nthreads().values()), time.monotonic()
                while waiting and len(held) < AHEAD * max(threads, 1):
                    part = [waiting.popleft() for _ in range(task_size(cost, len(waiting), threads, task_seconds))]
                    task = self._submit(part, kept)
                    held[task] = part
                    finished.add(task)
                task = self._next(finished, idle)
                try:
                    done, made_with, error = task.result()
                except KilledWorker:
                    shown = ", ".join(map(repr, held[task][:3]))
                    raise ClusterError(
                        f"several workers died over the same cells, the first of them {shown}."
                    ) from None
                except CancelledError:
                    raise ClusterError("the scheduler is gone, or gave up a task.") from None
                yield [(cell, result, seconds, made_with) for cell, (result, seconds) in zip(held.pop(task), done)]
                if error is not None:
                    raise error
                taken = max(sum(seconds for _, seconds in done) / len(done), 1e-6)
                cost = taken if cost is None else 0.7 * cost + 0.3 * taken
        except OSError as error:  # of Dask's connections
            raise ClusterError(f"the scheduler is gone ({type(error).__name__}).") from None
        finally:
            if held and self.client.status == "running":
                self.client.cancel(list(held), reason="not wanted any more")

    def _next(self, finished: Any, idle: "_Idle") -> Any:
        """The next task that is done; Dask itself would wait for a scheduler that is gone."""
        while not finished.has_ready():
            if self.client.status != "running":
                raise ClusterError("the scheduler is gone.")
            idle.look()
            time.sleep(POLLED)
        return next(finished)

    def _submit(self, cells: list[Cell], store: Store) -> Any:
        resources = {"GPU": 1} if any(map(needs_gpu, cells)) else None
        # Never a name twice: a task that was cancelled a moment ago would lend this one its end, or its result.
        name = f"{type(cells[0]).__name__}-{cell_id(cells[0])[:12]}-{uuid4().hex}"
        return self.client.submit(computed, cells, store, __version__, key=name, pure=False, resources=resources)

    def _check_gpus(self, cells: Sequence[Cell]) -> None:
        """Say once that cells will wait for a GPU where none is offered."""
        if not any(map(needs_gpu, cells)):
            return
        offered = [worker["resources"] for worker in self.client.scheduler_info(n_workers=-1)["workers"].values()]
        if not any("GPU" in resources for resources in offered):
            print("No worker offers a GPU yet: dask worker ADDRESS --nthreads 1 --resources GPU=1", file=sys.stderr)


class _Idle:
    """Says once, after ``PATIENCE`` seconds, that no worker takes cells; the run goes on waiting, as a queue may be long."""

    def __init__(self, client: Any) -> None:
        self._client, self._told = client, False
        self._looked = self._ran = time.monotonic()

    def look(self) -> None:
        now = time.monotonic()
        if now - self._looked < 1:
            return
        self._looked = now
        workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        if any(worker["status"] == "running" for worker in workers):
            self._ran, self._told = now, False
        elif now - self._ran >= PATIENCE and not self._told:
            self._told = True
            if workers:
                fault = f"all {len(workers)} workers are paused, as Dask does when their memory is nearly full"
            else:
                fault = "no worker has joined the scheduler"
            print(f"lrtheory: {fault}; waiting for one that runs. Ctrl-C keeps what is finished.", file=sys.stderr)


def computed(
    cells: Sequence[Cell], store: Store, version: str
) -> tuple[list[tuple[dict[str, Any], float]], dict[str, str], Exception | None]:
    """What a task does on its worker: results and seconds up to the first failure, the versions, and the failure."""
    if version != __version__:
        raise ClusterError(f"a worker has lrtheory {__version__}, and not {version} as here.")
    done = []
    for cell in cells:
        start = time.perf_counter()
        try:
            result = cell.resume(store.checkpoint(cell))
        except Exception as error:
            return done, versions(), error
        done.append((result, time.perf_counter() - start))
    return done, versions(), None


@contextmanager
def connect(address: str, workers: int | None = None) -> Iterator[Cluster]:
    """A cluster for the time of the block.

    A cluster that is started here is its user's alone: it listens on the loopback interface, traffic is encrypted, and
    only who holds the certificate, made for this one time and never written to a file, can connect. It has no dashboard.

    Args:
        address: The address of a scheduler (``tcp://host:8786``), the path of the file that a scheduler wrote (ends in
            ``.json``), or ``local`` to start one here.
        workers: Processes of a local cluster, one thread each; by default one for each processor.

    Raises:
        ClusterError: Dask is not installed, or no scheduler answers.
        ValueError: ``workers`` is given for a cluster elsewhere, or below 1.
    """
    if workers is not None and address != LOCAL:
        raise ValueError("workers are for a cluster that is started here: --dask local.")
    if workers is not None and workers < 1:
        raise ValueError(f"workers must be at least 1, not {workers}.")
    try:
        import cryptography  # noqa: F401
        from distributed import Client
    except ImportError:
        raise ClusterError("a cluster needs Dask and cryptography: pip install 'lrtheory[cluster]'.") from None
    if address == LOCAL:
        with _started_here(workers or processors()) as client:
            yield Cluster(client)
        return
    where: dict[str, Any] = {"scheduler_file" if address.endswith(".json") else "address": address}
    if "scheduler_file" in where and not Path(address).is_file():  # Dask would wait for it for ever
        raise ClusterError(f"no scheduler has written {address} yet.")
    try:
        client = Client(**where, timeout=PATIENCE)
    except (OSError, ValueError, TypeError) as error:  # no route, no answer, no such file; no address at all
        raise ClusterError(f"no scheduler answers at {address} ({type(error).__name__}).") from None
    with client:
        print(f"Dask: {client.dashboard_link}", file=sys.stderr)
        yield Cluster(client)


@contextmanager
def _started_here(workers: int) -> Iterator[Any]:
    """A client of a cluster of its own, of processes on this machine."""
    import dask.config
    from distributed import Client, LocalCluster

    # Processes inherit what is blocked when they start: Ctrl-C, which a terminal sends to all, is for this one to answer.
    with interrupts_elsewhere(), dask.config.set({"distributed.scheduler.http.routes": []}):
        local: Any = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            security=True,
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        )
    try:
        with Client(local) as client:
            try:
                yield client
            except KeyboardInterrupt:
                print("\nInterrupted; the workers are being ended.", file=sys.stderr)
                _quiet()
                client.run(_quiet, on_error="ignore")
                raise
    finally:
        local.close()


def _quiet() -> None:
    """Have Dask end without its reports of tasks that were under way."""
    for name in ("asyncio", "distributed", "tornado"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def task_size(cost: float | None, left: int, threads: int, task_seconds: float = TASK_SECONDS) -> int:
    """How many cells a task takes: what fills its time, but the last ones are spread over all threads.

    Args:
        cost: The seconds that a cell takes; None while that is unknown.
        left: The number of cells that are not under way.
        threads: The number of threads of the cluster.
        task_seconds: The seconds that a task should take.

    Example:
        >>> task_size(None, 10**6, 100), task_size(0.1, 10**6, 100), task_size(0.001, 40, 4)
        (1, 10, 5)
    """
    filling = 1 if cost is None else int(task_seconds / cost)
    return max(1, min(filling, LARGEST_TASK, left // (AHEAD * max(threads, 1))))


def needs_gpu(cell: Any) -> bool:
    """Whether a cell says that it is computed on a GPU."""
    return getattr(cell, "device", "cpu") == "cuda"
