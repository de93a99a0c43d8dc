"""The one style of every figure, and files that come out the same every time."""

import textwrap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from lrtheory.runs.store import whole_file
from lrtheory.schedules import parse

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


OTHERS: tuple[dict[str, Any], ...] = tuple(
    {"color": color, "linestyle": linestyle, "marker": marker}
    for marker, color, linestyle in zip(
        "pd*hX8H", ("#882255", "#117733", "#332288", "#999933", "#44AA99", "#661100", "#6699CC"),
        ((0, (5, 1)), (0, (3, 1, 1, 1)), (0, (1, 1)), (0, (5, 1, 1, 1, 1, 1)), (0, (8, 2)), (0, (2, 2)), (0, (4, 2, 1, 2))),
    )
)  # fmt: skip
"""How schedules that have no style of their own are drawn, in the order in which a figure shows them."""


def of_schedules(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """How to draw each of these schedules, with its name as label: in its own style, or in the next of ``OTHERS``.

    Example:
        >>> found = of_schedules(["Cosine()", "SGDR(3)", "OneCycle()"])
        >>> found["Cosine()"]["marker"], found["SGDR(3)"]["marker"], found["OneCycle()"]["marker"]
        ('<', 'p', 'd')
    """
    names = list(dict.fromkeys(map(str, names)))
    others = [name for name in names if name not in SCHEDULES]
    found = {name: OTHERS[place % len(OTHERS)] for place, name in enumerate(others)}
    return {name: {"label": label(name), **found.get(name, SCHEDULES.get(name, {}))} for name in names}


def label(name: str) -> str:
    """How a schedule of a table is shown: by the name that its author gave it, or as it is written.

    Example:
        >>> label("Formula('(1 - u)**2', name='mine')"), label("Cosine()")
        ('mine', 'Cosine()')
    """
    try:
        return parse(name).name
    except ValueError:
        return name


def of_schedule(name: str, **changes: Any) -> dict[str, Any]:
    """How to draw one schedule: see :func:`of_schedules`."""
    return of_schedules([name])[name] | changes


def broken(text: str, width: int) -> str:
    """A title of lines of at most ``width`` characters where it has spaces to be broken at.

    Example:
        >>> broken("Then(Constant(), Cosine(), 0.5)", 26)
        'Then(Constant(), Cosine(),\\n0.5)'
    """
    return textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)


def ink(colour: ArrayLike) -> str:
    """Black or white, whichever has the larger contrast (WCAG 2) with a background.

    Example:
        >>> ink((1.0, 1.0, 0.0, 1.0)), ink((0.3, 0.0, 0.3, 1.0))
        ('black', 'white')
    """
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in np.asarray(colour, dtype=float)[:3].tolist()
    ]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "black" if (luminance + 0.05) / 0.05 >= 1.05 / (luminance + 0.05) else "white"


def shown(values: Any) -> np.ndarray:
    """Numbers to four digits: finer than a picture shows, and coarser than processors differ.

    Computed numbers differ between processors in their last bits, and so would the bytes of a figure.

    Example:
        >>> shown([1 / 3, 12345.6]).tolist()
        [0.3333, 12350.0]
    """
    return np.array([float(f"{value:.4g}") for value in np.asarray(values, dtype=float)])


@contextmanager
def styled() -> Iterator[None]:
    """The style, for the figures made inside the block."""
    with matplotlib.rc_context(fname=str(STYLE)):
        yield


def save(figure: Figure, path: Path, /, **provenance: str) -> list[Path]:
    """Write a figure as PNG and PDF, each all at once and byte for byte the same for the same numbers.

    Args:
        figure: The figure to write.
        path: The path of the files without a suffix.
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
