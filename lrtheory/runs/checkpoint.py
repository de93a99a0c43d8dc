"""Checkpoints of cells that take long: a killed run goes on from the last one.

A checkpoint is the SHA-256 of what follows it, a line feed, and what ``torch.save`` wrote: the cell, the versions it was
made with, and the state. It is read with ``weights_only``, so that nothing in it is executed, and it counts for the same
cell and the same versions only: one that does not is left aside and the cell starts again.
"""

import hashlib
import io
import sys
from pathlib import Path
from typing import Any

from lrtheory.runs.cell import canonical, describe
from lrtheory.runs.record import DamagedError
from lrtheory.runs.store import read_regular, set_aside, versions, whole_file


def save(path: Path, cell: Any, state: dict[str, Any]) -> None:
    """Write a state of plain values and tensors, all at once, in the place of the one before."""
    import torch

    buffer = io.BytesIO()
    torch.save({"cell": canonical(describe(cell)).decode(), "versions": versions(), "state": state}, buffer)
    text = buffer.getvalue()
    with whole_file(path) as temporary:
        temporary.write_bytes(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)


def load(path: Path, cell: Any) -> dict[str, Any] | None:
    """The state to go on from, on the CPU; None where there is none that can be trusted, which is said."""
    try:
        kept = _read(body(path))
    except FileNotFoundError:
        return None
    except (DamagedError, OSError) as error:
        fault = str(error) if isinstance(error, DamagedError) else f"cannot be read ({error.strerror})"
    else:
        if kept["cell"] == canonical(describe(cell)).decode() and kept["versions"] == versions():
            return kept["state"]
        fault = "was made for another cell or with other versions"
    refuse(path, fault)
    return None


def refuse(path: Path, fault: str) -> None:
    """Set a checkpoint aside and say so; the fault is the middle of a sentence that begins with its name."""
    print(f"lrtheory: {path.name} {fault}; it {set_aside(path)[1]} and the cell starts again.", file=sys.stderr)


def _read(text: bytes) -> dict[str, Any]:
    import torch

    try:
        kept = torch.load(io.BytesIO(text), map_location="cpu", weights_only=True)
    except Exception as error:  # whatever the reader raises over what torch.save did not write
        raise DamagedError(f"holds what no checkpoint holds ({type(error).__name__})") from None
    if not isinstance(kept, dict) or set(kept) != {"cell", "versions", "state"} or not isinstance(kept["state"], dict):
        raise DamagedError("holds what no checkpoint holds")
    return kept


def body(path: Path) -> bytes:
    """What the checksum of a checkpoint covers.

    Raises:
        DamagedError: it does not match, or the file is a pipe or a device.
        OSError: the file cannot be read.
    """
    checksum, _, rest = read_regular(path).partition(b"\n")
    if checksum != hashlib.sha256(rest).hexdigest().encode():
        raise DamagedError("is not a checkpoint of this program, or was cut short or changed")
    return rest
