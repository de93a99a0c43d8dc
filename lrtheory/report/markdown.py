"""Facts as Markdown."""

import math
from functools import singledispatch

from lrtheory.report.values import (
    Accuracy,
    Bullets,
    Citation,
    Count,
    Grade,
    Interval,
    Listed,
    Name,
    PowerOfTen,
    Reference,
    Scientific,
    Signed,
    Table,
    Text,
    Value,
)


@singledispatch
def render(value: Value) -> str:
    """A value as Markdown.

    Raises:
        TypeError: the value is for the paper alone.

    Example:
        >>> render(Text(("about ", Count(27216), " runs in 95 % of them")))
        'about 27,216 runs in 95 % of them'
    """
    raise TypeError(f"{value!r} has no form in Markdown.")


@render.register
def _(value: str) -> str:
    return value


@render.register
def _(value: Count) -> str:
    return f"{value.number:,.0f}"


@render.register
def _(value: PowerOfTen) -> str:
    exponent = round(math.log10(value.number))
    return f"10^{exponent}" if math.isclose(value.number, 10**exponent) else render(Count(value.number))


@render.register
def _(value: Scientific) -> str:
    power = math.floor(math.log10(value.number))
    digit = (math.ceil if value.up else round)(value.number / 10**power)
    return f"1e{power + 1}" if digit == 10 else f"{digit}e{power}"


@render.register
def _(value: Interval) -> str:
    return format(value.estimate, value.spec)


@render.register
def _(value: Signed) -> str:
    return format(value.number, value.spec)


@render.register
def _(value: Name) -> str:
    return value.schedule


@render.register
def _(value: Accuracy) -> str:
    if math.isnan(value.mean):
        return "-"
    spread = "" if math.isnan(value.half_width) else f" ± {value.half_width:.2f}"
    return f"{value.mean:.2f}{spread}" + "*" * value.edge


@render.register
def _(value: Listed) -> str:
    *first, last = map(render, value.items)
    return f"{', '.join(first)} and {last}" if first else last


@render.register
def _(value: Citation) -> str:
    return value.words


@render.register
def _(_value: Reference) -> str:
    return ""


@render.register
def _(_value: Grade) -> str:
    return ""


@render.register
def _(value: Text) -> str:
    return "".join(map(render, value.parts))


@render.register
def _(value: Bullets) -> str:
    return "\n".join(f"* {render(item)}" for item in value.items)


@render.register
def _(value: Table) -> str:
    rows = [map(render, value.header), ["---"] * len(value.header), *(map(render, row) for row in value.rows)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
