"""Where does gradient descent go? Away from the gradient flow, closer to the flow of the penalised loss."""

from pathlib import Path

import numpy as np
import pandas as pd
import sympy
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrtheory.figures.style import shown, styled
from lrtheory.theory.backward_error import follow, modified_equation

LR = 0.03
STEPS = 200
START = (2.8, 3.5)
TARGET = 0.6
POINTS = 600
PATHS = {
    "flow": {"label": "gradient flow", "color": "0.35", "linestyle": "-"},
    "penalised": {"label": "flow of the penalised loss", "color": "#0072B2", "linestyle": "--"},
    "descent": {
        "label": "gradient descent",
        "color": "#D55E00",
        "linestyle": ":",
        "marker": "o",
        "markersize": 2.5,
        "linewidth": 0.8,
    },
}


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    r"""The three paths on :math:`L=\tfrac12(ab-0.6)^2` over the same time, one row per point; computed, not read.

    At the start :math:`\eta\lambda=0.88`; the minima are a hyperbola, so the paths end at different ones.
    """
    a, b = sympy.symbols("a b", real=True)
    descent = [-sympy.diff((a * b - sympy.nsimplify(TARGET)) ** 2 / 2, variable) for variable in (a, b)]
    velocity = sympy.lambdify((a, b), descent, "numpy")
    steps = [np.array(START)]
    for _ in range(STEPS):
        steps.append(steps[-1] + LR * np.array(velocity(*steps[-1])))
    paths = {"descent": np.array(steps)}
    for name, order in (("flow", 1), ("penalised", 2)):
        curve = follow(modified_equation(order).numeric(descent, [a, b], LR), START, LR * STEPS, POINTS)
        paths[name] = np.vstack([START, curve])
    return pd.concat(
        [pd.DataFrame({"path": name, "a": path[:, 0], "b": path[:, 1]}) for name, path in paths.items()],
        ignore_index=True,
    )


def draw(frame: pd.DataFrame) -> Figure:
    """Left, the whole paths over the level lines of the loss; right, where they end, on the curve of minima."""
    frame = frame.assign(a=shown(frame["a"]), b=shown(frame["b"]))
    with styled():
        figure = Figure(figsize=(7.2, 3.2))
        whole, ending = figure.subplots(1, 2)
        ends = frame.groupby("path").last()
        for panel in (whole, ending):
            for name, style in PATHS.items():
                path = frame[frame["path"] == name]
                panel.plot(path["a"], path["b"], **style)
        _levels(whole, (0, 3.1), (1.4, 3.7))
        _levels(ending, (ends["a"].min() - 0.03, ends["a"].max() + 0.09), (ends["b"].min() - 0.06, 2.3))
        ending.plot(ends["a"], ends["b"], "k+", markersize=8, label="ends")
        whole.set_title(rf"$L=(ab-{TARGET})^2/2$,  $\eta={LR}$")
        ending.set_title("the same, near the end")
        handles, labels = ending.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=5)
    return figure


def _levels(panel: Axes, a: tuple[float, float], b: tuple[float, float]) -> None:
    grid_a, grid_b = np.meshgrid(np.linspace(*a, 200), np.linspace(*b, 200))
    loss = (grid_a * grid_b - TARGET) ** 2 / 2
    panel.contour(grid_a, grid_b, loss, np.geomspace(1e-3, 100, 16), colors="0.85", linewidths=0.7, zorder=0)
    minima = np.linspace(*b, 200)
    panel.plot(TARGET / minima, minima, color="#009E73", linewidth=2.5, alpha=0.5, zorder=1, label="minima")
    panel.set(xlabel="$a$", ylabel="$b$", xlim=a, ylim=b)
