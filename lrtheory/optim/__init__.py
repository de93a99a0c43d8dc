"""What torch trains with: schedulers, layered learning rates and strategies.

``lr_scheduler``: a schedule as a torch scheduler. ``DALS``: layered rates in one optimizer. ``strategies``: the eighteen
strategies of the layered-rates benchmark by name, which ``get`` finds and ``build`` makes ready. ``layer_groups``: parameter
groups by depth. ``grokfast``: its gradient filter. ``range_test``: a first guess of the learning rate. ``GradientNorms``: a
log for ``optimal_schedule``.

Everything public is listed in ``__init__.pyi`` and loaded on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
