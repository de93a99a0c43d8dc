r"""Public logs of language models, and models of their final loss: :mod:`lrtheory.sweeps.language_models` says which."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrtheory.runs.tables import committed
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial, Schedule, Warmup
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.published_bounds import published_bound

LOGS = Path("figures/data/llm_learning_rates.csv")
"""The table that comes with the package, wherever it is installed: cells know it by this name."""
WARMUP = 300
"""Steps of warm-up in every run."""
LONGEST = 50_000
DIVERGED = 5.0
"""A final loss above this is divergence."""
BOUNDS = ("diameter", "distance", "published")
MODELS = (*BOUNDS, "quadratic", "quadratic per schedule")
GAMMAS = np.geomspace(0.1, 300, 401)
r"""The values of :math:`\gamma` that are tried first: they place the tuned rates of these runs between 1e-5 and 0.05."""
SCALED = np.geomspace(1e-5, 1.0, 801)
r"""Values of :math:`\gamma\,\mathrm{lr}` at which curves are tabulated: 1.4 % apart, so a chord errs by less than 1e-4."""


@dataclass(frozen=True)
class Fit:
    r"""A model of the loss with its numbers.

    Args:
        predict: Schedule, peak rate and steps to a loss.
        gamma: :math:`\gamma`; 0 for a quadratic.
        scale: :math:`A`; 0 for a quadratic.
        floor: :math:`f^\star`; 0 for a quadratic.
        best_lr: Schedule and steps to the best rate.
    """

    predict: Callable[[str, float, int], float]
    gamma: float
    scale: float
    floor: float
    best_lr: Callable[[str, int], float]


def runs(path: Path = LOGS) -> pd.DataFrame:
    """The logged runs: ``schedule`` with its cooldown in the name, ``lr``, ``steps``, ``loss``, ``diverged``.

    Raises:
        FileNotFoundError: the table is not there.
    """
    logged = pd.read_csv(found_logs(path))
    cooldown = logged["cooldown_fraction"].map(lambda part: "" if np.isnan(part) else f" {part:g}")
    return pd.DataFrame(
        {
            "schedule": logged["schedule"] + cooldown,
            "lr": logged["peak_learning_rate"],
            "steps": logged["steps"],
            "loss": logged["final_validation_loss"],
            "diverged": logged["final_validation_loss"] > DIVERGED,
        }
    )


def found_logs(logs: Path | str) -> Path:
    """Where a table of runs is: the one that comes with the package, wherever that is installed, or another."""
    return committed() / LOGS.name if Path(logs) == LOGS else Path(logs)


_COLUMNS = {
    "schedule": object,
    "cooldown_fraction": float,
    "peak_learning_rate": float,
    "steps": float,
    "final_validation_loss": float,
}


def check_logs(logs: str) -> None:
    """Refuse what is no table of runs, or not one that every fit can be made to.

    Raises:
        ValueError: as said, in one sentence.
    """
    try:
        logged = pd.read_csv(logs, dtype=_COLUMNS)  # pyright: ignore[reportArgumentType]
    except OSError as error:
        raise ValueError(f"logs: {logs} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except ValueError:  # of pandas: no text, no columns, or no numbers
        raise ValueError(f"logs: {logs} is no table of runs with the columns {', '.join(_COLUMNS)}.") from None
    if lacking := [column for column in _COLUMNS if column not in logged]:
        raise ValueError(f"logs: {logs} is no table of runs: it lacks {', '.join(lacking)}.")
    numbers = logged[["peak_learning_rate", "steps", "final_validation_loss"]].to_numpy()
    whole = (numbers[:, 1] == np.round(numbers[:, 1])) & (numbers[:, 1] > WARMUP)
    fine = np.isfinite(numbers).all(axis=1) & (numbers[:, 0] > 0) & whole
    if not fine.all():
        raise ValueError(
            f"logs: row {int(np.argmin(fine))} of {logs} needs a positive rate, more than {WARMUP} whole steps and a "
            "finite loss."
        )
    known = runs(Path(logs))
    for schedule, steps in known[["schedule", "steps"]].drop_duplicates().itertuples(index=False):
        try:
            shape(schedule, int(steps))
        except (KeyError, ValueError):
            raise ValueError(f"logs: {schedule!r} in {logs} is no schedule of the logs.") from None
    usable = known[~known["diverged"] & (known["steps"] == LONGEST)]
    if usable["schedule"].nunique() < 2 or usable.groupby("schedule")["lr"].nunique().max() < 3:
        raise ValueError(
            f"logs: {logs} needs runs of {LONGEST} steps of two schedules that did not diverge, three rates of one."
        )


def shape(schedule: str, steps: int) -> Schedule:
    """The shape of a logged schedule, with its warm-up.

    A cooldown is a part of the whole run; after the warm-up it is a larger part of what is left, all of it for the
    longest.

    Example:
        >>> shape("constant then linear cooldown 0.994", 50_000) == shape("constant then linear cooldown 1", 50_000)
        True
        >>> shape("cosine to zero", 50_000).steps(50_000)[[0, 299, 49_999]].round(4)
        array([0.0033, 1.    , 0.    ])
    """
    warm: Any = Fraction(WARMUP, steps)  # exact, where a float would put the end of the warm-up between steps
    kind, _, part = schedule.rpartition(" ")
    if kind.startswith("constant then"):
        cooldown = Fraction(part) / (1 - warm)
        cooled = WSD(cooldown, "1-sqrt" if "1-sqrt" in kind else "linear") if cooldown < 1 else Polynomial(1)
    else:
        cooled = {
            "constant": Constant(),
            "cosine to zero": Cosine(),
            "cosine to 10%": Cosine(floor=0.1),
        }[schedule]
    return Warmup(cooled, warm)


@lru_cache(maxsize=256)
def curve(bound: str, schedule: str, steps: int) -> np.ndarray:
    r"""The logarithm of :math:`W` at :data:`SCALED`, with :math:`D=G=1`."""
    formed = shape(schedule, steps)
    if bound != "published":
        length: dict[str, Any] = {bound: 1.0}
        return np.log(worst_case(formed, horizon=steps, lr=SCALED, **length))
    unit = published_bound(formed.steps(steps), distance=1.0)
    return np.log(unit.bias / SCALED + unit.noise * SCALED)


def fit(model: str, frame: pd.DataFrame) -> Fit:
    """Least squares over runs.

    Args:
        model: One of :data:`MODELS`.
        frame: Runs, as from :func:`runs`, none diverged.

    Raises:
        ValueError: there is no such model.
    """
    if model in BOUNDS:
        return _fit_bound(model, frame)
    if model not in MODELS:
        raise ValueError(f"{model!r} is no model of the loss; there are {', '.join(MODELS)}.")
    groups = {str(name): group for name, group in frame.groupby("schedule")} if model != "quadratic" else {"": frame}
    found = {
        name: np.polynomial.Polynomial.fit(np.log(group["lr"]), group["loss"], 2)
        for name, group in groups.items()
        if group["lr"].nunique() >= 3
    }

    def of(schedule: str) -> Any:
        return found.get(schedule if model != "quadratic" else "")

    def predict(schedule: str, lr: float, steps: int) -> float:
        return float(of(schedule)(np.log(lr))) if of(schedule) else np.nan

    def best_lr(schedule: str, steps: int) -> float:
        convex = of(schedule) and of(schedule).deriv(2)(0) > 0
        return float(np.exp(of(schedule).deriv().roots()[0].real)) if convex else np.nan

    return Fit(predict, 0.0, 0.0, 0.0, best_lr)


def _fit_bound(bound: str, frame: pd.DataFrame) -> Fit:
    from scipy.optimize import minimize_scalar

    losses = frame["loss"].to_numpy()
    log_lr = np.log(frame["lr"].to_numpy())
    names = list(zip(frame["schedule"], frame["steps"]))
    members = {name: [place for place, other in enumerate(names) if other == name] for name in dict.fromkeys(names)}

    def values(log_gamma: float) -> np.ndarray:
        unit = np.empty(len(losses))
        for name, places in members.items():
            unit[places] = np.interp(log_gamma + log_lr[places], np.log(SCALED), curve(bound, *name))
        return np.exp(unit)

    def solved(log_gamma: float) -> tuple[float, float, float]:
        unit = values(log_gamma)
        centred = unit - unit.mean()
        scale = max(float(centred @ losses / (centred @ centred)), 0.0)
        floor = float(losses.mean() - scale * unit.mean())
        return float(np.sum((losses - floor - scale * unit) ** 2)), scale, floor

    tried = np.log(GAMMAS)
    place = int(np.argmin([solved(log_gamma)[0] for log_gamma in tried]))
    around = tried[max(place - 1, 0)], tried[min(place + 1, len(tried) - 1)]
    refined: Any = minimize_scalar(lambda value: solved(value)[0], bounds=around, method="bounded")
    log_gamma = float(refined.x)
    _, scale, floor = solved(log_gamma)

    def predict(schedule: str, lr: float, steps: int) -> float:
        unit = np.interp(log_gamma + np.log(lr), np.log(SCALED), curve(bound, schedule, steps))
        return floor + scale * float(np.exp(unit))

    def best_lr(schedule: str, steps: int) -> float:
        return float(SCALED[np.argmin(curve(bound, schedule, steps))] / np.exp(log_gamma))

    return Fit(predict, float(np.exp(log_gamma)), scale, floor, best_lr)
