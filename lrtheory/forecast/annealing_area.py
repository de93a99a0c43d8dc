r"""The law of annealing areas: five numbers.

.. math:: L(t) = L_0 + A\,S_t^{-a} - C\,S_2(t),\qquad
    S_2(t)=\sum_{i\le t}\sum_{k\le i}(\eta_{k-1}-\eta_k)\,\lambda^{i-k}

Rises of the rate during warm-up, until it is first at its peak, are no annealing and are left out, as by the authors.

**Source.** Tissue, Wang and Wang, arXiv 2408.11029.
"""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from lrtheory.forecast.law import BIAS, Features, Free, Interpolated, Law, power, summed

FORGETTING = Free("log(1 - lambda)", float(np.log(3e-5)), float(np.log(0.1)), (-6.9, -4.6, -8.5))
_TABLE = Interpolated(FORGETTING.low, FORGETTING.high, 16)


@dataclass(frozen=True)
class AnnealingArea(Law):
    """``L0 + A S^-a - C S2``: see the module."""

    free = (BIAS, FORGETTING)
    columns_of = ("A", "C")

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """Summed rates, and annealing areas at nodes of the forgetting factor."""
        drops = -np.diff(shape, prepend=shape[0])
        drops[: int(np.argmax(shape)) + 1] = 0.0
        factors = 1 - np.exp(_TABLE.nodes)
        momenta = (np.asarray(lfilter([1.0], [1.0, -factor], drops)) for factor in factors)
        return {"sum": summed(shape, at), "area": np.array([np.cumsum(momentum)[at - 1] for momentum in momenta])}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and annealing, whose coefficient lowers the loss."""
        a, forgetting = theta
        area = _TABLE.weights(forgetting) @ features["area"]
        return [power(features["peak"] * features["sum"], -a), -features["peak"] * area]
