"""``python -m tests.processors [NAME ...]``: run the tests as other processors would.

Each setting makes a library choose the code that it would choose elsewhere: other instructions, vectors of another width or
sums in another order. By default only the tests whose numbers come from such libraries are run.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from numpy._core import _multiarray_umath as numpy_core

SETTINGS: dict[str, dict[str, str]] = {
    "torch": {"ATEN_CPU_CAPABILITY": "default"},
    "onednn": {"ONEDNN_MAX_CPU_ISA": "SSE41"},
    "numba": {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""},
    "numpy": {"NPY_DISABLE_CPU_FEATURES": " ".join(numpy_core.__cpu_dispatch__)},
    "openblas-haswell": {"OPENBLAS_CORETYPE": "Haswell"},
    "openblas-nehalem": {"OPENBLAS_CORETYPE": "Nehalem"},
}
"""The environment of each setting, which is read when a library is imported."""
SETTINGS["together"] = {name: value for setting in SETTINGS.values() for name, value in setting.items()}
SETTINGS["threads"] = {"OMP_NUM_THREADS": "2"}

SENSITIVE = ["lrtheory/optim", "lrtheory/simulation", "tests/optim", "tests/simulation", "tests/tasks"]
"""Where the tests are whose numbers these libraries compute: what trains, and what simulates."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the tests under settings; 1 where a test failed under one of them."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.processors", description="Run the tests as other processors would."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"Of {', '.join(SETTINGS)}. Default: each of them.")
    parser.add_argument("--everything", action="store_true", help="Run every test, not only the sensitive ones.")
    parser.add_argument("--times", type=int, default=1, help="How often, each time in another order. Default: 1.")
    options = parser.parse_args(arguments)
    names = options.names or list(SETTINGS)
    if unknown := set(names) - set(SETTINGS):
        parser.error(f"{unknown.pop()!r} is no setting; there are {', '.join(SETTINGS)}.")
    tests = [] if options.everything else SENSITIVE
    failed = []
    with tempfile.TemporaryDirectory() as compiled:
        for name in names * options.times:
            print(f"== {name}: {SETTINGS[name]}", flush=True)
            environment = os.environ | SETTINGS[name] | {"NUMBA_CACHE_DIR": os.path.join(compiled, name)}
            command = [sys.executable, "-m", "pytest", "--numprocesses", "auto", "--quiet", *tests]
            if subprocess.run(command, env=environment, check=False).returncode:
                failed.append(name)
    if failed:
        print(f"Tests failed under {', '.join(failed)}.", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
