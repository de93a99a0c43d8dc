from dataclasses import dataclass
from typing import Any, Self, final

from lrtheory.optim.dals import AS_PRINTED, AsCoded
from lrtheory.runs.cell import Value


@final
@dataclass(frozen=True)
class Variant(Value):
    """Switches of a strategy that differ from those of a protocol.

    Args:
        switches: Pairs of the name of a switch and its value.

    Example:
        >>> Variant.of(double_decay=False, bursts=True).text, Variant().text
        ('double_decay=False,bursts=True', '')
    """

    switches: tuple[tuple[str, bool | AsCoded], ...] = ()

    @classmethod
    def of(cls, **switches: bool | AsCoded) -> Self:
        """The variant of some switches, by keyword."""
        return cls(tuple(switches.items()))

    @property
    def text(self) -> str:
        """What tables and ids of cells say."""
        values = ((name, "printed" if value == AS_PRINTED else repr(value)) for name, value in self.switches)
        return ",".join(f"{name}={value}" for name, value in values)

    @property
    def more(self) -> dict[str, Any]:
        """Nothing: the text says it all."""
        return {}

    def __str__(self) -> str:
        return self.text

    def __len__(self) -> int:
        return len(self.switches)
