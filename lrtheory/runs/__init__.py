"""Cells, which describe a computation, and the store, which keeps their results.

A *cell* is a frozen dataclass of plain values that determines its result; its id is the SHA-256 of its canonical JSON.
The *store* keeps one file for each finished cell, written at once or not at all. :func:`execute` has the cells that a store
lacks compute themselves, in any order and on any number of workers: results depend on the cell alone. An *experiment* asks
for cells, whose results it makes a table of.
"""

from lrtheory.runs.cell import Cell, cell_id
from lrtheory.runs.execute import Compute, execute
from lrtheory.runs.experiment import Experiment
from lrtheory.runs.store import Store

__all__ = ["Cell", "Compute", "Experiment", "Store", "cell_id", "execute"]


def __dir__() -> list[str]:
    return sorted(__all__)
