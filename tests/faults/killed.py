"""``python -m tests.faults.killed COMMAND FOLDER KILLS SEED WORKERS``: kill a command again and again, compare its table.

Each attempt is a fork of this process, which has imported and compiled all that the command needs: so kills fall on its
work and not on its start. It leads a session of its own, in which nothing may be left a moment after it was killed.
"""

import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import pandas as pd

from lrtheory.figures import style
from lrtheory.runs import Store

COMMANDS = {
    "sweep": [
        "rho", "--schedules", "Cosine", "Polynomial(1)", "--rhos", "1", "4", "16", "--horizon", "400", "--replicas", "100",
    ],
    "benchmark": [
        "--tasks", "synthetic", "--strategies", "AdamW", "DALS", "--epochs", "2", "--examples", "200", "--seeds", "1",
        "--device", "cpu", "--factors", "1", "4",
    ],
}  # fmt: skip
TABLES = {"sweep": "rho.csv", "benchmark": "results.csv"}
TIMED = ["seconds", "peak_memory"]
ROUND = 5
"""Kills before a folder is let end and compared."""
PATIENCE = 60.0
"""Seconds in which the processes of a killed command must end; those that are starting end when they have started."""


def run(command: str, out: Path, workers: int) -> int:
    """The command, in this process, with a checkpoint after each step that it takes itself."""
    if command == "sweep":
        from lrtheory.sweep import main
    else:
        from lrtheory.benchmark import main
        from lrtheory.benchmarks.training import train

        train.__kwdefaults__["every"] = 0.0
    return main([*COMMANDS[command], "--workers", str(workers), "--out", str(out)])


def start(command: str, out: Path, workers: int) -> int:
    """The command in a fork, in a session of its own; its process number."""
    child = os.fork()
    if child == 0:
        os.setsid()
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        os._exit(run(command, out, workers))
    return child


def table(command: str, out: Path) -> bytes:
    """The table without measured times."""
    path = out / TABLES[command]
    if command == "sweep":
        return path.read_bytes()
    return pd.read_csv(path).drop(columns=TIMED).to_csv(index=False).encode()


def left_alone(session: int) -> bool:
    """Whether every process of a session ends in time; without ``/proc`` this is not known."""
    end = time.monotonic() + PATIENCE
    while alive := alive_in(session):
        if time.monotonic() > end:
            print(f"left: {alive}", file=sys.stderr)
            return False
        time.sleep(0.05)
    return True


def alive_in(session: int) -> list[int]:
    """The processes of a session that have not ended."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended a moment ago
            state, _, _, its = (process / "stat").read_text().rpartition(")")[2].split()[:4]
            if int(its) == session and state != "Z":
                found.append(int(process.name))
    return found


def main() -> None:
    command, folder = sys.argv[1], Path(sys.argv[2])
    kills, seed, workers = map(int, sys.argv[3:])
    chance = random.Random(seed)
    style.save = lambda *_, **__: []  # pictures take longer than all cells: kills would seldom fall on these
    run(command, folder / "whole", 1)  # imports and compiles
    begun = time.perf_counter()
    _, status = os.waitpid(start(command, folder / "again", workers), 0)
    length = time.perf_counter() - begun
    whole = table(command, folder / "whole")
    assert status == 0
    assert table(command, folder / "again") == whole
    killed, number, left = 0, 0, {"cells": 0, "checkpoints": 0, "partial": 0}
    while killed < kills:
        out = folder / str(number)
        number += 1
        for _ in range(min(ROUND, kills - killed)):
            child = start(command, out, workers)
            time.sleep(chance.uniform(0, length))
            os.kill(child, signal.SIGKILL)
            _, status = os.waitpid(child, 0)
            killed += os.WIFSIGNALED(status)
            assert left_alone(child)
            store = Store(out / "cells")
            if store.folder.is_dir():
                found = dict(store.records())
                assert not [fault for fault in found.values() if isinstance(fault, str)]
                left["cells"] += len(found)
                left["checkpoints"] += len(list(store.folder.glob("checkpoints/[!.]*")))
                left["partial"] += len(list(store.folder.glob("**/.*")))
            assert not (out / TABLES[command]).exists() or table(command, out) == whole
        _, status = os.waitpid(start(command, out, workers), 0)
        assert status == 0
        assert table(command, out) == whole
    print(f"killed {killed} times in {number} folders; found in all: {left}")


if __name__ == "__main__":
    main()
