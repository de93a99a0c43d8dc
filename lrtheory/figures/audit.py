"""The audit: what each artefact of the published program is worth, and each published failure at other base rates."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lrtheory.benchmarks.audit import Effect, effects
from lrtheory.benchmarks.published import accuracy
from lrtheory.benchmarks.report import scale
from lrtheory.figures.benchmark import runs
from lrtheory.figures.style import styled
from lrtheory.statistics import interval


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The committed runs of the audit."""
    return runs(folder)


def draw(frame: pd.DataFrame) -> Figure:
    """One line per artefact; then one panel per task and scale: the best accuracy against the multiple of the base rate.

    A full line is the program as it is, a dashed one the program without its artefacts; a star is the published accuracy.
    """
    found = effects(frame)
    sweeps = frame[(frame["part"] == "sweep") & (frame.groupby(KEYS)["factor"].transform("nunique") > 1)]
    panels = list(sweeps.groupby(["task", "examples", "epochs"], sort=False))
    strategies = list(sweeps["strategy"].unique())
    with styled():
        figure = Figure(figsize=(5.2 + 2.7 * len(panels) + 1.4 * bool(panels), max(2.8, 0.8 + 0.19 * len(found))))
        axes = figure.subplots(1, 1 + len(panels), squeeze=False, width_ratios=[1.5, *[1.6] * len(panels)])[0]
        _artefacts(axes[0], found)
        for panel, ((task, _, _), group) in zip(axes[1:], panels):
            _failures(panel, str(task), group, strategies)
            panel.set_title(f"{task}: {scale(group) or 'full scale'}")
        for panel in axes[1:2]:
            panel.set_ylabel("best test accuracy, %")
        entries = {label: handle for panel in axes[1:] for handle, label in zip(*panel.get_legend_handles_labels())}
        if entries:
            figure.legend(
                entries.values(), entries, loc="outside right center", fontsize=6, title_fontsize=6,
                title="dashed: without the artefacts\nstar: published",
            )  # fmt: skip
    return figure


KEYS = ["task", "examples", "epochs", "strategy", "variant"]
"""What a curve of the sweep over rates has in common."""


def _artefacts(panel: Axes, found: list[Effect]) -> None:
    places = range(len(found))[::-1]
    for place, effect in zip(places, found):
        mean, half = interval(effect.differences)
        panel.errorbar(mean, place, xerr=half, fmt="o", color="#0072B2", markersize=3, capsize=2)
    panel.axvline(0, color="0.6", linewidth=0.8)
    labels = [f"{effect.artefact.strategy}: {effect.artefact.name} ({effect.task})" for effect in found]
    panel.set_yticks(list(places), labels, fontsize=5.5)
    alone = any(len(effect.differences) == 1 for effect in found)
    panel.set_xlabel("points gained without it" + "\n(no interval: one seed)" * alone)
    panel.set_title("artefacts")


def _failures(panel: Axes, task: str, sweep: pd.DataFrame, strategies: list[str]) -> None:
    for strategy, group in sweep.groupby("strategy", sort=False):
        place = strategies.index(str(strategy))
        color, marker = f"C{place}", "osD^v"[place % 5]
        for variant, curve in group.groupby("variant", sort=False):
            means = curve.groupby("factor")["best"].mean()
            panel.plot(
                means.index, means, "--" if variant else "-", color=color, marker=marker, markersize=3,
                label="" if variant else str(strategy), alpha=0.6 if variant else 1.0,
            )  # fmt: skip
        published = accuracy(str(strategy), task)
        if published is not None:
            beside = 1.35 ** (place - (len(strategies) - 1) / 2)  # of equal accuracies each star is seen
            panel.plot(beside, published, "*", color=color, markersize=8, markeredgecolor="black", markeredgewidth=0.5)
    panel.set_xscale("log")
    panel.set_xlabel("multiple of the program's base rate")
