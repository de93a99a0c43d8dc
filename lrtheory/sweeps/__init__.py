"""What do law, worst case, simulation and training say of one another? One experiment per file.

Each is an :class:`lrtheory.runs.Experiment`; everything public is listed in ``__init__.pyi`` and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
