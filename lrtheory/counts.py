"""Counts as people write them on a command line. Nothing large is imported here: a command with a quick answer needs them."""

import argparse
from decimal import Decimal, InvalidOperation


def count(text: str) -> int:
    """A whole number, which may also be written like 1e6.

    Raises:
        argparse.ArgumentTypeError: the text is none, or one of more than 30 digits.

    Example:
        >>> count("1e6"), count("100_000"), count("-1")
        (1000000, 100000, -1)
    """
    try:
        number = Decimal(text)
        if not number.is_finite() or number.adjusted() >= 30 or number != int(number):
            raise InvalidOperation
    except InvalidOperation:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number such as 1000 or 1e3") from None
    return int(number)
