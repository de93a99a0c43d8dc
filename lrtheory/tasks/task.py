from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

BUCKET = 16
"""Batches whose examples are sorted by length together before they are cut."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and labels, whole, on one device.

    Args:
        inputs: One row an example: features, images (uint8 or float) or padded token numbers.
        labels: Class numbers, int64.
        lengths: Of token sequences, int64, always on the CPU so that trimming a batch waits for no device; None for
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
        there = index.to(self.labels.device, non_blocking=True)
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
            size: Examples a batch.
            generator: Of the order, on the CPU so that every device sees the same; None keeps the stored order.
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
        batch: Examples a step.
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


@dataclass(frozen=True, eq=False)
class Task:
    """Data, model, loss and metric of one classification task, and how each protocol trains it.

    Args:
        name: Of the task.
        title: What the column of a table says.
        family: Which default rates a strategy has: ``"text"`` those of fine-tuning a pretrained encoder, ``"vision"`` those
            of all that is trained from random weights, as in the paper.
        classes: Number of classes.
        settings: By protocol: ``fair``, ``as-described``, ``as-coded``.
        load: Training and test examples for a seed; only synthetic tasks depend on it.
        model: A fresh model; its weights follow torch's global generator.
        fetch: Makes sure that every file is there and checks; downloads what is not.
        forward: Logits from a model and a batch of inputs.
        augment: Inputs and a generator to inputs.
        loss: Logits and labels to the mean loss.
        right: Logits and labels to the number of right answers.
        encoder: The pretrained encoder that is fine-tuned, a name or a folder; empty for none.
        lr_factor_as_coded: What the published program multiplies its rates by on this task.
        mixed: Whether its steps are faster with matrix products in bfloat16 on a CPU that has them in hardware (measured).
        note: What a reader of results must know.
    """

    name: str
    title: str
    family: str
    classes: int
    settings: Mapping[str, Settings]
    load: Callable[[int], tuple[Examples, Examples]]
    model: Callable[[], nn.Module]
    fetch: Callable[[], None] = lambda: None
    forward: Callable[[nn.Module, Tensor], Tensor] = call
    augment: Callable[[Tensor, torch.Generator], Tensor] = unchanged
    loss: Callable[[Tensor, Tensor], Tensor] = nn.functional.cross_entropy
    right: Callable[[Tensor, Tensor], Tensor] = accuracy
    encoder: str = ""
    lr_factor_as_coded: float = 1.0
    mixed: bool = False
    note: str = ""

    def data(self, seed: int, *, hold_out: bool, examples: int = 0) -> Data:
        """The data of a run, on the CPU.

        Args:
            seed: Of the run; real data do not depend on it.
            hold_out: Take every tenth training example, in an order fixed for the task, for validation.
            examples: At most so many training and so many test examples, chosen once for the task; 0 for all.
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
