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
    "worst_case": {"label": "worst case", "color": "#0072B2", "marker": "o", "linestyle": "none", "zorder": 2},
    "simulated": {
        "label": "simulated, worst $\\epsilon$", "color": "#D55E00", "marker": "s", "markerfacecolor": "none",
        "linestyle": "none", "zorder": 3,
    },
}  # fmt: skip
"""How the three layers are drawn, the same in every figure."""

SCHEDULES: dict[str, dict[str, Any]] = {
    "Constant()": {"color": "#000000", "linestyle": "-", "marker": "o"},
    "InverseSqrt()": {"color": "#888888", "linestyle": "--", "marker": "s"},
    "WSD(0.2)": {"color": "#E69F00", "linestyle": "-", "marker": ">"},
    "Polynomial(1)": {"color": "#0072B2", "linestyle": "-", "marker": "D"},
    "Polynomial(2)": {"color": "#56B4E9", "linestyle": "--", "marker": "^"},
    "Polynomial(3)": {"color": "#009E73", "linestyle": "-.", "marker": "v"},
    "Cosine()": {"color": "#CC79A7", "linestyle": ":", "marker": "<"},
    "Exponential(0.01)": {"color": "#D55E00", "linestyle": "--", "marker": "x"},
    "Robust(16)": {"color": "#D55E00", "linestyle": "-", "marker": "P"},
}
"""How each schedule is drawn, the same in every figure; in grey its marker and line tell it apart."""


def of_schedule(name: str, **changes: Any) -> dict[str, Any]:
    """How to draw a schedule, with its name as label; one that has no style of its own takes the next colour."""
    return {"label": name, **SCHEDULES.get(name, {}), **changes}


@contextmanager
def styled() -> Iterator[None]:
    """The style, for the figures made inside the block."""
    with matplotlib.rc_context(fname=str(STYLE)):
        yield


def save(figure: Figure, path: Path, /, **provenance: str) -> list[Path]:
    """Write a figure as PNG and PDF, each all at once and byte for byte the same for the same numbers.

    Args:
        figure: What to write.
        path: Without a suffix.
        provenance: Kept in the metadata of the files, as text, in the order given: see
            :func:`lrtheory.figures.provenance.provenance`.
    """
    written = []
    source = "; ".join(f"{name}: {value}" for name, value in provenance.items())
    metadata: dict[str, dict[str, Any]] = {
        ".png": {"Software": None, "Source": source or None},
        ".pdf": {"Creator": None, "Producer": None, "CreationDate": None, "Subject": source or None},
    }
    for suffix, values in metadata.items():
        with styled(), whole_file(path.with_suffix(suffix)) as temporary:
            figure.savefig(temporary, metadata=values)
        written.append(path.with_suffix(suffix))
    return written
