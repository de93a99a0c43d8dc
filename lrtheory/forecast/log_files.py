"""Runs from CSV files: logs with column names given, or as Weights & Biases and TensorBoard export them; final losses."""

from pathlib import Path
from typing import Any

import numpy as np

from lrtheory.forecast.curve import Curve
from lrtheory.schedules import parse
from lrtheory.schedules.schedule import Schedule

_TENSORBOARD = ("Wall time", "Step", "Value")


def read_log(
    path: str | Path,
    *,
    loss: str | None = None,
    step: str | None = None,
    lr: str | float | None = None,
    schedule: Schedule | None = None,
    horizon: int | None = None,
    run: str | None = None,
) -> list[Curve]:
    """The curves of a log.

    The rates of the steps come from a column, which is held from one logged step to the next; or from a schedule, whose base
    rate is given. Losses that are missing at a step are skipped, as exports leave gaps. A loss that is not finite, and what
    follows it, is divergence: the largest loss before it becomes a lower bound on the last one.

    Args:
        path: A CSV file. A Weights & Biases export has a column for each run, ``NAME - METRIC``, beside ``Step``; a TensorBoard
            export has the columns ``Wall time``, ``Step`` and ``Value``; any other file needs ``loss`` and ``step``.
        loss: The column of losses, or the metric of a Weights & Biases export.
        step: The column of steps; by default ``Step``, ``step`` or ``_step``.
        lr: The column of learning rates; or, with a schedule, the base rate.
        schedule: The shape, where rates were not logged.
        horizon: Number of steps of the schedule; by default the last logged step.
        run: A column that tells runs apart; by default all rows are one run.

    Returns:
        A curve for each run.

    Raises:
        ValueError: the log cannot be used, in one sentence that says why.

    Example:
        >>> import tempfile
        >>> from lrtheory import Constant
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "log.csv"
        ...     _ = path.write_text("step,loss" + "".join(f"{chr(10)}{k},{3 + 1 / k}" for k in range(1, 11)))
        ...     read_log(path, loss="loss", schedule=Constant(), lr=0.1)
        [Curve('log', 10 steps, peak rate 0.1, 10 losses)]
    """
    import pandas as pd

    path = Path(path)
    table = _table(path)
    step = step or next((name for name in ("Step", "step", "_step", "global_step") if name in table), None)
    if step is None or step not in table:
        raise ValueError(f"{path} has no column of steps; name one of {', '.join(map(str, table.columns))} as step.")
    exported = {} if run else _exported(table, loss)
    if exported:
        pieces: Any = [
            (name, table[[step, column]].set_axis(["step", "loss"], axis=1)) for name, column in exported.items()
        ]
        if isinstance(lr, str):
            raise ValueError(
                "a Weights & Biases export of one metric has no rates: give schedule and its base rate lr."
            )
    else:
        loss = loss or ("Value" if tuple(table.columns) == _TENSORBOARD else None)
        if loss is None or loss not in table:
            raise ValueError(
                f"{path} has no column {loss!r}; name one of {', '.join(map(str, table.columns))} as loss."
            )
        columns = {"step": table[step], "loss": table[loss]}
        if isinstance(lr, str):
            if lr not in table:
                raise ValueError(f"{path} has no column {lr!r} of learning rates.")
            columns["lr"] = table[lr]
        frame = pd.DataFrame(columns)
        if run and run not in table:
            raise ValueError(f"{path} has no column {run!r} that tells runs apart.")
        pieces = list(frame.groupby(table[run], sort=False)) if run else [(path.stem, frame)]
    return [_curve(str(name), rows, lr, schedule, horizon) for name, rows in pieces]


def read_runs(path: str | Path) -> list[Curve]:
    """Finished runs from a table of their final losses.

    Args:
        path: A CSV file with the columns ``schedule`` (its name as it prints), ``horizon`` (number of steps), ``lr`` (base
            rate) and ``loss``. A loss that is missing or not finite is divergence: the largest loss of the table is a lower
            bound on it.

    Returns:
        A curve of one loss for each row.

    Raises:
        ValueError: the table cannot be used, in one sentence that says why.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "runs.csv"
        ...     rows = ["schedule,horizon,lr,loss", '"WSD(0.2)",1000,0.1,3.0', "Cosine(),1000,0.2,nan"]
        ...     _ = path.write_text(chr(10).join(rows))
        ...     [(run.name, run.losses.tolist(), run.censored.tolist()) for run in read_runs(path)]
        [('WSD(0.2)', [3.0], [False]), ('Cosine()', [3.0], [True])]
    """
    import pandas as pd

    path = Path(path)
    table = _table(path)
    missing = [name for name in ("schedule", "horizon", "lr", "loss") if name not in table]
    if missing:
        raise ValueError(f"{path} needs the columns schedule, horizon, lr and loss; {', '.join(missing)} missing.")
    numbers = table[["horizon", "lr", "loss"]].apply(pd.to_numeric, errors="coerce")
    diverged = ~np.isfinite(numbers["loss"])
    if diverged.all():
        raise ValueError(f"{path} has no finite loss.")
    highest, found = float(numbers["loss"][~diverged].max()), []
    for place, (name, row) in enumerate(zip(table["schedule"], numbers.itertuples(index=False))):
        if not (np.isfinite(row.horizon) and row.horizon == round(row.horizon)):
            raise ValueError(f"{path}, row {place + 1}: horizon must be a whole number of steps.")
        try:
            loss = highest if diverged.iloc[place] else row.loss
            run = Curve.of(parse(str(name)), int(row.horizon), row.lr, losses=loss, censored=bool(diverged.iloc[place]))
        except ValueError as error:
            raise ValueError(f"{path}, row {place + 1}: {error}") from None
        found.append(run)
    return found


def _table(path: Path) -> Any:
    import pandas as pd

    try:
        return pd.read_csv(path, keep_default_na=False, na_values=[""])  # a logged nan is divergence, a gap is not
    except FileNotFoundError:
        raise ValueError(f"{path} is not there.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}.") from None
    except (UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise ValueError(f"{path} is no CSV file that can be read: {str(error).splitlines()[0]}") from None


def _exported(table: Any, metric: str | None) -> dict[str, str]:
    """The columns of a Weights & Biases export by run; not those of the smallest and largest value."""
    found = {}
    for column in map(str, table.columns):
        name, separator, what = column.rpartition(" - ")
        if separator and not what.endswith(("__MIN", "__MAX")) and what != "_step" and metric in (None, what):
            found[name] = column
    return found


def _curve(name: str, rows: Any, lr: Any, schedule: Schedule | None, horizon: int | None) -> Curve:
    import pandas as pd

    numbers = rows.apply(pd.to_numeric, errors="coerce")
    words = rows["loss"].notna() & numbers["loss"].isna()
    spelled = rows["loss"][words].astype(str).str.lower().str.strip()
    if not spelled.isin(["nan", "inf", "-inf", "infinity", "-infinity"]).all():
        raise ValueError(f"{name}: the loss {spelled.iloc[0]!r} is no number.")
    if numbers["step"].isna().any():
        raise ValueError(f"{name}: a step is missing or no number.")
    logged = numbers[rows["loss"].notna()]
    steps, losses = logged["step"].to_numpy(dtype=float), logged["loss"].to_numpy(dtype=float)
    if not losses.size:
        raise ValueError(f"{name}: no loss was logged.")
    if (steps != np.round(steps)).any():
        raise ValueError(f"{name}: steps must be whole numbers; is the column epochs or seconds?")
    if (np.diff(steps) <= 0).any():
        raise ValueError(
            f"{name}: steps must rise; the log repeats or goes back, as after a resumed run: keep one part."
        )
    if steps[0] < 0:
        raise ValueError(f"{name}: steps must not be negative.")
    keep = steps >= 1  # a loss before the first step is of no rate
    steps, losses = steps[keep], losses[keep]
    finite = np.isfinite(losses)
    ends = int(np.argmin(finite)) if not finite.all() else losses.size
    if ends == 0:
        raise ValueError(f"{name}: no finite loss was logged after the first step.")
    censored = np.zeros(ends, dtype=bool)
    losses, at = losses[:ends].copy(), steps[:ends].astype(int)
    if ends < finite.size:
        losses[-1], censored[-1] = losses.max(), True
    rates = _rates(name, numbers, lr, schedule, horizon, int(steps[-1]))
    return Curve(rates, at, losses, censored, name)


def _rates(name: str, rows: Any, lr: Any, schedule: Schedule | None, horizon: int | None, last: int) -> np.ndarray:
    if schedule is not None:
        if lr is None or isinstance(lr, str):
            raise ValueError("with a schedule, lr must be its base rate, a number.")
        if horizon is not None and horizon < last:
            raise ValueError(f"{name}: the log goes on to step {last}, beyond the horizon {horizon}.")
        return schedule.steps(horizon or last, lr)
    if not isinstance(lr, str):
        raise ValueError("rates are needed: name their column as lr, or give schedule and its base rate lr.")
    known = rows.dropna(subset="lr")
    if known.empty or not (np.isfinite(known["lr"]).all() and (known["lr"] >= 0).all()):
        raise ValueError(f"{name}: learning rates must be finite numbers, none negative.")
    # The rate of a step is the last one logged up to it; the first is held back to the start.
    place = np.searchsorted(known["step"].to_numpy(dtype=float), np.arange(1, last + 1), side="right") - 1
    return known["lr"].to_numpy(dtype=float)[np.maximum(place, 0)]
