r"""The record of an implicit penalty: what an optimizer follows to first order in its learning rate."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np
import sympy

from lrtheory.checks import checked_positive, is_number
from lrtheory.theory.backward_error import ETA

GRADIENT = sympy.Symbol("g", real=True)
"""One component of a gradient in the formulas of a :class:`PenaltyTerm`."""


@dataclass(frozen=True)
class PenaltyTerm:
    r"""What an optimizer follows to first order in its learning rate.

    .. math:: \dot\theta_j=-P(g_j)\Big[s\,g_j+\eta\,c(g_j)\,\partial_jR\Big],\qquad R=\sum_ir(g_i),

    in a time that advances by :math:`\eta` with every step. The four functions are sympy expressions in ``g``
    (one component of the gradient) and the hyperparameters; all the forms below are made from them.

    Attributes:
        optimizer: Its name.
        preconditioner: :math:`P`, 1 except for adaptive methods.
        speed: :math:`s`, the time scale, 1 except for heavy ball in its usual form.
        coefficient: :math:`c`; negative where the optimizer rewards what others penalise.
        density: :math:`r`.
        per_batch: Whether :math:`R` is the mean of the batches' penalties, or the penalty of the mean gradient.
    """

    optimizer: str
    preconditioner: sympy.Expr
    speed: sympy.Expr
    coefficient: sympy.Expr
    density: sympy.Expr
    per_batch: bool = False

    @property
    def strength(self) -> sympy.Expr:
        r"""The multiplier :math:`c/s` of :math:`\eta R` in the penalised loss.

        Example:
            >>> from lrtheory.theory import gradient_descent, heavy_ball
            >>> gradient_descent().strength, heavy_ball(momentum=0.9).strength
            (1/4, 95/2)
        """
        return self.coefficient / self.speed

    @property
    def expression(self) -> sympy.Expr:
        r"""The corrected flow :math:`\dot\theta_j` in ``g`` :math:`=g_j`, ``eta`` and ``dR`` :math:`=\partial_jR`.

        Example:
            >>> from lrtheory.theory import gradient_descent, heavy_ball
            >>> gradient_descent().expression, heavy_ball(momentum=0.5).expression
            (-dR*eta/4 - g, -3*dR*eta - 2*g)
        """
        slope = sympy.Symbol("dR", real=True)
        return sympy.expand(-self.preconditioner * (self.speed * GRADIENT + ETA * self.coefficient * slope))

    @property
    def has_loss(self) -> bool:
        """Whether the corrected flow is the gradient flow of a penalised loss, up to a time scale."""
        return self.preconditioner == 1 and not self.coefficient.has(GRADIENT)

    def loss(
        self, losses: sympy.Expr | Sequence[sympy.Expr], variables: Sequence[sympy.Symbol], lr: Any = ETA
    ) -> sympy.Expr:
        r"""The penalised loss :math:`\tilde L=L+\eta\,\tfrac cs R` for a concrete loss.

        Args:
            losses: The loss, or the losses of the batches, of which :math:`L` is the mean.
            variables: The symbols it depends on.
            lr: A number or a symbol.

        Raises:
            ValueError: the optimizer follows no penalised loss (Adam).

        Example:
            >>> from lrtheory.theory import gradient_descent
            >>> x = sympy.Symbol("x")
            >>> gradient_descent().loss(x**2, [x])
            eta*x**2 + x**2
        """
        if not self.has_loss:
            raise ValueError(f"{self.optimizer} follows no penalised loss, only a corrected field: use expr.")
        batches = _batches(losses)
        return sympy.Add(*batches) / len(batches) + sympy.sympify(lr) * self.strength * self._penalty(
            batches, variables
        )

    def expr(
        self, losses: sympy.Expr | Sequence[sympy.Expr], variables: Sequence[sympy.Symbol], lr: Any = ETA
    ) -> list[sympy.Expr]:
        r"""The components of the corrected field :math:`\dot\theta` for a concrete loss.

        Args:
            losses: The loss, or the losses of the batches, of which :math:`L` is the mean.
            variables: The symbols it depends on.
            lr: A number or a symbol.

        Example:
            >>> from lrtheory.theory import gradient_descent
            >>> x = sympy.Symbol("x")
            >>> gradient_descent().expr(x**2, [x])
            [-2*eta*x - 2*x]
        """
        batches = _batches(losses)
        mean = sympy.Add(*batches) / len(batches)
        penalty = self._penalty(batches, variables)
        field = []
        for x in variables:
            gradient = sympy.diff(mean, x)
            pull = self.speed * gradient + sympy.sympify(lr) * self.coefficient.subs(GRADIENT, gradient) * sympy.diff(
                penalty, x
            )
            field.append(
                sympy.expand(-pull)
                if self.preconditioner == 1
                else -self.preconditioner.subs(GRADIENT, gradient) * pull
            )
        return field

    def field(
        self,
        theta: Any,
        gradient: Callable[[np.ndarray], Any],
        hessian_vector: Callable[[np.ndarray, np.ndarray], Any],
        lr: float,
    ) -> np.ndarray:
        r"""The corrected field :math:`\dot\theta` at a point, from two functions; no Hessian is formed.

        Args:
            theta: The point, shape ``(n,)``.
            gradient: ``gradient(theta)``, shape ``(n,)``; or ``(batches, n)``, a row for each batch.
            hessian_vector: ``hessian_vector(theta, v)``: the Hessian times ``v``, of the shape of ``gradient``; with
                batches, each row is multiplied by the Hessian of its own batch.
            lr: Learning rate :math:`\eta`, positive.

        Returns:
            Array of shape ``(n,)``.

        Raises:
            ValueError: ``lr`` is not positive, or a hyperparameter was left as a symbol.

        Example:
            >>> from lrtheory.theory import gradient_descent
            >>> term = gradient_descent()
            >>> term.field([1.0, 2.0], lambda x: 3 * x, lambda x, v: 3 * v, lr=0.1)  # L = 3/2 |x|^2
            array([-3.45, -6.9 ])
        """
        lr = checked_positive("lr", lr)
        preconditioner, coefficient, slope = self._numeric
        theta = np.asarray(theta, dtype=np.float64)
        found = np.asarray(gradient(theta), dtype=np.float64)
        rows = np.atleast_2d(found)
        mean = rows.mean(axis=0)
        penalised = rows if self.per_batch else np.broadcast_to(mean, rows.shape)
        direction = (slope(penalised) * np.ones_like(rows)).reshape(found.shape)
        pull = np.atleast_2d(np.asarray(hessian_vector(theta, direction), dtype=np.float64)).mean(axis=0)
        return -preconditioner(mean) * (float(self.speed) * mean + lr * coefficient(mean) * pull)

    def latex(self) -> str:
        r"""The corrected flow as LaTeX, without the remainder.

        Example:
            >>> from lrtheory.theory import gradient_descent
            >>> print(gradient_descent().latex())
            \dot\theta = -\nabla\left(L + \frac{\eta}{4}\|\nabla L\|^2\right)
        """
        if self.has_loss:
            speed = "" if self.speed == 1 else sympy.latex(self.speed)
            norm = r"\frac{1}{m}\sum_k\|\nabla L_k\|^2" if self.per_batch else r"\|\nabla L\|^2"
            strength = sympy.latex(ETA * self.strength)
            return rf"\dot\theta = -{speed}\nabla\left(L + {strength}{norm}\right)"
        g_i, g_j = sympy.symbols("g_i g_j", real=True)
        preconditioner, coefficient = (
            sympy.latex(part.subs(GRADIENT, g_j)) for part in (self.preconditioner, self.coefficient)
        )
        density = sympy.latex(self.density.subs(GRADIENT, g_i))
        return (
            rf"\dot\theta_j = -{preconditioner}\left(g_j + \eta\left({coefficient}\right)"
            rf"\partial_j\sum_i\left({density}\right)\right)"
        )

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _penalty(self, batches: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol]) -> sympy.Expr:
        penalised = batches if self.per_batch else [sympy.Add(*batches) / len(batches)]
        densities = [self.density.subs(GRADIENT, sympy.diff(loss, x)) for loss in penalised for x in variables]
        return sympy.Add(*densities) / len(penalised)

    @cached_property
    def _numeric(self) -> tuple[Callable[..., Any], ...]:
        parts = (self.preconditioner, self.coefficient, sympy.diff(self.density, GRADIENT))
        unknown = set().union(self.speed.free_symbols, *(part.free_symbols for part in parts)) - {GRADIENT}
        if unknown:
            raise ValueError(f"give a number for {', '.join(sorted(map(str, unknown)))} to evaluate {self.optimizer}.")
        return tuple(sympy.lambdify(GRADIENT, part, "numpy") for part in parts)


def hyperparameter(name: str, symbol: sympy.Symbol, value: float | None, *, below: float = math.inf) -> sympy.Expr:
    """A hyperparameter as an exact number, or its symbol when none is given.

    Args:
        name: The argument's name, for messages.
        symbol: Its symbol in the formulas.
        value: A number of at least 0, read as the fraction that its shortest decimal form denotes; or None.
        below: The number that it must stay below.

    Raises:
        ValueError: the number is out of range.
    """
    if value is None:
        return symbol
    if not (is_number(value) and 0 <= value < below):
        limit = "finite and at least 0" if below == math.inf else f"at least 0 and below {below:g}"
        raise ValueError(f"{name} must be {limit}, not {value!r}.")
    return cast(sympy.Expr, sympy.Rational(str(value)))


def _batches(losses: sympy.Expr | Sequence[sympy.Expr]) -> list[sympy.Expr]:
    given = losses if isinstance(losses, Sequence) else [losses]
    return [cast(sympy.Expr, sympy.sympify(loss)) for loss in given]
