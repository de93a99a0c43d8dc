"""One run of a residual network on CIFAR-10: the same lines on a CPU and on a large GPU.

The data live on the device as bytes, tensors are channels-last, the loss may be computed in bfloat16, and on CUDA it is compiled
(:func:`smoothed_loss`: one graph for every run of a network, whatever its rate and seed) and the optimizer is fused. Nothing in
the loop waits for the device.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache

import torch
from torch import Tensor, nn

from lrtheory.benchmarks.training import clock
from lrtheory.sweeps.residual_run import ResidualRun
from lrtheory.tasks import cifar10, residual
from lrtheory.tasks.images import crop_and_flip
from lrtheory.tasks.task import Examples, Task
from lrtheory.training.ensemble import start

EVALUATED = 1000
"""Examples evaluated at once."""


@dataclass(frozen=True, eq=False)
class Setting:
    """What a run learns, what it is tested on, and the network: images are on their device."""

    train: Examples
    test: Examples
    task: Task


def run(cell: ResidualRun) -> dict[str, float]:
    """Train a network and measure it; ``seconds`` are of training alone."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # results must not depend on the number of cores
    try:
        setting = _setting(cell.network, cell.size, cell.examples, cell.tested, cell.device)
        model = start(setting.task, cell.seed).to(cell.device)
        model = model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        seconds = train(cell, model, setting.train)
        train_loss, _ = measure(cell, model, setting.train)
        test_loss, test_accuracy = measure(cell, model, setting.test)
    finally:
        torch.set_num_threads(before)
    return {"train_loss": train_loss, "test_loss": test_loss, "test_accuracy": test_accuracy, "seconds": seconds}


def train(cell: ResidualRun, model: nn.Module, examples: Examples) -> float:
    """Train a model in place by SGD with Nesterov's momentum, on reshuffled passes of cropped and mirrored images.

    Returns:
        The seconds that it took.
    """
    order = torch.Generator().manual_seed(cell.seed)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(
        parameters, cell.lr, cell.momentum, weight_decay=cell.weight_decay, nesterov=True, fused=cell.device == "cuda"
    )
    scheduler = cell.schedule.lr_scheduler(optimizer, cell.horizon)
    loss = _loss_on(cell.device)
    model.train()
    begin = clock(cell.device)
    for _ in range(cell.epochs):
        shuffled = torch.randperm(len(examples), generator=order)[: cell.horizon // cell.epochs * cell.batch]
        for batch in map(examples.take, shuffled.split(cell.batch)):
            images = crop_and_flip(batch.inputs, order).contiguous(memory_format=torch.channels_last)
            loss(model, images, batch.labels, cell.smoothing, cell.precision).backward()
            optimizer.step()
            optimizer.zero_grad()
            scheduler.step()
    return clock(cell.device) - begin


@torch.no_grad()
def measure(cell: ResidualRun, model: nn.Module, examples: Examples) -> tuple[float, float]:
    """The mean loss, and the accuracy as a fraction."""
    model.eval()
    loss = torch.zeros((), dtype=torch.float64, device=cell.device)
    right = torch.zeros((), dtype=torch.int64, device=cell.device)
    for batch in examples.batches(EVALUATED):
        images = batch.inputs.contiguous(memory_format=torch.channels_last)
        logits = _logits(model, images, cell.precision).double()
        loss += len(batch) * nn.functional.cross_entropy(logits, batch.labels, label_smoothing=cell.smoothing)
        right += (logits.argmax(1) == batch.labels).sum()
    return loss.item() / len(examples), right.item() / len(examples)


def smoothed_loss(model: nn.Module, images: Tensor, labels: Tensor, smoothing: float, precision: str) -> Tensor:
    """The loss of a batch: of its arguments only tensors differ between the runs of a network, so it is compiled once."""
    return nn.functional.cross_entropy(_logits(model, images, precision).float(), labels, label_smoothing=smoothing)


def _logits(model: nn.Module, images: Tensor, precision: str) -> Tensor:
    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=precision == "bfloat16"):
        return model(images)


@cache
def _loss_on(device: str) -> Callable[[nn.Module, Tensor, Tensor, float, str], Tensor]:
    return torch.compile(smoothed_loss) if device == "cuda" else smoothed_loss


@lru_cache(maxsize=4)
def _setting(network: str, size: tuple[int, ...], examples: int, tested: int, device: str) -> Setting:
    data = cifar10.task().data(0, hold_out=False, examples=max(examples, tested))
    train, test = data.train.take(torch.arange(examples)), data.test.take(torch.arange(tested))
    if network == "compact":
        filters = residual.whitening(train.inputs)
        task = residual.task(network, lambda: residual.compact(size[0], filters, stride=size[1]))
    else:
        task = residual.task(network, lambda: residual.wide(size[0], size[1]))
    return Setting(train.to(device), test.to(device), task)
