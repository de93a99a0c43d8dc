"""What happens on convex problems?

`simulate` runs projected SGD many times and averages; `expected_loss` computes the same expectation without sampling
noise for the one-dimensional family, and `worst_eps` the member of that family on which a schedule does worst.

* `problems`: what is minimised.
* `reference`: the simulators in plain numpy; `kernels`: the same functions, compiled, equal to the bit.
* `streams`: random bits as functions of (seed, replica, chunk), so results do not depend on threads or batch sizes.
* `distribution`: the expectation by propagating the distribution.
"""

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrtheory.schedules.schedule import Schedule, checked_horizon
from lrtheory.simulation import kernels, streams
from lrtheory.simulation.distribution import expected_loss, expected_loss_of_steps, worst_eps
from lrtheory.simulation.problems import (
    LOSSES,
    AbsoluteValue,
    FiniteSum,
    absolute_regression,
    hinge_classification,
    least_squares,
    logistic_regression,
)  # fmt: skip

__all__ = [
    "AbsoluteValue", "FiniteSum", "absolute_regression", "expected_loss", "expected_loss_of_steps",
    "hinge_classification", "least_squares", "logistic_regression", "simulate", "worst_eps",
]  # fmt: skip

_BLOCK = 2048
_STEPS_PER_TASK = 2**25  # a millisecond or two: a thread is then busy with little else

_Configuration = tuple[NDArray[np.float64], float]
"""The shape's numbers at every step, and the base rate."""


def simulate(
    problem: AbsoluteValue | FiniteSum,
    schedule: Schedule | Sequence[Schedule],
    *,
    horizon: int,
    lr: Any,
    replicas: int,
    seed: int = 0,
    dtype: str = "float32",
    threads: int | None = None,
) -> pd.DataFrame:
    r"""The mean loss of projected SGD over independent replicas, for every schedule and every base rate.

    .. math:: x_{t+1} = \Pi(x_t - \eta_t g_t), \qquad \eta_t = \mathrm{lr}\cdot h\big((t-1)/T\big),
        \qquad t = 1,\dots,T.

    All schedules and rates see the same noise, so their differences are known better than their values. The result is
    a function of the arguments other than ``threads``, to the bit; more replicas change nothing about the first ones.

    Args:
        problem: What is minimised.
        schedule: One shape or several.
        horizon: Number of steps :math:`T`.
        lr: One base rate or a one-dimensional array of them, positive.
        replicas: Number of independent runs of each configuration.
        seed: Determines the noise, from 0 to ``2**64 - 1``.
        dtype: Precision of the iterates, ``"float32"`` or ``"float64"``.
        threads: Number of threads; one a core by default.

    Returns:
        One row a schedule and rate. ``last`` is the mean of :math:`f(x_{T+1})-f^\star`, ``averaged`` that of
        :math:`f(\bar x)-f^\star` with :math:`\bar x` the average of the iterates after each step,
        :math:`x_2,\dots,x_{T+1}`; each with its standard error (NaN for one replica).

    Raises:
        TypeError: the problem or a schedule is of another kind.
        ValueError: a number is outside of its range.

    Example:
        >>> from lrtheory import Constant, Polynomial
        >>> table = simulate(
        ...     AbsoluteValue(0.1), [Constant(), Polynomial(1)], horizon=400, lr=[0.05, 0.1], replicas=1000
        ... )
        >>> table[["schedule", "lr", "last"]].round(4)
                schedule    lr    last
        0     Constant()  0.05  0.0175
        1     Constant()  0.10  0.0227
        2  Polynomial(1)  0.05  0.0076
        3  Polynomial(1)  0.10  0.0103
    """
    if not isinstance(problem, AbsoluteValue | FiniteSum):
        raise TypeError(f"problem must be an AbsoluteValue or a FiniteSum, not {type(problem).__name__}.")
    schedules = [schedule] if isinstance(schedule, Schedule) else list(schedule)
    if not all(isinstance(each, Schedule) for each in schedules):
        raise TypeError("schedule must be a Schedule or a sequence of them.")
    if not schedules:
        raise ValueError("schedule must name at least one Schedule.")
    horizon = checked_horizon(horizon)
    lrs = np.atleast_1d(np.asarray(lr, np.float64))
    if lrs.ndim != 1 or lrs.size == 0 or not (np.isfinite(lrs) & (lrs > 0)).all():
        raise ValueError("lr must be a positive, finite number or a one-dimensional array of them.")
    replicas = _checked_integer("replicas", replicas, 1, 2**63)
    seed = _checked_integer("seed", seed, 0, 2**64)
    if threads is not None:
        threads = _checked_integer("threads", threads, 1, 2**16)
    if dtype not in ("float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', not {dtype!r}.")

    shapes = [each.steps(horizon) for each in schedules]
    configurations = [(shape, rate) for shape in shapes for rate in lrs]
    if isinstance(problem, FiniteSum):
        tasks = _finite_sum_tasks(problem, configurations, replicas, seed, np.dtype(dtype))
    elif problem.noise == "gaussian":
        tasks = _gaussian_tasks(problem, configurations, replicas, seed, np.dtype(dtype))
    else:
        tasks = _rademacher_tasks(problem, configurations, replicas, seed, np.dtype(dtype))
    minimum = problem.minimum
    last = [_Moments() for _ in configurations]
    averaged = [_Moments() for _ in configurations]
    # Tasks are the same for any number of threads and are merged in their order, so sums round alike.
    for blocks in _run(tasks, threads or _cores()):
        for index, last_block, averaged_block in blocks:
            last[index] = last[index].merged(last_block)
            averaged[index] = averaged[index].merged(averaged_block)
    return pd.DataFrame(
        {
            "schedule": [each.name for each in schedules for _ in lrs],
            "lr": np.tile(lrs, len(schedules)),
            "horizon": horizon,
            "replicas": replicas,
            "seed": np.uint64(seed),
            "last": [moments.mean - minimum for moments in last],
            "last_standard_error": [moments.standard_error for moments in last],
            "averaged": [moments.mean - minimum for moments in averaged],
            "averaged_standard_error": [moments.standard_error for moments in averaged],
        }
    )


@dataclass(frozen=True)
class _Moments:
    """Number, mean and sum of squared deviations of a sample; merging loses nothing to cancellation."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @staticmethod
    def of(values: NDArray[np.float64] | np.float64) -> "_Moments":
        mean = float(values.mean())
        return _Moments(values.size, mean, float(np.square(values - mean).sum()))

    def merged(self, other: "_Moments") -> "_Moments":
        count = self.count + other.count
        gap = other.mean - self.mean
        return _Moments(
            count,
            self.mean + gap * other.count / count,
            self.squares + other.squares + gap * gap * self.count * other.count / count,
        )

    @property
    def standard_error(self) -> float:
        return math.sqrt(self.squares / (self.count - 1) / self.count) if self.count > 1 else math.nan


_Result = tuple[int, _Moments, _Moments]
"""A configuration's index and the losses of its last and averaged iterates over some replicas."""

_Task = Callable[[], list[_Result]]


def _rademacher_tasks(
    problem: AbsoluteValue, configurations: list[_Configuration], replicas: int, seed: int, dtype: np.dtype
) -> Iterator[_Task]:
    word = np.dtype(f"uint{8 * dtype.itemsize}").type
    masks = word(1) << np.arange(8 * dtype.itemsize, dtype=word)
    start, bound = _edges(problem, dtype)

    def run(index: int, begin: int, end: int) -> list[_Result]:
        shape, lr = configurations[index]
        steps = lr * shape
        results = []
        for first in range(begin, end, _BLOCK):
            last, averaged = kernels.rademacher_block(
                steps, problem.eps, problem.noise_scale, start, bound, masks, np.uint64(seed), first,
                min(_BLOCK, end - first),
            )  # fmt: skip
            results.append((index, _Moments.of(problem.loss_at(last)), _Moments.of(problem.loss_at(averaged))))
        return results

    stride = _BLOCK * max(1, _STEPS_PER_TASK // (_BLOCK * configurations[0][0].size))
    for index in range(len(configurations)):
        for begin in range(0, replicas, stride):
            yield partial(run, index, begin, min(begin + stride, replicas))


def _gaussian_tasks(
    problem: AbsoluteValue, configurations: list[_Configuration], replicas: int, seed: int, dtype: np.dtype
) -> Iterator[_Task]:
    start, bound = _edges(problem, dtype)
    horizon = configurations[0][0].size

    def run(block: int) -> list[_Result]:
        count = min(streams.GAUSSIAN_BLOCK, replicas - block * streams.GAUSSIAN_BLOCK)
        states = [(np.full(count, start), np.zeros(count)) for _ in configurations]
        for chunk, begin in enumerate(range(0, horizon, streams.CHUNK)):
            xi = streams.gaussians(seed, block, chunk, dtype)
            for (x, total), (shape, lr) in zip(states, configurations):
                steps = lr * shape[begin : begin + streams.CHUNK]
                kernels.gaussian_chunk(x, total, steps, problem.eps, problem.noise_scale, xi, bound)
        return [
            (index, _Moments.of(problem.loss_at(x)), _Moments.of(problem.loss_at(total / horizon)))
            for index, (x, total) in enumerate(states)
        ]

    for block in range(-(-replicas // streams.GAUSSIAN_BLOCK)):
        yield partial(run, block)


def _finite_sum_tasks(
    problem: FiniteSum, configurations: list[_Configuration], replicas: int, seed: int, dtype: np.dtype
) -> Iterator[_Task]:
    features, targets = problem.features.astype(dtype), problem.targets.astype(dtype)
    horizon = configurations[0][0].size

    def run(replica: int) -> list[_Result]:
        rows = streams.rows(seed, replica, horizon, targets.size)
        results = []
        for first in range(0, len(configurations), kernels.COLUMNS):
            columns = configurations[first : first + kernels.COLUMNS]
            steps = np.stack([lr * shape for shape, lr in columns], axis=1).astype(dtype)
            last, averaged = kernels.finite_sum_path(
                features, targets, LOSSES[problem.loss], steps, rows, dtype.type(problem.bound)
            )
            for index, losses in enumerate(zip(problem.loss_at(last.T), problem.loss_at(averaged.T)), first):
                results.append((index, *map(_Moments.of, losses)))
        return results

    for replica in range(replicas):
        yield partial(run, replica)


def _edges(problem: AbsoluteValue, dtype: np.dtype) -> tuple[Any, Any]:
    """Start and bound in working precision; adding zero turns -0, also from rounding, into +0, whose sign is +1."""
    assert problem.start is not None
    return dtype.type(problem.start) + dtype.type(0), dtype.type(problem.bound)


def _run(tasks: Iterator[_Task], threads: int) -> Iterator[list[_Result]]:
    if threads == 1:
        yield from (task() for task in tasks)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(lambda task: task(), tasks)


def _cores() -> int:
    """The cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _checked_integer(name: str, value: Any, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value < high:
        raise ValueError(f"{name} must be a whole number from {low} to {high - 1}, not {value!r}.")
    return int(value)
