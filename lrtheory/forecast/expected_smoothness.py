r"""Gradients whose size falls with the loss: a part that stays, and a part in proportion to the bias.

.. math:: L(t) = L_0 + A\,S_t^{-a} + \sum_{k\le t}\frac{(B + C\,S_k^{-a})\,\eta_k^2}{\bar s_{k+1}}

Expected smoothness, :math:`\mathbb E\|g\|^2\le B+C'(f-f^\star)`, with the bias for the loss: five numbers, no exponent more
than the bias has.

**Source.** Expected smoothness: Khaled and Richtárik, arXiv 2002.03329; noise in proportion to the loss is also that of the
functional scaling law, arXiv 2509.19189. The law: here.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import BIAS, Features, Interpolated, Law, power, summed
from lrtheory.forecast.running_noise import running_noise
from lrtheory.forecast.steps_gradient import WeightedNoise

_TABLE = Interpolated(BIAS.low, BIAS.high, 12)


@dataclass(frozen=True)
class ExpectedSmoothness(Law):
    """``L0 + A S^-a + sum (B + C S_k^-a) eta_k^2 / s``: see the module."""

    free = (BIAS,)
    columns_of = ("A", "B", "C")

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """Summed rates, noise, and the logarithm of that which follows the bias at nodes of ``a``."""
        sums = np.cumsum(shape)
        logs = np.log(sums, where=sums > 0, out=np.zeros_like(sums))  # a step of rate zero makes no noise
        exponents = np.append(_TABLE.nodes, 0.0)
        noise = running_noise(shape, at, weights=np.exp(-exponents[:, None] * logs), clamps=False)
        return {"sum": summed(shape, at), "log noise": np.log(noise[:-1]), "constant": noise[-1]}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias, constant noise and noise that follows the bias."""
        (a,), peak = theta, features["peak"]
        follows = power(peak, 1 - a) * np.exp(_TABLE.weights(a) @ features["log noise"])
        return [power(peak * features["sum"], -a), peak * features["constant"], follows]

    def weighted_noise(self, theta: np.ndarray, coefficients: np.ndarray) -> WeightedNoise:
        """Bias and weights of the noise."""
        bias, constant, falling = coefficients
        return WeightedNoise(bias, theta[0], constant=constant, falling=falling, power=theta[0])
