r"""The exact noise of the last iterate behind a free bias: four numbers.

.. math:: L(t) = L_0 + A\,S_t^{-a} + B\,e_1(t)

:math:`S_t` is the summed rate and :math:`e_1` the noise of the worst case (:mod:`lrtheory.forecast.running_noise`).

**Source.** Here; the noise: :mod:`lrtheory.theory.last_iterate`.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import BIAS, Features, Law, power, summed
from lrtheory.forecast.running_noise import running_noise
from lrtheory.forecast.steps_gradient import WeightedNoise


@dataclass(frozen=True)
class ExactNoise(Law):
    """``L0 + A S^-a + B e1``: see the module."""

    free = (BIAS,)
    columns_of = ("A", "B")

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """Summed rates and noise."""
        return {"sum": summed(shape, at), "noise": running_noise(shape, at)}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and noise."""
        return [power(features["peak"] * features["sum"], -theta[0]), features["peak"] * features["noise"]]

    def weighted_noise(self, theta: np.ndarray, coefficients: np.ndarray) -> WeightedNoise:
        """Bias and weights of the noise."""
        bias, constant = coefficients
        return WeightedNoise(bias, theta[0], constant=constant, clamps=True)
