import os
import sys

import pytest

os.environ.setdefault("MPLBACKEND", "agg")


@pytest.fixture(autouse=True)
def _same_draws_in_any_order():
    """Seed torch's global generator: what an earlier test drew from it must not reach a later one."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
