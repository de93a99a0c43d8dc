"""Formulas: read from text through a whitelist, then evaluated in arrays, in symbols or to any number of digits.

Nothing in a text is executed. Python's own parser makes a syntax tree of it; :func:`read` translates the few kinds of
node that a formula may have into an :class:`Expression` and refuses every other in one sentence.

A formula may contain ``u`` (the part of the run that is over), ``t`` (the step, from 1), ``T`` (the horizon), numbers,
``pi`` and ``E``; ``+ - * / % **``, comparisons with ``and``, ``or``, ``&``, ``|``, and ``value if condition else value``;
and the functions of :data:`FUNCTIONS` and ``Piecewise((value, condition), ..., (value, True))``.
"""

import ast
import math
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache, reduce
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import sympy

NAMES = ("u", "t", "T")
CONSTANTS = {"pi": math.pi, "E": math.e}
FUNCTIONS: dict[str, tuple[int, ...]] = {
    "sqrt": (1,), "exp": (1,), "log": (1, 2), "sin": (1,), "cos": (1,), "tan": (1,), "sinh": (1,), "cosh": (1,),
    "tanh": (1,), "abs": (1,), "floor": (1,), "ceiling": (1,), "Mod": (2,), "Min": (), "Max": (),
}  # fmt: skip
"""The functions that a formula may call, with the numbers of arguments they take; none for any number."""
ALIASES = {"Abs": "abs", "ceil": "ceiling", "min": "Min", "max": "Max", "mod": "Mod", "ln": "log"}
LONGEST = 100_000
"""Characters of a formula."""
DEEPEST = 100
"""Levels of a formula: each is a call of the interpreter."""
LARGEST_POWER = 1000
"""The largest exponent of a number: beyond it an exact value would fill the memory."""
LARGEST_EXPONENT = 996
"""The largest binary exponent of a number: about 1e300."""
LARGEST_NUMBER = 1e300
"""The largest constant that is no plain number."""
LARGEST_MAGNITUDE = 10_000
"""The largest binary exponent of a function's argument, and of an expansion's coefficient: beyond, it takes for ever."""
MOST_BITS = 20_000
"""The most bits of a numerator or denominator."""
REMEMBERED = 2**14
"""How many formulas are kept as they were read: one takes a few kilobytes."""
ROUNDING = 1e-12
"""How far below zero a number may fall by rounding; where it must not be negative it is then zero."""

_ARITHMETIC = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Mod: "Mod", ast.Pow: "**", ast.BitAnd: "and",
    ast.BitOr: "or",
}  # fmt: skip
_COMPARISONS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">="}
_CONDITIONS = {"<", "<=", ">", ">=", "and", "or", "true"}


@dataclass(frozen=True, slots=True)
class Expression:
    """A formula as a tree.

    Args:
        operation: ``"number"``, a name, a constant, an operator, a function or ``"Piecewise"``.
        arguments: What it is applied to; for ``"Piecewise"`` values and conditions in turn.
        value: The exact value of a number.
    """

    operation: str
    arguments: "tuple[Expression, ...]" = ()
    value: Fraction | None = None
    _names: frozenset[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = {self.operation} if self.operation in NAMES else ()
        object.__setattr__(self, "_names", frozenset(own).union(*(each._names for each in self.arguments)))

    @property
    def is_condition(self) -> bool:
        """Whether the expression is a condition, which is true or false, and not a number."""
        return self.operation in _CONDITIONS

    def depends_on(self, *names: str) -> bool:
        """Whether one of the names occurs in it."""
        return not self._names.isdisjoint(names)

    def arrays(self) -> Callable[[Any, Any, Any], Any]:
        """The expression as a function of arrays of ``u``, ``t`` and of the horizon, in double precision."""
        return _arrays(self)

    def symbolic(self, values: "dict[str, sympy.Expr]") -> Any:
        """The expression in sympy, with ``values`` in the place of ``u``, ``t`` and ``T``."""
        return _symbolic(self, values)

    def digits(self, context: Any, values: dict[str, Any]) -> Any:
        """The expression as a number of an mpmath context, with ``values`` in the place of ``u``, ``t`` and ``T``.

        Example:
            >>> import mpmath
            >>> context = mpmath.mp.clone()
            >>> context.dps = 30
            >>> read("1 + cos(pi*u)").digits(context, {"u": context.mpf(1) / 3})
            mpf('1.5')
        """
        return _digits(self, context, values)


@lru_cache(maxsize=REMEMBERED)
def read(text: str) -> Expression:
    """The expression that a text denotes.

    Raises:
        ValueError: the text is no formula; the sentence says what in it is not.

    Example:
        >>> read("(1 - u)**2").arrays()(np.array([0.0, 0.5]), None, None)
        array([1.  , 0.25])
        >>> read("open('x')")
        Traceback (most recent call last):
        ...
        ValueError: it contains the sign "'"
    """
    if not isinstance(text, str):
        raise ValueError(f"it is no text but a {type(text).__name__}")
    if len(text) > LONGEST:
        raise ValueError(f"it has more than {LONGEST:,} characters")
    if strange := re.search(r"[^\w+\-*/%^().,<>=&|\s]|[^\x00-\x7f]", text):
        raise ValueError(f'it contains the sign "{strange.group()}"')
    if glued := re.search(r"(?<![A-Za-z_0-9])[\d.]+(?:[A-DF-Za-df-z_]|[eE](?![+-]?\d))\w*", text):
        raise ValueError(f"it has {glued.group()!r}, where a number and a name must be apart")
    try:
        tree = ast.parse(text.replace("^", "**").strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError("its brackets, operators and commas do not fit together") from None
    expression = _translate(tree, 0)
    if expression.is_condition:
        raise ValueError("it is a condition and no number")
    return expression


def _translate(node: ast.AST, depth: int) -> Expression:
    if depth > DEEPEST:
        raise ValueError(f"it is nested more than {DEEPEST} deep")

    def below(child: ast.AST) -> Expression:
        return _translate(child, depth + 1)

    match node:
        case ast.Constant(value=bool(value)):
            if not value:
                raise ValueError("it contains False, which no branch needs")
            return Expression("true")
        case ast.Constant(value=int() | float() as value):
            return _number(Fraction(repr(value)) if math.isfinite(value) else None)
        case ast.Name(id=name):
            if name not in (*NAMES, *CONSTANTS):
                raise ValueError(f"it may depend on u, t and T only, not on {name!r}")
            return Expression(name)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return _apply("-", _number(Fraction(0)), below(operand))
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _apply("+", _number(Fraction(0)), below(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
            return _apply(_ARITHMETIC[type(op)], below(left), below(right))
        case ast.BoolOp(op=op, values=values):
            name = "and" if isinstance(op, ast.And) else "or"
            return reduce(lambda first, second: _apply(name, first, second), map(below, values))
        case ast.Compare(left=left, ops=ops, comparators=comparators) if all(type(op) in _COMPARISONS for op in ops):
            sides = [below(each) for each in (left, *comparators)]
            pairs = [_apply(_COMPARISONS[type(op)], *pair) for op, pair in zip(ops, pairwise(sides))]
            return reduce(lambda first, second: _apply("and", first, second), pairs)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return _piecewise([below(body), below(test), below(orelse), Expression("true")])
        case ast.Call(func=ast.Name(id="Piecewise"), args=branches, keywords=[]):
            if not branches or not all(isinstance(each, ast.Tuple) and len(each.elts) == 2 for each in branches):
                raise ValueError("Piecewise takes pairs of a value and a condition")
            return _piecewise([below(part) for each in branches for part in each.elts])  # pyright: ignore
        case ast.Call(func=ast.Name(id=called), args=arguments, keywords=[]):
            name = ALIASES.get(called, called)
            if name not in FUNCTIONS:
                raise ValueError(f"{called!r} is none of the functions {', '.join([*FUNCTIONS, 'Piecewise'])}")
            if len(arguments) not in (FUNCTIONS[name] or range(1, 1001)):
                raise ValueError(f"{called} does not take {len(arguments)} arguments")
            return _apply(name, *map(below, arguments))
    raise ValueError(f"it contains {ast.unparse(node)[:60]!r}")


def _number(value: Fraction | None) -> Expression:
    if value is not None:
        above, below = value.numerator.bit_length(), value.denominator.bit_length()
        if max(above, below) <= MOST_BITS and (not value or abs(above - below) <= LARGEST_EXPONENT):
            return Expression("number", value=value)
    raise ValueError("a number in it is not 0 and beyond 1e-300 to 1e300, or has too many digits")


def _apply(operation: str, *arguments: Expression) -> Expression:
    """An operation on checked arguments; on numbers alone it is carried out, exactly where it can be."""
    for argument in arguments:
        if argument.is_condition != (operation in ("and", "or")):
            raise ValueError("a condition stands in it where a number must, or the other way round")
    result = Expression(operation, arguments)
    if operation in _CONDITIONS:
        return result
    values = [argument.value for argument in arguments]
    of_numbers = operation == "**" and not arguments[0].depends_on(*NAMES) and values[1] is not None
    if of_numbers and abs(values[1]) > LARGEST_POWER:  # pyright: ignore[reportArgumentType]
        raise ValueError(f"a number in it has an exponent beyond {LARGEST_POWER}")
    if operation in ("/", "Mod") and values[1] == 0:
        raise ValueError("it divides by zero")
    if operation in _EXACT and None not in values:
        return _number(Fraction(_EXACT[operation](*values)))
    if operation == "**" and None not in values and values[1].denominator == 1 and (values[0] or values[1] > 0):  # pyright: ignore
        return _number(values[0] ** int(values[1]))  # pyright: ignore
    if not result.depends_on(*NAMES):
        with np.errstate(all="ignore"):
            if not abs(float(_arrays(result)(None, None, None))) <= LARGEST_NUMBER:
                raise ValueError("a constant in it is no finite number")
    return result


_EXACT: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "Mod": operator.mod,
    "abs": abs, "floor": math.floor, "ceiling": math.ceil, "Min": min, "Max": max,
}  # fmt: skip


def _piecewise(parts: list[Expression]) -> Expression:
    if any(part.is_condition != (number % 2 == 1) for number, part in enumerate(parts)):
        raise ValueError("Piecewise takes pairs of a value and a condition")
    return Expression("Piecewise", tuple(parts))


_ON_ARRAYS: dict[str, Callable[..., Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": np.divide,
    "sqrt": lambda values: np.sqrt(_not_below_zero(values)), "exp": np.exp,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "sinh": np.sinh, "cosh": np.cosh, "tanh": np.tanh, "abs": np.abs,
    "floor": np.floor, "ceiling": np.ceil, "Mod": np.mod, "<": np.less, "<=": np.less_equal, ">": np.greater,
    ">=": np.greater_equal, "and": np.logical_and, "or": np.logical_or,
}  # fmt: skip


def _not_below_zero(values: Any) -> Any:
    """Zero for what rounding has made of zero: at a breakpoint the first root of a piece may be of less than nothing."""
    return np.where((values < 0) & (values >= -ROUNDING), 0.0, values)


@lru_cache(maxsize=REMEMBERED)
def _arrays(node: Expression) -> Callable[[Any, Any, Any], Any]:
    return _function(node)


def _function(node: Expression) -> Callable[[Any, Any, Any], Any]:
    arguments = [_function(argument) for argument in node.arguments]
    operation = node.operation
    if operation == "number":
        number = np.float64(node.value)  # the nearest double to the exact value
        return lambda u, t, T: number
    if operation in CONSTANTS:
        constant = np.float64(CONSTANTS[operation])
        return lambda u, t, T: constant
    if operation in NAMES:
        return {"u": lambda u, t, T: u, "t": lambda u, t, T: t, "T": lambda u, t, T: T}[operation]
    if operation == "true":
        return lambda u, t, T: np.True_
    if operation == "**":
        base, exponent = arguments
        return _power_of_arrays(base, exponent, node.arguments[1].value)
    if operation in ("Min", "Max"):
        smaller = np.minimum if operation == "Min" else np.maximum
        return lambda u, t, T: reduce(smaller, [argument(u, t, T) for argument in arguments])
    if operation == "log":
        if len(arguments) == 2:
            return lambda u, t, T: np.log(arguments[0](u, t, T)) / np.log(arguments[1](u, t, T))
        return lambda u, t, T: np.log(arguments[0](u, t, T))
    if operation == "Piecewise":
        branches = [*zip(arguments[::2], arguments[1::2])][::-1]

        def piecewise(u: Any, t: Any, T: Any) -> Any:
            value: Any = np.nan
            for branch, condition in branches:
                value = np.where(condition(u, t, T), branch(u, t, T), value)
            return value

        return piecewise
    function = _ON_ARRAYS[operation]
    if len(arguments) == 1:
        (only,) = arguments
        return lambda u, t, T: function(only(u, t, T))
    first, second = arguments
    return lambda u, t, T: function(first(u, t, T), second(u, t, T))


def _power_of_arrays(base: Any, exponent: Any, known: Fraction | None) -> Callable[[Any, Any, Any], Any]:
    if known == 2:
        return lambda u, t, T: np.square(base(u, t, T))
    if known == Fraction(1, 2):
        return lambda u, t, T: np.sqrt(_not_below_zero(base(u, t, T)))
    if known is not None and known.denominator > 1:
        return lambda u, t, T: np.power(_not_below_zero(base(u, t, T)), exponent(u, t, T))
    return lambda u, t, T: np.power(base(u, t, T), exponent(u, t, T))


def _symbolic(node: Expression, values: "dict[str, sympy.Expr]") -> Any:
    import sympy

    if node.operation == "number":
        return sympy.Rational(node.value.numerator, node.value.denominator)  # pyright: ignore
    if node.operation in values:
        return values[node.operation]
    arguments = [_symbolic(argument, values) for argument in node.arguments]
    if node.operation == "Piecewise":
        return sympy.Piecewise(*zip(arguments[::2], arguments[1::2]))
    functions: dict[str, Any] = {
        "pi": lambda: sympy.pi, "E": lambda: sympy.E, "true": lambda: sympy.true, "+": operator.add, "-": operator.sub,
        "*": operator.mul, "/": operator.truediv, "**": operator.pow, "<": operator.lt, "<=": operator.le,
        ">": operator.gt, ">=": operator.ge, "and": sympy.And, "or": sympy.Or, "abs": sympy.Abs,
    }  # fmt: skip
    return (functions.get(node.operation) or getattr(sympy, node.operation))(*arguments)


def _digits(node: Expression, context: Any, values: dict[str, Any]) -> Any:
    if node.operation == "number":
        return context.mpf(node.value.numerator) / node.value.denominator  # pyright: ignore
    if node.operation in values:
        return values[node.operation]
    if node.operation == "Piecewise":
        for value, condition in zip(node.arguments[::2], node.arguments[1::2]):
            if _digits(condition, context, values):
                return _digits(value, context, values)
        return context.nan
    arguments = [_digits(argument, context, values) for argument in node.arguments]
    if node.operation in _COSTLY:
        moderate(context, *arguments[node.operation == "**" :])
    functions: dict[str, Any] = {
        "pi": lambda: +context.pi, "E": lambda: +context.e, "true": lambda: True, "+": operator.add,
        "-": operator.sub, "*": operator.mul, "/": operator.truediv, "**": context.power, "<": operator.lt,
        "<=": operator.le, ">": operator.gt, ">=": operator.ge, "and": operator.and_, "or": operator.or_, "abs": abs,
        "Min": min, "Max": max, "ceiling": context.ceil, "Mod": lambda a, b: a - b * context.floor(a / b),
    }  # fmt: skip
    return (functions.get(node.operation) or getattr(context, node.operation))(*arguments)


_COSTLY = {"**", "exp", "sin", "cos", "tan", "sinh", "cosh", "tanh", "floor", "ceiling", "Mod"}
"""What needs as many bits as its argument is large."""


def moderate(context: Any, *values: Any) -> None:
    """Check that values are no larger than the time and memory of functions of them allow.

    Raises:
        OverflowError: one has a binary exponent above :data:`LARGEST_MAGNITUDE`.
    """
    for value in values:
        if value and context.isfinite(value) and context.mag(value) > LARGEST_MAGNITUDE:
            raise OverflowError("a number in it is too large for a function of it.")
