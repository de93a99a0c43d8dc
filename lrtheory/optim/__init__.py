"""What does torch train with?

``scheduler``: a schedule as a torch scheduler. ``DALS``: layered rates in one optimizer. ``strategies``: the eighteen
strategies of the layered-rates benchmark, by name. ``layers``: how deep a parameter lies. ``grokfast``: its filter.
``range_test``: a first guess of the rate. ``gradient_norms``: a log for ``optimal_schedule``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lrtheory.optim import strategies
    from lrtheory.optim.dals import DALS

__all__ = ["DALS", "strategies"]


def __getattr__(name: str) -> Any:
    if name == "DALS":
        return import_module("lrtheory.optim.dals").DALS
    if name == "strategies":
        return import_module("lrtheory.optim.strategies")
    raise AttributeError(f"module 'lrtheory.optim' has no attribute {name!r}")
