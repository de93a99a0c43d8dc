import torch
from torch import nn

from lrtheory.optim.grokfast_filter import grokfast
from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, trainable


def make(
    model: nn.Module,
    setting: Setting,
    *,
    weight_decay: float = 1e-4,
    lamb: float = 2.0,
    averaged_momentum: bool = False,
    zero_start: bool = False,
) -> Training:
    r"""SGD with momentum on gradients whose slow part is amplified.

    The published code writes the momentum as an average, :math:`m_t = 0.9\,m_{t-1} + 0.1\,g_t`, the same as a tenth
    of the rate (``averaged_momentum``), and starts the filter's average at zero (``zero_start``).
    """
    momentum = 0.9
    lr = setting.lr * (1 - momentum) if averaged_momentum else setting.lr
    optimizer = torch.optim.SGD(trainable(model), lr=lr, momentum=momentum, weight_decay=weight_decay)
    grokfast(optimizer, alpha=0.98, lamb=lamb, zero_start=zero_start)
    return Training(optimizer, scheduled(optimizer, setting))


STRATEGY = PublishedStrategy(
    name="Grokfast",
    generation=5,
    year=2024,
    reference="Lee, Kang, Kim and Lee, arXiv 2405.20233",
    lr={"vision": 0.03, "text": 1e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.03, "weight_decay": 5e-4, "lamb": 1.0, "averaged_momentum": True, "zero_start": True},
        "text": {"lr": 5e-4, "weight_decay": 0.01, "lamb": 1.0, "averaged_momentum": True, "zero_start": True},
    },
    cited_as="Chen et al.",
)
