"""A log of gradient norms, for the schedule that they ask for."""

from typing import Any, final

import torch
from torch.optim import Optimizer


@final
class GradientNorms:
    r"""Record the norm of the whole gradient before each step of an optimizer.

    .. math:: G_t=\Big(\sum_{\text{parameters}}\|g_t\|_2^2\Big)^{1/2}

    Norms stay on the device until they are read, so that a step waits for nothing. Clip before the step, as usual, and
    what is recorded is what the step uses. Then :func:`lrtheory.theory.refined_schedule.optimal_schedule` turns
    ``norms`` into a schedule for the next run.

    Args:
        optimizer: The optimizer to watch; ``close()``, or the end of a ``with`` block, stops it.

    Example:
        >>> weight = torch.ones(4, requires_grad=True)
        >>> optimizer = torch.optim.SGD([weight], lr=0.1)
        >>> with GradientNorms(optimizer) as log:
        ...     for _ in range(3):
        ...         optimizer.zero_grad()
        ...         (weight.square().sum() / 2).backward()
        ...         _ = optimizer.step()
        >>> [round(norm, 3) for norm in log.norms]
        [2.0, 1.8, 1.62]
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self._recorded: list[torch.Tensor] = []
        self._hook = optimizer.register_step_pre_hook(self._record)

    @property
    def norms(self) -> list[float]:
        """The norms so far, one per step; a step without any gradient is left out."""
        return torch.stack(self._recorded).tolist() if self._recorded else []

    def close(self) -> None:
        """Stop recording; what was recorded stays."""
        self._hook.remove()

    def __enter__(self) -> "GradientNorms":
        return self

    def __exit__(self, *exception: Any) -> None:
        self.close()

    @torch.no_grad()
    def _record(self, optimizer: Optimizer, *_: Any) -> None:
        gradients = [p.grad for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        if gradients:
            device = gradients[0].device
            parts = [torch.linalg.vector_norm(gradient.float()).to(device) for gradient in gradients]
            self._recorded.append(torch.linalg.vector_norm(torch.stack(parts)))
