"""What was computed, and how is it not lost?

A *cell* is a frozen dataclass of plain values that determines its result; its id is the SHA-256 of its canonical JSON.
The *store* keeps one file a finished cell, written at once or not at all. :func:`execute` computes the cells that a
store lacks, in any order and on any number of workers: results depend on the cell alone.
"""

from lrtheory.runs.cell import cell_id
from lrtheory.runs.execute import execute
from lrtheory.runs.store import Store

__all__ = ["Store", "cell_id", "execute"]
