"""The losses of a prediction: what a finite sum is made of."""

import numpy as np
from numpy.typing import NDArray

ABSOLUTE, HINGE, SQUARED, LOGISTIC = range(4)
LOSSES = {"absolute": ABSOLUTE, "hinge": HINGE, "squared": SQUARED, "logistic": LOGISTIC}
"""The losses by name, numbered for the compiled loops."""


def loss_of(loss: str, predictions: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    """The loss of each prediction; ``loss`` is a key of :data:`LOSSES`."""
    if loss == "absolute":
        return np.abs(predictions - targets)
    if loss == "hinge":
        return np.maximum(0.0, 1.0 - targets * predictions)
    if loss == "squared":
        return (predictions - targets) ** 2 / 2
    return np.logaddexp(0.0, -targets * predictions)
