from dataclasses import dataclass
from fractions import Fraction

from lrtheory.checks import LARGEST, checked_fraction, exact, is_number, plain
from lrtheory.schedules.schedule import Schedule


@dataclass(frozen=True, repr=False)
class STLR(Schedule):
    r"""The slanted triangular learning rate of ULMFiT: a short linear rise, a long linear fall.

    .. math:: h(u) = \frac{1 + q\,(r-1)}{r}, \qquad q = u/c \ \text{ for } u < c, \quad
        q = \frac{1-u}{1-c} \ \text{ after.}

    It ends at ``1/ratio`` of the base rate: degree 0.

    Args:
        cut: The part :math:`c` of the run that rises, in (0, 1).
        ratio: Base rate over the lowest rate, above 1.

    Raises:
        ValueError: a value is outside its range.

    Example:
        >>> STLR(cut=0.5, ratio=2).steps(4)
        array([0.5 , 0.75, 1.  , 0.75])

    Source:
        Howard and Ruder, arXiv 1801.06146, eq. (3).
    """

    cut: float | Fraction = 0.1
    ratio: float | Fraction = 32

    def __post_init__(self) -> None:
        cut = checked_fraction("cut", self.cut)
        if not (is_number(self.ratio) and 1 < self.ratio <= LARGEST):
            raise ValueError(f"ratio must be a number above 1 and at most {LARGEST:g}, not {self.ratio!r}.")
        self._set(cut=cut, ratio=plain(self.ratio))

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        c, r = exact(self.cut), exact(self.ratio)
        position = f"Piecewise((u/({c}), u < {c}), ((1 - u)/(1 - {c}), True))"
        return f"(1 + {position}*({r} - 1))/({r})"
