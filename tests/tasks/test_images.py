"""Crops, flips and normalisation: the kernels of a CPU against torch's functions, the same to the bit and in the same layout."""

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from lrtheory.tasks import images  # noqa: E402

SHAPES = {
    "count": st.integers(1, 5),
    "channels": st.integers(1, 4),
    "height": st.integers(1, 9),
    "width": st.integers(1, 9),
}


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), **SHAPES)
def test_images_are_moved_as_by_torch(seed, count, channels, height, width):
    draw = torch.Generator().manual_seed(seed)
    given_images = torch.randint(256, (count, channels, height, width), dtype=torch.uint8, generator=draw)
    before = draw.get_state()
    found = images.crop_and_flip(given_images, draw)
    after = draw.get_state()
    draw.set_state(before)
    expected = images.crop_and_flip(given_images.int(), draw)  # not bytes: by torch
    assert torch.equal(draw.get_state(), after)
    assert torch.equal(found.int(), expected)
    assert found.permute(0, 2, 3, 1).is_contiguous()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31), last=st.booleans(), **SHAPES)
def test_images_are_normalised_as_by_torch(seed, last, count, channels, height, width):
    draw = torch.Generator().manual_seed(seed)
    given_images = torch.randint(256, (count, channels, height, width), dtype=torch.uint8, generator=draw)
    if last:
        given_images = given_images.contiguous(memory_format=torch.channels_last)
    mean, deviation = (torch.rand(channels, 1, 1, generator=draw) + 0.1 for _ in range(2))
    found, expected = (make(given_images, mean, deviation) for make in (images.normalised, images.by_channel))
    assert torch.equal(found, expected)
    assert found.is_contiguous(memory_format=torch.channels_last)
