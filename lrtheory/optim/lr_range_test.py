r"""A learning-rate range test that answers for a schedule and leaves no trace.

The rate grows geometrically, a step each, until the loss turns up. That edge says what :math:`D/G` is: in the theory too,
a run that stops after :math:`t` of the growing steps :math:`\eta_i=\eta_1e^{i/m}` has a worst case that first falls and
then rises, and it turns where

.. math:: \eta_{\mathrm{edge}} = c(m)\,\frac DG,\qquad
    c(m)=\operatorname*{argmin}_{\eta_t}\;W(\eta_1,\dots,\eta_t;\;G=D=1),

computed from :func:`lrtheory.theory.last_iterate.worst_case`. From :math:`D/G` follows the tuned rate of any schedule at any
horizon, which a picture of the test does not show: a long run wants a smaller rate than the test's edge, and an annealed
schedule a larger one than a constant. As the estimate is rough, the suggestion is where
:func:`lrtheory.theory.grid_planning.plan_convex` would put a single trial: high, as far as the schedule forgives.

**Status.** A heuristic: :math:`c(m)` is exact for worst cases; that a loss turns where its worst case does is an
assumption, *measured* on convex problems (tests: one run at the suggestion makes 95 % of the progress of the best
of nine). For adaptive optimizers the
rate has another unit, and the same reasoning holds only as far as their steps resemble those of SGD.

**Source.** The test: Smith, arXiv 1506.01186. Its reading through the worst case: here.
"""

import copy
import math
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.optim import Optimizer

from lrtheory.checks import checked_horizon, checked_whole, is_number
from lrtheory.schedules.schedule import Schedule, checked_schedule
from lrtheory.theory.grid_planning import checked_range, plan_convex
from lrtheory.theory.last_iterate import tuned_lr, worst_case

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class RangeTest:
    """What a range test saw and what it suggests.

    Args:
        rates: The rates that were tried, a step each, ascending; the last may have diverged.
        losses: The loss before each step.
        smoothed: The same, as a running mean.
        edge: The rate at which the smoothed loss turns up.
        schedule: The shape that the suggestion is for.
        horizon: The number of steps of the run.
        low: Lower end of the range that the tuned rate of that schedule is believed to lie in.
        high: Upper end.
        suggestion: The base rate for one run of the schedule.
        factor: The largest factor by which the worst case under the suggestion exceeds that under the tuned rate, if the tuned
            rate lies in the range.
    """

    rates: np.ndarray
    losses: np.ndarray
    smoothed: np.ndarray
    edge: float
    schedule: Schedule
    horizon: int
    low: float
    high: float
    suggestion: float
    factor: float

    def __str__(self) -> str:
        return (
            f"The loss turns up at {self.edge:.2g}. For {self.schedule} over {self.horizon:,} steps try"
            f" {self.suggestion:.2g}: tuned rate in [{self.low:.2g}, {self.high:.2g}],"
            f" at most {self.factor:.2f} times the tuned worst case."
        )

    def plot(self, ax: "Axes | None" = None) -> "Axes":
        """Draw the losses against the rates, with the edge, the range of the tuned rate and the suggestion.

        Args:
            ax: The axes to draw on; new ones by default.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        ax.plot(self.rates, self.losses, ".", color="0.7", label="loss")
        ax.plot(self.rates, self.smoothed, label="running mean")
        ax.axvline(self.edge, color="C1", linestyle="--", label="edge")
        ax.axvspan(self.low, self.high, color="C2", alpha=0.2, label=f"tuned rate of {self.schedule}")
        ax.axvline(self.suggestion, color="C2", label="suggestion")
        ax.set(xlabel="learning rate", ylabel="loss", xscale="log")
        ax.legend()
        return ax


def range_test(
    model: nn.Module,
    optimizer: Optimizer,
    closure: Callable[[], torch.Tensor],
    *,
    schedule: Schedule,
    horizon: int,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
    uncertainty: float = 3.0,
) -> RangeTest:
    r"""Try growing rates on a model and suggest the base rate of a schedule; then put everything back.

    Parameters, buffers, gradients, modes, the optimizer's state and rates, and the random states of Python, numpy and
    torch (all devices) are afterwards what they were, to the bit. What the closure reads (an iterator over data) goes on.

    Args:
        model: The model.
        optimizer: Its optimizer. Groups keep the ratios of their rates; rates are those of the first group.
        closure: Clears the gradients, computes the loss of the next batch, calls ``backward`` and returns the loss.
        schedule: The shape that will be run.
        horizon: The number of steps of the run.
        low: First rate.
        high: Last rate.
        steps: Number of steps between them.
        uncertainty: The tuned rate is believed within this factor of the estimate, either way; above 1.

    Raises:
        TypeError: an argument is of another kind, or ``closure`` returns no number.
        ValueError: a number outside of its range; or the loss is not finite at once, never falls by more than its noise,
            or does not turn up.

    Example:
        >>> from lrtheory import Cosine
        >>> _ = torch.manual_seed(0)
        >>> inputs, model = torch.randn(512, 8), nn.Linear(8, 1)
        >>> targets = inputs.sum(1, keepdim=True)
        >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        >>> def closure():
        ...     rows = torch.randint(512, (16,))
        ...     optimizer.zero_grad()
        ...     loss = (model(inputs[rows]) - targets[rows]).abs().mean()
        ...     loss.backward()
        ...     return loss
        >>> found = range_test(model, optimizer, closure, schedule=Cosine(), horizon=2000)
        >>> found.low < found.suggestion < found.high
        True
        >>> optimizer.param_groups[0]["lr"]
        0.1
    """
    for name, value in (("model", model), ("optimizer", optimizer), ("closure", closure)):
        kind, said = _KINDS[name]
        if not isinstance(value, kind):
            raise TypeError(f"{name} must be a {said}, not {type(value).__name__}.")
    checked_schedule("schedule", schedule)
    low, high = checked_range(low, high)
    horizon = checked_horizon(horizon)
    steps = checked_whole("steps", steps, 20)
    if not (is_number(uncertainty) and 1 < uncertainty < math.inf):
        raise ValueError(f"uncertainty must be a finite factor above 1, not {uncertainty!r}.")
    with restored(model, optimizer):
        rates, losses = _grow(optimizer, closure, np.geomspace(low, high, steps))
    if not math.isfinite(losses[0]):
        raise ValueError("the loss is not finite before the first step.")
    smoothed = _running_mean(losses)
    turn = int(np.argmin(smoothed))
    noise = np.std(np.diff(losses[: turn + 2])) / math.sqrt(2 * (2 * _MEMORY - 1))  # of the running mean
    if turn < _MEMORY or not losses[: turn // 2].mean() - smoothed[turn] > 3 * noise:
        raise ValueError(f"the loss does not fall from the first rate, {low:g}, on: lower low, or raise high.")
    if not smoothed[-1] - smoothed[turn] > 3 * noise:
        raise ValueError(f"the loss does not turn up before the last rate, {rates[-1]:g}: raise high.")
    edge = float(rates[max(turn - _MEMORY + 1, 0)])  # the running mean lags by its age
    estimate = edge / turning_rate(steps / math.log(high / low)) * tuned_lr(schedule, horizon, diameter=1.0)
    plan = plan_convex(estimate / uncertainty, estimate * uncertainty, schedule=schedule, trials=1, horizon=horizon)
    return RangeTest(rates, losses, smoothed, edge, schedule, horizon, plan.low, plan.high, plan.points[0], plan.factor)


@lru_cache(maxsize=64)
def turning_rate(per_e_fold: float) -> float:
    r"""The last rate :math:`c(m)` of the growing steps whose worst case is smallest, with :math:`D=G=1`.

    Args:
        per_e_fold: :math:`m`, the number of steps in which the rate grows by a factor e.

    Returns:
        The rate; near :math:`0.4/\sqrt m`.

    Example:
        >>> round(turning_rate(10.0), 2)
        0.13
    """
    # The first step that matters is far below 1/m, where the sum of steps is 1; the last is the largest that may help.
    first, last = 1e-3 / max(per_e_fold, 1.0), 2.0
    steps = first * np.exp(np.arange(math.ceil(per_e_fold * math.log(last / first)) + 1) / per_e_fold)
    losses = [worst_case(steps[:count], diameter=1.0) for count in range(1, len(steps) + 1)]
    return float(steps[int(np.argmin(losses))])


@contextmanager
def restored(model: nn.Module, optimizer: Optimizer) -> Iterator[None]:
    """Put model, optimizer and random states back, to the bit and in place, when the block ends.

    Args:
        model: Parameters, buffers, gradients and modes are restored.
        optimizer: State and options of its groups are restored.

    Example:
        >>> model = nn.Linear(2, 1)
        >>> before = model.weight.detach().clone()
        >>> optimizer = torch.optim.Adam(model.parameters())
        >>> with restored(model, optimizer):
        ...     model(torch.ones(1, 2)).sum().backward()
        ...     _ = optimizer.step()
        >>> torch.equal(model.weight, before), model.weight.grad, len(optimizer.state)
        (True, None, 0)
    """
    held = {p for group in optimizer.param_groups for p in group["params"]}
    tensors = {t: t.detach().clone() for t in (*model.parameters(), *model.buffers(), *held)}
    gradients = {p: (p.grad, None if p.grad is None else p.grad.detach().clone()) for p in (*model.parameters(), *held)}
    modes = {module: module.training for module in model.modules()}
    inner = getattr(optimizer, "optimizer", None)  # of those that wrap another, as Lookahead does
    holders = [holder for holder in (optimizer, inner) if isinstance(holder, Optimizer)]
    states = [{parameter: copy.deepcopy(state) for parameter, state in holder.state.items()} for holder in holders]
    options = [
        {name: (value, copy.deepcopy(value)) for name, value in group.items() if name != "params"}
        for group in optimizer.param_groups
    ]
    python, numpy_state, cpu = random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, value in tensors.items():
                tensor.copy_(value)
            for parameter, (gradient, value) in gradients.items():
                parameter.grad = gradient
                if gradient is not None and value is not None:
                    gradient.copy_(value)
            for group, saved in zip(optimizer.param_groups, options):
                for name in group.keys() - saved.keys() - {"params"}:  # what steps have added
                    del group[name]
                for name, (original, value) in saved.items():
                    if isinstance(original, torch.Tensor):  # a compiled optimizer knows its rate by identity
                        original.copy_(value)
                        value = original
                    group[name] = value
        for module, mode in modes.items():
            module.training = mode
        for holder, state in zip(holders, states):
            holder.state.clear()
            holder.state.update(state)
        random.setstate(python)
        np.random.set_state(numpy_state)  # noqa: NPY002
        torch.set_rng_state(cpu)
        if cuda:
            torch.cuda.set_rng_state_all(cuda)


_MEMORY = 10
"""Steps that the running mean of the loss remembers."""


def _grow(optimizer: Optimizer, closure: Callable[[], Any], rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A step at each rate, until the loss has risen above its first value by as much as that, or is not finite."""
    relative = [float(group["lr"]) / float(optimizer.param_groups[0]["lr"]) for group in optimizer.param_groups]
    losses: list[float] = []
    for rate in rates:
        for group, ratio in zip(optimizer.param_groups, relative):
            if isinstance(group["lr"], torch.Tensor):
                group["lr"].fill_(rate * ratio)
            else:
                group["lr"] = float(rate * ratio)
        loss: Any = optimizer.step(closure)  # pyright: ignore[reportArgumentType]
        losses.append(_number(loss))
        if not math.isfinite(losses[-1]) or losses[-1] > losses[0] + 3 * abs(losses[0]):
            break
    return rates[: len(losses)], np.array(losses)


def _number(loss: Any) -> float:
    if isinstance(loss, torch.Tensor) and loss.numel() == 1 and not loss.is_complex():
        return float(loss.detach())
    if is_number(loss):
        return float(loss)
    found = f"a tensor of shape {tuple(loss.shape)}" if isinstance(loss, torch.Tensor) else type(loss).__name__
    raise TypeError(f"closure must return the loss, a tensor of one number, not {found}.")


_KINDS: dict[str, tuple[Any, str]] = {
    "model": (nn.Module, "torch module"),
    "optimizer": (Optimizer, "torch optimizer"),
    "closure": (Callable, "function that returns the loss"),
}


def _running_mean(losses: np.ndarray) -> np.ndarray:
    """An exponential running mean without the bias of its start; what is not finite counts as the largest loss."""
    finite = np.where(np.isfinite(losses), losses, np.max(losses[np.isfinite(losses)], initial=-math.inf))
    mean, weight, means = 0.0, 0.0, []
    for loss in finite:
        mean, weight = mean + (loss - mean) / _MEMORY, weight + (1 - weight) / _MEMORY
        means.append(mean / weight)
    return np.array(means)
