r"""The differential equation that a discrete method follows exactly, as a series in its step.

A step :math:`y\mapsto y+hf(y)` is the time-``h`` map of :math:`\dot y=f-\tfrac h2f'f+h^2(\tfrac13f'f'f+\tfrac1{12}f''(f,f))
-\dots`, a formal series over rooted trees (a B-series) with exact rational coefficients, here to any order
(:func:`modified_equation`). Truncated after the power ``k - 1`` it is followed to order ``k``.

**Status.** *Proved* (the recursion of :func:`backward_error`), and *verified* by :func:`step_defect` and by measured orders.

**Source.** Hairer, Lubich and Wanner, Geometric Numerical Integration, chapter IX.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, Literal, cast

import numpy as np
import sympy
from scipy.integrate import solve_ivp

from lrtheory.checks import checked_positive, checked_whole
from lrtheory.theory.rooted_trees import Tree, cuts, rooted_trees, size, symmetry
from lrtheory.theory.theorem import Theorem

ETA = sympy.Symbol("eta", positive=True)
"""The learning rate in every formula of the penalty modules."""


def backward_error(order: int, weights: Sequence[Any], scale: Any = 1) -> dict[Tree, sympy.Expr]:
    r"""The B-series coefficients of the flow that a recurrence follows exactly.

    Let :math:`D` be the derivative along an unknown flow :math:`\dot y=\tilde f(y)`. A recurrence whose values lie on
    the flow, ``h`` apart, reads

    .. math:: \sum_{j\ge1}w_j\,(hD)^jy=s\,h\,f(y):

    :math:`w_j=1/j!` for :math:`y_{n+1}-y_n=hf(y_n)`. With
    :math:`\tilde f=\sum_\tau h^{|\tau|-1}\frac{b(\tau)}{\sigma(\tau)}F(\tau)`, applying :math:`D` to a B-series sums
    over the cuts of one edge, which gives one linear equation a tree, solved in order of size.

    Args:
        order: Number of nodes of the largest trees.
        weights: :math:`w_1,\dots,w_{order}`: rational numbers or sympy expressions, the first not zero.
        scale: :math:`s`.

    Returns:
        The multiplier :math:`b(\tau)/\sigma(\tau)` of each elementary differential.

    Source:
        The recursion: Hairer, Lubich and Wanner, Geometric Numerical Integration, section IX.9.
    """
    weights = [sympy.sympify(weight) for weight in weights]
    solved: dict[Tree, sympy.Expr] = {}
    derivatives: dict[tuple[int, Tree], sympy.Expr] = {}  # coefficients of (hD)^j y
    for tree in [tree for nodes in range(1, order + 1) for tree in rooted_trees(nodes)]:
        rest = sympy.sympify(scale if tree == () else 0)
        for j in range(2, size(tree) + 1):
            along = [derivatives[j - 1, kept] * solved[fallen] for kept, fallen in cuts(tree) if size(kept) >= j - 1]
            derivatives[j, tree] = sympy.Add(*along)
            rest -= weights[j - 1] * derivatives[j, tree]
        solved[tree] = derivatives[1, tree] = cast(sympy.Expr, sympy.factor(rest / weights[0]))
    return {tree: coefficient / symmetry(tree) for tree, coefficient in solved.items()}


@dataclass(frozen=True)
class ModifiedEquation:
    r"""The differential equation that a method follows, truncated.

    .. math:: \dot y=\sum_{|\tau|\le\text{order}}h^{|\tau|-1}c(\tau)\,F(\tau)(y)

    Following it for a fixed time makes an error :math:`O(h^{\text{order}})`.

    Attributes:
        order: Number of powers of the step that are kept, and the order of accuracy.
        terms: Pairs of a rooted tree and its exact multiplier :math:`c(\tau)`, zeros included.
    """

    order: int
    terms: tuple[tuple[Tree, sympy.Expr], ...]

    def expr(
        self, field: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol], step: sympy.Expr = ETA
    ) -> list[sympy.Expr]:
        r"""The right-hand side for a concrete vector field.

        Args:
            field: The components of :math:`f`, for gradient descent those of :math:`-\nabla L`.
            variables: The symbols that the field depends on, as many as components.
            step: The step :math:`h`.

        Raises:
            ValueError: the numbers of components and variables differ.

        Example:
            >>> y, h = sympy.symbols("y h")
            >>> modified_equation(4).expr([y**2], [y], h)
            [-8*h**3*y**5/3 + 3*h**2*y**4/2 - h*y**3 + y**2]
        """
        if len(field) != len(variables):
            raise ValueError(f"field has {len(field)} components but there are {len(variables)} variables.")
        field = [sympy.sympify(component) for component in field]
        known: dict[Tree, list[sympy.Expr]] = {}
        for tree, _ in self.terms:
            known[tree] = _elementary_differential(tree, field, variables, known)
        return [
            sympy.Add(*(step ** (size(tree) - 1) * c * known[tree][i] for tree, c in self.terms if c != 0))
            for i in range(len(field))
        ]

    def numeric(
        self, field: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol], step: float
    ) -> Callable[[np.ndarray], np.ndarray]:
        r"""The right-hand side for a concrete vector field, as a function of a point; for :func:`follow`.

        Args:
            field: The components of :math:`f`, for gradient descent those of :math:`-\nabla L`.
            variables: The symbols that the field depends on.
            step: The step :math:`h`, positive.

        Example:
            >>> y = sympy.Symbol("y")
            >>> modified_equation(2).numeric([y**2], [y], 0.25)(np.array([2.0]))  # y^2 - h y^3
            array([2.])
        """
        components = self.expr(field, variables, sympy.Float(checked_positive("step", step)))
        function = sympy.lambdify(variables, components, "numpy", cse=True)
        return lambda point: np.array(function(*point), dtype=np.float64)

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def latex(self, notation: Literal["gradient", "field"] = "gradient") -> str:
        r"""The equation as LaTeX.

        Args:
            notation: ``"gradient"``: :math:`\dot\theta` in :math:`g=\nabla L`, :math:`H=\nabla^2L`,
                :math:`T=\nabla^3L` for the field :math:`f=-\nabla L`; ``"field"``: :math:`\dot y` in
                :math:`f,f',f'',\dots`

        Raises:
            ValueError: another notation.

        Example:
            >>> print(modified_equation(3).latex())
            \dot\theta = -g - \eta\,\frac{1}{2} H g - \eta^{2}\left(\frac{1}{3} H^{2} g + \frac{1}{12} T(g, g)\right)
            >>> print(modified_equation(2).latex("field"))
            \dot y = f - h\,\frac{1}{2} f' f
        """
        if notation not in ("gradient", "field"):
            raise ValueError(f"notation must be 'gradient' or 'field', not {notation!r}.")
        descends = notation == "gradient"
        left, step, write = (r"\dot\theta", r"\eta", _gradient_latex) if descends else (r"\dot y", "h", _field_latex)
        text = ""
        for nodes in range(1, self.order + 1):
            # an elementary differential of -grad L with n nodes carries the sign (-1)^n
            sign = (-1) ** nodes if descends else 1
            kept = [(sign * c, write(tree)) for tree, c in reversed(self.terms) if size(tree) == nodes and c != 0]
            if not kept:
                continue
            outer = -1 if kept[0][0].could_extract_minus_sign() else 1
            group = _signed_sum([(outer * c, name) for c, name in kept])
            power = "" if nodes == 1 else step if nodes == 2 else f"{step}^{{{nodes - 1}}}"
            group = rf"\left({group}\right)" if len(kept) > 1 else rf"\,{group}" if power else group
            text += (" - " if text else "-") if outer < 0 else (" + " if text else "")
            text += power + group
        return f"{left} = {text}"


def modified_equation(order: int) -> ModifiedEquation:
    r"""The modified equation of a step :math:`y\mapsto y+hf(y)`, for any vector field, to any order.

    For gradient descent :math:`f=-\nabla L` and :math:`h=\eta`. The multipliers are exact; they solve
    :math:`\exp(hD_{\tilde f})\,y=y+hf(y)` (:func:`backward_error`), equivalently
    :math:`\tilde f=\frac{hD}{e^{hD}-1}f` with :math:`D` along the modified flow itself (Bernoulli numbers).

    Args:
        order: At least 1, which is the unmodified :math:`\dot y=f`. Order 2 has the implicit penalty.

    Raises:
        ValueError: ``order`` is not a whole number of at least 1.

    Example:
        >>> for tree, coefficient in modified_equation(4).terms[-4:]:
        ...     print(coefficient, tree)
        0 ((), (), ())
        -1/12 ((), ((),))
        -1/12 (((), ()),)
        -1/4 ((((),),),)

    Source:
        Hairer, Lubich and Wanner, Geometric Numerical Integration, chapter IX; for gradient descent Barrett and
        Dherin, arXiv 2009.11162. Tag: proved (the recursion); verified by :func:`step_defect`.
    """
    return _equation(checked_whole("order", order), lambda j: sympy.Rational(1, math.factorial(j)), 1)


def _equation(order: int, weight: Callable[[int], Any], scale: Any) -> ModifiedEquation:
    multipliers = backward_error(order, [weight(j) for j in range(1, order + 1)], scale)
    return ModifiedEquation(order, tuple(multipliers.items()))


def follow(velocity: Callable[[np.ndarray], np.ndarray], start: Any, duration: float, points: int = 1) -> np.ndarray:
    r"""A flow :math:`\dot\theta=v(\theta)`, integrated to a relative error of about :math:`10^{-12}`.

    Args:
        velocity: The function :math:`v`.
        start: :math:`\theta(0)`, shape ``(n,)``.
        duration: Positive time.
        points: At how many equally spaced times, the last of them ``duration``.

    Returns:
        Array of shape ``(n,)`` for one point, else ``(points, n)``.

    Raises:
        ValueError: ``duration`` or ``points`` is not positive, or the flow leaves every bound before the end.

    Example:
        >>> follow(lambda theta: -theta, [1.0], 1.0).round(6)
        array([0.367879])
    """
    duration, points = checked_positive("duration", duration), checked_whole("points", points)
    times = np.linspace(0, duration, points + 1)[1:]
    path = solve_ivp(lambda _, theta: velocity(theta), (0, duration), start, "DOP853", times, rtol=1e-12, atol=1e-14)
    if not path.success:
        raise ValueError(f"the flow could not be followed to {duration}: {path.message}")
    return path.y.T[0] if points == 1 else path.y.T


def step_defect(
    velocity: Sequence[sympy.Expr],
    field: Sequence[sympy.Expr],
    variables: Sequence[sympy.Symbol],
    order: int,
    step: sympy.Symbol = ETA,
) -> list[list[sympy.Expr]]:
    r"""What one step of a flow and one step :math:`y\mapsto y+hf(y)` differ by, power by power.

    .. math:: \sum_{j\le k}\frac{h^j}{j!}D_v^j\,y-\big(y+hf(y)\big),\qquad D_v=v\cdot\nabla,

    which vanishes through :math:`h^k` exactly when :math:`v` is the modified equation of order :math:`k`.

    Args:
        velocity: The components of :math:`v`, polynomial in the step.
        field: The components of :math:`f`.
        variables: The symbols they depend on.
        order: The largest power of the step that is kept, at least 1.
        step: The symbol of the step.

    Returns:
        For each power ``1 .. order`` of the step, the components of its coefficient, expanded.

    Example:
        >>> y = sympy.Symbol("y")
        >>> step_defect([y**2], [y**2], [y], 2)
        [[0], [y**3]]
        >>> step_defect([y**2 - ETA * y**3], [y**2], [y], 2)
        [[0], [0]]
    """
    velocity = [_truncated(sympy.sympify(component), step, order - 1) for component in velocity]
    total = [-sympy.sympify(component) * step for component in field]
    moved = [sympy.sympify(variable) for variable in variables]
    for j in range(1, order + 1):
        moved = [
            _truncated(
                sympy.Add(*(v * sympy.diff(part, x) for v, x in zip(velocity, variables, strict=True))),
                step,
                order - j,
            )
            for part in moved
        ]
        total = [part + step**j * more / math.factorial(j) for part, more in zip(total, moved, strict=True)]
    expanded = [sympy.expand(part) for part in total]
    return [[part.coeff(step, power) for part in expanded] for power in range(1, order + 1)]


def _truncated(expression: sympy.Expr, step: sympy.Symbol, degree: int) -> sympy.Expr:
    expanded = sympy.expand(expression)
    return sympy.Add(*(expanded.coeff(step, power) * step**power for power in range(degree + 1)))


def _elementary_differential(
    tree: Tree,
    field: Sequence[sympy.Expr],
    variables: Sequence[sympy.Symbol],
    known: dict[Tree, list[sympy.Expr]],
) -> list[sympy.Expr]:
    """The derivative of the field of order ``len(tree)``, applied to the differentials of the branches."""
    choices = list(product(range(len(variables)), repeat=len(tree)))
    return [
        sympy.Add(
            *(
                sympy.diff(component, *(variables[i] for i in choice))
                * sympy.Mul(*(known[branch][i] for branch, i in zip(tree, choice, strict=True)))
                for choice in choices
            )
        )
        if tree
        else component
        for component in field
    ]


def _gradient_latex(tree: Tree) -> str:
    if len(tree) == 0:
        return "g"
    if len(tree) == 1:
        powers = 0
        while len(tree) == 1:
            powers, tree = powers + 1, tree[0]
        return ("H " if powers == 1 else f"H^{{{powers}}} ") + _gradient_latex(tree)
    name = "T" if len(tree) == 2 else rf"\nabla^{{{len(tree) + 1}}}L"
    return f"{name}({', '.join(map(_gradient_latex, tree))})"


def _field_latex(tree: Tree) -> str:
    if len(tree) <= 1:
        return "f' " + _field_latex(tree[0]) if tree else "f"
    name = "f''" if len(tree) == 2 else f"f^{{({len(tree)})}}"
    return f"{name}({', '.join(map(_field_latex, tree))})"


def _signed_sum(pairs: Sequence[tuple[sympy.Expr, str]]) -> str:
    text = ""
    for coefficient, name in pairs:
        negative = coefficient.could_extract_minus_sign()
        magnitude = -coefficient if negative else coefficient
        text += (" - " if text else "-") if negative else (" + " if text else "")
        text += name if magnitude == 1 else f"{sympy.latex(magnitude)} {name}"
    return text


def proof() -> dict[str, sympy.Expr]:
    """What one step of the flow to order 4 misses of one step of the method, for any field in one dimension."""
    y = sympy.Symbol("y")
    field = [sympy.Function("f")(y)]
    defects = step_defect(modified_equation(4).expr(field, [y]), field, [y], 4)
    return {f"the power {power} of the step": sympy.expand(row[0]) for power, row in enumerate(defects, 1)}


THEOREM = Theorem(
    name="modified_equation",
    statement="A method with a step follows a modified equation, to any order",
    status="proved",
    source="Hairer, Lubich and Wanner, Geometric Numerical Integration, chapter IX",
    module=__name__,
    attained="as a formal series; orders of accuracy are verified",
    proof=proof,
)
