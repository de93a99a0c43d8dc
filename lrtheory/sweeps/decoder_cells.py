"""The cells of ``sweep transformers``: one run of a small decoder of bytes."""

import math
from dataclasses import dataclass, replace
from typing import Any, ClassVar, final

from lrtheory.extras import load_torch
from lrtheory.runs import Cell
from lrtheory.schedules import Constant, Schedule

DECIMALS = 4
"""Of a stored loss, in nats: one run's seed moves it by a hundred times as much."""
SHORT, SHORT_LR = 512, 1e-4
"""Steps, and their rate, of a run that is made for its time alone: of so many, what is measured takes a fourth."""


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
        """The losses of the run in nats a byte, None where it diverged; ``curve`` is a list of those on the way."""
        from lrtheory.tasks import bytes as task
        from lrtheory.training import decoder_run

        load_torch().set_num_threads(1)  # results must not depend on the number of cores
        losses = decoder_run.train(
            task.texts(), self.schedule.steps(self.horizon, lr=self.lr), self.seed, optimizer=self.optimizer,
            width=self.width, depth=self.depth, batch=self.batch, clip=self.clip, device=self.device,
        )  # fmt: skip
        merged = {f"merged_{number}": _kept(loss) for number, loss in losses.merged.items()}
        ends = {"last": _kept(losses.last), "ema": _kept(losses.ema)}
        return {"before": _kept(losses.before), "curve": [_kept(loss) for loss in losses.way], **ends, **merged}

    def shortened(self) -> "tuple[DecoderCell, float]":
        """Fewer steps of the same model and optimizer."""
        short = replace(self, schedule=Constant(), lr=SHORT_LR, seed=0, clip=0.0, horizon=min(SHORT, self.horizon))
        return short, self.horizon / short.horizon


def _kept(loss: float) -> float | None:
    return round(loss, DECIMALS) if math.isfinite(loss) else None
