"""One step of DALS against AdamW's, on a CPU; on a GPU the same contestants are those of ``python -m lrtheory.gpu step_times``.

A unit of work is a step; ratios are to AdamW with foreach.
"""

import pandas as pd
import torch

from lrtheory.gpu.step_times import contestants, encoder_tensors
from tests.peers.measure import Contestant, race


def table(repeats: int) -> pd.DataFrame:
    """Nanoseconds a step, of the processor; torch on one thread."""
    torch.set_num_threads(1)
    steps = contestants(encoder_tensors())
    frame = race([Contestant(name, step, 1) for name, step in steps.items()], 4 * repeats)
    return frame.assign(device="cpu")
