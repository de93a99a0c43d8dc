"""The default sweep: one configuration at a time beside many, and the processor's time of all of it.

The sweep runs its cells one by one. The first rows say what that costs: nanoseconds of a step of one replica where one
configuration is alone, in the processor's own vectors and as numba compiles it, beside many configurations at once. The others
are nanoseconds of ``python -m lrtheory.sweep rho``, whole, in a process of its own with compiled kernels at hand, for this
checkout and for others that are named in ``LRTHEORY_OTHERS``, folders with a colon between them: they take turns.
"""

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from lrtheory.schedules import Cosine
from lrtheory.simulation import AbsoluteValue, simulate
from lrtheory.simulation.one_dimensional import Configurations, rademacher_tasks
from tests.peers.measure import Contestant, one_core, race
from tests.peers.simulators import HORIZON, whole

ALONE, REPLICAS, BLOCK = 100_000, 9_600, 1920


def table(repeats: int) -> pd.DataFrame:
    """Nanoseconds of the processor for each unit of work."""
    frames = []
    with one_core():
        frames.append(race(kernels(), repeats).assign(kernel="one configuration"))
    others = [Path(each) for each in os.environ.get("LRTHEORY_OTHERS", "").split(":") if each]
    with tempfile.TemporaryDirectory() as folder:
        sweeps = [
            Contestant(name, partial(_sweep, checkout, Path(folder)), 1)
            for name, checkout in [("this checkout", Path.cwd()), *((each.name, each) for each in others)]
        ]
        frames.append(race(sweeps, min(repeats, 3), clock=_of_children).assign(kernel="sweep"))
    frame = pd.concat(frames, ignore_index=True)
    return frame[["kernel", "peer", "work", "median", "min", "max", "ratio"]]


def kernels() -> list[Contestant]:
    """Many configurations, then one in its two forms."""
    problem, schedule, lr = AbsoluteValue(0.02), Cosine(), 0.01
    alone = Configurations([problem], schedule.steps(ALONE)[None], np.array([0]), np.array([lr]))

    def portable() -> None:
        tasks = rademacher_tasks(
            alone, REPLICAS, 0, np.dtype(np.float32), antithetic=False, averaged=False, vectors=False
        )
        for task in tasks:
            task()

    vectors: Callable[[], object] = partial(
        simulate, problem, schedule, horizon=ALONE, lr=lr, replicas=REPLICAS, averaged=False, threads=1
    )
    return [
        Contestant("many configurations", partial(whole, HORIZON // 5, BLOCK), 1300 * HORIZON // 5 * BLOCK),
        Contestant("one configuration", vectors, ALONE * REPLICAS),
        Contestant("one configuration, any processor", portable, ALONE * REPLICAS),
    ]


def _sweep(checkout: Path, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as out:
        command = [sys.executable, "-m", "lrtheory.sweep", "rho", "--workers", "1", "--out", out]
        environment = os.environ | {"PYTHONPATH": str(checkout)}
        subprocess.run(command, cwd=checkout, env=environment, check=True, capture_output=True)


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
