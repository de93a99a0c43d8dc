"""Worker processes never outlive the command, and one that is killed changes nothing."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest

from lrtheory.runs import Store
from lrtheory.runs.processes import ATTEMPTS, Processes, WorkerError
from tests.faults import calls
from tests.faults.killed import PATIENCE, TIMED, alive_in, left_alone

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
@pytest.mark.parametrize("started", [0, 4], ids=["starting", "busy"])
def test_no_process_survives_a_signal_to_the_command(name, started):
    command = [sys.executable, "-m", "tests.faults.calls"]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + PATIENCE
        while len(alive_in(process.pid)) < max(started, 2) and time.monotonic() < end:  # itself, a tracker, two workers
            time.sleep(0.01)
        process.send_signal(getattr(signal, name))
        process.wait(PATIENCE)
        assert left_alone(process.pid)
    finally:
        for left in alive_in(process.pid):
            os.kill(left, signal.SIGKILL)


def test_a_killed_process_is_replaced_and_its_call_repeated(tmp_path, capsys):
    with Processes(2) as processes:
        assert processes.call(double := calls.double, 4) == 8
        assert processes.call(calls.killed_until, tmp_path, ATTEMPTS - 1) == ATTEMPTS - 1
        assert processes.call(double, 5) == 10
    assert capsys.readouterr().err.count("a worker process was killed") == ATTEMPTS - 1


def test_a_call_that_kills_its_processes_is_given_up_and_named(tmp_path, capsys):
    with Processes(1) as processes:
        with pytest.raises(WorkerError, match=f"processes were killed {ATTEMPTS} times over 1000; if memory is short"):
            processes.call(calls.killed_until, tmp_path, 1000)
        assert processes.call(calls.double, 5) == 10


def test_a_killed_worker_changes_nothing_in_the_table(tmp_path, capsys):
    pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")
    from lrtheory.benchmarks.experiment import Benchmark

    benchmark = Benchmark(
        "as-described", ("synthetic",), ("AdamW", "DALS"), seeds=2, epochs=3, examples=200, device="cpu"
    )
    killed = []

    def kill_one():
        while not killed:
            for child in multiprocessing.active_children():
                os.kill(child.pid, signal.SIGKILL)
                killed.append(child.pid)
                return
            time.sleep(0.01)

    thread = threading.Thread(target=kill_one)
    thread.start()
    there = benchmark.table(Store(tmp_path / "there"), 2)
    thread.join()
    here = benchmark.table(Store(tmp_path / "here"), 1)
    pd.testing.assert_frame_equal(there.drop(columns=TIMED), here.drop(columns=TIMED))
    assert "a worker process was killed" in capsys.readouterr().err
