r"""Logistic regression with noisy labels: convex, Lipschitz, and far from interpolation.

4096 training points :math:`x\sim N(0,\Sigma)` of 32 features, the :math:`i`-th with variance proportional to :math:`1/i`
and :math:`\mathbb E\|x\|^2=1`, scaled up to a norm of 4; labels are drawn from :math:`P(y=1)=1/(1+e^{-w\cdot x})` for one
fixed :math:`w` of norm 2, so about a third of them are wrong whatever is learned, and 33 parameters fit no noise. The
points are one fixed draw, so that the loss has one minimum. :func:`project` keeps the weights in a ball twice as large as
they need, which makes the setting that of the theorem with a diameter.
"""

import numpy as np
import torch
from torch import Tensor, nn

from lrtheory.tasks.task import Examples, FunctionTask, Task

FEATURES = 32
POINTS = 4096
NORM = 4.0
SIGNAL = 2.0
RADIUS = 4.0
"""The radius of the ball around the start that :func:`project` keeps the weights in."""


def task() -> Task:
    """A linear model that starts at zero, and the mean logistic loss.

    Example:
        >>> train, test = task().load(0)
        >>> tuple(train.inputs.shape), len(test)
        ((4096, 32), 4096)
    """
    return FunctionTask(
        "logistic", "Logistic regression", "vision", 2, {}, lambda seed: _load(), _zero, loss=_loss, right=_right
    )


def project(parameters: dict[str, Tensor]) -> None:
    """Bring stacked weights and biases to the nearest point of the ball of radius 4, in place.

    Example:
        >>> theta = {"weight": torch.tensor([[[3.0, 4.0]]]), "bias": torch.zeros(1, 1)}
        >>> project(theta)
        >>> theta["weight"].norm().item()
        4.0
    """
    norm = torch.cat([parameter.flatten(1) for parameter in parameters.values()], dim=1).norm(dim=1)
    shrink = (RADIUS / norm).clamp(max=1)
    for parameter in parameters.values():
        parameter.mul_(shrink.view(-1, *[1] * (parameter.ndim - 1)))


def _load() -> tuple[Examples, Examples]:
    random = np.random.default_rng(0)
    spectrum = 1 / np.arange(1, FEATURES + 1)
    w = random.standard_normal(FEATURES)
    w *= SIGNAL / np.linalg.norm(w)
    inputs = NORM * np.sqrt(spectrum / spectrum.sum()) * random.standard_normal((2 * POINTS, FEATURES))
    labels = random.random(2 * POINTS) < 1 / (1 + np.exp(-inputs @ w))
    inputs, labels = torch.from_numpy(inputs).float(), torch.from_numpy(labels).long()
    return Examples(inputs[:POINTS], labels[:POINTS]), Examples(inputs[POINTS:], labels[POINTS:])


def _zero() -> nn.Module:
    model = nn.Linear(FEATURES, 1)
    nn.init.zeros_(model.weight)
    nn.init.zeros_(model.bias)
    return model


def _loss(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.binary_cross_entropy_with_logits(logits[:, 0], labels.to(logits.dtype))


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    return ((logits[:, 0] > 0) == labels.bool()).sum()
