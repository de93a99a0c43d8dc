r"""Do language models obey the law? Public logs of real runs against the worst case, with nothing but three numbers.

The logs are final validation losses of 124-million-parameter models under eleven schedules, over a factor of 30 in the
peak rate and, for most, several horizons (``figures/data/llm_learning_rates.md`` says whose they are). A *model of the
loss* predicts them:

.. math:: \text{loss} = f^\star + A\,W(\gamma\cdot\text{lr}\cdot\text{shape})

with three numbers for all schedules, and for :math:`W`, with :math:`D=G=1` and the warm-up in the shape,

* ``diameter``: the worst case with restarts (:math:`A=DG`, :math:`\gamma=G/D`), which forgives over-estimates;
* ``distance``: the worst case from a known distance, which does not;
* ``published``: the last-iterate bound of the literature (:mod:`lrtheory.theory.published_bound`).

Beside them, ``quadratic``: the loss as one quadratic in the logarithm of the rate for all schedules, three numbers too
and blind to the shape; and ``quadratic per schedule``, three numbers *for each schedule*, which cannot predict a schedule
that it has not seen.

Every run is predicted from fits that left out: ``nothing``; its ``schedule`` (all runs of it); its ``rate`` (the runs of
its schedule at its rate); or the ``horizon`` (all runs but those of 50,000 steps). Fits are least squares over runs; for a given
:math:`\gamma` they are linear. The diverged run is left out of every fit and reported.

**What came out** (measured; root mean squared errors in nats, 95 % intervals by resampling whole schedules; two runs of one
setting differ by a standard deviation of 0.0012).

* *Unseen schedules.* With the schedule left out, the worst case with restarts predicts the ten annealed ones to 0.0158
  [0.0143, 0.0171], better than from a distance, 0.0187 [0.0169, 0.0203], than the published bound, 0.0214 [0.0189, 0.0235],
  and than one quadratic, 0.0312 [0.0276, 0.0338]. Over all eleven it is ahead of these by 0.0025 [0.0024, 0.0035], 0.0067
  [0.0046, 0.0095] and 0.0238 [0.0133, 0.0359]. Restarts matter at the largest rates only: within this range of rates the
  logs prefer them, and not by much.
* *Best rates* of unseen schedules are put in the right order (rank correlation 0.95; -0.97 for the one quadratic) and
  too low, by a factor of 0.72 with a spread of 1.29: real annealed runs like larger rates than the convex worst case.
* *The constant schedule fails.* Its best loss is 0.12 above what fits to the annealed schedules say, the same for every bound:
  annealing is worth more in these networks than in the worst case.
* *It is no law of these runs to their noise.* Fitted to everything, three numbers leave 0.0290 [0.0136, 0.0456], twenty times
  the noise. Three numbers for each schedule leave 0.0019, and predict a left-out rate better than three for all (0.0088
  [0.0052, 0.0126] against 0.0323 [0.0146, 0.0512]); but they say nothing of another schedule.
* *Other horizons.* Fitted at 50,000 steps, the losses at 35,000, 25,000 and 15,000 are predicted too low, by 0.020, 0.025 and
  0.092 in the mean: a common floor and :math:`1/\sqrt T` are too little for what more steps bring.
* *Divergence* is beyond it: the run that ended at 7.59 is predicted at 2.98.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrtheory.estimate import Estimate
from lrtheory.runs import Store, execute
from lrtheory.runs.execute import Workers
from lrtheory.runs.tables import committed
from lrtheory.schedules import WSD, Constant, Cosine, Polynomial, Schedule, Warmup
from lrtheory.sweeps.checks import check_unique
from lrtheory.theory.published_bound import published_bound
from lrtheory.theory.worst_case import worst_case

LOGS = Path("figures/data/llm_learning_rates.csv")
"""The table that comes with the package, wherever it is installed: cells know it by this name."""
WARMUP = 300
"""Steps of warm-up in every run."""
LONGEST = 50_000
DIVERGED = 5.0
"""A final loss above this is divergence."""
BOUNDS = ("diameter", "distance", "published")
MODELS = (*BOUNDS, "quadratic", "quadratic per schedule")
LEFT_OUT = ("nothing", "schedule", "rate", "horizon")
GAMMAS = np.geomspace(0.1, 300, 401)
r"""The values of :math:`\gamma` that are tried first: they place the tuned rates of these runs between 1e-5 and 0.05."""
SCALED = np.geomspace(1e-5, 1.0, 801)
r"""Values of :math:`\gamma\,\mathrm{lr}` at which curves are tabulated: 1.4 % apart, so a chord errs by less than 1e-4."""
RESAMPLES = 10_000
DIGITS = 7
"""Significant digits that are kept of a prediction."""


@dataclass(frozen=True)
class LanguageModelSweep:
    """Which models of the loss ``sweep language_models`` fits.

    Args:
        models: Names of models: diameter, distance, published, quadratic, quadratic per schedule.
        logs: The table of runs.
    """

    models: tuple[str, ...] = MODELS
    logs: str = str(LOGS)

    def __post_init__(self) -> None:
        for model in self.models:
            if model not in MODELS:
                raise ValueError(f"{model!r} is no model of the loss; there are {', '.join(MODELS)}.")
        check_unique("models", self.models)
        if Path(self.logs) != LOGS:
            _check_logs(self.logs)


DEFAULT = LanguageModelSweep()
QUICK = LanguageModelSweep(models=("diameter", "quadratic"))


@dataclass(frozen=True)
class Forecast:
    """Predictions of all runs by one model, each from a fit without some of them.

    Args:
        model: One of :data:`MODELS`.
        left_out: One of :data:`LEFT_OUT`.
        logs: The table of runs.
        sha256: Of the table, so that other logs are other cells.
    """

    model: str
    left_out: str
    logs: str
    sha256: str


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
    logged = pd.read_csv(_found(path))
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


def _found(logs: Path | str) -> Path:
    return committed() / LOGS.name if Path(logs) == LOGS else Path(logs)


_COLUMNS = {
    "schedule": object,
    "cooldown_fraction": float,
    "peak_learning_rate": float,
    "steps": float,
    "final_validation_loss": float,
}


def _check_logs(logs: str) -> None:
    """One sentence where the table of runs is none, or not one that every fit can be made to."""
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


def compute(cell: Forecast) -> dict[str, Any]:
    """The predictions of a cell; lists with an entry a run, None where the model has nothing to say."""
    frame = runs(Path(cell.logs))
    usable = frame[~frame["diverged"]]
    if cell.left_out != "horizon":
        usable = usable[usable["steps"] == LONGEST]
    fits: dict[Any, Fit] = {}
    columns: dict[str, list[float | None]] = {name: [] for name in ("predicted", "best_lr", "gamma", "scale", "floor")}
    for run in frame.itertuples():
        away: Any = {"nothing": "", "schedule": run.schedule, "rate": (run.schedule, run.lr), "horizon": LONGEST}[
            cell.left_out
        ]
        if away not in fits:
            kept = {
                "nothing": usable,
                "schedule": usable[usable["schedule"] != run.schedule],
                "rate": usable[(usable["schedule"] != run.schedule) | (usable["lr"] != run.lr)],
                "horizon": usable[usable["steps"] == LONGEST],
            }[cell.left_out]
            fits[away] = fit(cell.model, kept)
        found = fits[away]
        schedule, lr, steps = str(run.schedule), float(run.lr), int(run.steps)  # pyright: ignore[reportArgumentType]
        values = (
            found.predict(schedule, lr, steps),
            found.best_lr(schedule, steps),
            found.gamma,
            found.scale,
            found.floor,
        )
        for column, value in zip(columns.values(), values):
            column.append(float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None)
    return columns


def cells(sweep: LanguageModelSweep) -> list[Forecast]:
    """The cells of the sweep, a model and what its fit leaves out each.

    Raises:
        FileNotFoundError: the table of runs is not there.
    """
    sha256 = hashlib.sha256(_found(sweep.logs).read_bytes()).hexdigest()
    return [Forecast(model, left_out, sweep.logs, sha256) for model, left_out in product(sweep.models, LEFT_OUT)]


def table(sweep: LanguageModelSweep, store: Store, workers: Workers = None) -> pd.DataFrame:
    r"""A row a model, what its fit left out, and run.

    ``predicted`` and ``best_lr`` (the best rate of the run's schedule and horizon) are missing where the model cannot say;
    ``gamma``, ``scale``, ``floor`` are the fitted numbers. Only ``horizon`` predicts runs of other horizons.

    Raises:
        FileNotFoundError: the table of runs is not there.
    """
    wanted = cells(sweep)
    frame, parts = runs(Path(sweep.logs)), []
    for cell, result in zip(wanted, execute(compute, wanted, store, workers=workers)):
        columns = {name: np.array(values, dtype=float) for name, values in result.items()}
        part = pd.DataFrame({"model": cell.model, "left_out": cell.left_out, **frame, **columns})
        parts.append(part[(part["steps"] == LONGEST) != (cell.left_out == "horizon")])
    return pd.concat(parts, ignore_index=True)


def rms(frame: pd.DataFrame, model: str, left_out: str, *, less: str | None = None) -> Estimate | None:
    """The root mean squared error of a model's predictions; whole schedules are resampled, 10,000 times.

    Args:
        frame: As from :func:`table`.
        model: One of :data:`MODELS`.
        left_out: One of :data:`LEFT_OUT`.
        less: The error of this other model is subtracted, resampling both at once.

    Returns:
        None where the model predicts nothing.

    Example:
        >>> frame = pd.DataFrame({"model": "distance", "left_out": "rate", "schedule": ["a", "b"], "diverged": False,
        ...     "loss": [3.0, 3.0], "predicted": [3.1, 3.1]})
        >>> print(f"{rms(frame, 'distance', 'rate'):.4f}")
        0.1000 [0.1000, 0.1000]
    """
    squares = {name: _squares(frame, name, left_out) for name in (model, less) if name}
    if any(group.empty for group in squares.values()):
        return None
    schedules = squares[model].index
    draws = np.random.default_rng(0).integers(len(schedules), size=(RESAMPLES, len(schedules)))
    draws = np.vstack([np.arange(len(schedules)), draws])
    errors = {
        name: np.sqrt(group["sum"].to_numpy()[draws].sum(1) / group["count"].to_numpy()[draws].sum(1))
        for name, group in squares.items()
    }
    found = errors[model] - (errors[less] if less else 0)
    return Estimate(float(found[0]), *(float(end) for end in np.quantile(found[1:], [0.025, 0.975])))


def _squares(frame: pd.DataFrame, model: str, left_out: str) -> pd.DataFrame:
    """Sum and number of squared errors of each schedule."""
    chosen = frame[(frame["model"] == model) & (frame["left_out"] == left_out) & ~frame["diverged"]]
    chosen = chosen.dropna(subset="predicted")
    return (chosen["predicted"] - chosen["loss"]).pow(2).groupby(chosen["schedule"]).agg(["sum", "count"])


def best_rates(frame: pd.DataFrame) -> pd.DataFrame:
    """The best rate of each schedule at 50,000 steps: measured, and predicted by each model that has not seen the schedule.

    ``measured`` is the vertex of a quadratic in the logarithm of the rate through the schedule's own runs.
    """
    logged = frame[~frame["diverged"] & (frame["steps"] == LONGEST)]
    one = logged[(logged["model"] == logged["model"].iloc[0]) & (logged["left_out"] == "nothing")]
    measured = fit("quadratic per schedule", one)
    chosen = logged[logged["left_out"] == "schedule"]
    found = chosen.pivot_table(index="schedule", columns="model", values="best_lr", aggfunc="first", sort=False)
    found.insert(0, "measured", [measured.best_lr(str(schedule), LONGEST) for schedule in found.index])
    return found.reset_index().rename_axis(columns=None)


def repeats(path: Path = LOGS) -> float:
    """The standard deviation of one run, from the settings that were logged twice."""
    twice = runs(path).groupby(["schedule", "lr", "steps"])["loss"].agg(["var", "count"])
    return float(np.sqrt(twice.loc[twice["count"] > 1, "var"].mean()))


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """The terminal table: how far each model's predictions are off, in nats, and how far its best rates.

    ``best rate`` is the geometric mean of predicted over measured, and the spread about it as a factor.
    """
    rows, rates = [], best_rates(frame)
    for left_out, model in product(LEFT_OUT, dict.fromkeys(frame["model"])):
        error = rms(frame, model, left_out)
        if error is None:
            continue
        annealed = rms(frame[frame["schedule"] != "constant"], model, left_out)
        compared = rms(frame, model, left_out, less="diameter") if model != "diameter" else None
        row = {"left out": left_out, "model": model, "rms error": f"{error:.4f}", "annealed only": f"{annealed:.4f}",
               "less diameter's": f"{compared:.4f}" if compared else "-", "best rate": "-"}  # fmt: skip
        if left_out == "schedule":
            ratio = np.log(rates[model] / rates["measured"])
            row["best rate"] = f"{np.exp(ratio.mean()):.2f} x/ {np.exp(ratio.std(ddof=1)):.2f}"
        rows.append(row)
    return pd.DataFrame(rows)
