from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, ClassVar, Self, final

from lrtheory.runs.executor import Compute, Workers
from lrtheory.runs.store import Store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Experiment(ABC):
    """A question that cells answer: the base of frozen dataclasses whose fields are the options of a command.

    A subclass has a default for each field, a line on it in the section ``Args`` of its docstring, which ``--help`` shows,
    and checks in ``__post_init__`` that say in one sentence what is wrong. It becomes a command by its name and question
    in :data:`lrtheory.sweeps.EXPERIMENTS`, and has a figure by the same name in :data:`lrtheory.figures.FIGURES`.
    """

    needs: ClassVar[Mapping[str, str]] = {}
    """The packages without which it cannot run, each with the extra of this package that installs it."""

    @classmethod
    @abstractmethod
    def quick(cls) -> Self:
        """A smaller configuration, for ``--quick``."""

    @abstractmethod
    def run(self, compute: Compute) -> pd.DataFrame:
        """The table: what the results say of the cells that were asked for, in one call of ``compute`` or in several."""

    @staticmethod
    @abstractmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """What a terminal shows of a table."""

    @final
    def table(self, store: Store, workers: Workers = None) -> pd.DataFrame:
        """The table, computed where the store lacks it.

        Args:
            store: Where results are kept.
            workers: Number of cells at a time, or a cluster: see :class:`lrtheory.runs.Compute`.

        Raises:
            ModuleNotFoundError: a package that it needs is not installed.
        """
        for package, extra in self.needs.items():
            if find_spec(package) is None:
                raise ModuleNotFoundError(f"this experiment needs {package}: pip install 'lrtheory[{extra}]'.")
        with Compute(store, workers) as compute:
            return self.run(compute)


@dataclass(frozen=True)
class ExperimentEntry:
    """An experiment as the list of all of them knows it.

    Args:
        question: What it asks, as one question, for ``--help`` and the site.
        load: Imports its class, so that only the experiment that runs is imported.
    """

    question: str
    load: Callable[[], type[Experiment]]
