"""What do the numbers of an experiment say? Slopes, intervals, tests, resampling and the cost of grids.

Everything public is listed in ``__init__.pyi`` and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
