"""Whatever moment a process is killed at, the same command ends with the same table and leaves no process behind."""

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks")
@pytest.mark.parametrize(
    ("command", "workers", "kills"),
    [
        ("sweep", 1, 25),
        ("sweep", 2, 15),
        ("sweep", 8, 15),
        ("benchmark", 1, 25),
        ("benchmark", 2, 1),
    ],
)
def test_kills_change_no_table_and_leave_no_process(tmp_path, command, workers, kills):
    if command == "benchmark":
        pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")
    arguments = [sys.executable, "-m", "tests.faults.killed", command, str(tmp_path), str(kills), "0", str(workers)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # a fork takes no threads along
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert f"killed {kills} times" in done.stdout
