r"""What was tried beside the default law, each chosen for a reason and judged by the same leave-one-out.

The leaderboard (``python -m lrtheory.sweep forecast``) fits them like every law, and
:func:`lrtheory.sweeps.forecast.candidates` lists from its table how much worse each is than the default, task by task. Each
loses more than a thousandth of a nat on some task (a test); an earlier start of the bias gains a little on most tasks and
loses most of all at unseen rates.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import BIAS, Features, Free, Interpolated, Law, power, summed
from lrtheory.forecast.running_noise import running_noise
from lrtheory.forecast.shrinking_gradients import SHRINKING, SUBLINEAR, ShrinkingGradients

_START = Free("log S0", -9.0, 0.0, (-5.0, -3.0, -7.0))


@dataclass(frozen=True)
class WithClamps(ShrinkingGradients):
    """The clamps counted, the price of a kink at the output."""

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """As the default, with the clamp of the last step."""
        features = super().features(shape, at)
        return features | {"last": shape[at - 1]}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias, and noise with its clamp."""
        bias, noise = super().columns(features, theta)
        _, c, q = theta
        clamp = power(features["peak"], 1 - c - q) * features["last"] * power(features["sum"], -c)
        return [bias, noise + clamp]


@dataclass(frozen=True)
class WithConstantGradients(ShrinkingGradients):
    """No shrinking: noise that is sublinear in the peak rate only."""

    free = (BIAS, SUBLINEAR)

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and noise of ``c = 0``."""
        return super().columns(features, np.array([theta[0], 0.0, theta[1]]))


@dataclass(frozen=True)
class WithoutSublinearity(ShrinkingGradients):
    """Shrinking gradients, and noise in proportion to the rate."""

    free = (BIAS, SHRINKING)

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and noise of ``q = 0``."""
        return super().columns(features, np.append(theta, 0.0))


@dataclass(frozen=True)
class TiedToTheBias(ShrinkingGradients):
    """Gradients that shrink in proportion to the bias, ``c = a``: one number less."""

    free = (BIAS, SUBLINEAR)

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and noise of ``c = a``."""
        a = min(float(theta[0]), SHRINKING.high)
        return super().columns(features, np.array([theta[0], a, theta[1]]))


@dataclass(frozen=True)
class WithEarlierStart(ShrinkingGradients):
    """A bias that starts at a summed rate of its own, for what a warm-up does: one number more."""

    free = (BIAS, SHRINKING, SUBLINEAR, _START)

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """The bias of ``S + S0``, and noise."""
        _, noise = super().columns(features, theta[:3])
        return [power(features["peak"] * features["sum"] + np.exp(theta[3]), -theta[0]), noise]


@dataclass(frozen=True)
class WithLocalRates(ShrinkingGradients):
    """Gradients that shrink with the rate of their own step, not with the peak rate; its power is fixed at 0.2."""

    free = (BIAS, SHRINKING)

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """As the default, with weights in the rate of each step."""

        nodes = Interpolated(SHRINKING.low, SHRINKING.high, 10).nodes
        sums = np.cumsum(shape)
        logs = np.log(sums, where=sums > 0, out=np.zeros_like(sums))
        rates = np.log(shape, where=shape > 0, out=np.zeros_like(shape)) - np.log(shape.max())
        weights = np.exp(-nodes[:, None] * logs - LOCAL * rates)
        noise = running_noise(shape, at, weights=weights, clamps=False)
        return {"sum": summed(shape, at), "log noise": np.log(noise)}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """Bias and noise of ``q`` at its fixed value."""
        return super().columns(features, np.append(theta, LOCAL))


LOCAL = 0.2

CANDIDATES: dict[str, Law] = {
    law.name: law
    for law in (
        WithClamps(), WithConstantGradients(), WithoutSublinearity(), TiedToTheBias(), WithEarlierStart(), WithLocalRates(),
    )
}  # fmt: skip
"""Every candidate by its name."""
