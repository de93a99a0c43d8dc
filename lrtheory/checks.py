"""What an argument must be: each check returns the value, or says in one sentence what it must be."""

import sys
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import numpy as np

SMALLEST, LARGEST = 1e-75, 1e75
"""Limits of a fraction of a run, a knot, a length or a Lipschitz constant: products of a few must stay floats."""


def checked_horizon(horizon: Any) -> int:
    """The horizon as an ``int``, or one sentence saying what it must be."""
    if not is_count(horizon) or horizon < 1:
        raise ValueError(f"horizon is a number of steps, a whole number of at least 1, not {horizon!r}.")
    return int(horizon)


def checked_whole(name: str, value: Any, low: int = 1, high: int | None = None) -> int:
    """A whole number in a range as an ``int``, or one sentence saying that it must be one."""
    if not is_count(value) or value < low or (high is not None and value > high):
        limits = f"of at least {low}" if high is None else f"from {low} to {high}"
        raise ValueError(f"{name} must be a whole number {limits}, not {value!r}.")
    return int(value)


def checked_positive(name: str, value: Any) -> float:
    """The value as a ``float``, or one sentence saying that it must be positive and finite."""
    if not (is_number(value) and 0 < value <= sys.float_info.max and float(value) > 0):  # some fractions are too small
        raise ValueError(f"{name} must be a positive, finite number, not {value!r}.")
    return float(value)


def checked_magnitude(name: str, value: Any) -> float:
    """The value as a ``float`` whose squares stay in the range of numbers, or one sentence saying what it must be."""
    value = checked_positive(name, value)
    if not SMALLEST <= value <= LARGEST:
        raise ValueError(f"{name} must be from {SMALLEST:g} to {LARGEST:g}, not {value:g}: choose another unit.")
    return value


def checked_length(distance: float | None, diameter: float | None) -> float:
    """The one length that was given, or one sentence saying that exactly one is needed."""
    if (distance is None) == (diameter is None):
        raise ValueError(
            "give exactly one length: distance (of the start from a minimiser) or diameter (of the domain)."
        )
    if distance is None:
        return checked_magnitude("diameter", diameter)
    return checked_magnitude("distance", distance)


def checked_fraction(name: str, value: Any) -> float | Fraction:
    """A value strictly between 0 and 1 whose inverse and square are floats too, or one sentence saying so."""
    if not (is_number(value) and SMALLEST <= value < 1 and float(value) < 1):
        raise ValueError(f"{name} must lie strictly between 0 and 1, and not below {SMALLEST:g}; it is {value!r}.")
    return plain(value)


def checked_floor(value: Any) -> float | Fraction:
    """A lowest rate over the base rate, in [0, 1), or one sentence saying what it must be."""
    if not (is_number(value) and (value == 0 or SMALLEST <= value < 1)):
        raise ValueError(
            f"floor must be 0 or lie in [{SMALLEST:g}, 1): the lowest rate over the base rate, not {value!r}."
        )
    return plain(value)


def checked_word(name: str, value: Any, words: Iterable[str]) -> str:
    """One of several words, or one sentence that lists them."""
    words = tuple(words)
    if not (isinstance(value, str) and value in words):
        raise ValueError(f"{name} must be {', '.join(map(repr, words[:-1]))} or {words[-1]!r}, not {value!r}.")
    return value


def checked_numbers(name: str, value: Any) -> np.ndarray:
    """The value as a ``float64`` array, or one sentence saying that it must be numbers."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be numbers that a float holds, not this {type(value).__name__}.") from None


def checked_steps(steps: Any) -> np.ndarray:
    """The steps that move, as ``float64``; or one sentence saying what steps must be."""
    steps = checked_numbers("steps", steps)
    if steps.ndim != 1 or not np.isfinite(steps).all() or (steps < 0).any() or not (steps > 0).any():
        raise ValueError("steps must be a one-dimensional sequence of finite numbers, none negative, one positive.")
    return steps[steps > 0]


def is_count(value: Any) -> bool:
    """Whether the value is an integer of Python or numpy (a boolean is not)."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    """Whether the value is a whole number that a float holds exactly."""
    return is_number(value) and -(2**53) <= value <= 2**53 and value == int(value)


def is_number(value: Any) -> bool:
    """Whether the value is a real number (a boolean is not)."""
    return isinstance(value, int | float | Fraction | np.integer | np.floating) and not isinstance(value, bool)


def plain(value: Any) -> int | float | Fraction:
    """A number as a whole number, as a float, or, where no short decimal denotes it, as a fraction.

    Numbers that denote the same value become the same, so that schedules made of them are equal.

    Example:
        >>> import numpy as np
        >>> plain(2.0), plain(Fraction(1, 5)), plain(Fraction(1, 3)), plain(np.float32(0.5))
        (2, 0.2, Fraction(1, 3), 0.5)
    """
    value = Fraction(exact(float(value) if isinstance(value, np.floating) else value))
    if value.denominator == 1:
        return int(value)
    return float(value) if Fraction(repr(float(value))) == value else value


def shown(value: float | Fraction) -> str:
    """A number as schedules print it: the shortest decimal that reads back as the same float, or an exact fraction."""
    if value == int(value):
        return str(int(value))
    return str(value) if isinstance(value, Fraction) else repr(float(value))


def exact(value: float | Fraction) -> str:
    """A number as the exact fraction that its shortest decimal form denotes: 0.2 is ``1/5``."""
    return str(Fraction(repr(float(value))) if isinstance(value, float) else Fraction(value))
