import torch
from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, trainable


def make(model: nn.Module, setting: Setting, *, weight_decay: float = 0.0) -> Training:
    """Adam at one rate; weight decay, if any, is part of the gradient."""
    optimizer = torch.optim.Adam(trainable(model), lr=setting.lr, weight_decay=weight_decay)
    return Training(optimizer, scheduled(optimizer, setting))


STRATEGY = PublishedStrategy(
    name="Adam",
    generation=3,
    year=2014,
    reference="Kingma and Ba, arXiv 1412.6980",
    lr={"vision": 3e-4, "text": 5e-5},
    maker=make,
    as_coded={"vision": {"lr": 3e-4}, "text": {"lr": 5e-5}},
)
