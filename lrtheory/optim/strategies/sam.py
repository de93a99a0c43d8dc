# torch has no public multi-tensor operations
# pyright: reportPrivateImportUsage=false
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, sgd, trainable


@contextmanager
def worst_point_nearby(parameters: Sequence[torch.Tensor], radius: float, adaptive: bool) -> Iterator[None]:
    r"""Within the block the weights are those nearby at which the loss is worst, to first order.

    .. math:: \hat\epsilon = \rho\,\frac{g}{\|g\|}, \qquad \text{adaptive: }
        \hat\epsilon = \rho\,\frac{\theta^2 g}{\big\||\theta|\,g\big\|}.

    Neither depends on the scale of ``g``, so the gradients of a scaled loss serve as they are. If those overflow, the
    weights stay where they are: the ones taken in the block overflow too, and the scaler skips the step. Afterwards the
    weights are what they were, to the bit; statistics of normalisation layers see both passes.
    """
    with torch.no_grad():
        moved = [parameter for parameter in parameters if parameter.grad is not None]
        gradients = [parameter.grad for parameter in moved if parameter.grad is not None]
        before = [parameter.clone() for parameter in moved]
        measured = torch._foreach_mul(torch._foreach_abs(moved), gradients) if adaptive else gradients
        norm = torch.stack(torch._foreach_norm(measured)).norm()
        direction = torch._foreach_mul(torch._foreach_abs(moved), measured) if adaptive else gradients
        displacement = torch._foreach_mul(direction, radius / (norm + 1e-12))
        torch._foreach_add_(moved, [torch.where(norm.isfinite(), part, 0.0) for part in displacement])
    try:
        yield
    finally:
        with torch.no_grad():
            torch._foreach_copy_(moved, before)


def make(
    model: nn.Module, setting: Setting, *, weight_decay: float = 1e-4, radius: float = 0.05, adaptive: bool = False
) -> Training:
    """SGD with momentum on the gradient at the worst point within ``radius``; two backward passes per step.

    ``adaptive`` measures the distance relative to each weight (ASAM, Kwon et al., arXiv 2102.11600), as the published
    code does under the name of SAM.
    """
    parameters = trainable(model)
    optimizer = sgd(parameters, setting, weight_decay)
    return Training(optimizer, scheduled(optimizer, setting), partial(worst_point_nearby, parameters, radius, adaptive))


STRATEGY = PublishedStrategy(
    name="SAM",
    generation=5,
    year=2020,
    reference="Foret, Kleiner, Mobahi and Neyshabur, arXiv 2010.01412",
    lr={"vision": 0.03, "text": 1e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.03, "weight_decay": 5e-4, "adaptive": True},
        "text": {"lr": 5e-4, "weight_decay": 0.01, "adaptive": True},
    },
)
