"""What planners of rates did on real grids, and how far their stated chances were right."""

from typing import Any

from lrtheory.estimate import Estimate
from lrtheory.report.tables import table
from lrtheory.report.values import Facts, Interval, Table

SOURCES = {"deepobs": "DeepOBS", "networks": "small networks", "convex": "logistic regression"}
PLANNERS = {
    "equal": "equal spacing", "convex": "`risk=\"convex\"`", "next": "`next_lr`", "TPE": "Optuna's TPE", "GP": "Optuna's GP",
}  # fmt: skip


def planning_part() -> Facts:
    """A table of planners, one of calibration, and the numbers that sentences state."""
    frame = table("measured_planning")
    columns = {
        "trials to 0.01": ".1f",
        "over equal 0.01": ".2f",
        "over equal 0.003": ".2f",
        "lost at 3": ".2f",
        "lost at 10": ".2f",
    }
    header = ["grids", "planner", "trials to 1 %", "over equal spacing", "to 0.3 %, over it", "lost of 3", "lost of 10"]
    rows = []
    for row in frame.to_dict("records"):
        shown = [Interval(_estimate(row, name), spec) for name, spec in columns.items()]
        rows.append([SOURCES[row["source"]], PLANNERS[row["planner"]], *shown])
    yield "readme/planning", Table(header, rows, "llrrrrr")
    by_name = {(row["source"], row["planner"]): row for row in frame.to_dict("records")}
    yield "planning/next/percent", Interval(_estimate(by_name["networks", "next"], "over equal 0.01"), ".2f")
    for planner in ("equal", "convex"):
        yield f"planning/{planner}/lost", Interval(_estimate(by_name["networks", planner], "lost at 3"), ".2f")

    frame = table("measured_calibration")
    header = ["grids", "planner", "stated chances", "proposals", "mean stated", "share lost"]
    rows = []
    for row in frame.to_dict("records"):
        everything = (row["above"], row["up to"]) == (0, 1)
        rows.append([
            SOURCES[row["source"]], PLANNERS[row["planner"]],
            "all" if everything else f"{row['above']:g} to {row['up to']:g}", f"{row['proposals']:,}", f"{row['stated']:.3f}",
            Interval(Estimate(row["counted"], row["low"], row["high"]), ".3f"),
        ])  # fmt: skip
    yield "readme/calibration", Table(header, rows, "lllrrr")


def _estimate(row: dict[Any, Any], name: str) -> Estimate:
    return Estimate(row[name], row[f"{name} low"], row[f"{name} high"])
