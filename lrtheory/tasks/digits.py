"""Handwritten digits of 8 x 8 pixels, 1797 of them, and a network of one hidden layer; plain, and with wrong labels.

The file beside this one is ``sklearn/datasets/data/digits.csv.gz`` of scikit-learn, byte for byte: the test part of the
"Optical Recognition of Handwritten Digits" of the UCI Machine Learning Repository (E. Alpaydin and C. Kaynak, 1998,
doi 10.24432/C50P49, CC BY 4.0). A row is 64 grey values from 0 to 16 and the digit. 1437 are for training and 360 for the
test, in one fixed shuffle. The network has 16 hidden units, 1210 parameters.

The plain digits can be learned by heart: the noise of the gradient vanishes at the minimum, which no worst case assumes.
In ``noisy`` every draw of an image has a label of its own, with probability 0.2 any digit at all: noise that cannot be
learned by heart. The mean loss over that noise is the cross-entropy with labels smoothed by 0.2 (:func:`expected_loss`),
and no network can have less than the entropy of the label, 0.867.
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from lrtheory.tasks.task import Examples, FunctionTask, Task

FILE = Path(__file__).with_name("digits.csv.gz")
TRAIN = 1437
HIDDEN = 16
WRONG = 0.2
"""The probability that a label of :func:`noisy` is drawn from all digits."""
COPIES = 50
"""The copies of each image in :func:`noisy`, 41 with the right label and one with each other digit: ``WRONG`` exactly."""


def task() -> Task:
    """The digits as they are.

    Example:
        >>> train, test = task().load(0)
        >>> tuple(train.inputs.shape), len(test), float(train.inputs.max())
        ((1437, 64), 360, 1.0)
    """
    return FunctionTask("digits", "Digits", "vision", 10, {}, lambda seed: _load(), _network)


def noisy() -> Task:
    """Every training image 50 times, nine of them with a wrong label; the test labels are right.

    Example:
        >>> len(noisy().load(0)[0]) == 50 * len(task().load(0)[0])
        True
    """
    return FunctionTask("digits-noisy", "Digits, noisy labels", "vision", 10, {}, lambda seed: _load_noisy(), _network)


def expected_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """The mean over the noise of :func:`noisy` of the loss, from right labels."""
    return nn.functional.cross_entropy(logits, labels, label_smoothing=WRONG)


def _load() -> tuple[Examples, Examples]:
    rows = np.loadtxt(FILE, delimiter=",")
    rows = rows[np.random.default_rng(0).permutation(len(rows))]
    inputs, labels = torch.from_numpy(rows[:, :64] / 16).float(), torch.from_numpy(rows[:, 64]).long()
    return Examples(inputs[:TRAIN], labels[:TRAIN]), Examples(inputs[TRAIN:], labels[TRAIN:])


def _load_noisy() -> tuple[Examples, Examples]:
    train, test = _load()
    shift = torch.arange(COPIES).sub(COPIES - 10).clamp(min=0)  # 0 for the right label, then 1 .. 9
    labels = (train.labels[:, None] + shift) % 10
    return Examples(train.inputs.repeat_interleave(COPIES, dim=0), labels.flatten()), test


def _network() -> nn.Module:
    return nn.Sequential(nn.Linear(64, HIDDEN), nn.Tanh(), nn.Linear(HIDDEN, 10))
