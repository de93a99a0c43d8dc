r"""Hundreds of runs trained at once: every run has its own weights, its own batches and its own rate at every step.

The weights of all runs are stacked, ``torch.func`` differentiates each run's loss in one batched pass, and the update is
elementwise. Runs share nothing, so a run is the same whichever runs are trained beside it, up to the rounding of batched
matrix products: their kernels may sum in another order when the number of runs changes. A run whose weights overflow
stays alone with them. On one core, 512 runs of the small network of :mod:`lrtheory.tasks.digits` take 32 to 37 times less time
together than in a plain loop, and end within 5e-7 of it after 200 steps in single precision (measured:
``python -m tests.peers ensemble``).

All randomness is the run's: its seed gives its first weights and, through a stream of its own, its batches, drawn with
replacement. So every step sees an unbiased gradient that is independent of the past, as the theorems of
:mod:`lrtheory.theory.last_iterate` assume, and runs that share a seed differ in nothing but their rates.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from threading import Lock
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from lrtheory.checks import checked_positive, checked_whole
from lrtheory.tasks.task import Examples, Task

Stacked: TypeAlias = dict[str, Tensor]
"""The parameters of a model by name, with a leading dimension of runs."""
Update: TypeAlias = Callable[[Stacked, Tensor], None]
"""Gradients and the runs' rates to a step in place."""
Rule: TypeAlias = Callable[[Stacked], Update]
"""Stacked parameters to the update that moves them: it holds the optimizer's state."""


class Elsewhere(ABC):
    """An update that asks for gradients, and has its outcome, elsewhere than at the weights that it moves."""

    @abstractmethod
    def __call__(self, gradients: Stacked, lrs: Tensor) -> None:
        """Move the weights by gradients that were taken at :meth:`asked`."""

    @abstractmethod
    def asked(self) -> Stacked:
        """Where the next gradients are taken."""

    @abstractmethod
    def outcome(self) -> Stacked:
        """What is used after training."""


EVALUATED_TOGETHER = 64
"""Runs evaluated on all examples in one pass, which bounds the memory."""

_global_generator = Lock()


def sgd(momentum: float = 0.0) -> Rule:
    r"""Stochastic gradient descent: :math:`m\leftarrow\mu m+g`, :math:`\theta\leftarrow\theta-\eta m`.

    Args:
        momentum: :math:`\mu`, in [0, 1).

    Raises:
        ValueError: ``momentum`` is outside [0, 1).

    Example:
        >>> theta = {"weight": torch.tensor([[1.0], [1.0]])}
        >>> sgd()(theta)({"weight": torch.tensor([[1.0], [2.0]])}, torch.tensor([0.5, 0.25]))
        >>> theta["weight"].ravel().tolist()
        [0.5, 0.5]
    """
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum must lie in [0, 1), not {momentum!r}.")

    def rule(parameters: Stacked) -> Update:
        moving = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}

        def update(gradients: Stacked, lrs: Tensor) -> None:
            for name, parameter in parameters.items():
                direction = moving[name].mul_(momentum).add_(gradients[name]) if momentum else gradients[name]
                parameter.addcmul_(beside(lrs, parameter), direction, value=-1)

        return update

    return rule


def adamw(beta1: float = 0.9, beta2: float = 0.999, eps: float = 1e-8, weight_decay: float = 0.01) -> Rule:
    r"""AdamW, as torch has it: decay :math:`\theta\leftarrow(1-\eta\lambda)\theta`, then Adam's step.

    Args:
        beta1: The decay rate of the average of gradients.
        beta2: The decay rate of the average of their squares.
        eps: Added to the root of the latter.
        weight_decay: :math:`\lambda`.

    Example:
        >>> theta = {"weight": torch.tensor([[1.0]])}
        >>> adamw(weight_decay=0.0)(theta)({"weight": torch.tensor([[3.0]])}, torch.tensor([0.5]))
        >>> round(theta["weight"].item(), 6)  # the first step is the rate, up to a few roundings of 6e-8
        0.5

    Reference:
        Loshchilov and Hutter, arXiv 1711.05101.
    """

    def rule(parameters: Stacked) -> Update:
        first, second, scratch = (
            {name: torch.zeros_like(parameter) for name, parameter in parameters.items()} for _ in range(3)
        )
        done = 0

        def update(gradients: Stacked, lrs: Tensor) -> None:
            nonlocal done
            done += 1
            unbiased = (1 - beta2**done) ** 0.5
            scale = unbiased / (1 - beta1**done)
            for name, parameter in parameters.items():
                gradient, lr = gradients[name], beside(lrs, parameter)
                mean = first[name].lerp_(gradient, 1 - beta1)
                square = second[name].mul_(beta2).addcmul_(gradient, gradient, value=1 - beta2)
                root = torch.sqrt(square, out=scratch[name]).add_(eps * unbiased)
                step = torch.div(mean, root, out=root)
                parameter.mul_(1 - weight_decay * lr).addcmul_(lr, step, value=-scale)

        return update

    return rule


RULES: dict[str, Callable[[], Rule]] = {"sgd": sgd, "momentum": lambda: sgd(0.9), "adamw": adamw}
"""The optimizers by name: SGD, SGD with a momentum of 0.9, AdamW with torch's defaults."""


def train(
    task: Task, examples: Examples, lrs: np.ndarray, seeds: Sequence[int], *, rule: Rule, batch: int,
    project: Callable[[Stacked], None] | None = None, device: str = "cpu",
    observe: Callable[[int, Stacked], None] | None = None,
) -> Stacked:  # fmt: skip
    """The final weights of many runs of one task.

    Args:
        task: The task, of which ``model`` and ``loss`` are used; the model must be a function of its parameters and inputs alone.
        examples: The examples that are trained on.
        lrs: The learning rate of every run at every step, shape ``(runs, horizon)``.
        seeds: The seed of each run: of its first weights and of its batches.
        rule: The optimizer, for example ``sgd(0.9)`` or ``adamw()``.
        batch: Examples a step, drawn with replacement.
        project: Brings stacked parameters back to the domain, in place, after every step; no domain by default.
        device: ``"cpu"`` or ``"cuda"``.
        observe: Is shown the number of steps done and the weights, which move on: before the first step and after every one.

    Returns:
        The parameters of the model by name, with a leading dimension of runs. What is not finite has diverged.

    Raises:
        ValueError: ``lrs`` is not a table with one row per seed, or ``batch`` is not a positive whole number.

    Example:
        >>> from lrtheory.tasks.logistic import task
        >>> logistic = task()
        >>> examples, _ = logistic.load(0)
        >>> lrs = np.full((2, 10), 0.1)
        >>> train(logistic, examples, lrs, [0, 1], rule=sgd(), batch=4)["weight"].shape[0]
        2
    """
    lrs = np.asarray(lrs, dtype=np.float64)
    if lrs.ndim != 2 or len(lrs) != len(seeds):
        raise ValueError(f"lrs must have one row per seed and one column per step, not the shape {lrs.shape}.")
    batch = checked_whole("batch", batch)
    different = sorted(set(seeds))
    model = start(task, seeds[0]).to("meta")
    parameters = {name: first.to(device) for name, first in stacked_starts(task, seeds).items()}
    examples = examples.to(device)
    order = np.stack([batches(len(examples), lrs.shape[1], batch, seed) for seed in different], axis=1)
    chosen, owner = torch.from_numpy(order).to(device), torch.tensor([different.index(s) for s in seeds], device=device)
    rates = torch.from_numpy(lrs.T.copy()).to(device, next(iter(parameters.values())).dtype)

    def loss(theta: Stacked, inputs: Tensor, labels: Tensor) -> Tensor:
        return task.loss(functional_call(model, theta, (inputs,)), labels)

    gradient, update = vmap(grad(loss)), rule(parameters)
    elsewhere = update if isinstance(update, Elsewhere) else None
    if observe is not None:
        observe(0, parameters)
    for done, (now, rate) in enumerate(zip(chosen, rates), start=1):
        asked = parameters if elsewhere is None else elsewhere.asked()
        update(gradient(asked, examples.inputs[now][owner], examples.labels[now][owner]), rate)
        if project is not None:
            project(parameters)
        if observe is not None:
            observe(done, parameters)
    return parameters if elsewhere is None else elsewhere.outcome()


def start(task: Task, seed: int) -> nn.Module:
    """The model of a task with the first weights of a seed; torch's global generator is left as it was."""
    with _global_generator, torch.random.fork_rng(devices=[]):  # one thread at a time: the generator is the process's
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would also seed the devices
        return task.model()


def stacked_starts(task: Task, seeds: Sequence[int]) -> Stacked:
    """The first weights of many runs, stacked; runs with the same seed start at the same."""
    first = {seed: dict(start(task, seed).named_parameters()) for seed in set(seeds)}
    return {name: torch.stack([first[seed][name].detach() for seed in seeds]) for name in first[seeds[0]]}


def batches(examples: int, horizon: int, batch: int, seed: int) -> np.ndarray:
    """Which examples a run sees, drawn with replacement: shape ``(horizon, batch)``.

    Example:
        >>> batches(100, 3, 2, seed=0).shape
        (3, 2)
    """
    return np.random.default_rng([seed, 0]).integers(examples, size=(horizon, batch))


def evaluate(
    task: Task, parameters: Stacked, examples: Examples, measure: Callable[[Tensor, Tensor], Tensor]
) -> np.ndarray:
    """A measure of every run on all examples, in double precision, whatever the runs were trained in.

    Args:
        task: The task, of which ``model`` is used.
        parameters: The parameters that :func:`train` returns.
        examples: The examples on which it is measured.
        measure: Logits and labels to a number: ``task.loss`` or ``task.right``.
    """
    device = next(iter(parameters.values())).device
    model, examples = start(task, 0).to("meta"), examples.to(device)
    inputs = examples.inputs.double()

    def one(theta: Stacked) -> Tensor:
        return measure(functional_call(model, theta, (inputs,)), examples.labels)

    with torch.no_grad():
        stacked = {name: parameter.double() for name, parameter in parameters.items()}
        return vmap(one, chunk_size=EVALUATED_TOGETHER)(stacked).cpu().numpy().astype(np.float64)


def diverged(losses: np.ndarray, first: float, factor: float) -> np.ndarray:
    """Which runs diverged: their loss is not a finite number, or more than ``factor`` times what it was before training.

    Example:
        >>> diverged(np.array([0.1, 5.0, np.nan]), 1.0, 4.0).tolist()
        [False, True, True]
    """
    return ~(losses <= checked_positive("factor", factor) * first)


def beside(lrs: Tensor, parameter: Tensor) -> Tensor:
    """One number per run, shaped to multiply its parameters."""
    return lrs.view(-1, *[1] * (parameter.ndim - 1))
