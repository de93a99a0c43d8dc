"""Symbolic and multiple-precision work, by one thread at a time.

sympy and mpmath keep tables for the whole process (namespaces of ``lambdify``, assumptions, digits of constants) that
no lock of theirs protects.
"""

import threading
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

LOCK = threading.RLock()

P = ParamSpec("P")
R = TypeVar("R")


def one_thread_at_a_time(function: Callable[P, R]) -> Callable[P, R]:
    """The function, called by one thread at a time of all that call any function marked so.

    It goes above a cache, so that two threads that want the same value compute it once.
    """

    @wraps(function)
    def locked(*args: P.args, **kwargs: P.kwargs) -> R:
        with LOCK:
            return function(*args, **kwargs)

    return locked


@lru_cache(maxsize=32)
def multiple_precision(digits: int) -> Any:
    """A context of mpmath with so many digits, for work that is marked :func:`one_thread_at_a_time`.

    The precision of mpmath's global context belongs to the whole process, and is left alone.
    """
    import mpmath

    context = mpmath.mp.clone()
    context.dps = digits
    return context
