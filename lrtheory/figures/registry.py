"""The figures, each by its name; only those that are drawn are imported."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pandas as pd
from matplotlib.figure import Figure

from lrtheory import figures


class Drawing(Protocol):
    """A module, or an object, that reads the data of a figure and draws them."""

    @property
    def data(self) -> Callable[[Path], pd.DataFrame]:
        """What is drawn, from the tables in a folder."""
        ...

    @property
    def draw(self) -> Callable[[pd.DataFrame], Figure]:
        """The figure of such data."""
        ...


@dataclass(frozen=True)
class FigureEntry:
    """A figure as the list of all of them knows it.

    Args:
        tables: The tables that it is drawn from, without their suffix; none where it is computed.
        load: Imports what draws it, which may need torch.
    """

    tables: tuple[str, ...]
    load: Callable[[], Drawing]

    def data(self, folder: Path) -> pd.DataFrame:
        """What is drawn, from the tables in a folder.

        Raises:
            FileNotFoundError: a table is missing.
            ModuleNotFoundError: a package that it needs is not installed.
        """
        return self.load().data(folder)

    def draw(self, frame: pd.DataFrame) -> Figure:
        """The figure of such data."""
        return self.load().draw(frame)


FIGURES: dict[str, FigureEntry] = {
    "audit": FigureEntry(("benchmark",), lambda: figures.audit),
    "averages": FigureEntry(("averages",), lambda: figures.averages),
    "benchmark": FigureEntry(("benchmark",), lambda: figures.benchmark),
    "cifar10": FigureEntry(("cifar10",), lambda: figures.cifar10),
    "degree": FigureEntry(("degree",), lambda: figures.degree),
    "forecast": FigureEntry(("forecast",), lambda: figures.forecast),
    "forecast_curves": FigureEntry(("forecast_multi_power",), lambda: figures.forecast_curves),
    "grid": FigureEntry(("grid",), lambda: figures.grid),
    "horizon": FigureEntry(("horizon",), lambda: figures.horizon),
    "language_models": FigureEntry(("language_models",), lambda: figures.language_models),
    "learning_curves": FigureEntry(("benchmark",), lambda: figures.learning_curves),
    "networks": FigureEntry(("networks",), lambda: figures.networks),
    "networks_grid": FigureEntry(("networks",), lambda: figures.networks_grid),
    "note_schedules": FigureEntry((), lambda: figures.note_schedules),
    "orders": FigureEntry((), lambda: figures.orders),
    "paths": FigureEntry((), lambda: figures.paths),
    "penalty": FigureEntry(("penalty",), lambda: figures.penalty),
    "plan": FigureEntry((), lambda: figures.plan),
    "rho": FigureEntry(("rho",), lambda: figures.rho),
    "robust": FigureEntry((), lambda: figures.robust),
    "robustness": FigureEntry(("robustness",), lambda: figures.robustness),
    "scale": FigureEntry(("scale",), lambda: figures.scale),
    "schedule_penalty": FigureEntry((), lambda: figures.schedule_penalty),
    "simulator_speed": FigureEntry(("simulator_speed",), lambda: figures.simulator_speed),
    "taxonomy": FigureEntry((), lambda: figures.taxonomy),
    "tightness": FigureEntry(("tightness",), lambda: figures.tightness),
    "wrong_rates": FigureEntry(("wrong_rates",), lambda: figures.wrong_rates),
}
"""The figure of an experiment has its name; one's own figure is one entry more."""
