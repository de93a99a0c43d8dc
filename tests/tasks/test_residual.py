"""Residual networks: shapes, counts, what whitening does, and that every form computes the same."""

import pytest

pytest.importorskip("torch", reason="tasks need torch")

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from lrtheory.tasks import residual
from lrtheory.training.ensemble import start


def images(count=64, seed=0):
    """Neighbouring pixels and channels alike, as in photographs."""
    noise = torch.randn(count, 1, 35, 35, generator=torch.Generator().manual_seed(seed))
    colours = torch.tensor([1.0, 0.8, 0.6]).view(3, 1, 1)
    smooth = nn.functional.avg_pool2d(noise, 4, stride=1) * colours
    grain = torch.randn(smooth.shape, generator=torch.Generator().manual_seed(seed + 1))
    return (128 + 80 * smooth + 5 * grain).clamp(0, 255).to(torch.uint8)


def trainable(network):
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)


@settings(deadline=None, max_examples=8)
@given(width=st.integers(1, 6), stride=st.sampled_from([1, 2]))
def test_a_compact_network_has_the_weights_of_its_width(width, stride):
    network = residual.compact(width, torch.randn(27, 3, 3, 3), stride)
    assert network(images(2)).shape == (2, 10)
    convolutions = 27 * width + 9 * width**2 * (2 + 2 * 4 + 8 + 32 + 2 * 64)
    norms = 2 * width * (1 + 3 * 2 + 4 + 3 * 8)
    assert trainable(network) == convolutions + norms + 10 * 8 * width
    assert not network[1].weight.requires_grad


@pytest.mark.parametrize(
    ("depth", "factor", "count"),
    [(28, 10, 36_479_194), (16, 4, 2_748_890), (10, 1, 77_850)],  # the first is the 36.5 million of the paper
)
def test_wide_networks_have_the_published_number_of_weights(depth, factor, count):
    with torch.device("meta"):
        network = residual.wide(depth, factor)
    assert trainable(network) == count
    kernels = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d) and layer.kernel_size == (3, 3)]
    assert len(kernels) + 3 == depth  # the definition counts a shortcut a group


def test_whitening_makes_patches_uncorrelated():
    pictures = images(200)
    filters = residual.whitening(pictures)
    standard = residual.Standardised()(pictures)
    answers = nn.functional.conv2d(standard, filters).transpose(0, 1).flatten(1).double()
    covariance = torch.cov(answers)
    variances = covariance.diagonal()
    off_diagonal = covariance - variances.diag()
    assert off_diagonal.abs().max() < 1e-4  # the filters are kept in single precision
    assert (variances <= 1 + 1e-4).all()
    assert (variances.diff() <= 1e-4).all()  # of large variance first, which epsilon shrinks least
    assert torch.equal(filters, residual.whitening(pictures))


@pytest.mark.parametrize("name", ["compact", "wide"])
def test_channels_last_and_bfloat16_compute_the_same(name):
    filters = residual.whitening(images())
    models = {"compact": lambda: residual.compact(4, filters), "wide": lambda: residual.wide(10, 1)}
    network, pictures = start(residual.task(name, models[name]), seed=0), images(8, seed=3)
    plain = network(pictures)
    last = network.to(memory_format=torch.channels_last)(pictures.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(last, plain, rtol=1e-3, atol=1e-4)  # single precision through ten normalised layers
    with torch.autocast("cpu", dtype=torch.bfloat16):
        half = network(pictures)
    assert (half.float() - plain).abs().max() < 0.15 * plain.abs().max()  # eight bits a layer


def test_a_seed_gives_the_weights():
    task = residual.task("wide", lambda: residual.wide(10, 1))
    first, again, other = (start(task, seed).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: residual.compact(0, torch.zeros(27, 3, 3, 3)), "width must be at least 1, not 0."),
        (lambda: residual.compact(4, torch.zeros(27, 3, 3, 3), 3), "stride must be 1 or 2, not 3."),
        (lambda: residual.wide(12, 1), "a wide network has depth 10, 16, 22"),
    ],
)
def test_bad_input_is_one_sentence(build, sentence):
    with pytest.raises(ValueError, match=sentence):
        build()
