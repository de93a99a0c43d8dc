"""The five generations of learning rates: which strategy belongs to which, and when each was proposed."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import styled


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """One row per strategy of the registry: name, generation, its title and motive, the year of its reference."""
    from lrtheory.optim.strategies import GENERATIONS, REGISTRY

    return pd.DataFrame(
        [
            {
                "strategy": strategy.name,
                "generation": generation.number,
                "title": generation.title,
                "motive": generation.motive,
                "year": strategy.year,
                "corrected": bool(strategy.cited_as),
            }
            for generation in GENERATIONS
            for strategy in REGISTRY
            if strategy.generation == generation.number
        ]
    )


def draw(frame: pd.DataFrame) -> Figure:
    """One band per generation with its motive; its strategies in order of year, a star where the paper cites another source."""
    bands = [(number, group.sort_values("year", kind="stable")) for number, group in frame.groupby("generation")]
    with styled():
        figure = Figure(figsize=(7.2, 0.75 * len(bands) + 0.02 * len(frame)))
        axes = figure.subplots()
        for place, (number, group) in enumerate(bands):
            colour = f"C{place}"
            axes.axhspan(place - 0.45, place + 0.45, color=colour, alpha=0.1, linewidth=0)
            axes.axhspan(place - 0.45, place + 0.45, xmax=0.006, color=colour, linewidth=0)
            axes.text(
                0.015, place - 0.16, f"{number}  {group['title'].iloc[0]}", weight="bold", fontsize=9, va="center"
            )
            axes.text(0.015, place + 0.18, group["motive"].iloc[0], color="0.35", fontsize=7, va="center")
            names = [f"{row.strategy} {row.year}{'*' if row.corrected else ''}" for row in group.itertuples()]
            lines = ["   ".join(names[first : first + 4]) for first in range(0, len(names), 4)]
            axes.text(0.995, place, "\n".join(lines), ha="right", va="center", fontsize=7, linespacing=1.5)
        axes.set(xlim=(0, 1), ylim=(len(bands) - 0.5, -0.5))
        axes.set_axis_off()
        if frame["corrected"].any():
            axes.text(0.995, len(bands) - 0.42, "* cited wrongly in the paper", ha="right", fontsize=6, color="0.35")
    return figure
