"""What was measured: the penalty, simulations, networks, language models, speed."""

import math
from itertools import product

import numpy as np
import pandas as pd
import sympy

from lrtheory.schedules import Cosine, Polynomial, parse
from lrtheory.statistics import fit_slope, mean_estimate
from lrtheory.sweeps import Penalty, Rho, language_models, penalty, rate_curves, rate_tables
from lrtheory.sweeps.network_cells import LOWEST, TASKS
from lrtheory.sweeps.rho import FITTED
from lrtheory.theory.equation_seven import equation_seven
from lrtheory.theory.implicit_penalty import implicit_penalty
from lrtheory.theory.misspecification import rho_exponent
from lrtheory.theory.modified_equation import modified_equation
from lrtheory.theory.schedule_penalty import schedule_penalty
from paper.generate.tables import DATA, table
from paper.generate.tex import (
    NAMES,
    Generated,
    escaped,
    figure_float,
    interval,
    listed,
    power_of_ten,
    table_float,
    tabular,
    thousands,
)


def penalty_part() -> Generated:
    """The implicit penalty: formulas of the modules, and the experiment."""
    yield "penalty/series", modified_equation(4).latex()
    for optimizer in ("gd", "heavy_ball", "minibatch", "adam"):
        yield f"penalty/{optimizer}", implicit_penalty(optimizer).latex()
    yield "penalty/printed", equation_seven().printed
    strength = implicit_penalty("heavy_ball", convention="ema", momentum=0.9).strength
    yield "penalty/ball", str(strength / implicit_penalty("gd").strength)
    memories = [(1 + sympy.Rational(b)) / (1 - sympy.Rational(b)) for b in ("0.9", "0.999")]
    yield "penalty/adam-bracket", f"{memories[0]} - {memories[1]} = {memories[0] - memories[1]}"
    yield "penalty/linear-kept", sympy.latex(schedule_penalty(Polynomial(1)).kept)
    yield "penalty/cosine-kept", sympy.latex(schedule_penalty(Cosine()).kept)

    frame = table("penalty")
    yield "penalty/points", str(Penalty().points)
    yield "penalty/runs", str(frame["run"].nunique())
    for name, slope in penalty.orders(frame).items():
        yield f"penalty/order/{name.removeprefix('distance_')}", interval(slope, ".2f")
    rows = []
    for lr, group in frame.groupby("lr"):
        relative = mean_estimate(100 * group["distance_flow"] / group["travel"])
        flatter = mean_estimate(100 * (1 - group["sharpness_descent"] / group["sharpness_flow"]))
        same = mean_estimate(100 * (1 - group["sharpness_penalised"] / group["sharpness_flow"]))
        accuracy = mean_estimate(100 * (group["accuracy_descent"] - group["accuracy_flow"]))
        left = penalty.explained(group)
        rows.append([f"{lr:g}", f"{group['lr_sharpness'].mean():.2f}", interval(relative, ".2f")])
        rows[-1] += [interval(left, ".2f"), interval(flatter, ".1f"), interval(same, ".1f"), interval(accuracy, ".2f")]
    header = [
        r"$\eta$", r"$\eta\lambda$", r"distance / way (\%)", "unexplained part", r"flatter by (\%)",
        r"penalised (\%)", "accuracy (points)",
    ]  # fmt: skip
    yield "penalty.tex", tabular("rrlllll", header, rows)
    below = frame[frame.groupby("lr")["lr_sharpness"].transform("mean") < 1]
    yield "penalty/below", f"{100 * (below['distance_flow'] / below['travel']).groupby(below['lr']).mean().max():.1f}"


def simulation_part() -> Generated:
    """What the simulated tables say."""
    frame = table("rho")
    fitted = frame[frame["rho"].between(*FITTED)]
    inside = []
    for name, group in fitted.groupby("schedule", sort=False):
        if str(name) == "Robust(16)":
            continue
        slope = fit_slope(group["rho"], group["simulated"], group["standard_error"])
        inside.append(slope.low <= float(rho_exponent(parse(str(name)))) <= slope.high)
    yield "simulated/inside", f"{sum(inside)} of {len(inside)}"
    ratio = frame["simulated"] / frame["worst_case"]
    yield "simulated/share", f"{ratio.min():.2f} to {ratio.max():.2f}"
    yield "simulated/replicas", power_of_ten(Rho().replicas)
    relative = 100 * (frame["simulated"] / frame["expected"] - 1).abs()
    yield "simulated/cells", str(len(frame))
    yield "simulated/deviation", f"{relative.median():.1f}"
    yield "simulated/largest", f"{relative.max():.1f}"


def networks_part() -> Generated:
    """Networks on the axis of the law."""
    frame = table("networks")
    found = rate_curves.curves(frame)
    seeds = next(iter(found.values())).excess.shape[1]
    yield "networks/runs", thousands(len(frame) * seeds)
    yield "networks/seeds", str(seeds)
    yield "networks/steps", thousands(frame["horizon"].iloc[0])
    yield "networks/rates", str(frame.groupby(["task", "optimizer", "schedule"]).size().max())
    orders = rate_tables.ordering(frame)
    verdicts = ("yes", "undecided", "no branch", "reversed")
    rows = []
    for measure, task in product(("slope", "margin"), TASKS):
        group = orders[(orders["task"] == task) & (orders["measure"] == measure)]["verdict"].value_counts()
        rows.append([measure, task, *(str(int(group.get(verdict, 0))) for verdict in verdicts)])
    header = ["measure", "task", "as predicted", "undecided", "no branch", "reversed"]
    yield "networks.tex", tabular("llrrrr", header, rows, rules=(len(TASKS),))

    counts = orders[orders["measure"] == "slope"].groupby("task")["verdict"].value_counts()
    ball = {verdict: int(counts.get(("logistic-ball", verdict), 0)) for verdict in verdicts}
    yield "networks/ball-orders", f"{ball['yes']} of {sum(ball.values())}"
    digits = {v: int(counts.get(("digits", v), 0) + counts.get(("digits-noisy", v), 0)) for v in verdicts}
    yield (
        "networks/digits-orders",
        (
            f"of {sum(digits.values())} orders, {digits['yes']} are as predicted, {digits['undecided']} are undecided, "
            f"{digits['no branch']} cannot be stated because a schedule has no right branch, and {digits['reversed']} are "
            "reversed"
        ),
    )
    for name, key in (("constant", "Constant()"), ("linear", "Polynomial(1)"), ("two", "Polynomial(2)"),
                      ("three", "Polynomial(3)"), ("cosine", "Cosine()")):  # fmt: skip
        slope = rate_curves.slope(found["logistic-ball", "sgd", key])
        yield f"networks/slope/{name}", interval(slope, ".2f") if slope else "--"
    free = [rate_curves.slope(found["logistic", "sgd", key]) for key in ("Polynomial(2)", "Polynomial(3)")]
    yield "networks/free-slopes", " and ".join(interval(slope, ".2f") if slope else "--" for slope in free)
    margins = {
        key: [rate_curves.margin(found["digits-noisy", optimizer, key]) for optimizer in LOWEST]
        for key in ("Polynomial(1)", "Constant()")
    }
    for name, key in (("linear", "Polynomial(1)"), ("constant", "Constant()")):
        yield f"networks/margin/{name}", f"{min(margins[key]):.1f} to {max(margins[key]):.1f}"
    below = [_linear_below(found, task, optimizer) for task, optimizer in product(TASKS, LOWEST)]
    yield "networks/linear-below", "{} of {}".format(*(sum(column) for column in zip(*below)))
    left = rate_tables.grid_losses(frame)
    coarse = left[(left["ratio"] - 10).abs() < 1e-6]
    for task, optimizer in (("logistic-ball", "sgd"), ("digits-noisy", "adamw")):
        group = coarse[(coarse["task"] == task) & (coarse["optimizer"] == optimizer)].set_index("schedule")["excess"]
        named = ", ".join(f"{group[key]:.3f} ({NAMES[key]})" for key in ("Constant()", "Polynomial(1)", "Robust(16)"))
        yield f"networks/grid/{task}", named


def language_model_part() -> Generated:
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
        cells = [name]
        for left_out in ("schedule", "rate", "horizon"):
            error = language_models.rms(annealed, model, left_out)
            cells.append(interval(error, ".3f") if error else "--")
        ratio = np.log(rates[model] / rates["measured"]) if model in rates else pd.Series([math.nan])
        finite = bool(np.isfinite(ratio).all()) and len(ratio) > 1
        cells.append(rf"{np.exp(ratio.mean()):.2f} $\times\!/$ {np.exp(ratio.std(ddof=1)):.2f}" if finite else "--")
        rows.append(cells)
    header = ["left out of the fit:", "the schedule", "the rate", "the horizon", "best rate over measured"]
    yield "language_models.tex", tabular("lllll", header, rows)

    for model in ("diameter", "distance", "published", "quadratic"):
        error = language_models.rms(annealed, model, "schedule")
        assert error is not None
        yield f"llm/{model}", interval(error, ".3f")
        if model == "diameter":
            yield "llm/diameter/short", f"{error.value:.3f}"
    ratio = np.log(rates["diameter"] / rates["measured"])
    yield "llm/low", f"{np.exp(ratio.mean()):.2f}"
    yield "llm/rank", f"{rates['diameter'].corr(rates['measured'], method='spearman'):.2f}"
    yield (
        "llm/quadratic-rank",
        f"{rates['quadratic'].corr(rates['measured'], method='spearman'):.2f}".replace("-", "$-$"),
    )
    logged = frame[(frame["model"] == "diameter") & (frame["left_out"] == "schedule")]
    constant = logged[(logged["schedule"] == "constant") & ~logged["diverged"]]
    yield "llm/constant", f"{constant['loss'].min() - constant['predicted'].min():.2f}"
    everything = language_models.rms(frame, "diameter", "nothing")
    assert everything is not None
    yield "llm/everything", interval(everything, ".3f")
    yield "llm/noise", f"{language_models.repeats(DATA / 'llm_learning_rates.csv'):.4f}"
    elsewhere = frame[(frame["model"] == "diameter") & (frame["left_out"] == "horizon")]
    low = (elsewhere["loss"] - elsewhere["predicted"]).groupby(elsewhere["steps"]).mean().sort_index(ascending=False)
    yield "llm/horizons", listed(f"{miss:.3f}" for miss in low)
    yield "llm/steps", listed(map(thousands, low.index))
    yield "llm/count", str(frame["schedule"].nunique())
    rates_tried = frame.loc[~frame["diverged"], "lr"]
    yield "llm/range", f"{rates_tried.max() / rates_tried.min():.0f}"


def residual_part() -> Generated:
    """Residual networks on CIFAR-10."""
    frame = table("cifar10")
    sizes = frame.drop_duplicates(["task", "scale"]).to_dict("records")
    trained = listed(f"{size['task']} ({thousands(size['images'])} images, {size['epochs']} passes)" for size in sizes)
    seeds = sum(str(column).startswith("train_loss_") for column in frame)
    orders = rate_tables.ordering(frame)
    words = {"yes": "as predicted", "undecided": "undecided", "no branch": "without a branch", "reversed": "reversed"}
    verdicts = []
    for measure in ("slope", "margin"):
        counts = orders[orders["measure"] == measure]["verdict"].value_counts()
        verdicts.append(f"{measure}s: {listed(f'{int(counts.get(key, 0))} {word}' for key, word in words.items())}")
    found = rate_curves.curves(frame)
    below = [_linear_below(found, str(task), "momentum") for task in frame["task"].unique()]
    lower, tried = (sum(column) for column in zip(*below))
    caption = (
        r"Residual networks on CIFAR-10, at a reduced scale: excess training loss against $\rho$, test accuracy against the "
        r"rate, and the cost of coarse grids. \measured"
    )
    yield (
        "residual.tex",
        (
            "\\subsection{Residual networks}\n\n"
            f"The same axis and the same measures for residual networks on CIFAR-10, at a reduced scale: {trained}, "
            rf"{seeds} seeds, SGD with momentum (\cref{{fig:cifar10}}). Of the orders that the law predicts, "
            rf"{'; '.join(verdicts)} \measured. At {lower} of {tried} rates above the best constant one linear decay "
            r"ends lower \measured."
            "\n" + figure_float("cifar10", caption)
        ),
    )


def _linear_below(found: dict[tuple[str, str, str], rate_curves.Curve], task: str, optimizer: str) -> tuple[int, int]:
    """At how many rates above the best constant one linear decay ends lower, and how many there are."""
    constant, linear = (found[task, optimizer, schedule] for schedule in ("Constant()", "Polynomial(1)"))
    above = constant.lrs > constant.lrs[constant.best]
    return int((linear.mean[above] < constant.mean[above]).sum()), int(above.sum())


SPEEDS = {
    "simulator_speed": "The one-dimensional simulator",
    "regression_speed": "Stochastic gradient descent on finite sums",
    "worst_case_speed": "The worst case of many configurations",
}
"""Tables of ``python -m tests.peers`` and what they time."""

UNITS = {
    "simulator_speed": "a step of one replica",
    "regression_speed": "a floating-point operation that the step needs",
    "worst_case_speed": "a configuration",
}
"""What a unit of work is."""


SETTINGS = tuple(f"squared, d = 1000, batch {batch}, last" for batch in (1, 32))
"""Of the finite sums that are shown."""


def speed_part() -> Generated:
    """How fast the kernels are, from the tables of ``python -m tests.peers``."""
    tables, labels_of, times = [], [], ["median", "min", "max"]
    for name, what in SPEEDS.items():
        frame = table(name)
        if "kernel" in frame:  # some rows time the kernel alone, at other work
            frame = frame.groupby("kernel", sort=False).filter(lambda group: len(group["peer"].unique()) > 2)
        if (
            "share of peak" in frame
        ):  # the committed table has the other losses, dimensions and the averaged iterate too
            frame = frame[frame["setting"].isin(SETTINGS)]
        known = {"work", *times, "ratio", "machine", "versions", "gflops", "share of peak"}
        labels = [str(column) for column in frame if column not in known and len(frame[column].unique()) > 1]
        rows = [
            [*(escaped(str(row[label])) for label in labels), *(f"{row[time]:.3g}" for time in (*times, "ratio"))]
            for row in frame.to_dict("records")
        ]
        caption = (
            f"{what}: nanoseconds a unit of work ({UNITS[name]}), contestants taking "
            rf"turns, and the ratio to the first. {escaped(frame['machine'].iloc[0])}; {escaped(frame['versions'].iloc[0])}. "
            r"\measured"
        )
        body = tabular("l" * len(labels) + "rrrr", [*labels, *times, "ratio"], rows)
        labels_of.append(f"tab:{name.replace('_', '-')}")
        tables.append(table_float(caption, labels_of[-1], body))
    told = rf"Times beside those of what one would use instead: \cref{{{','.join(labels_of)}}} \measured."
    told += r" Sweeps and benchmarks also run on a Dask cluster, with the same store (\cref{fig:scale}) \measured."
    tables.append(figure_float("scale", r"Scaling out over workers, measured and projected. \measured"))
    yield "speed.tex", "\n".join([told, *tables])
