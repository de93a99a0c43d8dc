"""What the one-dimensional simulator saves: its time against peers on the same work, and against its own work."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import styled


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m tests.peers simulators``."""
    return pd.read_csv(folder / "simulator_speed.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Left, core time per step, with its least and greatest; right, seconds on all cores as the work grows, and a line."""
    peers = frame[frame["kernel"] == "one-dimensional"].sort_values("median", ascending=False)
    growth = frame[frame["kernel"] == "work"].sort_values("work")
    with styled():
        figure = Figure(figsize=(7.2, 3.4))
        left, right = figure.subplots(1, 2, width_ratios=(1.3, 1))
        places = np.arange(len(peers))
        ours = peers["peer"].str.startswith("lrtheory")
        ends = [peers["median"] - peers["min"], peers["max"] - peers["median"]]
        left.barh(places, peers["median"], color=np.where(ours, "#0072B2", "0.6"), xerr=ends)
        for place, median, ratio in zip(places, peers["max"], peers["ratio"]):
            left.annotate(f"{ratio:.3g}", (median, place), (3, 0), textcoords="offset points", va="center")
        left.set(
            xscale="log",
            xlabel="ns of one core a step; ratio to the fastest form",
            yticks=places,
            title="the same work",
        )
        left.set_yticklabels(peers["peer"])
        left.set_xlim(right=6 * peers["max"].max())
        seconds = {name: growth[name] * growth["work"] / 1e9 for name in ("min", "median", "max")}
        right.errorbar(
            growth["work"],
            seconds["median"],
            [seconds["median"] - seconds["min"], seconds["max"] - seconds["median"]],
            color="#0072B2",
            marker="o",
            linestyle="none",
        )
        line = seconds["median"].iloc[-1] * growth["work"] / growth["work"].iloc[-1]
        right.plot(growth["work"], line, color="0.35", label="linear")
        right.set(
            xscale="log", yscale="log", xlabel="steps of one replica", ylabel="seconds, all cores", title="more work"
        )
        right.legend()
    return figure
