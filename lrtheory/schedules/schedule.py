"""What every schedule is: a value that knows its formula, its numbers and its end."""

import dataclasses
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from lrtheory.checks import checked_horizon, checked_numbers, checked_positive, exact, is_number, shown
from lrtheory.schedules.expression import REMEMBERED, ROUNDING, Expression, read

if TYPE_CHECKING:
    import sympy
    from matplotlib.axes import Axes
    from torch.optim import Optimizer
    from torch.optim.lr_scheduler import LRScheduler


@dataclass(frozen=True, repr=False)
class Schedule(ABC):
    r"""The shape of a learning rate over a run, :math:`h:[0,1]\to[0,\infty)`.

    .. math:: \eta_t = \mathrm{lr}\cdot h\big((t-1)/T\big), \qquad t = 1,\dots,T.

    A schedule is a shape; the learning rate that it scales is a number given separately. Each family is a frozen
    dataclass (:class:`lrtheory.Cosine`, :class:`lrtheory.Polynomial`, ...): a value that can be compared, hashed, pickled and
    printed so that it reads back. ``formula`` is the single source of truth: numbers, symbols and the behaviour at the end of
    the run are all made from it. A schedule of your own is a :class:`lrtheory.Formula`, or a subclass with a ``formula``.

    Example:
        >>> from lrtheory import Polynomial
        >>> Polynomial(2).expr
        (1 - u)**2
        >>> Polynomial(2).steps(4, lr=16.0)
        array([16.,  9.,  4.,  1.])
    """

    @property
    @abstractmethod
    def formula(self) -> str:
        """The shape as text in ``u`` (the part of the run that is over), ``t = 1 + T*u`` (the step) and ``T`` (the horizon)."""

    @property
    def name(self) -> str:
        """How the schedule is shown in tables and figures."""
        return repr(self)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        arguments, by_name = [], False
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value == field.default and (field.kw_only or value is None or isinstance(value, str)):
                by_name = True
                continue
            text = shown(value) if is_number(value) else repr(value)
            arguments.append(f"{field.name}={text}" if by_name or field.kw_only else text)
        return f"{type(self).__name__}({', '.join(arguments)})"

    @property
    def expression(self) -> Expression:
        """The formula as a tree of operations."""
        return _read(self)

    @property
    def expr(self) -> "sympy.Expr":
        """The shape :math:`h(u)` as a sympy expression in the symbols of :func:`symbols`."""
        return _symbolic(self)

    @property
    def degree(self) -> int | Fraction | float:
        r"""The order :math:`p` of the zero at the end of the run; 0 for a schedule that does not anneal.

        .. math:: p = \lim_{u\to1^-} -\frac{(1-u)\,h'(u)}{h(u)},

        so :math:`(1-u)^p` has degree :math:`p` and cosine has degree 2. Whole and fractional degrees are exact.

        Raises:
            ValueError: the shape does not end like a power of what remains of the run (up to logarithms).

        Example:
            >>> from lrtheory import Cosine, Constant, Polynomial
            >>> Cosine().degree, Constant().degree, Polynomial(0.5).degree
            (2, 0, Fraction(1, 2))
        """
        return self.end[0]

    @property
    def end(self) -> tuple[int | Fraction | float, int | Fraction | float, float]:
        r"""The numbers :math:`p`, :math:`q` and :math:`c` in :math:`h(u)\sim c\,(1-u)^p\,\ln(1/(1-u))^q` as :math:`u\to1`.

        Raises:
            ValueError: the shape has no such end.

        Example:
            >>> from lrtheory import Formula, WSD
            >>> WSD(0.2).end, Formula("(1 - u)*log(2/(1 - u))").end
            ((1, 0, 5.0), (1, 1, 1.0))
        """
        return _end(self)

    def __call__(self, u: Any, horizon: float = math.inf) -> Any:
        """The shape at ``u``, numerically.

        Args:
            u: Parts of the run that are over, in ``[0, 1]``, of any array shape.
            horizon: Number of steps, for the shapes that count them; the default is the limit of long runs.

        Returns:
            An array of the shape of ``u``, or a float for a number.

        Raises:
            ValueError: ``u`` leaves ``[0, 1]``, or the shape has no limit and so needs a horizon.

        Example:
            >>> from lrtheory import Cosine
            >>> Cosine()([0.0, 0.5, 1.0]).round(12)
            array([1. , 0.5, 0. ])
        """
        u = checked_numbers("u", u)
        if not np.all((u >= 0) & (u <= 1)):
            raise ValueError(
                "u is the part of the run that is over: it must lie in [0, 1]. For the rate of a step use at or steps."
            )
        with np.errstate(invalid="ignore"):  # without a horizon the first step is 1 + infinity * 0
            step = 1 + horizon * u
        values = self._values(u, step, horizon)
        return values if values.ndim else float(values)

    def at(self, step: Any, horizon: int) -> Any:
        r"""The factor of a step, :math:`h((t-1)/T)`: to the bit the entry of :meth:`steps`.

        Args:
            step: The step :math:`t`, from 1 to ``horizon``, or ``horizon + 1`` for where the run ends; or an array of them.
            horizon: Number of steps :math:`T`.

        Returns:
            A float for a number, an array for an array.

        Raises:
            ValueError: ``step`` is no whole number from 1 to ``horizon + 1``, or as :meth:`steps`.

        Example:
            >>> from lrtheory import Polynomial
            >>> Polynomial(2).at(3, horizon=4)
            0.25
        """
        horizon = checked_horizon(horizon)
        steps = np.asarray(step)
        if steps.dtype.kind not in "iu" or not ((steps >= 1) & (steps <= horizon + 1)).all():
            raise ValueError(f"step must be a whole number from 1 to the horizon + 1, {horizon + 1}, not {step!r}.")
        done = np.atleast_1d(steps - 1.0)  # a 0-dimensional array would take other paths through numpy
        values = self._values(done / horizon, 1 + done, horizon)
        return values.reshape(steps.shape) if steps.ndim else float(values[0])

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
        return checked_positive("lr", lr) * self._values(done / horizon, 1 + done, horizon)

    def lr_scheduler(self, optimizer: "Optimizer", horizon: int, *, start: int = 0) -> "LRScheduler":
        """This schedule as a torch scheduler: see :func:`lrtheory.optim.scheduler.lr_scheduler`."""
        from lrtheory.extras import load_torch

        load_torch("a torch scheduler")
        from lrtheory.optim.scheduler import lr_scheduler

        return lr_scheduler(self, optimizer, horizon, start=start)

    def optax(self, horizon: int, lr: float) -> "Callable[[Any], Any]":
        """This schedule for optax: see :func:`lrtheory.schedules.adapters.optax_schedule`."""
        from lrtheory.schedules.adapters import optax_schedule

        return optax_schedule(self, horizon, lr)

    def keras(self, horizon: int, lr: float) -> Any:
        """This schedule for Keras 3: see :func:`lrtheory.schedules.adapters.keras_schedule`."""
        from lrtheory.schedules.adapters import keras_schedule

        return keras_schedule(self, horizon, lr)

    def plot(self, horizon: int = 1000, ax: "Axes | None" = None) -> "Axes":
        """Draw the factor against the step.

        Args:
            horizon: Number of steps drawn.
            ax: The axes to draw on; new ones by default.
        """
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.subplots()[1]
        ax.step(np.arange(1, horizon + 1), self.steps(horizon), where="mid", label=self.name)
        ax.set(xlabel="step", ylabel="learning rate / base learning rate", xlim=(1, max(horizon, 2)))
        return ax

    def _values(self, u: np.ndarray, step: np.ndarray, horizon: float) -> np.ndarray:
        """The shape at points and steps that belong together: steps are passed on so that whole numbers stay whole."""
        expression = self.expression
        with np.errstate(all="ignore"):  # branches of a Piecewise are evaluated where they are not selected
            value = np.broadcast_to(expression.arrays()(u, step, np.float64(horizon)), u.shape).astype(np.float64)
        if np.isnan(value).any() and math.isinf(horizon) and expression.depends_on("t", "T"):
            raise ValueError(f"{self} counts steps: give its horizon, a number of steps.")
        if not np.isfinite(value).all():
            raise ValueError(f"{self} is not a finite number in places: a learning rate must be.")
        if (value < -ROUNDING).any():
            raise ValueError(f"{self} is negative in places: a learning rate must not be.")
        return np.maximum(value, 0.0)

    def _set(self, **values: Any) -> None:
        """Replace fields by what their checks made of them; for ``__post_init__`` only."""
        for name, value in values.items():
            object.__setattr__(self, name, value)


@lru_cache(maxsize=1)
def symbols() -> "tuple[sympy.Symbol, sympy.Symbol]":
    """The symbols of every schedule's expression: ``u`` in ``[0, 1]`` and the horizon ``T``."""
    import sympy

    return sympy.Symbol("u", nonnegative=True), sympy.Symbol("T", positive=True)


@lru_cache(maxsize=REMEMBERED)
def _read(schedule: Schedule) -> Expression:
    try:
        return read(schedule.formula)
    except ValueError as reason:  # as when a part of it has no step left
        raise ValueError(f"{schedule} has no values: {reason}.") from None


@lru_cache(maxsize=1024)
def _symbolic(schedule: Schedule) -> "sympy.Expr":
    import sympy

    u, horizon = symbols()
    expression = schedule.expression.symbolic({"u": u, "T": horizon, "t": 1 + horizon * u})
    return sympy.piecewise_fold(expression)  # pyright: ignore[reportReturnType]


@lru_cache(maxsize=1024)
def _end(schedule: Schedule) -> tuple[Any, Any, float]:
    from lrtheory.schedules.expansion import leading_term

    try:
        power, logarithms, coefficient = leading_term(schedule.expression)
    except ValueError as reason:
        raise ValueError(f"{schedule} has no degree: {reason}.") from None
    return _simple(power), _simple(logarithms), coefficient


def _simple(value: Fraction) -> int | Fraction | float:
    """A fraction as a whole number where it is one, and as a float where it only stands for an irrational number."""
    if value.denominator == 1:
        return int(value)
    return value if value.denominator < 10**15 else float(value)


def raised_to(floor: float | Fraction, formula: str) -> str:
    """The formula of a shape that falls from 1 to ``floor`` where the given one falls from 1 to 0."""
    return f"{exact(floor)} + (1 - {exact(floor)})*({formula})" if floor else formula


def substitute(formula: str, u: str, step: str, horizon: str) -> str:
    """A formula with other text in the place of ``u``, ``t`` and ``T``, for the schedules made of schedules."""
    replacement = {"u": f"({u})", "t": f"({step})", "T": f"({horizon})"}
    return re.sub(r"\b[utT]\b", lambda match: replacement[match.group()], formula)


def checked_schedule(name: str, value: Any) -> Schedule:
    """The value if it is a schedule, or one sentence saying that it must be."""
    if not isinstance(value, Schedule):
        raise TypeError(f"{name} must be a Schedule such as Cosine(), not {type(value).__name__}.")
    return value
