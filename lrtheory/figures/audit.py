"""The audit: what each artefact of the published program is worth, and each published failure at other base rates."""

from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

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
    """One line per artefact; below, one panel per task and scale: the best accuracy against the multiple of the base rate.

    A full line is the program as it is, a dashed one the program without its artefacts; a star is the published accuracy.
    """
    found = effects(frame)
    lines = len({_line_of(effect) for effect in found})
    sweeps = frame[(frame["part"] == "sweep") & (frame.groupby(KEYS)["factor"].transform("nunique") > 1)]
    panels = list(sweeps.groupby(["task", "examples", "epochs"], sort=False))
    strategies = list(sweeps["strategy"].unique())
    heights = [1.0 + 0.2 * lines, *[3.0] * bool(panels)]
    with styled():
        figure = Figure(figsize=(7.6, sum(heights)))
        parts = figure.subfigures(len(heights), 1, squeeze=False, height_ratios=heights).ravel()
        _artefacts(parts[0].subplots(), found)
        if panels:
            _sweeps(parts[1], panels, strategies)
    return figure


def _sweeps(part: SubFigure, panels: list[tuple[Any, pd.DataFrame]], strategies: list[str]) -> None:
    axes = part.subplots(1, len(panels), squeeze=False)[0]
    for panel, ((task, _, _), group) in zip(axes, panels):
        _failures(panel, str(task), group, strategies)
        panel.set_title(f"{task}: {scale(group) or 'full scale'}")
    axes[0].set_ylabel("best test accuracy, %")
    entries = {label: handle for panel in axes for handle, label in zip(*panel.get_legend_handles_labels())}
    part.legend(
        entries.values(), entries, loc="outside right center", title_fontsize=8, alignment="left",
        title="full: the program\ndashed: without\nits artefacts\nstar: published, at 1\n(moved to be seen)",
    )  # fmt: skip


KEYS = ["task", "examples", "epochs", "strategy", "variant"]
"""What a curve of the sweep over rates has in common."""
MARKERS = "osD^v"


def _line_of(effect: Effect) -> str:
    return f"{effect.artefact.strategy}: {effect.artefact.name}"


def _artefacts(panel: Axes, found: list[Effect]) -> None:
    """One line per artefact, its tasks side by side within the line."""
    labels = list(dict.fromkeys(map(_line_of, found)))
    if not labels:  # a table without effects of artefacts
        panel.set_axis_off()
        return
    tasks = list(dict.fromkeys(effect.task for effect in found))
    for number, task in enumerate(tasks):
        effects_of = [effect for effect in found if effect.task == task]
        estimates = [interval(effect.differences) for effect in effects_of]
        aside = 0.3 * (number - (len(tasks) - 1) / 2) / max(len(tasks) - 1, 1)
        places = [labels.index(_line_of(effect)) + aside for effect in effects_of]
        panel.errorbar(
            [mean for mean, _ in estimates], places, xerr=[half for _, half in estimates], fmt=MARKERS[number % 5],
            color=f"C{number}", markersize=4, capsize=2, markerfacecolor="white" if number % 2 else None, label=task,
        )  # fmt: skip
    panel.axvline(0, color="0.6", linewidth=0.8, zorder=0)
    panel.set_yticks(range(len(labels)), labels)
    panel.set_ylim(len(labels) - 0.5, -0.5)
    alone = any(len(effect.differences) == 1 for effect in found)
    panel.set_xlabel("points of accuracy gained without the artefact" + "\n(no interval: one seed)" * alone)
    panel.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=max(len(tasks), 1), borderpad=0, handletextpad=0.2)


def _failures(panel: Axes, task: str, sweep: pd.DataFrame, strategies: list[str]) -> None:
    for strategy, group in sweep.groupby("strategy", sort=False):
        place = strategies.index(str(strategy))
        color, marker = f"C{place}", MARKERS[place % 5]
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
