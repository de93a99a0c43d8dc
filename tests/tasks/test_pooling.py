"""The kernels of pooling against torch's functions: the same to the bit, values and gradients."""

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from lrtheory.tasks.pooling import RectifiedPooling, rectified_pooling  # noqa: E402

LAYOUTS = (torch.channels_last, torch.contiguous_format)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31), count=st.integers(1, 3), channels=st.integers(1, 70), half=st.integers(1, 5),
    layout=st.sampled_from(LAYOUTS), coarse=st.booleans(),
)  # fmt: skip
def test_the_kernels_equal_the_reference(dtype, seed, count, channels, half, layout, coarse):
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(count, channels, 2 * half, 2 * half, generator=generator)
    images = (images.round() if coarse else images).to(dtype).contiguous(memory_format=layout)  # coarse: many equals
    given_back = torch.randn(count, channels, half, half, generator=generator).to(dtype)
    found = []
    for pool in (RectifiedPooling(), rectified_pooling):
        inputs = images.clone().requires_grad_()
        pooled = pool(inputs)
        pooled.backward(given_back)
        found.append((pooled.detach(), inputs.grad))
    assert torch.equal(found[0][0], found[1][0])
    assert torch.equal(found[0][1], found[1][1])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
@pytest.mark.parametrize("special", [float("nan"), -float("nan"), float("inf"), -float("inf"), -0.0])
def test_what_is_no_number_stays_so(dtype, special):
    images = torch.full((1, 17, 4, 4), -1.0).to(dtype)
    images[0, 3, 1, 2] = special
    assert torch.equal(
        RectifiedPooling()(images).nan_to_num(7.0, 8.0, 9.0), rectified_pooling(images).nan_to_num(7.0, 8.0, 9.0)
    )
