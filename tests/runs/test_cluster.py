"""A Dask cluster computes what threads compute, loses workers without losing cells, and says what is wrong in one sentence."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import ClassVar

import pandas as pd
import pytest

pytest.importorskip("distributed", reason="the cluster needs Dask")

import dask

from lrtheory import Cosine, Polynomial
from lrtheory.benchmark import main as benchmark
from lrtheory.runs import Store, execute
from lrtheory.runs.cluster import ClusterError, _Idle, computed, connect, task_size
from lrtheory.sweep import main as sweep
from lrtheory.sweeps import rho
from tests.runs.cells import Deadly, Failing, Square, Waiting

pytestmark = pytest.mark.filterwarnings("default")  # those of Dask differ with its version

SMALL = rho.Rho(schedules=(Cosine(), Polynomial(1)), rhos=(0.5, 1.0, 2.0), horizon=300, replicas=50)


@pytest.fixture(scope="module")
def cluster():
    # One worker may die over a cell; in the default three, which takes four times as long to test.
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}), connect("local", 2) as workers:
        yield workers


@pytest.fixture(scope="module")
def address():
    """Of a scheduler that somebody else started, without encryption, with two workers."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as elsewhere:
        yield elsewhere.scheduler_address


def test_a_local_cluster_listens_on_loopback_only_and_asks_for_its_certificate(cluster):
    from distributed import Security
    from distributed.comm import connect as reach

    async def knock(address, security):
        comm = await reach(address, timeout=2, **security.get_connection_args("client"))
        await comm.close()

    scheduler = cluster.client.scheduler.address
    assert scheduler.startswith("tls://127.0.0.1:")
    for stranger in (Security(), Security.temporary()):
        for there in (scheduler, scheduler.replace("tls", "tcp")):
            with pytest.raises((OSError, TypeError, RuntimeError)):  # a handshake, or its preparation, fails
                asyncio.run(knock(there, stranger))
    asyncio.run(knock(scheduler, cluster.client.security))
    if os.path.isdir("/proc/self/fd"):
        everywhere = ("00000000", "0" * 32)
        processes = [os.getpid(), *cluster.client.run(os.getpid).values()]
        listening = [address for process in processes for address in listeners(process)]
        assert len(listening) >= 4
        assert not [address for address in listening if address.startswith(everywhere)]


def listeners(process):
    """The local addresses, in hexadecimal, on which a process listens, by ``/proc``."""
    sockets = set()
    for handle in os.scandir(f"/proc/{process}/fd"):
        with contextlib.suppress(OSError):
            sockets.add(os.readlink(handle.path))
    for family in ("tcp", "tcp6"):
        for line in Path(f"/proc/{process}/net/{family}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                yield fields[1]


def test_waiting_for_workers_is_said_once_and_ends_when_one_runs(capsys, monkeypatch):
    class Client:
        workers: ClassVar = {}

        def scheduler_info(self, n_workers):
            return {"workers": self.workers}

    clock = iter(range(1000))
    monkeypatch.setattr(time, "monotonic", lambda: float(next(clock)))
    client = Client()
    idle = _Idle(client)
    for _ in range(100):
        idle.look()
    assert capsys.readouterr().err.count("no worker has joined the scheduler; waiting for one that runs") == 1
    client.workers = {"one": {"status": "running"}}
    idle.look()
    client.workers = {"one": {"status": "paused"}}
    for _ in range(100):
        idle.look()
    assert capsys.readouterr().err.count("all 1 workers are paused") == 1


def files(store):
    return {path.name: path.read_bytes() for path in store.folder.iterdir()}


def test_the_same_cells_and_bits_as_on_threads_in_any_order(tmp_path, cluster):
    here = SMALL.table(Store(tmp_path / "threads"), 1)
    there = SMALL.table(Store(tmp_path / "cluster"), cluster)
    assert here.to_csv() == there.to_csv()
    shuffled = random.Random(0).sample(SMALL.cells(), k=len(SMALL.cells()))
    execute(shuffled, Store(tmp_path / "shuffled"), workers=cluster)
    assert here.to_csv() == SMALL.table(Store(tmp_path / "shuffled"), 4).to_csv()
    assert len({frozenset(files(Store(tmp_path / name))) for name in ("threads", "cluster", "shuffled")}) == 1


def test_many_small_cells_go_together_and_none_is_lost(tmp_path, cluster):
    cells = [Square(k) for k in range(300)]
    assert execute(cells, Store(tmp_path), workers=cluster) == [cell.compute() for cell in cells]
    assert len(files(Store(tmp_path))) == 300
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    execute(cells, Store(tmp_path), workers=cluster)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == kept  # nothing is missing


def test_a_task_takes_a_second_and_the_last_ones_are_spread():
    assert task_size(None, 10**6, 100) == 1
    assert task_size(0.1, 10**6, 100) == 10
    assert task_size(60.0, 10**6, 100) == 1
    assert task_size(1e-6, 10**6, 100) == 1024
    assert task_size(0.001, 40, 4) == 5
    assert task_size(0.001, 3, 4) == 1


def test_a_killed_worker_costs_no_cell(tmp_path, cluster):
    cells = [Waiting(k, 0.05) for k in range(40)]
    victim = next(iter(cluster.client.run(os.getpid).values()))
    threading.Timer(0.4, os.kill, (victim, signal.SIGKILL)).start()
    assert execute(cells, Store(tmp_path), workers=cluster) == [cell.compute() for cell in cells]
    assert victim not in cluster.client.run(os.getpid).values()


def test_a_failure_is_raised_and_keeps_what_is_finished(tmp_path, cluster):
    cells = [Failing(k) for k in range(8)]
    with pytest.raises(ArithmeticError, match="three"):
        execute(cells, Store(tmp_path), workers=cluster)
    assert Store(tmp_path).load(Failing(3)) is None
    others = [cell for cell in cells if cell.of != 3]
    assert execute(others, Store(tmp_path), workers=cluster) == [cell.compute() for cell in others]


def test_a_run_is_not_touched_by_one_that_was_given_up_a_moment_ago(tmp_path, cluster):
    cells, failing = ([kind(k) for k in range(8)] for kind in (Square, Failing))
    for again in range(20):  # with tasks of the same name a quarter of these ended in the other's cancellation or error
        store = Store(tmp_path / str(again))
        with pytest.raises(ArithmeticError, match="three"):
            execute(failing, store, workers=cluster)
        assert execute(cells, store, workers=cluster) == [cell.compute() for cell in cells]


def test_a_cell_that_kills_its_workers_is_named(tmp_path, cluster):
    with pytest.raises(ClusterError, match=r"several workers died over the same cells.*Deadly\(of=1"):
        execute([Deadly(1)], Store(tmp_path), workers=cluster)
    assert execute([Square(1)], Store(tmp_path), workers=cluster) == [Square(1).compute()]


def test_gpu_cells_wait_for_a_gpu_worker(tmp_path, address, capsys):
    command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    worker = subprocess.Popen([*command, "--no-nanny", "--resources", "GPU=1"], stderr=subprocess.DEVNULL)
    try:
        cells = [Waiting(1, 0.0, "cuda"), Waiting(2, 0.0)]
        with connect(address) as there:
            assert execute(cells, Store(tmp_path), workers=there) == [cell.compute() for cell in cells]
    finally:
        worker.terminate()
        worker.wait(30)
    assert "No worker offers a GPU yet" in capsys.readouterr().err


def test_a_scheduler_that_dies_ends_the_run_in_a_sentence(tmp_path):
    file = tmp_path / "scheduler.json"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([*command, "--scheduler-file", str(file)], stderr=subprocess.DEVNULL)
    try:
        while not file.is_file():
            time.sleep(0.05)
        with connect(str(file)) as there:
            threading.Timer(0.5, scheduler.kill).start()
            with pytest.raises(ClusterError, match="the scheduler is gone"):
                execute([Square(1)], Store(tmp_path / "cells"), workers=there)
    finally:
        scheduler.kill()
        scheduler.wait()


def test_a_worker_of_another_version_is_refused(tmp_path):
    with pytest.raises(ClusterError, match=r"a worker has lrtheory .*, and not 0.0.0 as here"):
        computed([Square(1)], Store(tmp_path), "0.0.0")


def test_commands_run_on_a_cluster(tmp_path, address, capsys):
    small = ["rho", "--schedules", "Cosine", "--horizon", "300", "--replicas", "50"]
    assert sweep([*small, "--workers", "1", "--out", str(tmp_path / "here")]) == 0
    assert sweep([*small, "--dask", address, "--out", str(tmp_path / "there")]) == 0
    here, there = ((tmp_path / name / "rho.csv").read_bytes() for name in ("here", "there"))
    assert here == there


def test_the_benchmark_runs_on_a_cluster(tmp_path, address):
    pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")
    small = ["--tasks", "synthetic", "--protocol", "as-described", "--strategies", "AdamW", "--epochs", "1"]
    small += ["--examples", "100", "--seeds", "2", "--device", "cpu"]
    tables = []
    for name, where in (("here", ["--workers", "1"]), ("there", ["--dask", address])):
        assert benchmark([*small, *where, "--out", str(tmp_path / name)]) == 0
        tables.append(pd.read_csv(tmp_path / name / "results.csv").drop(columns=["seconds", "peak_memory"]))
    pd.testing.assert_frame_equal(*tables)


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["--dask", "nonsense"], 1, "no scheduler answers at nonsense"),
        (["--dask", "missing.json"], 1, "no scheduler has written missing.json yet."),
        (["--dask", "tcp://127.0.0.1:9"], 1, "no scheduler answers at tcp://127.0.0.1:9"),
        (["--dask", "tcp://127.0.0.1:9", "--workers", "2"], 2, "--workers is for this machine"),
        (["--dask", "local", "--workers", "0"], 2, "workers must be at least 1, not 0"),
    ],
)
def test_a_cluster_that_cannot_be_had_is_one_sentence(tmp_path, capsys, monkeypatch, arguments, code, sentence):
    monkeypatch.setattr("lrtheory.runs.cluster.PATIENCE", 0.5)
    assert sweep(["rho", "--quick", *arguments, "--out", str(tmp_path)]) == code
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err.splitlines()[-1]
    assert list(tmp_path.iterdir()) == []
