"""What a theorem is to a program: its statement, its status, where that is from, and what can be run to check it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

STATUSES = {
    "proved": "the module holds the proof; its identities, or a case in which it is attained, are computed",
    "verified": "computed and compared with something independent, to a stated tolerance",
    "measured": "estimated from runs, with an interval",
    "quoted": "another source's result",
}
"""The grades of a claim, from the most to the least certain, and what each means."""


class Evidence(NamedTuple):
    """What a witness shows: the value that a run reaches, the value that the theorem states, and their relative distance."""

    reached: float
    stated: float
    tolerance: float


@dataclass(frozen=True)
class Theorem:
    """A theorem as a record.

    Args:
        name: A word for it, unlike that of any other theorem.
        statement: One sentence in Markdown, as a table shows it.
        status: One of :data:`STATUSES`, the grade of the statement.
        source: Who found it, in the words of the module's docstring.
        module: The module that states it, by its full name.
        attained: Where the statement holds with equality, or how far it does; empty where the question does not arise.
        labels: The labels of its theorems, propositions and corollaries in the paper.
        proof: Computes the identities of the proof, by step: expressions that vanish.
        witness: Runs a case in which the statement is attained.

    Raises:
        ValueError: the status is unknown, a text is missing, or what is called proved or verified has nothing to run.

    Example:
        >>> mine = Theorem("binomial", "`(1 + 1)**2` is 4.", "verified", "Derived here.", "mine",
        ...                witness=lambda: Evidence((1 + 1) ** 2, 4, 0))
        >>> mine.check()
    """

    name: str
    statement: str
    status: str
    source: str
    module: str
    attained: str = ""
    labels: tuple[str, ...] = ()
    proof: Callable[[], Mapping[str, Any]] | None = None
    witness: Callable[[], Evidence] | None = None

    def __post_init__(self) -> None:
        if self.status not in STATUSES:
            raise ValueError(f"the status of {self.name} must be one of {', '.join(STATUSES)}, not {self.status!r}.")
        for field in ("name", "statement", "source", "module"):
            if not getattr(self, field):
                raise ValueError(f"a theorem needs a {field}.")
        if self.status in ("proved", "verified") and self.proof is None and self.witness is None:
            raise ValueError(f"{self.name} is {self.status}: it needs a proof or a witness that can be run.")

    def check(self) -> None:
        """Run the proof and the witness.

        Raises:
            AssertionError: the proof is empty, an identity does not vanish, or the witness misses what is stated.
        """
        if self.proof is not None:
            identities = self.proof()
            if not identities:
                raise AssertionError(f"the proof of {self.name} is empty.")
            if left := [step for step, expression in identities.items() if expression != 0]:
                raise AssertionError(f"the proof of {self.name} does not hold at {', '.join(map(repr, left))}.")
        if self.witness is not None:
            reached, stated, tolerance = self.witness()
            if not abs(reached - stated) <= tolerance * abs(stated):
                raise AssertionError(f"the witness of {self.name} reaches {reached:.6g}, not {stated:.6g}.")
