"""Cells for tests: importable by processes elsewhere."""

import os
import time
from dataclasses import dataclass
from typing import Any

from lrtheory.runs import Cell


@dataclass(frozen=True)
class Square(Cell):
    of: int
    name: str = "x"
    scale: float = 0.1

    def compute(self) -> dict[str, Any]:
        return {"is": self.of**2, "third": self.of / 3}


@dataclass(frozen=True)
class Waiting(Cell):
    """Takes a while, on a GPU if it says so."""

    of: int
    seconds: float = 0.01
    device: str = "cpu"

    def compute(self) -> dict[str, Any]:
        time.sleep(self.seconds)
        return {"is": self.of**2, "third": self.of / 3}


@dataclass(frozen=True)
class Failing(Square):
    """A square that nobody knows for 3."""

    def compute(self) -> dict[str, Any]:
        if self.of == 3:
            raise ArithmeticError("three")
        return super().compute()


@dataclass(frozen=True)
class Deadly(Square):
    """Ends the process that computes it."""

    def compute(self) -> dict[str, Any]:
        os._exit(1)
