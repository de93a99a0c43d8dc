"""The kernels against what one would use instead, on the same work, in one process, taking turns.

python -m tests.peers [simulators|sweep|regression|worst_case|ensemble|optimizers] [--json] [--repeats N] [--device cuda]
    [--out FOLDER]

Each comparison is a module with ``table(repeats)``, whose rows say how long a unit of work takes; those of
:data:`ON_DEVICES` can be run on a GPU, where ``python -m lrtheory.gpu step_times`` is the one of ``optimizers``.
Nothing is installed: peers that are missing are named on stderr and left out. Nothing here is a test: no law depends on wall
time.
"""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

COMPARISONS = {
    "simulators": "the one-dimensional simulator: nanoseconds a step of one replica of one configuration",
    "sweep": "the default sweep: one configuration beside many, and the processor's time of all of it",
    "regression": "SGD on finite sums, all configurations of a sweep at once",
    "worst_case": "the worst case of many configurations, against PEPit and the published bound",
    "ensemble": "a step of a small network: hundreds of runs at once against one at a time",
    "optimizers": "a step of DALS on 22.7 million parameters against AdamW's",
}
ON_DEVICES = ("ensemble",)


def main() -> int:
    """Run one comparison, or all, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("comparison", nargs="?", choices=COMPARISONS, help="One of them. Default: all.")
    parser.add_argument("--repeats", type=int, default=7, metavar="N", help="Turns that count. Default: 7.")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="Of ensemble.")
    parser.add_argument("--json", action="store_true", help="Print the rows as JSON, a record a row.")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="Write a table a comparison there, as CSV.")
    options = parser.parse_args()
    limit_libraries()
    import pandas as pd

    from lrtheory.runs.tables import shown_table, write_csv
    from tests.peers import measure

    frames = []
    for name in [options.comparison] if options.comparison else COMPARISONS:
        more = {"device": options.device} if name in ON_DEVICES else {}
        frame = import_module(f"tests.peers.{name}").table(options.repeats, **more)
        frame = frame.assign(machine=measure.machine(), versions=measure.versions())
        frames.append(frame)
        if options.out:
            write_csv(frame, options.out / f"{name.removesuffix('s')}_speed.csv")
        if not options.json:
            shown = frame.drop(columns=["machine", "versions"])
            shown = shown.map(lambda value: f"{value:.4g}" if isinstance(value, float) else value)
            print(f"{COMPARISONS[name]}\n{shown_table(shown)}\n", flush=True)
    if options.json:
        print(pd.concat(frames).to_json(orient="records", indent=1))
    else:
        print(f"{measure.machine()}; {measure.versions()}")
    return 0


def limit_libraries() -> None:
    """One thread each, and the BLAS kernels and vectors of this processor; they read it when they are first imported."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ.pop("OPENBLAS_CORETYPE", None)
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false --xla_cpu_prefer_vector_width=512"


if __name__ == "__main__":
    sys.exit(main())
