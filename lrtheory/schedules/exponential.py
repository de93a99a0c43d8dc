from dataclasses import dataclass
from fractions import Fraction

from lrtheory.checks import checked_fraction, exact
from lrtheory.schedules.schedule import Schedule


@dataclass(frozen=True, repr=False)
class Exponential(Schedule):
    r"""Geometric decay from the base rate to ``final`` times it: :math:`h(u) = \mathrm{final}^u`.

    It never reaches zero, so in the limit of long runs and large ``rho`` it forgives no more than a constant.

    Args:
        final: The last rate over the base rate, strictly between 0 and 1.

    Raises:
        ValueError: ``final`` is outside (0, 1).

    Example:
        >>> Exponential(0.25).steps(2)
        array([1. , 0.5])
    """

    final: float | Fraction = 0.01

    def __post_init__(self) -> None:
        self._set(final=checked_fraction("final", self.final))

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        return f"({exact(self.final)})**u"
