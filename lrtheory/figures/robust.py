"""The schedule that forgives most: its shape, its loss over an uncertainty, and what uncertainty costs under its rivals."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrtheory.figures.style import of_schedule, shown, styled
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial, Robust
from lrtheory.simulation import logistic_regression, simulate, worst_eps
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.minimax_rate import comparison, minimax_lr
from lrtheory.theory.robust_schedule import lower_bound
from lrtheory.theory.step_search import optimised_steps

UNCERTAINTY = 16
UNCERTAINTIES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
RIVALS = (Polynomial(1), Polynomial(2), Polynomial(3), Cosine(), WSD(0.2), Constant())
BOUNDS = ("no schedule below", "search over all steps")
HORIZON = 1_000
OCTAVES = (-12, 8)
"""Rates of the logistic regression: powers of two."""


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """All panels, computed in seconds: ``panel``, ``schedule``, ``layer``, ``x`` and ``y``."""
    return pd.concat([_shapes(), _over_the_uncertainty(), _against_the_uncertainty(), _logistic()], ignore_index=True)


def _shapes() -> pd.DataFrame:
    u = np.linspace(0, 1, 401)
    return pd.concat(
        [
            _rows("shape", f"R = {uncertainty}", "shape", u[:-1], Robust(uncertainty)(u[:-1]))
            for uncertainty in (1, 4, 16, 256)
        ]
    )


def _over_the_uncertainty() -> pd.DataFrame:
    """Each schedule at the base rate that is best for the whole uncertainty."""
    frames = []
    rho, few = np.geomspace(0.25, 4 * UNCERTAINTY, 100), np.geomspace(0.5, 2 * UNCERTAINTY, 7)
    for schedule in (Robust(UNCERTAINTY), Polynomial(1), Polynomial(3), Cosine()):
        lr = minimax_lr(schedule, UNCERTAINTY, HORIZON).lr
        name, unit = _name(schedule.name), math.sqrt(HORIZON)
        exact = worst_case(schedule, horizon=HORIZON, lr=lr * rho, diameter=1.0) * unit
        simulated = [worst_eps(schedule, horizon=HORIZON, lr=lr * each)[1] * unit for each in few]
        frames += [_rows("rho", name, "worst_case", rho, exact), _rows("rho", name, "simulated", few, simulated)]
    return pd.concat(frames)


def _against_the_uncertainty() -> pd.DataFrame:
    table = comparison(RIVALS[:-1], UNCERTAINTIES, HORIZON)
    frames = [
        _rows("uncertainty", str(name), "worst_case", rows["uncertainty"], rows["loss"])
        for name, rows in table.groupby("schedule", sort=False)
    ]
    own = [minimax_lr(Robust(uncertainty), uncertainty, HORIZON).loss for uncertainty in UNCERTAINTIES]
    searched = [optimised_steps(HORIZON, float(uncertainty))[1] for uncertainty in UNCERTAINTIES[::2]]
    return pd.concat(
        [
            *frames,
            _rows("uncertainty", "robust", "worst_case", UNCERTAINTIES, own),
            _rows(
                "uncertainty",
                "no schedule below",
                "bound",
                UNCERTAINTIES,
                [lower_bound(uncertainty) for uncertainty in UNCERTAINTIES],
            ),
            _rows("uncertainty", "search over all steps", "search", UNCERTAINTIES[::2], searched),
        ]
    )


def _logistic() -> pd.DataFrame:
    """The largest simulated loss over any range of rates that wide, the range placed where that is smallest."""
    problem = logistic_regression(200, 10, diameter=20.0, noise=1.0)
    rates = 2.0 ** np.arange(OCTAVES[0], OCTAVES[1] + 0.25, 0.5)
    schedules = [*(Robust(uncertainty) for uncertainty in UNCERTAINTIES[2::2]), *RIVALS]
    table = simulate(problem, schedules, horizon=HORIZON, lr=rates, replicas=64, seed=7, dtype="float64", threads=1)
    losses = {name: rows["last"].to_numpy() for name, rows in table.groupby("schedule")}

    def largest(name: str, uncertainty: float) -> float:
        window = round(2 * math.log2(uncertainty)) + 1
        return float(np.lib.stride_tricks.sliding_window_view(losses[name], window).max(axis=1).min())

    uncertainties = UNCERTAINTIES[2::2]
    frames = [
        _rows(
            "logistic",
            schedule.name,
            "simulated",
            uncertainties,
            [largest(schedule.name, uncertainty) for uncertainty in uncertainties],
        )
        for schedule in RIVALS
    ]
    own = [largest(Robust(uncertainty).name, uncertainty) for uncertainty in uncertainties]
    return pd.concat([*frames, _rows("logistic", "robust", "simulated", uncertainties, own)])


def _rows(panel: str, schedule: str, layer: str, x: Any, y: Any) -> pd.DataFrame:
    return pd.DataFrame(
        {"panel": panel, "schedule": schedule, "layer": layer, "x": np.asarray(x, float), "y": np.asarray(y, float)}
    )


def _name(schedule: str) -> str:
    return "robust" if schedule.startswith("Robust") else schedule


def draw(frame: pd.DataFrame) -> Figure:
    """Shapes; loss against ``rho`` over an uncertainty of 16; the largest loss against the uncertainty, in theory and on data."""
    frame = frame.assign(x=shown(frame["x"]), y=shown(frame["y"]))
    with styled():
        figure = Figure(figsize=(7.2, 5.6))
        (shapes, over), (against, logistic) = figure.subplots(2, 2)
        for number, (name, rows) in enumerate(_groups(frame, "shape")):
            shapes.plot(rows["x"], rows["y"], color="#D55E00", linestyle=("-", "--", "-.", ":")[number], label=name)
        shapes.set(
            title="Robust(R)", xlabel="part of the run that is over", ylabel="rate over largest rate", xlim=(0, 1)
        )
        shapes.legend()
        over.axvspan(1, UNCERTAINTY, color="0.93")
        for name, rows in _groups(frame, "rho"):
            exact, simulated = (rows[rows["layer"] == layer] for layer in ("worst_case", "simulated"))
            over.loglog(exact["x"], exact["y"], **_style(name, marker="none", label=None))
            over.loglog(
                simulated["x"], simulated["y"], **_style(name, linestyle="none", markerfacecolor="none", label=None)
            )
        over.set(
            title=f"uncertainty of {UNCERTAINTY}, best rates",
            xlabel=r"rate over base rate, $\rho$",
            ylabel=r"loss over $DG/\sqrt{T}$",
        )
        over.plot([], [], color="0.4", label="worst case")
        over.plot([], [], "s", color="0.4", markerfacecolor="none", label="simulated, worst $\\epsilon$")
        over.legend()
        for name, rows in _groups(frame, "uncertainty"):
            if name == "no schedule below":
                against.loglog(rows["x"], rows["y"], "--", color="0.3", linewidth=1, label=name, zorder=3)
            elif name == "search over all steps":
                against.loglog(rows["x"], rows["y"], "o", color="0.3", markersize=7, markerfacecolor="none", label=name)
            else:
                against.loglog(rows["x"], rows["y"], **_style(name))
        bounds = [line for line in against.lines if line.get_label() in BOUNDS]
        against.legend(bounds, BOUNDS, loc="upper left")
        against.set(title="worst case", xlabel="uncertainty, $R$", ylabel=r"largest loss over $DG/\sqrt{T}$")
        for name, rows in _groups(frame, "logistic"):
            logistic.loglog(rows["x"], rows["y"], **_style(name))
        logistic.set(
            title="logistic regression, simulated", xlabel="uncertainty, $R$", ylabel="largest loss above the optimum"
        )
        for panel in (over, against, logistic):
            panel.minorticks_off()
            uncertainties = (1, 4, 16, 64) if panel is over else (4, 16, 64, 256)
            panel.set_xticks(uncertainties, list(map(str, uncertainties)))
            low, high = panel.get_ylim()
            ticks = [tick for tick in _TICKS if low <= tick <= high]
            panel.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        figure.legend(*_legend(against, logistic), loc="outside right center")
    return figure


_TICKS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 4, 6, 10)


def _style(name: str, **changes: Any) -> dict[str, Any]:
    return of_schedule("Robust(16)" if name == "robust" else name, **{"label": name} | changes)


def _groups(frame: pd.DataFrame, panel: str) -> list[tuple[str, pd.DataFrame]]:
    return [(str(name), rows) for name, rows in frame[frame["panel"] == panel].groupby("schedule", sort=False)]


def _legend(*panels: Axes) -> tuple[list[Any], list[str]]:
    entries = {label: handle for panel in panels for handle, label in zip(*panel.get_legend_handles_labels())}
    schedules = [label for label in entries if label not in BOUNDS]
    return [entries[label] for label in schedules], schedules
