"""Cells for tests, and what is computed for them: importable by processes elsewhere."""

import os
import time
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Square:
    of: int
    name: str = "x"
    scale: float = 0.1


@dataclass(frozen=True)
class Waiting:
    """Takes a while, on a GPU if it says so."""

    of: int
    seconds: float = 0.01
    device: str = "cpu"


def square(cell: Any) -> dict[str, Any]:
    return {"is": cell.of**2, "third": cell.of / 3}


def wait(cell: Waiting) -> dict[str, Any]:
    time.sleep(cell.seconds)
    return square(cell)


def fail_at_three(cell: Square) -> dict[str, Any]:
    if cell.of == 3:
        raise ArithmeticError("three")
    return square(cell)


def die(cell: Square) -> dict[str, Any]:
    os._exit(1)
