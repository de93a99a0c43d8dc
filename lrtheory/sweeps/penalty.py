r"""Does the implicit penalty matter? A small network, trained three ways to the same flow time.

* ``descent``: full-batch gradient descent at a large step :math:`\eta`;
* ``flow``: gradient descent at the tiny step :math:`\delta=\eta/\text{refinement}`;
* ``penalised``: gradient descent at the same tiny step on :math:`L+\frac{\eta-\delta}4\|\nabla L\|^2`, by differentiating
  twice. The tiny step adds :math:`\frac\delta4\|\nabla L\|^2` of its own, so the penalty in all is
  :math:`\frac\eta4\|\nabla L\|^2`.

Backward error analysis (:mod:`lrtheory.theory.backward_error`) predicts a distance :math:`O(\eta)` from descent to flow
and :math:`O(\eta^2)` from descent to the penalised path, and ends where :math:`\eta\lambda` reaches 1, with
:math:`\lambda` the sharpness. The steps of the sweep lie on both sides.

The network has two hidden layers of 16 tanh units and the half mean squared error as its loss; it learns to tell two
noisy half moons apart from few points. All runs of a cell are trained at once, each from its own data and its own start.
Everything is computed in double precision. The setting was chosen after trying five, in search of paths that separate; the
others behaved alike but were not analysed.

**Results** (measured; the numbers are in ``docs/findings.md`` and in the paper, read from the committed table by
:mod:`lrtheory.report.experiments`). While every :math:`\eta\lambda` is below 1 the penalty is real and small: the
distance to the flow grows like :math:`\eta` and that to the penalised path like :math:`\eta^2`, the penalty accounts
for most of the difference between descent and flow, and that difference is a small part of the way travelled. No
difference in test accuracy is found. At a mean :math:`\eta\lambda` above 2 the account fails: descent ends flatter
than the flow, which the penalised path hardly shows. What a large step does for flatness on this problem, it does
beyond stability, not through the penalty.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self, final

import numpy as np
import pandas as pd

from lrtheory.checks import checked_positive
from lrtheory.estimate import Estimate
from lrtheory.extras import load_torch
from lrtheory.runs import Cell, Compute, Experiment
from lrtheory.statistics import fit_slope, mean_estimate
from lrtheory.sweeps.checks import check_seed, check_unique

PATHS = ("descent", "flow", "penalised")
WIDTH = 16
NOISE = 0.3
TEST_POINTS = 2_000
CHECKPOINTS = 8
r"""At how many times of the flow its sharpness is measured, for the largest :math:`\eta\lambda`."""
POWER_ITERATIONS = 100


@dataclass(frozen=True)
class PenaltyCell(Cell):
    """The three paths at one large step; the fields are those of :class:`Penalty`."""

    lr: float
    runs: int
    flow_time: float
    refinement: int
    points: int
    seed: int

    def compute(self) -> dict[str, Any]:
        """Train the networks three ways; every value is a list with one entry per run."""
        torch = load_torch()
        torch.set_num_threads(1)  # the tensors are small, and results must not depend on the number of cores
        problem = _Problem.draw(self)
        tiny = self.lr / self.refinement
        steps = round(self.flow_time / self.lr)
        ends = {"descent": _descend(problem, problem.start, self.lr, steps)}
        ends["penalised"] = _descend(problem, problem.start, tiny, steps * self.refinement, (self.lr - tiny) / 4)
        theta, sharpest = problem.start, _sharpness(problem, problem.start)
        marks = [steps * part // CHECKPOINTS for part in range(CHECKPOINTS + 1)]
        for begun, done in pairwise(marks):
            theta = _descend(problem, theta, tiny, (done - begun) * self.refinement)
            sharpest = torch.maximum(sharpest, _sharpness(problem, theta))
        ends["flow"] = theta
        result = {
            "lr_sharpness": self.lr * sharpest,
            "travel": _distance(ends["flow"], problem.start),
            "distance_flow": _distance(ends["descent"], ends["flow"]),
            "distance_penalised": _distance(ends["descent"], ends["penalised"]),
        }
        for path in PATHS:
            loss, gradient = _loss_and_gradient(problem, ends[path])
            result[f"loss_{path}"] = loss
            result[f"gradient_norm_{path}"] = gradient.norm(dim=1)
            result[f"sharpness_{path}"] = _sharpness(problem, ends[path])
            right = _network(ends[path], problem.test_inputs) * problem.test_targets > 0
            result[f"accuracy_{path}"] = right.double().mean(1)
        return {name: values.tolist() for name, values in result.items()}


@final
@dataclass(frozen=True)
class Penalty(Experiment):
    """Which cells ``sweep penalty`` computes.

    Args:
        lrs: The large steps, positive.
        runs: The number of networks, each with its own data and start; at least two.
        flow_time: The step times the number of steps, the same for the three paths.
        refinement: The number of tiny steps in a large one, at least two.
        points: The number of training points of each network, at least two.
        seed: The seed of the data and of the first weights.
    """

    needs: ClassVar = {"torch": "torch"}

    lrs: tuple[float, ...] = (0.03, 0.045, 0.065, 0.1, 0.15, 0.2, 0.25, 0.3)
    runs: int = 16
    flow_time: float = 60.0
    refinement: int = 16
    points: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        checked_positive("flow_time", self.flow_time)
        for lr in self.lrs:
            if checked_positive("lr", lr) * CHECKPOINTS > self.flow_time:
                raise ValueError(f"lr must be at most flow_time / {CHECKPOINTS}, not {lr!r}.")
        check_unique("lrs", self.lrs)
        check_seed(self.seed)
        for name in ("runs", "refinement", "points"):
            if getattr(self, name) < 2:
                raise ValueError(f"{name} must be at least 2, not {getattr(self, name)}.")

    @classmethod
    def quick(cls) -> Self:
        """Three steps, and fewer and shorter runs."""
        return cls(lrs=(0.05, 0.1, 0.25), runs=4, flow_time=20.0, refinement=4)

    def cells(self) -> list[PenaltyCell]:
        """The cells, one per large step."""
        return [PenaltyCell(lr, self.runs, self.flow_time, self.refinement, self.points, self.seed) for lr in self.lrs]

    def run(self, compute: Compute) -> pd.DataFrame:
        r"""One row per large step and run.

        ``lr_sharpness`` is :math:`\eta\lambda` with the largest sharpness along the flow; ``travel`` is how far the flow
        goes; the distances are from the end of ``descent`` to that of the other path; the rest are the loss, the norm of
        its gradient, the largest eigenvalue of its Hessian and the test accuracy at the end of each path.
        """
        wanted = self.cells()
        results = compute(wanted)
        return pd.concat(
            [pd.DataFrame({"lr": cell.lr, "run": range(cell.runs), **result}) for cell, result in zip(wanted, results)],
            ignore_index=True,
        )

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        r"""Each step's three paths, with means over runs and their 95 % intervals.

        Differences are from the flow, run by run. The last rows are the powers of the step that the distances grow with where
        every :math:`\eta\lambda<1`.
        """
        rows = []
        for lr, group in frame.groupby("lr"):
            for path in PATHS:
                row = {"lr": f"{lr:g}", "lr * sharpness": str(mean_estimate(group["lr_sharpness"])), "path": path}
                row["distance from descent"] = (
                    "-" if path == "descent" else str(mean_estimate(group[f"distance_{path}"]))
                )
                row["over flow's"] = str(explained(group)) if path == "penalised" else "-"
                for measure in ("gradient_norm", "sharpness", "accuracy"):
                    difference = group[f"{measure}_{path}"] - group[f"{measure}_flow"]
                    row[f"{measure.replace('_', ' ')} - flow's"] = (
                        "-" if path == "flow" else str(mean_estimate(difference))
                    )
                rows.append(row)
        for name, slope in orders(frame).items():
            order = {"lr": "order", "path": name.removeprefix("distance_"), "distance from descent": f"{slope:.3f}"}
            rows.append({column: order.get(column, "-") for column in rows[0]})
        return pd.DataFrame(rows)


def explained(group: pd.DataFrame) -> Estimate:
    """The distance to the penalised path over the distance to the flow: geometric mean over runs, with its interval."""
    logarithms = mean_estimate(np.log(group["distance_penalised"] / group["distance_flow"]))
    return Estimate(*(float(np.exp(end)) for end in (logarithms.value, logarithms.low, logarithms.high)))


def orders(frame: pd.DataFrame) -> dict[str, Any]:
    r"""The power of the step that each distance grows with, over the steps at which every :math:`\eta\lambda<1`.

    Returns:
        ``distance_flow`` and ``distance_penalised``, each a slope of geometric means over runs; empty where fewer than
        three steps qualify.
    """
    from scipy.stats import gmean

    below = frame[frame.groupby("lr")["lr_sharpness"].transform("max") < 1]
    if below["lr"].nunique() < 3:
        return {}
    means = {name: below.groupby("lr")[name].apply(gmean) for name in ("distance_flow", "distance_penalised")}
    return {name: fit_slope(mean.index, mean) for name, mean in means.items()}


def two_moons(count: int, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Points of two interlocking half circles with noise, and the one that each belongs to, as -1 or 1.

    Example:
        >>> inputs, targets = two_moons(4, np.random.default_rng(0))
        >>> inputs.shape, targets
        ((4, 2), array([-1.,  1., -1.,  1.]))
    """
    targets = 2.0 * (np.arange(count) % 2) - 1
    angle = random.uniform(0, np.pi, count)
    x = np.where(targets < 0, np.cos(angle), 1 - np.cos(angle)) - 0.5
    y = np.where(targets < 0, np.sin(angle), 0.5 - np.sin(angle)) - 0.25
    return np.stack([x, y], axis=1) + NOISE * random.standard_normal((count, 2)), targets


@dataclass(frozen=True)
class _Problem:
    """Tensors with one row per run."""

    start: Any
    inputs: Any
    targets: Any
    test_inputs: Any
    test_targets: Any

    @staticmethod
    def draw(cell: PenaltyCell) -> "_Problem":
        torch, rows = load_torch(), []
        for run in range(cell.runs):
            random = np.random.default_rng([cell.seed, run])
            start = np.concatenate([_start(*shape, random) for shape in _SHAPES])
            rows.append((start, *two_moons(cell.points, random), *two_moons(TEST_POINTS, random)))
        return _Problem(*(torch.from_numpy(np.stack(parts)) for parts in zip(*rows)))


_SHAPES = ((2, WIDTH), (WIDTH, WIDTH), (WIDTH, 1))


def _start(fan_in: int, fan_out: int, random: np.random.Generator) -> np.ndarray:
    """Weights of variance one over the number of inputs, then biases of zero."""
    return np.concatenate([random.standard_normal(fan_in * fan_out) / np.sqrt(fan_in), np.zeros(fan_out)])


def _network(theta: Any, inputs: Any) -> Any:
    torch = load_torch()
    hidden, used = inputs, 0
    for layer, (fan_in, fan_out) in enumerate(_SHAPES):
        weight = theta[:, used : used + fan_in * fan_out].view(-1, fan_in, fan_out)
        used += fan_in * fan_out
        hidden = torch.baddbmm(theta[:, None, used : used + fan_out], hidden if layer == 0 else hidden.tanh(), weight)
        used += fan_out
    return hidden[..., 0]


def _losses(problem: _Problem, theta: Any) -> Any:
    """The loss of each run. Runs share nothing, so the gradient of their sum has the gradient of each in its row."""
    return (_network(theta, problem.inputs) - problem.targets).square().mean(1) / 2


def _descend(problem: _Problem, theta: Any, step: float, count: int, penalty: float = 0.0) -> Any:
    """Gradient descent on the loss plus ``penalty`` times the squared norm of its gradient."""
    torch = load_torch()
    for _ in range(count):
        theta = theta.detach().requires_grad_()
        loss = _losses(problem, theta).sum()
        if penalty:
            (gradient,) = torch.autograd.grad(loss, theta, create_graph=True)
            loss = loss + penalty * gradient.square().sum()
        (gradient,) = torch.autograd.grad(loss, theta)
        theta = theta.detach() - step * gradient
    return theta


def _loss_and_gradient(problem: _Problem, theta: Any) -> tuple[Any, Any]:
    theta = theta.detach().requires_grad_()
    losses = _losses(problem, theta)
    return losses.detach(), load_torch().autograd.grad(losses.sum(), theta)[0]


def _sharpness(problem: _Problem, theta: Any) -> Any:
    """The eigenvalue of the Hessian that is largest in size, by power iteration on Hessian-vector products."""
    torch = load_torch()
    theta = theta.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(_losses(problem, theta).sum(), theta, create_graph=True)
    vector = gradient.detach()
    for _ in range(POWER_ITERATIONS):
        vector = vector / vector.norm(dim=1, keepdim=True)
        (image,) = torch.autograd.grad(gradient, theta, vector, retain_graph=True)
        eigenvalue, vector = (vector * image).sum(1), image
    return eigenvalue  # pyright: ignore[reportPossiblyUnbound]


def _distance(one: Any, other: Any) -> Any:
    return (one - other).norm(dim=1)
