"""What each method forgives, by theory, by simulation and on networks: how many times too large the asked value may be."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import shown, styled
from lrtheory.sweeps.network_methods import margins, method_curves
from lrtheory.sweeps.rate_curves import curves, margin

ROWS: dict[str, tuple[tuple[str, str, str] | None, tuple[str, str] | None]] = {
    "SGD": (("sgd", "last", "Constant()"), ("sgd", "last")),
    "SGD, averaged": (("sgd", "uniform", "Constant()"), ("sgd", "uniform")),
    "SGD, exponential average": (("sgd", "exponential", "Constant()"), ("sgd", "ema 0.999")),
    "SGD, 8 checkpoints merged": (("sgd", "merged", "Constant()"), ("sgd", "8 merged of the last third")),
    "SGD, linear": (("sgd", "last", "Polynomial(1)"), ("sgd, linear", "last")),
    "SGD, linear, exponential average": (("sgd", "exponential", "Polynomial(1)"), ("sgd, linear", "ema 0.99")),
    "heavy ball": (("heavy_ball", "last", "Constant()"), ("momentum", "Constant()")),
    "heavy ball, linear": (("heavy_ball", "last", "Polynomial(1)"), ("momentum", "Polynomial(1)")),
    "schedule-free SGD": (("schedule_free", "last", "Constant()"), ("schedule_free", "last")),
    "AdaGrad-norm, averaged": (("adagrad", "uniform", "Constant()"), ("adagrad_norm", "uniform")),
    "AdamW": (None, ("adamw", "last")),
    "AdamW, exponential average": (None, ("adamw", "ema 0.999")),
    "AdamW, linear": (None, ("adamw, linear", "last")),
    "schedule-free AdamW": (None, ("schedule_free_adamw", "last")),
    "DoG": (None, ("dog", "last")),
    "Prodigy": (None, ("prodigy", "last")),
    "D-Adaptation": (None, ("d_adaptation", "last")),
}
"""The rows: their columns in the table of averages, and in that of networks."""
TASKS = {
    "logistic-ball": ("in a ball", "#0072B2", "o"), "digits-noisy": ("noisy digits", "#D55E00", "s"),
    "digits": ("digits", "#009E73", "^"),
}  # fmt: skip


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """Margins, one row per method and panel, from the committed tables."""
    averages = pd.read_csv(folder / "averages.csv")
    long = averages[averages["simulated"].notna()]
    found = method_curves(pd.read_csv(folder / "network_methods.csv"))
    plain = curves(pd.read_csv(folder / "networks.csv"))
    rows = []
    for name, (theory, trained) in ROWS.items():
        if theory is not None:
            group = long[(long[["rule", "average", "schedule"]] == list(theory)).all(axis=1)]
            for panel in ("upper", "simulated"):
                if group[panel].notna().all():
                    rows.append({"method": name, "panel": panel, "margin": doubled(group["rho"], group[panel])})
        for task in TASKS if trained is not None else ():
            assert trained is not None
            held = found.get((task, *trained))
            size = margin(plain[task, *trained]) if held is None else margins(held)[1]
            rows.append({"method": name, "panel": task, "margin": size})
    return pd.DataFrame(rows)


def doubled(rho: pd.Series, loss: pd.Series) -> float:
    """How many times the best ``rho`` has twice the least loss, between the values on a line in logarithms.

    Example:
        >>> rho = pd.Series([1.0, 2.0, 4.0, 8.0])
        >>> round(doubled(rho, pd.Series([2.0, 1.0, 2.0, 4.0])), 9)
        2.0
    """
    place, values = np.log(rho.to_numpy()), np.log(loss.to_numpy())
    best = int(np.argmin(values))
    over = np.flatnonzero(values[best:] > values[best] + np.log(2) - 1e-12)
    if not len(over):
        return float(np.exp(place[-1] - place[best]))
    last = best + int(over[0])
    at = np.interp(values[best] + np.log(2), values[last - 1 : last + 1], place[last - 1 : last + 1])
    return float(np.exp(at - place[best]))


def draw(frame: pd.DataFrame) -> Figure:
    """Dots on a logarithmic axis, one row per method: theory, simulation, networks."""
    if "margin" not in frame:  # the table of the sweep alone, which has no theory
        frame = pd.DataFrame(
            [
                {"method": f"{method}, {output}", "panel": task, "margin": margins(curve)[1]}
                for (task, method, output), curve in method_curves(frame).items()
            ]
        )
    names = list(dict.fromkeys(frame["method"]))
    with styled():
        figure = Figure(figsize=(7.2, 0.9 + 0.19 * len(names)))
        panels = figure.subplots(1, 3, sharey=True, width_ratios=[1, 1, 1.6])
        for axes, panel, title in zip(
            panels, ("upper", "simulated"), ("upper bound\nis doubled", "simulated loss\nis doubled")
        ):
            group = frame[frame["panel"] == panel]
            axes.plot(shown(group["margin"]), [names.index(name) for name in group["method"]], "o", color="black", ms=4)
            axes.set_title(title)
        for task, (label, color, marker) in TASKS.items():
            group = frame[frame["panel"] == task]
            places = [names.index(name) for name in group["method"]]
            panels[2].plot(shown(group["margin"]), places, marker, color=color, ms=4, mfc="none", label=label)
        panels[2].set_title("on networks,\na tenth of the gain is lost")
        figure.legend(*panels[2].get_legend_handles_labels(), loc="outside lower right", ncols=3, fontsize=7)
        panels[0].set_yticks(range(len(names)), names)
        panels[0].invert_yaxis()
        for axes, ticks in zip(panels, ((1, 4, 16, 64), (1, 4, 16, 64), (1, 10, 100, 1000))):
            axes.set_xscale("log")
            axes.set_xlim(0.9, 1.3 * max(ticks[-1], float(frame["margin"].max()) if axes is panels[2] else 256))
            axes.set_xticks(ticks, [f"{tick:,}" for tick in ticks])
            axes.minorticks_off()
            axes.grid(axis="y", color="0.9")
            axes.set_axisbelow(True)
        panels[1].set_xlabel("times too large")
    return figure
