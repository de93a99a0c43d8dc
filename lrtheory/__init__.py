"""How wrong a learning rate may be, and which schedule forgives it.

Everything public is listed in ``__init__.pyi`` and loaded on first use: importing the package loads neither torch nor
matplotlib nor sympy.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
