"""What networks and the logs of language models say on the axis of the law."""

import math
from itertools import product

import numpy as np
import pandas as pd

from lrtheory.report.tables import table
from lrtheory.report.values import (
    Count,
    Facts,
    Figure,
    Grade,
    Interval,
    Lines,
    Listed,
    Name,
    Reference,
    Signed,
    Table,
    Tex,
    Text,
    Value,
)
from lrtheory.runs.tables import committed
from lrtheory.sweeps import language_models, rate_curves, rate_tables
from lrtheory.sweeps.network_cells import LOWEST, TASKS

WORDS = {"yes": "as predicted", "undecided": "undecided", "no branch": "no branch", "reversed": "reversed"}
VERDICTS = tuple(WORDS)
"""What a comparison of two schedules can say of the order that the law predicts."""


def networks_part() -> Facts:
    """Networks on the axis of the law."""
    frame = table("networks")
    found = rate_curves.curves(frame)
    seeds = next(iter(found.values())).excess.shape[1]
    yield "networks/runs", Count(len(frame) * seeds)
    yield "networks/seeds", str(seeds)
    yield "networks/steps", Count(frame["horizon"].iloc[0])
    yield "networks/rates", str(frame.groupby(["task", "optimizer", "schedule"]).size().max())
    orders = rate_tables.ordering(frame)
    rows = []
    for measure, task in product(("slope", "margin"), TASKS):
        group = orders[(orders["task"] == task) & (orders["measure"] == measure)]["verdict"].value_counts()
        rows.append([measure, task, *(str(int(group.get(verdict, 0))) for verdict in VERDICTS)])
    header = ["measure", "task", *WORDS.values()]
    yield "paper/networks", Table(header, rows, "llrrrr", rules=(len(TASKS),))

    counts = orders[orders["measure"] == "slope"].groupby("task")["verdict"].value_counts()
    ball = {verdict: int(counts.get(("logistic-ball", verdict), 0)) for verdict in VERDICTS}
    yield "networks/ball-orders", f"{ball['yes']} of {sum(ball.values())}"
    small = orders[orders["task"].str.startswith("digits")].groupby("measure")["verdict"].value_counts()
    for measure in ("slope", "margin"):
        digits = {verdict: int(small.get((measure, verdict), 0)) for verdict in VERDICTS}
        told = (
            f"of {sum(digits.values())} orders, {_are(digits['yes'])} as predicted, {_are(digits['undecided'])} undecided, "
            f"{digits['no branch']} cannot be stated because a schedule has no right branch, and {_are(digits['reversed'])} "
            "reversed"
        )
        yield f"networks/digits-{measure}s", told
    for name, key in (("constant", "Constant()"), ("linear", "Polynomial(1)"), ("two", "Polynomial(2)"),
                      ("three", "Polynomial(3)"), ("cosine", "Cosine()")):  # fmt: skip
        slope = rate_curves.slope(found["logistic-ball", "sgd", key])
        yield f"networks/slope/{name}", Interval(slope, ".2f") if slope else "--"
    free = [rate_curves.slope(found["logistic", "sgd", key]) for key in ("Polynomial(2)", "Polynomial(3)")]
    yield "networks/free-slopes", Listed.of(Interval(slope, ".2f") if slope else "--" for slope in free)
    margins = {
        key: [rate_curves.margin(found["digits-noisy", optimizer, key]) for optimizer in LOWEST]
        for key in ("Polynomial(1)", "Constant()")
    }
    for name, key in (("linear", "Polynomial(1)"), ("constant", "Constant()")):
        yield f"networks/margin/{name}", f"{min(margins[key]):.1f} to {max(margins[key]):.1f}"
    cliffs = {key: rate_curves.margin(curve) for key, curve in found.items() if key[0].startswith("digits")}
    yield "networks/cliff", f"{min(cliffs.values()):.1f} to {max(cliffs.values()):.1f}"
    cases = {key[:2] for key in cliffs}
    most = [max((cliff, key[2]) for key, cliff in cliffs.items() if key[:2] == case)[1] for case in sorted(cases)]
    yield "networks/robust-most", f"{most.count('Robust(16)')} of {len(most)}"
    below = [_linear_below(found, task, optimizer) for task, optimizer in product(TASKS, LOWEST)]
    yield "networks/linear-below", "{} of {}".format(*(sum(column) for column in zip(*below)))
    left = rate_tables.grid_losses(frame)
    coarse = left[(left["ratio"] - 10).abs() < 1e-6]
    for task, optimizer in (("logistic-ball", "sgd"), ("digits-noisy", "adamw")):
        group = coarse[(coarse["task"] == task) & (coarse["optimizer"] == optimizer)].set_index("schedule")["excess"]
        first, *others = ("Constant()", "Polynomial(1)", "Robust(16)")
        named = [Text.of(f"{group[first]:.3f} (", Name(first), ")")]
        named += [Text.of(f", {group[key]:.3f} (", Name(key), ")") for key in others]
        yield f"networks/grid/{task}", Text(tuple(named))


def language_model_part() -> Facts:
    """Public logs of language models against the worst case."""
    frame = table("language_models")
    annealed = frame[frame["schedule"] != "constant"]
    models = {
        "diameter": "worst case, restarts", "distance": "worst case, distance", "published": "published bound",
        "quadratic": "one quadratic", "quadratic per schedule": "quadratic per schedule",
    }  # fmt: skip
    rates = language_models.best_rates(frame)
    rows = []
    for model, name in models.items():
        cells: list[Value] = [name]
        for left_out in ("schedule", "rate", "horizon"):
            error = language_models.rms(annealed, model, left_out)
            cells.append(Interval(error, ".3f") if error else "--")
        ratio = np.log(rates[model] / rates["measured"]) if model in rates else pd.Series([math.nan])
        finite = bool(np.isfinite(ratio).all()) and len(ratio) > 1
        cells.append(
            Tex(rf"{np.exp(ratio.mean()):.2f} $\times\!/$ {np.exp(ratio.std(ddof=1)):.2f}") if finite else "--"
        )
        rows.append(cells)
    header = ["left out of the fit:", "the schedule", "the rate", "the horizon", "best rate over measured"]
    yield "paper/language_models", Table(header, rows)

    for model in ("diameter", "distance", "published", "quadratic"):
        error = language_models.rms(annealed, model, "schedule")
        assert error is not None
        yield f"llm/{model}", Interval(error, ".3f")
        if model == "diameter":
            yield "llm/diameter/short", f"{error.value:.3f}"
    ratio = np.log(rates["diameter"] / rates["measured"])
    yield "llm/low", f"{np.exp(ratio.mean()):.2f}"
    yield "llm/rank", f"{rates['diameter'].corr(rates['measured'], method='spearman'):.2f}"
    yield (
        "llm/quadratic-rank",
        Signed(rates["quadratic"].corr(rates["measured"], method="spearman"), ".2f"),
    )
    elsewhere = language_models.rms(annealed, "diameter", "horizon")
    yield "llm/horizon", f"{elsewhere.value:.3f}" if elsewhere else "--"
    logged = frame[(frame["model"] == "diameter") & (frame["left_out"] == "schedule")]
    constant = logged[(logged["schedule"] == "constant") & ~logged["diverged"]]
    yield "llm/constant", f"{constant['loss'].min() - constant['predicted'].min():.2f}"
    everything = language_models.rms(frame, "diameter", "nothing")
    assert everything is not None
    yield "llm/everything", Interval(everything, ".3f")
    yield "llm/noise", f"{language_models.repeats(committed() / 'llm_learning_rates.csv'):.4f}"
    elsewhere = frame[(frame["model"] == "diameter") & (frame["left_out"] == "horizon")]
    low = (elsewhere["loss"] - elsewhere["predicted"]).groupby(elsewhere["steps"]).mean().sort_index(ascending=False)
    yield "llm/horizons", Listed.of(f"{miss:.3f}" for miss in low)
    yield "llm/steps", Listed.of(map(Count, low.index))
    yield "llm/count", str(frame["schedule"].nunique())
    rates_tried = frame.loc[~frame["diverged"], "lr"]
    yield "llm/range", f"{rates_tried.max() / rates_tried.min():.0f}"


def residual_part() -> Facts:
    """Residual networks on CIFAR-10."""
    frame = table("cifar10")
    sizes = frame.drop_duplicates(["task", "scale"]).to_dict("records")
    trained = Listed.of(
        Text.of(f"{size['task']} (", Count(size["images"]), f" images, {size['epochs']} passes)") for size in sizes
    )
    seeds = sum(str(column).startswith("train_loss_") for column in frame)
    orders = rate_tables.ordering(frame)
    words = WORDS | {"no branch": "without a branch"}
    counted = []
    for measure in ("slope", "margin"):
        counts = orders[orders["measure"] == measure]["verdict"].value_counts()
        told = Listed.of(f"{int(counts.get(key, 0))} {word}" for key, word in words.items())
        counted += [f"{measure}s: " if not counted else f"; {measure}s: ", told]
    found = rate_curves.curves(frame)
    below = [_linear_below(found, str(task), "momentum") for task in frame["task"].unique()]
    lower, tried = (sum(column) for column in zip(*below))
    told = Text.of(
        ", at a reduced scale: ", trained, f", {seeds} seeds, SGD with momentum", Reference(("fig:cifar10",)),
        ". Of the orders that the law predicts, ", *counted, Grade("measured"),
        f". At {lower} of {tried} rates above the best constant one linear decay ends lower", Grade("measured"), ".",
    )  # fmt: skip
    caption = Tex(
        r"Residual networks on CIFAR-10, at a reduced scale: excess training loss against $\rho$, test accuracy against the "
        r"rate, and the cost of coarse grids. \measured"
    )
    yield "readme/cifar10", Text.of("Residual networks", told)
    same = Text.of("The same axis and the same measures for residual networks on CIFAR-10", told)
    title = Tex("\\subsection{Residual networks}\n")
    yield "paper/residual", Lines((title, same, Figure("cifar10", caption)))


def _linear_below(found: dict[tuple[str, str, str], rate_curves.Curve], task: str, optimizer: str) -> tuple[int, int]:
    """At how many rates above the best constant one linear decay ends lower, and how many there are."""
    constant, linear = (found[task, optimizer, schedule] for schedule in ("Constant()", "Polynomial(1)"))
    above = constant.lrs > constant.lrs[constant.best]
    return int((linear.mean[above] < constant.mean[above]).sum()), int(above.sum())


def _are(count: int) -> str:
    return f"{count} {'is' if count == 1 else 'are'}"
