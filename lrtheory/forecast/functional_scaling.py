r"""The functional scaling law's noise: forgotten with a free power of the rate summed since, from a free offset. Six numbers.

.. math:: L(t) = L_0 + A\,S_t^{-a} + B\sum_{k\le t}\eta_k^2\,\big(\delta+2(S_t-S_k)\big)^{-\gamma}

The exact last iterate is the kernel of exponent 1 with no offset (:mod:`lrtheory.forecast.linear_decay`).

**Source.** The kernel: arXiv 2509.19189; its use as a fitted law: here.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import BIAS, Features, Free, Interpolated, Law, power, summed
from lrtheory.forecast.running_noise import forgetting_noise

_OFFSET = Interpolated(-16.0, 3.0, 12)
_EXPONENT = Interpolated(0.2, 2.5, 5)


@dataclass(frozen=True)
class FunctionalScaling(Law):
    """``L0 + A S^-a + B`` times noise of a power of forgetting: see the module."""

    free = (BIAS, Free("log offset", -11.0, 0.0, (-5.0, -7.0, -3.0)), Free("exponent", 0.2, 2.5, (1.0, 1.5, 0.7)))
    columns_of = ("A", "B")

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """Summed rates, and the logarithm of the noise at nodes of offset and exponent."""
        noise = [
            [forgetting_noise(shape, at, offset=np.exp(offset), exponent=float(exponent)) for offset in _OFFSET.nodes]
            for exponent in _EXPONENT.nodes
        ]
        return {"sum": summed(shape, at), "log noise": np.log(np.array(noise))}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and noise."""
        a, offset, exponent = theta
        peak = features["peak"]
        between = np.tensordot(_EXPONENT.weights(exponent), features["log noise"], axes=1)
        weights = _OFFSET.weights(np.clip(offset - np.log(peak), _OFFSET.low, _OFFSET.high))
        noise = np.exp((weights * between).sum(axis=0))
        return [power(peak * features["sum"], -a), power(peak, 2 - exponent) * noise]
