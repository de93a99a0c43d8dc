from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from lrtheory.checks import checked_fraction, exact
from lrtheory.schedules.schedule import Schedule


@dataclass(frozen=True, repr=False)
class StepDecay(Schedule):
    r"""A rate that drops by a factor at each milestone: :math:`h(u) = f^{k}` after :math:`k` milestones.

    It ends above zero: degree 0.

    Args:
        milestones: The parts of the run after which the rate drops, rising, in (0, 1).
        factor: :math:`f`, what the rate is multiplied by at each, in (0, 1).

    Raises:
        ValueError: there is no milestone, they do not rise, or a value is outside (0, 1).

    Example:
        >>> StepDecay((0.5, 0.75), 0.1).steps(4)
        array([1.  , 1.  , 0.1 , 0.01])

    Source:
        The schedule of He et al., arXiv 1512.03385, section 4.
    """

    milestones: tuple[float | Fraction, ...] = (0.5, 0.75)
    factor: float | Fraction = 0.1

    def __post_init__(self) -> None:
        try:
            milestones = tuple(checked_fraction("a milestone", each) for each in self.milestones)
        except TypeError:
            raise ValueError(
                f"milestones must be parts of the run such as (0.5, 0.75), not {self.milestones!r}."
            ) from None
        if not milestones or any(later <= sooner for sooner, later in pairwise(milestones)):
            raise ValueError(
                f"milestones must be parts of the run that rise, such as (0.5, 0.75), not {self.milestones!r}."
            )
        self._set(milestones=milestones, factor=checked_fraction("factor", self.factor))

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        factor = Fraction(exact(self.factor))
        pieces = [f"({factor**k}, u < {exact(part)})" for k, part in enumerate(self.milestones)]
        return f"Piecewise({', '.join(pieces)}, ({factor ** len(self.milestones)}, True))"
