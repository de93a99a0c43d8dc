"""Convex problems with a known minimum and a known bound on their stochastic gradients.

Two kinds: the one-dimensional family on which the worst-case exponents show, and finite sums over a ball.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrtheory.checks import (
    checked_magnitude,
    checked_numbers,
    checked_positive,
    checked_whole,
    checked_word,
    is_number,
)
from lrtheory.simulation.losses import LOSSES, loss_of

MOST_FEATURES = 10**9
"""Random data have no more numbers, which fill eight gigabytes."""
_LARGEST = 1e140
"""The largest prediction or gradient: its square and sums of squares are floats."""


@dataclass(frozen=True)
class AbsoluteValue:
    r"""The one-dimensional family that separates the schedules.

    .. math:: f(x) = \epsilon|x| \text{ on } [-D/2, D/2], \qquad g = \mathrm{sign}(x)\,(\epsilon + \sigma\xi),
        \qquad \sigma = \sqrt{G^2-\epsilon^2},

    with noise :math:`\xi` of mean 0 and variance 1, so that :math:`\mathbb E g = f'(x)` and
    :math:`\mathbb E g^2 = G^2` exactly, and :math:`\mathrm{sign}(0) = +1`. The noise is symmetric and independent of
    :math:`x`, so :math:`\mathrm{sign}(x)\xi` is distributed as :math:`\xi`: the law is that of
    :math:`\epsilon\,\mathrm{sign}(x) + \sigma\xi`. Small :math:`\epsilon` punishes slow rates, large
    :math:`\epsilon` fast ones.

    Args:
        eps: The slope :math:`\epsilon`, from 0 to ``lipschitz``.
        diameter: Length :math:`D` of the interval.
        lipschitz: :math:`G`, the root mean square of the stochastic gradients.
        start: :math:`x_1`, in the interval; its right end by default.
        noise: ``"rademacher"`` (signs) or ``"gaussian"``.

    Raises:
        ValueError: an argument is outside of its range.

    Example:
        >>> problem = AbsoluteValue(0.6)
        >>> problem.start, problem.noise_scale, problem.minimum
        (0.5, 0.8, 0.0)
    """

    eps: float
    diameter: float = 1.0
    lipschitz: float = 1.0
    start: float | None = None
    noise: str = "rademacher"

    def __post_init__(self) -> None:
        for name in ("eps", "diameter", "lipschitz", "start"):
            # A small kind of float cannot be compared with large limits.
            if isinstance(value := getattr(self, name), np.floating):
                object.__setattr__(self, name, float(value))
        checked_positive("diameter", self.diameter)
        checked_positive("lipschitz", self.lipschitz)
        if not (is_number(self.eps) and 0 <= self.eps <= self.lipschitz):
            raise ValueError(f"eps must be a number between 0 and lipschitz ({self.lipschitz}), not {self.eps!r}.")
        if self.start is None:
            object.__setattr__(self, "start", self.bound)
        elif not (is_number(self.start) and abs(self.start) <= self.bound):
            limits = f"[-{self.bound}, {self.bound}], half a diameter"
            raise ValueError(f"start must be a number in {limits}, not {self.start!r}.")
        checked_word("noise", self.noise, ("rademacher", "gaussian"))
        for name in ("eps", "diameter", "lipschitz", "start"):  # the compiled loops know no other kind of number
            object.__setattr__(self, name, float(getattr(self, name)))

    @property
    def bound(self) -> float:
        """Half of the diameter, the largest distance from the minimiser at 0."""
        return self.diameter / 2

    @property
    def noise_scale(self) -> float:
        r"""The standard deviation :math:`\sigma` of the stochastic gradients."""
        return math.sqrt((self.lipschitz - self.eps) * (self.lipschitz + self.eps))

    @property
    def minimum(self) -> float:
        """The least value of ``f``, zero."""
        return 0.0

    def loss_at(self, points: Any) -> NDArray[np.float64]:
        """The loss ``f`` at points of any shape."""
        return self.eps * np.abs(np.asarray(points, np.float64))


@dataclass(frozen=True, eq=False)
class FiniteSum:
    r"""An average of losses of linear predictions, over a ball.

    .. math:: f(w) = \frac1n\sum_{i=1}^n \ell(\langle a_i, w\rangle, y_i) \text{ on } \|w\|\le D/2, \qquad
        g = \frac1b\sum_{i\in B}\ell'(\langle a_i,w\rangle, y_i)\,a_i,

    with the ``b`` rows of a batch ``B`` drawn uniformly with replacement. SGD starts at the origin. Losses of the
    prediction ``m``: ``absolute`` ``|m - y|``, ``hinge`` ``max(0, 1 - ym)``, ``squared`` ``(m - y)^2/2``, ``logistic``
    ``log(1 + exp(-ym))``.

    Args:
        features: Rows :math:`a_i`, shape ``(samples, dimension)``.
        targets: :math:`y_i`, shape ``(samples,)``; -1 or +1 for ``hinge`` and ``logistic``.
        loss: One of the four names.
        diameter: The diameter :math:`D` of the ball.
        batch: Number :math:`b` of rows per step.

    Raises:
        ValueError: shapes that do not fit, values that are not finite or so large that a gradient is no float, an unknown
            loss, labels other than -1 and +1, or a batch that is not a positive whole number.

    Example:
        >>> problem = FiniteSum(np.array([[1.0], [2.0]]), np.array([1.0, 4.0]), "squared", diameter=10.0)
        >>> round(problem.minimum, 12), problem.minimiser.round(6)
        (0.2, array([1.8]))
    """

    features: NDArray[np.float64]
    targets: NDArray[np.float64]
    loss: str
    diameter: float
    batch: int = 1

    def __post_init__(self) -> None:
        features = checked_numbers("features", self.features).copy()
        targets = checked_numbers("targets", self.targets).copy()
        if features.ndim != 2 or features.size == 0 or targets.shape != features.shape[:1]:
            raise ValueError(
                f"features must be (samples, dimension) and targets (samples,), not {features.shape} and "
                f"{targets.shape}."
            )
        if not (np.isfinite(features).all() and np.isfinite(targets).all()):
            raise ValueError("features and targets must be finite.")
        checked_word("loss", self.loss, LOSSES)
        if self.loss in ("hinge", "logistic") and not (np.abs(targets) == 1).all():
            raise ValueError(f"targets must be -1 or +1 for the {self.loss} loss.")
        diameter = float(self.diameter) if isinstance(self.diameter, np.floating) else self.diameter
        object.__setattr__(self, "diameter", checked_positive("diameter", diameter))
        checked_whole("batch", self.batch, 1, 2**31 - 1)
        size, label = float(np.abs(features).max()), float(np.abs(targets).max())
        largest = max(size, 1.0) * max(size * self.bound, label, 1.0)
        if not largest <= _LARGEST:
            raise ValueError(f"predictions or gradients may be as large as {largest:.1g}: rescale features or targets.")
        for name, array in (("features", features), ("targets", targets)):
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def bound(self) -> float:
        """The radius of the ball, half of the diameter."""
        return self.diameter / 2

    @cached_property
    def lipschitz(self) -> float:
        r"""A bound on :math:`\sqrt{\mathbb E\|g\|^2}` over the ball, for batches of any size.

        ``|l'| <= 1`` for three of the losses; the squared loss has ``|l'| <= |a| D/2 + |y|``.
        """
        norms = np.linalg.norm(self.features, axis=1)
        slopes = norms * self.bound + np.abs(self.targets) if self.loss == "squared" else np.ones_like(norms)
        return float(np.sqrt(np.mean((slopes * norms) ** 2)))

    @cached_property
    def minimiser(self) -> NDArray[np.float64]:
        """A point of the ball where ``f`` is least.

        Duality certifies that ``f`` there exceeds the minimum by at most 1e-9 of it, plus what rounding of predictions
        costs: 1e-13 of the largest prediction in the ball (squared, for the squared loss).

        Raises:
            ValueError: no such point is found, or the loss is piecewise linear and least outside of the ball.
        """
        from lrtheory.simulation.minimise import minimise  # scipy's solvers take long to load

        return minimise(self.features, self.targets, self.loss, self.bound)

    @cached_property
    def minimum(self) -> float:
        """The least value of ``f`` over the ball."""
        return float(self.loss_at(self.minimiser))

    def loss_at(self, points: Any) -> NDArray[np.float64]:
        """The loss ``f`` at points of shape ``(..., dimension)``, shape ``(...)``."""
        return loss_of(self.loss, np.asarray(points, np.float64) @ self.features.T, self.targets).mean(axis=-1)


def absolute_regression(
    samples: int, dimension: int, *, diameter: float = 10.0, noise: float = 1.0, batch: int = 1, seed: int = 0
) -> FiniteSum:
    """Least absolute deviations on random data: a planted model at half the radius, with Laplace noise.

    Args:
        samples: Number of rows, Gaussian with mean square norm 1.
        dimension: Number of features.
        diameter: The diameter of the ball.
        noise: The scale of the noise in the targets.
        batch: Number of rows per step.
        seed: Determines the data.

    Raises:
        ValueError: samples or dimension is not a positive whole number or their product is above 10^9, the noise is
            negative, or the seed is not a whole number of at least 0.

    Example:
        >>> absolute_regression(100, 5).features.shape
        (100, 5)
    """
    generator, features, predictions = _planted(samples, dimension, diameter, noise, seed)
    targets = predictions + noise * generator.laplace(size=samples)
    return FiniteSum(features, targets, "absolute", diameter, batch)


def least_squares(
    samples: int, dimension: int, *, diameter: float = 10.0, noise: float = 1.0, batch: int = 1, seed: int = 0
) -> FiniteSum:
    """Least squares on random data: a planted model at half the radius, with Gaussian noise.

    Arguments and errors as for `absolute_regression`.

    Example:
        >>> least_squares(100, 5).loss
        'squared'
    """
    generator, features, predictions = _planted(samples, dimension, diameter, noise, seed)
    return FiniteSum(features, predictions + noise * generator.standard_normal(samples), "squared", diameter, batch)


def hinge_classification(
    samples: int, dimension: int, *, diameter: float = 10.0, noise: float = 1.0, batch: int = 1, seed: int = 0
) -> FiniteSum:
    """A support vector machine on random data: labels are signs of noisy planted predictions.

    Arguments and errors as for `absolute_regression`; ``noise`` scales the logistic noise in the predictions.

    Example:
        >>> hinge_classification(100, 5).targets[:4]
        array([...1., ...])
    """
    return FiniteSum(*_labelled(samples, dimension, diameter, noise, seed), "hinge", diameter, batch)


def logistic_regression(
    samples: int, dimension: int, *, diameter: float = 10.0, noise: float = 1.0, batch: int = 1, seed: int = 0
) -> FiniteSum:
    """Logistic regression on random data: labels are signs of noisy planted predictions.

    Arguments and errors as for `absolute_regression`; ``noise`` scales the logistic noise in the predictions.

    Example:
        >>> logistic_regression(100, 5, diameter=4.0).bound
        2.0
    """
    return FiniteSum(*_labelled(samples, dimension, diameter, noise, seed), "logistic", diameter, batch)


def _planted(
    samples: int, dimension: int, diameter: float, noise: float, seed: int
) -> tuple[np.random.Generator, NDArray[np.float64], NDArray[np.float64]]:
    samples, dimension = checked_whole("samples", samples), checked_whole("dimension", dimension)
    if samples * dimension > MOST_FEATURES:
        raise ValueError(f"samples times dimension must be at most {MOST_FEATURES:,}, not {samples * dimension:.3g}.")
    noise = 0.0 if is_number(noise) and noise == 0 else checked_magnitude("noise", noise)
    diameter, seed = checked_magnitude("diameter", diameter), checked_whole("seed", seed, 0)
    generator = np.random.default_rng(seed)
    features = generator.standard_normal((samples, dimension)) / math.sqrt(dimension)
    direction = generator.standard_normal(dimension)
    model = diameter / 4 * direction / np.linalg.norm(direction)
    return generator, features, features @ model


def _labelled(
    samples: int, dimension: int, diameter: float, noise: float, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    generator, features, predictions = _planted(samples, dimension, diameter, noise, seed)
    return features, np.where(predictions + noise * generator.logistic(size=samples) >= 0, 1.0, -1.0)
