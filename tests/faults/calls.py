"""Functions for processes of a pool, and ``python -m tests.faults.calls``: a pool that is busy until it is killed."""

import os
import signal
import threading
import time
from pathlib import Path

from lrtheory.runs.processes import Processes


def double(number: int) -> int:
    return 2 * number


def killed_until(marks: Path, times: int) -> int:
    """Kill the process that computes this, as the system does when memory is short, so many times."""
    before = len(list(marks.iterdir()))
    if before < times:
        (marks / str(before)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return before


def stay(seconds: float) -> None:
    time.sleep(seconds)


def main() -> None:
    with Processes(2) as processes:
        busy = [threading.Thread(target=processes.call, args=(stay, 600.0), daemon=True) for _ in range(2)]
        for thread in busy:
            thread.start()
        processes.call(double, 1)  # never done: both are busy


if __name__ == "__main__":
    main()
