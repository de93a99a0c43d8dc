import torch
from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, trainable


def make(model: nn.Module, setting: Setting, *, weight_decay: float = 0.01) -> Training:
    """Adam with decoupled weight decay, at one rate."""
    optimizer = torch.optim.AdamW(trainable(model), lr=setting.lr, weight_decay=weight_decay)
    return Training(optimizer, scheduled(optimizer, setting))


STRATEGY = PublishedStrategy(
    name="AdamW",
    generation=3,
    year=2017,
    reference="Loshchilov and Hutter, arXiv 1711.05101",
    lr={"vision": 3e-4, "text": 5e-5},
    maker=make,
    as_coded={"vision": {"lr": 3e-4}, "text": {"lr": 5e-5}},
)
