import torch
from torch import nn

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, library, scheduled, trainable


def make(model: nn.Module, setting: Setting, *, weight_decay: float = 0.01) -> Training:
    """AdamW whose weights, every 5 steps, go half of the way back to where they were 5 steps before."""
    fast = torch.optim.AdamW(trainable(model), lr=setting.lr, weight_decay=weight_decay)
    optimizer = library().Lookahead(fast, k=5, alpha=0.5)
    return Training(optimizer, scheduled(optimizer, setting))


STRATEGY = PublishedStrategy(
    name="Lookahead+AdamW",
    generation=5,
    year=2019,
    reference="Zhang, Lucas, Hinton and Ba, arXiv 1907.08610",
    lr={"vision": 3e-4, "text": 5e-5},
    maker=make,
    as_coded={"vision": {"lr": 3e-4}, "text": {"lr": 5e-5}},
)
