from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from lrtheory.optim.layers import Layers, coarse_layer_names, discriminative_groups
from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, sgd
from lrtheory.schedules import STLR


def make(
    model: nn.Module,
    setting: Setting,
    *,
    weight_decay: float = 1e-4,
    layers: Layers | None = None,
    coarse_layers: bool = False,
    double_decay: bool = False,
    bursts: bool = False,
) -> Training:
    r"""Slanted triangular rates over time, discriminative rates over layers: the recipe of ULMFiT.

    Layer :math:`l` of :math:`L` has the rate :math:`\eta\,2.6^{-(L-1-l)}\,h(t)`. The published code differs in ways
    that are switches here. ``double_decay``: the scheduler divides by the factor of the layer once more, so the bottom
    of six layers trains at :math:`2.6^{-10}` of the rate. ``bursts``: the scheduler takes all of an epoch's steps at
    the end of that epoch, so rates are constant within epochs, and in the first no schedule holds at all, neither its
    warm-up nor its second decay. ``coarse_layers``: the model's children and encoder blocks in pairs.
    """
    if coarse_layers:
        layers = coarse_layer_names(model)
    groups = discriminative_groups(model, setting.lr, layers=layers)
    discounts = [group["lr"] / setting.lr if double_decay else 1.0 for group in groups]
    shape = STLR(cut=0.1, ratio=32)(np.arange(setting.horizon + 1) / setting.horizon, setting.horizon).tolist()
    epoch = setting.steps_of(1) if bursts else 1

    def factor(discount: float) -> Callable[[int], float]:
        def at(step: int) -> float:
            step = min(step - step % epoch, setting.horizon)
            return 1.0 if bursts and step == 0 else discount * shape[step]

        return at

    optimizer = sgd(groups, setting, weight_decay)
    return Training(optimizer, _FactorsLR(optimizer, [factor(discount) for discount in discounts]))


class _FactorsLR(LambdaLR):
    """A ``LambdaLR`` that also gives the optimizer its rates back when its state is loaded; torch's loads the step only."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        super().load_state_dict(state_dict)
        for group, base, factor in zip(self.optimizer.param_groups, self.base_lrs, self.lr_lambdas):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(base * factor(self.last_epoch))
            else:
                group["lr"] = base * factor(self.last_epoch)


STRATEGY = PublishedStrategy(
    name="STLR+Discriminative",
    generation=5,
    year=2018,
    reference="Howard and Ruder, arXiv 1801.06146",
    lr={"vision": 0.05, "text": 1e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.05, "weight_decay": 5e-4, "coarse_layers": True, "double_decay": True, "bursts": True},
        "text": {"lr": 5e-4, "weight_decay": 0.01, "coarse_layers": True, "double_decay": True, "bursts": True},
    },
)
