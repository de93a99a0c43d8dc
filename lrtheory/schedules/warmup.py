from dataclasses import dataclass
from fractions import Fraction

from lrtheory.checks import checked_fraction, checked_whole, exact
from lrtheory.schedules.schedule import Schedule, checked_schedule, substitute


@dataclass(frozen=True, repr=False)
class Warmup(Schedule):
    r"""A linear rise over the first part of the run, then the schedule over the rest of it.

    .. math:: \min\Big(1, \frac{u + 1/T}{w}\Big) \ \text{ for } u < w, \qquad h\Big(\frac{u-w}{1-w}\Big)\ \text{ after,}

    so step :math:`t` of a warm-up of :math:`W = wT` steps has the rate :math:`t/W`: the first is not wasted and
    the last has the full rate. The schedule fills what is left of the run: the cooldown of ``Warmup(WSD(0.2), 0.05)`` is a
    fifth of the 95 % that follow the warm-up.

    Args:
        schedule: The schedule that follows.
        fraction: The part :math:`w` of the run that warms up, in (0, 1).
        warmup_steps: In the place of ``fraction``, the number of steps :math:`W` that warm up, whatever the horizon.

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: ``fraction`` is outside (0, 1), ``warmup_steps`` is no whole number of at least 1, or not exactly one of the
            two is given.

    Example:
        >>> from lrtheory import Constant, Polynomial
        >>> Warmup(Polynomial(1), 0.5).steps(4)
        array([0.5, 1. , 1. , 0.5])
        >>> Warmup(Constant(), warmup_steps=2).steps(4)
        array([0.5, 1. , 1. , 1. ])
    """

    schedule: Schedule
    fraction: float | Fraction | None = None
    warmup_steps: int | None = None

    def __post_init__(self) -> None:
        checked_schedule("schedule", self.schedule)
        if (self.fraction is None) == (self.warmup_steps is None):
            raise ValueError("give either the fraction of the run that warms up or the warmup_steps.")
        if self.fraction is not None:
            self._set(fraction=checked_fraction("fraction", self.fraction))
        else:
            self._set(warmup_steps=checked_whole("warmup_steps", self.warmup_steps))

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        if self.fraction is None:
            steps = self.warmup_steps
            w, ramp = f"({steps}/T)", f"t/{steps}"
            rest = substitute(self.schedule.formula, f"(u - {w})/(1 - {w})", f"t - {steps}", f"T - {steps}")
        else:
            w = exact(self.fraction)
            ramp = f"(u + 1/T)/({w})"
            rest = substitute(self.schedule.formula, f"(u - {w})/(1 - {w})", f"t - T*{w}", f"T*(1 - {w})")
        return f"Piecewise((Min(1, {ramp}), u < {w}), ({rest}, True))"
