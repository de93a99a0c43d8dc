"""Which learning rates can a dictionary say? The four forms of the note's figure 1."""

from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from lrtheory.figures.style import styled
from lrtheory.schedules import PiecewiseLinear

FORMS = {
    "a": {1000: 0.1},
    "b": {300: 1, 1000: 0.1},
    "c": {400: 0.1, 600: 0.1, 1000: 1},
    "d": {300: 1, 700: 0.1, 900: 0.1, 1300: 1},
}
HORIZON = 3000


def data(folder: Path = Path("figures/data")) -> pd.DataFrame:
    """The factor of each form at each step, one row per form and step; computed, not read."""
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "form": form,
                    "schedule": PiecewiseLinear(knots).name,
                    "step": range(1, HORIZON + 1),
                    "factor": PiecewiseLinear(knots).steps(HORIZON),
                }
            )
            for form, knots in FORMS.items()
        ],
        ignore_index=True,
    )


def draw(frame: pd.DataFrame) -> Figure:
    """One panel per form, with its dictionary; dots mark the knots."""
    with styled():
        figure = Figure(figsize=(7.2, 3.6))
        panels = figure.subplots(2, 2, sharex=True, sharey=True)
        for panel, (form, group) in zip(panels.ravel(), frame.groupby("form")):
            panel.plot(group["step"], group["factor"])
            knots = FORMS[str(form)]
            panel.plot(list(knots), list(knots.values()), "o", color="#D55E00")
            dictionary = group["schedule"].iloc[0].removeprefix("PiecewiseLinear(").removesuffix(")")
            panel.set_title(f"({form})  {dictionary}")
        panels[0, 0].set(xlim=(0, HORIZON), ylim=(0, 1.05))
        figure.supxlabel("step, $t$", fontsize=9)
        figure.supylabel("factor, $r_t$", fontsize=9)
    return figure
