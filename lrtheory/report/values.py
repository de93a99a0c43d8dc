"""What a fact can be: numbers, words, tables and figures, before it is decided whether TeX or Markdown shows them."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from lrtheory.estimate import Estimate

Value: TypeAlias = Any
"""A string of plain words, or one of the classes below."""

Facts: TypeAlias = Iterator[tuple[str, Value]]
"""Pairs of a name and a value. What is named ``paper/X`` is the file X of the paper, ``readme/X`` the block X of the README."""


@dataclass(frozen=True)
class Tex:
    """A formula or a phrase of the paper alone, as it stands there."""

    text: str


@dataclass(frozen=True)
class Count:
    """A whole number, its thousands set apart."""

    number: float


@dataclass(frozen=True)
class PowerOfTen:
    """A power of ten as such; other numbers as a :class:`Count`."""

    number: float


@dataclass(frozen=True)
class Scientific:
    """A digit times a power of ten, for use inside a formula of the paper; rounded up where it is a bound."""

    number: float
    up: bool = False


@dataclass(frozen=True)
class Interval:
    """A number with its interval, in a format such as ``.2f``."""

    estimate: Estimate
    spec: str


@dataclass(frozen=True)
class Signed:
    """A number in a format, its minus sign a sign."""

    number: float
    spec: str


@dataclass(frozen=True)
class Name:
    """A schedule by its name in the package, which the paper may call otherwise."""

    schedule: str


@dataclass(frozen=True)
class Accuracy:
    """A mean with half its interval, and what there is to mark about it.

    Args:
        mean: The mean; NaN where there is none.
        half_width: Half of the interval; NaN where there is none.
        best: Whether it is the largest of its column.
        differs: Whether it differs significantly from the reference.
        edge: Whether the tuned rate lies at an end of its grid.
    """

    mean: float
    half_width: float
    best: bool = False
    differs: bool = False
    edge: bool = False


@dataclass(frozen=True)
class Listed:
    """Items as English lists them: a, b and c."""

    items: tuple[Value, ...]

    @classmethod
    def of(cls, items: Iterable[Value]) -> "Listed":
        """The list of any iterable."""
        return cls(tuple(items))


@dataclass(frozen=True)
class Citation:
    """A work that is cited: its key in the paper's references, and the words elsewhere."""

    key: str
    words: str


@dataclass(frozen=True)
class Reference:
    """Where the paper shows it: the labels of tables and figures, in parentheses; nothing elsewhere."""

    labels: tuple[str, ...]


@dataclass(frozen=True)
class Grade:
    """How certain a sentence is, as the paper marks it."""

    status: str


@dataclass(frozen=True)
class Text:
    """Values one after the other."""

    parts: tuple[Value, ...]

    @classmethod
    def of(cls, *parts: Value) -> "Text":
        """The text of these parts."""
        return cls(parts)


@dataclass(frozen=True)
class Bullets:
    """Items of a list, one below the other."""

    items: tuple[Value, ...]


@dataclass(frozen=True)
class Table:
    """Rows below a header.

    Args:
        header: A value for each column.
        rows: As many values in each row.
        columns: How the paper sets the columns, as LaTeX says it; all to the left by default.
        rules: Numbers of rows that a thin rule precedes in the paper.
    """

    header: Sequence[Value]
    rows: Sequence[Sequence[Value]]
    columns: str = ""
    rules: tuple[int, ...] = ()


@dataclass(frozen=True)
class Captioned:
    """A table of the paper with its caption above it."""

    caption: Value
    label: str
    table: Table


@dataclass(frozen=True)
class Figure:
    """A figure of the paper with its caption below it; its label is its name, its width a part of the line."""

    name: str
    caption: Value
    width: str = ""


@dataclass(frozen=True)
class Lines:
    """Values on lines of their own."""

    parts: tuple[Value, ...]


def tex(*texts: str) -> list[Tex]:
    """Several :class:`Tex`, as the header of a table of the paper."""
    return [Tex(text) for text in texts]
