"""What the table of ``sweep transformers`` says: the basin of each setting, which is the loss against the rate."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

import numpy as np
import pandas as pd

from lrtheory.planning.rate_grid import LOST
from lrtheory.statistics import percentile_interval, resamples

SETTING = ("part", "optimizer", "warmup", "clip", "horizon", "batch", "width", "depth")
"""The columns that, with the schedule, two runs must share to differ in rate and seed alone."""
RESAMPLES = 1_000
FACTORS = (1 / 4, 1 / 2, 2.0, 4.0, 8.0)
"""The wrong rates, over the best one, whose cost is stated."""
DECADE = 10.0
DENSE = 201
"""Rates between a tenth and ten times the best at which the mean cost is summed."""


class Setting(NamedTuple):
    """What two runs share that differ in rate and seed alone."""

    part: str
    optimizer: str
    warmup: float
    clip: float
    horizon: int
    batch: int
    width: int
    depth: int
    schedule: str


@dataclass(frozen=True)
class Basin:
    """The losses of one setting against the rate.

    Args:
        lrs: Rates, rising.
        losses: In nats, shape ``(rates, seeds)``; the loss before training where a run diverged or ended above it.
        before: The loss before training.
        diverged: The number of runs that did not end below it.
    """

    lrs: np.ndarray
    losses: np.ndarray
    before: float
    diverged: int

    def of(self, seeds: np.ndarray) -> Self:
        """The basin of some of its runs, repetitions allowed."""
        return replace(self, losses=self.losses[:, seeds])

    @property
    def mean(self) -> np.ndarray:
        """The mean loss at each rate."""
        return self.losses.mean(1)

    @property
    def at_end(self) -> bool:
        """Whether the best of the rates that were tried is the first or the last."""
        return int(np.argmin(self.mean)) in (0, len(self.lrs) - 1)

    @property
    def best_lr(self) -> float:
        """The best rate: the vertex of the parabola through the best of those that were tried and its neighbours."""
        mean, place = self.mean, int(np.argmin(self.mean))
        if self.at_end:
            return float(self.lrs[place])
        near = slice(place - 1, place + 2)
        curvature, slope, _ = np.polyfit(np.log(self.lrs[near] / self.lrs[place]), mean[near], 2)
        return float(self.lrs[place] * np.exp(-slope / (2 * curvature)))

    @property
    def best(self) -> float:
        """The smallest mean loss of the rates that were tried."""
        return float(self.mean.min())

    def cost(self, factor: float) -> float:
        """Nats that are lost at this many times the best rate, on straight lines in the logarithm; NaN beyond the rates."""
        place = np.log(factor * self.best_lr)
        return float(np.interp(place, np.log(self.lrs), self.mean, left=np.nan, right=np.nan)) - self.best

    @property
    def decade(self) -> float:
        """Nats that are lost in the mean, uniformly in the logarithm of the rate, from the best to ten times as much."""
        return float(np.mean([self.cost(factor) for factor in np.geomspace(1.0, DECADE, DENSE)]))

    @property
    def margin(self) -> float:
        """How many times the best rate loses a tenth of what training gains; infinite where no rate that was tried does."""
        lost = (self.mean - self.best) / (self.before - self.best)
        place = int(np.argmin(self.mean))
        over = np.flatnonzero(lost[place:] > LOST)
        if not len(over):
            return np.inf
        last = place + int(over[0])
        lrs = np.log(self.lrs[last - 1 : last + 1])
        return float(np.exp(np.interp(LOST, lost[last - 1 : last + 1], lrs)) / self.best_lr)

    @property
    def steepest(self) -> float:
        """The largest part of what training gains that is lost from one rate to the next, above the best: a cliff is near 1."""
        above = self.mean[int(np.argmin(self.mean)) :]
        return float(np.diff(above).max(initial=0.0) / (self.before - self.best))


def basins(frame: pd.DataFrame, measure: str = "last") -> dict[Setting, Basin]:
    """The basins of a table of runs, over the seeds that every rate of a setting has.

    Args:
        frame: One row per run.
        measure: The column of the losses: last, ema, merged_2, ...
    """
    found = {}
    for key, group in frame.groupby([*SETTING, "schedule"], sort=False):
        before = float(group["before"].mean())
        below = group[measure].astype(float).fillna(np.inf)
        group = group.assign(loss=below.clip(upper=before), untrained=below >= before)
        losses = group.pivot_table(index="lr", columns="seed", values="loss").dropna(axis=1)
        lost = int(group.loc[group["seed"].isin(losses.columns), "untrained"].sum())
        if losses.shape[1]:
            found[Setting._make(key)] = Basin(losses.index.to_numpy(), losses.to_numpy(), before, lost)
    return found


def bootstrapped(basin: Basin, measure: str) -> tuple[float, float, float]:
    """A number of a basin, and its 95 % interval over seeds; the interval is NaN for one seed."""
    seeds = basin.losses.shape[1]
    values = np.array([getattr(basin.of(draw), measure) for draw in resamples(seeds, RESAMPLES)])
    return (float(values[0]), *(percentile_interval(values[1:]) if seeds > 1 else (np.nan, np.nan)))


def compared(first: Basin, second: Basin, measure: str) -> tuple[float, float, float]:
    """The logarithm of the ratio of a number of two basins, with its interval: seeds are drawn once for both."""
    seeds = min(first.losses.shape[1], second.losses.shape[1])
    values = np.array(
        [
            np.log(getattr(first.of(draw), measure) / getattr(second.of(draw), measure))
            for draw in resamples(seeds, RESAMPLES)
        ]
    )
    return (float(values[0]), *(percentile_interval(values[1:]) if seeds > 1 else (np.nan, np.nan)))


def shown(found: dict[Setting, Basin]) -> pd.DataFrame:
    """One row per setting and schedule, as text."""
    rows = []
    for setting, basin in found.items():
        remedies = " and ".join(
            name for name, given in (("warm-up", setting.warmup), ("clipping", setting.clip)) if given
        )
        _, low, high = bootstrapped(basin, "best")
        rows.append(
            {
                "part": setting.part, "optimizer": setting.optimizer, "remedies": remedies or "none",
                "T": setting.horizon, "batch": setting.batch, "width": setting.width, "schedule": setting.schedule,
                "best lr": f"{basin.best_lr:.3g}{' (end)' if basin.at_end else ''}",
                "loss": f"{basin.best:.3f} [{low:.3f}, {high:.3f}]",
                **{f"x {factor:g}": f"{basin.cost(factor):+.3f}" for factor in FACTORS},
                "decade": f"{basin.decade:.3f}", "margin": f"{basin.margin:.3g}", "steepest": f"{basin.steepest:.2f}",
                "untrained": f"{basin.diverged}/{basin.losses.size}",
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
