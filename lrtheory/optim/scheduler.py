"""A schedule as a torch scheduler."""

from collections.abc import Sequence
from typing import Any

import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from lrtheory.schedules.schedule import Schedule, checked_horizon, checked_schedule


def lr_scheduler(schedules: Schedule | Sequence[Schedule], optimizer: Optimizer, horizon: int) -> "ClosedFormLR":
    r"""A torch scheduler whose rate is a closed form of the step.

    Before step :math:`t=1,\dots,T` each group has the rate :math:`\mathrm{lr}\cdot h((t-1)/T)`, to the bit the numbers
    of ``schedule.steps(horizon, lr)``, where ``lr`` is the rate the group was built with. After the horizon it stays
    at :math:`\mathrm{lr}\cdot h(1)`: an annealed rate is then zero.

    Call ``step()`` after each optimizer step (in Lightning: ``"interval": "step"``; in a Hugging Face trainer: pass
    ``optimizers=(optimizer, scheduler)``). For a compiled optimizer build it with ``lr=torch.tensor(...)``: the rate is
    then changed in place and nothing is recompiled.

    Args:
        schedules: One schedule, or one for each parameter group.
        optimizer: The optimizer whose rates are base rates.
        horizon: Number of steps :math:`T`.

    Raises:
        TypeError: ``optimizer`` is no torch optimizer, or ``schedules`` are no schedules.
        ValueError: the number of schedules is not that of the groups, or ``horizon`` is not a positive whole number.

    Example:
        >>> import torch
        >>> from lrtheory import Polynomial
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=8.0)
        >>> scheduler = Polynomial(1).lr_scheduler(optimizer, horizon=4)
        >>> for _ in range(4):
        ...     print(optimizer.param_groups[0]["lr"], end=" ")
        ...     optimizer.step(); scheduler.step()
        8.0 6.0 4.0 2.0
    """
    horizon = checked_horizon(horizon)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be a torch optimizer, not {type(optimizer).__name__}.")
    groups = len(optimizer.param_groups)
    if not isinstance(schedules, Sequence) or isinstance(schedules, str):
        schedules = [checked_schedule("schedules", schedules)] * groups
    for schedule in schedules:
        checked_schedule("a group's schedule", schedule)
    if len(schedules) != groups:
        raise ValueError(f"give one schedule, or one for each of the {groups} parameter groups, not {len(schedules)}.")
    return ClosedFormLR(optimizer, [_factor(schedule, horizon) for schedule in schedules])


class ClosedFormLR(LambdaLR):
    """A ``LambdaLR`` that also gives the optimizer its rates back when its state is loaded.

    torch's own loads the step only, so the first step after a resume would run at the rate of a fresh start.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the step and, to the bit, the rates it has."""
        super().load_state_dict(state_dict)
        for group, base, factor in zip(self.optimizer.param_groups, self.base_lrs, self.lr_lambdas):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(base * factor(self.last_epoch))
            else:
                group["lr"] = base * factor(self.last_epoch)


def _factor(schedule: Schedule, horizon: int) -> Any:
    factors = [*schedule.steps(horizon).tolist(), float(schedule(1.0, horizon))]
    return lambda step: factors[min(step, horizon)]
