"""The cells of ``sweep transformers``: one run of a small decoder of bytes."""

import math
import time
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

from lrtheory.extras import load_torch
from lrtheory.runs import Cell
from lrtheory.schedules import Constant, Schedule

DECIMALS = 4
"""Of a stored loss, in nats: one run's seed moves it by a hundred times as much."""
PART = 16
"""How many times as many steps a run has as the one that is made for its time alone."""


@final
@dataclass(frozen=True)
class DecoderCell(Cell):
    """One run.

    Args:
        optimizer: The name of the optimizer: adamw, momentum, muon.
        schedule: The shape, with its warm-up.
        lr: The base rate.
        seed: The seed of the first weights and of the batches.
        clip: The largest norm of a gradient; 0 for no limit.
        horizon: The number of steps.
        batch: The number of windows in a step.
        width: The number of channels.
        depth: The number of blocks.
        device: The device that trains it, cpu or cuda.
    """

    own_process: ClassVar[bool] = True

    optimizer: str
    schedule: Schedule
    lr: float
    seed: int
    clip: float
    horizon: int
    batch: int
    width: int
    depth: int
    device: str

    def compute(self) -> dict[str, Any]:
        """The losses of the run in nats a byte, None where it diverged; ``curve`` is a list of those on the way.

        ``seconds`` are of the whole run, its losses included.
        """
        from lrtheory.tasks import bytes as task
        from lrtheory.training import decoder_run

        load_torch().set_num_threads(1)  # results must not depend on the number of cores
        texts, begun = task.texts(), time.perf_counter()
        losses = decoder_run.train(
            texts, self.schedule.steps(self.horizon, lr=self.lr), self.seed, optimizer=self.optimizer,
            width=self.width, depth=self.depth, batch=self.batch, clip=self.clip, device=self.device,
        )  # fmt: skip
        seconds = round(time.perf_counter() - begun, 2)
        merged = {f"merged_{number}": _kept(loss) for number, loss in losses.merged.items()}
        ends = {"last": _kept(losses.last), "ema": _kept(losses.ema)}
        curve = [_kept(loss) for loss in losses.way]
        return {"before": _kept(losses.before), "curve": curve, **ends, **merged, "seconds": seconds}

    def shortened(self) -> "tuple[DecoderCell, float]":
        """The same model and batch under AdamW for a part of the steps; the losses on the way are as many, so this is slow."""
        from lrtheory.training.decoder_run import CHECKPOINTS

        horizon = max(CHECKPOINTS, self.horizon // PART // CHECKPOINTS * CHECKPOINTS)
        short = replace(self, optimizer="adamw", schedule=Constant(), lr=1e-4, seed=0, clip=0.0, horizon=horizon)
        return short, self.horizon / horizon


def _kept(loss: float) -> float | None:
    return round(loss, DECIMALS) if math.isfinite(loss) else None
