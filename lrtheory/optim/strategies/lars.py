from collections.abc import Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from lrtheory.optim.strategies.strategy import PublishedStrategy, Setting, Training, scheduled, trainable
from lrtheory.schedules import Polynomial, Warmup


class LARS(Optimizer):
    r"""Layer-wise adaptive rate scaling: SGD whose step of each tensor is in proportion to the norm of the tensor.

    .. math:: v_t = \mu v_{t-1} + \eta_t\,\lambda\,(g_t + \beta\theta), \qquad \theta_t = \theta_{t-1} - v_t,
        \qquad \lambda = \frac{c\,\|\theta\|}{\|g_t\| + \beta\|\theta\|},

    and :math:`\lambda = 1` for a tensor that is zero or has no gradient, which would never move.

    Args:
        params: Parameters, or groups of them.
        lr: Rate :math:`\eta`.
        trust: The coefficient :math:`c`.
        momentum: :math:`\mu`.
        weight_decay: :math:`\beta`.
        after_momentum: Apply rate and ratio to the buffer in place of what enters it:
            :math:`v_t = \mu v_{t-1} + g_t + \beta\theta`, :math:`\theta_t = \theta_{t-1} - \eta_t\lambda v_t`.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float,
        *,
        trust: float = 0.001,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        after_momentum: bool = False,
    ) -> None:
        defaults = {"lr": lr, "trust": trust, "momentum": momentum, "weight_decay": weight_decay}
        super().__init__(params, {**defaults, "after_momentum": after_momentum})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                size, slope = parameter.norm(), parameter.grad.norm()
                ratio = group["trust"] * size / (slope + group["weight_decay"] * size)
                ratio = torch.where((size == 0) | (slope == 0), 1.0, ratio)
                update = parameter.grad.add(parameter, alpha=group["weight_decay"])
                if group["after_momentum"]:
                    velocity = state["momentum"].mul_(group["momentum"]).add_(update)
                    parameter.sub_(velocity * (group["lr"] * ratio))
                else:
                    velocity = state["momentum"].mul_(group["momentum"]).add_(update * (group["lr"] * ratio))
                    parameter.sub_(velocity)


def make(
    model: nn.Module,
    setting: Setting,
    *,
    weight_decay: float = 1e-4,
    constant: bool = False,
    after_momentum: bool = False,
) -> Training:
    """LARS with a trust coefficient of 0.02 and its paper's schedule: a short warm-up, then quadratic decay.

    ``constant`` keeps the rate at its base; ``after_momentum`` scales the buffer, not what enters it. Neither the
    original nor the published code clamps the ratio.
    """
    optimizer = LARS(trainable(model), setting.lr, trust=0.02, weight_decay=weight_decay, after_momentum=after_momentum)
    if constant:
        return Training(optimizer, scheduled(optimizer, setting))
    schedule = Warmup(Polynomial(2), setting.warmup or 0.05)
    return Training(optimizer, schedule.lr_scheduler(optimizer, setting.horizon))


STRATEGY = PublishedStrategy(
    name="LARS",
    generation=4,
    year=2017,
    reference="You, Gitman and Ginsburg, arXiv 1708.03888",
    lr={"vision": 0.03, "text": 1e-3},
    maker=make,
    as_coded={
        "vision": {"lr": 0.03, "weight_decay": 5e-4, "constant": True, "after_momentum": True},
        "text": {"lr": 5e-4, "weight_decay": 0.01, "constant": True, "after_momentum": True},
    },
    cited_as="Yang et al. 2019, arXiv 1902.08642",
)
