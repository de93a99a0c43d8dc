from functools import lru_cache
from itertools import pairwise
from math import log, sqrt

from numpy.polynomial import Polynomial as NumpyPolynomial

from lrtheory.schedules.schedule import Schedule, is_number, shown


def Robust(doubt: float = 16) -> Schedule:
    r"""The schedule for a base rate that may be too large by any factor in ``[1, doubt]``.

    In the continuous limit its worst loss is the same, :math:`\tfrac12\sqrt{3.7804+\ln R}\;DG/\sqrt T`, at every
    breakpoint of that range. With :math:`H(u)=\int_u^1 h` it is linear in :math:`\sqrt H` (a linear head),
    exponential with rate :math:`k = 3.7804+\ln R`, linear again for a moment, then drops and decays linearly to
    zero: exponential through the doubt, then a linear cooldown. Scaled to a largest value of 1.

    Args:
        doubt: The largest over-estimation :math:`R`, at least 2.25 (for less, use ``Polynomial(1)``).

    Raises:
        ValueError: ``doubt`` is smaller than the form admits.

    Example:
        >>> Robust(16).steps(100)[[0, 20, 40, 80]].round(3)
        array([0.939, 0.377, 0.056, 0.019])

    Source:
        Derived here: see :func:`robust_pieces`. Verified against the exact worst case in the tests.
    """
    first, last, _ = _end_intervals()
    if not (is_number(doubt) and first * last <= doubt < float("inf")):
        raise ValueError(
            f"doubt must be a finite factor of at least {first * last:.3f}, not {doubt!r}: for less, use Polynomial(1)."
        )
    _, pieces = robust_pieces(doubt)
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
    return Schedule(f"Robust({shown(doubt)})", f"Piecewise({', '.join(branches)})")


def robust_pieces(doubt: float) -> tuple[float, list[tuple[float, float, float, str]]]:
    r"""The rate :math:`k` and the pieces of :func:`Robust` before scaling: :math:`D=G=1`, :math:`\mathrm{lr}=1/\sqrt T`.

    With :math:`H=\int_u^1h` and :math:`Q=\int_u^1h^2/H`, a restart at ``u`` loses
    :math:`V=\tfrac14[1/(\rho H)+\rho Q]`. Holding :math:`V=C` for a whole range of ``rho`` asks for
    :math:`h=kH`, :math:`k=4C^2`. One restart serves each end of the range, ``[1, r]`` and ``[R/q, R]``, with
    :math:`V=C` at both ends of its interval; the quickest way between two states ``(H, Q)`` has :math:`\sqrt H`
    linear in ``u``, which takes the time :math:`4(\Delta\sqrt H)^2/\Delta Q`. The two ratios minimise the total.

    Args:
        doubt: :math:`R`, at least the product of the two ratios.

    Returns:
        ``k`` and, for each piece, its length, its first height, its decay (the relative slope, or the exponential
        rate) and its kind.
    """
    first, last, offset = _end_intervals()
    k = offset + log(doubt)
    root = sqrt(k)
    before_last = doubt / last
    # states (H, Q): at the start, where the exponential starts and ends, where the tail starts
    states = [
        ((1 + 1 / first) / (2 * root), 2 * root / (1 + first)),
        (1 / (first * root), root / first),
        (1 / (before_last * root), root / before_last),
        ((1 + 1 / last) / (2 * root * before_last), 2 * root / (before_last * (1 + last))),
        (0.0, 0.0),
    ]
    pieces = []
    for number, ((area, spread), (next_area, next_spread)) in enumerate(pairwise(states)):
        if number == 1:
            pieces.append((log(before_last / first) / k, k * area, k, "exponential"))
            continue
        drop = sqrt(area) - sqrt(next_area)
        length = 4 * drop**2 / (spread - next_spread)
        slope = drop / length  # of the square root of H, so that h = 2 slope sqrt(H)
        pieces.append((length, 2 * slope * sqrt(area), slope / sqrt(area), "linear"))
    return k, pieces


@lru_cache(maxsize=1)
def _end_intervals() -> tuple[float, float, float]:
    r"""The ratios of the first and the last interval, and what they leave of :math:`k-\ln R`.

    The first ratio is :math:`2m^2-1` and the last :math:`1/(2x^2-1)`, where ``m`` and ``x`` minimise

    .. math:: \frac{4m^2(m-1)}{m+1}-\ln(2m^2-1), \qquad
        \frac{4x^4}{2x^2-1}+\frac{4x^2(1-x)}{1+x}+\ln(2x^2-1):

    roots of the polynomials below.
    """
    z = NumpyPolynomial([0, 1])
    m = _root(2 * (z**2 + z - 1) * (2 * z**2 - 1) - (z + 1) ** 2, 1, 2)
    x = _root(
        4 * z**2 * (z**2 - 1) * (1 + z) ** 2 + 2 * (1 - z - z**2) * (2 * z**2 - 1) ** 2 + (2 * z**2 - 1) * (1 + z) ** 2,
        sqrt(0.5) + 0.1,
        1,
    )
    first, last = 2 * m**2 - 1, 1 / (2 * x**2 - 1)
    head = 4 * m**2 * (m - 1) / (m + 1) - log(first)
    tail = 4 * x**4 * last + 4 * x**2 * (1 - x) / (1 + x) - log(last)
    return first, last, head + tail


def _root(polynomial: NumpyPolynomial, low: float, high: float) -> float:
    """The only real root strictly between two numbers."""
    (root,) = [z.real for z in polynomial.roots() if abs(z.imag) < 1e-12 and low < z.real < high]
    return float(root)
