import hashlib
import json
from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, ClassVar

from lrtheory.schedules.schedule import Schedule

SCHEMA = 1
"""Raised when the meaning of a stored result changes; cells of another schema are other cells."""


class Value(ABC):
    """A value in a field of a cell that is not plain, and how it is described there."""

    @property
    @abstractmethod
    def text(self) -> str:
        """The text that stands for the value."""

    @property
    @abstractmethod
    def more(self) -> dict[str, Any]:
        """What else determines the result, as plain values; nothing where the text says it all."""


@dataclass(frozen=True)
class Cell(ABC):
    """What determines a result, and how that is computed: the base of frozen dataclasses of plain values.

    The fields are strings, whole numbers, finite floats, booleans, schedules, :class:`Value` objects, or tuples of these;
    :func:`cell_id` makes the name of the result from them and from the name of the class.

    Example:
        >>> @dataclass(frozen=True)
        ... class Square(Cell):
        ...     of: int
        ...
        ...     def compute(self):
        ...         return {"is": self.of**2}
        >>> Square(3).compute()
        {'is': 9}
    """

    own_process: ClassVar[bool] = False
    """Whether computing holds the interpreter's lock, so that cells at work together need a process each."""

    @abstractmethod
    def compute(self) -> dict[str, Any]:
        """The result: a dictionary of plain values, and a pure function of the fields but for times."""

    def resume(self, checkpoint: Path) -> dict[str, Any]:
        """The same result, by a cell that takes long and keeps in this file how far it is; others compute it at once.

        Whoever stores the result removes the file.
        """
        return self.compute()

    def shortened(self) -> "tuple[Cell, float] | None":
        """A cell that takes a small part of the time, and how many times as long this one trains; by default there is none.

        What the shorter one takes beside its training counts once, if its result holds its seconds of training as ``seconds``.
        Cells with the same shorter one take alike.
        """
        return None


def cell_id(cell: Any) -> str:
    """The name of a cell: the SHA-256 of the canonical JSON of its schema, kind and values.

    Args:
        cell: An instance of a frozen dataclass whose fields are strings, whole numbers, finite floats, booleans, schedules,
            :class:`Value` objects, or tuples of these.

    Raises:
        TypeError: it is not.
        ValueError: a float is not finite.

    Example:
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Toss:
        ...     seed: int
        >>> cell_id(Toss(1))[:12], cell_id(Toss(1)) == cell_id(Toss(2))
        ('bc0e0e7f4931', False)
    """
    return hashlib.sha256(canonical(describe(cell))).hexdigest()


def describe(cell: Any) -> dict[str, Any]:
    """The cell as plain values: what its id is made of and what the store writes beside a result."""
    if not is_dataclass(cell) or isinstance(cell, type) or not cell.__dataclass_params__.frozen:  # pyright: ignore
        raise TypeError(f"a cell is an instance of a frozen dataclass, not {cell!r}.")
    config: dict[str, Any] = {}
    for field in fields(cell):
        value = getattr(cell, field.name)
        if isinstance(value, Schedule):  # another definition under the same name is another cell
            config |= {field.name: repr(value), "formula": value.formula}
        elif isinstance(value, Value):
            config |= {field.name: value.text} | ({f"{field.name}_definition": value.more} if value.more else {})
        else:
            config[field.name] = _plain(value)
    return {"schema": SCHEMA, "kind": type(cell).__name__, "config": config}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, Value):
        return {"name": value.text, **value.more} if value.more else value.text
    return repr(value) if isinstance(value, Schedule) else value


def canonical(value: Any) -> bytes:
    """The one JSON text of a value: sorted keys, no spaces, floats as their shortest decimal, no NaN."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
