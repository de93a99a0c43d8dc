"""Facts as TeX."""

import math
import re
from functools import singledispatch

from lrtheory.report.values import (
    Accuracy,
    Captioned,
    Citation,
    Count,
    Figure,
    Grade,
    Interval,
    Lines,
    Listed,
    Name,
    PowerOfTen,
    Reference,
    Scientific,
    Signed,
    Table,
    Tex,
    Text,
    Value,
)

NAMES = {
    "Constant()": "constant", "InverseSqrt()": r"$1/\sqrt t$", "Polynomial(1)": "linear", "Polynomial(2)": "$p=2$",
    "Polynomial(3)": "$p=3$", "Polynomial(0.5)": r"$p=\frac12$", "Cosine()": "cosine", "WSD(0.2)": r"WSD, 20\,\%",
    "WSD(0.2, '1-sqrt')": r"WSD, $1-\sqrt{\cdot}$", "Exponential(0.01)": r"exponential to 1\,\%",
    "Robust(16)": "robust, $R=16$",
}  # fmt: skip
"""How the paper calls schedules; others by their names in the package."""

SIGNS = {"≥": r"$\ge$", "±": r"$\pm$", "&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "‖": r"$\|$", "²": "$^2$"}


@singledispatch
def render(value: Value) -> str:
    """A value as TeX.

    Raises:
        TypeError: the value has no form in TeX.

    Example:
        >>> render(Text(("about ", Count(27216), " runs in 95 % of them")))
        'about 27\\\\,216 runs in 95\\\\,\\\\% of them'
    """
    raise TypeError(f"{value!r} has no form in TeX.")


@render.register
def _(value: str) -> str:
    return _thin("".join(SIGNS.get(character, character) for character in value))


def _thin(text: str) -> str:
    """A thin space between a number and its per cent sign."""
    return re.sub(r"(?<=\d) \\%", r"\\,\\%", text)


@render.register
def _(value: Tex) -> str:
    return value.text


@render.register
def _(value: Count) -> str:
    return f"{value.number:,.0f}".replace(",", r"\,")


@render.register
def _(value: PowerOfTen) -> str:
    exponent = round(math.log10(value.number))
    return f"$10^{{{exponent}}}$" if math.isclose(value.number, 10**exponent) else render(Count(value.number))


@render.register
def _(value: Scientific) -> str:
    power = math.floor(math.log10(value.number))
    digit = (math.ceil if value.up else round)(value.number / 10**power)
    if digit in (1, 10):
        return f"10^{{{power + (digit == 10)}}}"
    return rf"{digit}\cdot10^{{{power}}}"


@render.register
def _(value: Interval) -> str:
    return format(value.estimate, value.spec).replace("-", "$-$")


@render.register
def _(value: Signed) -> str:
    return format(value.number, value.spec).replace("-", "$-$")


@render.register
def _(value: Name) -> str:
    return NAMES.get(value.schedule) or render(value.schedule)


@render.register
def _(value: Accuracy) -> str:
    if math.isnan(value.mean):
        return "--"
    text = rf"\mathbf{{{value.mean:.1f}}}" if value.best else f"{value.mean:.1f}"
    spread = "" if math.isnan(value.half_width) else rf" \pm {value.half_width:.1f}"
    mark = r"^{\dagger}" if value.differs else ""
    return f"${text}{spread}{mark}$" + "*" * value.edge


@render.register
def _(value: Listed) -> str:
    *first, last = map(render, value.items)
    return f"{', '.join(first)} and {last}" if first else last


@render.register
def _(value: Citation) -> str:
    return rf"\citet{{{value.key}}}"


@render.register
def _(value: Reference) -> str:
    return rf" (\cref{{{','.join(value.labels)}}})"


@render.register
def _(value: Grade) -> str:
    return rf" \{value.status}"


@render.register
def _(value: Text) -> str:
    return _thin("".join(map(render, value.parts)))


@render.register
def _(value: Lines) -> str:
    return "\n".join(map(render, value.parts))


@render.register
def _(value: Table) -> str:
    """A tabular with the three rules of a book, and thin ones before some rows."""
    columns = value.columns or "l" * len(value.header)
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", _row(value.header), r"\midrule"]
    for number, row in enumerate(value.rows):
        lines += [r"\midrule"] * (number in value.rules) + [_row(row)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _row(cells: Value) -> str:
    return " & ".join(map(render, cells)) + r" \\"


@render.register
def _(value: Captioned) -> str:
    caption = render(value.caption)
    head = rf"\begin{{table}}[tb]\centering\footnotesize\caption{{{caption}}}\label{{{value.label}}}"
    return f"{head}\n{render(value.table)}\n" + r"\end{table}"


@render.register
def _(value: Figure) -> str:
    head = rf"\begin{{figure}}[tb]\centering\includegraphics[width={value.width}\linewidth]{{{value.name}}}"
    return f"{head}\n" + rf"\caption{{{render(value.caption)}}}\label{{fig:{value.name}}}\end{{figure}}"
