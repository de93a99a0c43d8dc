"""What every strategy is, and the training step that all of them share."""

import copy
import difflib
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrtheory.checks import checked_horizon, checked_positive
from lrtheory.optim.dals import DALS
from lrtheory.schedules import Constant, Schedule, Warmup

FAMILIES = ("vision", "text")
"""What is trained: a network from scratch (the synthetic task and CIFAR-10), or a pretrained encoder."""


@dataclass(frozen=True)
class Setting:
    """What every strategy is told about the run it is built for."""

    lr: float
    horizon: int
    family: str = "vision"
    steps_per_epoch: int | None = None
    warmup: float = 0.0
    """The part of the run that warms up, for strategies without a warm-up of their own."""

    def steps_of(self, epochs: int) -> int:
        """The number of steps of some epochs."""
        if self.steps_per_epoch is None:
            raise ValueError("this form counts epochs: give steps_per_epoch.")
        return epochs * self.steps_per_epoch


@dataclass(frozen=True)
class Training:
    """The moving parts of one training run: call ``step`` with the loss of each batch.

    A step computes the loss and its gradients (twice for SAM), moves the parameters and advances the schedule. No
    strategy writes into gradients: afterwards ``p.grad`` is what the last ``backward`` left, divided by the scale if
    there is a scaler.

    Args:
        optimizer: What moves the parameters.
        scheduler: What sets its rates, advanced after each step; None if they are constant or its own (DALS).
        elsewhere: Enters the point at which the gradient is taken, given one at the present point (SAM).
    """

    optimizer: Optimizer
    scheduler: LRScheduler | None = None
    elsewhere: Callable[[], AbstractContextManager[None]] | None = None

    def step(self, loss_fn: Callable[[], torch.Tensor], scaler: "torch.amp.GradScaler | None" = None) -> torch.Tensor:
        """Take one step.

        Args:
            loss_fn: Computes the loss of one batch, under autocast if wanted; calls no ``backward``. SAM calls it
                twice.
            scaler: Scales the loss against underflow in half precision. A step whose gradients overflow changes
                nothing but the scale: it moves no parameter, average or schedule.

        Returns:
            The loss before the step, detached.
        """
        loss = self._differentiate(loss_fn, scaler)
        if self.elsewhere is not None:
            with self.elsewhere():
                self._differentiate(loss_fn, scaler)
        follows: dict[str, Any] = {"loss": loss} if isinstance(self.optimizer, DALS) else {}
        if scaler is None:
            self.optimizer.step(**follows)
        else:
            scale = scaler.get_scale()
            scaler.step(self.optimizer, **follows)
            scaler.update()
            if scaler.get_scale() < scale:
                return loss
        if self.scheduler is not None:
            self.scheduler.step()
        return loss

    def _differentiate(
        self, loss_fn: Callable[[], torch.Tensor], scaler: "torch.amp.GradScaler | None"
    ) -> torch.Tensor:
        self.optimizer.zero_grad()
        loss = loss_fn()
        (loss if scaler is None else scaler.scale(loss)).backward()
        return loss.detach()

    def rates(self) -> list[float]:
        """The learning rate of the next step in each parameter group. Reading it may wait for the device."""
        if isinstance(self.optimizer, DALS):
            return self.optimizer.rates()
        return [float(group["lr"]) for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """All that changes during training, the model apart."""
        scheduler = {} if self.scheduler is None else self.scheduler.state_dict()
        return {"optimizer": self.optimizer.state_dict(), "scheduler": scheduler}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on, to the bit, where ``state_dict`` was taken."""
        self.optimizer.load_state_dict(copy.deepcopy(state["optimizer"]))  # or training would write into the checkpoint
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])


class Strategy(ABC):
    """A way to choose learning rates: one row of the benchmark.

    One's own is a class with a ``name``, the base rates ``lr`` by family, and a method ``make``; with settings, it is a frozen
    dataclass. ``python -m lrtheory.benchmark --strategies my.py:Mine AdamW`` runs it, and so does
    ``Benchmark(strategies=(Mine(), "AdamW"))``.

    Example:
        >>> class Nadam(Strategy):
        ...     name = "NAdam"
        ...     lr = {"vision": 3e-4, "text": 5e-5}
        ...
        ...     def make(self, model, setting):
        ...         optimizer = torch.optim.NAdam(trainable(model), lr=setting.lr)
        ...         return Training(optimizer, scheduled(optimizer, setting))
        >>> training = Nadam().build(nn.Linear(2, 1), horizon=10)
        >>> training.rates()
        [0.0003]
    """

    name: str
    """The name of the strategy, as tables show it."""
    lr: Mapping[str, float]
    """The base rate, by family."""

    @abstractmethod
    def make(self, model: nn.Module, setting: Setting) -> Training:
        """The training of a model in a setting; further keywords are the strategy's switches, each with a default."""

    def coded(self, family: str) -> dict[str, Any]:
        """The rate and the switches of the code that made the published table; the strategy's own where it made none."""
        return {"lr": self.lr[family]}

    @property
    def switches(self) -> tuple[str, ...]:
        """The keywords that ``build`` accepts besides its own."""
        return tuple(inspect.signature(self.make).parameters)[2:]

    def build(
        self,
        model: nn.Module,
        horizon: int,
        lr: float | None = None,
        *,
        family: str = "vision",
        steps_per_epoch: int | None = None,
        warmup: float | None = None,
        as_coded: bool = False,
        **switches: Any,
    ) -> Training:
        """The strategy made ready to train a model.

        Args:
            model: The model to train.
            horizon: The number of steps.
            lr: Base rate; the paper's for the family by default.
            family: ``"vision"`` or ``"text"``.
            steps_per_epoch: The number of steps of an epoch, for strategies that count epochs.
            warmup: The part of the run, in [0, 1), that warms up where the strategy has no warm-up of its own. By
                default what the paper's set-up says: 0.1 for text, else 0; none as coded.
            as_coded: Whether to follow the code that made the published table, where it differs from the paper.
            switches: Single departures, each a keyword of the strategy's ``make``; they win over ``as_coded``.

        Raises:
            ValueError: a value is outside its range, there is no such family or switch, or the strategy counts epochs
                and ``steps_per_epoch`` is missing.
        """
        if family not in FAMILIES:
            raise ValueError(f"family must be one of {', '.join(map(repr, FAMILIES))}, not {family!r}.")
        unknown = [switch for switch in switches if switch not in self.switches]
        if unknown:
            known = ", ".join(self.switches) or "none"
            raise ValueError(f"{self.name} has no switch {unknown[0]!r}; its switches are: {known}.")
        if warmup is None:
            warmup = 0.1 if family == "text" and not as_coded else 0.0
        if not 0 <= warmup < 1:
            raise ValueError(f"warmup is the part of the run that warms up, in [0, 1), not {warmup!r}.")
        coded = self.coded(family) if as_coded else {"lr": self.lr[family]}
        base = coded.pop("lr")
        setting = Setting(
            lr=checked_positive("lr", base if lr is None else lr),
            horizon=checked_horizon(horizon),
            family=family,
            steps_per_epoch=None if steps_per_epoch is None else checked_horizon(steps_per_epoch),
            warmup=warmup,
        )
        return self.make(model, setting, **{**coded, **switches})


@final
@dataclass(frozen=True)
class PublishedStrategy(Strategy):
    """A strategy of the DALS paper.

    Args:
        name: The name, as the paper prints it.
        generation: 1 to 5 in its taxonomy.
        year: The year of the reference.
        reference: Who proposed it, and where.
        lr: The base rate of the paper's set-up, by family; for text, where the paper names one rate for the family of SGD
            and one for that of Adam, SGDR and Lion have their programs' multiples of it.
        maker: Builds the training for a model and a :class:`Setting`; its keywords are the strategy's switches.
        as_coded: The rate and the switches of the code that made the published table, by family.
        cited_as: The reference that the paper gives in place of the right one.
    """

    name: str
    generation: int
    year: int
    reference: str
    lr: Mapping[str, float]
    maker: Callable[..., Training] = field(repr=False)
    as_coded: Mapping[str, Mapping[str, Any]] = field(repr=False)
    cited_as: str = ""

    def make(self, model: nn.Module, setting: Setting, **switches: Any) -> Training:
        """What ``maker`` builds."""
        return self.maker(model, setting, **switches)

    def coded(self, family: str) -> dict[str, Any]:
        """What ``as_coded`` says."""
        return dict(self.as_coded[family])

    @property
    def switches(self) -> tuple[str, ...]:
        """The keywords of ``maker``."""
        return tuple(inspect.signature(self.maker).parameters)[2:]


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that require a gradient."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError(f"no parameter of {type(model).__name__} requires a gradient: there is nothing to train.")
    return parameters


def sgd(parameters: Any, setting: Setting, weight_decay: float) -> torch.optim.SGD:
    """SGD with the momentum that all strategies of the family share."""
    return torch.optim.SGD(parameters, lr=setting.lr, momentum=0.9, weight_decay=weight_decay)


def scheduled(optimizer: Optimizer, setting: Setting, schedule: Schedule | None = None) -> LRScheduler | None:
    """The schedule after the setting's warm-up as a torch scheduler; None for a constant rate."""
    if setting.warmup:
        schedule = Warmup(schedule or Constant(), setting.warmup)
    return None if schedule is None else schedule.lr_scheduler(optimizer, setting.horizon)


def library() -> Any:
    """The package that supplies the optimizers torch lacks, or one sentence saying how to get it."""
    try:
        import pytorch_optimizer
    except ImportError as missing:
        raise ImportError("this strategy needs pytorch_optimizer: pip install 'lrtheory[torch]'.") from missing
    return pytorch_optimizer


def closest(name: str, names: tuple[str, ...]) -> str:
    """A hint for a name that is not known: one that is spelt alike, or all of them."""
    spelt = {known.lower(): known for known in names}
    alike = difflib.get_close_matches(name.lower(), spelt, n=1, cutoff=0.5)
    return f"did you mean {spelt[alike[0]]!r}?" if alike else f"choose one of {', '.join(names)}."
