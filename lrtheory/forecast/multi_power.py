r"""The multi-power law: seven numbers.

.. math:: L(t) = L_0 + A\,S_t^{-a} - B\sum_{k\le t}(\eta_{k-1}-\eta_k)
    \Big(1-\big(1+C\,\eta_k^{-\gamma}(S_t-S_{k-1})\big)^{-\beta}\Big)

Changes of the rate are gathered into at most :data:`DROPS` of equal size, each where half of it has happened; a sudden
drop is one. That moves the sum by less than 1e-3 of itself (*verified* in the tests). Rises of a warm-up count as negative
drops, as in the authors' program.

**Source.** Luo, Wen, Hu, Sun, Liu, Sun, Lyu and Chen, arXiv 2503.12811.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import BIAS, Features, Free, Law, power, summed

DROPS = 192


@dataclass(frozen=True)
class MultiPower(Law):
    """``L0 + A S^-a - B`` times the loss drop: see the module."""

    free = (
        BIAS,
        Free("log C", 0.0, 16.0, (8.0, 6.0, 10.0)),
        Free("beta", 0.05, 2.0, (0.6, 0.3, 0.9)),
        Free("gamma", -0.5, 1.5, (0.65, 0.3, 0.9)),
    )
    columns_of = ("A", "B")

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """Summed rates; and of every gathered drop its size (0 after the loss), rate, and the rate summed since."""
        sums, largest = np.cumsum(shape), shape.max()
        drops = -np.diff(shape, prepend=shape[0])
        size, rate, before = (np.zeros((DROPS, at.size)) for _ in range(3))
        passed = np.cumsum(np.abs(drops))
        group = np.minimum((passed - np.abs(drops) / 2) / max(passed[-1], 1e-300) * DROPS, DROPS - 1).astype(int)
        for g in np.unique(group[drops != 0]):
            steps = np.flatnonzero((group == g) & (drops != 0))
            middle = steps[np.searchsorted(np.cumsum(np.abs(drops[steps])), np.abs(drops[steps]).sum() / 2)]
            since = sums[at - 1] - (sums[middle - 1] if middle else 0.0)
            taken = np.searchsorted(steps, at - 1, side="right")
            size[g] = np.append(0.0, np.cumsum(drops[steps]))[taken]
            rate[g] = max(shape[middle], 1e-9 * largest) / largest
            before[g] = np.maximum(since, 0.0)
        return {"sum": summed(shape, at), "size": size, "log rate": np.log(np.maximum(rate, 1e-9)), "since": before}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and loss drop, whose coefficient lowers the loss."""
        a, log_c, beta, gamma = theta
        peak = features["peak"]
        steepness = np.exp(log_c - gamma * (features["log rate"] + np.log(peak)))
        drop = features["size"] * (1 - power(1 + steepness * peak * features["since"], -beta))
        return [power(peak * features["sum"], -a), -peak * drop.sum(axis=0)]
