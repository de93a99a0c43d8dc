r"""The exact noise with gradients that shrink as training goes on: the default law.

.. math:: L(t) = L_0 + A\,S_t^{-a} + B\,\ell^{-q}\sum_{k\le t}\frac{S_k^{-c}\,\eta_k^2}{\bar s_{k+1}}

:math:`S_k` is the rate summed until step ``k``, :math:`\ell` the peak rate, :math:`\bar s` the states of the recursion of the
last iterate. For bounds :math:`\mathbb E\|g_k\|^2\le G_k^2` the theorem of :mod:`lrtheory.theory.refined_schedule` has the
noise :math:`\sum_kG_k^2\eta_k^2/s_{k+1}+G_{T+1}^2a^2`: the first sum is this law's with :math:`G_k^2\propto S_k^{-c}`, and the
second, the price of a kink at the output, is left out. Constant gradients (:math:`c=0`) make long runs too noisy, let the
gain of a cooldown grow with the horizon, and over-penalise long cosine runs.

Six numbers, five where all runs have one peak rate: :math:`q` says that noise grows more slowly with the peak rate than in
proportion, and one rate cannot tell it. That number has no theorem behind it; it is *measured*.

**Source.** The weights and the law: here.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import BIAS, Features, Free, Interpolated, Law, power, summed
from lrtheory.forecast.running_noise import running_noise
from lrtheory.forecast.steps_gradient import WeightedNoise

SHRINKING = Free("c", -0.3, 1.2, (0.2, 0.5, 0.0))
SUBLINEAR = Free("q", -0.5, 0.9, (0.1, 0.3, 0.0), without_rates=0.0)
_TABLE = Interpolated(SHRINKING.low, SHRINKING.high, 10)


@dataclass(frozen=True)
class ShrinkingGradients(Law):
    """``L0 + A S^-a + B l^-q sum S_k^-c eta_k^2 / s``: see the module."""

    free = (BIAS, SHRINKING, SUBLINEAR)
    columns_of = ("A", "B")

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """Summed rates, and the logarithm of the noise at nodes of ``c``."""
        sums = np.cumsum(shape)
        logs = np.log(sums, where=sums > 0, out=np.zeros_like(sums))  # a step of rate zero makes no noise
        noise = running_noise(shape, at, weights=np.exp(-_TABLE.nodes[:, None] * logs), clamps=False)
        return {"sum": summed(shape, at), "log noise": np.log(noise)}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and noise."""
        a, c, q = theta
        noise = np.exp(_TABLE.weights(c) @ features["log noise"])
        return [power(features["peak"] * features["sum"], -a), power(features["peak"], 1 - c - q) * noise]

    def weighted_noise(self, theta: np.ndarray, coefficients: np.ndarray) -> WeightedNoise | None:
        """Bias and weights of the noise; None for a law that is made of this one, whose noise is another."""
        if type(self) is not ShrinkingGradients:
            return None
        (a, c, q), (bias, falling) = theta, coefficients
        return WeightedNoise(bias, a, falling=falling, power=c, sublinear=q)
