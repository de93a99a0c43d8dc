r"""The worst case itself, from a known distance: three numbers.

.. math:: L(t) = L_0 + \frac A{s_1(t)} + B\,e_1(t),\qquad s_1 = 2S + e_1

**Source.** :mod:`lrtheory.theory.last_iterate`.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import Features, Law, summed
from lrtheory.forecast.running_noise import running_noise


@dataclass(frozen=True)
class WorstCase(Law):
    """``L0 + A / s1 + B e1``: see the module."""

    columns_of = ("A", "B")

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """The two states of the recursion."""
        noise = running_noise(shape, at)
        return {"square": 2 * summed(shape, at) + noise, "noise": noise}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and noise."""
        return [1 / (features["peak"] * features["square"]), features["peak"] * features["noise"]]
