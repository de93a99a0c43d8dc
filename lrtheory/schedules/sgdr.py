from dataclasses import dataclass, field
from fractions import Fraction

from lrtheory.checks import checked_floor, checked_whole
from lrtheory.schedules.schedule import Schedule, raised_to

MOST_CYCLES = 100
SHORTEST = 1e-12
"""The shortest first cycle, as a part of the run."""


@dataclass(frozen=True, repr=False)
class SGDR(Schedule):
    r"""Cosine decay with warm restarts, the cycles filling the run exactly.

    Cycle :math:`i = 0,\dots,n-1` has a length proportional to :math:`m^i` and is half a cosine from the base
    rate to its floor. The last cycle ends the run, so without a floor the degree is 2.

    Args:
        cycles: Number :math:`n` of cycles, from 1 to 100.
        multiplier: Each cycle is :math:`m \ge 1` times as long as the one before.
        floor: The lowest rate over the base rate, in [0, 1).

    Raises:
        ValueError: ``cycles`` or ``multiplier`` is not a whole number of at least 1, there are more than 100 cycles or the first
            is shorter than 1e-12 of the run, or ``floor`` is outside its range.

    Example:
        >>> SGDR(cycles=2, multiplier=3).steps(8).round(3)
        array([1.   , 0.5  , 1.   , 0.933, 0.75 , 0.5  , 0.25 , 0.067])

    Source:
        Loshchilov and Hutter, arXiv 1608.03983.
    """

    cycles: int = 3
    multiplier: int = 2
    floor: float | Fraction = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        self._set(
            cycles=checked_whole("cycles", self.cycles),
            multiplier=checked_whole("multiplier", self.multiplier),
            floor=checked_floor(self.floor),
        )
        if self.cycles > MOST_CYCLES:
            raise ValueError(f"cycles must be at most {MOST_CYCLES}, not {self.cycles}.")
        if Fraction(1, sum(self._lengths())) < SHORTEST:
            raise ValueError(
                f"multiplier {self.multiplier} is too large: the first cycle must not be shorter than {SHORTEST:g} of the run."
            )

    def _lengths(self) -> list[int]:
        return [self.multiplier**cycle for cycle in range(self.cycles)]

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        lengths = self._lengths()
        pieces = []
        for cycle, length in enumerate(lengths):
            start = Fraction(sum(lengths[:cycle]), sum(lengths))
            part = Fraction(length, sum(lengths))
            condition = "True" if cycle == self.cycles - 1 else f"u < {start + part}"
            pieces.append(f"({raised_to(self.floor, f'(1 + cos(pi*(u - {start})/({part})))/2')}, {condition})")
        return f"Piecewise({', '.join(pieces)})"
