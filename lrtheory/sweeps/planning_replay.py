"""The cells of the sweeps of planners: one planner, replayed on one grid that was run in full.

The grids are those of :mod:`lrtheory.sweeps.wrong_rates` with at least twenty rates. A planner is told a range of
three decades around the best rate, at a random offset in each third, and proposes rates; each is replaced by the
nearest of the grid. Its *regret* after ``n`` trials is the fraction of the gain that its best trial leaves, 1 where
all are lost; a trial is *lost* above the best rate where a tenth of the gain is gone. The measured curves are fitted
to all other sources of networks, never to the one that is replayed.

Planners: ``equal`` (``n`` points, equally spaced in the logarithm, :func:`lrtheory.planning.measured.plan_measured`),
``convex`` (:func:`lrtheory.theory.grid_planning.plan_convex`), ``next`` (:func:`lrtheory.planning.measured.next_lr`,
without a stop), and Optuna's ``TPE`` and ``GP``, both with three random trials first (their default of ten would leave
a random search here), which are told the fraction, 1 for a lost run.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from lrtheory.extras import load_torch
from lrtheory.planning.excess_curve import ExcessModel, fit
from lrtheory.planning.measured import next_lr, plan_measured
from lrtheory.planning.rate_grid import LOST, RateGrid
from lrtheory.runs import Cell
from lrtheory.runs.tables import committed
from lrtheory.schedules import Constant, parse
from lrtheory.sweeps.wrong_rates import grids
from lrtheory.theory.grid_planning import plan_convex

OFFSETS = 3
DECADES = 3.0
MOST = 10
"""Trials of a replay."""
DENSE = 20
"""Rates of the smallest grid that is replayed."""
TABLE = "wrong_rates.csv"
SOURCES = ("deepobs", "networks", "convex")
"""The sources that have grids with so many rates."""


class Replayed:
    """A grid that answers with its nearest run.

    Args:
        grid: The grid.
        offset: Where the best rate lies on the range that planners are told, from 0 to 1.
    """

    def __init__(self, grid: RateGrid, offset: float) -> None:
        self.grid = grid
        best = np.log10(grid.lrs[grid.best])
        low = np.clip(best - offset * DECADES, np.log10(grid.lrs[0]), np.log10(grid.lrs[-1]) - DECADES)
        self.low, self.high = float(10**low), float(10 ** (low + DECADES))

    def __call__(self, lr: float) -> tuple[float, bool]:
        """The fraction of the gain that the run leaves, and whether it is lost."""
        place = int(np.argmin(np.abs(np.log(self.grid.lrs / lr))))
        fraction = float(self.grid.fraction[place])
        return fraction, bool(fraction > LOST and self.grid.rho[place] > 1)


Played = tuple[list[dict[str, Any]], list[tuple[float, bool]]]
"""Rows of ``trials``, ``regret`` and ``lost``, one for each number of trials; and stated chances with what came of them."""
Player = Callable[[Replayed, int, str], Played]
"""Replays a planner on a grid with a seed and the source of the grid, which no curve may be fitted to."""


def _row(trials: int, answers: Sequence[tuple[float, bool]]) -> dict[str, Any]:
    return {
        "trials": trials,
        "regret": min(fraction for fraction, _ in answers),
        "lost": sum(gone for _, gone in answers),
    }


def _equal(run: Replayed, seed: int, source: str) -> Played:
    rows, told = [], []
    for trials in range(1, MOST + 1):
        plan = plan_measured(run.low, run.high, trials=trials, model=fitted_without(source))
        answers = [run(lr) for lr in plan.points]
        rows.append(_row(trials, answers))
        told = [(chance, gone) for chance, (_, gone) in zip(plan.lost, answers)]
    return rows, told


def _convex(run: Replayed, seed: int, source: str) -> Played:
    name = run.grid.name[3]
    schedule = Constant() if name == "constant" else parse(name)
    plans = [plan_convex(run.low, run.high, schedule=schedule, trials=trials) for trials in range(1, MOST + 1)]
    return [_row(plan.trials, [run(lr) for lr in plan.points]) for plan in plans], []


def _next(run: Replayed, seed: int, source: str) -> Played:
    rows, told, results, answers = [], [], [], []
    for trials in range(1, MOST + 1):
        suggestion = next_lr(results, run.low, run.high, initial_loss=1.0, tolerance=1e-9, model=fitted_without(source))
        if suggestion.lr is None:
            raise AssertionError("a tolerance of 1e-9 stopped the replay.")
        answers.append(run(suggestion.lr))
        fraction, gone = answers[-1]
        results.append((suggestion.lr, fraction if fraction < 1 else None))
        told.append((suggestion.lost, gone))
        rows.append(_row(trials, answers))
    return rows, told


def _optuna(name: str) -> Player:
    def play(run: Replayed, seed: int, source: str) -> Played:
        import optuna

        load_torch().set_num_threads(1)  # results must not depend on the number of cores
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        kind = {"TPE": optuna.samplers.TPESampler, "GP": optuna.samplers.GPSampler}[name]
        study = optuna.create_study(sampler=kind(seed=seed, n_startup_trials=3))
        rows, answers = [], []
        for trials in range(1, MOST + 1):
            trial = study.ask()
            answers.append(run(trial.suggest_float("lr", run.low, run.high, log=True)))
            study.tell(trial, answers[-1][0])
            rows.append(_row(trials, answers))
        return rows, []

    return play


PLANNERS: dict[str, Player] = {
    "equal": _equal,
    "convex": _convex,
    "next": _next,
    "TPE": _optuna("TPE"),
    "GP": _optuna("GP"),
}


@dataclass(frozen=True)
class Replay(Cell):
    """One planner on one grid, on ranges at three offsets.

    Args:
        planner: Its name.
        source: That of the grid, with the three names that follow.
        optimizer: The optimizer.
        model: The model or problem.
        schedule: The name of the schedule.
        sha256: Of the table of grids, so that other grids are other cells.
    """

    own_process: ClassVar[bool] = True

    planner: str
    source: str
    optimizer: str
    model: str
    schedule: str
    sha256: str

    def compute(self) -> dict[str, Any]:
        """``trials``, ``regret`` and ``lost`` as lists, and ``stated`` and ``gone`` of the chances that the planner states."""
        chosen = dense(self.source)
        place = [grid.name[1:] for grid in chosen].index((self.optimizer, self.model, self.schedule))
        found: dict[str, list[Any]] = {name: [] for name in ("trials", "regret", "lost", "stated", "gone")}
        for part in range(OFFSETS):
            offset = (part + float(np.random.default_rng([place, part]).random())) / OFFSETS
            rows, told = PLANNERS[self.planner](Replayed(chosen[place], offset), place, self.source)
            for name in ("trials", "regret", "lost"):
                found[name] += [row[name] for row in rows]
            found["stated"] += [float(f"{chance:.4g}") for chance, _ in told]
            found["gone"] += [gone for _, gone in told]
        return found


def replays(sources: Sequence[str], planners: Sequence[str]) -> list[Replay]:
    """The cells of some planners on all dense grids of some sources."""
    sha256 = hashlib.sha256((committed() / TABLE).read_bytes()).hexdigest()
    return [
        Replay(planner, *grid.name, sha256)
        for source in sources
        for grid, planner in product(dense(source), planners)
    ]  # fmt: skip


@lru_cache
def _all_grids() -> tuple[RateGrid, ...]:
    return tuple(grids(pd.read_csv(committed() / TABLE)))


def dense(source: str) -> list[RateGrid]:
    """The grids of a source that have at least twenty rates."""
    return [grid for grid in _all_grids() if grid.name[0] == source and len(grid.rho) >= DENSE]


@lru_cache
def fitted_without(source: str) -> ExcessModel:
    """The measured curves, fitted to the networks of all other sources."""
    return fit([grid for grid in _all_grids() if grid.name[0] not in (source, "convex")])
