"""What the curves of a table say together: their slopes and margins, the orders that the law predicts, the cost of grids."""

from itertools import product

import numpy as np
import pandas as pd

from lrtheory.schedules import parse
from lrtheory.statistics import percentile_interval, resamples, worst_offset
from lrtheory.sweeps.rate_curves import curves, exponent, margin, predicted_slope, slope
from lrtheory.theory.last_iterate import tuned_lr, worst_case

ORDER = (
    ("Constant()", "Polynomial(1)"), ("Polynomial(1)", "Polynomial(2)"), ("Polynomial(1)", "Cosine()"),
    ("Polynomial(2)", "Polynomial(3)"), ("Cosine()", "Polynomial(3)"),
)  # fmt: skip
"""What the law orders: the first of each pair forgives less."""
RESAMPLES = 2_000


def ordering(frame: pd.DataFrame) -> pd.DataFrame:
    """Does the first schedule of each pair of :data:`ORDER` forgive less? Bootstrapped over seeds, in two measures.

    ``slope``: its right branch is steeper. ``margin``: its margin is smaller (a difference of decimal logarithms). All runs
    of a seed share their first weights and batches, so seeds are drawn once for both schedules of a pair; the best rate is
    that of the draw. ``verdict``: ``yes`` or ``reversed`` where the 95 % interval of the difference excludes zero, ``undecided``
    where it does not, ``no branch`` where a twentieth of the draws have a right branch of fewer than three rates.
    """
    found, rows = curves(frame), []
    seeds = next(iter(found.values())).excess.shape[1]
    draws = resamples(seeds, RESAMPLES)
    measures = {"slope": exponent, "margin": lambda curve: -np.log10(margin(curve))}
    values = {
        key: {name: np.array([measure(curve.of(draw)) for draw in draws]) for name, measure in measures.items()}
        for key, curve in found.items()
        if any(key[2] in pair for pair in ORDER)
    }
    for task, optimizer in dict.fromkeys((task, optimizer) for task, optimizer, _ in found):
        for measure, (first, second) in product(measures, ORDER):
            if (task, optimizer, first) not in found or (task, optimizer, second) not in found:
                continue
            difference = values[task, optimizer, first][measure] - values[task, optimizer, second][measure]
            missing = bool(np.isnan(difference).mean() > 0.05 or np.isnan(difference[0]))
            low, high = (np.nan, np.nan) if missing else percentile_interval(difference[1:])
            verdict = "no branch" if missing else "yes" if low > 0 else "reversed" if high < 0 else "undecided"
            rows.append(
                {"task": task, "optimizer": optimizer, "measure": measure, "first": first, "second": second,
                 "difference": difference[0], "low": low, "high": high, "verdict": verdict}
            )  # fmt: skip
    return pd.DataFrame(rows)


def grid_losses(frame: pd.DataFrame) -> pd.DataFrame:
    r"""What is left to lose after tuning over a geometric grid, at the grid's worst offset; one row per curve and ratio.

    ``ratio`` is that of neighbouring rates. ``excess`` is the mean excess loss and ``law`` the worst case with a
    diameter, in units of :math:`DG/\sqrt T`, on the same ``rho``; the columns ``*_factor`` divide them by the best of all
    rates. ``accuracy_lost`` is of the rates that the grids pick by their training loss, against the best of all.
    """
    accuracy, rows = _accuracy(frame), []
    for (task, optimizer, schedule), curve in curves(frame).items():
        mean, shape = curve.mean, parse(schedule)
        right = accuracy[task, optimizer, schedule].to_numpy()
        lrs = curve.rho * tuned_lr(shape, curve.horizon, diameter=1.0)
        law = worst_case(shape, horizon=curve.horizon, lr=lrs, diameter=1.0) * curve.horizon**0.5
        for period in range(1, (len(mean) - 1) // 2 + 1):
            picked = [offset + period * int(np.argmin(mean[offset::period])) for offset in range(period)]
            ratio = float((curve.lrs[-1] / curve.lrs[0]) ** (period / (len(mean) - 1)))
            row = {"task": task, "optimizer": optimizer, "schedule": schedule, "ratio": ratio}
            for name, losses in (("excess", mean), ("law", law)):
                row[name] = worst_offset(curve.rho, losses, ratio)
                row[f"{name}_factor"] = row[name] / losses.min()
            rows.append({**row, "accuracy_lost": right[curve.best] - right[picked].min()})
    return pd.DataFrame(rows)


def slopes(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per task, optimizer and schedule: its best rate, what that reaches, its right branch, margin and divergences.

    ``with diameter`` and ``with distance`` are the slopes of the two worst cases over the same ``rho``.
    """
    accuracy, rows = _accuracy(frame), []
    for (task, optimizer, schedule), curve in curves(frame).items():
        predicted = {f"with {length}": predicted_slope(schedule, curve, length) for length in ("diameter", "distance")}
        rows.append(
            {
                "task": task,
                "optimizer": optimizer,
                "schedule": schedule,
                "best lr": f"{curve.lrs[curve.best]:.3g}",
                "excess": f"{curve.mean.min():.4f}",
                "accuracy": f"{accuracy[task, optimizer, schedule, curve.lrs[curve.best]]:.3f}",
                "rho up to": f"{curve.rho[curve.branch.stop - 1]:.3g}",
                "slope": f"{found:.3f}" if (found := slope(curve)) else "-",
                **{name: f"{found.value:.3f}" if found else "-" for name, found in predicted.items()},
                "margin": f"{margin(curve):.3g}",
                "diverged": f"{int(np.isinf(curve.excess).sum())}/{curve.excess.size}",
            }
        )
    return pd.DataFrame(rows)


def slopes_and_orders(frame: pd.DataFrame) -> pd.DataFrame:
    """Slopes of the right branch, then the orders that the law predicts, with verdicts."""
    orders: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in ordering(frame).to_dict("records"):
        pair = f"{row['first']} > {row['second']}"
        shown = f"{row['difference']:.3f} [{row['low']:.3f}, {row['high']:.3f}] {row['verdict']}"
        shown = "no branch" if row["verdict"] == "no branch" else shown
        names = {"task": row["task"], "optimizer": row["optimizer"], "schedule": pair}
        orders.setdefault((row["task"], row["optimizer"], pair), names)[row["measure"]] = shown
    return pd.concat([slopes(frame), pd.DataFrame(list(orders.values()))], ignore_index=True).fillna("-")


def _accuracy(frame: pd.DataFrame) -> pd.Series:
    """The mean test accuracy by task, optimizer, schedule and rate; where a run diverged, none is right."""
    return frame.set_index(["task", "optimizer", "schedule", "lr"])["test_accuracy"].fillna(0.0).sort_index()
