r"""Residual networks for CIFAR-10: a compact one made for short training, and wide residual networks.

Both take uint8 images and standardise them by channel, so that a data set lives on its device as bytes.

The compact network is the nine-layer one of the public speed references: a fixed whitening layer, then four layers of
convolution, normalisation and rectifier that double the channels and halve the image, two of them followed by a residual pair;
the largest value of each channel; a linear head whose logits are divided by eight. *Whitening* maps the 27 numbers of a
3 x 3 patch to uncorrelated ones of equal variance: with the patches' covariance :math:`V\,\mathrm{diag}(\lambda)\,V^\top`
the filters are the rows of :math:`\mathrm{diag}(\lambda+\epsilon)^{-1/2}\,V^\top`.

Sources: He et al., arXiv 1512.03385; Zagoruyko and Komodakis, arXiv 1605.07146; Page, *How to train your ResNet*, 2018, and
Jordan, arXiv 2404.00498, for the compact form and whitening.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from lrtheory.tasks import cifar10
from lrtheory.tasks.task import Task, call

PATCH = 3
PATCHED = 1_000
"""Images that the whitening filters are computed from, at most."""
EPSILON = 1e-2
"""Added to the patches' variances, which run from 2e-4 to 21 on CIFAR-10: fainter directions than this stay faint."""
HEAD = 1 / 8


def task(name: str, model: Callable[[], nn.Module]) -> Task:
    """CIFAR-10 with another network, one that takes uint8 images.

    Example:
        >>> task("wide", lambda: wide(10, 1)).name
        'wide'
    """
    return replace(cifar10.task(), name=name, maker=model, forward=call, note="")


def compact(width: int, filters: Tensor, stride: int = 1) -> nn.Sequential:
    """The nine-layer network: ``width`` channels first, eight times as many last.

    Args:
        width: 64 in the speed references.
        filters: The filters of the first layer, which is not trained: :func:`whitening` of the training images.
        stride: The stride of the first layer: 1, or 2 for a quarter of the work; 27 filters of 3 x 3 pixels then still see
            every pixel.

    Raises:
        ValueError: ``width`` is below 1, or ``stride`` is neither 1 nor 2.

    Example:
        >>> network = compact(4, torch.zeros(27, 3, 3, 3))
        >>> network(torch.zeros(2, 3, 32, 32, dtype=torch.uint8)).shape
        torch.Size([2, 10])
    """
    if width < 1:
        raise ValueError(f"width must be at least 1, not {width}.")
    if stride not in (1, 2):
        raise ValueError(f"stride must be 1 or 2, not {stride}.")
    first = nn.Conv2d(3, len(filters), PATCH, stride, padding=1, bias=False)
    first.weight = nn.Parameter(filters.clone(), requires_grad=False)
    return nn.Sequential(
        Standardised(), first, _layer(len(filters), width, kernel=1),
        _layer(width, 2 * width, pooled=True), Residual(_layer(2 * width, 2 * width), _layer(2 * width, 2 * width)),
        _layer(2 * width, 4 * width, pooled=True), _layer(4 * width, 8 * width, pooled=True),
        Residual(_layer(8 * width, 8 * width), _layer(8 * width, 8 * width)),
        nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(8 * width, 10, bias=False), Scaled(HEAD),
    )  # fmt: skip


def whitening(images: Tensor) -> Tensor:
    """The filters that whiten 3 x 3 patches of standardised images, of large variance first.

    Args:
        images: Channels first, uint8; the first 1,000 are used.

    Returns:
        Shape ``(27, 3, 3, 3)``.

    Example:
        >>> whitening(torch.randint(256, (10, 3, 32, 32), dtype=torch.uint8)).shape
        torch.Size([27, 3, 3, 3])
    """
    patches = nn.functional.unfold(Standardised()(images[:PATCHED].cpu()), PATCH).transpose(0, 1).flatten(1).double()
    variances, directions = torch.linalg.eigh(torch.cov(patches))
    signs = (
        directions.sum(0).sign().where(directions.sum(0) != 0, torch.ones(()))
    )  # an eigenvector has no sign of its own
    filters = (directions * signs / (variances + EPSILON).sqrt()).T.flip(0)
    return filters.float().reshape(-1, 3, PATCH, PATCH).contiguous()


def wide(depth: int, factor: int) -> nn.Sequential:
    """A wide residual network without dropout: three groups of ``16 factor``, ``32 factor`` and ``64 factor`` channels.

    Args:
        depth: Number of layers, ``6 n + 4`` for ``n`` blocks a group.
        factor: How much wider than a plain one.

    Raises:
        ValueError: ``depth`` is not 10, 16, 22, ..., or ``factor`` is below 1.

    Example:
        >>> sum(parameter.numel() for parameter in wide(16, 4).parameters())  # 2.75 million
        2748890
    """
    if depth < 10 or depth % 6 != 4 or factor < 1:
        raise ValueError(
            f"a wide network has depth 10, 16, 22, ... and a factor of at least 1, not {depth} and {factor}."
        )
    blocks, channels = [], 16
    for group in range(3):
        for block in range((depth - 4) // 6):
            outputs = 16 * factor * 2**group
            blocks.append(WideBlock(channels, outputs, stride=2 if group and not block else 1))
            channels = outputs
    return nn.Sequential(
        Standardised(), nn.Conv2d(3, 16, 3, padding=1, bias=False), *blocks, nn.BatchNorm2d(channels), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, 10),
    )  # fmt: skip


class Standardised(nn.Module):
    """A layer that maps bytes to numbers of mean 0 and deviation 1 in each channel, over the training set."""

    mean: Tensor
    deviation: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(cifar10.MEAN).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(cifar10.DEVIATION).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """The logits of uint8 images, channels first."""
        return (images / 255 - self.mean) / self.deviation


class Residual(nn.Module):
    """A block that adds its input to what its layers make of it."""

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, hidden: Tensor) -> Tensor:
        """The sum."""
        return hidden + self.layers(hidden)


class WideBlock(nn.Module):
    """Normalisation and rectifier before each of two convolutions; where the shape changes, the shortcut is a third."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.before = nn.Sequential(nn.BatchNorm2d(inputs), nn.ReLU())
        self.layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(),
            nn.Conv2d(outputs, outputs, 3, padding=1, bias=False),
        )  # fmt: skip
        changes = inputs != outputs or stride != 1
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else None

    def forward(self, hidden: Tensor) -> Tensor:
        """The sum of shortcut and layers."""
        active = self.before(hidden)
        return (hidden if self.shortcut is None else self.shortcut(active)) + self.layers(active)


class Scaled(nn.Module):
    """A layer that multiplies its input by a number."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, logits: Tensor) -> Tensor:
        """The product."""
        return self.factor * logits


def _layer(inputs: int, outputs: int, *, kernel: int = 3, pooled: bool = False) -> nn.Sequential:
    """Convolution, halving where wanted, normalisation, rectifier."""
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    pool = [nn.MaxPool2d(2)] if pooled else []
    return nn.Sequential(convolution, *pool, nn.BatchNorm2d(outputs), nn.ReLU())
