"""The benchmark, its audit and its robustness: tables, and the sentences that follow from whatever they say."""

from dataclasses import dataclass

import pandas as pd

from lrtheory import tasks
from lrtheory.benchmarks import audit, headlines, report
from lrtheory.benchmarks.published import ACCURACY, TASKS
from lrtheory.figures.benchmark import data
from lrtheory.report.tables import table
from lrtheory.report.values import (
    Accuracy,
    Bullets,
    Captioned,
    Citation,
    Count,
    Facts,
    Figure,
    Grade,
    Lines,
    Listed,
    Reference,
    Signed,
    Table,
    Tex,
    Text,
)
from lrtheory.runs.tables import committed
from lrtheory.sweeps import robustness

WIDEST = 6
"""So many columns of accuracies a table of the paper has at most."""


@dataclass(frozen=True)
class Column:
    """The accuracies of one task under one protocol at one scale, by strategy."""

    protocol: str
    task: str
    scale: str
    seeds: int
    cells: dict[str, Accuracy]
    solved: bool
    """Whether the interval of some strategy lies above chance."""

    @property
    def title(self) -> str:
        """The task, however its program was made."""
        return self.task.removesuffix("-as-coded")


def columns(final: pd.DataFrame) -> list[Column]:
    """The columns that final runs of the protocols fill."""
    found = []
    for (protocol, task, _, _), group in final.groupby(["protocol", "task", "examples", "epochs"], sort=False):
        means = report.summary(group).set_index("strategy")
        best, low = means["mean"].max(), means["mean"] - means["half_width"]
        cells = {
            str(name): Accuracy(row["mean"], row["half_width"], row["mean"] == best, row["p"] < 0.05, bool(row["edge"]))
            for name, row in means.iterrows()
        }
        solved = bool((low > 100 / tasks.get(str(task)).classes).any())
        found.append(Column(str(protocol), str(task), report.scale(group), int(means["seeds"].max()), cells, solved))
    return found


def strategies(shown: list[Column]) -> list[str]:
    """Everything that was run, those of the published table first and in its order."""
    run = dict.fromkeys(name for column in shown for name in column.cells)
    return [*(name for name in ACCURACY if name in run), *(name for name in run if name not in ACCURACY)]


def benchmark_part() -> Facts:
    """Whatever runs the benchmark's table has: a table for each protocol, and the sentences that follow from them."""
    frame = table("benchmark")
    runs = data(committed())
    plain = runs[runs["variant"] == ""]
    shown = sorted(columns(plain[plain["role"] == "final"]), key=lambda column: column.protocol)
    tables = []
    for number, first in enumerate(range(0, len(shown), WIDEST)):
        part = shown[first : first + WIDEST]
        rows = [[name, *(column.cells.get(name, "--") for column in part)] for name in strategies(part)]
        header = [
            "",
            *(
                Text.of(Tex(r"\shortstack[l]{"), column.title, Tex(r"\\ \emph{"), column.protocol, Tex("}}"))
                for column in part
            ),
        ]
        sizes = "; ".join(
            f"{column.title} ({column.protocol}): {_seeds(column.seeds)}{f', {column.scale}' if column.scale else ''}"
            for column in part
        )
        caption = Text.of(
            f"Test accuracy in % with 95 % intervals over seeds; {sizes}. Bold: the best mean. Dagger: differs from AdamW "
            "(paired ", Tex("$t$"), "-test over the seeds, Holm's adjustment, 5 %). Star: the tuned rate lies at an end of its "
            "grid.", Grade("measured"),
        )  # fmt: skip
        tables.append(Captioned(caption, f"tab:benchmark-{number + 1}", Table(header, rows)))
    yield "paper/benchmark", Lines(tuple(tables))
    yield "readme/benchmark", accuracy_table(columns(runs[(runs["role"] == "final") & (runs["part"] != "described")]))
    yield "benchmark/runs", Count(len(frame))
    covered = {column.task for column in shown}
    missing = [task for task in TASKS if task not in covered and f"{task}-as-coded" not in covered]
    told = [
        Text.of("Not yet run at any scale: ", Listed.of(missing), ".") if missing else "All five tasks have been run."
    ]
    if tossed := [column.title for column in shown if not column.solved]:
        told += [
            " At its scale no strategy's interval lies above a guess on ",
            Listed.of(tossed),
            ": it ranks nothing there.",
        ]
    yield "benchmark/missing", Text(tuple(told))
    yield "benchmark/coded", _as_coded(plain)
    yield "benchmark/fair", _fair(plain)
    yield from _audit(frame)


def accuracy_table(shown: list[Column]) -> Table:
    """One row for each strategy, one column for each protocol, task and scale, beside the published synthetic column."""
    titles = [
        f"{column.title}, {column.protocol}{f', {column.scale}' if column.scale else ''}{f', n = {column.seeds}'}"
        for column in shown
    ]
    rows = [
        [
            name,
            str(ACCURACY[name][TASKS.index("synthetic")]) if name in ACCURACY else "-",
            *(column.cells.get(name, "-") for column in shown),
        ]
        for name in strategies(shown)
    ]
    return Table(["strategy", "synthetic, published", *titles], rows)


def _as_coded(plain: pd.DataFrame) -> Text:
    """The published synthetic column against the program that made it."""
    runs = plain[(plain["task"] == "synthetic-as-coded") & (plain["protocol"] == "as-coded")]
    if runs.empty:
        return Text.of("The synthetic column has not been run as coded.")
    means = runs.groupby("strategy")["best"].mean()
    column = {name: row[0] for name, row in ACCURACY.items()}
    ours = ["DALS", "DALS-Fast", "DALS-Acc"]
    trio, printed = (Listed.of(f"{values[name]:.1f}" for name in ours) for values in (means, column))
    below = pd.Series(
        {name: column[str(name)] - mean for name, mean in means.items() if name in column and name not in ours}
    )
    order = means.rank(ascending=False)
    return Text.of(
        "As coded, DALS, DALS-Fast and DALS-Acc reach ", trio, " % (published: ", printed, f"); the other {len(below)} "
        f"strategies lie {below.min():.1f} to {below.max():.1f} points below their published numbers, which are best of "
        f"epochs of a single seed. DALS ranks {order['DALS']:.0f} of {len(means)}",
    )  # fmt: skip


def _fair(plain: pd.DataFrame) -> Text:
    """What a fair protocol leaves of it on the synthetic task."""
    runs = plain[(plain["task"] == "synthetic") & (plain["protocol"] == "fair")]
    if not (runs["role"] == "final").any():
        return Text.of("The fair protocol has not been run on the synthetic task.")
    summary = report.summary(runs).set_index("strategy")
    means = summary["mean"]
    order = means.rank(ascending=False)
    differs = list(summary.index[summary["p"] < 0.05])
    told = (
        ["from AdamW only ", Listed.of(differs), " differ after Holm's adjustment"]
        if differs
        else ["none differs from AdamW"]
    )
    tuned = report.summary(plain[(plain["task"] == "trec6") & (plain["protocol"] == "fair")]).set_index("strategy")
    collapsed, reached = tuned.loc["STLR+Discriminative"], tuned["mean"]
    return Text.of(
        f"Tuned fairly, on the task that the paper describes, all {len(means)} strategies end between {means.min():.1f} and "
        f"{means.max():.1f} %: {means.idxmax()} first, DALS with {means['DALS']:.1f} in place {order['DALS']:.0f}; ", *told,
        f". Fine-tuned on TREC-6 they end between {reached.min():.1f} and {reached.max():.1f} %, the one that is published at "
        f"{ACCURACY['STLR+Discriminative'][TASKS.index('trec6')]} with {collapsed['mean']:.1f}, at {collapsed['factor']:g} times "
        "its default rate",
    )  # fmt: skip


def _audit(frame: pd.DataFrame) -> Facts:
    """Headlines and verdicts, and what each artefact is worth, where the table holds an audit."""
    names = ["headline", "protocol", "stands", "numbers"]
    rows = headlines.verdicts(frame)[names].to_numpy().tolist()
    yield "readme/headlines", Table(names, rows)
    widths = (0.17, 0.12, 0.13, 0.46)
    wrapped = "".join(rf">{{\raggedright\arraybackslash}}p{{{width}\linewidth}}" for width in widths)
    asked = Text.of("The published headlines, asked again.", Grade("measured"))
    tables = [Captioned(asked, "tab:verdicts", Table(names, rows, wrapped))]
    switches = audit.shown_switches(frame)
    if len(switches):
        names = ["strategy", "artefact", "best, with", "best, without", "difference", "p"]
        caption = Text.of(
            "Each artefact of the published program taken away: the best test accuracy over the epochs in %, and ", Tex("$p$"),
            " adjusted by Holm's method.", Grade("measured"),
        )  # fmt: skip
        body = Table(names, [[str(cell) for cell in row] for row in switches[names].to_numpy()], "llllrr")
        tables.append(Captioned(caption, "tab:switches", body))
    yield "paper/audit", Lines(tuple(tables))
    yield "readme/switches", Bullets((*_worth(switches), *_elsewhere(audit.shown_sweep(frame))))


def _worth(switches: pd.DataFrame) -> list[str]:
    """What the artefacts are worth whose effect is significant."""
    return [
        f"{row['strategy']} on {row['task']}, {row['artefact']}: {row['difference']} points without it, paired over "
        f"the seeds (p = {row['p']})."
        for row in switches.to_dict("records")
        if row["p"] != "-" and float(row["p"]) < 0.05
    ]


def _elsewhere(sweep: pd.DataFrame) -> list[str]:
    """The published failures at other rates, as coded."""
    told = []
    for row in sweep.to_dict("records"):
        if row["form"] == "as coded":
            at = {str(name): value for name, value in row.items() if isinstance(value, str)}
            found = ", ".join(
                f"{value} at {name.removeprefix('x ')} times its rate" for name, value in at.items() if name[:2] == "x "
            )
            size = row["scale"] or "full scale, one seed"
            told.append(f"{row['strategy']} on {row['task']} ({size}; published {row['published']}): {found}.")
    return told


def robustness_part() -> Facts:
    """What a wrong rate costs the strategies."""
    found = robustness.measures(table("robustness"))
    told = [robustness_of(str(task), group) for task, group in found.groupby("task", sort=False)]
    yield "readme/robustness", Bullets(tuple(told))
    caption = Text.of(
        "Points of test accuracy lost at wrong rates; a star: the tuned rate lies at an end of its grid.",
        Grade("measured"),
    )
    sentences = [part for sentence in told for part in (" ", sentence)]
    yield (
        "paper/robustness",
        Lines((
            Text.of(
                Tex(r"\paragraph{What a wrong rate costs the strategies.}"),
                " Around the rate that the fair protocol tunes, each strategy was run at 2, 4 and 10 times that rate, either way",
                Reference(("fig:robustness",)), ".", *sentences,
            ),
            Figure("robustness", caption, width=".5"),
        )),
    )  # fmt: skip


def robustness_of(task: str, measured: pd.DataFrame) -> Text:
    """What one task says of the strategies' robustness."""
    group = measured.set_index("strategy").sort_values("mean lost")
    lost = group["mean lost"]
    size = f" ({report.scale(group)})" if report.scale(group) else ""
    differ = list(group.index[group["p"] < 0.05])
    if group["seeds"].max() == 1:
        told = ["a single seed allows no test"]
    else:
        who = [Listed.of(differ), f" differ{'s' * (len(differ) == 1)}"] if differ else ["none differs"]
        told = [*who, " from it after Holm's adjustment"]
    rank = lost.corr(group["sensitivity"], method="spearman")
    return Text.of(
        f"On {task}{size}, {_seeds(int(group['seeds'].max()))}, the six wrong rates cost from ", Signed(lost.min(), ".1f"),
        f" points in the mean ({lost.index[0]}) to ", Signed(lost.max(), ".1f"), f" ({lost.index[-1]}), AdamW ",
        Signed(lost["AdamW"], ".1f"), "; ", *told,
        f"; {group['edge'].sum()} tuned rates lie at an end of their grid. The rank correlation with the sensitivity of ",
        Citation("wortsman2024", "Wortsman et al. (arXiv 2309.14322)"), f" is {rank:.2f}", Grade("measured"), ".",
    )  # fmt: skip


def _seeds(count: int) -> str:
    return f"{count} seed{'s' * (count > 1)}"
