"""What made the published numbers: each suspected artefact on and off, and each failure over its base rate.

All runs but those of the part ``fair`` follow the published program. The suspects are those of reading it: layers discounted
twice, rates moved in bursts, restarts counted in iterations, an adaptive form under the name of SAM, momentum as an average,
trust ratios applied after the momentum, a first step of rate zero; and, for each failure, a rate that is far off.
"""

import math
from dataclasses import dataclass, replace
from statistics import median

import pandas as pd

from lrtheory import tasks
from lrtheory.benchmarks.protocols import Benchmark, default_lr, rows, run_of
from lrtheory.benchmarks.published import ACCURACY, TASKS, accuracy
from lrtheory.benchmarks.report import headline, measured, number, scale, summary
from lrtheory.benchmarks.training import Run
from lrtheory.optim import strategies
from lrtheory.optim.layers import coarse_layer_names, layer_names
from lrtheory.runs import Compute
from lrtheory.statistics import holm, paired_p_value
from lrtheory.tasks import Task

FAILURE = 4.0
"""A published failure is a cell so many points or more below the median of its column."""

SWEEP = (1 / 4, 1.0, 4.0, 16.0, 64.0, 256.0)
"""Multiples of the program's rate at which each failure is run again."""

REPRODUCED = 0.6
"""Points within which a published accuracy counts as reproduced: two standard errors of 2000 test points at 98 %."""


PART = {"as-coded": "table", "as-described": "described", "fair": "fair"}
"""What the column ``part`` calls the runs of a protocol."""


@dataclass(frozen=True)
class Artefact:
    """A place where the program departs from the paper or from the method it names.

    Args:
        name: What is suspected.
        strategy: Where.
        variant: The switches that take it away.
    """

    name: str
    strategy: str
    variant: str


ARTEFACTS = (
    Artefact("layers discounted twice", "STLR+Discriminative", "double_decay=False"),
    Artefact("rates moved in bursts", "STLR+Discriminative", "bursts=False"),
    Artefact("discounted twice and in bursts", "STLR+Discriminative", "double_decay=False,bursts=False"),
    Artefact("layers by children, blocks in pairs", "STLR+Discriminative", "coarse_layers=False"),
    Artefact("layers by children, blocks in pairs", "Discriminative LR", "coarse_layers=False"),
    Artefact("restarts counted in iterations", "SGDR", "counts_iterations=False"),
    Artefact("adaptive SAM under the name of SAM", "SAM", "adaptive=False"),
    Artefact("adaptive SAM under the name of SAM", "SAM+Discriminative", "adaptive=False"),
    Artefact("momentum as an average", "Grokfast", "averaged_momentum=False"),
    Artefact("an average that starts at zero", "Grokfast", "zero_start=False"),
    Artefact("averaged momentum and from zero", "Grokfast", "averaged_momentum=False,zero_start=False"),
    Artefact("trust ratio after the momentum", "LARS", "after_momentum=False"),
    Artefact("a constant rate for LARS", "LARS", "constant=False"),
    Artefact("a first step of rate zero", "DALS", "from_zero=False"),
    Artefact("a first step of rate zero", "DALS-Fast", "from_zero=False"),
    Artefact("no warm-up", "DALS-Acc", "warms_up=True"),
    Artefact("other than the printed equations", "DALS", "departures=printed"),
    Artefact("other than the printed equations", "DALS-Fast", "departures=printed"),
    Artefact("other than the printed equations", "DALS-Acc", "departures=printed"),
)


def failures(task: str) -> tuple[str, ...]:
    """The strategies that fail in a column of the published table.

    Example:
        >>> failures("trec6")
        ('Discriminative LR', 'Grokfast', 'STLR+Discriminative', 'SAM+Discriminative')
    """
    if task not in TASKS:
        return ()
    column = {name: accuracies[TASKS.index(task)] for name, accuracies in ACCURACY.items()}
    return tuple(name for name, value in column.items() if value <= median(column.values()) - FAILURE)


@dataclass(frozen=True)
class Audit:
    """The suspects of the published program, switched on and off.

    Args:
        benchmark: The tasks, strategies and budget; its protocol and rates do not count.
    """

    benchmark: Benchmark

    def run(self, compute: Compute) -> pd.DataFrame:
        """All runs: those as coded, and ``fair``, the same tasks under that protocol, in the column ``part``."""
        fair = replace(self.benchmark, protocol="fair", lrs=())
        return pd.concat([self.as_coded(compute), fair.run(compute).assign(part="fair")], ignore_index=True)

    def as_coded(self, compute: Compute) -> pd.DataFrame:
        """The runs that follow the published program, with a column ``part``.

        ``table``: every strategy as coded; ``switch``: an artefact taken away; ``sweep``: a failure at other rates, as coded
        and with the artefacts of its strategy taken away.
        """
        coded = replace(self.benchmark, protocol="as-coded", lrs=())
        parts = {"table": coded.run(compute)}
        wanted = {
            "switch": [
                run
                for task in coded.tasks
                for artefact in ARTEFACTS
                if artefact.strategy in coded.strategies and _departs(artefact, tasks.get(task, encoder=coded.encoder))
                for run in _runs(coded, task, artefact.strategy, artefact.variant)
            ],
            "sweep": [
                run
                for task in coded.tasks
                for strategy in failures(task)
                if strategy in coded.strategies
                for factor in SWEEP
                for variant in ("", _without_artefacts(strategy))
                for run in _runs(coded, task, strategy, variant, factor)
            ],
        }
        for part, runs in wanted.items():
            parts[part] = rows(coded, runs, compute(runs, phase=part), "final", compute.store)
        return pd.concat([part.assign(part=name) for name, part in parts.items() if len(part)], ignore_index=True)


@dataclass(frozen=True, eq=False)
class Effect:
    """What the runs say of one artefact on one task.

    Args:
        artefact: Which.
        task: On which.
        kept: The final runs with it.
        without: Those without it.
    """

    artefact: Artefact
    task: str
    kept: pd.DataFrame
    without: pd.DataFrame

    @property
    def differences(self) -> pd.Series:
        """What the best accuracy gains without it, seed by seed."""
        return (self.without.set_index("seed")["best"] - self.kept.set_index("seed")["best"]).dropna()


def effects(frame: pd.DataFrame) -> list[Effect]:
    """Every artefact on every task for which there are runs."""
    final, found = frame[frame["role"] == "final"], []
    coded, switched = final[final["part"] == "table"], final[final["part"] == "switch"]
    for artefact in ARTEFACTS:
        mine, off = (runs[runs["strategy"] == artefact.strategy] for runs in (coded, switched))
        for task, without in off[off["variant"] == artefact.variant].groupby("task", sort=False):
            kept = mine[(mine["task"] == task) & mine["seed"].isin(without["seed"])]
            found.append(Effect(artefact, str(task), kept, without))
    return found


def shown_switches(frame: pd.DataFrame) -> pd.DataFrame:
    """What each artefact is worth: the program's best and last accuracy with it and without it, and the paired difference."""
    lines = []
    for effect in effects(frame):
        line = {"task": effect.task, "strategy": effect.artefact.strategy, "artefact": effect.artefact.name}
        for metric in ("best", "last"):
            line[f"{metric}, with"] = measured(effect.kept[metric])
            line[f"{metric}, without"] = measured(effect.without[metric])
        difference = effect.differences
        lines.append(
            line
            | {"difference": f"{round(difference.mean(), 1) + 0.0:+.1f}", "p": paired_p_value(difference.to_numpy())}
        )
    table = pd.DataFrame(lines)
    if len(table):
        table["p"] = [number(p, ".3f") for p in holm(table["p"])]
    return table


def shown_sweep(frame: pd.DataFrame) -> pd.DataFrame:
    """Each published failure at other base rates: the best accuracy, as coded and without the strategy's artefacts."""
    final, lines = frame[frame["part"] == "sweep"], []
    keys = ["task", "examples", "epochs", "strategy", "variant"]
    for (task, _, _, strategy, variant), group in final.groupby(keys, sort=False):
        line = {"task": task, "scale": scale(group), "strategy": strategy, "form": variant or "as coded"}
        line["published"] = number(_published(str(strategy), str(task)), ".1f")
        lines.append(line | {f"x {factor:g}": measured(part["best"]) for factor, part in group.groupby("factor")})
    return pd.DataFrame(lines)


def verdicts(frame: pd.DataFrame) -> pd.DataFrame:
    """Each published headline: does it stand, under which protocol, with numbers."""
    parts = {str(part): group for part, group in frame[frame["role"] == "final"].groupby("part")}
    lines = []
    for title, question in HEADLINES.items():
        for protocol, part in PART.items():
            runs = parts.get(part, frame.head(0))
            if question is _collapse and part == "table" and "sweep" in parts:  # some of it was run again, in full
                runs = pd.concat([runs, parts["sweep"].query("factor == 1 and variant == ''")])
            answer = question(runs)
            if answer is not None:
                lines.append({"headline": title, "protocol": protocol, "stands": answer[0], "numbers": answer[1]})
    if "sweep" in parts and (answer := _collapse_elsewhere(parts)) is not None:
        lines.append(
            {"headline": COLLAPSE, "protocol": "as-coded, switches", "stands": answer[0], "numbers": answer[1]}
        )
    return pd.DataFrame(lines, columns=["headline", "protocol", "stands", "numbers"])


Answer = tuple[str, str] | None


def _best_of_all(runs: pd.DataFrame) -> Answer:
    """98.0 on the synthetic task, the best of the table."""
    runs = runs[runs["task"].isin(["synthetic", "synthetic-as-coded"])]
    if "DALS" not in set(runs["strategy"]):
        return None
    table = _summary(runs)
    ours, ahead = table.loc["DALS"], table[table["mean"] > table.loc["DALS", "mean"]]
    alike = indistinguishable(runs)
    number_stands = abs(ours["mean"] - 98.0) <= REPRODUCED
    stands = {(True, True): "yes", (True, False): "the number, not the rank", (False, True): "the rank, not the number"}
    text = (
        f"DALS {measured(_values(runs, 'DALS'))} on {runs['task'].iloc[0]}, rank {len(ahead) + 1} of {len(table)}; "
        f"not told apart from the best: {len(alike)}, DALS {'one of them' if 'DALS' in alike else 'not among them'}"
    )
    return stands.get((number_stands, ahead.empty), "no"), text


def _speed(runs: pd.DataFrame) -> Answer:
    """90 % in three epochs, which the abstract holds up as an advance."""
    runs = runs[runs["task"].isin(["synthetic", "synthetic-as-coded"])]
    if "DALS-Fast" not in set(runs["strategy"]):
        return None
    epochs = _summary(runs)["epochs_to_90"]
    mine = epochs["DALS-Fast"]
    sooner = [name for name in epochs.index if epochs[name] <= mine and not name.startswith("DALS")]
    text = f"DALS-Fast {number(mine, 'g')}" + "".join(
        f", {name} {number(epochs[name], 'g')}" for name in ("DALS", "DALS-Acc") if name in epochs.index
    )
    text += (
        f" (medians); as fast: {len(sooner)} of the other {sum(not name.startswith('DALS') for name in epochs.index)}"
    )
    stands = "no" if not mine <= 3 else "yes" if not sooner else "the number, as an advance not"
    return stands, text


def _collapse(runs: pd.DataFrame) -> Answer:
    """43.6 for STLR with discriminative rates against 96.8 for RAdam on TREC-6, in full if that was run."""
    runs = runs[(runs["task"] == "trec6") & runs["strategy"].isin(["STLR+Discriminative", "RAdam"])]
    full = runs[(runs["examples"] == 0) & (runs["epochs"] == runs["full_epochs"])]
    runs = (runs if full.empty else full).drop_duplicates(["strategy", "seed"])
    if not {"STLR+Discriminative", "RAdam"} <= set(runs["strategy"]):
        return None
    low, high = (_values(runs, name) for name in ("STLR+Discriminative", "RAdam"))
    gap = high.mean() - low.mean()
    stands = (
        "no" if gap <= (96.8 - 43.6) / 2 else "undecided: a tuned rate ends its grid" if runs["edge"].any() else "yes"
    )
    return (
        stands,
        f"STLR+Discriminative {measured(low)}, RAdam {measured(high)}: {gap:.1f} points apart, published 53.2"
        + (f" ({scale(runs)})" if scale(runs) else ""),
    )


def _collapse_elsewhere(parts: dict[str, pd.DataFrame]) -> Answer:
    """Whether the collapse goes away with its artefacts or with a larger rate."""
    runs = parts["sweep"]
    runs = runs[(runs["task"] == "trec6") & (runs["strategy"] == "STLR+Discriminative")]
    if runs.empty:
        return None
    texts, rate, artefacts, both = [], -math.inf, -math.inf, -math.inf
    for (_, _, variant), group in runs.groupby(["examples", "epochs", "variant"], sort=False):
        means = group.groupby("factor")["best"].mean()
        if variant == "":
            rate = max(rate, means.max())
        else:
            artefacts, both = max(artefacts, means.get(1.0, -math.inf)), max(both, means.max())
        form = "as coded" if variant == "" else "without double decay and bursts"
        form += f" ({scale(group)})" if scale(group) else ""
        best = f", {means.max():.1f} at {means.idxmax():g} times that" if len(means) > 1 else ""
        texts.append(f"{form}: {number(means.get(1.0, math.nan), '.1f')} at its rate{best}")
    cured = (96.8 + 43.6) / 2
    causes = {
        "no: the artefacts or the rate": min(artefacts, rate), "no: the artefacts": artefacts, "no: the rate": rate,
        "no: both together": both,
    }  # fmt: skip
    stands = next((cause for cause, reached in causes.items() if reached > cured), "yes")
    return stands, "; ".join(texts)


def _no_winner(runs: pd.DataFrame) -> Answer:
    """No strategy wins everywhere; one seed says nothing of that."""
    runs = runs[runs.groupby("task")["seed"].transform("nunique") > 1]
    if runs["task"].nunique() < 2 or runs["strategy"].nunique() < 2:
        return None
    winners, alike = {}, []
    level = 0.05 / runs["task"].nunique()  # to lose the best of all tasks in one of them has this chance in each
    for task, group in runs.groupby("task", sort=False):
        winners[task] = _summary(group)["mean"].idxmax()
        alike.append(set(indistinguishable(group, level)))
    everywhere = sorted(set.intersection(*alike))
    stands = "yes" if not everywhere else "not shown" if len(set(winners.values())) > 1 else "no"
    text = "; ".join(f"{task}: {name}" for task, name in winners.items())
    return stands, f"{text}; never told apart from the best: {', '.join(everywhere) or 'none'}"


def _selection(runs: pd.DataFrame) -> Answer:
    """What choosing the epoch on the test set adds, which the paper does not mention."""
    if runs.empty or not runs["metric"].str.startswith("best").all():
        return None
    texts = []
    for task, group in runs.groupby("task", sort=False):
        gains = (group["best"] - group["last"]).groupby(group["strategy"], sort=False).mean().dropna()
        texts.append(f"{task}: +{gains.mean():.1f} points on average, +{gains.max():.1f} for {gains.idxmax()}")
    return "a bias", "; ".join(texts)


COLLAPSE = "43.6 against 96.8 on TREC-6"
HEADLINES = {
    "98.0 on synthetic, the best": _best_of_all,
    "90 % in 3 epochs": _speed,
    COLLAPSE: _collapse,
    "no strategy wins everywhere": _no_winner,
    "accuracies are the best over the epochs": _selection,
}


def indistinguishable(runs: pd.DataFrame, level: float = 0.05) -> list[str]:
    """The strategies of one task that a paired t-test over the seeds, Holm-adjusted, does not tell from the best mean.

    Those of which a run diverged are not among them.
    """
    values = runs.assign(value=headline(runs)).pivot_table(index="seed", columns="strategy", values="value")
    values = values.dropna(axis=1)
    best = values.mean().idxmax()
    p = pd.Series({name: paired_p_value((values[name] - values[best]).dropna().to_numpy()) for name in values})
    adjusted = holm(p)
    return [str(name) for name, p_value in adjusted.items() if not p_value < level]


def _runs(coded: Benchmark, task: str, strategy: str, variant: str, factor: float = 1.0) -> list[Run]:
    lr = factor * default_lr(coded, task, strategy)
    return [run_of(coded, task, strategy, lr=lr, seed=seed, variant=variant) for seed in range(coded.seeds)]


def _departs(artefact: Artefact, task: Task) -> bool:
    """Whether the program has the artefact on a task: some models have the same layers however they are counted."""
    if artefact.variant == "coarse_layers=False":
        model = task.model()
        return coarse_layer_names(model) != layer_names(model)
    coded = {name: str(value) for name, value in strategies.get(artefact.strategy).as_coded[task.family].items()}
    return any(coded.get(name, "False") != value for name, value in _pairs(artefact.variant))


def _without_artefacts(strategy: str) -> str:
    """The variant of a strategy that takes most artefacts away at once."""
    variants = [artefact.variant for artefact in ARTEFACTS if artefact.strategy == strategy]
    return max(variants, key=lambda variant: len(_pairs(variant)))


def _pairs(variant: str) -> list[tuple[str, str]]:
    return [(name, value) for name, _, value in (item.partition("=") for item in variant.split(","))]


def _summary(runs: pd.DataFrame) -> pd.DataFrame:
    return summary(runs[runs["variant"] == ""]).set_index("strategy")


def _values(runs: pd.DataFrame, strategy: str) -> pd.Series:
    return headline(runs[runs["strategy"] == strategy])


def _published(strategy: str, task: str) -> float:
    value = accuracy(strategy, task)
    return math.nan if value is None else value
