from dataclasses import dataclass

from lrtheory.schedules.schedule import Schedule


@dataclass(frozen=True, repr=False)
class Constant(Schedule):
    """A learning rate that stays as it is: :math:`h(u) = 1`.

    Its last iterate loses a factor proportional to ``rho`` when the rate is ``rho`` times too large.

    Example:
        >>> Constant().steps(3, lr=0.1)
        array([0.1, 0.1, 0.1])
    """

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        return "1"
