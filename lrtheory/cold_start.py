"""When it is quicker not to compile."""

import sys

WORTH_COMPILING = 200_000
"""Passes through a loop that take as long as to import numba and to load a kernel: half a second."""


def quicker_plain(passes: int) -> bool:
    """Whether a loop ends sooner as it is written than numba can be imported: never where it has been.

    Example:
        >>> import numba
        >>> quicker_plain(1)
        False
    """
    return passes <= WORTH_COMPILING and "numba" not in sys.modules
