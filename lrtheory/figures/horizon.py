"""What length changes: the tuned loss, and the exponent of ``rho``, against the horizon."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import of_schedules, styled


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep horizon``."""
    return pd.read_csv(folder / "horizon.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Left, the tuned loss in units of ``DG/sqrt(T)``; right, the fitted exponent of ``rho``."""
    styles = of_schedules(frame["schedule"])
    with styled():
        figure = Figure(figsize=(7.2, 3.0))
        left, right = figure.subplots(1, 2, sharex=True)
        for name, group in frame.groupby("schedule", sort=False):
            unit = np.sqrt(group["horizon"])
            left.semilogx(group["horizon"], group["worst_case"] * unit, **styles[str(name)])
            right.errorbar(
                group["horizon"],
                group["rho_exponent"],
                [group["rho_exponent"] - group["low"], group["high"] - group["rho_exponent"]],
                **styles[str(name)],
            )
        left.set(xlabel="horizon, $T$", ylabel=r"tuned worst case over $DG/\sqrt{T}$")
        right.set(xlabel="horizon, $T$", ylabel=r"exponent of $\rho$ in [16, 256]", ylim=(0, 1.02))
        figure.legend(*left.get_legend_handles_labels(), loc="outside right center")
    return figure
