"""Memory that is freed stays with the process once it is told to keep it, and goes back when that is asked."""

import subprocess
import sys

import pytest

from lrtheory.runs import memory

BLOCK = 64 * 2**20
PROGRAM = f"""
import resource
import numpy as np
from lrtheory.runs import memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    block = np.empty({BLOCK}, np.uint8)
    block[::4096] = 1
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

memory.keep_freed_memory()
first, again = faults(), faults()
memory.give_freed_memory_back()
print(first, again, faults())
"""


@pytest.mark.skipif(memory._glibc() is None, reason="there is no glibc here")
def test_a_block_that_is_freed_and_wanted_again_is_not_cleared_again():
    run = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    first, again, returned = map(int, run.stdout.split())
    assert 10 * again <= first  # the pages were there but for a few at the ends
    assert again < returned  # not after they were given back
