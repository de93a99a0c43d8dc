# torch has no public multi-tensor operations
# pyright: reportPrivateImportUsage=false
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim import Optimizer

from lrtheory.checks import checked_horizon, checked_positive, is_number
from lrtheory.schedules import SGDR, Cosine, Schedule, Warmup

_TRUST, _LOWEST_RATIO, _HIGHEST_RATIO, _EPSILON = 0.02, 0.2, 5.0, 1e-8
_LOSS_WEIGHT = 0.05  # of the new loss in the average
_EXPLORATION, _REFINEMENT = 0.01, 0.002  # relative fall of the average that ends a phase


@dataclass(frozen=True)
class Variant:
    """The settings in which the three forms of DALS differ, as the paper prints them."""

    lr: float
    momentum: float
    weight_decay: float
    retention: tuple[float, float, float]
    """How much of the gradient average is kept in each phase, alpha."""
    schedule: Schedule
    filters_exploration: bool = True


VARIANTS = {
    "base": Variant(0.03, 0.9, 1e-4, (0.3, 0.6, 0.7), Warmup(Cosine(), 0.05)),
    "fast": Variant(0.05, 0.85, 1e-4, (0.3, 0.6, 0.7), Warmup(Cosine(), 0.02), filters_exploration=False),
    "acc": Variant(0.03, 0.9, 5e-4, (0.4, 0.7, 0.8), Warmup(SGDR(3), 0.05)),
}


@dataclass(frozen=True)
class AsCoded:
    """Where the published code departs from the published equations; each is off unless asked for.

    The departures of its rate (a first step of rate zero; no warm-up in ``acc``) are schedules: pass ``schedule``.
    """

    unit_ratio: bool = False
    """The trust ratio of a tensor that is zero, or whose gradient is, is 1 and not 0.2 or 5."""
    stale_average: bool = False
    """``fast`` leaves the gradient average untouched in phase 0."""
    acc_phases: bool = False
    """``acc`` keeps 0.55 of the average in phase 0 and enters phase 2 at a fall of 0.001."""
    zero_start: bool = False
    """The average of each gradient starts at zero and not at the first one."""


AS_PRINTED = AsCoded()
"""No departure from the published equations."""


class DALS(Optimizer):
    r"""Discriminative adaptive layer scaling: SGD with a depth-aware gradient filter and clamped trust ratios.

    With the loss :math:`\mathcal L_t`, the gradient :math:`g` of one parameter tensor :math:`\theta` and the depth
    :math:`d\in[0,1]` of its layer, step :math:`t = 1,\dots,T` is

    .. math::
        \bar{\mathcal L}_t &= 0.95\,\bar{\mathcal L}_{t-1} + 0.05\,\mathcal L_t, \qquad
        \Delta_t = (\bar{\mathcal L}_{t-1} - \bar{\mathcal L}_t)/|\bar{\mathcal L}_{t-1}|, \\
        \text{phase} &= 0 \text{ if } \Delta_t > 0.01, \quad 1 \text{ if } 0.002 < \Delta_t \le 0.01, \quad
            2 \text{ otherwise}, \\
        \tilde g_t &= \alpha\,\tilde g_{t-1} + (1-\alpha)\,g_t, \qquad \alpha = 0.3,\ 0.6,\ 0.7
            \text{ in phase } 0, 1, 2, \\
        \hat g_t &= (0.3+0.4d)\,g_t + (0.7-0.4d)\,\tilde g_t + \lambda\theta, \\
        m_t &= \mu\,m_{t-1} + \hat g_t, \\
        \theta_t &= \theta_{t-1} - \eta_t\,r_t\,m_t, \qquad
            r_t = \mathrm{clamp}\big(0.02\,\|\theta\|/(\|\hat g_t\|+\epsilon),\ 0.2,\ 5\big),
            \quad \epsilon = 10^{-8}.

    Variants: ``"base"``; ``"fast"`` (:math:`\mathrm{lr}` 0.05, a warm-up of 2 % and not 5 %, :math:`\mu = 0.85` and
    not 0.9, :math:`\hat g = g + \lambda\theta` in phase 0); ``"acc"`` (warm restarts, :math:`\lambda` = 5e-4 and not
    1e-4, :math:`\alpha` = 0.4, 0.7, 0.8).

    What the paper leaves open is decided as follows. The rate is :math:`\eta_t = \mathrm{lr}\cdot h((t-1)/T)` with a
    warm-up counted from :math:`t = 1`, so no step has the rate 0. Weight decay is part of :math:`\hat g`, before the
    trust ratio. The averages start at the first loss and at the first gradient of each tensor, not at zero; the first
    step is in phase 0. Restarts fill the run (lengths 1:2:4) unless ``schedule`` says otherwise.

    For a positive loss phase 0 means :math:`\mathcal L_t < 0.80\,\bar{\mathcal L}_{t-1}` and phase 2 means
    :math:`\mathcal L_t \ge 0.96\,\bar{\mathcal L}_{t-1}` (proved: substitute the average in :math:`\Delta_t`): the
    phase measures the noise of the minibatch rather than a stage of training.

    No step waits for the device, all state is in ``state_dict`` (the run's under the key ``"run"``), and gradients are
    left as they are. With a ``GradScaler``: ``scaler.step(optimizer, loss=loss)``, the loss unscaled. With
    ``torch.compile(optimizer.step)``: pass ``loss.detach()``.

    Args:
        params: Parameters, or groups of them. A group is a layer: its ``"depth"`` is :math:`d`, and groups that name
            none lie evenly from bottom to top. :func:`lrtheory.optim.layers.layer_groups` makes groups from a model.
        lr: Base rate, positive; the variant's by default.
        horizon: Number of steps :math:`T`.
        variant: ``"base"``, ``"fast"`` or ``"acc"``.
        schedule: The shape :math:`h` in place of the variant's.
        momentum: :math:`\mu` in [0, 1) in place of the variant's.
        weight_decay: :math:`\lambda \ge 0` in place of the variant's.
        as_coded: Departures of the published code to follow.
        foreach: Whether to update all tensors of a group together; by default on CUDA only.

    Raises:
        ValueError: an argument is outside its range, or a step is given no loss.

    Example:
        >>> import torch
        >>> from lrtheory.optim.dals import DALS
        >>> from lrtheory.optim.layers import layer_groups
        >>> model = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.Tanh(), torch.nn.Linear(8, 1))
        >>> optimizer = DALS(layer_groups(model), horizon=20)
        >>> x = torch.linspace(-1, 1, 40).view(20, 2)
        >>> losses = []
        >>> for _ in range(20):
        ...     loss = (model(x) - 3).square().mean()
        ...     optimizer.zero_grad(); loss.backward(); optimizer.step(loss=loss)
        ...     losses.append(loss.item())
        >>> losses[-1] < losses[0]
        True

    Source:
        Yao et al., arXiv 2604.27295, section 3.
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | None = None,
        *,
        horizon: int,
        variant: str = "base",
        schedule: Schedule | None = None,
        momentum: float | None = None,
        weight_decay: float | None = None,
        as_coded: AsCoded = AS_PRINTED,
        foreach: bool | None = None,
    ) -> None:
        if variant not in VARIANTS:
            raise ValueError(f"variant must be one of {', '.join(map(repr, VARIANTS))}, not {variant!r}.")
        settings = VARIANTS[variant]
        horizon = checked_horizon(horizon)
        momentum = settings.momentum if momentum is None else momentum
        weight_decay = settings.weight_decay if weight_decay is None else weight_decay
        if not (is_number(momentum) and 0 <= momentum < 1):
            raise ValueError(f"momentum must lie in [0, 1), not {momentum!r}.")
        if not (is_number(weight_decay) and 0 <= weight_decay < float("inf")):
            raise ValueError(f"weight_decay must be a finite number of at least 0, not {weight_decay!r}.")
        groups = _with_depths(params)
        phases = variant == "acc" and as_coded.acc_phases
        defaults = {
            "lr": checked_positive("lr", settings.lr if lr is None else lr),
            "momentum": momentum,
            "weight_decay": weight_decay,
            "depth": 1.0,
            "filters_exploration": settings.filters_exploration,
            "stale_average": as_coded.stale_average and not settings.filters_exploration,
            "unit_ratio": as_coded.unit_ratio,
            "zero_start": as_coded.zero_start,
            "foreach": foreach,
        }
        super().__init__(groups, defaults)
        factors = (schedule or settings.schedule)(np.arange(horizon + 1) / horizon, horizon)
        retention = (0.55, *settings.retention[1:]) if phases else settings.retention
        tensors = [tensor for group in self.param_groups for tensor in group["params"]]
        exact = torch.float64 if any(tensor.dtype == torch.float64 for tensor in tensors) else torch.float32
        place = {"device": tensors[0].device, "dtype": exact}
        self.state["run"] = {  # pyright: ignore[reportArgumentType]  (torch keeps keys that are no parameters)
            "taken": torch.zeros((), dtype=torch.int64, device=place["device"]),
            # Not float64 even if the parameters are: torch 2.13 compiles writes to a float64 scalar on the CPU away.
            "loss_average": torch.zeros((), device=place["device"]),
            "phase": torch.zeros((), dtype=torch.int64, device=place["device"]),
            "factors": torch.tensor(factors, **place),
            "retention": torch.tensor(retention, **place),
            "refinement": torch.tensor(0.001 if phases else _REFINEMENT, **place),
        }

    @property
    def phase(self) -> int:
        """The phase of the last step: 0 exploration, 1 exploitation, 2 refinement. Reading it waits for the device."""
        return int(self._run["phase"])

    def rates(self) -> list[float]:
        """The learning rate of the next step in each group. Reading it waits for the device."""
        factor = float(_factor(self._run))
        return [float(group["lr"]) * factor for group in self.param_groups]

    @property
    def _run(self) -> dict[str, Tensor]:
        return self.state["run"]  # pyright: ignore[reportArgumentType]

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None, *, loss: Tensor | float | None = None) -> Any:  # type: ignore[override]
        """Take one step.

        Args:
            closure: Computes the loss and its gradients and returns the loss; or
            loss: the loss of the gradients that are there, a number or a tensor with one element.

        Raises:
            ValueError: neither or both are given.
        """
        if (closure is None) == (loss is None):
            raise ValueError("DALS follows the loss: give step() a closure, or step(loss=...), and not both.")
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        factor, alpha, exploring = self._observe(loss)
        for group in self.param_groups:
            blend = 0.3 + 0.4 * group["depth"]
            if not group["filters_exploration"]:
                blend = torch.where(exploring, 1.0, factor.new_full((), blend))
            kept = torch.where(exploring, 1.0, alpha) if group["stale_average"] else alpha
            lists: tuple[list[Tensor], ...] = [], [], [], []
            self._init_group(group, *lists)
            for tensors in _by_device_and_dtype(*lists):
                device, dtype = tensors[0][0].device, tensors[0][0].dtype
                together = device.type == "cuda" if group["foreach"] is None else group["foreach"]
                (_step_together if together else _step_one_by_one)(
                    *tensors,
                    keep=kept.to(device, dtype),
                    blend=blend.to(device, dtype) if isinstance(blend, Tensor) else blend,
                    rate=group["lr"] * factor.to(device),
                    momentum=group["momentum"],
                    weight_decay=group["weight_decay"],
                    unit_ratio=group["unit_ratio"],
                )
        return loss if closure is not None else None

    def _observe(self, loss: Any) -> tuple[Tensor, Tensor, Tensor]:
        """Follow the loss: the rate factor of this step, the retention of its phase, whether that is phase 0."""
        run = self._run
        loss = torch.as_tensor(loss).detach().reshape(()).to(run["loss_average"], non_blocking=True)
        started = run["taken"] > 0
        before = torch.where(started, run["loss_average"], loss)
        average = torch.lerp(before, loss, _LOSS_WEIGHT)
        fall, scale = _LOSS_WEIGHT * (before - loss), before.abs()
        phase = 2 - (fall > run["refinement"] * scale).long() - (fall > _EXPLORATION * scale).long()
        phase = phase * started
        factor = _factor(run)
        run["loss_average"].copy_(average)
        run["phase"].copy_(phase)
        run["taken"] += 1
        return factor, torch.take(run["retention"], phase), phase == 0

    def _init_group(
        self,
        group: dict[str, Any],
        parameters: list[Tensor],
        gradients: list[Tensor],
        averages: list[Tensor],
        momenta: list[Tensor],
    ) -> None:
        """Fill the lists; torch.compile knows this method by its name and runs it without tracing."""
        for parameter in group["params"]:
            gradient = parameter.grad
            if gradient is None:
                continue
            if gradient.is_sparse:
                raise ValueError("DALS needs dense gradients: build the embedding with sparse=False.")
            state = self.state[parameter]
            if not state:
                start = torch.zeros_like if group["zero_start"] else torch.clone
                state["average"] = start(gradient, memory_format=torch.preserve_format)
                state["momentum"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
            parameters.append(parameter)
            gradients.append(gradient)
            averages.append(state["average"])
            momenta.append(state["momentum"])

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore everything, the rates of the saved run included."""
        super().load_state_dict(state_dict)
        place = self.param_groups[0]["params"][0].device
        run = {name: tensor.to(place) for name, tensor in self._run.items()}
        self.state["run"] = run  # pyright: ignore[reportArgumentType]


def _step_one_by_one(
    parameters: list[Tensor],
    gradients: list[Tensor],
    averages: list[Tensor],
    momenta: list[Tensor],
    *,
    keep: Tensor,
    blend: Tensor | float,
    rate: Tensor,
    momentum: float,
    weight_decay: float,
    unit_ratio: bool,
) -> None:
    """The equations as they are printed, one tensor after the other."""
    for parameter, gradient, average, velocity in zip(parameters, gradients, averages, momenta):
        average.lerp_(gradient, 1 - keep)
        update = torch.lerp(average, gradient, blend).add_(parameter, alpha=weight_decay)
        ratio = _trust_ratio(_norms([parameter]), _norms([update]), unit_ratio)[0]
        velocity.mul_(momentum).add_(update)
        parameter.addcmul_(velocity, (rate * ratio).to(parameter.dtype), value=-1)


def _step_together(
    parameters: list[Tensor],
    gradients: list[Tensor],
    averages: list[Tensor],
    momenta: list[Tensor],
    *,
    keep: Tensor,
    blend: Tensor | float,
    rate: Tensor,
    momentum: float,
    weight_decay: float,
    unit_ratio: bool,
) -> None:
    """The same, each operation on all tensors at once.

    The multi-tensor operations take no weight that lives on the device for an interpolation, so with the difference
    D = average - gradient both are written as products: average = keep D + gradient, filtered = (1-blend) keep D +
    gradient.
    """
    torch._foreach_sub_(averages, gradients)
    torch._foreach_mul_(averages, keep)
    updates = torch._foreach_mul(averages, 1 - blend)
    torch._foreach_add_(averages, gradients)
    torch._foreach_add_(updates, gradients)
    if weight_decay:
        torch._foreach_add_(updates, parameters, alpha=weight_decay)
    ratios = _trust_ratio(_norms(parameters), _norms(list(updates)), unit_ratio)
    torch._foreach_mul_(momenta, momentum)
    torch._foreach_add_(momenta, updates)
    steps = (rate * ratios).to(parameters[0].dtype).unbind()
    torch._foreach_addcmul_(parameters, momenta, steps, value=-1)


def _factor(run: dict[str, Tensor]) -> Tensor:
    """The schedule at the next step; after the horizon, at its end."""
    return torch.take(run["factors"], run["taken"].clamp(max=run["factors"].numel() - 1))


def _by_device_and_dtype(*lists: list[Tensor]) -> Iterable[tuple[list[Tensor], ...]]:
    buckets: dict[Any, tuple[list[Tensor], ...]] = {}
    for tensors in zip(*lists):
        bucket = buckets.setdefault((tensors[0].device, tensors[0].dtype), tuple([] for _ in lists))
        for members, tensor in zip(bucket, tensors):
            members.append(tensor)
    return buckets.values()


def _norms(tensors: list[Tensor]) -> Tensor:
    return torch.stack(torch._foreach_norm(tensors)).to(torch.promote_types(tensors[0].dtype, torch.float32))


def _trust_ratio(parameters: Tensor, updates: Tensor, unit_ratio: bool) -> Tensor:
    ratio = (_TRUST * parameters / (updates + _EPSILON)).clamp(_LOWEST_RATIO, _HIGHEST_RATIO)
    return torch.where((parameters == 0) | (updates == 0), 1.0, ratio) if unit_ratio else ratio


def _with_depths(params: Iterable[Any]) -> list[Any]:
    """Groups with a depth each: even from bottom to top where they name none."""
    if isinstance(params, Tensor):
        raise TypeError("params must be a list of parameters or of groups, not a tensor: write [tensor].")
    params = list(params)
    if not params:
        raise ValueError("params is empty: there is nothing to train.")
    if not isinstance(params[0], dict):
        return params
    top = max(len(params) - 1, 1)
    even = [layer / top for layer in range(len(params))] if len(params) > 1 else [1.0]
    groups = [{"depth": depth, **group} for depth, group in zip(even, params)]
    for group in groups:
        if not (is_number(group["depth"]) and 0 <= group["depth"] <= 1):
            raise ValueError(f"the depth of a layer lies in [0, 1], not {group['depth']!r}.")
    return groups
