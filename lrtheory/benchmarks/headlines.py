"""The published headlines, tested on the runs: whether each stands, under which protocol, and with which numbers."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, final

import pandas as pd

from lrtheory.benchmarks.protocols import PROTOCOLS
from lrtheory.benchmarks.report import headline, measured, number, scale, summary
from lrtheory.statistics import holm, paired_p_value

REPRODUCED = 0.6
"""Points within which a published accuracy counts as reproduced: two standard errors of 2000 test points at 98 %."""

Parts = Mapping[str, pd.DataFrame]
"""The final runs of an audit, by the column ``part``."""


@final
@dataclass(frozen=True)
class Answer:
    """What some runs say of a headline.

    Args:
        stands: Whether it stands: yes, no, or in which respect.
        numbers: The numbers behind that, as a sentence.
    """

    stands: str
    numbers: str


@dataclass(frozen=True)
class Headline(ABC):
    """A claim of the paper, as a question to the runs of one protocol."""

    title: ClassVar[str]

    @abstractmethod
    def answer(self, runs: pd.DataFrame) -> Answer | None:
        """What these runs say; None where they cannot tell."""

    def evidence(self, parts: Parts) -> Iterator[tuple[str, pd.DataFrame]]:
        """The runs that are asked, with the name of their protocol; those of every protocol by default, the program's first."""
        for protocol in reversed(PROTOCOLS.values()):
            if protocol.part in parts:
                yield protocol.name, parts[protocol.part]


def verdicts(frame: pd.DataFrame) -> pd.DataFrame:
    """Each published headline: does it stand, under which protocol, with numbers."""
    parts = {str(part): group for part, group in frame[frame["role"] == "final"].groupby("part")}
    lines = [
        {"headline": asked.title, "protocol": protocol, "stands": answer.stands, "numbers": answer.numbers}
        for asked in HEADLINES
        for protocol, runs in asked.evidence(parts)
        if (answer := asked.answer(runs)) is not None
    ]
    return pd.DataFrame(lines, columns=["headline", "protocol", "stands", "numbers"])


@final
@dataclass(frozen=True)
class BestOfAll(Headline):
    """98.0 on the synthetic task, the best of the table."""

    title = "98.0 on synthetic, the best"

    def answer(self, runs: pd.DataFrame) -> Answer | None:
        """The accuracy of DALS, its rank, and which strategies do not differ from the best."""
        runs = _synthetic(runs)
        if "DALS" not in set(runs["strategy"]):
            return None
        table = _summary(runs)
        ours, ahead = table.loc["DALS"], table[table["mean"] > table.loc["DALS", "mean"]]
        alike = indistinguishable(runs)
        reproduced, first = abs(ours["mean"] - 98.0) <= REPRODUCED, ahead.empty
        text = (
            f"DALS {measured(_values(runs, 'DALS'))} on {runs['task'].iloc[0]}, rank {len(ahead) + 1} of {len(table)}; "
            f"not significantly different from the best: {len(alike)}, "
            f"DALS {'one of them' if 'DALS' in alike else 'not among them'}"
        )
        if reproduced:
            return Answer("yes" if first else "the number, not the rank", text)
        return Answer("the rank, not the number" if first else "no", text)


@final
@dataclass(frozen=True)
class Speed(Headline):
    """90 % in three epochs, which the abstract holds up as an advance."""

    title = "90 % in 3 epochs"

    def answer(self, runs: pd.DataFrame) -> Answer | None:
        """The median epochs of the three forms of DALS, and how many other strategies are as fast."""
        runs = _synthetic(runs)
        if "DALS-Fast" not in set(runs["strategy"]):
            return None
        epochs = _summary(runs)["epochs_to_90"]
        mine = epochs["DALS-Fast"]
        others = [name for name in epochs.index if not name.startswith("DALS")]
        sooner = [name for name in others if epochs[name] <= mine]
        text = f"DALS-Fast {number(mine, 'g')}" + "".join(
            f", {name} {number(epochs[name], 'g')}" for name in ("DALS", "DALS-Acc") if name in epochs.index
        )
        text += f" (medians); as fast: {len(sooner)} of the other {len(others)}"
        if not mine <= 3:
            return Answer("no", text)
        return Answer("the number, but not as an advance" if sooner else "yes", text)


PUBLISHED_GAP = 96.8 - 43.6
"""Points between RAdam and STLR with discriminative rates on TREC-6, as published."""
CURED = (96.8 + 43.6) / 2
"""An accuracy above this counts as no collapse."""


@final
@dataclass(frozen=True)
class Collapse(Headline):
    """43.6 for STLR with discriminative rates against 96.8 for RAdam on TREC-6, in full if that was run."""

    title = "43.6 against 96.8 on TREC-6"

    def answer(self, runs: pd.DataFrame) -> Answer | None:
        """Both accuracies, and the points between them."""
        runs = runs[(runs["task"] == "trec6") & runs["strategy"].isin(["STLR+Discriminative", "RAdam"])]
        full = runs[(runs["examples"] == 0) & (runs["epochs"] == runs["full_epochs"])]
        runs = (runs if full.empty else full).drop_duplicates(["strategy", "seed"])
        if not {"STLR+Discriminative", "RAdam"} <= set(runs["strategy"]):
            return None
        low, high = (_values(runs, name) for name in ("STLR+Discriminative", "RAdam"))
        gap = high.mean() - low.mean()
        text = (
            f"STLR+Discriminative {measured(low)}, RAdam {measured(high)}: {gap:.1f} points apart, published "
            f"{PUBLISHED_GAP:.1f}" + (f" ({scale(runs)})" if scale(runs) else "")
        )
        if gap <= PUBLISHED_GAP / 2:
            return Answer("no", text)
        return Answer("undecided: a tuned rate lies at an end of its grid" if runs["edge"].any() else "yes", text)

    def evidence(self, parts: Parts) -> Iterator[tuple[str, pd.DataFrame]]:
        """As coded, some of it was run again in full, beside the sweep over rates."""
        for protocol, runs in super().evidence(parts):
            if PROTOCOLS[protocol].as_coded and "sweep" in parts:
                runs = pd.concat([runs, parts["sweep"].query("factor == 1 and variant == ''")])
            yield protocol, runs


@final
@dataclass(frozen=True)
class CollapseElsewhere(Headline):
    """Whether the collapse goes away with its artefacts or with a larger rate."""

    title = Collapse.title

    def answer(self, runs: pd.DataFrame) -> Answer | None:
        """What takes the collapse away, with the best accuracies as coded and without the artefacts."""
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
        causes = {
            "no: the artefacts or the rate": min(artefacts, rate), "no: the artefacts": artefacts, "no: the rate": rate,
            "no: both together": both,
        }  # fmt: skip
        return Answer(next((cause for cause, reached in causes.items() if reached > CURED), "yes"), "; ".join(texts))

    def evidence(self, parts: Parts) -> Iterator[tuple[str, pd.DataFrame]]:
        """The sweep over rates, as coded and without artefacts."""
        if "sweep" in parts:
            yield "as-coded, switches", parts["sweep"]


@final
@dataclass(frozen=True)
class NoWinner(Headline):
    """No strategy wins everywhere; one seed says nothing of that."""

    title = "no strategy wins everywhere"

    def answer(self, runs: pd.DataFrame) -> Answer | None:
        """The best strategy of each task, and those that nowhere differ from the best."""
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
        return Answer(
            stands, f"{text}; nowhere significantly different from the best: {', '.join(everywhere) or 'none'}"
        )


@final
@dataclass(frozen=True)
class Selection(Headline):
    """What choosing the epoch on the test set adds, which the paper does not mention."""

    title = "accuracies are the best over the epochs"

    def answer(self, runs: pd.DataFrame) -> Answer | None:
        """The gain on each task, in the mean over strategies and the largest."""
        if runs.empty or not runs["metric"].str.startswith("best").all():
            return None
        texts = []
        for task, group in runs.groupby("task", sort=False):
            gains = (group["best"] - group["last"]).groupby(group["strategy"], sort=False).mean().dropna()
            texts.append(f"{task}: +{gains.mean():.1f} points on average, +{gains.max():.1f} for {gains.idxmax()}")
        return Answer("a bias", "; ".join(texts))


HEADLINES: tuple[Headline, ...] = (
    BestOfAll(), Speed(), Collapse(), NoWinner(), Selection(), CollapseElsewhere(),
)  # fmt: skip
"""The headlines, in the order of the table."""


def indistinguishable(runs: pd.DataFrame, level: float = 0.05) -> list[str]:
    """The strategies of one task that do not differ significantly from the one with the best mean.

    The test is a paired t-test over the seeds, adjusted by Holm's method. A strategy of which a run diverged is left out.
    """
    values = runs.assign(value=headline(runs)).pivot_table(index="seed", columns="strategy", values="value")
    values = values.dropna(axis=1)
    best = values.mean().idxmax()
    p = pd.Series({name: paired_p_value((values[name] - values[best]).dropna().to_numpy()) for name in values})
    adjusted = holm(p)
    return [str(name) for name, p_value in adjusted.items() if not p_value < level]


def _synthetic(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[runs["task"].isin(["synthetic", "synthetic-as-coded"])]


def _summary(runs: pd.DataFrame) -> pd.DataFrame:
    return summary(runs[runs["variant"] == ""]).set_index("strategy")


def _values(runs: pd.DataFrame, strategy: str) -> pd.Series:
    return headline(runs[runs["strategy"] == strategy])
