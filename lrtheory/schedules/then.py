from dataclasses import dataclass
from fractions import Fraction

from lrtheory.checks import checked_fraction, checked_whole, exact
from lrtheory.schedules.schedule import Schedule, checked_schedule, substitute


@dataclass(frozen=True, repr=False)
class Then(Schedule):
    r"""One schedule over the first part of the run, another over the rest of it.

    .. math:: h(u) = h_1(u/a) \ \text{ for } u < a, \qquad h_2\Big(\frac{u-a}{1-a}\Big)\ \text{ after.}

    Each keeps its own scale: nothing is made continuous.

    Args:
        first: The schedule that begins.
        second: The schedule that follows.
        fraction: The part :math:`a` of the run that belongs to the first, in (0, 1).
        first_steps: In the place of ``fraction``, the number of steps of the first, whatever the horizon.

    Raises:
        TypeError: ``first`` or ``second`` is no schedule.
        ValueError: ``fraction`` is outside (0, 1), ``first_steps`` is no whole number of at least 1, or not exactly one of the
            two is given.

    Example:
        >>> from lrtheory import Constant, Polynomial
        >>> Then(Constant(), Polynomial(1), 0.5).steps(4)
        array([1. , 1. , 1. , 0.5])
        >>> Then(Constant(), Polynomial(1), first_steps=1).steps(3)
        array([1. , 1. , 0.5])
    """

    first: Schedule
    second: Schedule
    fraction: float | Fraction | None = None
    first_steps: int | None = None

    def __post_init__(self) -> None:
        checked_schedule("first", self.first)
        checked_schedule("second", self.second)
        if (self.fraction is None) == (self.first_steps is None):
            raise ValueError("give either the fraction of the run that the first schedule has or its first_steps.")
        if self.fraction is not None:
            self._set(fraction=checked_fraction("fraction", self.fraction))
        else:
            self._set(first_steps=checked_whole("first_steps", self.first_steps))

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        if self.fraction is None:
            a, steps, rest = f"({self.first_steps}/T)", f"{self.first_steps}", f"T - {self.first_steps}"
        else:
            a = exact(self.fraction)
            steps, rest = f"T*({a})", f"T*(1 - {a})"
        before = substitute(self.first.formula, f"u/({a})", "t", steps)
        after = substitute(self.second.formula, f"(u - {a})/(1 - {a})", f"t - {steps}", rest)
        return f"Piecewise(({before}, u < {a}), ({after}, True))"
