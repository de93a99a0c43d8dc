from typing import Any

import torch
from torch.optim import Optimizer

from lrtheory.checks import is_number

_KEY = "grokfast"


def grokfast(optimizer: Optimizer, *, alpha: float = 0.98, lamb: float = 2.0, zero_start: bool = False) -> Optimizer:
    r"""Let an optimizer see gradients whose slow part is amplified.

    .. math:: h_t = \alpha h_{t-1} + (1-\alpha)\,g_t, \quad h_1 = g_1; \qquad \hat g_t = g_t + \lambda h_t.

    The filter is part of the optimizer's own step. So under a ``GradScaler`` it sees true gradients and skips the steps
    that overflow, its averages are in the optimizer's ``state_dict`` (under the key ``"grokfast"``), and after the step
    ``p.grad`` is again what ``backward`` left.

    Args:
        optimizer: A torch optimizer whose ``step`` is called without a closure. It is changed in place. A fused one
            would unscale a ``GradScaler``'s gradients after the filter.
        alpha: The fraction of the average that each step keeps, in [0, 1).
        lamb: The amplification :math:`\lambda`, finite and at least 0.
        zero_start: Start from :math:`h_0 = 0` in place of :math:`h_1 = g_1`, as the benchmark of DALS does.

    Returns:
        The same optimizer.

    Raises:
        ValueError: a number is outside its range, the optimizer is fused or filtered already, or a step is given a closure.

    Example:
        >>> import torch
        >>> weight = torch.nn.Parameter(torch.zeros(1))
        >>> optimizer = grokfast(torch.optim.SGD([weight], lr=1.0), alpha=0.5, lamb=2.0)
        >>> for gradient in (1.0, 3.0):
        ...     weight.grad = torch.tensor([gradient])
        ...     optimizer.step()
        ...     print(weight.item(), weight.grad.item())
        -3.0 1.0
        -10.0 3.0

    Source:
        Lee, Kang, Kim and Lee, arXiv 2405.20233, algorithm 2.
    """
    if not (is_number(alpha) and 0 <= alpha < 1):
        raise ValueError(f"alpha must lie in [0, 1), not {alpha!r}.")
    if not (is_number(lamb) and 0 <= lamb < float("inf")):
        raise ValueError(f"lamb must be a finite number of at least 0, not {lamb!r}.")
    if getattr(optimizer, "_step_supports_amp_scaling", False):
        raise ValueError("grokfast needs an optimizer that is not fused: build it with fused=False.")
    if _KEY in optimizer.state:
        raise ValueError("this optimizer is filtered already: one grokfast is enough.")
    averages_of(optimizer)
    true_gradients: list[tuple[torch.Tensor, torch.Tensor]] = []

    @torch.no_grad()
    def amplify(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if len(args) > 1 or kwargs.get("closure") is not None:
            raise ValueError("grokfast filters gradients that are there: call step() without a closure.")
        averages = averages_of(optimizer)
        for index, parameter in enumerate(_parameters(optimizer)):
            gradient = parameter.grad
            if gradient is None:
                continue
            if index not in averages:  # a copy: an average that is the gradient itself would be amplified with it
                averages[index] = torch.zeros_like(gradient) if zero_start else gradient.clone()
            average = averages[index]
            average.lerp_(gradient, 1 - alpha)
            true_gradients.append((parameter, gradient))
            parameter.grad = torch.add(gradient, average, alpha=lamb)

    def give_back(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        for parameter, gradient in true_gradients:
            parameter.grad = gradient
        true_gradients.clear()

    def bring_averages(optimizer: Optimizer) -> None:
        """Torch moves the state of parameters to their device, but not this."""
        parameters = _parameters(optimizer)
        there = {index: average.to(parameters[index]) for index, average in averages_of(optimizer).items()}
        optimizer.state[_KEY] = there  # pyright: ignore[reportArgumentType]

    optimizer.register_step_pre_hook(amplify)
    optimizer.register_step_post_hook(give_back)
    optimizer.register_load_state_dict_post_hook(bring_averages)
    return optimizer


def averages_of(optimizer: Optimizer) -> dict[int, torch.Tensor]:
    """The gradient averages of a filtered optimizer, by the position of the parameter."""
    return optimizer.state[_KEY]  # pyright: ignore[reportArgumentType]  (torch keeps keys that are no parameters)


def _parameters(optimizer: Optimizer) -> list[torch.Tensor]:
    return [parameter for group in optimizer.param_groups for parameter in group["params"]]
