from dataclasses import dataclass, field
from fractions import Fraction

from lrtheory.checks import checked_floor, checked_positive, exact, plain
from lrtheory.schedules.schedule import Schedule, raised_to


@dataclass(frozen=True, repr=False)
class Polynomial(Schedule):
    r"""Polynomial decay: :math:`h(u) = f + (1-f)(1-u)^p`. Power 1 is linear decay.

    Without a floor the power is the schedule's :attr:`Schedule.degree`, and a rate that is ``rho`` times too large costs a
    factor :math:`O(\rho^{1/(2p+1)})`.

    Args:
        power: :math:`p > 0`, any real number; a ``Fraction`` or a short decimal is kept exact.
        floor: The lowest rate over the base rate, :math:`f`, in [0, 1).

    Raises:
        ValueError: ``power`` is not positive and finite (power 0 is ``Constant()``), or ``floor`` is outside [0, 1).

    Example:
        >>> Polynomial(2).steps(2)
        array([1.  , 0.25])
        >>> Polynomial(0.5).expr
        sqrt(1 - u)

    Source:
        Attia and Koren, arXiv 2503.09411.
    """

    power: float | Fraction = 1
    floor: float | Fraction = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        checked_positive("power", self.power)
        self._set(power=plain(self.power), floor=checked_floor(self.floor))

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        return raised_to(self.floor, f"(1 - u)**({exact(self.power)})")
