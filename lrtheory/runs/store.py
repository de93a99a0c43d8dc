import contextlib
import hashlib
import json
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lrtheory.runs.cell import canonical, cell_id, describe


@dataclass(frozen=True)
class Store:
    """A folder with one JSON file a finished cell; folders merge by copying.

    A file is written under a temporary name and renamed, so it is there whole or not at all. It carries a checksum of
    the cell and its result. What does not check is reported, set aside under another name and computed again: never
    trusted, never deleted.

    Args:
        folder: Where the files are; made on the first write.

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

    def path(self, cell: Any) -> Path:
        """The file of a cell, whether it is there or not."""
        return self.folder / f"{cell_id(cell)}.json"

    def load(self, cell: Any) -> dict[str, Any] | None:
        """The result of a cell, or None where there is none that can be trusted."""
        path = self.path(cell)
        try:
            text = path.read_bytes()
        except FileNotFoundError:
            return None
        fault = _fault(text, cell)
        if fault is None:
            return json.loads(text)["result"]
        aside = _unused(path)
        os.replace(path, aside)
        print(f"lrtheory: {path.name} {fault}; it is kept as {aside.name} and computed again.", file=sys.stderr)
        return None

    def save(self, cell: Any, result: dict[str, Any], *, seconds: float) -> None:
        """Write the result of a cell, all at once."""
        body = {**describe(cell), "result": result}
        record = {**body, "checksum": _checksum(body), "seconds": round(seconds, 4), "versions": versions()}
        with whole_file(self.path(cell)) as temporary:
            temporary.write_text(json.dumps(record, indent=1))


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well, and vanishes otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:12]}-", suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@lru_cache(maxsize=1)
def versions() -> dict[str, str]:
    """What a result was made with."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in ("lrtheory", "numpy", "scipy", "numba", "torch"):
        with contextlib.suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _checksum(body: dict[str, Any]) -> str:
    return hashlib.sha256(canonical(body)).hexdigest()


def _fault(text: bytes, cell: Any) -> str | None:
    """What is wrong with a stored file, or None."""
    try:
        record = json.loads(text)
        body = {key: record[key] for key in ("schema", "kind", "config", "result")}
        if record["checksum"] != _checksum(body):
            return "does not match its checksum"
        if canonical({key: body[key] for key in ("schema", "kind", "config")}) != canonical(describe(cell)):
            return "holds another cell"
    except (ValueError, KeyError, TypeError):
        return "is not a result of this program, or was cut short"
    return None


def _unused(path: Path) -> Path:
    number = 1
    while (aside := path.with_suffix(f".damaged-{number}")).exists():
        number += 1
    return aside


@lru_cache(maxsize=1)
def _umask() -> int:
    mask = os.umask(0)  # the only way to read it is to set it
    os.umask(mask)
    return mask
