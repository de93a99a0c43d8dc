from lrtheory.schedules.schedule import Schedule


def Constant() -> Schedule:
    """A learning rate that stays as it is: :math:`h(u) = 1`.

    Its last iterate loses a factor proportional to ``rho`` when the rate is ``rho`` times too large.

    Example:
        >>> Constant().steps(3, lr=0.1)
        array([0.1, 0.1, 0.1])
    """
    return Schedule("Constant()", "1")
