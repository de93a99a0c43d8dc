r"""A naive law: the loss follows the rate of the moment. Four numbers.

.. math:: L(t) = L_0 + A\,S_t^{-a} + B\,\eta_t
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import BIAS, Features, Law, power, summed


@dataclass(frozen=True)
class CurrentRate(Law):
    """``L0 + A S^-a + B eta``: see the module."""

    free = (BIAS,)
    columns_of = ("A", "B")

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """Summed rates and the rates of the moment."""
        return {"sum": summed(shape, at), "rate": shape[at - 1] / shape.max()}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and rate."""
        return [power(features["peak"] * features["sum"], -theta[0]), features["peak"] * features["rate"]]
