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
        alt: What the figure shows, in words, for those who do not see it; without results that a new table may change.
    """

    tables: tuple[str, ...]
    load: Callable[[], Drawing]
    alt: str = ""

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
    "audit": FigureEntry(
        ("benchmark",),
        lambda: figures.audit,
        "Two panels. Above: points of accuracy gained when each artefact of the published program is taken away, "
        "with intervals; most include zero. Below: accuracy on TREC-6 against the multiple of the program's base "
        "rate; the strategies that fail at their published rates rise at rates that are much larger.",
    ),
    "averages": FigureEntry(
        ("averages",),
        lambda: figures.averages,
        "Two panels of loss against the rate over its tuned value, for eleven methods. Left: upper bounds; averages of a "
        "constant rate, schedule-free and AdaGrad rise in proportion, with lower bounds on top of them, and annealed rates stay "
        "low. Right: simulated losses, in the same order.",
    ),
    "benchmark": FigureEntry(
        ("benchmark",),
        lambda: figures.benchmark,
        "A table of colours: eighteen strategies by task and protocol, each cell with its mean accuracy and "
        "coloured by its rank in the column. No row is bright in every column.",
    ),
    "cifar10": FigureEntry(
        ("cifar10",),
        lambda: figures.cifar10,
        "Three panels for residual networks on CIFAR-10: excess training loss against the rate over its best, "
        "which is a valley with steep walls for every schedule; test accuracy against the rate; and the excess "
        "after tuning on coarser and coarser grids.",
    ),
    "cliffs": FigureEntry(
        ("cliffs",),
        lambda: figures.cliffs,
        "Six panels. Four of the loss against the rate for three schedules: on a quadratic annealed schedules fall off "
        "later; where the curvature rises all fall off at one rate, where it falls there is no cliff. Then the edge "
        "against the length of a warm-up, which follows the theorem, and measured against predicted edges: on the "
        "diagonal without momentum, below it with.",
    ),
    "degree": FigureEntry(
        ("degree",),
        lambda: figures.degree,
        "The fitted exponent of rho against the degree of decay p. Worst case and simulation lie on the curve "
        "1/(2p+1) that is proved.",
    ),
    "forecast": FigureEntry(
        ("forecast",),
        lambda: figures.forecast,
        "Twelve panels, one for each way to leave runs out: the mean error in nats of every law of loss curves, with "
        "intervals, the smallest error on top. Laws with gradients that shrink are in orange; they lead most panels.",
    ),
    "forecast_curves": FigureEntry(
        ("forecast_multi_power",),
        lambda: figures.forecast_curves,
        "Six panels of training loss against the step, one for each schedule, three model sizes in each: measured "
        "losses as points, and forecasts of the default law that was fitted to other schedules, which lie on "
        "them.",
    ),
    "grid": FigureEntry(
        ("grid",),
        lambda: figures.grid,
        "Loss after tuning on a geometric grid against the ratio of neighbouring rates, worst case and simulated. "
        "Constant and inverse-square-root rates rise fastest; Robust(16) stays flat up to a ratio of 16.",
    ),
    "horizon": FigureEntry(
        ("horizon",),
        lambda: figures.horizon,
        "Two panels against the horizon: the tuned worst case, which rises slowly for a constant rate and is flat "
        "for annealed schedules; and the exponent of rho, which tends to 1 for a constant rate.",
    ),
    "language_models": FigureEntry(
        ("language_models",),
        lambda: figures.language_models,
        "Twelve panels, one for each schedule of public language-model runs: final validation loss against the "
        "peak rate, measured and as the worst case predicts it without having seen the schedule. The last panel "
        "has predicted against measured best rates: predictions are low.",
    ),
    "learning_curves": FigureEntry(
        ("benchmark",),
        lambda: figures.learning_curves,
        "Learning curves, one panel for each task and protocol: test accuracy against the epoch, every strategy in "
        "grey, and the best one, the median one and those that fail with their names.",
    ),
    "learning_curves_all": FigureEntry(
        ("benchmark",),
        lambda: figures.learning_curves_all,
        "All learning curves: test accuracy against the epoch, one row of panels for each task and protocol, one "
        "column for each generation of strategies.",
    ),
    "network_methods": FigureEntry(
        ("averages", "network_methods", "networks"),
        lambda: figures.network_methods,
        "Three panels of dots, one row per method: how many times too large the asked value may be until the upper bound "
        "doubles, until the simulated loss doubles, and until networks lose a tenth of their gain. Annealed rows lie further to "
        "the right in the first two; on networks nearly all rows are near one another, and DoG far to the right.",
    ),
    "networks": FigureEntry(
        ("networks",),
        lambda: figures.networks,
        "Twelve panels, four tasks by three optimizers: excess loss against the rate over its best, for nine "
        "schedules. On logistic regression the right branches fan out in the order of the theorem; on the small "
        "networks all schedules meet a cliff at large rates.",
    ),
    "networks_grid": FigureEntry(
        ("networks",),
        lambda: figures.networks_grid,
        "Nine panels: excess loss after tuning on a geometric grid against the ratio of neighbouring rates, for "
        "logistic regression and small networks, and the worst case in the last panel. Everything rises with the "
        "ratio; the order of the schedules on networks is not that of the worst case.",
    ),
    "note_schedules": FigureEntry(
        (),
        lambda: figures.note_schedules,
        "Four panels of a learning-rate factor against the step: falling to a tenth, rising and then falling, and "
        "two that go up and down periodically.",
    ),
    "orders": FigureEntry(
        (),
        lambda: figures.orders,
        "The distance between gradient descent and four truncations of its modified equation against the step, on "
        "logarithmic axes: straight lines with slopes 1, 2, 3 and 4.",
    ),
    "paths": FigureEntry(
        (),
        lambda: figures.paths,
        "Contours of a loss with a curved valley. Gradient descent leaves the gradient flow and ends near the end "
        "of the flow of the penalised loss.",
    ),
    "penalty": FigureEntry(
        ("penalty",),
        lambda: figures.penalty,
        "Three panels against the step times the curvature: the distance from gradient descent to the flow, slope "
        "1, and to the penalised path, slope 2; the sharpness, which falls for gradient descent at large steps; "
        "and the test accuracy, which does not change within its intervals.",
    ),
    "plan": FigureEntry(
        (),
        lambda: figures.plan,
        "Loss of the best of three trials against the unknown tuned rate: nearly flat for Robust(16), gentle "
        "waves for linear decay, high waves for a constant rate.",
    ),
    "rho": FigureEntry(
        ("rho",),
        lambda: figures.rho,
        "Eight panels, one for each schedule: the loss over its tuned value against rho, the factor by which the "
        "rate is wrong, on logarithmic axes. A constant and an inverse-square-root rate rise with slope 1, linear "
        "decay with slope 1/3, faster decays less; law, worst case and simulation agree for the annealed ones.",
    ),
    "robust": FigureEntry(
        (),
        lambda: figures.robust,
        "Four panels: the schedule Robust(R) for four values of R; the worst case and the simulated loss of five "
        "schedules against the rate for an uncertainty of 16, where Robust is flat; the largest worst case against the "
        "uncertainty, where no schedule fixed in advance lies below Robust; and the same on simulated logistic "
        "regression.",
    ),
    "robustness": FigureEntry(
        ("robustness",),
        lambda: figures.robustness,
        "A table of colours for three tasks: points of test accuracy that each of eighteen strategies loses at a "
        "tenth to ten times its tuned rate. Ten times is dark, an almost total loss, for many of them.",
    ),
    "scale": FigureEntry(
        ("scale",),
        lambda: figures.scale,
        "Two panels: seconds to save, list, tabulate and resume against the number of stored cells, all "
        "proportional to it; and the efficiency of a cluster against its threads, for cells that take a "
        "millisecond to a second.",
    ),
    "schedule_penalty": FigureEntry(
        (),
        lambda: figures.schedule_penalty,
        "Two panels: the implicit penalty's coefficient over the run for six schedules, falling as the rate does; "
        "and its mean against the exponent of rho, on the line (1+e)/2 for polynomial decay.",
    ),
    "simulator_speed": FigureEntry(
        ("simulator_speed",),
        lambda: figures.simulator_speed,
        "Bars of the time for one step: lrtheory and compiled C are equally fast, JAX, torch, numpy and numba "
        "take longer; and the time against the amount of work, proportional to it for large work.",
    ),
    "taxonomy": FigureEntry(
        (),
        lambda: figures.taxonomy,
        "Five boxes, the generations of learning rates: global and fixed, global schedules, per parameter, per "
        "layer, layer and time together, with the strategies of each and their years.",
    ),
    "tightness": FigureEntry(
        ("tightness",),
        lambda: figures.tightness,
        "Three panels: worst case and semidefinite programs against rho for a known distance, which coincide; the "
        "relative gap for a known diameter, zero at most points; and the published bound over the worst case "
        "against the horizon, which tends to 2 for annealed schedules.",
    ),
    "wrong_rates": FigureEntry(
        ("wrong_rates",),
        lambda: figures.wrong_rates,
        "Five panels, one for each source of real grids: the part of the gain that is lost against the rate over "
        "the grid's best. On networks it rises steeply above the best rate, and less below it.",
    ),
}
"""The figure of an experiment has its name; one's own figure is one entry more."""
