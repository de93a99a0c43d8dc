r"""One run of a small decoder: its validation losses on the way, and what averages of its weights reach at the end.

The loss is the cross-entropy of the next byte, in nats. From one run are logged

* the loss at the end of each of :data:`CHECKPOINTS` equal parts of the run;
* at the end, the loss of the last weights, of their exponential moving average (over a tenth of the run), and of the plain
  average of the last ``k`` checkpoints, for each ``k`` of :data:`MERGED`.

Matrix products are in bfloat16; weights, the softmax and the loss are in single precision. The loss is compiled for runs of at
least :data:`WORTH_COMPILING` steps where there is a C++ compiler, which saves a third of the time, and computed as it is written
elsewhere, which differs by rounding. Runs are trained one after another: on one core, 2 and 4 runs in one batched call took
8 and 32 % *more* time for each run than one alone (measured; 136 thousand parameters, 16 windows a step, AVX-512 and AMX).
"""

import math
import os
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from lrtheory.tasks import bytes as task
from lrtheory.tasks.task import sent
from lrtheory.training.decoder import Decoder

CHECKPOINTS = 32
"""Parts of a run; its horizon is a multiple of them."""
MERGED = (2, 4, 8, 16)
"""Numbers of last checkpoints that are averaged."""
WINDOW = 0.1
"""The part of the run that the exponential moving average looks back: its decay is one less one over that many steps."""
ON_THE_WAY = 128
"""Held-out windows of a loss on the way; at the end all are taken."""
TOGETHER = 16
"""Windows evaluated in one call."""
WEIGHT_DECAY = 0.1
WORTH_COMPILING = 100
"""Steps of the shortest run for which the loss is compiled, which takes half a minute once."""


def _adamw(parameters: Any) -> Optimizer:
    return torch.optim.AdamW(parameters, 1.0, (0.9, 0.95), weight_decay=WEIGHT_DECAY, fused=True)


def _momentum(decoder: Decoder) -> list[Optimizer]:
    return [torch.optim.SGD(decoder.parameters(), 1.0, momentum=0.9, fused=True)]


def _muon(decoder: Decoder) -> list[Optimizer]:
    """Muon on the matrices of the blocks; the rest, as its authors advise, by AdamW: with its steps scaled to the same size."""
    if not hasattr(torch.optim, "Muon"):
        raise ModuleNotFoundError(f"torch {torch.__version__} has no Muon, which came with torch 2.9.")
    matrices = [parameter for parameter in decoder.blocks.parameters() if parameter.ndim == 2]
    rest = [parameter for parameter in decoder.parameters() if all(parameter is not matrix for matrix in matrices)]
    scaled = torch.optim.Muon(matrices, 1.0, weight_decay=WEIGHT_DECAY, adjust_lr_fn="match_rms_adamw")
    return [scaled, _adamw(rest)]


OPTIMIZERS: dict[str, Callable[[Decoder], list[Optimizer]]] = {
    "adamw": lambda decoder: [_adamw(decoder.parameters())],
    "momentum": _momentum,
    "muon": _muon,
}
"""By name: AdamW and Muon of torch with a weight decay of 0.1 (and betas of 0.9 and 0.95), SGD with a momentum of 0.9."""


@dataclass(frozen=True)
class Losses:
    """What a run reached, in nats a byte; what is not finite has diverged.

    Args:
        before: Before training.
        way: At the end of each part of the run.
        last: Of the last weights.
        ema: Of their exponential moving average.
        merged: Of the averages of the last checkpoints, by their number.
    """

    before: float
    way: list[float]
    last: float
    ema: float
    merged: dict[int, float]


def train(
    texts: tuple[np.ndarray, np.ndarray], lrs: np.ndarray, seed: int, *, optimizer: str, width: int, depth: int,
    batch: int, clip: float, device: str = "cpu",
) -> Losses:  # fmt: skip
    """Train one decoder from its first weights and measure it.

    Args:
        texts: Bytes to learn and bytes held out.
        lrs: The learning rate of every step, a multiple of :data:`CHECKPOINTS` of them.
        seed: Of first weights and batches.
        optimizer: One of :data:`OPTIMIZERS`.
        width: Channels.
        depth: Blocks.
        batch: Windows a step.
        clip: The largest norm of a gradient; 0 for no limit.
        device: Where it is trained, cpu or cuda.

    Raises:
        ModuleNotFoundError: this torch has no Muon, which came with 2.9.
    """
    learned, held = texts
    place = torch.device(device)
    inputs, targets = (each.to(device) for each in task.held_out(held))
    decoder = Decoder(width, depth, seed).to(device)
    parameters, optimizers = list(decoder.parameters()), OPTIMIZERS[optimizer](decoder)
    loss = (compiled() if len(lrs) >= WORTH_COMPILING else None) or next_byte_loss
    part = len(lrs) // CHECKPOINTS

    def replace(weights: list[Tensor]) -> None:
        for parameter, weight in zip(parameters, weights):
            parameter.copy_(weight)

    def measured(windows: int, weights: list[Tensor] | None = None) -> float:
        kept = [parameter.detach().clone() for parameter in parameters] if weights else []
        with torch.no_grad():
            replace(weights or [])
            pairs = zip(inputs[:windows].split(TOGETHER), targets[:windows].split(TOGETHER))
            mean = float(np.mean([float(loss(decoder, *pair)) for pair in pairs]))
            replace(kept)
        return mean

    before, way = measured(ON_THE_WAY), []
    average = [parameter.detach().clone() for parameter in parameters]
    checkpoints: deque[list[Tensor]] = deque(maxlen=max(MERGED))
    newest = 1 / max(WINDOW * len(lrs), 1.0)
    for step, lr in enumerate(lrs.tolist()):
        drawn = task.batch(learned, batch, seed, step)
        loss(decoder, *(sent(each, place) for each in drawn)).backward()
        if clip:
            nn.utils.clip_grad_norm_(parameters, clip)
        for each in optimizers:
            for group in each.param_groups:
                group["lr"] = lr
            each.step()
            each.zero_grad()
        for mean, parameter in zip(average, parameters):
            mean.lerp_(parameter.detach(), newest)
        if (step + 1) % part == 0:
            way.append(measured(ON_THE_WAY))
            if not math.isfinite(way[-1]):
                break  # it will not come back
            checkpoints.append([parameter.detach().clone() for parameter in parameters])
    if len(way) < CHECKPOINTS or not math.isfinite(way[-1]):
        nothing: dict[int, float] = dict.fromkeys(MERGED, math.nan)
        return Losses(before, way + [math.nan] * (CHECKPOINTS - len(way)), math.nan, math.nan, nothing)
    merged = {}
    for number in MERGED:
        mean = [torch.stack(weights).mean(0) for weights in zip(*list(checkpoints)[-number:])]
        merged[number] = measured(task.HELD_OUT, mean)
    return Losses(before, way, measured(task.HELD_OUT), measured(task.HELD_OUT, average), merged)


def next_byte_loss(decoder: Decoder, inputs: Tensor, targets: Tensor) -> Tensor:
    """The mean cross-entropy of the next byte."""
    with torch.autocast(inputs.device.type, torch.bfloat16):
        logits = decoder(inputs)
    return nn.functional.cross_entropy(logits.float().flatten(0, 1), targets.flatten())


@cache
def compiled() -> Callable[[Decoder, Tensor, Tensor], Tensor] | None:
    """The compiled loss, one graph for all runs of a size and batch; None on a machine without a C++ compiler."""
    if not any(map(shutil.which, filter(None, (os.environ.get("CXX"), "g++", "clang++")))):
        return None
    return torch.compile(next_byte_loss, dynamic=False)
