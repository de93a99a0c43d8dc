"""Symbolic and multiple-precision work, by one thread at a time.

sympy and mpmath keep tables for the whole process (namespaces of ``lambdify``, assumptions, digits of constants) that
no lock of theirs protects.
"""

import threading
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

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
