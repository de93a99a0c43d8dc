r"""Do networks obey the law? Loss against misspecification where nothing, or something, is convex.

The axis is that of the convex sweep, :math:`\rho` = rate over best rate, best by the mean final training loss of the
schedule itself. The *excess loss* is the final training loss, on all training examples and (where labels are noisy) in the
mean over the noise, above the best known value of the task: the smallest over all runs of the sweep and over L-BFGS on
the whole training set from the same first weights. Tasks, from the theorem's own ground outwards:

* ``logistic-ball``: logistic regression with noisy labels, weights projected to a ball (convex, Lipschitz, a diameter);
* ``logistic``: the same without the ball (convex, no diameter);
* ``digits-noisy``: a network of one hidden layer, every label noisy anew (not convex, noisy at the minimum);
* ``digits``: the same with the right labels (not convex, can interpolate).

Each with SGD, SGD with a momentum of 0.9, and AdamW. A step sees one example, which makes the gradient's noise large and
the tuned rate small, and so leaves room above it; larger batches (``--batch``) have less, and are not measured here.

A run has *diverged* when its final loss is not finite or above ten times the loss before training; it then has no number.
The *right branch* are the rates from twice the best up, as long as the mean loss stays below the loss before training.
The *margin* is how many times its best rate a schedule may have before a tenth of what training can gain is lost.

All runs of a cell are trained together (:mod:`lrtheory.training.ensemble`), in single precision. Their company changes nothing:
126 and 252 runs together gave the same six digits (SGD, all tasks). Rounding does, where training is chaotic: AdamW's formula
in another order of operations moved one in ten of its means on the digits by more than their standard errors, at rates above
the best.

**Results** (measured; the numbers, with intervals from the bootstrap over seeds, are in ``docs/findings.md`` and in
the paper, read from the committed table by :mod:`lrtheory.report.networks`).

* *Where the theorem holds, its order holds.* On logistic regression in a ball the orders of slopes are as predicted.
  The slopes are about twice those of the worst case, which is no contradiction, for it bounds the loss, not its
  slope.
* *The diameter matters.* Without the ball the runs are the same until they reach it, and then every schedule turns
  upward under SGD, as the distance form says. AdamW, whose steps are bounded, keeps the slopes that it has in the
  ball.
* *Networks have a cliff instead.* On the digits the loss is flat up to a rate that is much the same for all annealed
  schedules, and beyond it nothing is learned, annealed or not. Many orders of slopes cannot be stated or decided.
* *A larger best rate is a smaller margin.* Annealing moves the best rate up, towards the cliff: the order of the law
  is reversed. But in rates, not in ``rho``, annealing wins.
* *Grids.* What forgives most in theory forgives most where the theorem holds, and not beyond; in the networks WSD and
  linear decay are the best.
"""

from dataclasses import dataclass
from itertools import product
from typing import ClassVar, Self, final

import numpy as np
import pandas as pd

from lrtheory.checks import checked_horizon
from lrtheory.runs import Compute, Experiment
from lrtheory.schedules import WSD, Constant, Cosine, Exponential, InverseSqrt, Polynomial, Robust, Schedule
from lrtheory.schedules.schedule import checked_schedule
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.network_cells import DIGITS, LOWEST, TASKS, GroundCell, NetworkCell, rates
from lrtheory.sweeps.rate_curves import with_best_known
from lrtheory.sweeps.rate_tables import slopes_and_orders

SCHEDULES: tuple[Schedule, ...] = (
    Constant(), InverseSqrt(), Polynomial(1), Polynomial(2), Polynomial(3), Cosine(), WSD(0.2), Exponential(0.01), Robust(16),
)  # fmt: skip


@final
@dataclass(frozen=True)
class Networks(Experiment):
    """Which cells ``sweep networks`` computes.

    Args:
        tasks: Names of tasks: logistic-ball, logistic, digits-noisy, digits.
        optimizers: Names of optimizers: sgd, momentum, adamw.
        schedules: The shapes.
        per_decade: The number of rates per decade, over the four decades of each optimizer.
        seeds: The number of runs of every rate, each with its own first weights and batches; at least two.
        horizon: The number of steps.
        batch: The number of examples in a step.
        device: The device that trains the runs, cpu or cuda.
    """

    needs: ClassVar = {"torch": "torch"}

    tasks: tuple[str, ...] = TASKS
    optimizers: tuple[str, ...] = tuple(LOWEST)
    schedules: tuple[Schedule, ...] = SCHEDULES
    per_decade: int = 5
    seeds: int = 12
    horizon: int = 4_000
    batch: int = 1
    device: str = "cpu"

    def __post_init__(self) -> None:
        for schedule in self.schedules:
            checked_schedule("a schedule of the sweep", schedule)
        for name in ("tasks", "optimizers", "schedules"):
            check_unique(name, getattr(self, name))
        for kind, given, known in (("task", self.tasks, TASKS), ("optimizer", self.optimizers, tuple(LOWEST))):
            for name in given:
                if name not in known:
                    raise ValueError(f"{name!r} is no {kind} of this sweep; there are {', '.join(known)}.")
        if self.device not in ("cpu", "cuda"):
            raise ValueError(f"device must be cpu or cuda, not {self.device!r}.")
        for name, least in (("per_decade", 1), ("seeds", 2), ("batch", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        checked_horizon(self.horizon)

    @classmethod
    def quick(cls) -> Self:
        """Two tasks, one optimizer, three schedules, and short runs."""
        return cls(
            tasks=("logistic-ball", "digits-noisy"), optimizers=("sgd",),
            schedules=(Constant(), Polynomial(1), Polynomial(3)), per_decade=4, seeds=3, horizon=500,
        )  # fmt: skip

    def cells(self) -> list[GroundCell | NetworkCell]:
        """The cells: what the losses are measured from, one per task, then the runs."""
        return [*self._grounds(), *self._trained()]

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row per task, optimizer, schedule and rate.

        ``train_loss_0``, ``train_loss_1``, ... are the seeds', empty where a run diverged; ``test_loss`` and
        ``test_accuracy`` are means over the seeds, empty where any diverged; ``before`` is the task's training loss before
        training, ``best_known`` the smallest known.

        Raises:
            ModuleNotFoundError: torch finds no device of the kind asked for.
        """
        grounds, trained = self._grounds(), self._trained()
        results = compute(self.cells())
        ground, parts = {cell.task: result for cell, result in zip(grounds, results)}, []
        for cell, result in zip(trained, results[len(grounds) :]):
            lrs = rates(cell.optimizer, cell.per_decade)
            names = {
                "task": cell.task,
                "optimizer": cell.optimizer,
                "schedule": repr(cell.schedule),
                "horizon": cell.horizon,
            }
            seeds = {name: np.array(values, dtype=float).reshape(len(lrs), -1) for name, values in result.items()}
            part = pd.DataFrame({**names, **ground[cell.task], "lr": lrs})
            for name in ("test_loss", "test_accuracy"):
                part[name] = [float(f"{mean:.{DIGITS}g}") for mean in seeds[name].mean(1)]
            part[[f"train_loss_{seed}" for seed in range(cell.seeds)]] = seeds["train_loss"]
            parts.append(part)
        return with_best_known(pd.concat(parts, ignore_index=True))

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """Slopes of the right branch, then the orders that the law predicts, with verdicts."""
        return slopes_and_orders(frame)

    def _grounds(self) -> list[GroundCell]:
        return [GroundCell(task, self.seeds) for task in self.tasks]

    def _trained(self) -> list[NetworkCell]:
        return [
            NetworkCell(*names, self.per_decade, self.seeds, self.horizon, self.batch, self.device)
            for names in product(self.tasks, self.optimizers, self.schedules)
        ]
