"""Schedules: what the learning rate does over time.

One family per file; each is a frozen dataclass, a :class:`Schedule`: a shape :math:`h` on ``[0, 1]``.

Conventions, stated once:

* ``eta_t = lr * h((t - 1) / T)`` for ``t = 1 .. T``: the first step of a decay has the full rate, and the last step
  of an annealed schedule is small but not zero.
* A warm-up counts from ``t = 1``, so no step is wasted on a rate of zero.
* ``lr`` is a number, the base rate; a :class:`Schedule` is a shape, at most 1 in every family here.
* ``u`` is the part of the run that is over and ``T`` the horizon; the few shapes that count steps depend on both.

Everything public is listed in ``__init__.pyi`` and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
