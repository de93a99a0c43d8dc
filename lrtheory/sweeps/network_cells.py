"""The cells of ``sweep networks``: all rates and seeds of one task, optimizer and schedule, trained at once."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from lrtheory.extras import load_torch
from lrtheory.runs import Cell
from lrtheory.schedules import Schedule

TASKS = ("logistic-ball", "logistic", "digits-noisy", "digits")
LOWEST = {"sgd": 1e-3, "momentum": 1e-4, "adamw": 1e-4}
"""The lowest rate of each optimizer; the others lie up to four decades above it."""
DECADES = 4
DIVERGED = 10.0
"""A final loss above this many times the loss before training is divergence."""
POLISHED = 500
"""Iterations of L-BFGS in search of the best known loss."""
DIGITS = 6
"""Significant digits that are kept of a measured number."""


def rates(optimizer: str, per_decade: int) -> np.ndarray:
    """The rates of an optimizer, geometrically spaced, with four digits.

    Example:
        >>> rates("sgd", 1).tolist()
        [0.001, 0.01, 0.1, 1.0, 10.0]
    """
    exponents = np.arange(DECADES * per_decade + 1) / per_decade
    return np.array([float(f"{LOWEST[optimizer] * 10**exponent:.4g}") for exponent in exponents])


@dataclass(frozen=True)
class NetworkCell(Cell):
    """All rates and seeds of one task, optimizer and schedule, trained at once; the fields are those of ``Networks``."""

    task: str
    optimizer: str
    schedule: Schedule
    per_decade: int
    seeds: int
    horizon: int
    batch: int
    device: str

    def compute(self) -> dict[str, Any]:
        """The runs: lists with one entry per rate and seed, the seeds of a rate together, None where a run diverged."""
        from lrtheory.training import ensemble

        load_torch().set_num_threads(1)  # the tensors are small, and results must not depend on the number of cores
        setting, lrs = network_setting(self.task), rates(self.optimizer, self.per_decade)
        runs = [(lr, seed) for lr in lrs for seed in range(self.seeds)]
        trained = ensemble.train(
            setting.task,
            setting.drawn,
            np.stack([self.schedule.steps(self.horizon, lr=lr) for lr, _ in runs]),
            [seed for _, seed in runs],
            rule=ensemble.RULES[self.optimizer](),
            batch=self.batch,
            project=setting.project,
            device=self.device,
        )
        loss = ensemble.evaluate(setting.task, trained, setting.measured, setting.objective)
        results = {
            "train_loss": loss,
            "test_loss": ensemble.evaluate(setting.task, trained, setting.test, setting.objective),
            "test_accuracy": ensemble.evaluate(setting.task, trained, setting.test, setting.task.right)
            / len(setting.test),
        }
        lost = ensemble.diverged(loss, _before(setting, self.seeds), DIVERGED)
        return {
            name: [None if gone else float(f"{value:.{DIGITS}g}") for value, gone in zip(values, lost)]
            for name, values in results.items()
        }


@dataclass(frozen=True)
class GroundCell(Cell):
    """What a task's losses are measured from; the fields are those of ``Networks``."""

    task: str
    seeds: int

    def compute(self) -> dict[str, Any]:
        """The mean training loss before training, and the smallest that L-BFGS finds."""
        load_torch().set_num_threads(1)
        losses = _ground(network_setting(self.task), self.seeds)
        return {name: float(f"{loss:.{DIGITS}g}") for name, loss in losses.items()}


@dataclass(frozen=True, eq=False)
class _Setting:
    """A task with what is drawn from in training, and the examples and loss by which the outcome is measured."""

    task: Any
    drawn: Any
    measured: Any
    test: Any
    objective: Any
    project: Any


def network_setting(name: str) -> _Setting:
    """The task of a network with the examples that it is trained and judged on."""
    from lrtheory.tasks import digits, logistic

    task = {"digits": digits.task, "digits-noisy": digits.noisy}.get(name, logistic.task)()
    drawn, test = task.load(0)
    if name == "digits-noisy":
        return _Setting(task, drawn, digits.task().load(0)[0], test, digits.expected_loss, None)
    return _Setting(task, drawn, drawn, test, task.loss, logistic.project if name == "logistic-ball" else None)


def _ground(setting: _Setting, seeds: int) -> dict[str, float]:
    from scipy.optimize import minimize

    from lrtheory.training.ensemble import start

    torch = load_torch()
    inputs, labels, lowest = setting.measured.inputs.double(), setting.measured.labels, []
    for seed in range(seeds):
        model = start(setting.task, seed).double()
        parameters = list(model.parameters())

        def loss_and_gradient(theta: np.ndarray, model=model, parameters=parameters) -> tuple[float, np.ndarray]:
            torch.nn.utils.vector_to_parameters(torch.from_numpy(theta.copy()), parameters)
            loss = setting.objective(model(inputs), labels)
            gradients = torch.autograd.grad(loss, parameters)
            return loss.item(), torch.nn.utils.parameters_to_vector(gradients).numpy()

        theta = torch.nn.utils.parameters_to_vector(parameters).detach().numpy().copy()
        options = {"maxiter": POLISHED, "maxcor": 20}
        lowest.append(float(minimize(loss_and_gradient, theta, jac=True, method="L-BFGS-B", options=options).fun))
    return {"before": _before(setting, seeds), "best_known": min(lowest)}


def _before(setting: _Setting, seeds: int) -> float:
    """The mean training loss before training."""
    from lrtheory.training.ensemble import evaluate, stacked_starts

    stacked = stacked_starts(setting.task, range(seeds))
    return float(evaluate(setting.task, stacked, setting.measured, setting.objective).mean())
