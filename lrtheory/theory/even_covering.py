r"""Which evenly spaced translates of a union of intervals cover an interval?

**Statement.** Let :math:`S=\bigcup_{i\le K}[s_i,e_i]` be a union of disjoint intervals, and :math:`\ell(n,d)` the length of
the longest interval in :math:`S\cup(S+d)\cup\dots\cup(S+(n-1)d)`.

1. :math:`\ell(n,d)` does not fall in :math:`n`: so the smallest ``n`` that covers a length is found by bisection.
2. For given ``n`` it is largest at one of the spacings :math:`d=|e_i-s_k|/m` with :math:`1\le m<n`, or is the longest
   interval of :math:`S` for every ``d``.
3. A spacing with :math:`\ell(n,d)\ge L`, where no interval of :math:`S` is that long, has
   :math:`(n-1)d\ge L-(e_K-s_1)`, and :math:`d\le|S|` or :math:`d>L`, where :math:`|S|` is the total length. Besides,
   :math:`n|S|\ge L`.

**Proof.** *1.* One translate more takes nothing away. *2.* Two translates' intervals :math:`[s_k,e_k]+ld` and
:math:`[s_i,e_i]+jd` begin or cease to meet only where :math:`e_i+jd=s_k+ld`, which is at the spacings named. Between
neighbours among these the same intervals form each connected part of the union; its right end is a maximum of affine
functions of ``d`` and its left end a minimum, so its length is convex and largest at an end, where the parts, being
closed, still meet. Above the largest of the spacings nothing meets, and below the smallest a length falls with ``d``
towards that of an interval of :math:`S`. *3.* The union lies between :math:`s_1` and :math:`e_K+(n-1)d`, and
has at most the total length :math:`n|S|`. If :math:`d\le L`, the translates by all multiples of ``d`` cover an interval of
the length of their period, so everything, and in each period they have the length :math:`|S|` at most.

A lemma of :mod:`lrtheory.theory.grid_planning`, whose theorem has the record. Translates that are not evenly spaced may do
with fewer, never with fewer than :math:`L/|S|`.

**Source.** Derived here.
"""

import numpy as np

MEETING = 1e-12
"""Intervals that are no farther apart than this, the rounding of a few sums, meet."""
AT_ONCE = 2_000_000
"""Ends of intervals that are held in memory at a time."""


def even_covering(parts: np.ndarray, count: int, length: float) -> tuple[float, float] | None:
    """The spacing of some translates that cover an interval, and where that begins; none where no spacing does.

    Args:
        parts: The disjoint intervals, rising, shape ``(intervals, 2)``.
        count: The number of translates, at least 2.
        length: What is to be covered; above that of every interval.

    Returns:
        The spacing whose union has the longest interval, and the left end of that.

    Example:
        Four translates of two intervals of length 1 cover a length of 8, at a spacing of 1:

        >>> even_covering(np.array([[0.0, 1.0], [4.0, 5.0]]), 4, 8.0)
        (1.0, 0.0)
        >>> even_covering(np.array([[0.0, 1.0], [4.0, 5.0]]), 3, 6.0) is None
        True
    """
    starts, ends = parts.T
    total, span = float((ends - starts).sum()), float(ends[-1] - starts[0])
    if count * total < length:
        return None
    between = np.abs(ends[:, None] - starts).ravel()
    spacings = np.unique(between[:, None] / np.arange(1, count))
    few = (1 + MEETING) * spacings * (count - 1) >= length - span
    kept = spacings[few & ((spacings <= total * (1 + MEETING)) | (spacings > length))]
    best = (0.0, 0.0, 0.0)
    size = max(AT_ONCE // (count * len(parts)), 1)
    for some in (kept[first : first + size] for first in range(0, len(kept), size)):
        lengths, lefts = _longest(starts, ends, count, some)
        place = int(np.argmax(lengths))
        best = max(best, (float(lengths[place]), float(some[place]), float(lefts[place])))
    return best[1:] if best[0] >= length * (1 - MEETING) else None


def _longest(starts: np.ndarray, ends: np.ndarray, count: int, spacings: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each spacing the length and the left end of the longest interval in the union."""
    shifts = spacings[:, None, None] * np.arange(count)[:, None]
    left, right = ((ends_of + shifts).reshape(len(spacings), -1) for ends_of in (starts, ends))
    order = np.argsort(left, axis=1)
    left, right = (np.take_along_axis(values, order, axis=1) for values in (left, right))
    reached = np.maximum.accumulate(right, axis=1)
    apart = left[:, 1:] > reached[:, :-1] + MEETING
    first = np.concatenate([np.ones((len(spacings), 1), bool), apart], axis=1)
    begins = np.maximum.accumulate(np.where(first, left, -np.inf), axis=1)
    places = np.argmax(reached - begins, axis=1)[:, None]
    begin = np.take_along_axis(begins, places, axis=1)[:, 0]
    return np.take_along_axis(reached, places, axis=1)[:, 0] - begin, begin
