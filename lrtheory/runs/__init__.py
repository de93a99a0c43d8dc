"""Cells, which describe a computation, and the store, which keeps their results.

A *cell* is a frozen dataclass of plain values that determines its result; its id is the SHA-256 of its canonical JSON.
The *store* keeps one file for each finished cell, written at once or not at all. :func:`execute` has the cells that a store
lacks compute themselves, in any order and on any number of workers: results depend on the cell alone. An *experiment* asks
for cells, whose results it makes a table of. Everything public is listed in ``__init__.pyi`` and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
