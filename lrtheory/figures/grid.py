"""Grid resolution: what tuning over a coarse geometric grid loses at its worst offset."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import of_schedules, styled

PANELS = {"worst_case": "worst case", "simulated": "simulated, worst $\\epsilon$"}

RATIOS, LOSSES = (2, 4, 8, 16, 32, 64), (0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6)


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep grid``."""
    return pd.read_csv(folder / "grid.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """The loss after tuning against the ratio of neighbouring grid points, in theory and in simulation."""
    styles = of_schedules(frame["schedule"])
    with styled():
        figure = Figure(figsize=(7.2 + 0.07 * max(0, max(map(len, styles)) - 16), 3.0))  # room for long names
        panels = figure.subplots(1, 2, sharex=True)
        for panel, (layer, title) in zip(panels, PANELS.items()):
            for name, group in frame.groupby("schedule", sort=False):
                panel.loglog(group["ratio"], group[layer], **styles[str(name)])
            panel.set_title(title)
            ratios = [ratio for ratio in RATIOS if ratio <= frame["ratio"].max()]
            panel.set_xticks(ratios, map(str, ratios))
            low, high = panel.get_ylim()
            inside = [loss for loss in LOSSES if low <= loss <= high]
            if len(inside) < 3:
                inside = [float(f"{loss:.2g}") for loss in np.geomspace(low, high, 5)[1:-1]]
            panel.set_yticks(inside, map(str, inside))
            panel.minorticks_off()
        figure.supxlabel("ratio of neighbouring rates on the grid", fontsize=9)
        panels[0].set_ylabel(r"loss after tuning, worst offset, over $DG/\sqrt{T}$")
        figure.legend(*panels[0].get_legend_handles_labels(), loc="outside right center")
    return figure
