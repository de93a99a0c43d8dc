from lrtheory.schedules.schedule import Schedule, checked_fraction, exact, shown


def Exponential(final: float = 0.01) -> Schedule:
    r"""Geometric decay from the base rate to ``final`` times it: :math:`h(u) = \mathrm{final}^u`.

    It never reaches zero, so in the limit of long runs and large ``rho`` it forgives no more than a constant.

    Args:
        final: The last rate over the base rate, strictly between 0 and 1.

    Raises:
        ValueError: ``final`` is outside (0, 1).

    Example:
        >>> Exponential(0.25).steps(2)
        array([1. , 0.5])
    """
    checked_fraction("final", final)
    return Schedule(f"Exponential({shown(final)})", f"({exact(final)})**u")
