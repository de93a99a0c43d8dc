r"""Gradient descent follows a flow, but not the gradient flow: the flow of a penalised loss.

A step of gradient descent, :math:`\theta\mapsto\theta-\eta g(\theta)`, is the time-:math:`\eta` map of

.. math:: \dot\theta=-\nabla\big(L+\tfrac{\eta}{4}\|\nabla L\|^2\big)+O(\eta^2):

the implicit gradient penalty, the first correction of :mod:`lrtheory.theory.modified_equation`. This file hands it out
for gradient descent and, from a file each, for heavy ball, mini-batches and Adam (:func:`implicit_penalty`).
What is a gradient beyond: :mod:`lrtheory.theory.gradient_corrections`; where the picture breaks:
:mod:`lrtheory.theory.quadratic`; a published misprint: :mod:`lrtheory.theory.equation_seven`.

**Status.** *Proved*; orders of accuracy are *verified*. **Source.** Barrett and Dherin, arXiv 2009.11162; rederived here.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from inspect import signature
from typing import Any, cast

import numpy as np
import sympy

from lrtheory.checks import checked_positive, is_number
from lrtheory.theory.modified_equation import ETA, step_defect
from lrtheory.theory.theorem import Theorem

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
            >>> implicit_penalty("gd").strength, implicit_penalty("heavy_ball", momentum=0.9).strength
            (1/4, 95/2)
        """
        return self.coefficient / self.speed

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
            >>> x = sympy.Symbol("x")
            >>> implicit_penalty("gd").loss(x**2, [x])
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
            >>> x = sympy.Symbol("x")
            >>> implicit_penalty("gd").expr(x**2, [x])
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
            >>> term = implicit_penalty("gd")
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
            >>> print(implicit_penalty("gd").latex())
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


def penalty() -> PenaltyTerm:
    r"""Full-batch gradient descent: :math:`\dot\theta=-\nabla\big(L+\tfrac\eta4\|\nabla L\|^2\big)+O(\eta^2)`.

    Source:
        Barrett and Dherin, arXiv 2009.11162. Proved by :func:`modified_equation` of order 2.
    """
    return PenaltyTerm("gradient descent", sympy.S.One, sympy.S.One, sympy.Rational(1, 4), GRADIENT**2)


OPTIMIZERS = {
    "gd": "implicit_penalty",
    "heavy_ball": "momentum_penalty",
    "minibatch": "minibatch_penalty",
    "adam": "adam_penalty",
}
"""The module of this package whose function ``penalty`` describes an optimizer."""


def implicit_penalty(optimizer: str = "gd", **hyper: Any) -> PenaltyTerm:
    r"""What an optimizer penalises without being asked to, to first order in its learning rate.

    ======================  ==================================================  ======================================
    optimizer               hyperparameters                                     follows
    ======================  ==================================================  ======================================
    ``"gd"``                                                                    the loss and a penalty on its gradient
    ``"heavy_ball"``        ``momentum``, ``convention``                        the same, a stronger penalty
    ``"minibatch"``         ``sampling``                                        penalises the batches' gradients
    ``"adam"``              ``beta1``, ``beta2``, ``epsilon``, ``placement``    rewards or penalises a 1-norm
    ======================  ==================================================  ======================================

    Args:
        optimizer: One of the four names.
        **hyper: Its hyperparameters; a numeric one that is left out stays a symbol of the formulas.

    Raises:
        ValueError: no such optimizer, or a hyperparameter out of its range.
        TypeError: the optimizer has no such hyperparameter.

    Example:
        >>> print(implicit_penalty("heavy_ball", momentum=0.5).latex())
        \dot\theta = -2\nabla\left(L + \frac{3 \eta}{2}\|\nabla L\|^2\right)
    """
    if optimizer not in OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(OPTIMIZERS)}, not {optimizer!r}.")
    describe = import_module(f"lrtheory.theory.{OPTIMIZERS[optimizer]}").penalty
    known = signature(describe).parameters
    for name in hyper:
        if name not in known:
            raise TypeError(f"{optimizer} has no hyperparameter {name!r}; it has {', '.join(known) or 'none'}.")
    return describe(**hyper)


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


def proof() -> dict[str, sympy.Expr]:
    """What one step of the penalised flow misses of one step of gradient descent, for any loss of two variables."""
    variables = sympy.symbols("x y")
    loss = sympy.Function("L")(*variables)
    descent = [-sympy.diff(loss, x) for x in variables]
    defects = step_defect(penalty().expr(loss, variables), descent, variables, 2)
    return {
        f"the power {power} of the step, {x}": sympy.expand(defect)
        for power, row in enumerate(defects, 1)
        for x, defect in zip(variables, row, strict=True)
    }


THEOREM = Theorem(
    name="implicit_penalty",
    statement="Gradient descent follows the flow of `L + (eta/4)‖∇L‖²`",
    status="proved",
    source="Barrett and Dherin, arXiv 2009.11162",
    module=__name__,
    attained="to second order in the step; orders of accuracy are verified",
    labels=("prop:penalty",),
    proof=proof,
)
