from lrtheory.schedules.schedule import Schedule


def Cosine() -> Schedule:
    r"""Half a cosine, from the base rate to zero: :math:`h(u) = (1+\cos\pi u)/2`.

    Near the end it is :math:`\pi^2(1-u)^2/4`: degree 2.

    Example:
        >>> Cosine().steps(2)
        array([1. , 0.5])

    Reference:
        Loshchilov and Hutter, arXiv 1608.03983.
    """
    return Schedule("Cosine()", "(1 + cos(pi*u))/2")
