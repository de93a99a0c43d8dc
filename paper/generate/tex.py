"""Numbers and tables as TeX."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from lrtheory.estimate import Estimate

NAMES = {
    "Constant()": "constant", "InverseSqrt()": r"$1/\sqrt t$", "Polynomial(1)": "linear", "Polynomial(2)": "$p=2$",
    "Polynomial(3)": "$p=3$", "Polynomial(0.5)": r"$p=\frac12$", "Cosine()": "cosine", "WSD(0.2)": r"WSD, 20\,\%",
    "WSD(0.2, '1-sqrt')": r"WSD, $1-\sqrt{\cdot}$", "Exponential(0.01)": r"exponential to 1\,\%",
    "Robust(16)": "robust, $R=16$",
}  # fmt: skip
"""How schedules are called in tables."""

SIGNS = {"≥": r"$\ge$", "±": r"$\pm$", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#"}

Generated = Iterator[tuple[str, str]]
"""Pairs of a name and its TeX; names that end in ``.tex`` are files, the others values."""


def tabular(columns: str, header: list[str], rows: list[list[Any]], rules: tuple[int, ...] = ()) -> str:
    """A LaTeX tabular with the three rules of a book, and thin ones before some rows."""
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", " & ".join(header) + r" \\", r"\midrule"]
    for number, row in enumerate(rows):
        lines += [r"\midrule"] * (number in rules) + [" & ".join(map(str, row)) + r" \\"]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def table_float(caption: str, label: str, body: str) -> str:
    """A table with its caption above it."""
    head = rf"\begin{{table}}[tb]\centering\footnotesize\caption{{{caption}}}\label{{{label}}}"
    return f"{head}\n{body}\n" + r"\end{table}"


def figure_float(name: str, caption: str, *, width: str = "") -> str:
    """A figure with its caption below it; its label is its name."""
    head = rf"\begin{{figure}}[tb]\centering\includegraphics[width={width}\linewidth]{{{name}}}"
    return f"{head}\n" + rf"\caption{{{caption}}}\label{{fig:{name}}}\end{{figure}}"


def interval(estimate: Estimate, spec: str) -> str:
    """A number with its interval, minus signs as signs."""
    return format(estimate, spec).replace("-", "$-$")


def scientific(number: float, *, up: bool = False) -> str:
    """A number as a digit times a power of ten, rounded up for what is a bound."""
    power = math.floor(math.log10(number))
    digit = (math.ceil if up else round)(number / 10**power)
    if digit in (1, 10):
        return f"10^{{{power + (digit == 10)}}}"
    return rf"{digit}\cdot10^{{{power}}}"


def thousands(number: float) -> str:
    """A whole number with thin spaces."""
    return f"{number:,.0f}".replace(",", r"\,")


def power_of_ten(number: float) -> str:
    """A power of ten as one, other numbers with thin spaces."""
    exponent = round(math.log10(number))
    return f"$10^{{{exponent}}}$" if math.isclose(number, 10**exponent) else thousands(number)


def listed(items: Iterable[str]) -> str:
    """Items as English: a, b and c."""
    *first, last = items
    return f"{', '.join(first)} and {last}" if first else last


def escaped(text: str) -> str:
    """Text of tables as TeX."""
    return "".join(SIGNS.get(character, character) for character in text)
