"""What will a schedule do? Laws of loss curves, fitted to logged runs and read off for others: one law per file.

:func:`fit` fits a law of :data:`LAWS` to :class:`Curve` s; its :class:`Forecast` answers. Everything public is listed in
``__init__.pyi`` and loaded on first use: the answers of the theory alone need neither scipy nor pandas.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
