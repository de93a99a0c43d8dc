from lrtheory.schedules.schedule import Schedule, checked_fraction, checked_schedule, exact, shown, substitute


def then(first: Schedule, second: Schedule, at: float) -> Schedule:
    r"""One schedule over the first part of the run, another over the rest of it.

    .. math:: h(u) = h_1(u/a) \ \text{ for } u < a, \qquad h_2\Big(\frac{u-a}{1-a}\Big)\ \text{ after.}

    Each keeps its own scale: nothing is made continuous.

    Args:
        first: The schedule of the steps before ``at``.
        second: The schedule of the steps from ``at`` on.
        at: The part :math:`a` of the run after which the second begins, in (0, 1).

    Raises:
        TypeError: ``first`` or ``second`` is no schedule.
        ValueError: ``at`` is outside (0, 1).

    Example:
        >>> from lrtheory import Constant, Polynomial
        >>> then(Constant(), Polynomial(1), at=0.5).steps(4)
        array([1. , 1. , 1. , 0.5])
    """
    checked_schedule("first", first)
    checked_schedule("second", second)
    checked_fraction("at", at)
    a = exact(at)
    before = substitute(first.formula, f"u/({a})", "t", f"T*({a})")
    after = substitute(second.formula, f"(u - {a})/(1 - {a})", f"t - T*({a})", f"T*(1 - {a})")
    return Schedule(
        f"then({first.name}, {second.name}, {shown(at)})", f"Piecewise(({before}, u < {a}), ({after}, True))"
    )
