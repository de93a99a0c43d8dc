from fractions import Fraction

from lrtheory.schedules.schedule import Schedule, is_whole


def SGDR(cycles: int = 3, multiplier: int = 2) -> Schedule:
    r"""Cosine decay with warm restarts, the cycles filling the run exactly.

    Cycle :math:`i = 0,\dots,n-1` has a length proportional to :math:`m^i` and is half a cosine from the base
    rate to zero. The last cycle ends the run, so the degree is 2.

    Args:
        cycles: Number :math:`n \ge 1` of cycles.
        multiplier: Each cycle is :math:`m \ge 1` times as long as the one before.

    Raises:
        ValueError: ``cycles`` or ``multiplier`` is not a whole number of at least 1.

    Example:
        >>> SGDR(cycles=2, multiplier=3).steps(8).round(3)
        array([1.   , 0.5  , 1.   , 0.933, 0.75 , 0.5  , 0.25 , 0.067])

    Reference:
        Loshchilov and Hutter, arXiv 1608.03983.
    """
    for name, value in (("cycles", cycles), ("multiplier", multiplier)):
        if not (is_whole(value) and value >= 1):
            raise ValueError(f"{name} must be a whole number of at least 1, not {value!r}.")
    cycles, multiplier = int(cycles), int(multiplier)
    lengths = [multiplier**cycle for cycle in range(cycles)]
    pieces = []
    for cycle, length in enumerate(lengths):
        start = Fraction(sum(lengths[:cycle]), sum(lengths))
        part = Fraction(length, sum(lengths))
        condition = "True" if cycle == cycles - 1 else f"u < {start + part}"
        pieces.append(f"((1 + cos(pi*(u - {start})/({part})))/2, {condition})")
    return Schedule(f"SGDR({cycles}, {multiplier})", f"Piecewise({', '.join(pieces)})")
