"""``python notebooks/run.py``: write the notebooks from their plain text, and execute them.

The ``.py`` files are the source. Each notebook beside them is made from its file, without outputs and always the same;
the executed ones go to ``results/notebooks``.
"""

import os
import sys
from pathlib import Path

import jupytext
import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
STRICT = """import warnings
warnings.simplefilter("error")
warnings.filterwarnings("ignore", category=PendingDeprecationWarning, module="ipykernel")"""
"""What a notebook warns of is an error; what its kernel warns of itself is not."""


def sources() -> list[Path]:
    """The plain texts, in the order of the lessons."""
    return sorted(HERE.glob("[0-9]*.py"))


def notebook(source: Path) -> nbformat.NotebookNode:
    """The notebook of a plain text: no outputs, cells numbered in place of random ids."""
    made = jupytext.reads(source.read_text(), fmt="py:percent")
    for number, cell in enumerate(made.cells, start=1):
        cell["id"] = f"cell-{number:02}"
    made.metadata.pop("jupytext", None)
    nbformat.validate(made)
    return made


def text(made: nbformat.NotebookNode) -> str:
    """A notebook as it is written."""
    return nbformat.writes(made) + "\n"


def execute(made: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Execute a notebook where it lies, with every warning an error; a cell that fails is raised."""
    strict = nbformat.v4.new_code_cell(STRICT, id="strict")
    made.cells.insert(0, strict)
    client = NotebookClient(
        made,
        timeout=300,
        resources={"metadata": {"path": str(HERE)}},
        record_timing=False,
        coalesce_streams=True,
    )
    client.execute()
    made.cells.pop(0)
    return made


def main() -> int:
    """Write and execute all notebooks."""
    out = HERE.parent / "results" / "notebooks"
    out.mkdir(parents=True, exist_ok=True)
    for source in sources():
        made = notebook(source)
        source.with_suffix(".ipynb").write_text(text(made))
        (out / source.with_suffix(".ipynb").name).write_text(text(execute(made)))
        print(f"{source.stem}: written and executed")
    return 0


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    sys.exit(main())
