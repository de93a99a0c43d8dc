from lrtheory.schedules.schedule import Schedule, checked_fraction, exact, is_number, shown


def OneCycle(peak: float = 0.3, initial: float = 0.04, final: float = 4e-6) -> Schedule:
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

    Reference:
        Smith and Topin, arXiv 1708.07120.
    """
    checked_fraction("peak", peak)
    if not (is_number(initial) and 0 < initial <= 1):
        raise ValueError(f"initial must lie in (0, 1], not {initial!r}.")
    if not (is_number(final) and 0 <= final < 1):
        raise ValueError(f"final must lie in [0, 1), not {final!r}.")
    c, i, f = exact(peak), exact(initial), exact(final)
    rise = f"(1 + {i} - (1 - {i})*cos(pi*u/({c})))/2"
    fall = f"(1 + {f} + (1 - {f})*cos(pi*(u - {c})/(1 - {c})))/2"
    return Schedule(
        f"OneCycle({shown(peak)}, {shown(initial)}, {shown(final)})", f"Piecewise(({rise}, u < {c}), ({fall}, True))"
    )
