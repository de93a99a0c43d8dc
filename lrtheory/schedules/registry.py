"""The families of schedules by name, members that every law is tested on, and the reading of a name."""

import ast
from fractions import Fraction

from lrtheory.schedules.constant import Constant
from lrtheory.schedules.cosine import Cosine
from lrtheory.schedules.exponential import Exponential
from lrtheory.schedules.formula import Formula
from lrtheory.schedules.inverse_sqrt import InverseSqrt
from lrtheory.schedules.one_cycle import OneCycle
from lrtheory.schedules.piecewise import PiecewiseLinear
from lrtheory.schedules.polynomial import Polynomial
from lrtheory.schedules.robust import Robust
from lrtheory.schedules.schedule import Schedule
from lrtheory.schedules.sgdr import SGDR
from lrtheory.schedules.step_decay import StepDecay
from lrtheory.schedules.stlr import STLR
from lrtheory.schedules.then import Then
from lrtheory.schedules.warmup import Warmup
from lrtheory.schedules.wsd import WSD

FAMILIES: dict[str, type[Schedule]] = {
    family.__name__: family
    for family in (
        Constant, InverseSqrt, Polynomial, Cosine, Exponential, StepDecay, WSD, SGDR, OneCycle, STLR, Robust,
        PiecewiseLinear, Warmup, Then, Formula,
    )
}  # fmt: skip
"""The families that a name on the command line may call; add your own here."""

REGISTRY: tuple[Schedule, ...] = (
    Constant(),
    InverseSqrt(),
    Polynomial(0.5),
    Polynomial(1),
    Polynomial(2),
    Polynomial(3),
    Polynomial(2, floor=0.1),
    Cosine(),
    Cosine(floor=0.1),
    Exponential(0.01),
    StepDecay((0.5, 0.75), 0.1),
    WSD(0.2),
    WSD(0.2, "1-sqrt"),
    WSD(0.1, "cosine"),
    WSD(0.1, "1-square", floor=0.01),
    SGDR(3),
    OneCycle(),
    STLR(),
    Robust(16),
    PiecewiseLinear({4: 1, 8: 0.1}),
    PiecewiseLinear({2: 0.5, 3: 0.1}, "epochs", 2),
    Warmup(Cosine(), 0.05),
    Warmup(WSD(0.2), warmup_steps=10),
    Then(Constant(), Cosine(), 0.5),
    Then(InverseSqrt(), Polynomial(1), first_steps=7),
    Formula("(1 - u)**2 * exp(-u)"),
)
"""One or more members of each family: the laws that every schedule obeys are tested on these."""


def parse(text: str) -> Schedule:
    """The schedule that a name denotes, as on a command line.

    Args:
        text: A call of one of the families with plain numbers or words, as a schedule prints itself; the parentheses of an
            empty call may be left out, and capital letters do not matter.

    Raises:
        ValueError: the text is no such call; nothing in it is executed.

    Example:
        >>> parse("Polynomial(2)"), parse("warmup(cosine, 0.1)"), parse("Formula('(1 - u)**2', name='mine')")
        (Polynomial(2), Warmup(Cosine(), 0.1), Formula('(1 - u)**2', name='mine'))
    """
    families = {name.lower(): family for name, family in FAMILIES.items()}

    def build(node: ast.expr) -> object:
        if isinstance(node, ast.Name):
            return families[node.id.lower()]()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            arguments = {keyword.arg or "": build(keyword.value) for keyword in node.keywords}
            return families[node.func.id.lower()](*map(build, node.args), **arguments)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):  # an exact fraction
            return Fraction(ast.literal_eval(node.left), ast.literal_eval(node.right))
        if isinstance(node, ast.Dict):  # as pairs: a dictionary would hide a repeated key
            return [(build(key or ast.Name("**")), build(value)) for key, value in zip(node.keys, node.values)]
        try:
            return ast.literal_eval(node)
        except ValueError:  # of Python, about its own tree; those of the families are what the user should read
            raise SyntaxError from None

    try:
        schedule = build(ast.parse(text.strip(), mode="eval").body)
    except (KeyError, SyntaxError, TypeError, ZeroDivisionError, RecursionError, MemoryError):
        schedule = None
    if not isinstance(schedule, Schedule):
        raise ValueError(f"{text!r} is not a schedule; write one of {', '.join(FAMILIES)}, for example Polynomial(2).")
    return schedule
