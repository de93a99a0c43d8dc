"""What does the learning rate do over time?

One family a file; each is a function that returns a :class:`Schedule`, a shape :math:`h` on ``[0, 1]``.

Conventions, stated once:

* ``eta_t = lr * h((t - 1) / T)`` for ``t = 1 .. T``: the first step of a decay has the full rate, and the last step
  of an annealed schedule is small but not zero.
* A warm-up counts from ``t = 1``, so no step is wasted on a rate of zero.
* ``lr`` is a number, the base rate; a :class:`Schedule` is a shape, at most 1 in every family here.
* ``u`` is the part of the run that is over and ``T`` the horizon; the few shapes that count steps depend on both.
"""

import ast
from collections.abc import Callable

from lrtheory.schedules.constant import Constant
from lrtheory.schedules.cosine import Cosine
from lrtheory.schedules.exponential import Exponential
from lrtheory.schedules.inverse_sqrt import InverseSqrt
from lrtheory.schedules.one_cycle import OneCycle
from lrtheory.schedules.piecewise_linear import (
    COUNTINGS,
    FINAL_FACTORS,
    PiecewiseLinear,
    from_bert4keras,
    piecewise_linear,
)
from lrtheory.schedules.polynomial import Polynomial
from lrtheory.schedules.robust import Robust
from lrtheory.schedules.schedule import Schedule, symbols
from lrtheory.schedules.sgdr import SGDR
from lrtheory.schedules.stlr import STLR
from lrtheory.schedules.then import then
from lrtheory.schedules.warmup import warmup
from lrtheory.schedules.wsd import WSD

FAMILIES: dict[str, Callable[..., Schedule]] = {
    function.__name__: function
    for function in (
        Constant, InverseSqrt, Polynomial, Cosine, Exponential, WSD, SGDR, OneCycle, STLR, Robust, PiecewiseLinear,
        warmup, then,
    )
}  # fmt: skip

REGISTRY: tuple[Schedule, ...] = (
    Constant(),
    InverseSqrt(),
    Polynomial(0.5),
    Polynomial(1),
    Polynomial(2),
    Polynomial(3),
    Cosine(),
    Exponential(0.01),
    WSD(0.2),
    WSD(0.2, "1-sqrt"),
    SGDR(3),
    OneCycle(),
    STLR(),
    Robust(16),
    PiecewiseLinear({4: 1, 8: 0.1}),
    PiecewiseLinear({2: 0.5, 3: 0.1}, "epochs", 2),
    warmup(Cosine(), 0.05),
    then(Constant(), Cosine(), 0.5),
)
"""One or more members of each family: the laws that every schedule obeys are tested on these."""


def parse(text: str) -> Schedule:
    """The schedule that a name denotes, as on a command line.

    Args:
        text: A call of one of the families with plain numbers or words, as :class:`Schedule` prints itself;
            the parentheses of an empty call may be left out.

    Raises:
        ValueError: the text is no such call; nothing in it is executed.

    Example:
        >>> parse("Polynomial(2)") == Polynomial(2), parse("warmup(Cosine(), 0.1)") == warmup(Cosine(), 0.1)
        (True, True)
    """
    families = {name.lower(): function for name, function in FAMILIES.items()}

    def build(node: ast.expr) -> object:
        if isinstance(node, ast.Name):
            return families[node.id.lower()]()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            arguments = {keyword.arg or "": build(keyword.value) for keyword in node.keywords}
            return families[node.func.id.lower()](*map(build, node.args), **arguments)
        if isinstance(node, ast.Dict):  # as pairs: a dictionary would hide a repeated key
            return [(build(key or ast.Name("**")), build(value)) for key, value in zip(node.keys, node.values)]
        try:
            return ast.literal_eval(node)
        except ValueError:  # of Python, about its own tree; those of the families are what the user should read
            raise SyntaxError from None

    try:
        schedule = build(ast.parse(text.strip(), mode="eval").body)
    except (KeyError, SyntaxError, TypeError):
        schedule = None
    if not isinstance(schedule, Schedule):
        raise ValueError(f"{text!r} is not a schedule; write one of {', '.join(FAMILIES)}, for example Polynomial(2).")
    return schedule


__all__ = [
    "COUNTINGS", "FAMILIES", "FINAL_FACTORS", "REGISTRY", "SGDR", "STLR", "WSD", "Constant", "Cosine", "Exponential",
    "InverseSqrt", "OneCycle", "PiecewiseLinear", "Polynomial", "Robust", "Schedule", "from_bert4keras", "parse",
    "piecewise_linear", "symbols", "then", "warmup",
]  # fmt: skip
