from lrtheory.schedules.schedule import Schedule, checked_fraction, checked_schedule, exact, shown, substitute


def warmup(schedule: Schedule, fraction: float) -> Schedule:
    r"""A linear rise over the first part of the run, then the schedule over the rest of it.

    .. math:: \min\Big(1, \frac{u + 1/T}{w}\Big) \ \text{ for } u < w, \qquad h\Big(\frac{u-w}{1-w}\Big)\ \text{ after,}

    so step :math:`t` of a warm-up of :math:`W = wT` steps has the rate :math:`t/W`: the first is not wasted and
    the last has the full rate.

    Args:
        schedule: What follows.
        fraction: The part :math:`w` of the run that warms up, in (0, 1).

    Raises:
        TypeError: ``schedule`` is no schedule.
        ValueError: ``fraction`` is outside (0, 1).

    Example:
        >>> from lrtheory import Polynomial
        >>> warmup(Polynomial(1), 0.5).steps(4)
        array([0.5, 1. , 1. , 0.5])
    """
    checked_schedule("schedule", schedule)
    checked_fraction("fraction", fraction)
    w = exact(fraction)
    rest = substitute(schedule.formula, f"(u - {w})/(1 - {w})", f"t - T*{w}", f"T*(1 - {w})")
    return Schedule(
        f"warmup({schedule.name}, {shown(fraction)})", f"Piecewise((Min(1, t/(T*{w})), u < {w}), ({rest}, True))"
    )
