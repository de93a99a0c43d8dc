r"""How many trials does a planner need? Replayed on grids that were run in full, by curves fitted without them.

The grids are those of :mod:`lrtheory.sweeps.wrong_rates` with at least twenty rates. A planner is told a range of
three decades around the best rate, at a random offset in each third, and proposes rates; each is replaced by the
nearest of the grid. Its *regret* after ``n`` trials is the fraction of the gain that its best trial leaves, 1 where
all are lost; a trial is *lost* above the best rate where a tenth of the gain is gone. The measured curves are fitted
to all other sources, never to the one that is replayed.

Planners: ``equal`` (``n`` points, equally spaced in the logarithm, :func:`lrtheory.planning.measured.plan_measured`),
``convex`` (:func:`lrtheory.theory.grid_planning.plan_convex`), ``next`` (:func:`lrtheory.planning.measured.next_lr`,
without a stop), and where Optuna is installed its ``TPE`` and ``GP``, both with three random trials first (their
default of ten would leave a random search here), which are told the fraction, 1 for a lost run.

**Results** (measured; 15 grids of ``deepobs``, and the 18 of ``networks`` under constant, linear and cosine
schedules, three ranges each; ``measured_planning.csv`` has all intervals). Trials to a mean regret of 1 %, trials to
0.3 % over those of equal spacing, and lost runs in ten trials:

    >>> from lrtheory.runs.tables import committed
    >>> table = pd.read_csv(committed() / "measured_planning.csv")
    >>> for row in table[table["planner"] != "convex"].to_dict("records"):
    ...     told = row["trials to 0.01"], row["over equal 0.003"], row["lost at 10"]
    ...     print(f"{row['source']:8} {row['planner']:8}", *(f"{number:.2f}" for number in told))
    deepobs  equal    3.48 1.00 3.31
    deepobs  next     3.56 0.60 1.02
    deepobs  TPE      5.83 1.21 2.89
    deepobs  GP       5.38 1.35 1.53
    networks equal    3.72 1.00 3.39
    networks next     3.57 0.54 1.15
    networks TPE      6.62 1.19 3.19
    networks GP       5.76 1.18 1.56

* *The sequential planner* needs as many trials as equal spacing to a mean regret of 1 %: the target of 0.8 of them is
  *missed* there. To smaller regrets it needs about half, and it loses a third of the runs.
* *Optuna* needs more trials than ``next`` at every regret.
* *Points placed at once by the measured curve are not good*: they needed 1.4 [1.05, 1.68] and 1.3 times the trials of equal
  spacing to 1 %, for they avoided the upper end, and lost fewer runs (2.7 and 2.5). They are no longer offered: equal
  spacing, or better a sequence, is the advice.
* *Calibration* (``measured_calibration.csv``): chances of being lost that are taken from other sources are stated too
  low for small networks.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Any

import numpy as np
import pandas as pd

from lrtheory.planning.excess_curve import ExcessModel, fit
from lrtheory.planning.measured import equally_spaced, next_lr
from lrtheory.planning.rate_grid import LOST, RateGrid
from lrtheory.schedules import Constant, parse
from lrtheory.statistics import percentile_interval, resamples
from lrtheory.sweeps.wrong_rates import grids
from lrtheory.theory.grid_planning import plan_convex

OFFSETS = 3
DECADES = 3.0
MOST = 10
DENSE = 20
REGRETS = (0.01, 0.003, 0.001)
"""The mean regrets that trials are counted to."""
RESAMPLES = 1_000


class _Replayed:
    """A grid that answers with its nearest run, and counts what it was asked."""

    def __init__(self, grid: RateGrid, offset: float) -> None:
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
    return equally_spaced(run.low, run.high, trials).tolist()


def _convex(run: _Replayed, trials: int) -> Sequence[float]:
    name = run.grid.name[3]
    schedule = Constant() if name == "constant" else parse(name)
    return plan_convex(run.low, run.high, schedule=schedule, trials=trials).points


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
        import optuna  # pyright: ignore[reportMissingImports]

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


def trials_needed(regret: np.ndarray, wanted: float) -> float:
    """From how many trials on a regret is at most ``wanted``; 11 where ten are too few.

    Args:
        regret: The mean regrets of one to ten trials.
        wanted: Positive.

    Between counts of trials the logarithm of the regret is on a straight line.

    Example:
        >>> trials_needed(np.array([0.1, 0.01, 0.001]), 0.01), trials_needed(np.array([0.1, 0.1]), 0.01)
        (2.0, 11.0)
    """
    values = np.log(np.maximum(regret, 1e-9)) - np.log(wanted)
    above = np.flatnonzero(values > 1e-12)
    if not len(above):
        return 1.0
    last = int(above[-1])
    if last == len(values) - 1:
        return MOST + 1.0
    return float(last + 1 + values[last] / (values[last] - values[last + 1]))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """One row for each source and planner: trials to a mean regret, their ratio to ``equal``, regrets, lost runs.

    The columns ``low`` and ``high`` are 95 % intervals by resampling whole grids, the same ones for all planners.
    """
    keys = ["source", "planner", "optimizer", "model", "schedule"]
    rows = []
    for source, group in table.groupby("source"):
        regret, lost = (
            group.pivot_table(index=keys, columns="trials", values=value).droplevel("source")
            for value in ("regret", "lost")
        )
        count = len(regret.loc["equal"])
        draws = resamples(count, RESAMPLES)
        equal = regret.loc["equal"].to_numpy()
        for planner in [name for name in PLANNERS if name in regret.index]:
            values, gone = regret.loc[planner].to_numpy(), lost.loc[planner].to_numpy()
            row = {"source": source, "planner": planner, "grids": count}
            for wanted in REGRETS:
                needed = np.array([trials_needed(values[draw].mean(0), wanted) for draw in draws])
                alike = np.array([trials_needed(equal[draw].mean(0), wanted) for draw in draws])
                row |= _interval(f"trials to {wanted:g}", needed) | _interval(f"over equal {wanted:g}", needed / alike)
            for trials in (3, 5, 10):
                row[f"regret at {trials}"] = values[:, trials - 1].mean()
                row |= _interval(f"lost at {trials}", np.array([gone[draw, trials - 1].mean() for draw in draws]))
            rows.append(row)
    frame = pd.DataFrame(rows)
    numbers = frame.columns[3:]
    frame[numbers] = frame[numbers].map(lambda value: float(f"{value:.3g}"))
    return frame


def _interval(name: str, values: np.ndarray) -> dict[str, float]:
    low, high = percentile_interval(values[1:])
    return {name: values[0], f"{name} low": low, f"{name} high": high}


def calibration(table: pd.DataFrame) -> pd.DataFrame:
    """Stated against counted chances of being lost of the proposals of ``next``: one row for each source and class of chances."""
    told = table[table["planner"] == "next"]
    classes = pd.cut(told["stated"], [-0.01, 0.02, 0.1, 0.3, 0.6, 1.0])
    grouped = told.assign(gone=told["gone"].astype(float)).groupby(["source", classes], observed=True)
    return grouped.agg(proposals=("gone", "size"), stated=("stated", "mean"), counted=("gone", "mean")).reset_index(
        names=["source", "class"]
    )
