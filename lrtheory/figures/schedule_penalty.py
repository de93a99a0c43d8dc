r"""What does annealing leave of the implicit penalty? Over a run, and against the robustness that it buys."""

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import of_schedule, shown, styled
from lrtheory.schedules import WSD, Constant, Cosine, Exponential, Polynomial
from lrtheory.theory.annealed_penalty import penalty_over_time, schedule_penalty

SCHEDULES = (Constant(), WSD(0.2), Cosine(), Polynomial(1), Polynomial(2), Polynomial(3), Exponential(0.01))
HORIZON = 400


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    r"""One row per schedule and step; computed, not read.

    ``coefficient`` is the step's own :math:`\eta_t/4` over :math:`\eta/4`; ``kept`` its mean along the flow and
    ``exponent`` the schedule's power of ``rho``, the same in all rows of a schedule.
    """
    tables = []
    for schedule in SCHEDULES:
        found = schedule_penalty(schedule)
        tables.append(
            pd.DataFrame(
                {
                    "schedule": schedule.name,
                    "u": np.arange(HORIZON) / HORIZON,
                    "coefficient": penalty_over_time(schedule, HORIZON, 4.0),
                    "kept": float(found.kept),
                    "exponent": float(found.exponent),
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def draw(frame: pd.DataFrame) -> Figure:
    r"""Left, the coefficient over the run; right, its mean along the flow against the exponent of ``rho``."""
    frame = frame.assign(coefficient=shown(frame["coefficient"]))
    with styled():
        figure = Figure(figsize=(7.2, 3.1))
        over_time, trade = figure.subplots(1, 2)
        exponent = np.linspace(0, 1, 50)
        trade.plot(exponent, (1 + exponent) / 2, color="0.6", linestyle="--", linewidth=1)
        for name, group in frame.groupby("schedule", sort=False):
            over_time.plot(group["u"], group["coefficient"], **of_schedule(str(name), markevery=(20, 50)))
            trade.plot(group["exponent"].iloc[0], group["kept"].iloc[0], **of_schedule(str(name), markersize=6))
        over_time.set(
            xlabel="part of the run that is over, $u$", ylabel=r"penalty coefficient over $\eta/4$", xlim=(0, 1),
            ylim=(0, 1.05),
        )  # fmt: skip
        trade.set(
            xlabel=r"exponent of $\rho$, $e=1/(2p+1)$", ylabel="mean coefficient along the flow", xlim=(0, 1.05),
            ylim=(0, 1.05),
        )  # fmt: skip
        trade.text(0.58, 0.75, "polynomial decay:\n$(1+e)/2$", color="0.4", fontsize=8, va="top")
        figure.legend(*over_time.get_legend_handles_labels(), loc="outside right center")
    return figure
