"""Whatever moment a process is killed at, the same command ends with the same table."""

import os
import subprocess
import sys

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forks")
@pytest.mark.parametrize("command", ["sweep", "benchmark"])
def test_fifty_kills_change_no_table(tmp_path, command):
    if command == "benchmark":
        pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")
    arguments = [sys.executable, "-m", "tests.faults.killed", command, str(tmp_path), "25", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # a fork takes no threads along
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert "killed 25 times" in done.stdout
