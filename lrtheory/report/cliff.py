"""The cliff of smooth problems: its constants, and how far the margins of networks are from what was predicted."""

import math

import pandas as pd

from lrtheory.report.tables import table
from lrtheory.report.values import Count, Facts, Listed, Signed, Table, Tex, tex
from lrtheory.sweeps import cliffs
from lrtheory.sweeps.predicted_margins import compare
from lrtheory.theory.batch_size import STEP_LAW, least_squares_exponent, worst_quadratic_rate
from lrtheory.theory.cliff import edge, margin_constant, tuned

POWERS = (0, 1, 2, 3)
CURVATURE = {"constant": "quadratic", "rising": "rising", "sharp start": "rising, sharp start"}
BATCHES = (1, 4, 16, 64, 256)
LABEL_NOISE = (0.0, 0.1, 1.0)
STEPS = 400
LONG = 1_000
TASKS = {"digits": "digits", "digits-noisy": "digits, noisy labels"}
OPTIMIZERS = {"sgd": "SGD", "momentum": "SGD with momentum"}


def cliff_part() -> Facts:
    """A table of constants and one of predicted over measured margins."""
    header = tex("$p$", "tuned rate $k_p$", "edge $e_p$", "margin, returning", "margin, not returning")
    rows = [
        [
            Tex(f"${power}$"),
            *(
                Tex(f"{value:.3f}")
                for value in (
                    tuned(power), edge(power), margin_constant(power, returns=True), margin_constant(power, returns=False)
                )
            ),
        ]
        for power in POWERS
    ]  # fmt: skip
    yield "paper/cliff", Table(header, rows, "rrrrr")
    found = _networks()
    header = tex("task", "optimizer", "margin", "tuned rate", "edge", "rank correlation")
    rows = [
        [TASKS[row["task"]], OPTIMIZERS[row["optimizer"]], *(f"{row[name]:.1f}" for name in ("margin", "best_lr", "edge")),
         f"{row['order']:.2f}"]
        for row in found.to_dict("records")
    ]  # fmt: skip
    yield "paper/margins", Table(header, rows, "llrrrr")
    yield "cliff/margin/low", f"{found['margin'].min():.1f}"
    yield "cliff/margin/high", f"{found['margin'].max():.1f}"
    yield "cliff/order/low", f"{found['order'].min():.2f}"
    yield "cliff/order/high", f"{found['order'].max():.2f}"
    yield "cliff/rate/low", f"{found['best_lr'].min():.1f}"
    yield "cliff/rate/high", f"{found['best_lr'].max():.1f}"


def batch_part() -> Facts:
    """Exponents of the best rate in the number of steps: of exact least squares, at the edge, and on public grids."""
    header = [Tex(r"$\sigma^2$"), *(Tex(f"$B={batch}$") for batch in BATCHES)]
    found = {noise: [least_squares_exponent(STEPS, batch, noise=noise) for batch in BATCHES] for noise in LABEL_NOISE}
    rows = [[f"{noise:g}", *(Signed(value, "+.2f") for value in exponents)] for noise, exponents in found.items()]
    yield "paper/batches", Table(header, rows, "r" + "r" * len(BATCHES))
    yield "batch/steps", Count(STEPS)
    yield "batch/most", f"{max(map(max, found.values())):.2f}"
    rates = [worst_quadratic_rate(steps) for steps in (LONG, 2 * LONG)]
    yield "batch/long", Count(LONG)
    yield "batch/edge", f"{math.log2(rates[1] / rates[0]):.3f}"
    few, _, (flat,), (rising, _) = STEP_LAW
    (small, _), _, _, (large, largest) = STEP_LAW.values()
    yield "batch/seen/smallest", Listed.of(map(str, few))
    yield "batch/seen/flat", str(flat)
    yield "batch/seen/rising", str(rising)
    yield "batch/seen/small", Tex(f"{small}")
    yield "batch/seen/low", f"{large}"
    yield "batch/seen/high", f"{largest}"
    bias = -small / (1 + small)  # small is -a/(1 + a)
    yield "batch/bias", f"{bias:.2f}"
    yield "batch/faster/low", f"{large / (1 + large):.2f}"
    yield "batch/faster/high", f"{largest / (1 + largest):.2f}"


def simulated_part() -> Facts:
    """Predicted and simulated edges where the curvature rises, falls or declines."""
    compared = cliffs.compare(table("cliffs"))
    found = cliffs.agreement(compared)
    edged = found[found["problem"] != "falling"]
    header = tex("problem", "momentum", "warm-up", "schedules", "margin", "predicted", "inside", "rank correlation")
    rows = [
        [CURVATURE[row["problem"]], f"{row['momentum']:g}", row["warmup"], str(row["schedules"]), f"{row['margin']:.1f}",
         f"{row['predicted']:.1f}", str(row["inside"]), f"{row['order']:.2f}"]
        for row in edged.to_dict("records")
    ]  # fmt: skip
    yield "paper/cliffs", Table(header, rows, "lrlrrrrr")
    rising = edged[edged["problem"] != "constant"]
    plain, ball = (rising[rising["momentum"].eq(0) == without] for without in (True, False))
    yield "cliffs/inside", f"{plain['inside'].sum()} of {plain['schedules'].sum()}"
    yield "cliffs/momentum/inside", f"{ball['inside'].sum()} of {ball['schedules'].sum()}"
    yield "cliffs/momentum/edge", f"{ball['edge'].max():.1f}"
    of = compared[(compared["problem"] == "rising") & compared["momentum"].eq(0)].set_index("schedule")["margin"]
    yield "cliffs/constant", f"{of['Constant()']:.1f}"
    yield "cliffs/cubic", f"{of['Polynomial(3)']:.1f}"


def _networks() -> pd.DataFrame:
    found = compare(table("predicted_margins"), table("networks"))
    return found[found["task"].isin(TASKS) & found["optimizer"].isin(OPTIMIZERS)]
