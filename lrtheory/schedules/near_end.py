r"""Values of a formula near the ends of a run, in double precision and without cancellation.

Near the end of a run a formula such as :math:`1+\cos\pi u` loses its digits. Here each part of a formula is held as
:math:`c+d`, where the constant :math:`c` is its value at the end, with sixty digits, and the array :math:`d` is what it
differs by in what remains of the run, :math:`x=1-u`. Constants cancel exactly, and differences are never formed of nearly
equal numbers: :math:`\cos(c+d)-\cos c=-\sin c\sin d-2\cos c\sin^2\frac d2`, and so on. In the first half of the run the
same is done with :math:`u` itself. A bound on the rounding errors runs along, so that what is left to cancel, or undecided
in a comparison, is known and not guessed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from lrtheory.schedules.expression import Expression, moderate
from lrtheory.serial import multiple_precision

DIGITS = 60
NEGLIGIBLE = 1e-45
"""A constant this small beside those that it is the sum of is a cancellation."""
ROUNDING = float(np.finfo(float).eps)
"""Bounds the relative error of an operation, and with :data:`OF_A_FUNCTION` that of a function of numpy."""
OF_A_FUNCTION = 4 * ROUNDING
LARGEST_WHOLE_POWER = 8


@dataclass(frozen=True)
class Split:
    """A number of many digits, an array that is added to it, and a bound on the array's errors."""

    constant: Any
    rest: Any
    error: Any

    @property
    def total(self) -> Any:
        """The value in double precision."""
        return float(self.constant) + self.rest if self.constant else self.rest

    @property
    def total_error(self) -> Any:
        """A bound on the errors of the value."""
        return self.error + ROUNDING * (abs(float(self.constant)) + abs(self.total)) if self.constant else self.error


def _context() -> Any:
    return multiple_precision(DIGITS)


def near_end(expression: Expression, log_x: np.ndarray, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    r"""A formula where :math:`\ln x` of a run remains, and bounds on the errors.

    Args:
        expression: The formula, in a run so long that its first step is none of it: there ``t`` is ``horizon * u``.
        log_x: Logarithms of what remains, at most 0, in a piece of the run where no branch of the formula changes: where
            one does, values are still right, with larger bounds.
        horizon: The value of ``T``.

    Returns:
        Values, and bounds on their absolute errors, which are infinite where nothing is known.

    Example:
        >>> from lrtheory.schedules.expression import read
        >>> cosine = read("(1 + cos(pi*u))/2")
        >>> values, errors = near_end(cosine, np.log([1e-9, 0.5]), 1)
        >>> [f"{value:.12e}" for value in values], bool((errors < 1e-14 * values).all())
        (['2.467401100272e-18', '5.000000000000e-01'], True)
    """
    values, errors = np.empty(log_x.shape), np.empty(log_x.shape)
    late = log_x < np.log(0.5)
    for places, from_end in ((late, True), (~late, False)):
        if places.any():
            with np.errstate(all="ignore"):
                values[places], errors[places] = _from_one_side(expression, log_x[places], horizon, from_end)
    unknown = ~np.isfinite(values) | np.isnan(errors)
    return values, np.where(unknown, np.inf, errors)


def _from_one_side(
    expression: Expression, log_x: np.ndarray, horizon: int, from_end: bool
) -> tuple[np.ndarray, np.ndarray]:
    context = _context()
    if from_end:
        x = np.exp(log_x)
        u = Split(context.one, -x, OF_A_FUNCTION * x)
    else:
        over = -np.expm1(log_x)
        u = Split(context.zero, over, OF_A_FUNCTION * over)
    T = _constant(context.mpf(horizon), log_x)
    try:
        found = _evaluated(expression, {"u": u, "T": T, "t": _times(T, u)}, log_x)
        return found.total, found.total_error
    except (ArithmeticError, TypeError, ValueError):  # a constant out of the range of numbers, or not a real one
        return np.full(log_x.shape, np.nan), np.full(log_x.shape, np.inf)


def _constant(value: Any, like: np.ndarray) -> Split:
    return Split(value, np.zeros(like.shape), np.zeros(like.shape))


def _collapsed(values: Any, errors: Any) -> Split:
    return Split(_context().zero, values, errors)


def _negative(split: Split) -> Split:
    return Split(-split.constant, -split.rest, split.error)


def _trusted(relative: Any, limit: float) -> Any:
    """A factor of error bounds: 1 where an error is small enough for them to hold, infinite elsewhere."""
    return np.where(relative < limit, 1.0, np.inf)


def _plus(first: Split, second: Split, sign: int = 1) -> Split:
    constant = first.constant + sign * second.constant
    if abs(constant) <= NEGLIGIBLE * max(abs(first.constant), abs(second.constant)):
        constant = _context().zero
    rest = first.rest + sign * second.rest
    return Split(constant, rest, first.error + second.error + ROUNDING * abs(rest))


def _minus(first: Split, second: Split) -> Split:
    return _plus(first, second, -1)


def _times(first: Split, second: Split) -> Split:
    one, factor = first.total, float(second.constant)
    rest = one * second.rest + factor * first.rest
    error = (
        abs(one) * second.error + first.total_error * (abs(second.rest) + second.error) + abs(factor) * first.error
        + 2 * ROUNDING * (abs(one * second.rest) + abs(factor * first.rest))
    )  # fmt: skip
    return Split(first.constant * second.constant, rest, error)


def _inverse(split: Split) -> Split:
    total, relative = split.total, split.total_error / abs(split.total)
    certain = _trusted(relative, 0.5)
    if not split.constant or (abs(split.rest) > abs(float(split.constant))).all():  # the constant is no limit
        return _collapsed(1 / total, certain * (2 * relative + ROUNDING) / abs(total))
    constant = 1 / split.constant
    rest = -float(constant) * split.rest / total
    own = split.error / abs(split.rest)  # of what is small, which the rest is proportional to
    own = np.where(split.rest == 0, 0.0, own)
    return Split(constant, rest, certain * (abs(rest) * (own + 2 * relative + 3 * ROUNDING) + _of_zero(split, total)))


def _of_zero(split: Split, total: Any) -> Any:
    """What an inverse may be off by where the rest is zero but for its error."""
    return np.where(split.rest == 0, 2 * split.error / np.square(total), 0.0)


def _through(split: Split, constant: Any, rest: Any, slope: Any, terms: Any) -> Split:
    """A function of a split: its errors are those of the argument times the slope, and those of the terms of the rest."""
    return Split(constant, rest, abs(slope) * split.error * (1 + 1e-3) + OF_A_FUNCTION * (terms + abs(rest)))


def _power(base: Split, exponent: Any) -> Split:
    whole = int(exponent) if exponent == int(exponent) else None
    if whole is not None and 0 < whole <= LARGEST_WHOLE_POWER:
        return reduce(_times, [base] * whole)
    if whole is not None and -LARGEST_WHOLE_POWER <= whole < 0:
        return _inverse(_power(base, -whole))
    power = float(exponent)
    if not base.constant:
        value = np.power(base.rest, power)
        relative = base.error / abs(base.rest)
        certain = _trusted(relative * max(1, abs(power)), 1e-3)
        log = abs(np.log(abs(base.rest)))
        errors = abs(value) * (1.01 * abs(power) * relative + OF_A_FUNCTION * (1 + abs(power) * log))
        return _collapsed(value, np.where(base.rest == 0, np.inf, certain * errors))
    if base.constant < 0 and whole is None:
        return _collapsed(base.rest * np.nan, base.error)
    moderate(_context(), exponent)
    constant = base.constant**exponent
    scale, ratio = float(constant), base.rest / float(base.constant)
    logarithm = power * np.log1p(ratio)
    rest = scale * np.expm1(logarithm)
    total = base.total
    relative = base.error / abs(total)
    certain = _trusted(relative * max(1, abs(power)), 1e-3)
    slope = power * scale * np.exp(logarithm) / total
    return Split(
        constant, rest,
        certain * (1.01 * abs(slope) * base.error + OF_A_FUNCTION * (abs(scale * np.exp(logarithm) * logarithm) + abs(rest))),
    )  # fmt: skip


def _exponential(split: Split) -> Split:
    moderate(_context(), split.constant)
    constant = _context().exp(split.constant)
    scale = float(constant)
    rest = scale * np.expm1(split.rest)
    certain = _trusted(split.error, 1e-3)
    return _through(split, constant, rest, certain * scale * np.exp(split.rest), abs(scale * split.rest))


def _logarithm(split: Split) -> Split:
    relative = split.total_error / abs(split.total)
    certain = _trusted(relative, 1e-3)
    if not split.constant:
        value = np.log(split.rest)
        return _collapsed(value, certain * (1.01 * relative + OF_A_FUNCTION * abs(value)))
    if split.constant < 0:
        return _collapsed(split.rest * np.nan, split.error)
    ratio = split.rest / float(split.constant)
    return _through(
        split, _context().log(split.constant), np.log1p(ratio), certain / split.total, abs(ratio / (1 + ratio))
    )


def _clean(value: Any) -> Any:
    """A sine or cosine that only rounding keeps from zero."""
    return _context().zero if abs(value) < NEGLIGIBLE else value


def _circular(at: Callable[[Any], Any], derivative: Callable[[Any], Any]) -> Callable[[Split], Split]:
    """The sine or cosine, of which the second derivative is the negative."""

    def function(split: Split) -> Split:
        moderate(_context(), split.constant)
        value, slope = _clean(at(split.constant)), _clean(derivative(split.constant))
        sine, bent = np.sin(split.rest), 2 * np.square(np.sin(split.rest / 2))
        first, second = float(slope) * sine, -float(value) * bent
        steepest = np.minimum(abs(float(slope)) + abs(float(value)) * abs(sine) + split.error, 1.0)
        return Split(value, first + second, steepest * split.error + 2 * OF_A_FUNCTION * (abs(first) + abs(second)))

    return function


_sine = _circular(lambda at: _context().sin(at), lambda at: _context().cos(at))
_cosine = _circular(lambda at: _context().cos(at), lambda at: -_context().sin(at))


def _hyperbolic(at: Callable[[Any], Any], derivative: Callable[[Any], Any]) -> Callable[[Split], Split]:
    """The hyperbolic sine or cosine, which is its own second derivative."""

    def function(split: Split) -> Split:
        moderate(_context(), split.constant)
        value, slope = at(split.constant), derivative(split.constant)
        sine, bent = np.sinh(split.rest), 2 * np.square(np.sinh(split.rest / 2))
        first, second = float(slope) * sine, float(value) * bent
        steepest = (abs(float(slope)) + abs(float(value))) * np.cosh(split.rest)
        if not slope:  # where the function is flat
            steepest = abs(float(value)) * (abs(sine) + split.error)
        certain = _trusted(split.error, 1e-3)
        error = certain * 1.01 * steepest * split.error + 2 * OF_A_FUNCTION * (abs(first) + abs(second))
        return Split(value, first + second, error)

    return function


_hyperbolic_sine = _hyperbolic(lambda at: _context().sinh(at), lambda at: _context().cosh(at))
_hyperbolic_cosine = _hyperbolic(lambda at: _context().cosh(at), lambda at: _context().sinh(at))


def _tangent(split: Split) -> Split:
    return _times(_sine(split), _inverse(_cosine(split)))


def _hyperbolic_tangent(split: Split) -> Split:
    return _times(_hyperbolic_sine(split), _inverse(_hyperbolic_cosine(split)))


def _absolute(split: Split) -> Split:
    total = split.total
    if (total >= 0).all():
        return split
    if (total <= 0).all():
        return _negative(split)
    return _collapsed(abs(total), split.total_error)


def _chosen(takes_first: np.ndarray, certain: np.ndarray, first: Split, second: Split) -> Split:
    if takes_first.all() or not takes_first.any():
        taken = first if takes_first.all() else second
        return Split(taken.constant, taken.rest, np.where(certain, taken.error, np.inf))
    errors = np.where(takes_first, first.total_error, second.total_error)
    return _collapsed(np.where(takes_first, first.total, second.total), np.where(certain, errors, np.inf))


def _extreme(wanted: int) -> Callable[[Split, Split], Split]:
    def function(first: Split, second: Split) -> Split:
        difference = _minus(first, second)
        near = ~(abs(difference.total) > difference.total_error)
        chosen = _chosen(difference.total * wanted >= 0, np.full(near.shape, True), first, second)
        # Where it is not decided which is larger, either is right up to the error of their difference.
        between = np.nan_to_num(2 * difference.total_error, nan=np.inf)
        return Split(chosen.constant, chosen.rest, chosen.error + np.where(near, between, 0.0))

    return function


def _floor(split: Split) -> Split:
    total = split.total
    whole = np.floor(total)
    near = ~(np.minimum(total - whole, whole + 1 - total) > split.total_error)
    errors = np.where(near, np.inf, 0.0)
    if (whole == whole.flat[0]).all():
        return Split(_context().mpf(float(whole.flat[0])), np.zeros(whole.shape), errors)
    return _collapsed(whole, errors)


def _remainder(first: Split, second: Split) -> Split:
    return _minus(first, _times(second, _floor(_times(first, _inverse(second)))))


def _truth(node: Expression, values: dict[str, Split], like: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether a condition holds, and whether that is certain."""
    if node.operation == "true":
        return np.full(like.shape, True), np.full(like.shape, True)
    if node.operation in ("and", "or"):
        (one, sure), (other, sure_too) = (_truth(each, values, like) for each in node.arguments)
        return (one & other if node.operation == "and" else one | other), sure & sure_too
    difference = _minus(*(_evaluated(each, values, like) for each in node.arguments))
    total = difference.total
    holds = {"<": total < 0, "<=": total <= 0, ">": total > 0, ">=": total >= 0}[node.operation]
    return holds, abs(total) > difference.total_error


def _evaluated(node: Expression, values: dict[str, Split], like: np.ndarray) -> Split:
    if node.operation in values:
        return values[node.operation]
    if node.operation in ("number", "pi", "E"):
        return _constant(node.digits(_context(), {}), like)
    if node.operation == "Piecewise":
        found = _collapsed(np.full(like.shape, np.nan), np.full(like.shape, np.inf))
        for value, condition in [*zip(node.arguments[::2], node.arguments[1::2])][::-1]:
            holds, certain = _truth(condition, values, like)
            if holds.any() or not certain.all():
                found = _chosen(holds, certain, _evaluated(value, values, like), found)
        return found
    arguments = [_evaluated(each, values, like) for each in node.arguments]
    if node.operation == "**":
        base, exponent = arguments
        if not (exponent.rest.any() or exponent.error.any()):
            return _power(base, exponent.constant)
        return _exponential(_times(exponent, _logarithm(base)))
    if node.operation == "log" and len(arguments) == 2:
        return _times(_logarithm(arguments[0]), _inverse(_logarithm(arguments[1])))
    if node.operation in ("Min", "Max"):
        return reduce(_extreme(-1 if node.operation == "Min" else 1), arguments)
    return _FUNCTIONS[node.operation](*arguments)


_FUNCTIONS: dict[str, Callable[..., Split]] = {
    "+": _plus, "-": _minus, "*": _times, "/": lambda first, second: _times(first, _inverse(second)),
    "sqrt": lambda split: _power(split, _context().mpf("0.5")), "exp": _exponential, "log": _logarithm, "sin": _sine,
    "cos": _cosine, "tan": _tangent, "sinh": _hyperbolic_sine, "cosh": _hyperbolic_cosine, "tanh": _hyperbolic_tangent,
    "abs": _absolute, "floor": _floor, "ceiling": lambda split: _negative(_floor(_negative(split))), "Mod": _remainder,
}  # fmt: skip
