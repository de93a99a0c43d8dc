"""Tables of results: means with intervals, paired tests, what was published; for a terminal and for LaTeX."""

import math

import numpy as np
import pandas as pd

from lrtheory.benchmarks.published import EPOCHS_TO, THRESHOLDS, accuracy
from lrtheory.statistics import holm, interval, paired_p_value

REFERENCE = "AdamW"
"""The strategy that paired tests compare with."""


def headline(frame: pd.DataFrame) -> pd.Series:
    """The accuracy that each row's protocol reports: of the last epoch, or the best."""
    return frame["best"].where(frame["metric"].str.startswith("best"), frame["last"])


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per task, strategy, variant and rate: the final runs, their mean, its 95 % interval, and the comparisons.

    ``edge`` says that a tuned rate is at an end of its grid. ``p`` is of the paired t-test against AdamW over the seeds,
    adjusted by Holm's method for the strategies of the task.
    """
    final = frame[frame["role"] == "final"].copy()
    final["value"] = headline(final)
    keys = ["task", "strategy", "variant", "lr"]
    rows = []
    for (task, strategy, variant, lr), group in final.groupby(keys, sort=False):
        reference = final[(final["task"] == task) & (final["strategy"] == REFERENCE)]
        one_rate = len(reference["lr"].unique()) == 1  # with several there is no telling which to compare with
        difference = _paired(group, reference) if one_rate and strategy != REFERENCE else np.array([])
        mean, half = interval(group["value"])
        published = accuracy(str(strategy), str(task))
        rows.append(
            {
                "task": task, "strategy": strategy, "variant": variant, "lr": lr,
                "factor": group["factor"].iloc[0], "edge": bool(group["edge"].iloc[0]),
                "seeds": len(group), "diverged": int(group["diverged"].sum()),
                "mean": mean, "half_width": half,
                "versus_reference": difference.mean() if len(difference) else math.nan, "p": paired_p_value(difference),
                "published": math.nan if published is None else published,
                "difference": math.nan if published is None else mean - published,
                **{f"epochs_to_{level}": _median(group[f"epochs_to_{level}"]) for level in THRESHOLDS},
                "seconds": group["seconds"].mean(), "peak_memory": group["peak_memory"].max(),
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    table["p"] = table.groupby("task", sort=False)["p"].transform(holm)
    return table


def shown(table: pd.DataFrame) -> pd.DataFrame:
    """The summary as texts for a terminal, without the columns in which nothing stands."""
    from lrtheory.optim import strategies  # loads torch, which a reader of tables need not have

    generations = {strategy.name: strategy.generation for strategy in strategies.REGISTRY}
    rows = []
    for row in table.to_dict("records"):
        diverged = f", {row['diverged']} diverged" if row["diverged"] else ""
        rows.append(
            {
                "task": row["task"], "strategy": row["strategy"], "variant": row["variant"],
                "generation": generations.get(row["strategy"], "own"),
                "lr": f"{row['lr']:.3g}{' (edge)' if row['edge'] else ''}",
                "accuracy": spread(row["mean"], row["half_width"]),
                f"vs {REFERENCE}": number(row["versus_reference"], "+.1f"), "p": number(row["p"], ".3f"),
                "published": number(row["published"], ".1f"), "vs published": number(row["difference"], "+.1f"),
                "to 90 %": number(row["epochs_to_90"], "g"), "seconds": f"{row['seconds']:.1f}",
                "MiB": number(row["peak_memory"], ".0f"), "seeds": f"{row['seeds']}{diverged}",
            }
        )  # fmt: skip
    texts = pd.DataFrame(rows)
    return texts.loc[:, [column for column in texts if texts[column].isin(["", "-"]).sum() < len(texts)]]


def latex(table: pd.DataFrame) -> str:
    """The accuracies as a LaTeX tabular: one row per strategy, one column per task, each mean with its 95 % interval.

    The best mean of a column is bold; daggers mark strategies that differ from AdamW at 5 % after Holm's adjustment.
    """
    tasks, strategies = list(table["task"].unique()), list(table["strategy"].unique())
    lines = [r"\begin{tabular}{l" + "r" * len(tasks) + "}", r"\toprule"]
    lines += ["Strategy & " + " & ".join(_escaped(task) for task in tasks) + r" \\", r"\midrule"]
    best = table.groupby("task")["mean"].max()
    for strategy in strategies:
        cells = []
        for task in tasks:
            found = table[(table["task"] == task) & (table["strategy"] == strategy)].sort_values("mean").tail(1)
            if found.empty or math.isnan(found["mean"].iloc[0]):
                cells.append("--")
                continue
            mean, half, p = (found[name].iloc[0] for name in ("mean", "half_width", "p"))
            number = rf"\mathbf{{{mean:.1f}}}" if mean == best[task] else f"{mean:.1f}"
            spread = "" if math.isnan(half) else rf" \pm {half:.1f}"
            mark = r"^{\dagger}" if p < 0.05 else ""
            cells.append(f"${number}{spread}{mark}$")
        lines.append(f"{_escaped(strategy)} & " + " & ".join(cells) + r" \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def convergence(frame: pd.DataFrame) -> pd.DataFrame:
    """Epochs to each threshold of the published convergence table: the median over seeds beside the published number."""
    final = frame[(frame["role"] == "final") & (frame["variant"] == "")]
    rows = []
    for strategy, published in EPOCHS_TO.items():
        group = final[final["strategy"] == strategy]
        if len(group):
            measured = [_median(group[f"epochs_to_{level}"]) for level in THRESHOLDS]
            pairs = zip(THRESHOLDS, measured, published)
            rows.append({"strategy": strategy} | {f"{level} %": f"{number(m, 'g')} ({p})" for level, m, p in pairs})
    return pd.DataFrame(rows)


def scale(runs: pd.DataFrame) -> str:
    """What a reader must know of the size of some runs: nothing of full ones, else their examples and epochs.

    Example:
        >>> scale(pd.DataFrame({"examples": [1000], "epochs": [3], "full_epochs": [5]}))
        '1000 examples, 3 of 5 epochs'
        >>> scale(pd.DataFrame({"examples": [0], "epochs": [10], "full_epochs": [10]}))
        ''
    """
    reduced = runs[(runs["examples"] > 0) | (runs["epochs"] < runs["full_epochs"])]
    sizes = reduced[["examples", "epochs", "full_epochs"]].drop_duplicates().itertuples(index=False)
    return "; ".join(f"{size.examples or 'all'} examples, {size.epochs} of {size.full_epochs} epochs" for size in sizes)


def measured(values: pd.Series) -> str:
    """The mean of the finite values with half its 95 % interval, as text.

    Example:
        >>> measured(pd.Series([1.0, 2.0, 3.0])), measured(pd.Series([1.0])), measured(pd.Series([math.nan]))
        ('2.00 ± 2.48', '1.00', '-')
    """
    return spread(*interval(values))


def spread(mean: float, half: float) -> str:
    """A mean and half its interval as text."""
    return number(mean, ".2f") if math.isnan(half) else f"{mean:.2f} ± {half:.2f}"


def number(value: float, form: str) -> str:
    """A number as text, a dash for NaN."""
    return "-" if math.isnan(value) else format(value, form)


def accuracies(table: pd.DataFrame) -> pd.DataFrame:
    """The mean accuracy of each strategy (rows) on each task (columns); of several rates or variants, the best."""
    means = table.pivot_table(index="strategy", columns="task", values="mean", aggfunc="max", sort=False)
    return means.reindex(index=table["strategy"].unique(), columns=table["task"].unique())


def _paired(group: pd.DataFrame, reference: pd.DataFrame) -> np.ndarray:
    """Differences to the reference, seed by seed, where both ended."""
    both = group.set_index("seed")["value"] - reference.set_index("seed")["value"]
    return both.dropna().to_numpy()


def _median(epochs: pd.Series) -> float:
    """The median over the seeds, NaN where it is infinite: a seed that never gets there counts as infinitely late."""
    median = epochs.fillna(math.inf).median()
    return float(median) if math.isfinite(median) else math.nan


def _escaped(text: str) -> str:
    return str(text).replace("&", r"\&").replace("_", r"\_").replace("%", r"\%")
