r"""Do small language models forgive a wrong rate? Schedules by rates, with and without warm-up and clipping, three optimizers.

A run trains a decoder of bytes (:mod:`lrtheory.training.decoder_run`) and logs the cross-entropy of the next byte on held-out
text, in nats, on the way and at the end, and what averages of the same run's weights reach. The axis is that of
:mod:`lrtheory.sweeps.networks`: :math:`\rho` = rate over best rate. The *excess* is the loss above the smallest of all runs of
the same setting; a run that diverged, or ended above its loss before training, counts as untrained.

The runs come in parts, each of which answers a question against what it shares with the first:

* ``adamw``: all schedules under AdamW, with neither remedy and with both (a warm-up over a tenth of the run; gradients
  clipped to a norm of one);
* ``remedies``: each remedy alone;
* ``optimizers``: SGD with a momentum of 0.9 and Muon, with neither remedy and with both;
* ``horizons``: a quarter of the steps and four times as many: does the best rate fall like :math:`T^{-1/2}`?
* ``batches``: a quarter of the windows and four times as many;
* ``sizes``: a wider and deeper model.

Runs are ordered by seed, so that an early stop leaves whole seeds; ``--seeds`` limits them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from itertools import product
from typing import ClassVar, Self, final

import pandas as pd

from lrtheory.runs import Compute, Experiment
from lrtheory.schedules import (
    WSD,
    Constant,
    Cosine,
    Exponential,
    InverseSqrt,
    Polynomial,
    Robust,
    Schedule,
    Warmup,
)
from lrtheory.schedules.schedule import checked_schedule
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.decoder_cells import DecoderCell

SCHEDULES: tuple[Schedule, ...] = (
    Constant(), Polynomial(1), Cosine(), WSD(0.2), Robust(4), InverseSqrt(), Polynomial(2), Polynomial(3), Exponential(0.01),
    Robust(16),
)  # fmt: skip
"""Those of ``sweep networks`` and one more; parts that compare fewer take the first."""
LOWEST = {"adamw": 3e-4, "momentum": 3e-3, "muon": 3e-4}
"""The lowest rate of each optimizer; the others lie up to three decades above it."""
DECADES, RATES = 3, 12
WARMUP, NORM = 0.1, 1.0
NEITHER, BOTH = (0.0, 0.0), (WARMUP, NORM)
"""The remedies, as the fraction of the run that a warm-up takes and the largest norm of a gradient."""


def rates(optimizer: str) -> list[float]:
    """The rates of an optimizer, geometrically spaced over three decades, with four digits.

    Example:
        >>> rates("momentum")[:3], rates("momentum")[-1]
        ([0.003, 0.005621, 0.01053], 3.0)
    """
    return [float(f"{LOWEST[optimizer] * 10 ** (DECADES * place / (RATES - 1)):.4g}") for place in range(RATES)]


@dataclass(frozen=True)
class Scale:
    """How large a run is, and what the parts change of it.

    Args:
        horizon: The number of steps.
        batch: The number of windows in a step.
        size: Channels and blocks.
        larger: Those of the part ``sizes``.
        seeds: The largest number of runs of every rate.
    """

    horizon: int
    batch: int
    size: tuple[int, int]
    larger: tuple[int, int]
    seeds: int


SCALES = {
    "cpu": Scale(512, 16, (64, 2), (96, 3), 5),
    "full": Scale(4_096, 64, (256, 4), (512, 8), 3),
    "tiny": Scale(32, 2, (32, 1), (64, 1), 2),
}
"""``cpu`` has 136 thousand parameters (387 thousand in ``sizes``), ``full``, for a GPU, 3.3 million (25 million)."""


@dataclass(frozen=True)
class Part:
    """Runs that answer one question.

    Args:
        optimizers: Names of optimizers.
        schedules: How many of the sweep's schedules, the first.
        seeds: The largest number of runs of every rate.
        remedies: Warm-up and clipping.
        horizons: Factors of the scale's number of steps.
        batches: Factors of the scale's number of windows.
        larger: Whether the model is the larger one.
    """

    optimizers: tuple[str, ...] = ("adamw",)
    schedules: int = 3
    seeds: int = 3
    remedies: tuple[tuple[float, float], ...] = (NEITHER,)
    horizons: tuple[float, ...] = (1.0,)
    batches: tuple[float, ...] = (1.0,)
    larger: bool = False


PARTS = {
    "adamw": Part(schedules=len(SCHEDULES), seeds=5, remedies=(NEITHER, BOTH)),
    "remedies": Part(schedules=5, remedies=((WARMUP, 0.0), (0.0, NORM))),
    "optimizers": Part(("momentum", "muon"), 6, remedies=(NEITHER, BOTH)),
    "horizons": Part(horizons=(0.25, 4.0)),
    "batches": Part(batches=(0.25, 4.0)),
    "sizes": Part(larger=True),
}


@final
@dataclass(frozen=True)
class Transformers(Experiment):
    """Which runs ``sweep transformers`` makes.

    Args:
        parts: Names of parts: adamw, remedies, optimizers, horizons, batches, sizes.
        schedules: The shapes; parts that compare fewer take the first of them.
        seeds: The largest number of runs of every rate; 0 for each part's own number.
        scale: The scale: cpu, full (for a GPU), tiny.
        device: The device that trains the runs, cpu or cuda.
    """

    needs: ClassVar = {"torch": "torch"}

    parts: tuple[str, ...] = tuple(PARTS)
    schedules: tuple[Schedule, ...] = SCHEDULES
    seeds: int = 0
    scale: str = "cpu"
    device: str = "cpu"

    def __post_init__(self) -> None:
        for schedule in self.schedules:
            checked_schedule("a schedule of the sweep", schedule)
        for name in ("parts", "schedules"):
            check_unique(name, getattr(self, name))
        for name in self.parts:
            if name not in PARTS:
                raise ValueError(f"{name!r} is no part of this sweep; there are {', '.join(PARTS)}.")
        for field, known in (("scale", tuple(SCALES)), ("device", ("cpu", "cuda"))):
            if getattr(self, field) not in known:
                raise ValueError(f"{field} must be one of {', '.join(known)}, not {getattr(self, field)!r}.")
        if self.seeds < 0:
            raise ValueError(f"seeds must be at least 0, not {self.seeds}.")

    @classmethod
    def quick(cls) -> Self:
        """One part, two schedules, and short runs of the smallest model."""
        return cls(parts=("adamw",), schedules=(Constant(), Polynomial(1)), seeds=1, scale="tiny")

    def cells(self) -> list[DecoderCell]:
        """The runs, each once, all of a seed before those of the next."""
        return list(self.described())

    def described(self) -> dict[DecoderCell, tuple[str, Schedule, float]]:
        """The runs, each with its part, its schedule without warm-up, and its warm-up."""
        scale, found = SCALES[self.scale], {}
        for seed in range(self.seeds or scale.seeds):
            for name in self.parts:
                if seed < PARTS[name].seeds:
                    for cell, schedule, warmup in self._runs(PARTS[name], scale, seed):
                        found.setdefault(cell, (name, schedule, warmup))
        return found

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row per run: what it was, then its losses in nats, empty where it diverged.

        ``before`` is the loss before training, ``last`` that of the last weights, ``ema`` that of their exponential moving
        average, ``merged_k`` that of the mean of the last ``k`` checkpoints; ``curve_1``, ..., ``curve_32`` are the losses at
        the end of each 32nd part of the run, on fewer held-out windows.

        Raises:
            ModuleNotFoundError: torch finds no device of the kind asked for, or has no Muon.
            FileNotFoundError: the text cannot be had.
        """
        from lrtheory.tasks import bytes as task
        from lrtheory.tasks.data import DataError

        try:
            task.texts()
        except DataError as error:
            raise FileNotFoundError(str(error)) from None
        wanted = self.described()
        rows = []
        for (cell, (part, schedule, warmup)), result in zip(wanted.items(), compute(list(wanted))):
            config = {field.name: getattr(cell, field.name) for field in fields(cell)}
            config |= {"part": part, "schedule": repr(schedule), "warmup": warmup}
            curve = {f"curve_{place}": loss for place, loss in enumerate(result.pop("curve"), 1)}
            rows.append(config | result | curve)
        return pd.DataFrame(rows).astype(dict.fromkeys(("last", "ema"), float))

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """One row per setting and schedule: its best rate, what that reaches, and what wrong rates cost."""
        from lrtheory.sweeps.transformer_basins import basins, shown

        return shown(basins(frame))

    def _runs(self, part: Part, scale: Scale, seed: int) -> Iterator[tuple[DecoderCell, Schedule, float]]:
        width, depth = scale.larger if part.larger else scale.size
        settings = product(
            part.optimizers, part.remedies, part.horizons, part.batches, self.schedules[: part.schedules]
        )
        for optimizer, (warmup, clip), horizon, batch, schedule in settings:
            shape = Warmup(schedule, fraction=warmup) if warmup else schedule
            for lr in rates(optimizer):
                yield (
                    DecoderCell(
                        optimizer, shape, lr, seed, clip, round(scale.horizon * horizon), max(1, round(scale.batch * batch)),
                        width, depth, self.device,
                    ),
                    schedule,
                    warmup,
                )  # fmt: skip
