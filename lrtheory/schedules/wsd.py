from typing import Literal

from lrtheory.schedules.schedule import Schedule, checked_fraction, exact, shown


def WSD(cooldown: float = 0.2, shape: Literal["linear", "1-sqrt"] = "linear") -> Schedule:
    r"""Constant, then a cooldown to zero over the last part of the run.

    With :math:`c` the cooldown and :math:`v = (u-1+c)/c` the part of it that is over,

    .. math:: h(u) = 1 \text{ for } u < 1-c, \qquad h(u) = 1 - v \ \text{ or }\ 1 - \sqrt v \text{ after.}

    A warm-up is added by :func:`warmup`. Both shapes have degree 1.

    Args:
        cooldown: The part of the run that cools down, strictly between 0 and 1.
        shape: ``"linear"`` or ``"1-sqrt"``.

    Raises:
        ValueError: ``cooldown`` is outside (0, 1), or ``shape`` is another word.

    Example:
        >>> WSD(0.5).steps(4)
        array([1. , 1. , 1. , 0.5])

    Reference:
        Hu et al., arXiv 2404.06395; the second shape Hägele et al., arXiv 2405.18392.
    """
    checked_fraction("cooldown", cooldown)
    part = exact(cooldown)
    over = f"(u - 1 + {part})/({part})"
    ends = {"linear": f"(1 - u)/({part})", "1-sqrt": f"1 - sqrt({over})"}
    if shape not in ends:
        raise ValueError(f"shape must be 'linear' or '1-sqrt', not {shape!r}.")
    name = f"WSD({shown(cooldown)})" if shape == "linear" else f"WSD({shown(cooldown)}, {shape!r})"
    return Schedule(name, f"Piecewise((1, u < 1 - {part}), ({ends[shape]}, True))")
