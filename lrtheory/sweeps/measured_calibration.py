r"""Are the chances of losing a run that planners state the shares of runs that are lost?

The cells are those of :mod:`lrtheory.sweeps.measured_planning`: ``equal`` states a chance for each point of its plan of
ten, ``next`` one for each of ten proposals, from curves that are fitted to all other sources of networks.

**Results** (measured; all chances together, and what was counted with its interval):

    >>> from lrtheory.runs.tables import committed
    >>> table = pd.read_csv(committed() / "measured_calibration.csv")
    >>> for row in table[(table["above"] == 0) & (table["up to"] == 1)].to_dict("records"):
    ...     told = f"{row['stated']:.3f} {row['counted']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
    ...     print(f"{row['source']:8} {row['planner']:5} {told}")
    deepobs  equal 0.341 0.331 [0.238, 0.431]
    deepobs  next  0.088 0.096 [0.069, 0.124]
    networks equal 0.273 0.306 [0.284, 0.329]
    networks next  0.064 0.115 [0.106, 0.124]

* *Right for DeepOBS*, in the mean and class by class, as far as 15 tasks tell.
* *Too low for the small networks*, whose edge is nearer than that of the grids that the curves were fitted to: chances
  of ``next`` below 0.3 are two to four times too small. Those of ``equal`` are spread too little: runs with low ones
  are hardly ever lost, with high ones nearly always, as the edge of these tasks varies less than the model says.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self, final

import pandas as pd

from lrtheory.runs import Compute, Experiment
from lrtheory.statistics import percentile_interval, resamples
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.planning_replay import SOURCES, Replay, replays

PLANNERS = ("equal", "next")
CLASSES = (0.0, 0.02, 0.1, 0.3, 0.6, 1.0)
"""The ends of the classes of stated chances."""
RESAMPLES = 1_000


@final
@dataclass(frozen=True)
class MeasuredCalibration(Experiment):
    """On which grids ``sweep measured_calibration`` compares stated chances with counts.

    Args:
        sources: The sources of the grids: deepobs, networks, convex.
    """

    sources: tuple[str, ...] = ("deepobs", "networks")

    def __post_init__(self) -> None:
        for name in self.sources:
            if name not in SOURCES:
                raise ValueError(f"sources: {name!r} is not one of {', '.join(SOURCES)}.")
        check_unique("sources", self.sources)

    @classmethod
    def quick(cls) -> Self:
        """One source."""
        return cls(sources=("deepobs",))

    def cells(self) -> list[Replay]:
        """The cells: one for each grid and planner that states chances."""
        return replays(self.sources, PLANNERS)

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row for each source, planner and class of stated chances, and one for all classes together.

        ``above`` and ``up to`` are the ends of the class, ``stated`` the mean of its chances, and ``counted`` the share that
        was lost, with the 95 % interval ``low`` to ``high`` by resampling tasks with their optimizers. Where none or
        every one was lost, resampling says nothing; there the open end is that of the exact binomial interval with one
        trial for each task.
        """
        wanted = self.cells()
        frame = pd.concat(
            pd.DataFrame(
                {
                    "source": cell.source,
                    "planner": cell.planner,
                    "task": f"{cell.optimizer} {cell.model}",
                    "stated": result["stated"],
                    "gone": result["gone"],
                }
            )
            for cell, result in zip(wanted, compute(wanted))
        )
        rows = []
        for (source, planner), group in frame.groupby(["source", "planner"], sort=False):
            for above, up_to in (*pairwise(CLASSES), (CLASSES[0], CLASSES[-1])):
                inside = (group["stated"] > above) | (above == 0)
                chosen = group[inside & (group["stated"] <= up_to)]
                if len(chosen):
                    names = {"source": source, "planner": planner, "above": above, "up to": up_to}
                    rows.append({**names, **_counted(chosen)})
        return pd.DataFrame(rows)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """The terminal table: that of the experiment, with the interval beside what was counted."""
        shown = [
            f"{row['counted']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" for row in frame.to_dict("records")
        ]  # fmt: skip
        return frame.drop(columns=["counted", "low", "high"]).assign(counted=shown)


def _counted(chosen: pd.DataFrame) -> dict[str, float]:
    """What was stated and what was counted of some proposals."""
    by_task = chosen.groupby("task")["gone"].agg(["sum", "size"]).to_numpy(dtype=float)
    tasks, counted = len(by_task), by_task[:, 0].sum() / by_task[:, 1].sum()
    drawn = by_task[resamples(tasks, RESAMPLES)].sum(1)
    low, high = percentile_interval(drawn[1:, 0] / drawn[1:, 1])
    end = 0.025 ** (1 / tasks)
    low, high = end if counted == 1 else low, 1 - end if counted == 0 else high
    numbers = {"stated": float(chosen["stated"].mean()), "counted": counted, "low": low, "high": high}
    return {
        "proposals": len(chosen),
        "tasks": tasks,
        **{name: float(f"{value:.3g}") for name, value in numbers.items()},
    }
