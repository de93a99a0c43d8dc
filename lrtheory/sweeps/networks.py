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

**What came out** (measured; 12 seeds, 4,000 steps, intervals of 95 %; orders by the bootstrap over seeds, each at its own 95 %).

* *Where the theorem holds, its order holds.* On logistic regression in a ball all 15 orders of slopes (five pairs, three
  optimizers) are as predicted. With SGD the slopes are 1.15 [0.66, 1.64] for the constant rate, 1.10 [0.85,
  1.35] for the inverse square root, 0.71 [0.61, 0.80] for WSD, 0.65 [0.59, 0.72], 0.42 [0.38, 0.47], 0.29 [0.24, 0.34] for
  degrees 1, 2, 3 and 0.45 [0.42, 0.49] for cosine. They are about twice the 1/3, 1/5, 1/7 of the worst case, which is no
  contradiction, for it bounds the loss, not its slope; nor is it the law's exponent.
* *The diameter matters.* Without the ball the runs are the same until they reach it, and then every schedule turns upward
  under SGD, as the distance form says: the slopes of degrees 2 and 3 are 0.58 [0.47, 0.69] and 0.54 [0.46, 0.62], and their order
  is lost. AdamW, whose steps are bounded, keeps the slopes that it has in the ball.
* *Networks have a cliff instead.* On the digits the loss is flat up to a rate that is much the same for all annealed
  schedules (0.2 to 0.5 under SGD), and beyond it nothing is learned, annealed or not. Under SGD, constant and linear schedules
  reach it before they have a right branch; 12 of 30 orders cannot be stated, 8 are as predicted, 10 undecided, none reversed.
  Of the 10 under AdamW, which falls off less steeply, 6 are as predicted.
* *A larger best rate is a smaller margin.* Annealing moves the best rate up, towards the cliff: a linear decay with noisy
  labels may be 1.9 (SGD), 2.8 (momentum) and 2.8 (AdamW) times too large, a constant rate 4.4, 4.2 and 5.5 times: the law's
  order, reversed, in all three. But in rates, not in ``rho``, annealing wins: at every rate above the best constant one linear
  decay ends lower, on all tasks and with all optimizers.
* *Grids.* A grid of ratio 10 at its worst offset leaves an excess loss of 0.022 to a constant rate, 0.011 to linear decay and
  0.010 to ``Robust(16)`` on logistic regression (ball, SGD), and 0.28, 0.20 and 0.26 on noisy digits (AdamW): what forgives most
  in theory forgives most where the theorem holds, and not beyond; in the networks WSD and linear decay are the best.
"""

from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from lrtheory.checks import checked_horizon
from lrtheory.estimate import Estimate
from lrtheory.extras import load_torch
from lrtheory.runs import Store, execute
from lrtheory.runs.cluster import Cluster
from lrtheory.runs.execute import Workers
from lrtheory.runs.tables import fit_slope
from lrtheory.schedules import (
    WSD,
    Constant,
    Cosine,
    Exponential,
    InverseSqrt,
    Polynomial,
    Robust,
    Schedule,
    parse,
)  # fmt: skip
from lrtheory.schedules.schedule import checked_schedule
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.grid import worst_offset
from lrtheory.theory.worst_case import tuned_lr, worst_case

TASKS = ("logistic-ball", "logistic", "digits-noisy", "digits")
LOWEST = {"sgd": 1e-3, "momentum": 1e-4, "adamw": 1e-4}
"""The lowest rate of each optimizer; the others lie up to four decades above it."""
DECADES = 4
SCHEDULES: tuple[Schedule, ...] = (
    Constant(), InverseSqrt(), Polynomial(1), Polynomial(2), Polynomial(3), Cosine(), WSD(0.2), Exponential(0.01), Robust(16),
)  # fmt: skip
ORDER = (
    ("Constant()", "Polynomial(1)"), ("Polynomial(1)", "Polynomial(2)"), ("Polynomial(1)", "Cosine()"),
    ("Polynomial(2)", "Polynomial(3)"), ("Cosine()", "Polynomial(3)"),
)  # fmt: skip
"""What the law orders: the first of each pair forgives less."""
DIVERGED = 10.0
"""A final loss above this many times the loss before training is divergence."""
BRANCH = 2.0
"""The right branch begins at this ``rho``."""
TOLERATED = 0.1
"""The part of what training can gain that may be lost within the margin."""
POLISHED = 500
"""Iterations of L-BFGS in search of the best known loss."""
RESAMPLES = 2_000
DIGITS = 6
"""Significant digits that are kept of a measured number."""


@dataclass(frozen=True)
class NetworkSweep:
    """Which cells ``sweep networks`` computes.

    Args:
        tasks: Names of tasks: logistic-ball, logistic, digits-noisy, digits.
        optimizers: Names of optimizers: sgd, momentum, adamw.
        schedules: The shapes.
        per_decade: Rates a decade, over the four decades of each optimizer.
        seeds: Runs of every rate, each with its own first weights and batches; at least two.
        horizon: Number of steps.
        batch: Examples a step.
        device: Where the runs are trained, cpu or cuda.
    """

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


DEFAULT = NetworkSweep()
QUICK = NetworkSweep(
    tasks=("logistic-ball", "digits-noisy"), optimizers=("sgd",),
    schedules=(Constant(), Polynomial(1), Polynomial(3)), per_decade=4, seeds=3, horizon=500,
)  # fmt: skip


@dataclass(frozen=True)
class NetworkCell:
    """All rates and seeds of one task, optimizer and schedule, trained at once; the fields are :class:`NetworkSweep`'s."""

    task: str
    optimizer: str
    schedule: Schedule
    per_decade: int
    seeds: int
    horizon: int
    batch: int
    device: str


def rates(optimizer: str, per_decade: int) -> np.ndarray:
    """The rates of an optimizer, geometrically spaced, with four digits.

    Example:
        >>> rates("sgd", 1).tolist()
        [0.001, 0.01, 0.1, 1.0, 10.0]
    """
    exponents = np.arange(DECADES * per_decade + 1) / per_decade
    return np.array([float(f"{LOWEST[optimizer] * 10**exponent:.4g}") for exponent in exponents])


@dataclass(frozen=True)
class GroundCell:
    """What a task's losses are measured from; the fields are :class:`NetworkSweep`'s."""

    task: str
    seeds: int


def compute(cell: NetworkCell | GroundCell) -> dict[str, Any]:
    """The runs of a cell, a list with an entry a rate and seed, seeds of a rate together, None where diverged.

    Of a :class:`GroundCell`: the mean training loss before training, and the smallest that L-BFGS finds.
    """
    torch = load_torch()
    from lrtheory.training import ensemble

    torch.set_num_threads(1)  # the tensors are small, and results must not depend on the number of cores
    setting = _setting(cell.task)
    if isinstance(cell, GroundCell):
        return {name: float(f"{loss:.{DIGITS}g}") for name, loss in _ground(setting, cell.seeds).items()}
    schedule, lrs = cell.schedule, rates(cell.optimizer, cell.per_decade)
    runs = [(lr, seed) for lr in lrs for seed in range(cell.seeds)]
    trained = ensemble.train(
        setting.task,
        setting.drawn,
        np.stack([schedule.steps(cell.horizon, lr=lr) for lr, _ in runs]),
        [seed for _, seed in runs],
        rule=ensemble.RULES[cell.optimizer](),
        batch=cell.batch,
        project=setting.project,
        device=cell.device,
    )
    loss = ensemble.evaluate(setting.task, trained, setting.measured, setting.objective)
    results = {
        "train_loss": loss,
        "test_loss": ensemble.evaluate(setting.task, trained, setting.test, setting.objective),
        "test_accuracy": ensemble.evaluate(setting.task, trained, setting.test, setting.task.right) / len(setting.test),
    }
    lost = ensemble.diverged(loss, _before(setting, cell.seeds), DIVERGED)
    return {
        name: [None if gone else float(f"{value:.{DIGITS}g}") for value, gone in zip(values, lost)]
        for name, values in results.items()
    }


def cells(sweep: NetworkSweep) -> list[GroundCell | NetworkCell]:
    """The cells of the sweep: what the losses are measured from, a cell a task, then the runs."""
    return [*_grounds(sweep), *_trained(sweep)]


def _grounds(sweep: NetworkSweep) -> list[GroundCell]:
    return [GroundCell(task, sweep.seeds) for task in sweep.tasks]


def _trained(sweep: NetworkSweep) -> list[NetworkCell]:
    return [
        NetworkCell(*names, sweep.per_decade, sweep.seeds, sweep.horizon, sweep.batch, sweep.device)
        for names in product(sweep.tasks, sweep.optimizers, sweep.schedules)
    ]


def table(sweep: NetworkSweep, store: Store, workers: Workers = None) -> pd.DataFrame:
    """A row a task, optimizer, schedule and rate.

    ``train_loss_0``, ``train_loss_1``, ... are the seeds', empty where a run diverged; ``test_loss`` and ``test_accuracy`` are
    means over the seeds, empty where any diverged; ``before`` is the task's training loss before training, ``best_known`` the
    smallest known.

    Raises:
        ModuleNotFoundError: torch is not installed, or finds no device of the kind asked for.
    """
    torch = load_torch()
    if sweep.device == "cuda" and not isinstance(workers, Cluster) and not torch.cuda.is_available():
        raise ModuleNotFoundError("torch finds no CUDA device here; leave --device out to train on the CPU.")
    grounds, trained = _grounds(sweep), _trained(sweep)
    results = execute(compute, cells(sweep), store, workers=workers)
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
    frame = pd.concat(parts, ignore_index=True)
    smallest = _losses(frame).min(axis=1).groupby(frame["task"]).transform("min")
    frame["best_known"] = np.fmin(frame["best_known"], smallest)
    return frame


@dataclass(frozen=True)
class Curve:
    """One schedule on one task with one optimizer.

    Args:
        lrs: Rates, rising.
        excess: Excess losses, shape ``(rates, seeds)``, infinite where a run diverged.
        limit: The excess loss before training.
        horizon: Number of steps.
    """

    lrs: np.ndarray
    excess: np.ndarray
    limit: float
    horizon: int

    @property
    def mean(self) -> np.ndarray:
        """The mean excess loss at each rate."""
        return self.excess.mean(1)

    @property
    def best(self) -> int:
        """The place of the rate with the smallest mean excess loss."""
        return int(np.argmin(self.mean))

    @property
    def rho(self) -> np.ndarray:
        """The rates over the best one."""
        return self.lrs / self.lrs[self.best]

    @property
    def branch(self) -> slice:
        """The right branch: from twice the best rate up to the last before the loss is what it was before training."""
        begin = int(np.searchsorted(self.rho, BRANCH))
        above = np.flatnonzero(self.mean[begin:] >= self.limit)
        return slice(begin, begin + int(above[0]) if len(above) else len(self.lrs))

    def of(self, seeds: np.ndarray) -> "Curve":
        """The curve of some of its runs, repetitions allowed."""
        return Curve(self.lrs, self.excess[:, seeds], self.limit, self.horizon)


def curves(frame: pd.DataFrame) -> dict[tuple[str, str, str], Curve]:
    """The curves of a table, by task, optimizer and schedule."""
    found = {}
    for (task, optimizer, schedule), group in frame.groupby(["task", "optimizer", "schedule"], sort=False):
        first = group.iloc[0]
        losses = _losses(group).fillna(np.inf).to_numpy()
        found[str(task), str(optimizer), str(schedule)] = Curve(
            group["lr"].to_numpy(),
            losses - first["best_known"],
            float(first["before"] - first["best_known"]),
            int(first["horizon"]),
        )
    return found


def slope(curve: Curve) -> Estimate | None:
    """The power of ``rho`` that the mean excess loss grows with on the right branch; None on fewer than three rates."""
    mean, branch = curve.mean, curve.branch
    if branch.stop - branch.start < 3:
        return None
    error = curve.excess[branch].std(axis=1, ddof=1) / curve.excess.shape[1] ** 0.5
    return fit_slope(curve.rho[branch], mean[branch], error)


def predicted_slope(schedule: str, curve: Curve, length: str) -> Estimate | None:
    """The same slope of the worst case, over the same ``rho`` and horizon.

    Args:
        schedule: Its name.
        curve: Whose right branch is taken.
        length: ``"diameter"``, which may forgive, or ``"distance"``, which may not.
    """
    rho = curve.rho[curve.branch]
    if len(rho) < 3:
        return None
    shape = parse(schedule)
    lengths: dict[str, Any] = {length: 1.0}
    lrs = rho * tuned_lr(shape, curve.horizon, **lengths)
    return fit_slope(rho, worst_case(shape, horizon=curve.horizon, lr=lrs, **lengths))


def exponent(curve: Curve) -> float:
    """The slope of :func:`slope` without its interval; NaN on fewer than three rates."""
    branch = curve.branch
    if branch.stop - branch.start < 3:
        return np.nan
    return float(np.polyfit(np.log(curve.rho[branch]), np.log(curve.mean[branch]), 1)[0])


def margin(curve: Curve) -> float:
    """How many times the best rate costs a tenth of what training can gain, between rates on a straight line.

    A run that ends above the loss before training, or diverges, counts as untrained. Where no rate costs so much it is the
    largest rate over the best.
    """
    mean = np.minimum(curve.excess, curve.limit).mean(1)
    best = int(np.argmin(mean))
    lost, rho = (mean[best:] - mean[best]) / curve.limit, curve.lrs[best:] / curve.lrs[best]
    over = np.flatnonzero(lost > TOLERATED)
    if not len(over):
        return float(rho[-1])
    last = int(over[0])
    return float(np.exp(np.interp(TOLERATED, lost[last - 1 : last + 1], np.log(rho[last - 1 : last + 1]))))


def ordering(frame: pd.DataFrame) -> pd.DataFrame:
    """Does the first schedule of each pair of :data:`ORDER` forgive less? Bootstrapped over seeds, in two measures.

    ``slope``: its right branch is steeper. ``margin``: its margin is smaller (a difference of decimal logarithms). All runs
    of a seed share their first weights and batches, so seeds are drawn once for both schedules of a pair; the best rate is
    that of the draw. ``verdict``: ``yes`` or ``reversed`` where the 95 % interval of the difference excludes zero, ``undecided``
    where it does not, ``no branch`` where a twentieth of the draws have a right branch of fewer than three rates.
    """
    found, rows = curves(frame), []
    seeds = next(iter(found.values())).excess.shape[1]
    draws = [np.arange(seeds), *np.random.default_rng(0).integers(seeds, size=(RESAMPLES, seeds))]
    measures = {"slope": exponent, "margin": lambda curve: -np.log10(margin(curve))}
    values = {
        key: {name: np.array([measure(curve.of(draw)) for draw in draws]) for name, measure in measures.items()}
        for key, curve in found.items()
        if any(key[2] in pair for pair in ORDER)
    }
    for task, optimizer in dict.fromkeys((task, optimizer) for task, optimizer, _ in found):
        for measure, (first, second) in product(measures, ORDER):
            if (task, optimizer, first) not in found or (task, optimizer, second) not in found:
                continue
            difference = values[task, optimizer, first][measure] - values[task, optimizer, second][measure]
            missing = bool(np.isnan(difference).mean() > 0.05 or np.isnan(difference[0]))
            low, high = (np.nan, np.nan) if missing else np.nanquantile(difference[1:], [0.025, 0.975])
            verdict = "no branch" if missing else "yes" if low > 0 else "reversed" if high < 0 else "undecided"
            rows.append(
                {"task": task, "optimizer": optimizer, "measure": measure, "first": first, "second": second,
                 "difference": difference[0], "low": low, "high": high, "verdict": verdict}
            )  # fmt: skip
    return pd.DataFrame(rows)


def grid_losses(frame: pd.DataFrame) -> pd.DataFrame:
    r"""What is left to lose after tuning over a geometric grid, at the grid's worst offset; a row a curve and ratio.

    ``ratio`` is that of neighbouring rates. ``excess`` is the mean excess loss and ``law`` the worst case with a
    diameter, in units of :math:`DG/\sqrt T`, on the same ``rho``; the columns ``*_factor`` divide them by the best of all
    rates. ``accuracy_lost`` is of the rates that the grids pick by their training loss, against the best of all.
    """
    accuracy, rows = _accuracy(frame), []
    for (task, optimizer, schedule), curve in curves(frame).items():
        mean, shape = curve.mean, parse(schedule)
        right = accuracy[task, optimizer, schedule].to_numpy()
        lrs = curve.rho * tuned_lr(shape, curve.horizon, diameter=1.0)
        law = worst_case(shape, horizon=curve.horizon, lr=lrs, diameter=1.0) * curve.horizon**0.5
        for period in range(1, (len(mean) - 1) // 2 + 1):
            picked = [offset + period * int(np.argmin(mean[offset::period])) for offset in range(period)]
            ratio = float((curve.lrs[-1] / curve.lrs[0]) ** (period / (len(mean) - 1)))
            row = {"task": task, "optimizer": optimizer, "schedule": schedule, "ratio": ratio}
            for name, losses in (("excess", mean), ("law", law)):
                row[name] = worst_offset(curve.rho, losses, ratio)
                row[f"{name}_factor"] = row[name] / losses.min()
            rows.append({**row, "accuracy_lost": right[curve.best] - right[picked].min()})
    return pd.DataFrame(rows)


def slopes(frame: pd.DataFrame) -> pd.DataFrame:
    """A row a task, optimizer and schedule: its best rate, what that reaches, its right branch, margin and divergences.

    ``with diameter`` and ``with distance`` are the slopes of the two worst cases over the same ``rho``.
    """
    accuracy, rows = _accuracy(frame), []
    for (task, optimizer, schedule), curve in curves(frame).items():
        predicted = {f"with {length}": predicted_slope(schedule, curve, length) for length in ("diameter", "distance")}
        rows.append(
            {
                "task": task,
                "optimizer": optimizer,
                "schedule": schedule,
                "best lr": f"{curve.lrs[curve.best]:.3g}",
                "excess": f"{curve.mean.min():.4f}",
                "accuracy": f"{accuracy[task, optimizer, schedule, curve.lrs[curve.best]]:.3f}",
                "rho up to": f"{curve.rho[curve.branch.stop - 1]:.3g}",
                "slope": f"{found:.3f}" if (found := slope(curve)) else "-",
                **{name: f"{found.value:.3f}" if found else "-" for name, found in predicted.items()},
                "margin": f"{margin(curve):.3g}",
                "diverged": f"{int(np.isinf(curve.excess).sum())}/{curve.excess.size}",
            }
        )
    return pd.DataFrame(rows)


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The terminal table: slopes of the right branch, then the orders that the law predicts, with verdicts."""
    orders: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in ordering(frame).to_dict("records"):
        pair = f"{row['first']} > {row['second']}"
        shown = f"{row['difference']:.3f} [{row['low']:.3f}, {row['high']:.3f}] {row['verdict']}"
        shown = "no branch" if row["verdict"] == "no branch" else shown
        names = {"task": row["task"], "optimizer": row["optimizer"], "schedule": pair}
        orders.setdefault((row["task"], row["optimizer"], pair), names)[row["measure"]] = shown
    return pd.concat([slopes(frame), pd.DataFrame(list(orders.values()))], ignore_index=True).fillna("-")


def _losses(frame: pd.DataFrame) -> pd.DataFrame:
    """The final training losses, a column a seed."""
    return frame[[column for column in frame.columns if column.startswith("train_loss_")]]


def _accuracy(frame: pd.DataFrame) -> pd.Series:
    """The mean test accuracy by task, optimizer, schedule and rate; where a run diverged, none is right."""
    return frame.set_index(["task", "optimizer", "schedule", "lr"])["test_accuracy"].fillna(0.0).sort_index()


@dataclass(frozen=True, eq=False)
class _Setting:
    """A task with what is drawn from in training, and the examples and loss by which the outcome is measured."""

    task: Any
    drawn: Any
    measured: Any
    test: Any
    objective: Any
    project: Any


def _setting(name: str) -> _Setting:
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
