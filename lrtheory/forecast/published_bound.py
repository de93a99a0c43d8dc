r"""The noise of the published last-iterate bound behind a free bias: four numbers.

.. math:: L(t) = L_0 + A\,S_t^{-a} + B\Big[\eta_t+\sum_{k\le t}\frac{\eta_k^2}{\eta_t+\sum_{k<i\le t}\eta_i}\Big]

**Source.** The noise: :mod:`lrtheory.theory.published_bounds` (Defazio et al., arXiv 2310.07831; Schaipp et al., arXiv
2501.18965), whose own bias has :math:`a=1`.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import BIAS, Features, Law, power, summed
from lrtheory.forecast.running_noise import forgetting_noise


@dataclass(frozen=True)
class PublishedBound(Law):
    """``L0 + A S^-a + B`` times the noise of the published bound: see the module."""

    free = (BIAS,)
    columns_of = ("A", "B")

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """Summed rates and noise."""
        moving = np.maximum.accumulate(np.where(shape > 0, np.arange(shape.size), -1))[at - 1]
        last = np.where(moving >= 0, shape[moving], shape.max())  # the last step that moved
        return {"sum": summed(shape, at), "noise": last + 2 * forgetting_noise(shape, at, offset=2 * last)}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and noise."""
        return [power(features["peak"] * features["sum"], -theta[0]), features["peak"] * features["noise"]]
