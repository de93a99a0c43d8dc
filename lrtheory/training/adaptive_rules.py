r"""Rules that ask for something else than a rate, or average as they go, for hundreds of runs at once.

They are those of their authors' programs, in the form of :mod:`lrtheory.training.ensemble`: norms and products are those of a
run over all of its weights. The tests hold each to pytorch_optimizer, one run at a time, or, where that has no such
optimizer (AdaGrad-norm, DoG), to the formula. What an ensemble calls a run's rate is what the rule asks for: the distance to
a solution (AdaGrad-norm), the length of the first step (DoG), a first guess of the distance (Prodigy, D-Adaptation).
"""

from collections.abc import Callable
from typing import Any, final

import torch
from torch import Tensor

from lrtheory.training.ensemble import RULES, Elsewhere, Rule, Stacked, Update, beside

TINY = 1e-8
"""Added to roots and norms that divide."""
INSIDE = 1e-15
"""Added under the root of schedule-free AdamW, as pytorch_optimizer has it."""


def total(parts: Stacked) -> Tensor:
    """The sum over all weights of each run.

    Example:
        >>> total({"weight": torch.ones(2, 3), "bias": torch.ones(2, 1)}).tolist()
        [4.0, 4.0]
    """
    return sum((part.flatten(1).sum(1) for part in parts.values()), start=torch.zeros(()))


def product(first: Stacked, second: Stacked) -> Tensor:
    """The inner product of the weights of each run."""
    return total({name: part * second[name] for name, part in first.items()})


def copied(parameters: Stacked) -> Stacked:
    """The same numbers in memory of their own."""
    return {name: parameter.clone() for name, parameter in parameters.items()}


def zeros(parameters: Stacked) -> Stacked:
    """As many zeros."""
    return {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}


def adagrad_norm() -> Rule:
    r"""AdaGrad-norm: :math:`\theta\leftarrow\theta-D\,g_t\big/\sqrt{2\sum_{i\le t}\|g_i\|^2}`; it asks for the distance ``D``.

    Example:
        >>> theta = {"weight": torch.tensor([[1.0]])}
        >>> adagrad_norm()(theta)({"weight": torch.tensor([[4.0]])}, torch.tensor([2**0.5]))
        >>> round(theta["weight"].item(), 6)
        0.0

    Reference:
        Levy, arXiv 1705.10499.
    """

    def rule(parameters: Stacked) -> Update:
        squares = torch.zeros(())

        def update(gradients: Stacked, lrs: Tensor) -> None:
            nonlocal squares
            squares = squares + product(gradients, gradients)
            sizes = lrs / (2 * squares + TINY**2).sqrt()
            for name, parameter in parameters.items():
                parameter.addcmul_(beside(sizes, parameter), gradients[name], value=-1)

        return update

    return rule


def dog() -> Rule:
    r"""Distance over gradients: :math:`\eta_t=\bar r_t\big/\sqrt{\sum_{i\le t}\|g_i\|^2}`; it asks for the first :math:`\bar r`.

    :math:`\bar r_t` is the largest distance from the start so far, and at least what was asked for.

    Example:
        >>> theta = {"weight": torch.tensor([[1.0]])}
        >>> dog()(theta)({"weight": torch.tensor([[4.0]])}, torch.tensor([0.5]))
        >>> round(theta["weight"].item(), 6)
        0.5

    Reference:
        Ivgi, Hinder and Carmon, arXiv 2302.12022.
    """

    def rule(parameters: Stacked) -> Update:
        start, squares, reached = copied(parameters), torch.zeros(()), torch.zeros(())

        def update(gradients: Stacked, lrs: Tensor) -> None:
            nonlocal squares, reached
            squares = squares + product(gradients, gradients)
            away = {name: parameter - start[name] for name, parameter in parameters.items()}
            reached = torch.maximum(torch.maximum(reached, product(away, away).sqrt()), lrs)
            sizes = reached / (squares + TINY).sqrt()
            for name, parameter in parameters.items():
                parameter.addcmul_(beside(sizes, parameter), gradients[name], value=-1)

        return update

    return rule


def prodigy(beta1: float = 0.9, beta2: float = 0.999) -> Rule:
    r"""Prodigy: Adam at a rate of :math:`d_t`, an estimate of the distance that only rises; it asks for :math:`d_0`.

    Example:
        >>> theta = {"weight": torch.tensor([[1.0]])}
        >>> prodigy()(theta)({"weight": torch.tensor([[4.0]])}, torch.tensor([0.5]))
        >>> round(theta["weight"].item(), 3)  # 0.1 / sqrt(0.001) times the guess
        -0.581

    Reference:
        Mishchenko and Defazio, arXiv 2306.06101.
    """
    beta3 = beta2**0.5

    def rule(parameters: Stacked) -> Update:
        start, first, second, weighted = copied(parameters), zeros(parameters), zeros(parameters), zeros(parameters)
        distance: Any = None
        largest = numerator = torch.zeros(())

        def update(gradients: Stacked, lrs: Tensor) -> None:
            nonlocal distance, largest, numerator
            if distance is None:
                distance = largest = lrs
            now = distance
            back = {name: start[name] - parameter for name, parameter in parameters.items()}
            numerator = beta3 * numerator + now / lrs * now * product(gradients, back)
            for name, gradient in gradients.items():
                size = beside(now, gradient)
                first[name].mul_(beta1).addcmul_(size, gradient, value=1 - beta1)
                second[name].mul_(beta2).add_((size * gradient).square(), alpha=1 - beta2)
                weighted[name].mul_(beta3).addcmul_(beside(now / lrs * now, gradient), gradient)
            guess = numerator / total({name: part.abs() for name, part in weighted.items()})
            guess = torch.where(guess.isnan(), now, guess)  # without any gradient there is nothing to learn from
            largest = torch.maximum(largest, guess)
            distance = torch.where(now == lrs, torch.maximum(now, guess), now)
            distance = torch.maximum(largest, distance)
            for name, parameter in parameters.items():
                below = second[name].sqrt().add_(beside(distance, parameter), alpha=TINY)
                parameter.sub_(beside(now, parameter) * first[name] / below)

        return update

    return rule


def d_adaptation(momentum: float = 0.9) -> Rule:
    r"""SGD with D-Adaptation: dual averaging at an estimate of the distance that only rises; it asks for :math:`d_0`.

    Example:
        >>> theta = {"weight": torch.tensor([[1.0]])}
        >>> d_adaptation(0.0)(theta)({"weight": torch.tensor([[4.0]])}, torch.tensor([0.5]))
        >>> round(theta["weight"].item(), 6)
        0.5

    Reference:
        Defazio and Mishchenko, arXiv 2301.07733.
    """

    def rule(parameters: Stacked) -> Update:
        start, moved = copied(parameters), zeros(parameters)
        distance: Any = None
        norm = numerator = torch.zeros(())

        def update(gradients: Stacked, lrs: Tensor) -> None:
            nonlocal distance, norm, numerator
            if distance is None:
                distance, norm = lrs, product(gradients, gradients).sqrt()
            size = distance / norm
            numerator = numerator + size * product(gradients, moved)
            for name, gradient in gradients.items():
                moved[name].addcmul_(beside(size, gradient), gradient)
            distance = torch.maximum(distance, 2 * numerator / product(moved, moved).sqrt())
            for name, parameter in parameters.items():
                parameter.lerp_(start[name] - moved[name], 1 - momentum)

        return update

    return rule


def schedule_free(momentum: float = 0.9, beta2: float | None = None) -> Rule:
    r"""Schedule-free SGD, or AdamW without decay where ``beta2`` is given: steps of ``z``, gradients at ``y``, outcome ``x``.

    .. math:: y_t=(1-\beta)z_t+\beta x_t,\qquad x_{t+1}=\Big(1-\frac1t\Big)x_t+\frac1tz_{t+1}

    Example:
        >>> theta = {"weight": torch.tensor([[1.0]])}
        >>> update = schedule_free()(theta)
        >>> update({"weight": torch.tensor([[4.0]])}, torch.tensor([0.5]))
        >>> update.outcome()["weight"].item()
        -1.0

    Reference:
        Defazio et al., arXiv 2405.15682.
    """
    return lambda parameters: ScheduleFree(parameters, momentum, beta2)


@final
class ScheduleFree(Elsewhere):
    """The update of :func:`schedule_free`: the weights that it moves, and that are projected, are ``z``."""

    def __init__(self, parameters: Stacked, momentum: float, beta2: float | None) -> None:
        self.moving, self.mean = parameters, copied(parameters)
        self.momentum, self.beta2 = momentum, beta2
        self.squares = zeros(parameters) if beta2 is not None else {}
        self.done = 0

    def __call__(self, gradients: Stacked, lrs: Tensor) -> None:
        """A step of ``z``."""
        self.done += 1
        for name, parameter in self.moving.items():
            direction = gradients[name]
            if self.beta2 is not None:
                square = self.squares[name].mul_(self.beta2).add_(direction.square(), alpha=1 - self.beta2)
                direction = direction / (square / (1 - self.beta2**self.done) + INSIDE).sqrt().add_(TINY)
            parameter.addcmul_(beside(lrs, parameter), direction, value=-1)

    def asked(self) -> Stacked:
        """Where ``z`` and its mean meet."""
        mean = self.outcome()
        return {name: parameter.lerp(mean[name], self.momentum) for name, parameter in self.moving.items()}

    def outcome(self) -> Stacked:
        """The mean of ``z`` so far, without the start."""
        if self.done > self.taken:
            for name, parameter in self.moving.items():
                self.mean[name].lerp_(parameter, 1 / self.done)
            self.taken = self.done
        return self.mean

    taken = 0
    """How many of the points are in the mean."""


ADAPTIVE_RULES: dict[str, Callable[[], Rule]] = {
    **RULES,
    "schedule_free": schedule_free,
    "schedule_free_adamw": lambda: schedule_free(beta2=0.999),
    "adagrad_norm": adagrad_norm,
    "dog": dog,
    "prodigy": prodigy,
    "d_adaptation": d_adaptation,
}
"""All rules of an ensemble by name, those that take a rate among them."""
