from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, library, scheduled, trainable

_FINAL_RATIO = {"vision": 0.01 / 3e-4, "text": 1e-3 / 5e-5}


def make(
    model: nn.Module, setting: Setting, *, weight_decay: float = 0.0, final_ratio: float | None = None
) -> Training:
    """Adam whose step of each number is clipped into bounds that close in on that of SGD.

    The bounds meet at ``final_ratio`` times the base rate, by default the rate of the SGD family over that of Adam's.
    """
    final_lr = setting.lr * (_FINAL_RATIO[setting.family] if final_ratio is None else final_ratio)
    optimizer = library().AdaBound(trainable(model), lr=setting.lr, final_lr=final_lr, weight_decay=weight_decay)
    return Training(optimizer, scheduled(optimizer, setting))


STRATEGY = PublishedStrategy(
    name="AdaBound",
    generation=3,
    year=2019,
    reference="Luo, Xiong, Liu and Sun, arXiv 1902.09843",
    lr={"vision": 3e-4, "text": 5e-5},
    maker=make,
    as_coded={"vision": {"lr": 3e-4}, "text": {"lr": 5e-5, "final_ratio": 10.0}},
)
