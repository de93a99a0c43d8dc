from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, sgd, trainable
from lrtheory.schedules import Cosine


def make(model: nn.Module, setting: Setting, *, weight_decay: float = 1e-4, lowest_lr: float = 0.0) -> Training:
    """SGD with momentum, its rate half a cosine over the run, from the base rate to ``lowest_lr``."""
    optimizer = sgd(trainable(model), setting, weight_decay)
    schedule = Cosine(floor=lowest_lr / setting.lr)
    return Training(optimizer, scheduled(optimizer, setting, schedule))


STRATEGY = PublishedStrategy(
    name="Cosine Decay SGD",
    generation=2,
    year=2016,
    reference="Loshchilov and Hutter, arXiv 1608.03983",
    lr={"vision": 0.03, "text": 1e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.03, "weight_decay": 5e-4, "lowest_lr": 1e-5},
        "text": {"lr": 5e-4, "weight_decay": 0.01, "lowest_lr": 1e-5},
    },
)
