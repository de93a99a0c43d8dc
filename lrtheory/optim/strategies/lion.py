from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, library, scheduled, trainable


def make(model: nn.Module, setting: Setting, *, weight_decay: float = 0.01) -> Training:
    """The sign of an interpolated momentum, at one rate, with decoupled weight decay."""
    optimizer = library().Lion(trainable(model), lr=setting.lr, weight_decay=weight_decay)
    return Training(optimizer, scheduled(optimizer, setting))


STRATEGY = PublishedStrategy(
    name="Lion",
    generation=5,
    year=2023,
    reference="Chen et al., arXiv 2302.06675",
    lr={"vision": 1e-4, "text": 2.5e-5},
    maker=make,
    as_coded={"vision": {"lr": 1e-4}, "text": {"lr": 2.5e-5}},
)
