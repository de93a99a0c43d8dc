from torch import nn

from lrtheory.optim.layers import Layers, coarse_layer_names, discriminative_groups
from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, sgd


def make(
    model: nn.Module,
    setting: Setting,
    *,
    weight_decay: float = 1e-4,
    layers: Layers | None = None,
    coarse_layers: bool = False,
) -> Training:
    """SGD with momentum, the rate of each layer 2.6 times that of the layer below.

    ``layers`` names the layers where the rule of :mod:`lrtheory.optim.layers` does not fit; ``coarse_layers`` takes
    those of the published code, the model's children and encoder blocks in pairs.
    """
    if coarse_layers:
        layers = coarse_layer_names(model)
    optimizer = sgd(discriminative_groups(model, setting.lr, layers=layers), setting, weight_decay)
    return Training(optimizer, scheduled(optimizer, setting))


STRATEGY = PublishedStrategy(
    name="Discriminative LR",
    generation=4,
    year=2018,
    reference="Howard and Ruder, arXiv 1801.06146",
    lr={"vision": 0.05, "text": 1e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.05, "weight_decay": 5e-4, "coarse_layers": True},
        "text": {"lr": 5e-4, "weight_decay": 0.01, "coarse_layers": True},
    },
)
