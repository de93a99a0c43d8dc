"""Which modules a piece of code loads, in an interpreter of its own."""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parents[1]


def loaded_by(code: str, names: Iterable[str]) -> list[str]:
    """Those of some modules that are loaded after a statement, which may end the process in order."""
    ask = f"import sys\ntry:\n    {code}\nexcept SystemExit as end:\n    assert not end.code\n"
    ask += f"print(*(name for name in {list(names)} if name in sys.modules))"
    out = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, cwd=ROOT, check=True).stdout
    return out.splitlines()[-1].split()
