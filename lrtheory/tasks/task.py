from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

BUCKET = 16
"""Batches whose examples are sorted by length together before they are cut."""


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """A tensor of the CPU on a device, which is not waited for: CUDA copies by itself only from memory that is pinned."""
    return (tensor.pin_memory() if device.type == "cuda" else tensor).to(device, non_blocking=True)


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and labels, whole, on one device.

    Args:
        inputs: One row per example: features, images (uint8 or float) or padded token numbers.
        labels: The class numbers, int64.
        lengths: The lengths of token sequences, int64, always on the CPU so that trimming a batch waits for no device; None for
            inputs of one size.
    """

    inputs: Tensor
    labels: Tensor
    lengths: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: str | torch.device) -> "Examples":
        """The same examples on a device; lengths stay."""
        return Examples(self.inputs.to(device), self.labels.to(device), self.lengths)

    def take(self, index: Tensor) -> "Examples":
        """The examples at the given places (an index on the CPU), token sequences trimmed to the longest among them."""
        there = sent(index, self.labels.device)
        inputs, lengths = self.inputs[there], None
        if self.lengths is not None:
            lengths = self.lengths[index]
            inputs = inputs[:, : int(lengths.max())]
        return Examples(inputs, self.labels[there], lengths)

    def batches(
        self, size: int, generator: torch.Generator | None = None, *, bucketed: bool = False
    ) -> Iterator["Examples"]:
        """One pass over all examples; the last batch may be smaller.

        Args:
            size: The number of examples in a batch.
            generator: The generator of the order, on the CPU so that every device sees the same; None keeps the stored order.
            bucketed: Batches of similar length: runs of ``16 size`` shuffled examples are sorted by length, then cut,
                and the batches shuffled again.
        """
        order = torch.arange(len(self)) if generator is None else torch.randperm(len(self), generator=generator)
        if not (bucketed and generator is not None and self.lengths is not None):
            yield from map(self.take, order.split(size))
            return
        runs = (run[self.lengths[run].argsort()] for run in order.split(BUCKET * size))
        batches = [batch for run in runs for batch in run.split(size)]
        for place in torch.randperm(len(batches), generator=generator).tolist():
            yield self.take(batches[place])


@dataclass(frozen=True, eq=False)
class Data:
    """What a run sees: training, validation (None where nothing is held out) and test examples."""

    train: Examples
    validation: Examples | None
    test: Examples

    def to(self, device: str | torch.device) -> "Data":
        """The same data on a device."""
        return Data(self.train.to(device), self.validation and self.validation.to(device), self.test.to(device))


@dataclass(frozen=True)
class Settings:
    """How long and on what a task is trained under one protocol.

    Args:
        epochs: Passes over the training examples.
        batch: The number of examples in a step.
        augment: Random crops and flips of images.
        bucketed: Batches of similar length.
    """

    epochs: int
    batch: int
    augment: bool = False
    bucketed: bool = False


def unchanged(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """No augmentation."""
    return inputs


def call(model: nn.Module, inputs: Tensor) -> Tensor:
    """The logits of a model that maps inputs to them."""
    return model(inputs)


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """The number of right answers, as a tensor so that no device is waited for."""
    return (logits.argmax(-1) == labels).sum()


class Task(ABC):
    """Data, model, loss and metric of one classification task, and how each protocol of the benchmark trains it.

    One's own is a class with ``name``, ``title``, ``family``, ``classes``, ``settings`` and the methods ``load`` and ``model``;
    with settings of its own, it is a frozen dataclass. ``python -m lrtheory.benchmark --tasks my_tasks.py:Mine synthetic`` runs
    it, and so does ``Benchmark(tasks=(Mine(), "synthetic"))``.

    Example:
        >>> class Halves(Task):
        ...     name, title, family, classes = "halves", "Half-planes", "vision", 2
        ...     settings = {"fair": Settings(epochs=3, batch=10)}
        ...
        ...     def load(self, seed):
        ...         points = torch.randn(200, 2, generator=torch.Generator().manual_seed(0))
        ...         labels = (points.sum(1) > 0).long()
        ...         return Examples(points[:100], labels[:100]), Examples(points[100:], labels[100:])
        ...
        ...     def model(self):
        ...         return nn.Linear(2, 2)
        >>> len(Halves().data(0, hold_out=True).train)
        90
    """

    name: str
    """The name in results."""
    title: str
    """The heading of its column in tables."""
    family: str
    """Which default rates a strategy has: ``"text"`` those of fine-tuning a pretrained encoder, ``"vision"`` those of all that is
    trained from random weights, as in the paper."""
    classes: int
    """The number of classes."""
    settings: Mapping[str, Settings]
    """How each protocol trains it: ``fair``, ``as-described``, ``as-coded``; others cannot be run."""
    drawn: bool = False
    """Whether the data depend on the seed of a run."""
    encoder: str = ""
    """The pretrained encoder that is fine-tuned, a name or a folder; empty for none."""
    lr_factor_as_coded: float = 1.0
    """What the published program multiplies its rates by on this task."""
    mixed: bool = False
    """Whether its steps are faster with matrix products in bfloat16 on a CPU that has them in hardware (measured)."""
    note: str = ""
    """What a reader of results must know, as part of a sentence."""

    @abstractmethod
    def load(self, seed: int) -> tuple[Examples, Examples]:
        """Training and test examples for the seed of a run; only the data of a drawn task depend on it."""

    @abstractmethod
    def model(self) -> nn.Module:
        """A fresh model; its weights follow torch's global generator."""

    def fetch(self) -> None:  # noqa: B027  # most tasks of one's own have nothing to fetch
        """Make sure that every file is there and checks, and download what is not."""

    def forward(self, model: nn.Module, inputs: Tensor) -> Tensor:
        """Logits from a model and a batch of inputs."""
        return call(model, inputs)

    def augment(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Inputs as they are trained on, where a protocol augments; unchanged by default."""
        return unchanged(inputs, generator)

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch."""
        return nn.functional.cross_entropy(logits, labels)

    def right(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The number of right answers, as a tensor so that no device is waited for."""
        return accuracy(logits, labels)

    def data(self, seed: int, *, hold_out: bool, examples: int = 0) -> Data:
        """The data of a run, on the CPU.

        Args:
            seed: The seed of the run; real data do not depend on it.
            hold_out: Take every tenth training example, in an order fixed for the task, for validation.
            examples: The largest number of training and of test examples, chosen once for the task; 0 for all.
        """
        train, test = self.load(seed)
        fixed = torch.Generator().manual_seed(0)
        order = torch.randperm(len(train), generator=fixed)
        if examples:
            order = order[:examples]
            test = test.take(torch.randperm(len(test), generator=fixed)[:examples])
        if not hold_out:
            return Data(train.take(order.sort().values), None, test)
        held = len(order) // 10
        return Data(train.take(order[held:].sort().values), train.take(order[:held].sort().values), test)


@final
@dataclass(frozen=True, eq=False)
class FunctionTask(Task):
    """A task made of functions.

    Args:
        name: The name in results.
        title: The heading of its column in tables.
        family: ``"vision"`` or ``"text"``: see :class:`Task`.
        classes: The number of classes.
        settings: How each protocol trains it.
        loader: Training and test examples for a seed.
        maker: A fresh model.
        fetch: Makes sure that every file is there and checks; downloads what is not.
        forward: Logits from a model and a batch of inputs.
        augment: Inputs and a generator to inputs.
        loss: Logits and labels to the mean loss.
        right: Logits and labels to the number of right answers.
        drawn: Whether the data depend on the seed of a run.
        encoder: The pretrained encoder that is fine-tuned, a name or a folder; empty for none.
        lr_factor_as_coded: What the published program multiplies its rates by on this task.
        mixed: Whether its steps are faster in bfloat16: see :class:`Task`.
        note: What a reader of the results must know, as part of a sentence.
    """

    name: str
    title: str
    family: str
    classes: int
    settings: Mapping[str, Settings]
    loader: Callable[[int], tuple[Examples, Examples]]
    maker: Callable[[], nn.Module]
    fetch: Callable[[], None] = lambda: None
    forward: Callable[[nn.Module, Tensor], Tensor] = call
    augment: Callable[[Tensor, torch.Generator], Tensor] = unchanged
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy
    right: Callable[[Tensor, Tensor], Tensor] = accuracy
    drawn: bool = False
    encoder: str = ""
    lr_factor_as_coded: float = 1.0
    mixed: bool = False
    note: str = ""

    def load(self, seed: int) -> tuple[Examples, Examples]:
        """What ``loader`` gives."""
        return self.loader(seed)

    def model(self) -> nn.Module:
        """What ``maker`` gives."""
        return self.maker()
