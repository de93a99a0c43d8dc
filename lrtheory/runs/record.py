"""The file of a finished cell: what is in it, and how one tells that it is whole.

A file is one JSON object: the cell (``schema``, ``kind``, ``config``), its ``result``, the ``seconds`` it took, the
``versions`` it was made with, the ``format`` of the file and, last, a ``checksum``. The schema says what a result means
and is part of the cell's id; the format says how the file is written. Since format 2, and in all that may follow, the
checksum covers every byte before it: a file can be told to be whole, and of a later version, without being understood.
Files of format 1 name none; their checksum covers the canonical JSON of the cell and its result.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from lrtheory.runs.cell import SCHEMA, canonical, describe

FORMAT = 2
"""The format of the files that are written; files of format 1 are read too."""

LONGEST = 1e12
"""The largest number of seconds that a cell may have taken: a larger one is damage."""

_CELL = ("schema", "kind", "config")
_LAST = b', "checksum": "'


class DamagedError(ValueError):
    """A file is not what was written; the message is the end of a sentence that begins with its name."""


class NewerError(RuntimeError):
    """A file is whole, but written by a later version; the message is the end of a sentence, as above."""


@dataclass(frozen=True)
class Record:
    """The contents of a file.

    Args:
        id: The id of the cell, made from the three fields that follow.
        schema: The version of what the result means.
        kind: The name of the cell's class.
        config: The cell's values.
        result: The result that was computed.
        seconds: The seconds that the computation took, by the clock of its machine.
        versions: The versions of the packages that it was made with.

    Raises:
        TypeError: a field has another type: a checksum tells that a file is whole, not who wrote it.
        ValueError: ``kind`` or a version could not be shown in a terminal, or ``seconds`` is out of range.
    """

    id: str
    schema: int
    kind: str
    config: dict[str, Any]
    result: dict[str, Any]
    seconds: float
    versions: dict[str, str]

    def __post_init__(self) -> None:
        kinds = {"schema": int, "kind": str, "config": dict, "result": dict, "seconds": int | float, "versions": dict}
        for name, kind in kinds.items():
            if isinstance(value := getattr(self, name), bool) or not isinstance(value, kind):
                raise TypeError(name)
        if not self.kind.isidentifier() or not abs(self.seconds) < LONGEST:  # NaN is refused too; clocks may jump back
            raise ValueError("kind or seconds")
        if not all(text.isprintable() for text in (*self.versions, *self.versions.values())):
            raise ValueError("versions")


def encode(cell: Any, result: dict[str, Any], *, seconds: float, versions: dict[str, str]) -> bytes:
    """The file of a cell.

    Raises:
        TypeError: the cell or its result is not of plain values.
        ValueError: a number in it is not finite.
    """
    described = describe(cell)
    canonical({**described, "result": result})  # refuses what is not finite
    record = {**described, "result": result, "seconds": round(seconds, 4), "versions": versions, "format": FORMAT}
    covered = json.dumps(record)[:-1].encode()
    return covered + _LAST + _sha256(covered) + b'"}'


def decode(text: bytes) -> Record:
    """The contents of a file.

    Raises:
        DamagedError: it was cut short or changed, or is not a file of this program.
        NewerError: this version does not know its format or its schema.

    Example:
        >>> decode(b'{"schema": 1, "kind": "Toss"')
        Traceback (most recent call last):
        ...
        lrtheory.runs.record.DamagedError: is not a result of this program, or was cut short
    """
    covered, _, checksum = text.rpartition(_LAST)
    try:
        found = json.loads(text)
        cell = {name: found[name] for name in _CELL}
        if "format" not in found:
            whole = found["checksum"].encode() == _sha256(canonical({**cell, "result": found["result"]}))
        else:
            whole = checksum == _sha256(covered) + b'"}'
        if not whole:
            raise DamagedError("does not match its checksum")
        number, schema = found.get("format", 1), found["schema"]
        canonical(found["result"])  # refuses what is not finite
        if number > FORMAT or schema > SCHEMA:
            written = f"format {number}, schema {schema}; this version reads up to {FORMAT} and {SCHEMA}"
            raise NewerError(f"was written by a later lrtheory ({written})")
        name = _sha256(canonical(cell)).decode()
        return Record(name, **cell, result=found["result"], seconds=found["seconds"], versions=found["versions"])
    except DamagedError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise DamagedError("is not a result of this program, or was cut short") from None


def _sha256(text: bytes) -> bytes:
    return hashlib.sha256(text).hexdigest().encode()
