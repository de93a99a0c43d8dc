"""Windows of bytes: inside the text, followed by what follows them, and determined by seed and step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from lrtheory.tasks import bytes as task  # noqa: E402


@given(st.integers(task.CONTEXT + 1, 300), st.integers(1, 5), st.integers(0, 2**31), st.integers(0, 2**31))
def test_a_batch_is_windows_of_the_text_and_the_bytes_after_them(length, size, seed, step):
    text = np.arange(length, dtype=np.int64) % 256  # neighbours differ by one
    text = text.astype(np.uint8)
    inputs, targets = task.batch(text, size, seed, step)
    assert inputs.shape == targets.shape == (size, task.CONTEXT)
    assert ((inputs + 1) % 256 == targets).all()
    again = task.batch(text, size, seed, step)
    assert torch.equal(inputs, again[0])
    assert torch.equal(targets, again[1])


def test_every_window_of_the_text_is_drawn_the_first_and_the_last_too():
    text = np.arange(task.CONTEXT + 3, dtype=np.uint8)
    first = {int(task.batch(text, 1, 0, step)[0][0, 0]) for step in range(100)}
    assert first == {0, 1, 2}  # each is missed with a chance of (2/3)**100


def test_held_out_windows_are_the_same_for_every_run():
    text = np.random.default_rng(0).integers(256, size=5_000).astype(np.uint8)
    assert torch.equal(task.held_out(text)[0], task.held_out(text)[0])
    assert task.held_out(text)[0].shape == (task.HELD_OUT, task.CONTEXT)
