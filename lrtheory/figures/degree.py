"""Exponents against degree: the power of ``rho`` that is measured beside the one that is proved."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import LAYERS, styled


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep degree``."""
    return pd.read_csv(folder / "degree.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Fitted exponents with their 95 % intervals on the curve ``1/(2p+1)``."""
    with styled():
        figure = Figure(figsize=(4.2, 3.0))
        panel = figure.subplots()
        degree = np.linspace(0, 1.05 * frame["degree"].max(), 200)
        panel.plot(degree, 1 / (2 * degree + 1), color="0.35", label="$1/(2p+1)$")
        for layer in ("worst_case", "simulated"):
            group = frame[frame["layer"] == layer]
            interval = [group["exponent"] - group["low"], group["high"] - group["exponent"]]
            panel.errorbar(group["degree"], group["exponent"], interval, **LAYERS[layer])
        panel.set(
            xlabel="degree of decay, $p$",
            ylabel=r"exponent of $\rho$, fitted",
            ylim=(0, 1.05),
            title=f"$T$ = {frame['horizon'].iloc[0]:,}",
        )
        panel.legend()
    return figure
