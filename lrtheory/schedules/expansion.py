r"""How does a shape end? Expansions of formulas in what remains of the run.

With :math:`x=1-u` and :math:`\ell=\ln(1/x)` a formula is expanded in monomials :math:`x^a\ell^b`, largest first as
:math:`x\to0^+`: smaller :math:`a` first, then larger :math:`b`. Powers are exact fractions, coefficients have ninety digits,
and every expansion knows the first monomial that it does not, so a cancellation such as :math:`1+\cos\pi u` is carried
through, and one that outlives all known terms is refused instead of guessed. Each operation has a bounded number of
terms: unlike a symbolic limit this always ends.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, reduce
from typing import Any

from lrtheory.schedules.expression import LARGEST_MAGNITUDE, LARGEST_NUMBER, Expression
from lrtheory.serial import multiple_precision, one_thread_at_a_time

TERMS = 8
"""Terms that are kept of an expansion."""
DIGITS = 90
NEGLIGIBLE = 1e-70
"""A coefficient this small beside those that it is the sum of is a cancellation."""
TOO_LARGE = "a number in it is too large or too small at the end of the run"
HORIZONS = (10**30, 27 * 10**30)
"""The end of a shape that counts steps is asked at two long horizons, and must be of the same order."""

Monomial = tuple[Fraction, Fraction]
ONE: Monomial = (Fraction(0), Fraction(0))


class Undecided(ValueError):
    """The end of the formula has no expansion of this kind."""


def _context() -> Any:
    return multiple_precision(DIGITS)


@dataclass(frozen=True)
class Series:
    """Known terms, largest first, and the largest monomial that is not known; None where all are."""

    terms: tuple[tuple[Monomial, Any], ...]
    unknown: Monomial | None = None

    @property
    def leading(self) -> tuple[Monomial, Any]:
        """The largest term.

        Raises:
            Undecided: nothing is left but what is not known.
        """
        if not self.terms:
            raise Undecided("its terms cancel at the end of the run")
        return self.terms[0]


@one_thread_at_a_time
@lru_cache(maxsize=1024)
def leading_term(expression: Expression) -> tuple[Fraction, Fraction, float]:
    r"""The powers :math:`a`, :math:`b` and the coefficient in :math:`h\sim c\,x^a\ell^b` at the end of the run.

    Raises:
        ValueError: the end has no such term, or it depends on the horizon; the sentence says which.

    Example:
        >>> from lrtheory.schedules.expression import read
        >>> leading_term(read("(1 + cos(pi*u))/2"))
        (Fraction(2, 1), Fraction(0, 1), 2.4674011002723395)
    """
    found = []
    for horizon in HORIZONS if expression.depends_on("t", "T") else HORIZONS[:1]:
        x = Series((((Fraction(1), Fraction(0)), _context().mpf(1)),))
        u = _add(_constant(1), _scaled(x, -1))
        T = _constant(horizon)
        end = _expand(expression, {"u": u, "T": T, "t": _add(_constant(1), _times(T, u))})
        if not end.terms and end.unknown is None:
            raise Undecided("it is zero before the end of the run")
        (power, logarithms), coefficient = end.leading
        found.append((power, logarithms, float(coefficient)))
    if len({each[:2] for each in found}) > 1:
        raise Undecided("the order of its zero depends on the horizon")
    return found[0]


def _constant(value: Any) -> Series:
    context = _context()
    value = context.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else context.mpf(value)
    return Series(((ONE, value),) if value else ())


def _size(monomial: Monomial) -> tuple[Fraction, Fraction]:
    """Larger monomials have larger sizes."""
    return -monomial[0], monomial[1]


def _larger(first: Monomial | None, second: Monomial | None) -> Monomial | None:
    return max((each for each in (first, second) if each is not None), key=_size, default=None)


def _product(first: Monomial, second: Monomial) -> Monomial:
    return first[0] + second[0], first[1] + second[1]


def _collected(parts: list[tuple[Monomial, Any]], unknown: Monomial | None) -> Series:
    sums: dict[Monomial, list[Any]] = {}
    for monomial, coefficient in parts:
        if unknown is None or _size(monomial) > _size(unknown):
            sums.setdefault(monomial, []).append(coefficient)
    terms = []
    for monomial in sorted(sums, key=_size, reverse=True):
        total = _moderate(sum(sums[monomial]))
        if abs(total) > NEGLIGIBLE * max(map(abs, sums[monomial])):
            terms.append((monomial, total))
    if len(terms) > TERMS:
        unknown = _larger(unknown, terms[TERMS][0])
    return Series(tuple(terms[:TERMS]), unknown)


def _moderate(value: Any) -> Any:
    """The value, if it is no larger than the time and memory of its functions allow."""
    if value and abs(_context().mag(value)) > LARGEST_MAGNITUDE:
        raise Undecided(TOO_LARGE)
    return value


def _add(first: Series, second: Series) -> Series:
    return _collected([*first.terms, *second.terms], _larger(first.unknown, second.unknown))


def _scaled(series: Series, factor: Any) -> Series:
    return Series(tuple((monomial, coefficient * factor) for monomial, coefficient in series.terms), series.unknown)


def _times(first: Series, second: Series) -> Series:
    unknown = None
    for one, other in ((first, second), (second, first)):
        if one.unknown is not None:
            largest = other.terms[0][0] if other.terms else other.unknown
            unknown = unknown if largest is None else _larger(unknown, _product(one.unknown, largest))
    parts = [(_product(a, b), c * d) for a, c in first.terms for b, d in second.terms]
    return _collected(parts, unknown)


def _relative(series: Series) -> tuple[Monomial, Any, Series]:
    """The leading term, and ``r`` in: leading term times (1 + r)."""
    (power, logarithms), coefficient = series.leading
    inverse = Series((((-power, -logarithms), 1 / coefficient),))
    rest = _times(Series(series.terms[1:], series.unknown), inverse)
    return (power, logarithms), coefficient, rest


def _composed(small: Series, coefficients: list[Any]) -> Series:
    """The power series with these coefficients, of a series that tends to zero."""
    if not small.terms and small.unknown is None:
        return _constant(coefficients[0])
    total, power = _constant(coefficients[0]), _constant(1)
    for coefficient in coefficients[1:]:
        power = _times(power, small)
        total = _add(total, _scaled(power, coefficient))
    largest = small.terms[0][0] if small.terms else small.unknown
    beyond = reduce(_product, [largest] * len(coefficients), ONE)  # pyright: ignore
    return Series(tuple(term for term in total.terms if _size(term[0]) > _size(beyond)), _larger(total.unknown, beyond))


def _power(base: Series, exponent: Fraction) -> Series:
    _moderate(_context().mpf(exponent.numerator) / exponent.denominator)
    if exponent == 0:
        return _constant(1)
    if not base.terms and base.unknown is None and exponent > 0:
        return base
    (power, logarithms), coefficient, rest = _relative(base)
    if coefficient < 0 and exponent.denominator != 1:
        raise Undecided("it is no real number at the end of the run")
    context, binomial, coefficients = _context(), _context().mpf(1), []
    for order in range(TERMS + 1):
        coefficients.append(binomial)
        binomial *= (context.mpf(exponent.numerator) / exponent.denominator - order) / (order + 1)
    if exponent.denominator == 1 and 0 < exponent <= TERMS and rest.unknown is None:
        series = reduce(_times, [_add(_constant(1), rest)] * int(exponent))
    else:
        series = _composed(rest, coefficients)
    if abs(float(exponent) * context.log(abs(coefficient), 2)) > LARGEST_MAGNITUDE:
        raise Undecided(TOO_LARGE)
    scale = context.mpf(coefficient) ** (context.mpf(exponent.numerator) / exponent.denominator)
    return _times(Series((((power * exponent, logarithms * exponent), scale),)), series)


def _split(series: Series, name: str) -> tuple[Any, Series]:
    """The constant and the part that tends to zero of a series that stays finite."""
    if series.unknown is not None and _size(series.unknown) >= _size(ONE):
        raise Undecided("its terms cancel at the end of the run")
    if series.terms and _size(series.terms[0][0]) > _size(ONE):
        raise Undecided(f"the {name} in it grows without bound or oscillates at the end of the run")
    finite = sum(coefficient for monomial, coefficient in series.terms if monomial == ONE)
    return finite, Series(tuple(term for term in series.terms if term[0] != ONE), series.unknown)


def _taylor(derivatives: Callable[[Any], list[Any]], name: str) -> Callable[[Series], Series]:
    def apply(series: Series) -> Series:
        finite, small = _split(series, name)
        if abs(finite) > LARGEST_MAGNITUDE:
            raise Undecided(TOO_LARGE)
        cycle = derivatives(finite)
        cycle = [0 if abs(value) < NEGLIGIBLE else value for value in cycle]
        factorial, coefficients = _context().mpf(1), []
        for order in range(TERMS + 1):
            factorial *= max(order, 1)
            coefficients.append(cycle[order % len(cycle)] / factorial)
        return _composed(small, coefficients)

    return apply


def _exp(series: Series) -> Series:
    if series.terms and series.terms[0][0] == (Fraction(0), Fraction(1)):  # exp(c log(1/x)) is a power of x
        coefficient = series.terms[0][1]
        power = _fraction(-coefficient)
        rest = _exp(Series(series.terms[1:], series.unknown))
        return _times(Series((((power, Fraction(0)), _context().mpf(1)),)), rest)
    return _taylor(lambda at: [_context().exp(at)], "exponential")(series)


def _log(series: Series) -> Series:
    (power, logarithms), coefficient, rest = _relative(series)
    if coefficient <= 0 or logarithms:
        raise Undecided("the logarithm in it has no expansion at the end of the run")
    context = _context()
    coefficients = [context.mpf(0), *((-1) ** (order + 1) / context.mpf(order) for order in range(1, TERMS + 1))]
    exponent = context.mpf(power.numerator) / power.denominator
    of_power = Series((((Fraction(0), Fraction(1)), -exponent),) if power else ())
    return _add(_add(_constant(context.log(coefficient)), of_power), _composed(rest, coefficients))


def _fraction(value: Any) -> Fraction:
    """The fraction with a small denominator that a number is, or the fraction of the nearest double."""
    if abs(value) > LARGEST_NUMBER:
        raise Undecided(TOO_LARGE)
    near = Fraction(float(value))
    simple = near.limit_denominator(10**6)
    close = abs(_context().mpf(simple.numerator) / simple.denominator - value) <= NEGLIGIBLE * max(1, abs(value))
    return simple if close else near


def _sign(series: Series) -> int:
    """The sign just before the end of the run."""
    if not series.terms and series.unknown is None:
        return 0
    return 1 if series.leading[1] > 0 else -1


def _floor(series: Series) -> Series:
    finite, small = _split(series, "rounding")
    context = _context()
    nearest = context.nint(finite)
    if abs(finite - nearest) > NEGLIGIBLE * max(1, abs(finite)):
        return _constant(context.floor(finite))
    return _constant(nearest - (_sign(small) < 0))


def _holds(condition: Expression, values: dict[str, Series]) -> bool:
    """Whether a condition holds just before the end of the run."""
    if condition.operation == "true":
        return True
    if condition.operation in ("and", "or"):
        joined = all if condition.operation == "and" else any
        return joined(_holds(each, values) for each in condition.arguments)
    first, second = (_expand(each, values) for each in condition.arguments)
    sign = _sign(_add(first, _scaled(second, -1)))
    return {"<": sign < 0, "<=": sign <= 0, ">": sign > 0, ">=": sign >= 0}[condition.operation]


def _expand(node: Expression, values: dict[str, Series]) -> Series:
    context, operation = _context(), node.operation
    if operation == "number":
        return _constant(node.value)
    if operation in values:
        return values[operation]
    if operation in ("pi", "E"):
        return _constant(+context.pi if operation == "pi" else +context.e)
    if operation == "Piecewise":
        for value, condition in zip(node.arguments[::2], node.arguments[1::2]):
            if _holds(condition, values):
                return _expand(value, values)
        raise Undecided("it has no value at the end of the run")
    first, *others = (_expand(argument, values) for argument in node.arguments)
    if operation in ("Min", "Max"):
        wanted = 1 if operation == "Min" else -1
        for other in others:
            first = other if _sign(_add(first, _scaled(other, -1))) == wanted else first
        return first
    if operation == "**":
        return _general_power(first, others[0])
    second = others[0] if others else first  # of one argument it is not asked for
    if operation == "log" and others:
        return _times(_log(first), _power(_log(second), Fraction(-1)))
    if operation == "Mod":
        return _add(first, _scaled(_times(second, _floor(_times(first, _power(second, Fraction(-1))))), -1))
    return {
        "+": lambda: _add(first, second),
        "-": lambda: _add(first, _scaled(second, -1)),
        "*": lambda: _times(first, second),
        "/": lambda: _times(first, _power(second, Fraction(-1))),
        "sqrt": lambda: _power(first, Fraction(1, 2)),
        "exp": lambda: _exp(first),
        "log": lambda: _log(first),
        "sin": lambda: _SINE(first),
        "cos": lambda: _COSINE(first),
        "tan": lambda: _times(_SINE(first), _power(_COSINE(first), Fraction(-1))),
        "sinh": lambda: _scaled(_add(_exp(first), _scaled(_exp(_scaled(first, -1)), -1)), context.mpf(1) / 2),
        "cosh": lambda: _scaled(_add(_exp(first), _exp(_scaled(first, -1))), context.mpf(1) / 2),
        "tanh": lambda: _hyperbolic_tangent(first),
        "abs": lambda: _scaled(first, -1) if _sign(first) < 0 else first,
        "floor": lambda: _floor(first),
        "ceiling": lambda: _scaled(_floor(_scaled(first, -1)), -1),
    }[operation]()


def _general_power(base: Series, exponent: Series) -> Series:
    if exponent.unknown is None and all(monomial == ONE for monomial, _ in exponent.terms):
        return _power(base, _fraction(sum(coefficient for _, coefficient in exponent.terms)))
    return _exp(_times(exponent, _log(base)))


def _hyperbolic_tangent(series: Series) -> Series:
    twice = _exp(_scaled(series, 2))
    return _times(_add(twice, _constant(-1)), _power(_add(twice, _constant(1)), Fraction(-1)))


def _quarter_turns(at: Any) -> list[Any]:
    """The derivatives of the sine, which repeat."""
    sine, cosine = _context().sin(at), _context().cos(at)
    return [sine, cosine, -sine, -cosine]


_SINE = _taylor(_quarter_turns, "sine")
_COSINE = _taylor(lambda at: [*_quarter_turns(at)[1:], _quarter_turns(at)[0]], "cosine")
