from dataclasses import dataclass, field
from fractions import Fraction

from lrtheory.checks import checked_floor
from lrtheory.schedules.schedule import Schedule, raised_to


@dataclass(frozen=True, repr=False)
class Cosine(Schedule):
    r"""Half a cosine, from the base rate to its floor: :math:`h(u) = f + (1-f)(1+\cos\pi u)/2`.

    Without a floor it is :math:`\pi^2(1-u)^2/4` near the end: degree 2.

    Args:
        floor: The lowest rate over the base rate, :math:`f`, in [0, 1).

    Raises:
        ValueError: ``floor`` is outside [0, 1).

    Example:
        >>> Cosine().steps(2), Cosine(floor=0.1)(1.0)
        (array([1. , 0.5]), 0.1)

    Source:
        Loshchilov and Hutter, arXiv 1608.03983.
    """

    floor: float | Fraction = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        self._set(floor=checked_floor(self.floor))

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        return raised_to(self.floor, "(1 + cos(pi*u))/2")
