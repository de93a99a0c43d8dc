"""The cliff of smooth problems: its constants, and how far the margins of networks are from what was predicted."""

import pandas as pd

from lrtheory.report.tables import table
from lrtheory.report.values import Facts, Table, Tex, tex
from lrtheory.sweeps.predicted_margins import compare
from lrtheory.theory.cliff import edge, margin_constant, tuned

POWERS = (0, 1, 2, 3)
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


def _networks() -> pd.DataFrame:
    found = compare(table("predicted_margins"), table("networks"))
    return found[found["task"].isin(TASKS) & found["optimizer"].isin(OPTIMIZERS)]
