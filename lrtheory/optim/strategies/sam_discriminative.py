from functools import partial

from torch import nn

from lrtheory.optim.layers import Layers, coarse_layer_names, discriminative_groups
from lrtheory.optim.strategies.sam import worst_point_nearby
from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, sgd, trainable


def make(
    model: nn.Module,
    setting: Setting,
    *,
    weight_decay: float = 1e-4,
    layers: Layers | None = None,
    coarse_layers: bool = False,
    radius: float = 0.05,
    adaptive: bool = False,
) -> Training:
    """SAM with the rate of each layer 2.6 times that of the layer below.

    The switches are those of its two parts: ``adaptive`` of SAM, ``coarse_layers`` of discriminative rates.
    """
    if coarse_layers:
        layers = coarse_layer_names(model)
    optimizer = sgd(discriminative_groups(model, setting.lr, layers=layers), setting, weight_decay)
    nearby = partial(worst_point_nearby, trainable(model), radius, adaptive)
    return Training(optimizer, scheduled(optimizer, setting), nearby)


STRATEGY = PublishedStrategy(
    name="SAM+Discriminative",
    generation=5,
    year=2026,
    reference="Yao et al., arXiv 2604.27295, from Foret et al., arXiv 2010.01412, and Howard and Ruder, arXiv 1801.06146",
    lr={"vision": 0.05, "text": 1e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.05, "weight_decay": 5e-4, "coarse_layers": True, "adaptive": True},
        "text": {"lr": 5e-4, "weight_decay": 0.01, "coarse_layers": True, "adaptive": True},
    },
)
