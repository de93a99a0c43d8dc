r"""SGD on finite sums: every step written as it is defined, and the compiled form called with the same meaning.

.. math:: w_{t+1} = \Pi_{\|w\|\le R}\Big(w_t - \frac{\eta_t}{b}\sum_{i\in B_t}\ell'(\langle a_i,w_t\rangle,y_i)\,a_i\Big),
    \qquad w_1 = 0,

with the :math:`b` rows of :math:`B_t` drawn uniformly with replacement. All configurations of a sweep see the same rows.
`path` is the definition in plain numpy; `fast_path` is compiled, by the method of `lrtheory.simulation.regression_kernels`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrtheory.simulation import regression_kernels as kernels
from lrtheory.simulation.losses import ABSOLUTE, HINGE, LOSSES, SQUARED
from lrtheory.simulation.moments import Moments
from lrtheory.simulation.one_dimensional import Configurations, Part, Task
from lrtheory.simulation.problems import FiniteSum
from lrtheory.simulation.regression_sweeps import columns


def path(features, targets, loss, steps, rows, radius):
    """Last and averaged iterates, both `(dimension, columns)`, for steps `(horizon, columns)` and rows `(horizon, batch)`.

    The average is that of the iterates after each step.
    """
    horizon, columns = steps.shape
    x = np.zeros((features.shape[1], columns), features.dtype)
    total = np.zeros_like(x)
    for step, batch in zip(steps, rows):
        slopes = _slopes(loss, features[batch] @ x, targets[batch][:, None])
        x = x - step * (features[batch].T @ slopes) / batch.size
        x = x * (radius / np.maximum(np.linalg.norm(x, axis=0), radius))
        total += x
    return x, total / horizon


def _slopes(loss, margins, targets):
    if loss == ABSOLUTE:
        return np.where(margins >= targets, 1.0, -1.0)
    if loss == HINGE:
        return np.where(targets * margins < 1, -targets, 0.0)
    if loss == SQUARED:
        return margins - targets
    decay = np.exp(-np.abs(margins))
    return -targets * np.where(targets * margins >= 0, decay, 1.0) / (1.0 + decay)


@dataclass(frozen=True, eq=False)
class Data:
    """A problem as the kernels read it: in working precision, with the squared norms of the rows."""

    features: NDArray
    squared_norms: NDArray
    targets: NDArray
    loss: int
    radius: np.floating
    batch: int

    @staticmethod
    def of(problem: FiniteSum, dtype: np.dtype) -> "Data":
        """The data of a problem."""
        features = np.ascontiguousarray(problem.features, dtype)
        targets, radius = problem.targets.astype(dtype), dtype.type(problem.bound)
        return Data(features, np.square(features).sum(axis=1), targets, LOSSES[problem.loss], radius, problem.batch)


def fast_path(data: Data, steps: NDArray, seed: int, replica: int, averaged: bool = True) -> tuple[NDArray, NDArray]:
    """The compiled `path` of a replica on the rows of its stream.

    Args:
        data: The problem.
        steps: Shape ``(horizon, columns(dtype))``.
        seed: The seed of the streams.
        replica: Whose stream.
        averaged: Whether to follow the averages, too.

    Returns:
        Last and averaged iterates, shape ``(dimension, columns)``.
    """
    key, width = np.uint64(seed), steps.shape[1]
    if data.batch > 1:
        found = kernels.batch_path(
            data.features, data.targets, data.loss, steps.ravel() / data.features.dtype.type(data.batch), data.batch,
            key, replica, data.radius,
        )  # fmt: skip
    else:
        found = kernels.path(
            data.features,
            data.squared_norms,
            data.targets,
            data.loss,
            steps.ravel(),
            key,
            replica,
            data.radius,
            averaged,
        )
    last, average = (each.reshape(-1, width) for each in found)
    return last, average


def tasks(
    problem: FiniteSum, sweep: Configurations, replicas: int, seed: int, dtype: np.dtype, *, averaged: bool
) -> Iterator[Task]:
    """Tasks that cover all configurations and replicas: a tile of columns and a replica each."""
    data, width = Data.of(problem, dtype), columns(dtype)
    configurations = sweep.lrs.size

    def steps_of(tile: slice) -> NDArray:
        steps = np.zeros((sweep.shapes.shape[1], width), dtype)  # columns without steps stay at the origin
        steps[:, : tile.stop - tile.start] = (sweep.lrs[tile, None] * sweep.shapes[sweep.kinds[tile]]).T
        return steps

    def run(tile: slice, steps: NDArray, replica: int) -> list[Part]:
        last, average = fast_path(data, steps, seed, replica, averaged)
        used = tile.stop - tile.start
        of_last = losses(data, last)[:used, None]
        of_average = losses(data, average)[:used, None] if averaged else of_last
        return [(tile, Moments.of(of_last), Moments.of(of_average))]

    for first in range(0, configurations, width):
        tile = slice(first, min(first + width, configurations))
        steps = steps_of(tile)
        for replica in range(replicas):
            yield partial(run, tile, steps, replica)


def losses(data: Data, points: NDArray) -> NDArray[np.float64]:
    """The loss `f` at the columns of ``points``, margins in working precision and their mean in double."""
    return kernels.mean_losses(data.features, data.targets, data.loss, points.ravel().astype(data.features.dtype))
