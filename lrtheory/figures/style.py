"""The one style of every figure, and files that come out the same every time."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from lrtheory.runs.store import whole_file

STYLE = Path(__file__).with_name("lrtheory.mplstyle")

LAYERS = {
    "law": {"label": "law ($T\\to\\infty$)", "color": "0.35", "linestyle": "-", "zorder": 1},
    "worst_case": {"label": "exact worst case", "color": "#0072B2", "marker": "o", "linestyle": "none", "zorder": 2},
    "simulated": {
        "label": "simulated, worst $\\epsilon$", "color": "#D55E00", "marker": "s", "markerfacecolor": "none",
        "linestyle": "none", "zorder": 3,
    },
}  # fmt: skip
"""How the three layers are drawn, the same in every figure."""


@contextmanager
def styled() -> Iterator[None]:
    """The style, for the figures made inside the block."""
    with matplotlib.rc_context(fname=str(STYLE)):
        yield


def save(figure: Figure, path: Path, **provenance: str) -> list[Path]:
    """Write a figure as PNG and PDF, each all at once and byte for byte the same for the same numbers.

    Args:
        figure: What to write.
        path: Without a suffix.
        provenance: Kept in the metadata of the files, as text.
    """
    written = []
    source = "; ".join(f"{name}: {value}" for name, value in sorted(provenance.items()))
    metadata: dict[str, dict[str, Any]] = {
        ".png": {"Software": None, "Source": source or None},
        ".pdf": {"Creator": None, "Producer": None, "CreationDate": None, "Subject": source or None},
    }
    for suffix, values in metadata.items():
        with styled(), whole_file(path.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, metadata=values)
        written.append(path.with_suffix(suffix))
    return written
