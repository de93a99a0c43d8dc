r"""The synthetic task, in the three forms that the paper and its programs give it.

*As described*: 8000 points of 64 dimensions, ten classes. Ten dimensions carry the signal, three times a standard normal;
the other 54 are noise of standard deviation 0.1; the label is the largest signal. A 64-128-128-10 network.

*Draft*, the other reading, of an earlier program: all 64 dimensions are standard normal, the label is the largest of the
first ten (the factor of three stands inside the maximum, where it has no effect), and noise of standard deviation 0.1 is
added to every dimension after labelling. A 64-128-128-128-10 network.

*As coded*, the program behind the published column: 20 dimensions and two classes. Half of the 20 000 training points follow
a linear rule and half, at half the scale, a rule of products; the 2000 test points follow the linear rule alone:

.. math:: y = [x_1+\dots+x_5 > 0], \qquad y = [x_1x_2 + x_3x_4 > 0].

A 20-256-256-256-10 network of which eight outputs are never a label. The published data came from one seed; here each run
draws its own, so that intervals contain the sampling of the test set too.

Source: arXiv:2604.27295, and the programs its authors published.
"""

import itertools

import torch
from torch import Tensor, nn

from lrtheory.tasks.task import Examples, FunctionTask, Settings, Task


def described() -> Task:
    """Ten classes, 64 dimensions, 6400 training and 1600 test points: the text of the paper.

    Example:
        >>> train, test = described().load(0)
        >>> tuple(train.inputs.shape), len(test)
        ((6400, 64), 1600)
    """

    def load(seed: int) -> tuple[Examples, Examples]:
        x = torch.randn(8000, 64, generator=torch.Generator().manual_seed(seed))
        x[:, :10] *= 3.0
        x[:, 10:] *= 0.1
        return _split(x, x[:, :10].argmax(1), 6400)

    return FunctionTask(
        "synthetic", "Synthetic", "vision", 10, _settings(64), load, lambda: _network(64, 128, 128, 10), drawn=True
    )


def draft() -> Task:
    """Ten classes, 64 dimensions, noise added after labelling: the earlier program.

    Example:
        >>> len(draft().load(0)[0])
        6400
    """

    def load(seed: int) -> tuple[Examples, Examples]:
        generator = torch.Generator().manual_seed(seed)
        x = torch.randn(8000, 64, generator=generator)
        labels = x[:, :10].argmax(1)
        return _split(x + 0.1 * torch.randn(8000, 64, generator=generator), labels, 6400)

    return FunctionTask(
        "synthetic-draft", "Synthetic (draft)", "vision", 10, _settings(64), load,
        lambda: _network(64, 128, 128, 128, 10), drawn=True, note="the earlier program's task, not the paper's text",
    )  # fmt: skip


def as_coded() -> Task:
    """Two classes, 20 dimensions, a linear and a product rule in training and the linear one in the test.

    Example:
        >>> train, test = as_coded().load(0)
        >>> len(train), len(test), test.labels.unique().tolist()
        (20000, 2000, [0, 1])
    """

    def load(seed: int) -> tuple[Examples, Examples]:
        generator = torch.Generator().manual_seed(seed)
        linear = torch.randn(12000, 20, generator=generator)
        products = 0.5 * torch.randn(10000, 20, generator=generator)
        by_sum = (linear[:, :5].sum(1) > 0).long()
        by_product = (products[:, 0] * products[:, 1] + products[:, 2] * products[:, 3] > 0).long()
        train = Examples(torch.cat([linear[:10000], products]), torch.cat([by_sum[:10000], by_product]))
        return train, Examples(linear[10000:], by_sum[10000:])

    return FunctionTask(
        "synthetic-as-coded", "Synthetic (as coded)", "vision", 10, _settings(128), load,
        lambda: _network(20, 256, 256, 256, 10), drawn=True,
        note="two classes; half of the training follows another rule than the test",
    )  # fmt: skip


def _settings(batch: int) -> dict[str, Settings]:
    return {protocol: Settings(epochs=80, batch=batch) for protocol in ("fair", "as-described", "as-coded")}


def _split(inputs: Tensor, labels: Tensor, train: int) -> tuple[Examples, Examples]:
    return Examples(inputs[:train], labels[:train]), Examples(inputs[train:], labels[train:])


def _network(*widths: int) -> nn.Sequential:
    layers = [part for pair in itertools.pairwise(widths) for part in (nn.Linear(*pair), nn.ReLU())]
    return nn.Sequential(*layers[:-1])
