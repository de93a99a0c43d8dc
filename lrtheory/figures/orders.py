"""How closely does each truncation of the modified equation follow gradient descent? Error against step."""

from pathlib import Path

import numpy as np
import pandas as pd
import sympy
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from lrtheory.figures.style import shown, styled
from lrtheory.theory.backward_error import follow, modified_equation

ORDERS = {
    1: "gradient flow",
    2: r"through $\eta$, the penalty",
    3: r"through $\eta^2$",
    4: r"through $\eta^3$",
}
START = (0.9, -0.7)
DURATION = 0.5
COUNTS = (8, 16, 32, 64, 128)


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    r"""The distance from gradient descent to each flow after the same time, one row per order and step; nothing is read.

    The loss is :math:`\tfrac14x^4+x^2y+y^2+\sin xy`: neither quadratic nor separable.
    """
    x, y = sympy.symbols("x y", real=True)
    loss = x**4 / 4 + x**2 * y + y**2 + sympy.sin(x * y)
    descent = [-sympy.diff(loss, variable) for variable in (x, y)]
    velocity = sympy.lambdify((x, y), descent, "numpy")
    rows = []
    for count in COUNTS:
        lr, theta = DURATION / count, np.array(START)
        for _ in range(count):
            theta = theta + lr * np.array(velocity(*theta))
        for order in ORDERS:
            flow = follow(modified_equation(order).numeric(descent, [x, y], lr), START, DURATION)
            rows.append({"order": order, "lr": lr, "error": float(np.linalg.norm(theta - flow))})
    return pd.DataFrame(rows)


def draw(frame: pd.DataFrame) -> Figure:
    """One curve per order, with a dashed line of that slope through its point at the smallest step."""
    frame = frame.assign(error=shown(frame["error"]))
    with styled():
        figure = Figure(figsize=(4.8, 3.6))
        panel = figure.subplots()
        for marker, order in zip("osD^", ORDERS):
            group = frame[frame["order"] == order].sort_values("lr")
            slope = np.polyfit(np.log(group["lr"][:3]), np.log(group["error"][:3]), 1)[0]
            (curve,) = panel.loglog(
                group["lr"], group["error"], marker=marker, linestyle="none",
                label=f"{ORDERS[order]}: slope {slope:.2f}",
            )  # fmt: skip
            guide = group["error"].iloc[0] * (group["lr"] / group["lr"].iloc[0]) ** order
            panel.loglog(group["lr"], shown(guide), linestyle="--", linewidth=1, color=curve.get_color())
        panel.set(xlabel=r"step, $\eta$", ylabel="distance from gradient descent", ylim=(1e-11, 2e-2))
        panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_xticks(sorted(frame["lr"].unique()), [f"1/{1 / lr:g}" for lr in sorted(frame["lr"].unique())])
        panel.legend(title="flow that is followed (dashed: slopes 1 to 4)", title_fontsize=8, loc="lower right")
    return figure
