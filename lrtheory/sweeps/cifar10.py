r"""Do residual networks on CIFAR-10 obey the law? The axis and the measures of :mod:`lrtheory.sweeps.networks`.

Two networks (:mod:`lrtheory.tasks.residual`): ``compact``, nine layers and a whitening layer, and ``wide``, a wide residual
network. Each is trained by SGD with Nesterov's momentum, crops and flips, smoothed labels, and batches of a reshuffled pass, as
the public speed references do, and as they do not: no average of the weights, no augmentation of the test. The loss is the
smoothed cross-entropy on the training images as they are. No network can have less than the entropy of a smoothed label, so that
is the best known loss; the loss before training is that of a uniform guess.

Four scales, named in the table:

* ``full``: all 50,000 images, 16 passes in bfloat16; 64 channels, or depth 16 and factor 4. For a GPU: the data live on it, the
  tensors are channels-last and the loss is compiled. It is made for 93 % and more in less than a minute on one large GPU;
  **no GPU could be had, so that is not yet measured.**
* ``medium``: 4,096 images, 8 passes; 8 channels, or depth 10 and factor 1. For a CPU, 10 core-seconds a compact run; not yet run.
* ``small``: 2,048 images, 8 passes of 32 steps; 8 channels and a first layer of stride 2. For a CPU, 3 core-seconds per run.
* ``tiny``: 256 images, 2 passes. It shows that everything runs.

On a CPU the default is ``small``; the same command with ``--device cuda`` does the full one and goes on from what is stored. For
comparison, quoted: 94.0 % in 2.6 s and 96 % in 27.3 s on an A100 (``KellerJordan/cifar10-airbench``), 94 % in 6.3 s
(``tysam-code/hlb-CIFAR10``).

**Results** (measured; compact network, small scale, three seeds, so that little is decided; the numbers are in
``docs/findings.md`` and in the paper, read from the committed table by :mod:`lrtheory.report.networks`).

* *A cliff, not a branch.* Under every annealed schedule the loss is flat over a decade of rates or more, and then
  falls off a cliff, annealed or not.
* *The order of the law is not seen.* Most orders of slopes and all of margins are undecided.
* *Annealing is still better* at each rate from twice the best constant one up, and at the best rates.
* *Too much annealing costs steps.* With 256 steps the schedules that are small for most of the run do worst even at
  their best rates.
* *Grids.* Coarse grids cost little under any annealed schedule, and the shape matters more than what it forgives.
* *The wide network* (depth 10, factor 1, the same budget, two seeds: ``--networks wide --schedules 'Constant()'
  'Polynomial(1)' 'Cosine()' --seeds 2``, the table ``cifar10_wide.csv``) says the same, with a larger margin.
"""

import math
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar, Self, final

import numpy as np
import pandas as pd

from lrtheory.runs import Cell, Compute, Experiment
from lrtheory.schedules import Constant, Polynomial, Schedule
from lrtheory.schedules.schedule import checked_schedule
from lrtheory.statistics import interval
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.network_cells import DIGITS, DIVERGED
from lrtheory.sweeps.networks import SCHEDULES
from lrtheory.sweeps.rate_tables import slopes_and_orders
from lrtheory.sweeps.residual_run import ResidualRun

NETWORKS = ("compact", "wide")
LOWEST, DECADES = 1e-2, 3
"""The lowest rate; the others lie up to three decades above it."""
CLASSES, SMOOTHING = 10, 0.2
MOMENTUM, WEIGHT_DECAY = 0.9, 5e-4
SHORT = 8
"""Steps of a run that is made for its time alone."""


@dataclass(frozen=True)
class Scale:
    """How large a run is.

    Args:
        examples: Training images, the first of a fixed shuffle.
        tested: Test images, likewise.
        epochs: Passes over them.
        batch: Images a step; a last, smaller batch is left out.
        precision: The precision of the network's arithmetic, float32 or bfloat16; weights are float32.
        seeds: Runs of every rate.
        size: The size by network: channels and first stride of ``compact``; depth and factor of ``wide``.
    """

    examples: int
    tested: int
    epochs: int
    batch: int
    precision: str
    seeds: int
    size: dict[str, tuple[int, ...]]


SCALES = {
    "full": Scale(50_000, 10_000, 16, 512, "bfloat16", 3, {"compact": (64, 1), "wide": (16, 4)}),
    "medium": Scale(4_096, 2_000, 8, 64, "bfloat16", 3, {"compact": (8, 1), "wide": (10, 1)}),
    "small": Scale(2_048, 2_000, 8, 64, "bfloat16", 3, {"compact": (8, 2), "wide": (10, 1)}),
    "tiny": Scale(256, 200, 2, 64, "bfloat16", 2, {"compact": (2, 2), "wide": (10, 1)}),
}


def rates(per_decade: int) -> list[float]:
    """The rates, geometrically spaced, with four digits.

    Example:
        >>> rates(1)
        [0.01, 0.1, 1.0, 10.0]
    """
    return [float(f"{LOWEST * 10 ** (place / per_decade):.4g}") for place in range(DECADES * per_decade + 1)]


@final
@dataclass(frozen=True)
class ResidualCell(ResidualRun, Cell):
    """One run; the fields are those of :class:`ResidualRun`."""

    def compute(self) -> dict[str, Any]:
        """Train one network; losses and accuracy (a fraction) are None where it diverged, ``seconds`` are of training alone."""
        from lrtheory.sweeps.residual_training import run

        result = run(self)
        seconds = round(result.pop("seconds"), 3)
        lost = not result["train_loss"] <= DIVERGED * math.log(CLASSES)
        rounded = {name: None if lost else float(f"{value:.{DIGITS}g}") for name, value in result.items()}
        return rounded | {"seconds": seconds}

    def shortened(self) -> "tuple[ResidualCell, float]":
        """A few steps of the same network."""
        short = replace(
            self, schedule=Constant(), lr=LOWEST, seed=0, epochs=1,
            examples=min(SHORT * self.batch, self.examples), tested=min(SHORT * self.batch, self.tested),
        )  # fmt: skip
        return short, self.horizon / short.horizon


@final
@dataclass(frozen=True)
class Cifar10(Experiment):
    """Which cells ``sweep cifar10`` computes.

    Args:
        networks: Names of networks: compact, wide.
        schedules: The shapes.
        per_decade: The number of rates per decade, over three decades from 0.01.
        seeds: The number of runs of every rate, each with its own weights, order and images: at least two; 0 for the scale's.
        scale: The scale: full, medium, small, tiny, or auto for full on cuda and small on a CPU.
        device: The device that trains the runs, cpu or cuda.
    """

    needs: ClassVar = {"torch": "torch"}

    networks: tuple[str, ...] = ("compact",)
    schedules: tuple[Schedule, ...] = SCHEDULES
    per_decade: int = 3
    seeds: int = 0
    scale: str = "auto"
    device: str = "cpu"

    def __post_init__(self) -> None:
        for schedule in self.schedules:
            checked_schedule("a schedule of the sweep", schedule)
        for name in ("networks", "schedules"):
            check_unique(name, getattr(self, name))
        for name in self.networks:
            if name not in NETWORKS:
                raise ValueError(f"{name!r} is no network of this sweep; there are {', '.join(NETWORKS)}.")
        for field, known in (("scale", ("auto", *SCALES)), ("device", ("cpu", "cuda"))):
            if getattr(self, field) not in known:
                raise ValueError(f"{field} must be one of {', '.join(known)}, not {getattr(self, field)!r}.")
        if self.per_decade < 1:
            raise ValueError(f"per_decade must be at least 1, not {self.per_decade}.")
        if self.seeds != 0 and self.seeds < 2:
            raise ValueError(f"seeds must be at least 2, or 0 for the scale's, not {self.seeds}.")

    @classmethod
    def quick(cls) -> Self:
        """Two schedules, four rates, the smallest scale."""
        return cls(schedules=(Constant(), Polynomial(1)), per_decade=1, scale="tiny")

    def cells(self) -> list[ResidualCell]:
        """The runs, all of a seed before those of the next, so that an early stop leaves whole seeds."""
        scale = SCALES[self._scale()]
        return [
            ResidualCell(
                network, scale.size[network], schedule, lr, seed, scale.examples, scale.tested,
                scale.epochs, scale.batch, MOMENTUM, WEIGHT_DECAY, SMOOTHING, scale.precision, self.device,
            )
            for seed, network, schedule, lr in product(
                range(self.seeds or scale.seeds), self.networks, self.schedules, rates(self.per_decade)
            )
        ]  # fmt: skip

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row per network, schedule and rate, in the columns of :class:`lrtheory.sweeps.networks.Networks` and a few more.

        ``task`` is the network; ``scale``, ``images`` and ``epochs`` say how large its runs are; ``test_accuracy_0``, ... are the
        seeds', and ``seconds`` is the median time of training, on the sweep's device with whatever else that machine did. On
        one GPU the runs are trained one after another.

        Raises:
            ModuleNotFoundError: torch finds no device of the kind asked for.
            FileNotFoundError: the images cannot be had.
        """
        from lrtheory.tasks import cifar10
        from lrtheory.tasks.data import DataError

        try:
            cifar10.fetch()
        except DataError as error:
            raise FileNotFoundError(str(error)) from None
        wanted = self.cells()
        results = compute(wanted, at_once=1 if self.device == "cuda" else None)
        runs = pd.DataFrame(
            [
                {**vars(cell), "schedule": repr(cell.schedule), "horizon": cell.horizon, **result}
                for cell, result in zip(wanted, results)
            ]
        )
        return _rows(runs, self._scale())

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """Right branches and orders as in ``sweep networks``, then test accuracies and what they lose."""
        return pd.concat([slopes_and_orders(frame), accuracies(frame)], ignore_index=True).fillna("-")

    def _scale(self) -> str:
        return self.scale if self.scale != "auto" else "full" if self.device == "cuda" else "small"


def accuracies(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per network and schedule: its best mean test accuracy in per cent, and what is lost at other rates.

    A diverged run counts as a guess. ``x 10`` is at ten times the rate of the best accuracy, ``/ 10`` at a tenth, with
    interpolation in the logarithm of the rate and a dash beyond the rates that were tried; intervals are Student's over seeds.
    """
    from lrtheory.benchmarks.report import number, spread

    lines = []
    for (network, schedule), group in frame.groupby(["task", "schedule"], sort=False):
        seeds = 100 * _seeds(group, "test_accuracy").fillna(1 / CLASSES).to_numpy()
        log_lr, best = np.log(group["lr"].to_numpy()), int(np.argmax(seeds.mean(1)))
        line = {
            "task": network, "schedule": schedule, "best lr": f"{group['lr'].iloc[best]:.3g}",
            "accuracy": spread(*interval(pd.Series(seeds[best]))), "seconds": f"{group['seconds'].iloc[best]:.1f}",
        }  # fmt: skip
        for title, factor in (("/ 10", 1 / 10), ("/ 4", 1 / 4), ("x 4", 4.0), ("x 10", 10.0)):
            place = log_lr[best] + np.log(factor)
            mean = np.interp(place, log_lr, seeds.mean(1), left=np.nan, right=np.nan)
            line[title] = number(float(seeds[best].mean() - mean), ".1f")
        lines.append(line)
    return pd.DataFrame(lines)


def _rows(runs: pd.DataFrame, scale: str) -> pd.DataFrame:
    """Runs as the table's rows: those that differ in the seed alone make one."""
    rows, entropy = [], _entropy(SMOOTHING)
    for (network, schedule, lr), group in runs.groupby(["network", "schedule", "lr"], sort=False):
        group, first = group.sort_values("seed").astype({"train_loss": float, "test_loss": float}), group.iloc[0]
        row: dict[str, Any] = {
            "task": network, "optimizer": "momentum", "schedule": schedule, "horizon": first["horizon"],
            "before": math.log(CLASSES), "best_known": entropy, "lr": lr, "scale": scale, "device": first["device"],
            "images": first["examples"], "epochs": first["epochs"],
        }  # fmt: skip
        for name in ("test_loss", "test_accuracy"):
            row[name] = float(f"{group[name].astype(float).mean(skipna=False):.{DIGITS}g}")
        row["seconds"] = group["seconds"].median()
        for name in ("train_loss", "test_accuracy"):
            row |= {f"{name}_{seed}": value for seed, value in zip(group["seed"], group[name].astype(float))}
        rows.append(row)
    return pd.DataFrame(rows)


def _entropy(smoothing: float) -> float:
    """The entropy of a smoothed label."""
    other = smoothing / CLASSES
    right = 1 - smoothing + other
    return -right * math.log(right) - (CLASSES - 1) * other * math.log(other)


def _seeds(frame: pd.DataFrame, name: str) -> pd.DataFrame:
    """The columns of a measure, one per seed."""
    return frame[[column for column in frame.columns if column.startswith(f"{name}_")]]
