from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, TypeAlias

from lrtheory.checks import checked_floor, checked_fraction, exact
from lrtheory.schedules.schedule import Schedule, raised_to

CooldownShape: TypeAlias = Literal["linear", "1-sqrt", "cosine", "1-square"]


@dataclass(frozen=True, repr=False)
class WSD(Schedule):
    r"""Constant, then a cooldown over the last part of the run (warm-up, stable, decay).

    With :math:`c` the cooldown and :math:`v = (u-1+c)/c` the part of it that is over, :math:`h(u) = 1` for
    :math:`u < 1-c` and :math:`h(u) = f + (1-f)g(v)` after, where

    ==============  =========================  ======
    shape           :math:`g(v)`               degree
    ==============  =========================  ======
    ``"linear"``    :math:`1 - v`              1
    ``"1-sqrt"``    :math:`1 - \sqrt v`        1
    ``"cosine"``    :math:`(1 + \cos\pi v)/2`  2
    ``"1-square"``  :math:`1 - v^2`            1
    ==============  =========================  ======

    A warm-up is added by :class:`Warmup`, any other cooldown by :class:`Then`.

    Args:
        cooldown: The part of the run that cools down, strictly between 0 and 1.
        shape: One of the shapes above.
        floor: The lowest rate over the base rate, :math:`f`, in [0, 1).

    Raises:
        ValueError: ``cooldown`` or ``floor`` is outside its range, or there is no such shape.

    Example:
        >>> WSD(0.5).steps(4)
        array([1. , 1. , 1. , 0.5])

    Source:
        Hu et al., arXiv 2404.06395; the other shapes Hägele et al., arXiv 2405.18392.
    """

    cooldown: float | Fraction = 0.2
    shape: CooldownShape = "linear"
    floor: float | Fraction = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        self._set(cooldown=checked_fraction("cooldown", self.cooldown), floor=checked_floor(self.floor))
        if self.shape not in (shapes := CooldownShape.__args__):
            raise ValueError(f"shape must be one of {', '.join(map(repr, shapes))}, not {self.shape!r}.")

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        part = exact(self.cooldown)
        over = f"(u - 1 + {part})/({part})"
        cooldown = {
            "linear": f"(1 - u)/({part})",
            "1-sqrt": f"1 - sqrt({over})",
            "cosine": f"(1 + cos(pi*({over})))/2",
            "1-square": f"1 - ({over})**2",
        }[self.shape]
        return f"Piecewise((1, u < 1 - {part}), ({raised_to(self.floor, cooldown)}, True))"
