"""Memory that a training step frees and the next one wants again."""

import ctypes
import sys
from functools import cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's ``mallopt``."""
LARGEST = 2**30
"""Bytes of the largest block that is kept."""


@cache
def keep_freed_memory() -> None:
    """Have the C library keep what is freed, from now on, where it is glibc; elsewhere nothing is done.

    By default it gives each large block back to the system, which clears it page by page when the next step asks for it again.
    Training on a CPU then spends a fifth to a quarter of its time there (measured: an encoder of 22.7M parameters in batches of
    32 questions, 7.6 ms an example before and 5.8 after). Results are the same to the bit.
    """
    if (glibc := _glibc()) is not None:
        glibc.mallopt(TRIM_THRESHOLD, LARGEST)
        glibc.mallopt(MMAP_THRESHOLD, LARGEST)


def give_freed_memory_back() -> None:
    """Give the system what is kept, so that a peak measured from here on is of what is in use."""
    if (glibc := _glibc()) is not None:
        glibc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    process = ctypes.CDLL(None)
    return process if hasattr(process, "mallopt") and hasattr(process, "malloc_trim") else None
