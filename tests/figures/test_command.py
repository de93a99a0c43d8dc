"""``lrtheory figures`` where something is missing."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_without_torch_the_other_figures_are_drawn_and_the_rest_is_named(tmp_path):
    """In a process of its own, since modules that were imported with torch stay."""
    code = (
        "import sys; sys.modules['torch'] = None; import lrtheory.figures.__main__ as command; "
        "command.FIGURES = {name: command.FIGURES[name] for name in ('audit', 'scale', 'taxonomy')}; "
        "sys.exit(command.main([]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout.split() == ["figures/scale.png", "figures/scale.pdf"]
    assert done.stderr == (
        "lrtheory figures: these figures need torch and are left out: audit, taxonomy. "
        "To draw them, pip install 'lrtheory[torch]'.\n"
    )
