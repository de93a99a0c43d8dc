r"""Methods that average, remember or adapt, each as one loop that serves numbers, vectors and the points of a program.

* ``sgd``: :math:`x_{t+1}=\Pi(x_t-\eta_tg_t)`.
* ``heavy_ball``: :math:`z_{t+1}=\Pi(z_t-\eta_tg_t)`, :math:`x_{t+1}=\beta x_t+(1-\beta)z_{t+1}`, :math:`z_1=x_1`:
  wherever the projection does nothing, Polyak's :math:`x_{t+1}=x_t-(1-\beta)\eta_tg_t+\beta(x_t-x_{t-1})`
  (:mod:`lrtheory.theory.heavy_ball`).
* ``schedule_free``: :math:`y_t=(1-\beta)z_t+\beta x_t`, :math:`z_{t+1}=\Pi(z_t-\eta_tg(y_t))`,
  :math:`x_{t+1}=\frac t{t+1}x_t+\frac1{t+1}z_{t+1}` (Defazio et al., arXiv 2405.15682).
* ``dual_averaging``: :math:`x_{t+1}=\Pi\big(x_1-\eta_t\sum_{i\le t}g_i\big)` (Nesterov, Math. Program. 120, 2009).
* ``adagrad``: :math:`x_{t+1}=\Pi\big(x_t-\eta_tg_t\big/\sqrt{2\sum_{i\le t}\|g_i\|^2}\big)`, with :math:`\eta_t` in
  units of length.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrtheory.theory.averaging_weights import exponential_weights, merged_weights, polynomial_weights, tail_weights

MOMENTUM = 0.9
"""The momentum of the heavy ball, and the interpolation of schedule-free, where no other is given: beta in the formulas."""

RULES = ("sgd", "heavy_ball", "schedule_free", "dual_averaging", "adagrad")

AVERAGES: dict[str, Callable[[int], np.ndarray]] = {
    "last": lambda horizon: np.append(np.zeros(horizon), 1.0),
    "uniform": tail_weights,
    "last_third": lambda horizon: tail_weights(horizon, 1 / 3),
    "polynomial": lambda horizon: polynomial_weights(horizon, 3),
    "exponential": lambda horizon: exponential_weights(horizon, 1 - 1 / max(horizon / 10, 2)),
    "merged": lambda horizon: merged_weights(horizon, min(8, horizon // 3 + 1), 1 / 3),
}
"""What is made of the iterates, by name: a function of the number of steps.

The exponential average reaches back a tenth of the run; ``merged`` are up to eight checkpoints of the last third; the degree of
the polynomial average is 3, the default of its authors.
"""


@dataclass(frozen=True)
class Method:
    """A rule of steps and what is made of its iterates.

    Args:
        rule: One of ``RULES``.
        average: One of :data:`AVERAGES`.
        momentum: That of the heavy ball, or the interpolation of schedule-free.

    Raises:
        ValueError: an unknown name.

    Example:
        >>> path = Method("sgd").iterates(1.0, lambda x: x, [0.5, 0.5], lambda x: x)
        >>> list(path)
        [1.0, 0.5, 0.25]
    """

    rule: str
    average: str = "last"
    momentum: float = MOMENTUM

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"rule must be one of {', '.join(RULES)}, not {self.rule!r}.")
        if self.average not in AVERAGES:
            raise ValueError(f"average must be one of {', '.join(AVERAGES)}, not {self.average!r}.")

    def weights(self, horizon: int) -> np.ndarray:
        """The weights of the iterates, ``horizon + 1`` numbers that sum to 1."""
        return AVERAGES[self.average](horizon)

    def iterates(
        self, start: Any, gradient: Callable[[Any], Any], steps: Iterable[float], project: Callable[[Any], Any]
    ) -> Iterator[Any]:
        r"""The points :math:`x_1,x_2,\dots`, one more than steps.

        Args:
            start: :math:`x_1`.
            gradient: The (stochastic) subgradient at a point; it is asked once a step.
            steps: :math:`\eta_1,\eta_2,\dots`.
            project: The projection on the domain.
        """
        x = base = start
        memory: Any = 0.0
        yield x
        for count, step in enumerate(steps, start=1):
            slope = gradient((1 - self.momentum) * base + self.momentum * x if self.rule == "schedule_free" else x)
            if self.rule in ("heavy_ball", "schedule_free"):
                base = project(base - step * slope)
                part = 1 - self.momentum if self.rule == "heavy_ball" else 1 / (count + 1)
                x = (1 - part) * x + part * base
            elif self.rule == "dual_averaging":
                memory = slope + (memory if count > 1 else 0 * slope)
                x = project(start - step * memory)
            elif self.rule == "adagrad":
                memory = memory + float(np.vdot(slope, slope))
                x = project(x - step / (2 * memory) ** 0.5 * slope if memory > 0 else x)
            else:
                x = project(x - step * slope)
            yield x
