import torch
from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, trainable


def make(model: nn.Module, setting: Setting, *, weight_decay: float = 0.0) -> Training:
    """Adam whose early steps are damped for the variance of their second moment, at one base rate.

    The factor is that of its own paper, which the DALS paper misprints.
    """
    optimizer = torch.optim.RAdam(trainable(model), lr=setting.lr, weight_decay=weight_decay)
    return Training(optimizer, scheduled(optimizer, setting))


STRATEGY = PublishedStrategy(
    name="RAdam",
    generation=5,
    year=2019,
    reference="Liu, Jiang, He, Chen, Liu, Gao and Han, arXiv 1908.03265",
    lr={"vision": 3e-4, "text": 5e-5},
    maker=make,
    as_coded={"vision": {"lr": 3e-4}, "text": {"lr": 5e-5}},
)
