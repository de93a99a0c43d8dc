import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrtheory.runs.store import whole_file

if TYPE_CHECKING:
    import pandas as pd


def committed() -> Path:
    """The folder of the tables that come with the package: ``figures/data`` of a checkout, or the copy in a wheel.

    Example:
        >>> (committed() / "llm_learning_rates.csv").exists()
        True
    """
    package = Path(__file__).parents[1]
    checkout = package.parent / "figures" / "data"
    return checkout if checkout.is_dir() else package / "figures" / "data"


def write_csv(table: "pd.DataFrame", path: Path) -> None:
    """Write a table all at once, with floats that read back exactly."""
    with whole_file(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")


def shown_table(table: "pd.DataFrame", width: int | None = None) -> str:
    """A table as text for a terminal: numbers to the right, words to the left, no index.

    A table that is wider than the terminal is shown in groups of whole columns, one below the other; each begins with
    the first columns, as many as tell the rows apart, or with the number of the row where these would take half of the line.

    Args:
        table: The table.
        width: Characters on a line; by default those of the terminal, and no limit where standard output is none.

    Example:
        >>> import pandas as pd
        >>> print(shown_table(pd.DataFrame({"schedule": ["a", "b"], "law": [0.5, 1.0], "loss": [1.25, 2.5]}), width=18))
        schedule  law
        --------  ---
        a         0.5
        b         1.0
        <BLANKLINE>
        schedule  loss
        --------  ----
        a         1.25
        b          2.5
    """
    return shown_rows([list(table.columns), *table.to_numpy().tolist()], width)


def shown_rows(rows: Sequence[Sequence[Any]], width: int | None = None) -> str:
    """What :func:`shown_table` prints, from the names of the columns and the rows below them."""
    if width is None and sys.stdout is not None and sys.stdout.isatty():
        width = shutil.get_terminal_size().columns
    cells = [[str(value) for value in row] for row in rows]
    columns = []
    for column in zip(*cells):
        longest = max(map(len, column))
        word = len(column) == 1 or not _is_number(column[1])
        texts = [text.ljust(longest) if word else text.rjust(longest) for text in column]
        columns.append([texts[0], "-" * longest, *texts[1:]])
    room, leading = width or math.inf, 1
    while leading < len(columns) and len({tuple(row[:leading]) for row in cells[1:]}) < len(cells) - 1:
        leading += 1
    if _width(columns) > room and _width(columns[:leading]) > room / 2:
        numbers = ["row", *map(str, range(1, len(cells)))]
        longest = max(map(len, numbers))
        columns.insert(0, [text.rjust(longest) for text in (numbers[0], "-" * longest, *numbers[1:])])
        leading = 1
    groups: list[list[list[str]]] = []
    for column in columns:
        if not groups or (_width([*groups[-1], column]) > room and len(groups[-1]) > leading):
            groups.append(columns[:leading] if groups else [])
        groups[-1].append(column)
    return "\n\n".join("\n".join("  ".join(line).rstrip() for line in zip(*group)) for group in groups)


def _width(columns: list[list[str]]) -> int:
    return sum(len(column[0]) for column in columns) + 2 * (len(columns) - 1)


def files_written(paths: Iterable[Path]) -> str:
    """What a command says of the files it wrote: one path on each line, so that none is broken in two.

    Example:
        >>> print(files_written([Path("results/rho.csv"), Path("results/rho.png")]))
        Written:
          results/rho.csv
          results/rho.png
    """
    return "\n".join(["Written:", *(f"  {path}" for path in paths)])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
