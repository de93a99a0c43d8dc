import contextlib
import errno
import os
import platform
import secrets
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lrtheory.runs.cell import cell_id
from lrtheory.runs.record import DamagedError, NewerError, Record, decode, encode

LARGEST = 2**26
"""Bytes of the largest file that is read as a cell."""

_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)
"""What a file system answers that cannot make a file durable on demand; all other errors of ``fsync`` are failures."""


class StoreError(RuntimeError):
    """A store cannot be used as it is; the message says which file is in the way and what to do."""


@dataclass(frozen=True)
class Store:
    """A folder with one JSON file for each finished cell; folders merge by copying.

    A file is written under a temporary name and renamed, so it is there whole or not at all. It carries a checksum.
    What does not check is reported, set aside under another name and computed again: never trusted, never deleted.
    Any number of processes may read and write one folder: the last to finish a cell writes what the first wrote.

    Args:
        folder: The folder of the files, which is made on the first write.
        asked: The ids of the cells that :func:`lrtheory.runs.executor` was asked for with this store, as keys.

    Example:
        >>> import tempfile
        >>> from dataclasses import dataclass
        >>> @dataclass(frozen=True)
        ... class Toss:
        ...     seed: int
        >>> store = Store(Path(tempfile.mkdtemp()))
        >>> store.save(Toss(1), {"heads": 3}, seconds=0.1)
        >>> store.load(Toss(1)), store.load(Toss(2))
        ({'heads': 3}, None)
    """

    folder: Path
    asked: dict[str, None] = field(default_factory=dict, compare=False, repr=False)

    def path(self, cell: Any) -> Path:
        """The file of a cell, whether it is there or not."""
        return self.folder / f"{cell_id(cell)}.json"

    def checkpoint(self, cell: Any) -> Path:
        """Where a cell that takes long may keep how far it is; removed when its result is saved."""
        return self.folder / "checkpoints" / f"{cell_id(cell)}.checkpoint"

    def load(self, cell: Any) -> dict[str, Any] | None:
        """The result of a cell, or None where there is none that can be trusted.

        Raises:
            StoreError: its file was written by a later version.
        """
        path = self.path(cell)
        try:
            return read(path).result
        except FileNotFoundError:
            return None
        except NewerError as error:
            raise StoreError(f"{path} {error}: update lrtheory, or use another folder.") from None
        except (DamagedError, OSError) as error:
            fault = str(error) if isinstance(error, DamagedError) else f"cannot be read ({_reason(error)})"
        aside, became = set_aside(path)
        if aside is not None and (good := self._put_back(aside, path)) is not None:
            return good.result
        print(f"lrtheory: {path.name} {fault}; it {became} and is computed again.", file=sys.stderr)
        return None

    def _put_back(self, aside: Path, path: Path) -> Record | None:
        """What was set aside, where it is whole after all: another process wrote it after it was found damaged."""
        try:
            record = read(aside, path.stem)
            os.replace(aside, path)
        except (DamagedError, NewerError, OSError):
            return None
        return record

    def save(
        self, cell: Any, result: dict[str, Any], *, seconds: float, made_with: dict[str, str] | None = None
    ) -> None:
        """Write the result of a cell, all at once.

        Args:
            cell: The cell that was computed.
            result: Plain values, all numbers finite.
            seconds: The seconds that the computation took.
            made_with: Versions of the packages; those here by default.

        Raises:
            TypeError: the cell or its result is not of plain values.
            ValueError: a number in it is not finite.
            OSError: the folder is full or cannot be written to; nothing is changed then.
        """
        text = encode(cell, result, seconds=seconds, versions=versions() if made_with is None else made_with)
        with whole_file(self.path(cell)) as temporary:
            temporary.write_bytes(text)
        with contextlib.suppress(OSError):  # at worst it stays
            self.checkpoint(cell).unlink()

    def records(self) -> Iterator[tuple[str, Record | str]]:
        """Every finished cell by the name of its file, in the order of names: what it says, or what is wrong with it."""
        return ((name, self.record(name)) for name in self._names())

    def record(self, name: str) -> Record | str:
        """What the file of a name says, or what is wrong with it."""
        try:
            return read(self.folder / name)
        except (DamagedError, NewerError) as error:
            return str(error)
        except OSError as error:
            return f"cannot be read ({_reason(error)})"

    def _names(self) -> list[str]:
        with os.scandir(self.folder) as entries:  # hidden files are writes under way, or what a killed one left
            return sorted(entry.name for entry in entries if entry.name.endswith(".json") and entry.name[0] != ".")


def read(path: Path, name: str | None = None) -> Record:
    """The record of a file of a store, which must be the cell that its name says.

    Args:
        path: The file.
        name: The id that its cell must have; the stem of the path by default.

    Raises:
        DamagedError: it is not.
        NewerError: it was written by a later version.
        OSError: it cannot be read.
    """
    record = decode(read_regular(path, LARGEST))
    if record.id != (name or path.stem):
        raise DamagedError("holds another cell")
    return record


def read_regular(path: Path, largest: int | None = None) -> bytes:
    """The bytes of a regular file; a pipe or a device, which might never end, is not opened for reading.

    Raises:
        DamagedError: it is another kind of file, or has more than ``largest`` bytes.
        OSError: it cannot be read.
    """
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)  # a pipe would wait for a writer
    with open(path, "rb", opener=lambda name, _: os.open(name, flags)) as file:
        found = os.fstat(file.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise DamagedError("is no regular file")
        if largest is not None and found.st_size > largest:
            raise DamagedError(f"is larger than {largest} bytes")
        return file.read()


def set_aside(path: Path) -> tuple[Path | None, str]:
    """Rename a file that cannot be trusted: where it is now, if it was moved, and that as the middle of a sentence."""
    number = 1
    while os.path.lexists(aside := path.with_suffix(f".damaged-{number}")):
        number += 1
    try:
        os.replace(path, aside)
    except FileNotFoundError:
        return None, "was set aside by another process"
    except OSError:
        return None, "stays where it is"
    return aside, f"is kept as {aside.name}"


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem[:12]}-{secrets.token_hex(8)}{path.suffix}")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield temporary
        with temporary.open("r+b") as written:  # Windows makes only what is open for writing durable
            _make_durable(written.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _make_durable(file: int) -> None:
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """What a result was made with."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("lrtheory", "numpy", "scipy", "numba", "torch", "PEPit", "optuna"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
