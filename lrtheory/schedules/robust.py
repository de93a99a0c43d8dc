from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import log, sqrt

from lrtheory.checks import is_number, plain
from lrtheory.schedules.schedule import Schedule

GOLDEN = (1 + sqrt(5)) / 2
"""Up to this uncertainty linear decay is best."""
LARGEST = 1e100
"""The largest uncertainty: beyond it the numbers of the schedule would leave their range."""
FLAT = 2 * GOLDEN**3 / (1 + sqrt(2))
"""From this uncertainty on (3.51) the schedule has an exponential middle."""


@dataclass(frozen=True, repr=False)
class Robust(Schedule):
    r"""The schedule for a base rate that may be too large by any factor in ``[1, uncertainty]``: none has a smaller worst loss.

    In the continuous limit its largest loss over that range is :math:`\tfrac12\sqrt{k}\;DG/\sqrt T` with

    .. math:: k = \ln R + 2 + \varphi + \sqrt2 + \ln\frac{1+\sqrt2}{2\varphi^3} = \ln R + 3.77684
        \qquad (R \ge 3.51,\ \varphi \text{ the golden ratio}).

    A linear head, an exponential with rate ``k``, linear again for a moment, then a drop and a linear decay to zero:
    exponential through the uncertainty, then a linear cooldown. Below 3.51 the exponential is missing and below the golden
    ratio only linear decay is left. Scaled to a largest value of 1. "None" means none that is fixed in advance.

    Args:
        uncertainty: The largest over-estimation :math:`R`, at least 1; for an error in both directions the ratio of the
            largest to the smallest possible rate (:func:`lrtheory.theory.robust_schedule.robust_lr` places the base
            rate).

    Raises:
        ValueError: ``uncertainty`` is below 1 or not finite.

    Example:
        >>> Robust(16).steps(100)[[0, 20, 40, 80]].round(3)
        array([1.   , 0.382, 0.056, 0.019])

    Source:
        Derived and proved best here: see :mod:`lrtheory.theory.robust_schedule`.
    """

    uncertainty: float | Fraction = 16

    def __post_init__(self) -> None:
        checked_uncertainty(self.uncertainty)
        self._set(uncertainty=plain(self.uncertainty))

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        _, pieces = robust_pieces(float(self.uncertainty))
        peak = max(height for _, height, _, _ in pieces)
        branches, start = [], 0.0
        for number, (length, height, decay, kind) in enumerate(pieces):
            since = f"(u - {start!r})"
            shape = f"exp(-{decay!r}*{since})" if kind == "exponential" else f"(1 - {decay!r}*{since})"
            if number == len(pieces) - 1:  # written in 1 - u, so that the end is an exact zero
                branches.append(f"({height / peak * decay!r}*(1 - u), True)")
            else:
                branches.append(f"({height / peak!r}*{shape}, u < {start + length!r})")
            start += length
        return f"Piecewise({', '.join(branches)})"


def checked_uncertainty(uncertainty: float | Fraction) -> float:
    """The uncertainty as a float.

    Raises:
        ValueError: ``uncertainty`` is below 1, above 1e100 or no number.
    """
    if not (is_number(uncertainty) and 1 <= uncertainty <= LARGEST):
        raise ValueError(
            f"uncertainty must be a finite factor of at least 1, not {uncertainty!r}; the largest is {LARGEST:g}."
        )
    return float(uncertainty)


def robust_pieces(uncertainty: float) -> tuple[float, list[tuple[float, float, float, str]]]:
    r"""The rate :math:`k` and the pieces of :func:`Robust` before scaling: :math:`D=G=1`, :math:`\mathrm{lr}=1/\sqrt T`.

    Pieces join states :math:`(H,Q)`, :math:`H=\int_u^1h`, :math:`Q=\int_u^1h^2/H`. The quickest way between two
    has :math:`\sqrt H` linear in ``u`` and takes the time :math:`4(\Delta\sqrt H)^2/\Delta Q`.

    Args:
        uncertainty: :math:`R`, at least 1.

    Returns:
        ``k`` and, for each piece, its length, its first height, its decay (the relative slope, or the exponential
        rate) and its kind.
    """
    states = robust_states(uncertainty)
    lengths = [
        log(H / next_H) if _is_exponential(states, number) else _quickest(H, Q, next_H, next_Q)
        for number, ((H, Q), (next_H, next_Q)) in enumerate(pairwise(states))
    ]
    k = sum(lengths)
    pieces = []
    for number, ((H, _), (next_H, _)) in enumerate(pairwise(states)):
        length, unit = lengths[number] / k, H / sqrt(k)
        if _is_exponential(states, number):
            pieces.append((length, k * unit, k, "exponential"))
        else:
            decay = (1 - sqrt(next_H / H)) / length  # of the square root of H, and so of h = 2 |y'| y, y^2 = H
            pieces.append((length, 2 * decay * unit, decay, "linear"))
    return k, pieces


def robust_states(uncertainty: float) -> list[tuple[float, float]]:
    r"""The states :math:`(\sqrt kH,\,Q/\sqrt k)` between the pieces, from the start to (0, 0)."""
    if uncertainty <= GOLDEN * (1 + 1e-9):  # a first piece shorter than that would be rounding
        return [((1 + 1 / uncertainty) / 2, 2 / (1 + uncertainty)), (0.0, 0.0)]
    if uncertainty < FLAT:
        first, last = _short_states(uncertainty)
        return [first, last, (0.0, 0.0)]
    begin, end = (
        GOLDEN**3 / 2,
        uncertainty * (1 + sqrt(2)) / 4,
    )  # the part of the uncertainty that the exponential serves
    return [
        (GOLDEN / 2, 2 / GOLDEN**2),
        (1 / begin, 1 / begin),
        (1 / end, 1 / end),
        ((1 + sqrt(2)) / (2 * uncertainty), (4 - 2 * sqrt(2)) / uncertainty),
        (0.0, 0.0),
    ]


def _is_exponential(states: list[tuple[float, float]], number: int) -> bool:
    return len(states) == 5 and number == 1


def _quickest(H: float, Q: float, next_H: float, next_Q: float) -> float:
    return 4 * (sqrt(H) - sqrt(next_H)) ** 2 / (Q - next_Q)


def _short_states(uncertainty: float) -> tuple[tuple[float, float], tuple[float, float]]:
    r"""The two states of an uncertainty too small for an exponential: both restarts are best where their ``rho`` asks.

    With :math:`v=RH` at the second, the slope :math:`\Delta\sqrt H/\Delta Q=a` of the first piece obeys
    :math:`a=\sqrt R\,v^{3/2}(2v-2)/(2v-1)`, and the first state has :math:`H=a^{2/3}`; ``v`` makes the slope what it is.
    """
    from scipy.optimize import brentq

    def states(v: float) -> tuple[float, tuple[float, float], tuple[float, float]]:
        slope = sqrt(uncertainty) * v**1.5 * (2 * v - 2) / (2 * v - 1)
        root = slope ** (1 / 3)
        return slope, (root**2, 2 - 1 / root**2), (v / uncertainty, (2 - 1 / v) / uncertainty)

    def mismatch(v: float) -> float:
        slope, (H, Q), (next_H, next_Q) = states(v)
        return sqrt(H) - sqrt(next_H) - slope * (Q - next_Q)

    found = brentq(mismatch, (1 + sqrt(2)) / 2, (1 + GOLDEN) / 2, xtol=1e-15)
    return states(float(found))[1:]  # pyright: ignore[reportArgumentType]
