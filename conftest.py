import os
import signal
import sys

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("MPLBACKEND", "agg")

# A shell has what it starts in the background ignore Ctrl-C, and so would the commands that tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test depends on wall time. In CI, what hypothesis draws is the same every time; elsewhere it is new.
settings.register_profile("untimed", parent=settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


@pytest.fixture(autouse=True)
def _same_draws_in_any_order():
    """Seed torch's global generator: what an earlier test drew from it must not reach a later one."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)
