from dataclasses import dataclass

from lrtheory.schedules.schedule import Schedule


@dataclass(frozen=True, repr=False)
class InverseSqrt(Schedule):
    r"""A learning rate that falls with the square root of the step: :math:`\eta_t = \mathrm{lr}/\sqrt t`.

    .. math:: h(u) = \frac1{\sqrt{1 + Tu}}, \qquad t = 1 + Tu.

    It needs no horizon, does not anneal (degree 0), and loses a factor proportional to ``rho`` like a constant
    rate.

    Example:
        >>> InverseSqrt().steps(4)[[0, 3]]
        array([1. , 0.5])
    """

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        return "1/sqrt(t)"
