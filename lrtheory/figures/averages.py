"""What averages, momentum and adaptivity forgive: profiles in ``rho``, as proved and as simulated, and short runs as judged."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import shown, styled

SHOWN: dict[tuple[str, str, str], tuple[str, dict[str, Any]]] = {
    ("sgd", "last", "Constant()"): ("constant", {"color": "#000000", "marker": "o"}),
    ("sgd", "uniform", "Constant()"): ("constant, averaged", {"color": "#888888", "marker": "s"}),
    ("sgd", "last_third", "Constant()"): ("last third averaged", {"color": "#E69F00", "marker": ">"}),
    ("sgd", "exponential", "Constant()"): ("exponential average", {"color": "#999933", "marker": "<"}),
    ("sgd", "last", "Polynomial(1)"): ("linear", {"color": "#0072B2", "marker": "D"}),
    ("sgd", "exponential", "Polynomial(1)"): ("linear, averaged", {"color": "#56B4E9", "marker": "d"}),
    ("sgd", "last", "Robust(16)"): ("robust, R = 16", {"color": "#D55E00", "marker": "P"}),
    ("schedule_free", "last", "Constant()"): ("schedule-free", {"color": "#009E73", "marker": "^", "linestyle": "--"}),
    ("heavy_ball", "last", "Polynomial(1)"): ("heavy ball, linear", {"color": "#332288", "marker": "v"}),
    ("adagrad", "uniform", "Constant()"): ("AdaGrad, averaged", {"color": "#CC79A7", "marker": "x"}),
    ("adagrad", "last", "Polynomial(1)"): ("AdaGrad, linear", {"color": "#882255", "marker": "*"}),
}
"""The methods that are drawn, by their columns: more would hide one another."""

KEYS = ["rule", "average", "schedule"]


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep averages``."""
    return pd.read_csv(folder / "averages.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Upper bounds and simulated losses against ``rho``; lower bounds as dotted lines where they are above half of them."""
    long = frame[frame["simulated"].notna()]
    groups = dict(iter(long.groupby(KEYS, sort=False)))
    names = [key for key in SHOWN if key in groups] or list(groups)
    with styled():
        figure = Figure(figsize=(7.2, 3.6))
        bounds, runs = figure.subplots(1, 2, sharex=True, sharey=True)
        for key in names:
            text, style = SHOWN.get((*map(str, key),), (" ".join(map(str, key)), {}))  # pyright: ignore[reportArgumentType,reportCallIssue]
            group, style = groups[key], {"markersize": 4, "linewidth": 1.1, "linestyle": "-", **style}
            handle = {"label": text, **style}
            if group["upper"].notna().any():
                bounds.loglog(group["rho"], shown(group["upper"]), **style)
            near = group[group["lower"] > group["upper"] / 2]
            if (near["rho"] > 4).any():
                bounds.loglog(near["rho"], shown(near["lower"]), **{**style, "marker": "none", "linestyle": ":"})
            margin = 1.96 * group["standard_error"]
            runs.errorbar(group["rho"], shown(group["simulated"]), shown(margin), **handle)
        bounds.plot([], [], color="0.4", linestyle=":", marker="none", label="lower bound")
        bounds.legend(loc="upper left", fontsize=7)
        bounds.set(title="upper bound", ylabel=r"loss over $DG/\sqrt{T}$")
        runs.set(title=r"simulated, worst of $\epsilon|x|$")
        ticks = [tick for tick in (0.25, 1, 4, 16, 64, 256) if long["rho"].min() <= tick <= long["rho"].max()]
        for panel in (bounds, runs):
            panel.set_xlabel(r"rate over tuned rate, $\rho$")
            panel.set_xticks(ticks, ["1/4" if tick < 1 else f"{tick:g}" for tick in ticks])
            panel.minorticks_off()
        largest = float(np.nanmax(long[["upper", "simulated"]].to_numpy()))
        levels = [level for level in (0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128) if level <= 1.2 * largest]
        bounds.set_yticks(levels, [f"{level:g}" for level in levels])
        handles, labels = runs.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=7)
    return figure
