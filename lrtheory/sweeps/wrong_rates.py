r"""What does a wrong rate cost real training? Public grids of rates, and the package's own networks.

A *grid* is a set of runs that differ in the base rate alone. Its *best* rate is the one with the lowest loss. The *excess* of
another is its loss above that, in nats, or as a *fraction* of what training gains (from the loss before training to the best
of the grid). A run is *lost* where it is not finite or a tenth of the gain is gone.

Sources (``figures/data/wrong_rates.md``): ``marin`` (language models, eleven optimizers, annealed to zero), ``124M`` (language
models under eleven schedules), ``deepobs`` (five problems, constant rates), ``networks`` (two small networks of this package) and
``convex`` (logistic regression of this package).

**Selection.** Grids were laid where their authors expected the best rate, and a grid that ends at its best says nothing of the
branch beyond. Such a grid is *censored* there: it is counted, and left out of the figures of that branch, never read as "no
loss beyond". The best of a noisy grid is flattered, so both branches lie a little too high.

**The edge** of a grid lies between the largest rate that is not lost, from the best upwards, and the next, which is lost;
its middle is taken (of logarithms). A grid whose largest rate is not lost is censored there.

**Results** (measured; ``summary`` has intervals from resampling grids). The median excess of half and of twice the
best rate, as a fraction of the gain, and the edge over the best rate:

    >>> found = grids(pd.read_csv(committed() / "wrong_rates.csv"))
    >>> for source in ("marin", "124M", "deepobs", "networks", "convex"):
    ...     row = statistics([grid for grid in found if grid.name[0] == source])
    ...     print(f"{source:8} {row['fraction at 0.5']:.4f} {row['fraction at 2']:.4f} {row['edge']:5.1f}")
    marin    0.0010 0.0025   2.8
    124M     0.0009 0.0008   inf
    deepobs  0.0063 0.0160   5.0
    networks 0.0157 0.0557   2.6
    convex   0.0480 0.0130  12.6

* *Networks and the convex theorem disagree, on the same rates.* In networks a rate that is too large costs more than
  one that is too small; in ``convex`` it is the other way, as the law says. The ``124M`` grids show no difference,
  but many of them end at their best.
* *Slopes.* Below the best rate the excess grows like a parabola in the logarithm of the rate in all sources of
  networks; above, before the edge, no slope is common to them.
* *The edge* is sharper than any grid.
* *By schedule* (``networks``): more annealing leaves less room above the best rate, as :mod:`lrtheory.theory.cliff`
  says where runs do not return.
* *Warm-up and size.* No source varies the warm-up alone, and the sizes of ``marin`` have too few grids of each
  optimizer to tell.
* *Quoted, not shipped* (Step Law, arXiv 2503.04715, 160 grids): half costs 0.009 nats and twice 0.012; at eight times
  53 % are lost.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np
import pandas as pd

from lrtheory.planning.rate_grid import LOST, RateGrid
from lrtheory.runs import Cell, Compute, Experiment
from lrtheory.runs.tables import committed
from lrtheory.statistics import draws, percentile_interval
from lrtheory.sweeps.checks import check_unique
from lrtheory.sweeps.rate_curves import curves

FEWEST = 3
"""Rates of the smallest grid that is taken."""
RESAMPLES = 200
RHOS = (1 / 8, 1 / 4, 1 / 2, 2, 4, 8)
VOCABULARY = {"marin": 128_256, "124M": 50_304}
"""Tokens: before training a language model loses the logarithm of their number."""


def _marin() -> pd.DataFrame:
    frame = pd.read_csv(committed() / "marin_learning_rates.csv")
    frame["model"] = frame["params"] + " x" + frame["chinchilla"].astype(str)
    frame["before"] = np.log(VOCABULARY["marin"])
    return frame.assign(schedule="annealed")


def _124m() -> pd.DataFrame:
    frame = pd.read_csv(committed() / "llm_learning_rates.csv")
    fraction = frame["cooldown_fraction"].map(lambda part: "" if pd.isna(part) else f" {part:g}")
    frame["schedule"], frame["optimizer"] = frame["schedule"] + fraction, "adamw"
    frame["model"] = "124M " + frame["steps"].astype(str)
    frame["before"] = np.log(VOCABULARY["124M"])
    frame = frame.rename(columns={"peak_learning_rate": "lr", "final_validation_loss": "loss"})
    keys = ["optimizer", "model", "schedule", "lr", "before"]
    return frame.groupby(keys, as_index=False).agg(loss=("loss", "mean"))


def _deepobs() -> pd.DataFrame:
    frame = pd.read_csv(committed() / "deepobs_learning_rates.csv")
    frame["before"] = frame.groupby("problem")["first_train_loss"].transform("median")
    names = {"problem": "model", "final_train_loss": "loss"}
    return frame.rename(columns=names).assign(schedule="constant")


def _own(convex: bool) -> pd.DataFrame:
    frame = pd.read_csv(committed() / "networks.csv")
    parts = []
    for (task, optimizer, schedule), curve in curves(frame).items():
        if task.startswith("logistic") == convex:
            names = {"model": task, "optimizer": optimizer, "schedule": schedule, "before": curve.limit}
            loss = np.where(np.isfinite(curve.mean), curve.mean, np.nan)
            parts.append(pd.DataFrame({**names, "lr": curve.lrs, "loss": loss}))
    return pd.concat(parts, ignore_index=True)


SOURCES: dict[str, Callable[[], pd.DataFrame]] = {
    "marin": _marin,
    "124M": _124m,
    "deepobs": _deepobs,
    "networks": lambda: _own(False),
    "convex": lambda: _own(True),
}


@dataclass(frozen=True)
class SourceCell(Cell):
    """All grids of one source; the field is its name."""

    source: str

    def compute(self) -> dict[str, Any]:
        """The runs of a source as lists: its grids with at least three rates, one after another."""
        keys = ["optimizer", "model", "schedule"]
        frame = SOURCES[self.source]().sort_values([*keys, "lr"])
        frame = frame[frame.groupby(keys)["lr"].transform("size") >= FEWEST]
        best = frame.groupby(keys)["loss"].transform("min")
        frame["excess"] = frame["loss"] - best
        frame["fraction"] = (frame["excess"] / (frame["before"] - best)).clip(upper=1).fillna(1.0)
        frame["lost"] = frame["fraction"] > LOST
        frame["rho"] = (
            frame["lr"]
            / frame.loc[frame.groupby(keys)["loss"].idxmin()]
            .set_index(keys)["lr"]
            .reindex(pd.MultiIndex.from_frame(frame[keys]))
            .to_numpy()
        )
        for name in ("excess", "fraction", "rho"):
            frame[name] = frame[name].map(lambda value: float(f"{value:.6g}"))
        columns = [*keys, "lr", "rho", "excess", "fraction", "lost"]
        runs = {name: frame[name].tolist() for name in columns}
        return runs | {"excess": [excess if math.isfinite(excess) else None for excess in runs["excess"]]}


def grids(frame: pd.DataFrame) -> list[RateGrid]:
    """The grids of a table."""
    found = []
    for name, group in frame.groupby(["source", "optimizer", "model", "schedule"], sort=False):
        group = group.sort_values("lr")
        columns = {column: group[column].to_numpy(dtype=float) for column in ("rho", "fraction", "excess")}
        found.append(RateGrid(tuple(map(str, name)), **columns, lrs=group["lr"].to_numpy()))  # pyright: ignore[reportArgumentType]
    return found


def statistics(chosen: list[RateGrid]) -> dict[str, float]:
    """The figures of some grids; NaN where no grid has what is asked for."""
    below = [grid for grid in chosen if grid.best > 0]
    above = [grid for grid in chosen if grid.best < len(grid.rho) - 1]
    row: dict[str, float] = {}
    for rho in RHOS:
        side = above if rho > 1 else below
        values = np.array([value for grid in side if (value := grid.at(rho)) is not None])
        row[f"fraction at {rho:g}"] = float(np.median(values)) if len(values) else np.nan
        row[f"lost at {rho:g}"] = float((values > LOST).mean()) if len(values) else np.nan
    for name, side in (("slope below", below), ("slope above", above)):
        slopes = np.array([grid.slope(above=name == "slope above") for grid in side])
        row[name] = float(np.nanmedian(slopes)) if np.isfinite(slopes).any() else np.nan
    edges = [grid.edge for grid in above]
    seen = [(low, high) for low, high in edges if np.isfinite(high)]
    # The median with censored edges at their lower ends: right while fewer than half are censored.
    middles = [np.sqrt(low * high) if np.isfinite(high) else np.inf for low, high in edges]
    row["edge"] = float(np.median(middles)) if middles else np.nan
    row["edges seen"] = len(seen) / len(edges) if edges else np.nan
    return row


@final
@dataclass(frozen=True)
class WrongRates(Experiment):
    """Which cells ``sweep wrong_rates`` computes.

    Args:
        sources: The sources of the grids: marin, 124M, deepobs, networks, convex.
    """

    sources: tuple[str, ...] = tuple(SOURCES)

    def __post_init__(self) -> None:
        check_unique("sources", self.sources)
        for name in self.sources:
            if name not in SOURCES:
                raise ValueError(f"{name!r} is no source of this sweep; there are {', '.join(SOURCES)}.")

    @classmethod
    def quick(cls) -> Self:
        """The language models alone."""
        return cls(sources=("marin", "124M"))

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row for each run: its grid (source, optimizer, model, schedule), its rate, rate over best, excess and loss."""
        wanted = [SourceCell(source) for source in self.sources]
        rows = [pd.DataFrame({"source": cell.source, **result}) for cell, result in zip(wanted, compute(wanted))]
        return pd.concat(rows, ignore_index=True)

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """The terminal table: one row for each source, and for each optimizer of it, with 95 % intervals by resampling grids."""
        found, rows, random = grids(frame), [], np.random.default_rng(0)
        groups: dict[tuple[str, str], list[RateGrid]] = {}
        for grid in found:
            groups.setdefault((grid.name[0], "all"), []).append(grid)
        for grid in found:
            if grid.name[0] in ("marin", "deepobs", "networks"):
                groups.setdefault((grid.name[0], grid.name[1]), []).append(grid)
            if grid.name[0] == "networks":
                groups.setdefault((grid.name[0], grid.name[3]), []).append(grid)
        for (source, group), chosen in groups.items():
            value = statistics(chosen)
            drawn = pd.DataFrame(
                [statistics([chosen[i] for i in row]) for row in draws(len(chosen), RESAMPLES, random)]
            )
            ends = sum(grid.best == len(grid.rho) - 1 for grid in chosen), sum(grid.best == 0 for grid in chosen)
            row = {"source": source, "group": group, "grids": len(chosen), "best at top/bottom": f"{ends[0]}/{ends[1]}"}
            for name, number in value.items():
                known = drawn[name].notna().any()
                low, high = percentile_interval(drawn[name].to_numpy()) if known else (np.nan, np.nan)
                row[name] = "-" if np.isnan(number) else f"{number:.3g} [{low:.3g}, {high:.3g}]"
            rows.append(row)
        return pd.DataFrame(rows)
