"""How tight is the bound? Worst case, semidefinite programs and the published bound."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import of_schedule, styled

SHOWN = ("Constant()", "Polynomial(1)", "Cosine()")
"""The schedules of the first panel; more would hide one another."""
LOSSES = (0.3, 0.5, 1, 2, 3, 5)


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed table of ``python -m lrtheory.sweep tightness``."""
    return pd.read_csv(folder / "tightness.csv")


def draw(frame: pd.DataFrame) -> Figure:
    """Losses against ``rho`` with a known distance; the gap to the programs; the published bound over the exact one."""
    judged = frame[frame["program"].notna()]
    longest = judged[judged["horizon"] == judged["horizon"].max()]
    with styled():
        figure = Figure(figsize=(7.2, 3.2))
        losses, gaps, factor = figure.subplots(1, 3)
        names = [name for name in frame["schedule"].unique() if name in SHOWN] or list(frame["schedule"].unique())
        for name in names:
            group = longest[(longest["schedule"] == name) & (longest["length"] == "distance")]
            style = of_schedule(name, linestyle="-", marker="none", label=None)
            losses.loglog(group["rho"], group["exact"], **style)
            losses.loglog(group["rho"], group["published"], **{**style, "linestyle": ":"})
            program = of_schedule(name, linestyle="none", markerfacecolor="none", label=None)
            losses.loglog(group["rho"], group["program"], **program)
        for label, style in {
            "worst case": {"linestyle": "-"},
            "program": {"linestyle": "none", "marker": "o", "markerfacecolor": "none"},
            "published bound": {"linestyle": ":"},
        }.items():
            losses.plot([], [], color="0.4", label=label, **style)
        losses.legend(loc="upper left", fontsize=7)
        losses.set(title=f"known distance, $T$ = {longest['horizon'].iloc[0]}", ylabel="loss over $RG$")
        low, high = losses.get_ylim()
        ticks = [tick for tick in LOSSES if low <= tick <= high]
        losses.set_yticks(ticks, map(str, ticks))
        for name, group in longest[longest["length"] == "diameter"].groupby("schedule", sort=False):
            gaps.semilogx(group["rho"], 100 * (group["exact"] / group["program"] - 1), **of_schedule(str(name)))
        known = longest[longest["length"] == "distance"]
        largest = 100 * (known["exact"] / known["program"] - 1).abs().max()
        gaps.set(title="known diameter", ylabel="worst case above the program, %")
        gaps.text(
            0.04, 0.97, f"known distance:\nat most {largest:.0e} %", transform=gaps.transAxes, va="top", fontsize=7,
            color="0.35",
        )  # fmt: skip
        gaps.set_ylim(None, 1.4 * gaps.get_ylim()[1])
        for panel in (losses, gaps):
            panel.set_xlabel(r"rate over tuned rate, $\rho$")
            panel.set_xticks([0.25, 1, 4, 16], ["1/4", "1", "4", "16"])
            panel.minorticks_off()
        for name, group in frame[frame["program"].isna()].groupby("schedule", sort=False):
            factor.semilogx(group["horizon"], group["published"] / group["exact"], **of_schedule(str(name)))
        factor.axhline(2, color="0.6", linewidth=0.8, zorder=0)
        factor.set(title="tuned rate", xlabel="horizon, $T$", ylabel="published bound over worst case")
        handles = {label: handle for handle, label in zip(*factor.get_legend_handles_labels())}
        figure.legend(handles.values(), handles, loc="outside lower center", ncols=len(handles))
    return figure
