"""Bytes of film reviews, one after another: what a small language model learns to continue.

The text is that of the IMDb reviews (:mod:`lrtheory.tasks.imdb`; Maas et al., ACL 2011), in UTF-8 with a line feed between
reviews: 33 million bytes of the training reviews are drawn from, and windows of the test reviews are held out. The authors
state no licence and ask to be cited; no text comes with this package. A run that sees less than all of the bytes sees almost
none of them twice, so that its loss on the held-out windows is the loss that its gradients estimate.
"""

from functools import cache

import numpy as np
import torch
from torch import Tensor

from lrtheory.runs.store import whole_file
from lrtheory.tasks import imdb
from lrtheory.tasks.data import cache_folder

VALUES = 256
"""Of a byte."""
CONTEXT = 64
"""Bytes that a model sees at once."""
HELD_OUT = 512
"""Windows of held-out text, fixed once for all runs."""


def batch(text: np.ndarray, size: int, seed: int, step: int) -> tuple[Tensor, Tensor]:
    """Windows of a text and the bytes that follow each place: determined by the seed and the number of the step.

    Args:
        text: Bytes, shape ``(length,)``.
        size: Windows.
        seed: Of the run.
        step: Its number, from 0.

    Returns:
        Inputs and targets, int64, shape ``(size, CONTEXT)``.

    Example:
        >>> inputs, targets = batch(np.arange(200, dtype=np.uint8), 2, seed=0, step=5)
        >>> inputs.shape, bool((targets == inputs + 1).all())
        (torch.Size([2, 64]), True)
    """
    return windows(text, np.random.default_rng([seed, step]).integers(len(text) - CONTEXT, size=size))


def windows(text: np.ndarray, starts: np.ndarray) -> tuple[Tensor, Tensor]:
    """The windows that begin at the given places, and the bytes that follow each place of them."""
    cut = torch.from_numpy(text[starts[:, None] + np.arange(CONTEXT + 1)].astype(np.int64))
    return cut[:, :-1], cut[:, 1:]


def held_out(text: np.ndarray) -> tuple[Tensor, Tensor]:
    """The windows of a text that losses are measured on, the same for every run."""
    return windows(text, np.random.default_rng(0).integers(len(text) - CONTEXT, size=HELD_OUT))


@cache
def texts() -> tuple[np.ndarray, np.ndarray]:
    """The bytes of the training reviews and those of the test reviews, kept in the cache folder.

    Raises:
        DataError: the reviews cannot be had.
    """
    imdb.fetch()
    path = cache_folder() / "bytes" / f"imdb-{imdb.HOME.sha256[:16]}.npz"
    if not path.is_file():
        train, _, test, _ = imdb.read()
        joined = ["\n".join(map(str, rows)).encode() for rows in (train, test)]
        learned, held = (np.frombuffer(text, dtype=np.uint8) for text in joined)
        with whole_file(path) as temporary, temporary.open("wb") as stream:
            np.savez(stream, train=learned, test=held)
    with np.load(path, allow_pickle=False) as kept:
        return kept["train"], kept["test"]
