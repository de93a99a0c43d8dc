r"""How many trials does a planner need? Replayed on grids that were run in full, by curves fitted without them.

The grids are those of :mod:`lrtheory.sweeps.wrong_rates` with at least twenty rates. A planner is told a range of three decades
around the best rate, at a random offset in each third, and proposes rates; each is replaced by the nearest of the grid. Its *regret* after ``n``
trials is the fraction of the gain that its best trial leaves, 1 where all are lost; a trial is *lost* above the best rate
where a tenth of the gain is gone. The measured curves are fitted to all other sources, never to the one that is replayed.

Planners: ``equal`` (``n`` points, equally spaced in the logarithm), ``convex`` (:func:`lrtheory.plan_grid`), ``measured``
(:func:`lrtheory.planning.measured.plan_measured`), ``next`` (:func:`lrtheory.planning.measured.next_lr`, without a stop), and where
Optuna is installed its ``TPE`` and ``GP``, both with three random trials first (their default of ten would leave a random
search here), which are told the fraction, 1 for a lost run.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from lrtheory.planning.excess_curve import ExcessModel, fit
from lrtheory.planning.measured import next_lr, plan_measured
from lrtheory.schedules import Constant, parse
from lrtheory.sweeps.wrong_rates import LOST, Grid, grids
from lrtheory.theory.grid_planning import plan_grid

OFFSETS = 3
DECADES = 3.0
MOST = 10
DENSE = 20
WANTED = 0.01
"""The regret that the number of trials is counted to."""


class _Replayed:
    """A grid that answers with its nearest run, and counts what it was asked."""

    def __init__(self, grid: Grid, offset: float) -> None:
        self.grid = grid
        best = np.log10(grid.lrs[grid.best])
        low = np.clip(best - offset * DECADES, np.log10(grid.lrs[0]), np.log10(grid.lrs[-1]) - DECADES)
        self.low, self.high = float(10**low), float(10 ** (low + DECADES))

    def __call__(self, lr: float) -> tuple[float, bool]:
        place = int(np.argmin(np.abs(np.log(self.grid.lrs / lr))))
        fraction = float(self.grid.fraction[place])
        return fraction, fraction > LOST and self.grid.rho[place] > 1


Asked = Callable[[float], tuple[float, bool]]


def _all_at_once(points: Callable[[_Replayed, int], Sequence[float]]) -> Callable[..., list[dict[str, Any]]]:
    def replay(run: _Replayed, seed: int, model: ExcessModel) -> list[dict[str, Any]]:
        rows = []
        for trials in range(1, MOST + 1):
            answers = [run(lr) for lr in points(run, trials)]
            lost = sum(gone for _, gone in answers)
            rows.append({"trials": trials, "regret": min(fraction for fraction, _ in answers), "lost": lost})
        return rows

    return replay


def _equal(run: _Replayed, trials: int) -> Sequence[float]:
    return list(run.low * (run.high / run.low) ** ((np.arange(trials) + 0.5) / trials))


def _convex(run: _Replayed, trials: int) -> Sequence[float]:
    name = run.grid.name[3]
    schedule = Constant() if name == "constant" else parse(name)
    return plan_grid(run.low, run.high, schedule=schedule, budget=trials).points


def _measured(run: _Replayed, seed: int, model: ExcessModel) -> list[dict[str, Any]]:
    rows = []
    for trials in range(1, MOST + 1):
        # The plan depends on the range by its ratio alone.
        scale = run.low / 1e-3
        plan = _plan(trials, model)
        answers = [run(lr * scale) for lr in plan.points]
        lost = sum(gone for _, gone in answers)
        rows.append(
            {
                "trials": trials,
                "regret": min(fraction for fraction, _ in answers),
                "lost": lost,
                "stated": sum(plan.lost),
            }
        )
    return rows


_PLANS: dict[tuple[int, ExcessModel], Any] = {}


def _plan(trials: int, model: ExcessModel) -> Any:
    key = trials, model
    if key not in _PLANS:
        _PLANS[key] = plan_measured(1e-3, 1e-3 * 10**DECADES, trials=trials, model=model)
    return _PLANS[key]


def _next(run: _Replayed, seed: int, model: ExcessModel) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    results, regret, lost = [], 1.0, 0
    for trials in range(1, MOST + 1):
        suggestion = next_lr(results, run.low, run.high, initial_loss=1.0, tolerance=1e-9, model=model)
        if suggestion.lr is None:
            raise AssertionError("a tolerance of 1e-9 stopped the replay.")
        fraction, gone = run(suggestion.lr)
        results.append((suggestion.lr, fraction if fraction < 1 else None))
        regret, lost = min(regret, fraction), lost + gone
        rows.append({"trials": trials, "regret": regret, "lost": lost, "stated": suggestion.lost, "gone": gone})
    return rows


def _optuna(name: str) -> Callable[..., list[dict[str, Any]]]:
    def replay(run: _Replayed, seed: int, model: ExcessModel) -> list[dict[str, Any]]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        kind = {"TPE": optuna.samplers.TPESampler, "GP": optuna.samplers.GPSampler}[name]
        study = optuna.create_study(sampler=kind(seed=seed, n_startup_trials=3))
        rows, regret, lost = [], 1.0, 0
        for trials in range(1, MOST + 1):
            trial = study.ask()
            fraction, gone = run(trial.suggest_float("lr", run.low, run.high, log=True))
            study.tell(trial, fraction)
            regret, lost = min(regret, fraction), lost + gone
            rows.append({"trials": trials, "regret": regret, "lost": lost})
        return rows

    return replay


PLANNERS: dict[str, Callable[..., list[dict[str, Any]]]] = {
    "equal": _all_at_once(_equal),
    "convex": _all_at_once(_convex),
    "measured": _measured,
    "next": _next,
    "TPE": _optuna("TPE"),
    "GP": _optuna("GP"),
}


def replay(frame: pd.DataFrame, planners: Sequence[str], *, offsets: int = OFFSETS) -> pd.DataFrame:
    """One row for each dense grid, offset, planner and number of trials.

    Args:
        frame: The table of ``sweep wrong_rates``.
        planners: Names; those of Optuna need it.
        offsets: Ranges of each grid; the best rate lies at a random place in each of as many equal parts.

    Raises:
        ModuleNotFoundError: a planner of Optuna is asked for and it is not installed.
    """
    if {"TPE", "GP"} & set(planners) and find_spec("optuna") is None:
        raise ModuleNotFoundError("the planners TPE and GP need Optuna: pip install optuna.")
    found = grids(frame)
    rows = []
    for source in dict.fromkeys(grid.name[0] for grid in found):
        chosen = [grid for grid in found if grid.name[0] == source and len(grid.rho) >= DENSE]
        if not chosen:
            continue
        model = fit([grid for grid in found if grid.name[0] not in (source, "convex")])
        for place, grid in enumerate(chosen):
            for part in range(offsets):
                offset = (part + float(np.random.default_rng([place, part]).random())) / offsets
                for planner in planners:
                    names = dict(zip(("source", "optimizer", "model", "schedule"), grid.name))
                    for row in PLANNERS[planner](_Replayed(grid, offset), place, model):
                        rows.append({**names, "offset": offset, "planner": planner, **row})
    return pd.DataFrame(rows)


def regrets(table: pd.DataFrame) -> pd.DataFrame:
    """The mean regret and the mean number of lost runs, one row for each source and planner, one column for each count of trials."""
    means = table.groupby(["source", "planner", "trials"])[["regret", "lost"]].mean().unstack("trials")
    return means[["regret", "lost"]]


def trials_needed(table: pd.DataFrame, wanted: float = WANTED) -> pd.Series:
    """From how many trials on the mean regret is and stays at most ``wanted``, for each source and planner; 11 where ten are too few.

    Between counts of trials the logarithm of the regret is on a straight line.
    """
    found = {}
    for key, row in regrets(table)["regret"].iterrows():
        values, counts = np.log(np.maximum(row.to_numpy(), 1e-9)), row.index.to_numpy(dtype=float)
        above = np.flatnonzero(values > np.log(wanted))
        if not len(above):
            found[key] = 1.0
        elif above[-1] == len(values) - 1:
            found[key] = MOST + 1.0
        else:
            around = slice(above[-1], above[-1] + 2)
            found[key] = float(np.interp(-np.log(wanted), -values[around], counts[around]))
    return pd.Series(found, name="trials")


def calibration(table: pd.DataFrame) -> pd.DataFrame:
    """Stated against counted chances of being lost of the proposals of ``next``: one row for each source and class of chances."""
    told = table[table["planner"] == "next"]
    classes = pd.cut(told["stated"], [-0.01, 0.02, 0.1, 0.3, 0.6, 1.0])
    grouped = told.assign(gone=told["gone"].astype(float)).groupby(["source", classes], observed=True)
    return grouped.agg(proposals=("gone", "size"), stated=("stated", "mean"), counted=("gone", "mean")).reset_index(
        names=["source", "class"]
    )
