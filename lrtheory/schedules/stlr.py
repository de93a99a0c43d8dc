from lrtheory.schedules.schedule import Schedule, checked_fraction, exact, is_number, shown


def STLR(cut: float = 0.1, ratio: float = 32) -> Schedule:
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

    Reference:
        Howard and Ruder, arXiv 1801.06146, eq. (3).
    """
    checked_fraction("cut", cut)
    if not (is_number(ratio) and 1 < ratio < float("inf")):
        raise ValueError(f"ratio must be a finite number above 1, not {ratio!r}.")
    c, r = exact(cut), exact(ratio)
    position = f"Piecewise((u/({c}), u < {c}), ((1 - u)/(1 - {c}), True))"
    return Schedule(f"STLR({shown(cut)}, {shown(ratio)})", f"(1 + {position}*({r} - 1))/({r})")
