"""Schedules written as dictionaries: at which step, which part of the base rate."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil, inf
from typing import Any, Literal, TypeAlias

from lrtheory.checks import LARGEST, SMALLEST, exact, is_number, is_whole, plain, shown
from lrtheory.schedules.schedule import Schedule

Knots: TypeAlias = Mapping[Any, Any] | Sequence[tuple[Any, Any]]
"""A dictionary ``{time: factor}``, or its pairs."""

Counting: TypeAlias = Literal["cumulative", "epochs", "per_epoch"]
"""What the times of a dictionary count: see :data:`COUNTINGS`."""

COUNTINGS: dict[str, str] = {
    "cumulative": "the steps of the run",
    "epochs": "the epochs of the run: the rate is fixed within each",
    "per_epoch": "the steps of the epoch: the dictionary begins anew with each",
}
r"""What the times may count, in the note's order of preference.

The order is quoted; the worst case (:mod:`lrtheory.theory.last_iterate`) agrees with it for a decay over the run.
Tuned, in units of :math:`DG/\sqrt T`, ten epochs of a hundred steps down to 0.01 guarantee 1.005, 1.037 and 1.315, a
constant rate 1.607 (verified). It is not a law: in three epochs the fixed rates of ``"epochs"`` are too coarse, and
``"per_epoch"`` guarantees more, 1.162 against 1.222 for three epochs of a thousand steps.
"""

FINAL_FACTORS: dict[str, tuple[float, float]] = {
    "SGD": (0.1, 0.01),
    "SGDM": (0.1, 0.01),
    "Adam": (0.1, 0.01),
    "Lion": (1e-4, 1e-5),
    "Tiger": (1e-4, 1e-5),
}
r"""The two final factors :math:`r_{\min}` that the note recommends for each family of optimizers.

Quoted: Zhu Meng, note on learning-rate strategies in deep learning (in Chinese), 2025, section 2 (5). Not measured here.
"""


@dataclass(frozen=True, repr=False)
class PiecewiseLinear(Schedule):
    r"""A learning rate that runs straight from knot to knot of a dictionary, and repeats if the dictionary says so.

    .. math:: \eta_t=\mathrm{lr}\cdot r_t,\quad t=1,\dots,T,\qquad h(u)=r_{Tu+1}:

    the times are absolute, and the horizon says where the run ends, not what the schedule is. One rule reads every
    dictionary :math:`\{t_1:r_1,\dots,t_n:r_n\}`, in order of time:

    * **Start:** :math:`r_0=0` if :math:`r_1=1`, which is a warm-up, and else 1. A knot at 0 states :math:`r_0` itself.
    * **Between knots** the factor is linear.
    * **After the last knot** it is held. But if it has come back to 1 after a decay, what lies between the first 1 (at 0,
      or where the warm-up ends) and :math:`t_n` repeats for ever; the warm-up does not.

    ==================================  ==========================================================  =====
    dictionary                          what it does                                                eq.
    ==================================  ==========================================================  =====
    ``{t1: r}``                         decay, hold                                                 (8)
    ``{t1: 1, t2: r}``                  warm up, decay, hold                                        (9)
    ``{t1: r, t2: r, t3: 1}``           decay, hold, rise; period ``t3``                            (10)
    ``{t1: 1, t2: r, t3: r, t4: 1}``    warm up; decay, hold, rise; period ``t4 - t1``              (11)
    ==================================  ==========================================================  =====

    The rule is continuous, which settles what the printed formulas leave out: :math:`t=0` in all four, where the factor
    is 1, or 0 before a warm-up, and :math:`t\bmod t_3=0` in (10), where it is 1.

    Args:
        knots: The dictionary, in any order, or its pairs. Times are at least 0, factors in [0, 1]; decimal fractions are
            read exactly. :data:`FINAL_FACTORS` has recommendations for the last factor. The note advises a warm-up for
            post-norm and for deep networks, and repetition to explore.
        counting: What the times count, a key of :data:`COUNTINGS`. Where a library's counter starts again at every
            epoch, the note advises to add the steps up (``"cumulative"``), or else to change the rate from epoch to
            epoch only (``"epochs"``).
        steps_per_epoch: Steps of an epoch, for the other two countings.

    Its values are those of :func:`piecewise_linear` up to rounding. Without a horizon, one that holds has the limit of long
    runs, its last factor; one that repeats has none and asks for a horizon.

    Raises:
        TypeError: ``knots`` is no dictionary.
        ValueError: it is empty, a time is negative or given twice, a factor is outside [0, 1], one of them is not 0 and beyond
            1e-75 to 1e75, there is no such counting, ``steps_per_epoch`` is missing or not needed, or a dictionary that
            repeats is to begin anew with each epoch.

    Example:
        >>> PiecewiseLinear({4: 1, 8: 0.2}).steps(10)
        array([0.25, 0.5 , 0.75, 1.  , 0.8 , 0.6 , 0.4 , 0.2 , 0.2 , 0.2 ])
        >>> PiecewiseLinear({2: 0.5, 3: 0.5, 4: 1}).steps(8)
        array([0.75, 0.5 , 0.5 , 1.  , 0.75, 0.5 , 0.5 , 1.  ])
        >>> PiecewiseLinear({2: 0.5}, "epochs", 3).steps(8)
        array([0.75, 0.75, 0.75, 0.5 , 0.5 , 0.5 , 0.5 , 0.5 ])

    Reference:
        Zhu Meng, note on learning-rate strategies in deep learning (in Chinese), 2 May 2025, revised 26 June 2025,
        section 2, eq. (8) to (11). The one rule and its continuous closure are ours.
    """

    knots: Any
    counting: Counting = "cumulative"
    steps_per_epoch: int | None = None

    def __post_init__(self) -> None:
        pairs = _pairs(self.knots)
        _checked_epoch(_path(pairs), self.counting, self.steps_per_epoch)
        self._set(knots=tuple((plain(time), plain(factor)) for time, factor in pairs))
        if self.steps_per_epoch is not None:
            self._set(steps_per_epoch=int(self.steps_per_epoch))

    def __repr__(self) -> str:
        name = "{" + ", ".join(f"{shown(time)}: {shown(factor)}" for time, factor in self.knots) + "}"
        if self.counting != "cumulative":
            name += f", {self.counting!r}, {self.steps_per_epoch}"
        return f"PiecewiseLinear({name})"

    @property
    def formula(self) -> str:
        """See :class:`Schedule`."""
        return _formula(_path(self.knots), self.counting, self.steps_per_epoch or 1)


def piecewise_linear(
    knots: Knots, counting: Counting = "cumulative", steps_per_epoch: int | None = None
) -> Callable[[int], float]:
    r"""The factor :math:`r_t` of :func:`PiecewiseLinear` as a plain function of the step, for any library.

    It needs no horizon. Each value is the double nearest to the exact rational, the same on every machine.

    Libraries count the steps that are done, so the step to come is one more. In torch, and with Lightning or a Hugging
    Face trainer, which take a torch scheduler::

        factor = piecewise_linear({1000: 1, 20_000: 0.1})
        scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda done: factor(done + 1))

        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}  # Lightning
        Trainer(model, arguments, optimizers=(optimizer, scheduler))  # Hugging Face

    Keras and optax trace their schedules and so look the rates up; this serves any schedule of the package::

        rates = PiecewiseLinear({1000: 1, 20_000: 0.1}).steps(horizon, lr).astype("float32")

        class Rates(keras.optimizers.schedules.LearningRateSchedule):
            def __call__(self, done):
                return keras.ops.take(rates, keras.ops.minimum(keras.ops.cast(done, "int32"), horizon - 1))

        keras.optimizers.SGD(Rates())
        optax.sgd(lambda done: jnp.asarray(rates)[jnp.minimum(done, horizon - 1)])

    Args:
        knots: As for :func:`PiecewiseLinear`.
        counting: As for :func:`PiecewiseLinear`.
        steps_per_epoch: As for :func:`PiecewiseLinear`.

    Returns:
        The factor as a function of the step :math:`t\ge0`. The first step of a run is 1; 0 is where the path begins.

    Raises:
        TypeError: as :func:`PiecewiseLinear`.
        ValueError: as :func:`PiecewiseLinear`; the function itself when its step is negative.

    Example:
        >>> factor = piecewise_linear({4: 1, 8: 0.2})
        >>> [factor(t) for t in (0, 1, 4, 5, 8, 1000)]
        [0.0, 0.25, 1.0, 0.8, 0.2, 0.2]
    """
    path = _path(knots)
    epoch = _checked_epoch(path, counting, steps_per_epoch)

    def factor(step: int) -> float:
        if not (is_number(step) and 0 <= step < inf):
            raise ValueError(f"step must be at least 0, not {step!r}.")
        time = Fraction(exact(step))
        if counting == "epochs":
            time = Fraction(ceil(time / epoch))
        elif counting == "per_epoch" and time > 0:
            time = (time - 1) % epoch + 1
        return float(path.factor(time))

    return factor


def from_bert4keras(lr_schedule: Mapping[Any, Any], from_zero: bool = True) -> dict[int, Any]:
    """The dictionary for :func:`PiecewiseLinear` that does what bert4keras does with its own.

    bert4keras reads ``{1000: 0.1}`` as a rise from 0 to 0.1, where the note has a decay from 1. It puts a knot of 0 at
    time 0 if there is none (``from_zero``), holds the first factor before the first knot and the last one after the
    last, never repeats, truncates times to whole numbers, and counts steps from 0. Its step 0 is step 1 here, so with a
    warm-up the first step is wasted.

    Args:
        lr_schedule: The dictionary of bert4keras.
        from_zero: The switch of the same name in bert4keras.

    Returns:
        Knots such that step ``t`` has the factor of bert4keras at ``t - 1``.

    Raises:
        TypeError: as :func:`PiecewiseLinear`.
        ValueError: the dictionary is refused by :func:`PiecewiseLinear`, or comes back to 1 after a decay, which would
            repeat.

    Example:
        >>> from_bert4keras({4: 1, 8: 0.2})
        {0: 0, 1: 0, 5: 1, 9: 0.2}
        >>> PiecewiseLinear(from_bert4keras({4: 1, 8: 0.2})).steps(10)
        array([0.  , 0.25, 0.5 , 0.75, 1.  , 0.8 , 0.6 , 0.4 , 0.2 , 0.2 ])

    Reference:
        Su Jianlin, bert4keras, ``backend.piecewise_linear``.
    """
    theirs = [(int(time), factor) for time, factor in _pairs(lr_schedule)]
    if from_zero and theirs and theirs[0][0] != 0:
        theirs = [(0, 0), *theirs]
    ours = [(time + 1, factor) for time, factor in theirs]
    knots = [(0, ours[0][1]), *ours] if ours and ours[0][0] > 0 else ours
    if _path(knots).loop is not None:
        raise ValueError("bert4keras holds a last factor of 1, but a dictionary that comes back to 1 repeats.")
    return dict(knots)


@dataclass(frozen=True)
class _Path:
    """Knots in order of time, the first of them at 0, and the time from which they repeat, if they do."""

    points: tuple[tuple[Fraction, Fraction], ...]
    loop: Fraction | None

    @property
    def end(self) -> Fraction:
        return self.points[-1][0]

    def factor(self, time: Fraction) -> Fraction:
        if self.loop is not None and time > self.loop:
            time = self.loop + (time - self.loop) % (self.end - self.loop)
        for (start, first), (end, last) in pairwise(self.points):
            if time <= end:
                return first + (last - first) / (end - start) * (time - start)
        return self.points[-1][1]


def _path(knots: Knots) -> _Path:
    """The one rule."""
    points = [(Fraction(exact(time)), Fraction(exact(factor))) for time, factor in _pairs(knots)]
    if points[0][0] > 0:
        points.insert(0, (Fraction(0), Fraction(0 if points[0][1] == 1 else 1)))
    factors = [factor for _, factor in points]
    first_one = factors.index(Fraction(1)) if factors[-1] == 1 else len(factors)
    return _Path(tuple(points), points[first_one][0] if min(factors[first_one:], default=1) < 1 else None)


def _pairs(knots: Knots) -> list[tuple[Any, Any]]:
    """The knots as they were given, checked and in order of time."""
    pairs: Any = list(knots.items()) if isinstance(knots, Mapping) else knots
    if not (isinstance(pairs, list | tuple) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in pairs)):
        raise TypeError(
            f"knots must be a dictionary of times and factors such as {{1000: 1, 2000: 0.1}}, not {knots!r}."
        )
    if not pairs:
        raise ValueError("knots must not be empty: give at least one time and its factor, such as {1000: 0.1}.")
    for time, factor in pairs:
        if not (is_number(time) and 0 <= time < inf):
            raise ValueError(f"the time of a knot must be finite and at least 0, not {time!r}.")
        if not (is_number(factor) and 0 <= factor <= 1):
            raise ValueError(f"the factor of a knot must lie in [0, 1], not {factor!r}.")
        if 0 < time < SMALLEST or time > LARGEST or 0 < factor < SMALLEST:  # products of such numbers are no floats
            raise ValueError(f"the numbers of a knot must be 0 or lie in 1e-75 to 1e75; it is {time!r}: {factor!r}.")
    ordered = sorted(((time, factor) for time, factor in pairs), key=lambda pair: pair[0])
    for (time, _), (following, _) in pairwise(ordered):
        if time == following:
            raise ValueError(f"a knot may be given only once, but there are two at {shown(time)}.")
    return ordered


def _checked_epoch(path: _Path, counting: str, steps_per_epoch: Any) -> int:
    """The steps of an epoch, or one sentence saying why this counting does not fit."""
    if counting not in COUNTINGS:
        raise ValueError(f"counting must be one of {', '.join(COUNTINGS)}, not {counting!r}.")
    if counting == "cumulative":
        if steps_per_epoch is not None:
            raise ValueError("steps_per_epoch must be left out where the steps of the run are counted.")
        return 1
    if not (is_whole(steps_per_epoch) and steps_per_epoch >= 1):
        raise ValueError(f"steps_per_epoch must be a whole number of at least 1, not {steps_per_epoch!r}.")
    if counting == "per_epoch" and path.loop is not None:
        raise ValueError("a dictionary that repeats must be counted over the run, not begun anew with each epoch.")
    return int(steps_per_epoch)


def _formula(path: _Path, counting: str, epoch: int) -> str:
    """The path in ``u``, ``t`` and ``T``.

    A half is taken before ``Mod`` and ``floor`` jump, so that rounding of ``t`` moves no step to another epoch.
    Conditions of a path that holds are solved for ``u``, so that they have a limit as ``T`` grows.
    """
    time = {
        "cumulative": "t",
        "epochs": f"floor((t - 1/2)/{epoch}) + 1",
        "per_epoch": f"Mod(t - 1/2, {epoch}) + 1/2",
    }[counting]
    pieces: list[tuple[str, str]] = []
    for (start, first), (end, last) in pairwise(path.points):
        since = f"({time} - ({start}))"
        before = {
            "cumulative": f"u < ({end - 1})/T",
            "epochs": f"u < {epoch * (ceil(end) - 1)}/T",
            "per_epoch": f"{time} < {end}",
        }[counting]
        if path.loop is not None and start >= path.loop:
            phase = f"Mod({time} - ({path.loop}), {path.end - path.loop})"
            since, before = f"({phase} - ({start - path.loop}))", f"{phase} < {end - path.loop}"
        pieces.append((f"{first} + ({(last - first) / (end - start)})*{since}", before))
    held = str(path.points[-1][1])
    if counting == "per_epoch":  # what moves comes last: it has no value without a horizon, and the whole then has none
        pieces.insert(0, (held, f"{time} >= {path.end}"))
    elif path.loop is None:
        pieces.append((held, "True"))
    *branches, (rest, _) = pieces
    return f"Piecewise({''.join(f'({value}, {condition}), ' for value, condition in branches)}({rest}, True))"
