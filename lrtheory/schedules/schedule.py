"""The record that every schedule is, and the questions it answers."""

import math
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import sympy
    from matplotlib.axes import Axes
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler

SMALLEST, LARGEST = 1e-75, 1e75
"""Of a part of a run, a knot, a length or a Lipschitz constant: products of a few must stay in the range of numbers."""
ROUNDING = 1e-12
"""How far below zero a shape may fall by rounding; it is then zero."""


@dataclass(frozen=True, repr=False)
class Schedule:
    r"""The shape of a learning rate over a run, :math:`h:[0,1]\to[0,\infty)`.

    .. math:: \eta_t = \mathrm{lr}\cdot h\big((t-1)/T\big), \qquad t = 1,\dots,T.

    A schedule is a shape; the learning rate that it scales is a number given separately. ``formula`` is the
    single source of truth: the symbolic, the numeric and the torch form are all made from it. The functions of
    this package (``Cosine()``, ``Polynomial(2)``, ...) write it; one of your own needs no class::

        Schedule("square-root decay", "sqrt(1 - u)")

    Args:
        name: How it is shown in tables and figures.
        formula: The shape as text that sympy reads, in ``u`` (the part of the run that is over, in ``[0, 1]``)
            and, for the few shapes that count steps, ``t = 1 + T*u`` (the step) and ``T`` (the horizon). Decimal
            fractions are read exactly. It is evaluated: pass only text that you wrote.

    Example:
        >>> from lrtheory import Polynomial
        >>> Polynomial(2).expr
        (1 - u)**2
        >>> Polynomial(2).steps(4, lr=16.0)
        array([16.,  9.,  4.,  1.])
    """

    name: str
    formula: str

    def __repr__(self) -> str:
        return self.name

    @property
    def expr(self) -> "sympy.Expr":
        """The shape :math:`h(u)` as a sympy expression in the symbols of :func:`symbols`."""
        return _expression(self)

    @property
    def degree(self) -> "sympy.Expr":
        r"""The order of the zero at the end of the run; 0 for a schedule that does not anneal.

        .. math:: p = \lim_{u\to1^-} -\frac{(1-u)\,h'(u)}{h(u)},

        computed from the expression, so ``(1-u)^p`` has degree ``p`` and cosine has degree 2.

        Example:
            >>> from lrtheory import Cosine, Constant
            >>> Cosine().degree, Constant().degree
            (2, 0)
        """
        return _degree(self)

    def __call__(self, u: Any, horizon: float = math.inf) -> np.ndarray:
        """The shape at ``u``, numerically.

        Args:
            u: Parts of the run that are over, in ``[0, 1]``, of any array shape.
            horizon: Number of steps, for the shapes that count them; the default is the limit of long runs.

        Raises:
            ValueError: ``u`` leaves ``[0, 1]``, or the shape has no limit and so needs a horizon.

        Example:
            >>> from lrtheory import Cosine
            >>> Cosine()([0.0, 0.5, 1.0]).round(12)
            array([1. , 0.5, 0. ])
        """
        u = checked_numbers("u", u)
        if not np.all((u >= 0) & (u <= 1)):
            raise ValueError("u is the part of the run that is over: it must lie in [0, 1].")
        with np.errstate(invalid="ignore"):  # without a horizon the first step is 1 + infinity * 0
            step = 1 + horizon * u
        return _values(self, u, step, horizon)

    def steps(self, horizon: int, lr: float = 1.0) -> np.ndarray:
        r"""The learning rates of a run.

        .. math:: \eta_t = \mathrm{lr}\cdot h\big((t-1)/T\big),\qquad t=1,\dots,T.

        Args:
            horizon: Number of steps :math:`T \ge 1`.
            lr: Base learning rate, positive.

        Returns:
            ``float64`` array of length ``horizon``.

        Raises:
            ValueError: ``horizon`` is not a positive integer, or ``lr`` is not positive and finite; or the shape is
                negative or no finite number in places.

        Example:
            >>> from lrtheory import Polynomial
            >>> Polynomial(1).steps(4)
            array([1.  , 0.75, 0.5 , 0.25])
        """
        horizon = checked_horizon(horizon)
        done = np.arange(float(horizon))
        return checked_positive("lr", lr) * _values(self, done / horizon, 1 + done, horizon)

    def lr_scheduler(
        self, optimizer: "Optimizer", horizon: int, *, groups: "Sequence[Schedule] | None" = None
    ) -> "LRScheduler":
        """This schedule as a torch scheduler: see :func:`lrtheory.optim.scheduler.lr_scheduler`."""
        from lrtheory.extras import load_torch

        load_torch("a torch scheduler")
        from lrtheory.optim.scheduler import lr_scheduler

        return lr_scheduler(self if groups is None else groups, optimizer, horizon)

    def plot(self, horizon: int = 1000, ax: "Axes | None" = None) -> "Axes":
        """Draw the shape against the part of the run that is over.

        Args:
            horizon: Number of steps drawn.
            ax: The axes to draw on; new ones by default.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        ax.step(np.arange(horizon) / horizon, self.steps(horizon), where="post", label=self.name)
        ax.set(xlabel="part of the run that is over", ylabel="learning rate / base rate", xlim=(0, 1))
        return ax


@lru_cache(maxsize=1)
def symbols() -> "tuple[sympy.Symbol, sympy.Symbol]":
    """The symbols of every schedule's expression: ``u`` in ``[0, 1]`` and the horizon ``T``."""
    import sympy

    return sympy.Symbol("u", nonnegative=True), sympy.Symbol("T", positive=True)


@lru_cache(maxsize=1024)
def _expression(schedule: Schedule) -> "sympy.Expr":
    import sympy

    u, horizon = symbols()
    expression: Any = _read(schedule).subs(_step(), 1 + horizon * u)
    return sympy.piecewise_fold(expression)  # pyright: ignore[reportReturnType]


@lru_cache(maxsize=1)
def _step() -> "sympy.Symbol":
    import sympy

    return sympy.Symbol("t", positive=True)


def _read(schedule: Schedule) -> Any:
    import sympy
    from sympy.core.function import AppliedUndef

    names: dict[str, Any] = {str(symbol): symbol for symbol in (*symbols(), _step())}
    try:
        expression: Any = sympy.sympify(schedule.formula, locals=names, rational=True)  # pyright: ignore[reportCallIssue]
    except Exception:  # the text is evaluated: whatever can go wrong there
        expression = None
    if not isinstance(expression, sympy.Expr) or expression.has(sympy.I, sympy.zoo, sympy.Lambda, AppliedUndef):
        raise ValueError(
            f"{schedule.name}: {schedule.formula!r} is no formula in u that sympy reads, such as '(1 - u)**2'."
        )
    strangers = expression.free_symbols - set(names.values())
    if strangers:
        raise ValueError(f"{schedule.name} may depend on u, t and T only, not on {sorted(map(str, strangers))}.")
    return expression


@lru_cache(maxsize=1024)
def _numeric(schedule: Schedule) -> Any:
    import sympy

    return sympy.lambdify((*symbols(), _step()), sympy.piecewise_fold(_read(schedule)), "numpy")


def _values(schedule: Schedule, u: np.ndarray, step: np.ndarray, horizon: float) -> np.ndarray:
    """The shape at points and steps that belong together: steps are passed on so that whole numbers stay whole."""
    with np.errstate(all="ignore"):  # branches of a Piecewise are evaluated where they are not selected
        value = np.broadcast_to(_numeric(schedule)(u, np.float64(horizon), step), u.shape).astype(np.float64)
    if np.isnan(value).any() and math.isinf(horizon) and _read(schedule).free_symbols - set(symbols()[:1]):
        raise ValueError(f"{schedule.name} counts steps: give its horizon, a number of steps.")
    if not np.isfinite(value).all():
        raise ValueError(f"{schedule.name} is not a finite number in places: a learning rate must be.")
    if (value < -ROUNDING).any():
        raise ValueError(f"{schedule.name} is negative in places: a learning rate must not be.")
    return np.maximum(value, 0.0)


@lru_cache(maxsize=1024)
def _degree(schedule: Schedule) -> "sympy.Expr":
    import sympy

    u, _ = symbols()
    remaining = sympy.Symbol("x", positive=True)
    end = last_piece(schedule.expr).subs(u, 1 - remaining)
    return sympy.limit(remaining * sympy.diff(end, remaining) / end, remaining, 0, "+")


def last_piece(expression: "sympy.Expr") -> "sympy.Expr":
    """The branch of a piecewise expression that holds just before ``u = 1``."""
    import sympy

    u, _ = symbols()
    while isinstance(expression, sympy.Piecewise):
        just_before = 1 - sympy.Rational(1, 10**12)
        expression = next(
            piece.expr  # pyright: ignore[reportAttributeAccessIssue]
            for piece in expression.args
            if piece.cond.subs(u, just_before) == True  # noqa: E712  # pyright: ignore
        )
    return expression


def substitute(formula: str, u: str, step: str, horizon: str) -> str:
    """A formula with other text in the place of ``u``, ``t`` and ``T``, for the schedules made of schedules."""
    replacement = {"u": f"({u})", "t": f"({step})", "T": f"({horizon})"}
    return re.sub(r"\b[utT]\b", lambda match: replacement[match.group()], formula)


def exact(value: float | Fraction) -> str:
    """A number as the exact fraction that its shortest decimal form denotes: 0.2 is ``1/5``."""
    return str(Fraction(repr(float(value))) if isinstance(value, float) else Fraction(value))


def shown(value: float | Fraction) -> str:
    """A number as schedules print it: the shortest decimal that reads back as the same float."""
    return str(int(value)) if value == int(value) else repr(float(value))


def checked_horizon(horizon: Any) -> int:
    """The horizon as an ``int``, or one sentence saying what it must be."""
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or horizon < 1:
        raise ValueError(f"horizon is a number of steps, a whole number of at least 1, not {horizon!r}.")
    return int(horizon)


def checked_positive(name: str, value: Any) -> float:
    """The value as a ``float``, or one sentence saying that it must be positive and finite."""
    if not (is_number(value) and 0 < value <= sys.float_info.max and float(value) > 0):  # some fractions are too small
        raise ValueError(f"{name} must be a positive, finite number, not {value!r}.")
    return float(value)


def checked_fraction(name: str, value: Any) -> float | Fraction:
    """A value strictly between 0 and 1 whose inverse and square are floats too, or one sentence saying so."""
    if not (is_number(value) and SMALLEST <= value < 1 and float(value) < 1):
        raise ValueError(f"{name} must lie strictly between 0 and 1, and not below {SMALLEST:g}; it is {value!r}.")
    return value


def checked_schedule(name: str, value: Any) -> Schedule:
    """The value if it is a schedule, or one sentence saying that it must be."""
    if not isinstance(value, Schedule):
        raise TypeError(f"{name} must be a Schedule such as Cosine(), not {type(value).__name__}.")
    return value


def checked_numbers(name: str, value: Any) -> np.ndarray:
    """The value as a ``float64`` array, or one sentence saying that it must be numbers."""
    try:
        return np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ValueError(f"{name} must be numbers that a float holds, not this {type(value).__name__}.") from None


def is_whole(value: Any) -> bool:
    """Whether the value is a whole number that a float holds exactly."""
    return is_number(value) and -(2**53) <= value <= 2**53 and value == int(value)


def is_number(value: Any) -> bool:
    """Whether the value is a real number (a boolean is not)."""
    return isinstance(value, int | float | Fraction | np.integer | np.floating) and not isinstance(value, bool)
