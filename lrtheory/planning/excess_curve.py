r"""What a wrong rate costs, as measured: an asymmetric curve with a chance of being lost.

**Model.** With :math:`d=\log(\text{lr}/\text{lr}^\star)`, a run that is not lost loses the fraction

.. math:: f(d)=\frac{q}{1+q},\qquad q=d^2\,(a_-\text{ below the best rate},\ a_+\text{ above}),

of what training can gain, and it is lost with the chance :math:`1/(1+e^{-(d-e)/w})`. The three numbers
:math:`(\log a_-,\log a_+,\log e)` of a grid are normal over grids, with one mean and covariance; the width :math:`w` is common.
Observed fractions scatter around the curve by the factor :math:`e^{\tau}`, above a floor of noise; a lost run has lost between
a tenth and all of the gain.

**Fit.** The mean and covariance maximise the likelihood, by expectation maximisation over a sample of curves and a grid of
best rates; the best rate of a grid is unknown with a flat prior, so that a grid that ends at its best is taken for what it
is, an optimum near its end or beyond. Every source weighs the same, however many grids it has.

**Status.** *Measured*: :data:`MEASURED` is the fit to the networks of ``figures/data/wrong_rates.csv`` (convex problems left
out). The sample of curves that a fit weighs is finite: two and four times as many move its three means by up to 0.2. The model
describes an average over such tasks, and no theorem.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

import numpy as np

from lrtheory.planning.rate_grid import RateGrid

FLOOR = 5e-4
"""The fraction of the gain below which two losses are taken for equal."""
SCATTER = 0.5
"""The standard deviation of the logarithm of a fraction around the curve."""
OUTLIERS = 0.02
"""The chance that an observation has nothing to do with the curve."""
LOST_RANGE = np.log(10.0)
"""The logarithmic length of the fractions of lost runs, from a tenth to all."""
SAMPLE = 400
"""Curves that a distribution is represented by."""
RECURRENCE = 1.2207440846057596
"""The positive root of ``x**4 = x + 1``, whose inverse powers are the steps of the recurrence in three dimensions."""
SHIFTS = np.linspace(-2.8, 2.8, 29)
"""Where the logarithm of a grid's best rate may lie, from its best observed rate."""
WIDTHS = (0.05, 0.3)
ROUNDS = 12


@dataclass(frozen=True)
class ExcessModel:
    r"""The distribution of curves over grids.

    Args:
        mean: The mean of :math:`(\log a_-,\log a_+,\log e)`.
        covariance: The covariance of the same numbers, three rows.
        width: The width :math:`w` of the edge.
    """

    mean: tuple[float, float, float]
    covariance: tuple[tuple[float, float, float], ...]
    width: float

    def sample(self, size: int = SAMPLE) -> np.ndarray:
        """Curves, the same at every call: shape ``(size, 3)``, normal scores of a quasi-random sequence.

        Example:
            >>> MEASURED.sample(8).shape
            (8, 3)
        """
        return np.array(self.mean) + _scores(size) @ np.linalg.cholesky(np.array(self.covariance)).T


@lru_cache
def _scores(size: int) -> np.ndarray:
    """Normal scores of an additive recurrence, whose points fill the cube evenly; without scipy, which is slow to load."""
    uniform = (0.5 + np.arange(1, size + 1)[:, None] / RECURRENCE ** np.arange(1, 4)) % 1
    return np.vectorize(NormalDist().inv_cdf)(uniform)


MEASURED = ExcessModel(
    (-4.537, -5.185, 0.573), ((2.568, 2.897, 0.3064), (2.897, 6.377, 0.4946), (0.3064, 0.4946, 0.5617)), 0.05
)
"""The fit to all grids of networks."""


def excess(curves: np.ndarray, distance: np.ndarray) -> np.ndarray:
    """The fraction of the gain that is lost by a run that is not lost: the shapes of a curve's numbers and distances broadcast.

    Args:
        curves: The last axis holds the three numbers.
        distance: Logarithms of rate over best rate.

    Example:
        >>> excess(np.array([np.log(0.1), np.log(0.2), 0.0]), np.array([-1.0, 0.0, 1.0])).round(3)
        array([0.091, 0.   , 0.167])
    """
    steepness = np.where(distance < 0, curves[..., 0], curves[..., 1])
    q = np.exp(steepness) * distance**2
    return q / (1 + q)


def chance_lost(curves: np.ndarray, distance: np.ndarray, width: float) -> np.ndarray:
    """The chance that a run is lost.

    Example:
        >>> float(chance_lost(np.array([0.0, 0.0, 0.0]), np.array(1.0), 0.1))
        0.5
    """
    return 1 / (1 + np.exp(np.clip((np.exp(curves[..., 2]) - distance) / width, -50, 50)))


def log_likelihood(curves: np.ndarray, distance: np.ndarray, fraction: np.ndarray, width: float) -> np.ndarray:
    """The logarithm of the density of observed fractions.

    Args:
        curves: Shape ``(..., 1, 3)``.
        distance: Shape ``(..., rates)``.
        fraction: Shape ``(rates,)``, measured from the best observed loss, 1 where a run diverged.
        width: The width of the edge.

    Returns:
        The sum over rates, of the shape of the leading axes.
    """
    predicted = excess(curves, distance)
    predicted = predicted - predicted.min(axis=-1, keepdims=True)  # as the observed ones, from the best of the grid
    lost = chance_lost(curves, distance, width)
    residual = (np.log(fraction + FLOOR) - np.log(predicted + FLOOR)) / SCATTER
    kept = np.exp(-(residual**2) / 2) / (SCATTER * np.sqrt(2 * np.pi))
    density = (1 - lost) * kept + lost * (fraction > 0.1) / LOST_RANGE
    return np.log((1 - OUTLIERS) * density + OUTLIERS / -np.log(FLOOR)).sum(axis=-1)


def fit(grids: Sequence[RateGrid]) -> ExcessModel:
    """The distribution of curves with the largest likelihood, each source weighing the same.

    Args:
        grids: The grids, at least two, of one or more sources.

    Raises:
        ValueError: fewer than two grids.
    """
    if len(grids) < 2:
        raise ValueError(f"a fit needs at least two grids, not {len(grids)}.")
    sources = [grid.name[0] for grid in grids]
    weights = np.array([1 / sources.count(source) for source in sources])
    weights /= weights.sum()
    fits = [_fit(grids, weights, width) for width in WIDTHS]
    return max(fits, key=lambda fitted: fitted[1])[0]


def _fit(grids: Sequence[RateGrid], weights: np.ndarray, width: float) -> tuple[ExcessModel, float]:
    model = ExcessModel((-4.5, -4.0, 0.0), ((4.0, 0.0, 0.0), (0.0, 4.0, 0.0), (0.0, 0.0, 0.5)), width)
    proposal = ExcessModel((-4.5, -4.0, 0.2), ((6.0, 0.0, 0.0), (0.0, 6.0, 0.0), (0.0, 0.0, 0.8)), width)
    curves = proposal.sample(2 * SAMPLE)
    likelihoods = np.array([_integrated(grid, curves, width) for grid in grids])
    score = -np.inf
    for _ in range(ROUNDS):
        ratio = _log_normal(curves, model) - _log_normal(curves, proposal)
        joint = likelihoods + ratio
        top = joint.max(axis=1, keepdims=True)
        posterior = np.exp(joint - top)
        total = posterior.sum(axis=1, keepdims=True)
        score = float(weights @ (np.log(total) + top)[:, 0])
        mixed = weights @ (posterior / total)
        mean = mixed @ curves
        centred = curves - mean
        covariance = (mixed[:, None] * centred).T @ centred + 0.02 * np.eye(3)
        model = ExcessModel(tuple(mean.tolist()), tuple(map(tuple, covariance.tolist())), width)  # pyright: ignore[reportArgumentType]
    return model, score


def _integrated(grid: RateGrid, curves: np.ndarray, width: float) -> np.ndarray:
    """The logarithm of the likelihood of each curve, the place of the best rate integrated out."""
    near = np.abs(np.log(grid.rho)) < np.log(100)  # farther down training has not begun, and no curve is meant for it
    distance = np.log(grid.rho[near]) - SHIFTS[:, None]
    values = log_likelihood(curves[:, None, None, :], distance[None], grid.fraction[near], width)
    top = values.max(axis=1)
    return top + np.log(np.exp(values - top[:, None]).mean(axis=1))


def _log_normal(curves: np.ndarray, model: ExcessModel) -> np.ndarray:
    covariance = np.array(model.covariance)
    centred = curves - np.array(model.mean)
    return -0.5 * (np.sum(centred @ np.linalg.inv(covariance) * centred, axis=1) + np.log(np.linalg.det(covariance)))
