r"""How many trials does a planner need to find a good rate? Replayed on grids that its curves have not seen.

What a replay is, and which planners take part, is said in :mod:`lrtheory.sweeps.planning_replay`.

**Results** (measured; 15 grids of ``deepobs``, 54 of small ``networks`` and 54 of ``convex`` logistic regression, three ranges
each; ``measured_planning.csv`` has all intervals). Trials to a mean regret of 1 %, the same over those of equal spacing, to
0.3 % over those, and lost runs in three and in ten trials:

    >>> from lrtheory.runs.tables import committed
    >>> table = pd.read_csv(committed() / "measured_planning.csv")
    >>> for row in table.to_dict("records"):
    ...     told = (row[name] for name in ("trials to 0.01", "over equal 0.01", "over equal 0.003", "lost at 3", "lost at 10"))
    ...     print(f"{row['source']:8} {row['planner']:6}", *(f"{number:.2f}" for number in told))
    deepobs  equal  3.48 1.00 1.00 0.96 3.31
    deepobs  convex 3.48 1.00 1.00 0.96 3.31
    deepobs  next   3.39 0.98 0.58 0.91 0.96
    deepobs  TPE    5.83 1.68 1.21 0.98 2.89
    deepobs  GP     5.38 1.55 1.35 0.98 1.53
    networks equal  4.28 1.00 1.00 0.77 3.06
    networks convex 3.98 0.93 1.11 1.08 3.28
    networks next   3.59 0.84 0.56 1.07 1.15
    networks TPE    6.79 1.59 1.52 0.99 2.81
    networks GP     5.65 1.32 1.37 0.99 1.48
    convex   equal  4.41 1.00 1.00 0.65 2.36
    convex   convex 4.43 1.00 1.00 0.79 2.59
    convex   next   3.96 0.90 0.53 0.74 0.78
    convex   TPE    7.64 1.73 1.20 0.83 2.23
    convex   GP     4.75 1.08 0.70 0.83 1.35

* *The sequential planner* was to need at most 0.8 of the trials of equal spacing to a mean regret of 1 %: that is *missed*. To
  smaller regrets it needs about half, and in ten trials it loses a third of the runs; in three it loses as many or more.
* *Optuna* needs more trials than ``next`` at every regret.
* *The convex plan* gains nothing over equal spacing, on logistic regression neither, and on the networks it loses more runs of
  three and of five. Under the constant schedules of ``deepobs`` it is equal spacing.
* *Points placed at once by the measured curve* were worse than equally spaced ones: they needed 1.35 and 1.33 times the
  trials of equal spacing to 1 % on 33 of these grids, for they avoided the upper end. They are no longer offered.
* *Intervals* for ``networks`` and ``convex`` are of six tasks with their optimizers each: they say little of other tasks.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import numpy as np
import pandas as pd

from lrtheory.runs import Compute, Experiment
from lrtheory.statistics import percentile_interval, resamples
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.planning_replay import MOST, PLANNERS, SOURCES, Replay, replays

REGRETS = (0.01, 0.003, 0.001)
"""The mean regrets that trials are counted to."""
SHOWN = (3, 5, MOST)
"""Numbers of trials whose regrets and lost runs are told."""
RESAMPLES = 1_000


@final
@dataclass(frozen=True)
class MeasuredPlanning(Experiment):
    """Which planners ``sweep measured_planning`` replays.

    Args:
        sources: The sources of the grids: deepobs, networks, convex.
        planners: Names of planners: equal, which the others are compared with, convex, next, TPE, GP.
    """

    needs: ClassVar = {"optuna": "optuna", "torch": "torch"}

    sources: tuple[str, ...] = SOURCES
    planners: tuple[str, ...] = tuple(PLANNERS)

    def __post_init__(self) -> None:
        for field, given, known in (("sources", self.sources, SOURCES), ("planners", self.planners, tuple(PLANNERS))):
            for name in given:
                if name not in known:
                    raise ValueError(f"{field}: {name!r} is not one of {', '.join(known)}.")
            check_unique(field, given)
        if "equal" not in self.planners:
            raise ValueError("planners must hold equal, which the others are compared with.")

    @classmethod
    def quick(cls) -> Self:
        """Without Optuna's planners, on one source."""
        return cls(sources=("deepobs",), planners=("equal", "convex", "next"))

    def cells(self) -> list[Replay]:
        """The cells: one for each grid and planner."""
        return replays(self.sources, self.planners)

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row for each source and planner, to three digits.

        ``trials to R`` is the number of trials to a mean regret of ``R``, and ``over equal R`` its ratio to that of
        ``equal``; ``regret at N`` and ``lost at N`` are the mean regret and number of lost runs after ``N`` trials.
        Columns that end in ``low`` and ``high`` are 95 % intervals by resampling, the same draws for all planners. What
        is drawn are tasks with their optimizers: grids that differ in the schedule alone are alike.
        """
        wanted = self.cells()
        return compared([(cell, result) for cell, result in zip(wanted, compute(wanted))])

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """The terminal table: one row for each source and planner, with intervals."""
        rows = []
        for row in frame.to_dict("records"):
            shown = {name: row[name] for name in ("source", "planner", "grids")}
            for name in (
                *(f"{kind} {wanted:g}" for kind in ("trials to", "over equal") for wanted in REGRETS),
                *(f"lost at {trials}" for trials in SHOWN),
            ):
                shown[name] = f"{row[name]:.3g} [{row[f'{name} low']:.3g}, {row[f'{name} high']:.3g}]"
            rows.append(shown)
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


def compared(played: list[tuple[Replay, dict[str, Any]]]) -> pd.DataFrame:
    """The table of :class:`MeasuredPlanning` from its cells and their results."""
    frame = pd.concat(
        [
            pd.DataFrame(
                {
                    "source": cell.source,
                    "planner": cell.planner,
                    "task": f"{cell.optimizer} {cell.model}",
                    "schedule": cell.schedule,
                    **{name: result[name] for name in ("trials", "regret", "lost")},
                }
            )
            for cell, result in played
        ]
    )
    rows = []
    for source, group in frame.groupby("source", sort=False):
        # Every task has as many schedules, so that the mean over tasks is the mean over grids.
        regret, lost = (
            group.pivot_table(index=["planner", "task"], columns="trials", values=name) for name in ("regret", "lost")
        )
        equal = regret.loc["equal"].to_numpy()
        draws = resamples(len(equal), RESAMPLES)
        for planner in dict.fromkeys(group["planner"]):
            values, gone = regret.loc[planner].to_numpy(), lost.loc[planner].to_numpy()
            grids = len(group[group["planner"] == planner][["task", "schedule"]].drop_duplicates())
            row = {"source": source, "planner": planner, "grids": grids, "tasks": len(equal)}
            for wanted in REGRETS:
                needed = np.array([trials_needed(values[draw].mean(0), wanted) for draw in draws])
                alike = np.array([trials_needed(equal[draw].mean(0), wanted) for draw in draws])
                row |= _interval(f"trials to {wanted:g}", needed) | _interval(f"over equal {wanted:g}", needed / alike)
            for trials in SHOWN:
                row |= _interval(f"regret at {trials}", values[draws, trials - 1].mean(1))
                row |= _interval(f"lost at {trials}", gone[draws, trials - 1].mean(1))
            rows.append(row)
    table = pd.DataFrame(rows)
    numbers = table.columns[4:]
    table[numbers] = table[numbers].map(lambda value: float(f"{value:.3g}"))
    return table


def _interval(name: str, values: np.ndarray) -> dict[str, float]:
    low, high = percentile_interval(values[1:])
    return {name: values[0], f"{name} low": low, f"{name} high": high}
