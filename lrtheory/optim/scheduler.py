"""A schedule as a torch scheduler."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrtheory.checks import checked_horizon, is_count
from lrtheory.schedules.schedule import Schedule, checked_schedule


def lr_scheduler(
    schedules: Schedule | Sequence[Schedule], optimizer: Optimizer, horizon: int, *, start: int = 0
) -> "ClosedFormLR":
    r"""A torch scheduler whose rate is a closed form of the step.

    Before step :math:`t=1,\dots,T` each group has the rate :math:`\mathrm{lr}\cdot h((t-1)/T)`, to the bit the numbers
    of ``schedule.steps(horizon, lr)``, where ``lr`` is the rate the group was built with. After the horizon it stays
    at :math:`\mathrm{lr}\cdot h(1)`, which is zero for an annealed schedule, and one warning says so.

    Call ``step()`` after each optimizer step (in Lightning: ``"interval": "step"``; in a Hugging Face trainer: pass
    ``optimizers=(optimizer, scheduler)``). For a compiled optimizer build it with ``lr=torch.tensor(...)``: the rate is
    then changed in place and nothing is recompiled.

    With accelerate on :math:`N` processes a prepared scheduler is stepped :math:`N` times after each optimizer step. Pass
    ``step_scheduler_with_optimizer=False`` to the ``Accelerator`` and call ``step()`` once after each optimizer step;
    or pass ``split_batches=True``; or give :math:`N` times the number of optimizer steps as the horizon.

    To resume a run, load the states of the optimizer and of the scheduler, in either order. A state knows its schedules
    and its horizon, and a scheduler of others refuses it. To go on with another schedule or horizon (to extend a run, for
    example), load the state of the optimizer and then build the scheduler with ``start``, the number of steps that are
    done. A scheduler that was built with ``start`` accepts the state of other schedules at that very step, for the
    trainers that load states by themselves; of the state it then takes the base rates.

    A parameter group that is added to the optimizer later follows the single schedule from the next ``step()`` on, with
    the rate it was added with as its base rate: add groups just before that call.

    Args:
        schedules: One schedule, or one for each parameter group.
        optimizer: The optimizer whose rates are base rates.
        horizon: Number of steps :math:`T`.
        start: Number of steps that are done, from 0 to ``horizon``.

    Raises:
        TypeError: ``optimizer`` is no torch optimizer, or ``schedules`` are no schedules.
        ValueError: the number of schedules is not that of the groups, ``horizon`` is not a positive whole number, or
            ``start`` is out of range.

    Example:
        >>> import torch
        >>> from lrtheory import Polynomial
        >>> optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=8.0)
        >>> scheduler = lr_scheduler(Polynomial(1), optimizer, horizon=4)
        >>> for _ in range(4):
        ...     print(optimizer.param_groups[0]["lr"], end=" ")
        ...     optimizer.step(); scheduler.step()
        8.0 6.0 4.0 2.0
    """
    horizon = checked_horizon(horizon)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be a torch optimizer, not {type(optimizer).__name__}.")
    if not is_count(start) or not 0 <= start <= horizon:
        raise ValueError(f"start is a number of steps that are done, from 0 to {horizon}, not {start!r}.")
    if isinstance(schedules, Sequence) and not isinstance(schedules, str):
        for schedule in schedules:
            checked_schedule("a group's schedule", schedule)
        groups = len(optimizer.param_groups)
        if len(schedules) != groups:
            raise ValueError(
                f"give one schedule, or one for each of the {groups} parameter groups, not {len(schedules)}."
            )
        return ClosedFormLR(optimizer, tuple(schedules), horizon, int(start))
    return ClosedFormLR(optimizer, checked_schedule("schedules", schedules), horizon, int(start))


class ClosedFormLR(LRScheduler):
    """The scheduler that :func:`lr_scheduler` makes.

    Unlike torch's own schedulers it also gives the optimizer its rates back when its state is loaded; with theirs the
    first step after a resume may run at the rate of a fresh start.
    """

    def __init__(self, optimizer: Optimizer, schedules: Schedule | tuple[Schedule, ...], horizon: int, start: int):
        self.schedules, self.horizon, self.start = schedules, horizon, start
        self._stretches: dict[Schedule, tuple[int, list[float]]] = {}
        self._warned = False
        sample = np.unique(np.linspace(0, horizon, _SAMPLE).astype(np.int64))
        for schedule in {schedules} if isinstance(schedules, Schedule) else set(schedules):
            schedule.at(1 + sample, horizon)  # what no learning rate may be is said now and not in the middle of a run
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", float(group["lr"]))
        super().__init__(optimizer, last_epoch=start - 1)

    def get_lr(self) -> list[Any]:
        """The rates of the step that is next."""
        groups, each = len(self.optimizer.param_groups), self.schedules
        schedules = (each,) * groups if isinstance(each, Schedule) else each
        if len(schedules) != groups:
            raise ValueError(
                f"the optimizer now has {groups} parameter groups, and there are schedules for {len(schedules)}: build "
                f"the scheduler anew with a schedule for each group and start={self.last_epoch}."
            )
        for group in self.optimizer.param_groups[len(self.base_lrs) :]:  # added since
            self.base_lrs.append(group.setdefault("initial_lr", float(group["lr"])))
        if self.last_epoch > self.horizon and not self._warned:
            self._warned = True
            ends = sorted({schedule.at(self.horizon + 1, self.horizon) for schedule in schedules})
            warnings.warn(
                f"The scheduler was stepped more often than its horizon of {self.horizon} steps: from here on the rate "
                f"stays at {' or '.join(f'{end:g}' for end in ends)} times the base rate. If accelerate runs several "
                "processes, it steps the scheduler once for each: pass step_scheduler_with_optimizer=False or "
                "split_batches=True to the Accelerator, or multiply the horizon by the number of processes.",
                UserWarning,
                stacklevel=4,  # get_lr, _update_lr and step are between
            )
        factors = {schedule: self._factor(schedule) for schedule in dict.fromkeys(schedules)}
        return [base * factors[schedule] for base, schedule in zip(self.base_lrs, schedules)]

    def state_dict(self) -> dict[str, Any]:
        """The step, the base rates, and what the step belongs to: plain numbers and text."""
        each = self.schedules
        return {
            "last_epoch": self.last_epoch,
            "base_lrs": [float(base) for base in self.base_lrs],
            "horizon": self.horizon,
            "schedules": each.formula if isinstance(each, Schedule) else [schedule.formula for schedule in each],
            "names": str(each),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the step and, to the bit, the rates it has.

        Raises:
            ValueError: the state is of something else, of other schedules or of another horizon (see
                :func:`lr_scheduler`), or of another number of parameter groups.
        """
        own = self.state_dict()
        if not isinstance(state_dict, dict) or not own.keys() <= state_dict.keys():
            raise ValueError(
                "this is not the state of a scheduler of lrtheory: it lacks its step, horizon or schedules."
            )
        step, groups = int(state_dict["last_epoch"]), len(self.optimizer.param_groups)
        same = all(state_dict[key] == own[key] for key in ("horizon", "schedules"))
        if not same and not 0 < self.start == step:
            raise ValueError(
                f"the state is that of {state_dict['names']} over {state_dict['horizon']} steps, and this scheduler is "
                f"{own['names']} over {self.horizon}: build the same, or, to go on with another one, build it with "
                f"start={step}."
            )
        if len(state_dict["base_lrs"]) != groups:
            raise ValueError(
                f"the state has {len(state_dict['base_lrs'])} parameter groups and the optimizer has {groups}: add the "
                "groups that the run had before the state is loaded."
            )
        self.base_lrs, self.last_epoch, self._step_count = list(state_dict["base_lrs"]), step, step + 1
        for group, lr in zip(self.optimizer.param_groups, self.get_lr()):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(lr)
            else:
                group["lr"] = lr
        self._last_lr = [
            group["lr"].clone() if isinstance(group["lr"], torch.Tensor) else group["lr"]
            for group in self.optimizer.param_groups
        ]

    def _factor(self, schedule: Schedule) -> float:
        """The shape at the next step, from a stretch of steps that is computed at once: arrays are faster than numbers."""
        step = min(self.last_epoch, self.horizon)
        first, factors = self._stretches.get(schedule, (0, []))
        if not first <= step < first + len(factors):
            first = step
            factors = schedule.at(1 + np.arange(first, min(first + _STRETCH, self.horizon + 1)), self.horizon).tolist()
            self._stretches[schedule] = first, factors
        return factors[step - first]


_STRETCH, _SAMPLE = 256, 1001
