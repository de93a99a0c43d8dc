"""What averages, schedule-free and parameter-free methods forgive on small networks."""

import numpy as np

from lrtheory.report.tables import table
from lrtheory.report.values import Count, Facts, Table, Tex
from lrtheory.sweeps.network_methods import margins, method_curves
from lrtheory.sweeps.rate_curves import Curve

NAMES = {
    "sgd": "SGD", "sgd, linear": "SGD, linear", "adamw": "AdamW", "adamw, linear": "AdamW, linear",
    "schedule_free": "schedule-free SGD", "schedule_free_adamw": "schedule-free AdamW", "adagrad_norm": "AdaGrad-norm",
    "dog": "DoG", "prodigy": "Prodigy", "d_adaptation": "D-Adaptation",
}  # fmt: skip
SHOWN = {"logistic-ball": "ball", "digits-noisy": "noisy digits", "digits": "digits"}


def network_methods_part() -> Facts:
    """The table, and what the text says of it."""
    frame = table("network_methods")
    found = method_curves(frame)
    seeds = sum(str(column).startswith("train_loss_") for column in frame)
    yield "methods/seeds", str(seeds)
    yield "methods/steps", Count(frame["horizon"].iloc[0])
    yield "methods/runs", Count(len(frame.drop_duplicates(["task", "method", "value"])) * seeds)
    rows = []
    for method, output in dict.fromkeys(key[1:] for key in found):
        row = [NAMES[method], output.replace(" merged", "")]
        for task in SHOWN:
            curve = found[task, method, output]
            row += [_lost(curve), *_margins(curve)]
        rows.append(row)
    header = ["method", "output"]
    for name in SHOWN.values():
        header += [name, "down", "up"]
    yield "paper/network_methods", Table(header, rows, "ll" + "rrr" * len(SHOWN))
    noisy = {key[1:]: curve for key, curve in found.items() if key[0] == "digits-noisy"}
    averaged = [margins(curve)[1] for (method, output), curve in noisy.items() if method == "sgd" and output != "last"]
    yield "methods/sgd/last", f"{margins(noisy['sgd', 'last'])[1]:.1f}"
    yield "methods/sgd/least", f"{min(averaged):.1f}"
    yield "methods/sgd/most", f"{max(averaged):.1f}"
    for output in ("last", "uniform"):
        yield f"methods/ball/{output}", f"{margins(found['logistic-ball', 'sgd', output])[1]:.1f}"
    for name, size in zip(("down", "up"), margins(noisy["dog", "last"])):
        yield f"methods/dog/{name}", Count(round(size, -int(np.floor(np.log10(size)))))
    yield "methods/prodigy", _lost(noisy["prodigy", "last"])
    yield "methods/dadaptation", _lost(noisy["d_adaptation", "last"])


def _lost(curve: Curve) -> str:
    """What is lost at the best value, in % of what training can gain."""
    return f"{100 * np.minimum(curve.excess, curve.limit).mean(1).min() / curve.limit:.0f}"


def _margins(curve: Curve) -> list[Tex]:
    best = curve.lrs[int(np.argmin(np.minimum(curve.excess, curve.limit).mean(1)))]
    texts = []
    for size, end in zip(margins(curve), (best / curve.lrs[0], curve.lrs[-1] / best)):
        number = f"{size:.1f}" if size < 100 else f"{float(f'{size:.2g}'):,.0f}".replace(",", r"\,")
        texts.append(Tex(rf"$>{number}$" if size >= end * (1 - 1e-9) else f"${number}$"))
    return texts
