r"""What averages, schedule-free and parameter-free methods forgive on logistic regression and small networks.

The tasks, the horizon and the measures are those of :mod:`lrtheory.sweeps.networks`; a method is a rule of steps, a
shape and what is made of its iterates. Each is given a wrong value of what it still asks for: a rate (SGD and AdamW
with averages, schedule-free SGD and AdamW), the distance to a solution (AdaGrad-norm), the length of the first step
(DoG), or a first guess of the distance (Prodigy, D-Adaptation). Where there is a ball, the weights that a rule moves
are brought back to it after every step.

What a method *forgives* is the range of values that lose at most a tenth of what training can gain, beside the loss at
the best of
them: up, how many times too large, and down, how many times too small. No rule was chosen for its results, and all
constants but the value asked for are their authors' defaults; SGD and AdamW with averages are one training whose
averages are taken along the way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import numpy as np
import pandas as pd

from lrtheory.checks import checked_horizon
from lrtheory.extras import load_torch
from lrtheory.runs import Cell, Compute, Experiment
from lrtheory.schedules import Constant, Polynomial, Schedule
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.network_cells import DIGITS, DIVERGED, TASKS, GroundCell, setting_of
from lrtheory.sweeps.rate_curves import Curve, curve_of, margin, with_best_known
from lrtheory.theory.averaging_weights import exponential_weights, merged_weights, polynomial_weights, tail_weights

OUTPUTS: dict[str, Callable[[int], np.ndarray] | None] = {
    "last": None,
    "uniform": tail_weights,
    "ema 0.99": lambda horizon: exponential_weights(horizon, 0.99),
    "ema 0.999": lambda horizon: exponential_weights(horizon, 0.999),
    "8 merged of the last tenth": lambda horizon: merged_weights(horizon, min(8, horizon // 10 + 1), 0.1),
    "8 merged of the last third": lambda horizon: merged_weights(horizon, min(8, horizon // 3 + 1), 1 / 3),
    "polynomial": lambda horizon: polynomial_weights(horizon, 8),
}
"""What is made of the iterates: weights as of :mod:`lrtheory.theory.averaging_weights`, or whatever the rule ends with."""


@dataclass(frozen=True)
class Trained:
    """A training and what is made of it.

    Args:
        rule: One of ``lrtheory.training.adaptive_rules.ADAPTIVE_RULES``.
        schedule: The shape of its rate; constant where it asks for something else.
        asks: What it asks for.
        lowest: The lowest value that it is given.
        decades: Over how many decades values lie.
        per_decade: The number of values per decade.
        outputs: Names of :data:`OUTPUTS`.
    """

    rule: str
    schedule: Schedule
    asks: str
    lowest: float
    decades: int
    per_decade: int
    outputs: tuple[str, ...]

    def values(self) -> np.ndarray:
        """The values, geometrically spaced, with four digits."""
        exponents = np.arange(self.decades * self.per_decade + 1) / self.per_decade
        return np.array([float(f"{self.lowest * 10**exponent:.4g}") for exponent in exponents])


AVERAGED = ("last", "uniform", "ema 0.99", "ema 0.999", "8 merged of the last tenth", "8 merged of the last third")
ANNEALED = ("last", "ema 0.99", "8 merged of the last tenth")
TRAININGS = {
    "sgd": Trained("sgd", Constant(), "rate", 1e-3, 4, 5, AVERAGED),
    "sgd, linear": Trained("sgd", Polynomial(1), "rate", 1e-3, 4, 5, ANNEALED),
    "adamw": Trained("adamw", Constant(), "rate", 1e-4, 4, 5, AVERAGED),
    "adamw, linear": Trained("adamw", Polynomial(1), "rate", 1e-4, 4, 5, ANNEALED),
    "schedule_free": Trained("schedule_free", Constant(), "rate", 1e-3, 4, 5, ("last",)),
    "schedule_free_adamw": Trained("schedule_free_adamw", Constant(), "rate", 1e-4, 4, 5, ("last",)),
    "adagrad_norm": Trained("adagrad_norm", Constant(), "distance", 1e-2, 4, 5, ("last", "uniform")),
    "dog": Trained("dog", Constant(), "first step", 1e-8, 10, 2, ("last", "polynomial")),
    "prodigy": Trained("prodigy", Constant(), "first guess", 1e-8, 10, 2, ("last",)),
    "d_adaptation": Trained("d_adaptation", Constant(), "first guess", 1e-8, 10, 2, ("last",)),
}
"""The trainings by name."""


@dataclass(frozen=True)
class NetworkMethodCell(Cell):
    """One training of one task, at all values and seeds at once; the fields are those of ``NetworkMethods``."""

    task: str
    method: str
    seeds: int
    horizon: int
    batch: int

    def compute(self) -> dict[str, Any]:
        """For each output lists by value, the seeds of a value together, None where a run diverged."""
        from lrtheory.training import ensemble
        from lrtheory.training.adaptive_rules import ADAPTIVE_RULES, zeros

        torch = load_torch()
        torch.set_num_threads(1)  # the tensors are small, and results must not depend on the number of cores
        setting, trained = setting_of(self.task), TRAININGS[self.method]
        runs = [(value, seed) for value in trained.values() for seed in range(self.seeds)]
        weights = {name: np.asarray(make(self.horizon)) for name in trained.outputs if (make := OUTPUTS[name])}
        means: dict[str, ensemble.Stacked] = {}

        def observe(done: int, parameters: ensemble.Stacked) -> None:
            for name, parts in weights.items():
                if done == 0:
                    means[name] = zeros(parameters)
                if parts[done] > 0:
                    for key, parameter in parameters.items():
                        means[name][key].add_(parameter, alpha=float(parts[done]))

        last = ensemble.train(
            setting.task,
            setting.drawn,
            np.stack([trained.schedule.steps(self.horizon, lr=value) for value, _ in runs]),
            [seed for _, seed in runs],
            rule=ADAPTIVE_RULES[trained.rule](),
            batch=self.batch,
            project=setting.project,
            observe=observe,
        )
        before = ensemble.stacked_starts(setting.task, range(self.seeds))
        before = float(ensemble.evaluate(setting.task, before, setting.measured, setting.objective).mean())
        return {name: self._measured(setting, means.get(name, last), before) for name in trained.outputs}

    def _measured(self, setting: Any, parameters: Any, before: float) -> dict[str, list[float | None]]:
        from lrtheory.training import ensemble

        loss = ensemble.evaluate(setting.task, parameters, setting.measured, setting.objective)
        right = ensemble.evaluate(setting.task, parameters, setting.test, setting.task.right) / len(setting.test)
        lost = ensemble.diverged(loss, before, DIVERGED)
        return {
            name: [None if gone else float(f"{value:.{DIGITS}g}") for value, gone in zip(values, lost)]
            for name, values in (("train_loss", loss), ("test_accuracy", right))
        }


@final
@dataclass(frozen=True)
class NetworkMethods(Experiment):
    """Which cells ``sweep network_methods`` computes.

    Args:
        tasks: Names of tasks: logistic-ball, logistic, digits-noisy, digits.
        methods: Names of trainings, as "sgd, linear" or "prodigy".
        seeds: The number of runs of every value, each with its own first weights and batches; at least two.
        horizon: The number of steps.
        batch: The number of examples in a step.
    """

    needs: ClassVar = {"torch": "torch"}

    tasks: tuple[str, ...] = TASKS
    methods: tuple[str, ...] = tuple(TRAININGS)
    seeds: int = 8
    horizon: int = 4_000
    batch: int = 1

    def __post_init__(self) -> None:
        for name in ("tasks", "methods"):
            check_unique(name, getattr(self, name))
        for kind, given, known in (("task", self.tasks, TASKS), ("method", self.methods, tuple(TRAININGS))):
            for name in given:
                if name not in known:
                    raise ValueError(f"{name!r} is no {kind} of this sweep; there are {'; '.join(known)}.")
        for name, least in (("seeds", 2), ("batch", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, not {getattr(self, name)}.")
        checked_horizon(self.horizon)

    @classmethod
    def quick(cls) -> Self:
        """Two tasks, four methods, and short runs."""
        return cls(
            tasks=("logistic-ball", "digits-noisy"), methods=("sgd", "schedule_free", "adagrad_norm", "dog"), seeds=3,
            horizon=500,
        )  # fmt: skip

    def cells(self) -> list[GroundCell | NetworkMethodCell]:
        """The cells: what the losses are measured from, one per task, then the trainings."""
        return [*self._grounds(), *self._trained()]

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row per task, training, output and value.

        ``train_loss_0``, ``train_loss_1``, ... are the seeds', empty where a run diverged; ``test_accuracy`` is the mean
        over the seeds, empty where any diverged; ``before`` is the task's training loss before training, ``best_known`` the
        smallest known.
        """
        grounds, trained = self._grounds(), self._trained()
        results = compute(self.cells())
        ground, parts = {cell.task: result for cell, result in zip(grounds, results)}, []
        for cell, result in zip(trained, results[len(grounds) :]):
            training = TRAININGS[cell.method]
            values = training.values()
            for output in training.outputs:
                seeds = {
                    name: np.array(numbers, dtype=float).reshape(len(values), -1)
                    for name, numbers in result[output].items()
                }
                names = {"task": cell.task, "method": cell.method, "output": output, "horizon": cell.horizon}
                part = pd.DataFrame({**names, **ground[cell.task], "asks": training.asks, "value": values})
                part["test_accuracy"] = [float(f"{mean:.{DIGITS}g}") for mean in seeds["test_accuracy"].mean(1)]
                part[[f"train_loss_{seed}" for seed in range(cell.seeds)]] = seeds["train_loss"]
                parts.append(part)
        return with_best_known(pd.concat(parts, ignore_index=True))

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """What each method forgives on each task, and what it loses at its best value."""
        return forgiven(frame)

    def _grounds(self) -> list[GroundCell]:
        return [GroundCell(task, self.seeds) for task in self.tasks]

    def _trained(self) -> list[NetworkMethodCell]:
        return [
            NetworkMethodCell(task, method, self.seeds, self.horizon, self.batch)
            for task in self.tasks
            for method in self.methods
        ]


def method_curves(frame: pd.DataFrame) -> dict[tuple[str, str, str], Curve]:
    """The curves of a table, by task, training and output: excess losses against the value that was asked for."""
    found = {}
    for (task, method, output), group in frame.groupby(["task", "method", "output"], sort=False):
        found[str(task), str(method), str(output)] = curve_of(group, "value")
    return found


def margins(curve: Curve) -> tuple[float, float]:
    """How many times too small, and too large, a value may be before a tenth of what training can gain is lost.

    Example:
        >>> losses = np.array([[1.0], [0.0], [0.0], [1.0]])
        >>> down, up = margins(Curve(np.array([1.0, 10.0, 100.0, 1000.0]), losses, 1.0, 10))
        >>> print(f"{down:.3f} {up:.3f}")
        1.259 12.589
    """
    mirrored = Curve(1 / curve.lrs[::-1], curve.excess[::-1], curve.limit, curve.horizon)
    best = int(np.argmin(np.minimum(curve.excess, curve.limit).mean(1)))
    other = len(curve.lrs) - 1 - int(np.argmin(np.minimum(mirrored.excess, curve.limit).mean(1)))
    between = curve.lrs[other] / curve.lrs[best]  # 1, but for ties
    return float(margin(mirrored) / between), margin(curve)


def forgiven(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each training and output: for each task the loss at the best value, and margins.

    The loss is in % of what training can gain. A margin that reaches the end of the range is at least what is stated.
    """
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for (task, method, output), curve in method_curves(frame).items():
        low, high = margins(curve)
        least = np.minimum(curve.excess, curve.limit).mean(1)
        best = int(np.argmin(least))
        ends = curve.lrs[best] / curve.lrs[0], curve.lrs[-1] / curve.lrs[best]
        shown = [f"{'>' if size >= end * (1 - 1e-9) else ''}{size:.3g}" for size, end in zip((low, high), ends)]
        row = rows.setdefault((method, output), {"method": method, "output": output})
        row[f"{task}, lost %"] = f"{100 * least[best] / curve.limit:.1f}"
        row[f"{task}, down"], row[f"{task}, up"] = shown
    return pd.DataFrame(list(rows.values()))
