"""What does it look like? One figure per file: ``data()`` reads its table or computes it, and ``draw()`` draws it.

``FIGURES`` lists them; everything public is listed in ``__init__.pyi`` and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
