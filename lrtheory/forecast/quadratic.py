r"""A naive law of final losses: one quadratic in the logarithm of the peak rate, blind to schedule and horizon.

.. math:: L = L_0 + A\,(\ln\ell-m)^2

**Source.** The habit of sweeps.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import Features, Free, Law


@dataclass(frozen=True)
class Quadratic(Law):
    """``L0 + A (ln l - m)^2``: see the module."""

    free = (Free("m", -5.0, 5.0, (0.0, 1.0, -1.0), without_rates=0.0),)
    columns_of = ("A",)

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """Nothing but the peak rate."""
        return {"sum": np.ones(at.size)}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """The square."""
        return [(np.log(features["peak"]) - theta[0]) ** 2]
