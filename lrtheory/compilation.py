"""Whether there is a folder in which numba may keep what it has compiled."""

import numba


def _nothing() -> None:
    """A function to ask numba with."""


def cacheable() -> bool:
    """Whether numba can keep compiled code beside this package, in the user's cache folder or in ``NUMBA_CACHE_DIR``.

    Where none of these can be written to, as in many containers, numba refuses to make a kernel that is to be kept: each
    process then compiles its own.
    """
    try:
        numba.njit(cache=True)(_nothing)
    except RuntimeError:
        return False
    return True


CACHE = cacheable()
"""The ``cache`` of every kernel."""
