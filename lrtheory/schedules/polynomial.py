from fractions import Fraction

from lrtheory.schedules.schedule import Schedule, checked_positive, exact, shown


def Polynomial(degree: float | Fraction = 1) -> Schedule:
    r"""Polynomial decay to zero: :math:`h(u) = (1-u)^p`. Degree 1 is linear decay.

    Over-estimating the rate by ``rho`` costs a factor :math:`O(\rho^{1/(2p+1)})`.

    Args:
        degree: The power :math:`p > 0`, any real number; a ``Fraction`` or a short decimal is kept exact.

    Raises:
        ValueError: ``degree`` is not positive and finite (degree 0 is ``Constant()``).

    Example:
        >>> Polynomial(2).steps(2)
        array([1.  , 0.25])
        >>> Polynomial(0.5).expr
        sqrt(1 - u)

    Reference:
        Attia and Koren, arXiv 2503.09411.
    """
    checked_positive("degree", degree)
    return Schedule(f"Polynomial({shown(degree)})", f"(1 - u)**({exact(degree)})")
