"""The benchmark, its audit and its robustness: tables, and the sentences that follow from whatever they say."""

import math

import pandas as pd

from lrtheory import tasks
from lrtheory.benchmarks import report
from lrtheory.benchmarks.published import ACCURACY, TASKS
from lrtheory.figures.benchmark import data
from lrtheory.sweeps import robustness
from paper.generate.tables import DATA, table
from paper.generate.tex import Generated, escaped, figure_float, listed, table_float, tabular, thousands

WIDEST = 6
"""So many columns of accuracies a table has at most."""


def benchmark_part() -> Generated:
    """Whatever runs the benchmark's table has: a table a protocol, and the sentences that follow from them."""
    frame = table("benchmark")
    plain = data(DATA).query("variant == ''")
    columns, covered, tossed = [], set(), []
    for (protocol, task, _, _), group in plain.groupby(["protocol", "task", "examples", "epochs"], sort=False):
        if not (group["role"] == "final").any():
            continue
        covered.add(str(task))
        means = report.summary(group).set_index("strategy")
        size = f", {report.scale(group)}" if report.scale(group) else ""
        best, title = means["mean"].max(), escaped(str(task).removesuffix("-as-coded"))
        if not (means["mean"] - means["half_width"] > 100 / tasks.get(str(task)).classes).any():
            tossed.append(title)
        cells = {
            str(name): _accuracy(row["mean"], row["half_width"], row["p"], best) + "*" * bool(row["edge"])
            for name, row in means.iterrows()
        }
        columns.append((str(protocol), title, f"{title} ({protocol}): {_seeds(means)}{size}", cells))
    columns.sort(key=lambda column: column[0])
    tables = []
    for number, first in enumerate(range(0, len(columns), WIDEST)):
        shown = columns[first : first + WIDEST]
        strategies = [name for name in ACCURACY if any(name in cells for *_, cells in shown)]
        rows = [[escaped(name), *(cells.get(name, "--") for *_, cells in shown)] for name in strategies]
        header = ["", *(rf"\shortstack[l]{{{title}\\ \emph{{{protocol}}}}}" for protocol, title, *_ in shown)]
        caption = (
            rf"Test accuracy in \% with 95\,\% intervals over seeds; {'; '.join(column[2] for column in shown)}. Bold: the "
            r"best mean. Dagger: differs from AdamW (paired $t$-test over the seeds, Holm's adjustment, 5\,\%). Star: the "
            r"tuned rate ends its grid. \measured"
        )
        body = tabular("l" * len(header), header, rows)
        tables.append(table_float(caption, f"tab:benchmark-{number + 1}", body))
    yield "benchmark.tex", "\n".join(tables)
    yield "benchmark/runs", thousands(len(frame))
    missing = [task for task in TASKS if task not in covered and f"{task}-as-coded" not in covered]
    told = f"Not yet run at any scale: {listed(map(escaped, missing))}." if missing else "All five tasks have been run."
    if tossed:
        told += f" At its scale no strategy's interval lies above a guess on {listed(tossed)}: it ranks nothing there."
    yield "benchmark/missing", told
    yield "benchmark/coded", _as_coded(plain)
    yield "benchmark/fair", _fair(plain)
    yield from _audit(frame)


def _accuracy(mean: float, half: float, p: float, best: float) -> str:
    if math.isnan(mean):
        return "--"
    text = rf"\mathbf{{{mean:.1f}}}" if mean == best else f"{mean:.1f}"
    spread = "" if math.isnan(half) else rf" \pm {half:.1f}"
    mark = r"^{\dagger}" if p < 0.05 else ""
    return f"${text}{spread}{mark}$"


def _as_coded(plain: pd.DataFrame) -> str:
    """The published synthetic column against the program that made it."""
    runs = plain[(plain["task"] == "synthetic-as-coded") & (plain["protocol"] == "as-coded")]
    if runs.empty:
        return "The synthetic column has not been run as coded."
    means = runs.groupby("strategy")["best"].mean()
    column = {name: row[0] for name, row in ACCURACY.items()}
    ours = ["DALS", "DALS-Fast", "DALS-Acc"]
    trio = listed(f"{means[name]:.1f}" for name in ours)
    printed = listed(f"{column[name]:.1f}" for name in ours)
    below = pd.Series({name: column[str(name)] - mean for name, mean in means.items() if name not in ours})
    order = means.rank(ascending=False)
    return (
        rf"As coded, DALS, DALS-Fast and DALS-Acc reach {trio}\,\% (published: {printed}); the other {len(below)} "
        rf"strategies lie {below.min():.1f} to {below.max():.1f} points below their published numbers, which are best of "
        f"epochs of a single seed. DALS ranks {order['DALS']:.0f} of {len(means)}"
    )


def _fair(plain: pd.DataFrame) -> str:
    """What a fair protocol leaves of it on the synthetic task."""
    runs = plain[(plain["task"] == "synthetic") & (plain["protocol"] == "fair")]
    if not (runs["role"] == "final").any():
        return "The fair protocol has not been run on the synthetic task."
    summary = report.summary(runs).set_index("strategy")
    means = summary["mean"]
    order = means.rank(ascending=False)
    differs = [escaped(str(name)) for name in summary.index[summary["p"] < 0.05]]
    told = f"from AdamW only {listed(differs)} differ after Holm's adjustment" if differs else "none differs from AdamW"
    tuned = report.summary(plain[(plain["task"] == "trec6") & (plain["protocol"] == "fair")]).set_index("strategy")
    collapsed, reached = tuned.loc["STLR+Discriminative"], tuned["mean"]
    return (
        rf"Tuned fairly, on the task that the paper describes, all {len(means)} strategies end between {means.min():.1f} and "
        rf"{means.max():.1f}\,\%: {escaped(str(means.idxmax()))} first, DALS with {means['DALS']:.1f} in place "
        rf"{order['DALS']:.0f}; {told}. Fine-tuned on TREC-6 they end between {reached.min():.1f} and {reached.max():.1f}\,\%, "
        rf"the one that is published at 43.6 with {collapsed['mean']:.1f}, at {collapsed['factor']:g} times its default rate"
    )


def _audit(frame: pd.DataFrame) -> Generated:
    """Headlines and verdicts, where the table holds an audit."""
    from lrtheory.benchmarks import audit

    rows = [
        [escaped(text) for text in row]
        for row in audit.verdicts(frame)[["headline", "protocol", "stands", "numbers"]].to_numpy()
    ]
    widths = (0.17, 0.12, 0.13, 0.46)
    columns = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}\linewidth}}" for width in widths)
    body = tabular(columns, ["headline", "protocol", "stands", "numbers"], rows)
    text = table_float(r"The published headlines, asked again. \measured", "tab:verdicts", body)
    switches = audit.shown_switches(frame)
    if len(switches):
        names = ["strategy", "artefact", "best, with", "best, without", "difference", "p"]
        rows = [[escaped(str(cell)) for cell in row] for row in switches[names].to_numpy()]
        caption = (
            r"Each artefact of the published program taken away: the best test accuracy over the epochs in \%, and $p$ "
            r"adjusted by Holm's method. \measured"
        )
        text += "\n" + table_float(caption, "tab:switches", tabular("llllrr", names, rows))
    yield "audit.tex", text


def robustness_part() -> Generated:
    """What a wrong rate costs the eighteen strategies."""
    found = robustness.measures(table("robustness"))
    told = " ".join(_robustness_of(str(task), group) for task, group in found.groupby("task", sort=False))
    yield (
        "robustness.tex",
        (
            r"\paragraph{What a wrong rate costs the strategies.} Around the rate that the fair protocol tunes, each strategy "
            rf"was run at 2, 4 and 10 times that rate, either way (\cref{{fig:robustness}}). {told}"
            "\n"
            + figure_float(
                "robustness",
                r"Points of test accuracy lost at wrong rates; a star: the tuned rate ends its grid. \measured",
                width=".5",
            )
        ),
    )


def _robustness_of(task: str, measured: pd.DataFrame) -> str:
    """What one task says of the strategies' robustness."""
    group = measured.set_index("strategy").sort_values("mean lost")
    lost = group["mean lost"]
    size = f" ({report.scale(group)})" if report.scale(group) else ""
    differ = [escaped(str(name)) for name in group.index[group["p"] < 0.05]]
    if group["seeds"].max() == 1:
        told = "a single seed allows no test"
    else:
        who = f"{listed(differ)} differ{'s' * (len(differ) == 1)}" if differ else "none differs"
        told = f"{who} from it after Holm's adjustment"
    least, most = (escaped(str(name)) for name in (lost.index[0], lost.index[-1]))
    rank = lost.corr(group["sensitivity"], method="spearman")
    return (
        f"On {escaped(task)}{size}, {_seeds(group)}, the six wrong rates cost from {lost.min():.1f} points in the mean ({least}) "
        f"to {lost.max():.1f} ({most}), AdamW {lost['AdamW']:.1f}; {told}; {group['edge'].sum()} tuned "
        rf"rates lie at an end of their grid. The rank correlation with the sensitivity of \citet{{wortsman2024}} is "
        rf"${rank:.2f}$ \measured."
    )


def _seeds(summary: pd.DataFrame) -> str:
    count = int(summary["seeds"].max())
    return f"{count} seed{'s' * (count > 1)}"
