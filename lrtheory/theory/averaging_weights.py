r"""Averages that people take, as weights of the iterates :math:`x_1,\dots,x_{T+1}`.

Each function returns ``T + 1`` weights that sum to 1, for :func:`lrtheory.theory.any_average.average_bound`.
"""

import numpy as np

from lrtheory.checks import checked_fraction, checked_horizon, checked_positive, checked_whole


def tail_weights(horizon: int, part: float = 1.0) -> np.ndarray:
    r"""The uniform average of the iterates of the last part of a run; with ``part=1`` of all of them.

    Args:
        horizon: Number of steps :math:`T`.
        part: The fraction of the :math:`T+1` iterates that is averaged, in (0, 1]; rounded up to whole iterates.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> tail_weights(4, 0.4).tolist()
        [0.0, 0.0, 0.0, 0.5, 0.5]
    """
    horizon = checked_horizon(horizon)
    if not 0 < checked_positive("part", part) <= 1:
        raise ValueError(f"part must be above 0 and at most 1, not {part!r}.")
    kept = int(np.ceil(part * (horizon + 1) * (1 - 1e-12)))  # so that a rounded product is no iterate more
    return np.where(np.arange(horizon + 1) >= horizon + 1 - kept, 1 / kept, 0.0)


def polynomial_weights(horizon: int, degree: float) -> np.ndarray:
    r"""Polynomial-decay averaging: :math:`\bar x_t=(1-\frac{\gamma+1}{t+\gamma})\bar x_{t-1}+\frac{\gamma+1}{t+\gamma}x_t`.

    Args:
        horizon: Number of steps :math:`T`.
        degree: :math:`\gamma\ge0`; 0 is the uniform average, and weights grow like :math:`t^\gamma`.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> polynomial_weights(2, 1).round(3).tolist()
        [0.167, 0.333, 0.5]

    Source:
        Shamir and Zhang, arXiv 1212.1824.
    """
    horizon = checked_horizon(horizon)
    if degree != 0:
        checked_positive("degree", degree)
    times = np.arange(1, horizon + 2)
    taken = (degree + 1) / (times + degree)  # the first iterate is taken whole
    left = np.cumprod(np.append(1.0, (1 - taken)[:0:-1]))[::-1]
    return taken * left


def exponential_weights(horizon: int, decay: float) -> np.ndarray:
    r"""An exponential moving average: :math:`\bar x_t=\beta\bar x_{t-1}+(1-\beta)x_t`, started at :math:`x_1`.

    Args:
        horizon: Number of steps :math:`T`.
        decay: :math:`\beta`, between 0 and 1; the average reaches back about :math:`1/(1-\beta)` steps.

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> exponential_weights(2, 0.5).tolist()
        [0.25, 0.25, 0.5]
    """
    horizon, decay = checked_horizon(horizon), float(checked_fraction("decay", decay))
    weights = (1 - decay) * decay ** np.arange(horizon, -1, -1.0)
    weights[0] = decay**horizon
    return weights


def merged_weights(horizon: int, checkpoints: int, part: float = 1.0) -> np.ndarray:
    r"""Checkpoints of equal weight, evenly spaced over the last part of a run, the last iterate among them.

    Args:
        horizon: Number of steps :math:`T`.
        checkpoints: The number of checkpoints, at most the number of iterates in that part.
        part: The part of the run they are from, in (0, 1].

    Raises:
        ValueError: a number out of its range.

    Example:
        >>> merged_weights(8, 2, 0.5).tolist()
        [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.5]
    """
    window = np.flatnonzero(tail_weights(horizon, part))
    checkpoints = checked_whole("checkpoints", checkpoints, 1, window.size)
    chosen = horizon - (np.arange(checkpoints) * window.size) // checkpoints
    weights = np.zeros(horizon + 1)
    weights[chosen] = 1 / checkpoints
    return weights
