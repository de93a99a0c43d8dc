from dataclasses import dataclass
from fractions import Fraction

from lrtheory.checks import checked_fraction, exact, is_number, plain
from lrtheory.schedules.schedule import Schedule


@dataclass(frozen=True, repr=False)
class OneCycle(Schedule):
    r"""Half a cosine up to the base rate, then half a cosine down to almost nothing.

    .. math:: h(u) = \tfrac{1+i}2 - \tfrac{1-i}2\cos\tfrac{\pi u}{c}\ \text{ for } u < c, \qquad
        h(u) = \tfrac{1+f}2 + \tfrac{1-f}2\cos\tfrac{\pi(u-c)}{1-c}\ \text{ after.}

    Args:
        peak: The part :math:`c` of the run at which the base rate is reached, in (0, 1).
        initial: First rate over the base rate, in (0, 1].
        final: Last rate over the base rate, in [0, 1). The defaults are torch's (1/25 and 1/250,000); with 0 the
            schedule anneals (degree 2).

    Raises:
        ValueError: a value is outside its range.

    Example:
        >>> OneCycle(peak=0.5, initial=0.5, final=0.0).steps(4).round(3)
        array([0.5 , 0.75, 1.  , 0.5 ])

    Source:
        Smith and Topin, arXiv 1708.07120.
    """

    peak: float | Fraction = 0.3
    initial: float | Fraction = 0.04
    final: float | Fraction = 4e-6

    def __post_init__(self) -> None:
        peak = checked_fraction("peak", self.peak)
        if not (is_number(self.initial) and 0 < self.initial <= 1):
            raise ValueError(f"initial must lie in (0, 1], not {self.initial!r}.")
        if not (is_number(self.final) and 0 <= self.final < 1):
            raise ValueError(f"final must lie in [0, 1), not {self.final!r}.")
        self._set(peak=peak, initial=plain(self.initial), final=plain(self.final))

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        c, i, f = exact(self.peak), exact(self.initial), exact(self.final)
        rise = f"(1 + {i} - (1 - {i})*cos(pi*u/({c})))/2"
        fall = f"(1 + {f} + (1 - {f})*cos(pi*(u - {c})/(1 - {c})))/2"
        return f"Piecewise(({rise}, u < {c}), ({fall}, True))"
