from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, sgd, trainable


def make(model: nn.Module, setting: Setting, *, weight_decay: float = 1e-4) -> Training:
    r"""SGD with momentum at one rate: :math:`m_t = 0.9\,m_{t-1} + g_t`, :math:`\theta_t = \theta_{t-1} - \eta m_t`."""
    optimizer = sgd(trainable(model), setting, weight_decay)
    return Training(optimizer, scheduled(optimizer, setting))


STRATEGY = PublishedStrategy(
    name="Fixed SGD",
    generation=1,
    year=1986,
    reference="Rumelhart, Hinton and Williams, Nature 323, 533-536",
    lr={"vision": 0.01, "text": 1e-3},
    maker=make,
    as_coded={"vision": {"lr": 0.01, "weight_decay": 5e-4}, "text": {"lr": 5e-4, "weight_decay": 0.01}},
)
