"""The cliff in real training: what a wrong rate costs, one panel for each source of grids."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import styled
from lrtheory.planning.rate_grid import LOST
from lrtheory.sweeps.wrong_rates import grids

TITLES = {
    "marin": "language models (Marin)",
    "124M": "language model, 124M",
    "deepobs": "DeepOBS, constant rate",
    "networks": "small networks",
    "convex": "logistic regression",
}
LOWEST = 1e-5
COLUMNS = 3


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep wrong_rates``."""
    return pd.read_csv(folder / "wrong_rates.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Every grid in grey, the median over grids in black, and the tenth of the gain above which a run is lost."""
    found = grids(frame)
    sources = list(dict.fromkeys(grid.name[0] for grid in found))
    with styled():
        rows = -(-(len(sources) + 1) // COLUMNS)  # one place is left for the legend
        figure = Figure(figsize=(7.2, 2.0 * rows + 0.4))
        panels = figure.subplots(rows, COLUMNS, sharex=True, sharey=True, squeeze=False).ravel()
        for panel, source in zip(panels, sources):
            chosen = [grid for grid in found if grid.name[0] == source]
            for grid in chosen:
                near = (grid.rho > 1 / 40) & (grid.rho < 40)
                panel.loglog(grid.rho[near], np.maximum(grid.fraction[near], LOWEST), color="0.8", linewidth=0.5)
            rhos = 2.0 ** np.arange(-4, 5)
            values = [[value for grid in chosen if (value := grid.at(rho)) is not None] for rho in rhos]
            some = np.array([len(part) >= max(3, len(chosen) // 4) for part in values]) & (rhos != 1)
            medians = np.array([np.median(part) if part else np.nan for part in values])
            panel.loglog(rhos[some], np.maximum(medians[some], LOWEST), "o-", color="black", markersize=3, linewidth=1)
            panel.axhline(LOST, color="0.4", linestyle="--", linewidth=0.8)
            panel.set_title(TITLES.get(source, source))
            panel.tick_params(labelbottom=True)
        for unused in panels[len(sources) :]:
            unused.set_axis_off()
        legend = panels[len(sources)]
        legend.plot([], [], color="0.7", linewidth=0.8, label="one grid")
        legend.plot([], [], "o-", color="black", markersize=3, linewidth=1, label="median over grids")
        legend.plot([], [], color="0.4", linestyle="--", linewidth=0.8, label="a run above it is lost")
        legend.legend(loc="center")
        figure.supxlabel(r"rate over the best rate of the grid, $\rho$", fontsize=9)
        figure.supylabel("part of the gain that is lost", fontsize=9)
    return figure
