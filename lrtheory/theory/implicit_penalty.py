r"""Gradient descent follows a flow, but not the gradient flow: the flow of a penalised loss.

A step of gradient descent, :math:`\theta\mapsto\theta-\eta g(\theta)`, is exactly the time-:math:`\eta` map of

.. math:: \dot\theta=-g-\tfrac{\eta}{2}Hg-\eta^2\big(\tfrac13H^2g+\tfrac1{12}T(g,g)\big)-\dots,

as a formal series in :math:`\eta`, with :math:`g=\nabla L`, :math:`H=\nabla^2L`, :math:`T=\nabla^3L`. The first two
terms are :math:`-\nabla\big(L+\tfrac{\eta}{4}\|\nabla L\|^2\big)`: the implicit gradient penalty.

This file derives the series to any order (:func:`modified_equation`), proves which part of it is a gradient
(:func:`second_correction_curl`), corrects a published misprint (:func:`equation_seven`), says where the picture
breaks (:func:`quadratic_rate`), and hands out the first correction for other optimizers (:func:`implicit_penalty`).
"""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import import_module
from itertools import product
from typing import Any, Literal, TypeAlias, cast

import numpy as np
import sympy
from scipy.integrate import solve_ivp

from lrtheory.schedules.schedule import checked_positive, is_number

Tree: TypeAlias = "tuple[Tree, ...]"
"""A rooted tree: the sorted tuple of the trees that hang from its root. ``()`` is a single node."""

ETA = sympy.Symbol("eta", positive=True)
"""The learning rate in every formula of the penalty modules."""

GRADIENT = sympy.Symbol("g", real=True)
"""One component of a gradient in the formulas of a :class:`PenaltyTerm`."""


# Rooted trees: one for each term of the series


@lru_cache(maxsize=32)
def rooted_trees(nodes: int) -> tuple[Tree, ...]:
    """All rooted trees with a given number of nodes, each once.

    Example:
        >>> [len(rooted_trees(nodes)) for nodes in range(1, 8)]
        [1, 1, 2, 4, 9, 20, 48]
    """
    if nodes == 1:
        return ((),)
    return tuple(sorted({grown for tree in rooted_trees(nodes - 1) for grown in _with_one_leaf_more(tree)}))


def _with_one_leaf_more(tree: Tree) -> list[Tree]:
    return [_tree(*tree, ())] + [
        _tree(*tree[:i], grown, *tree[i + 1 :])
        for i, branch in enumerate(tree)
        for grown in _with_one_leaf_more(branch)
    ]


def _tree(*branches: Tree) -> Tree:
    return tuple(sorted(branches))


def size(tree: Tree) -> int:
    """The number of nodes of a tree."""
    return 1 + sum(map(size, tree))


def symmetry(tree: Tree) -> int:
    """The number of ways to permute equal branches of a tree, at every node.

    Example:
        >>> symmetry(((), (), ()))
        6
    """
    return math.prod(symmetry(branch) ** copies * math.factorial(copies) for branch, copies in Counter(tree).items())


def cuts(tree: Tree) -> list[tuple[Tree, Tree]]:
    """Every way to cut one edge: the part that keeps the root, and the part that falls off.

    Example:
        >>> cuts((((),),))
        [((), ((),)), (((),), ())]
    """
    found = []
    for i, branch in enumerate(tree):
        others = tree[:i] + tree[i + 1 :]
        found.append((others, branch))
        found += [(_tree(*others, kept), fallen) for kept, fallen in cuts(branch)]
    return found


# The modified equation


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
    return _equation(checked_order(order), lambda j: sympy.Rational(1, math.factorial(j)), 1)


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
    duration, points = checked_positive("duration", duration), checked_order(points, "points")
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


# Which corrections are gradients


def first_correction_defect(loss: sympy.Expr, variables: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    r"""The identity :math:`\tfrac12Hg-\nabla\big(\tfrac14\|g\|^2\big)=0`: the first correction is a gradient.

    Args:
        loss: Any expression, a generic ``Function("L")(x, y)`` included.
        variables: The symbols it depends on.

    Returns:
        The components of the left-hand side; each is zero.

    Example:
        >>> x, y = sympy.symbols("x y")
        >>> first_correction_defect(sympy.Function("L")(x, y), [x, y])
        [0, 0]
    """
    gradient = [sympy.diff(loss, x) for x in variables]
    correction = [-term for term in _terms_of_order(2, [-component for component in gradient], variables)]
    penalty = sympy.Add(*(component**2 for component in gradient)) / 4
    return [sympy.expand(a - sympy.diff(penalty, x)) for a, x in zip(correction, variables, strict=True)]


def second_correction_curl(loss: sympy.Expr, variables: Sequence[sympy.Symbol]) -> sympy.Matrix:
    r"""The curl of the :math:`\eta^2` term of gradient descent's modified equation.

    .. math:: v=-\tfrac13H^2g-\tfrac1{12}T(g,g),\qquad
        \partial_iv_j-\partial_jv_i=\tfrac16\big[H,\,T(g)\big]_{ij},\qquad T(g)=\sum_kg_k\,\partial_kH.

    So there is a modified *loss* beyond the first correction exactly when the Hessian commutes with its own
    rate of change along the flow: in one dimension, for quadratics, for separable losses, but not in general.

    Proof: :math:`\nabla(g^\top Hg)=2H^2g+T(g,g)`, so :math:`v=-\tfrac1{12}\nabla(g^\top Hg)-\tfrac16H^2g`. In the
    curl of :math:`H^2g` the derivatives that fall on :math:`g` give the symmetric :math:`H^3`, those that fall on
    the outer :math:`H` contract the symmetric :math:`T` with :math:`Hg`, and what is left is
    :math:`T(g)H-HT(g)`.

    Args:
        loss: Any expression.
        variables: The symbols it depends on.

    Returns:
        The antisymmetric matrix :math:`\partial_iv_j-\partial_jv_i`, from the derivatives of :math:`v` themselves;
        :func:`hessian_commutator` is the right-hand side.

    Example:
        >>> x, y = sympy.symbols("x y")
        >>> second_correction_curl(x**2 * y, [x, y])[0, 1].factor()
        -2*x*(x**2 - 2*y**2)/3
        >>> second_correction_curl(x**4 + y**3, [x, y])
        Matrix([
        [0, 0],
        [0, 0]])

    Source:
        Derived here. Tag: proved; also verified for a generic loss of two variables and drawn polynomials of three.
    """
    descent = [-sympy.diff(loss, x) for x in variables]
    velocity = _terms_of_order(3, descent, variables)
    return sympy.Matrix(
        len(variables),
        len(variables),
        lambda i, j: sympy.expand(sympy.diff(velocity[j], variables[i]) - sympy.diff(velocity[i], variables[j])),
    )


def hessian_commutator(loss: sympy.Expr, variables: Sequence[sympy.Symbol]) -> sympy.Matrix:
    r"""One sixth of :math:`[H,T(g)]`, the Hessian against its rate of change: see :func:`second_correction_curl`."""
    hessian = sympy.hessian(loss, variables)
    change = sympy.zeros(len(variables))
    for x in variables:
        change += sympy.diff(loss, x) * sympy.diff(hessian, x)
    return ((hessian * change - change * hessian) / 6).applyfunc(sympy.expand)


def _terms_of_order(nodes: int, field: Sequence[sympy.Expr], variables: Sequence[sympy.Symbol]) -> list[sympy.Expr]:
    """The coefficient of the power ``nodes - 1`` of the step in the modified equation of a field."""
    full = modified_equation(nodes)
    only = tuple((tree, c if size(tree) == nodes else sympy.S.Zero) for tree, c in full.terms)
    return ModifiedEquation(nodes, only).expr(field, variables, sympy.S.One)


# A misprint


@dataclass(frozen=True)
class Erratum:
    """A printed formula that is wrong, and the right one, as LaTeX.

    Attributes:
        printed: The formula as published, quoted as an error.
        reason: Why it cannot be right.
        derivation: The steps that lead to the right one.
        corrected: The right formula.
    """

    printed: str
    reason: str
    derivation: tuple[str, ...]
    corrected: str


def equation_seven() -> Erratum:
    r"""Equation (7) of Zhu Meng's note on learning rates, as printed and as it must read.

    The note states the implicit penalty without the gradient in front of it. :func:`equation_seven_defect` shows in
    one dimension, where the printed sum makes sense, that it is not the flow that gradient descent follows.

    Example:
        >>> print(equation_seven().corrected)
        \dot\theta = -\nabla\left(L + \frac{\eta}{4}\|\nabla L\|^2\right) + O(\eta^2)

    Source:
        Quoted: Zhu Meng, note on learning-rate strategies in deep learning (in Chinese), 2 May 2025, revised
        26 June 2025, equation (7). The right form is Barrett and Dherin's, arXiv 2009.11162, rederived here.
    """
    return Erratum(
        printed=r"\theta^{(1)}(t) = -\left(g(t) + \frac{1}{4}\eta\|g(t)\|_2^2\right)",
        reason=(
            "It adds a number to a vector, and its two terms scale differently: in units in which the parameters are "
            "s times as large, a step of eta g is s times as long, but eta squared times the squared norm is s "
            "squared times as large."
        ),
        derivation=(
            r"\theta(t+\eta) = \theta + \eta\dot\theta + \frac{\eta^2}{2}\ddot\theta + O(\eta^3) = \theta - \eta g",
            r"\dot\theta = -g - \frac{\eta}{2}\ddot\theta + O(\eta^2)",
            r"\ddot\theta = -H\dot\theta + O(\eta) = Hg + O(\eta)",
            r"\dot\theta = -g - \frac{\eta}{2}Hg + O(\eta^2)",
            r"Hg = \frac{1}{2}\nabla\|g\|^2",
        ),
        corrected=implicit_penalty("gd").latex() + r" + O(\eta^2)",
    )


def equation_seven_defect(loss: sympy.Expr, variable: sympy.Symbol) -> tuple[sympy.Expr, sympy.Expr]:
    r"""The :math:`\eta^2` error of one step of the printed and of the corrected equation (7), in one dimension.

    Returns:
        :math:`\tfrac12L'L''-\tfrac14L'^2` for the printed form, zero only where :math:`L'=2L''` or
        :math:`L'=0`, and 0 for the corrected form.

    Example:
        >>> x = sympy.Symbol("x")
        >>> equation_seven_defect(sympy.Function("L")(x), x)[1]
        0
        >>> equation_seven_defect(x**2, x)
        (-x**2 + 2*x, 0)
    """
    slope = sympy.diff(loss, variable)
    printed = -(slope + ETA * slope**2 / 4)
    corrected = -sympy.diff(loss + ETA * slope**2 / 4, variable)
    first, second = (step_defect([velocity.doit()], [-slope], [variable], 2)[1][0] for velocity in (printed, corrected))
    return first, second


# Where the picture breaks: quadratics in closed form


def quadratic_rate(lr: Any, curvature: Any) -> np.ndarray:
    r"""The exact modified flow of gradient descent along an eigenvector of a quadratic loss.

    .. math:: \theta_{t+1}=(1-\eta\lambda)\theta_t,\qquad
        \dot\theta=\frac{\log(1-\eta\lambda)}{\eta}\,\theta
        =-\Big(\lambda+\frac{\eta\lambda^2}2+\frac{\eta^2\lambda^3}3+\dots\Big)\theta .

    The series has radius of convergence :math:`\eta\lambda=1`; there the modified curvature
    :math:`-\log(1-\eta\lambda)/\eta` is infinite (one step lands on the minimum), and beyond it no real flow in one
    dimension steps across the minimum.

    Args:
        lr: Learning rates :math:`\eta>0`.
        curvature: Eigenvalues :math:`\lambda` with :math:`\eta\lambda<1`, of either sign. Broadcast with ``lr``.

    Returns:
        The rates :math:`\log(1-\eta\lambda)/\eta`.

    Raises:
        ValueError: some :math:`\eta\lambda\ge1`.

    Example:
        >>> float(quadratic_rate(0.5, 1.0).round(6)), float(quadratic_rate(1e-6, 1.0).round(6))
        (-1.386294, -1.000001)
    """
    lr, curvature = np.asarray(lr, dtype=np.float64), np.asarray(curvature, dtype=np.float64)
    if not (np.all(lr > 0) and np.all(lr * curvature < 1)):
        raise ValueError("gradient descent follows a flow only where lr is positive and lr times curvature is below 1.")
    return np.log1p(-lr * curvature) / lr


def quadratic_regime(lr: float, curvature: float) -> str:
    r"""What gradient descent does along an eigenvector: the flow picture ends at 1, stability at 2.

    Args:
        lr: Learning rate, positive.
        curvature: Eigenvalue :math:`\lambda` of the Hessian, positive.

    Returns:
        ``"flow"`` for :math:`\eta\lambda<1`, ``"one step"`` at 1, ``"oscillates"`` between 1 and 2, ``"cycles"`` at 2,
        ``"diverges"`` above.

    Raises:
        ValueError: an argument is not positive and finite.

    Example:
        >>> [quadratic_regime(lr, 1.0) for lr in (0.5, 1.0, 1.5, 2.0, 2.5)]
        ['flow', 'one step', 'oscillates', 'cycles', 'diverges']
    """
    sharpness = checked_positive("lr", lr) * checked_positive("curvature", curvature)
    if sharpness in (1.0, 2.0):
        return "one step" if sharpness == 1.0 else "cycles"
    return "flow" if sharpness < 1 else "oscillates" if sharpness < 2 else "diverges"


def predicted_contraction(sharpness: Any, order: int) -> np.ndarray:
    r"""The factor a step that a truncated modified equation predicts on a quadratic.

    .. math:: \exp\Big(-\sum_{k=1}^{\text{order}}\frac{(\eta\lambda)^k}{k}\Big)
        \quad\text{instead of}\quad1-\eta\lambda .

    It lies in (0, 1) for every :math:`\eta\lambda>0` and every order, so no truncation sees the oscillation beyond
    :math:`\eta\lambda=1` or the divergence beyond 2; the penalised loss is then the wrong model, not a rough one.

    Args:
        sharpness: Products :math:`\eta\lambda`.
        order: Order of the truncation, at least 1.

    Example:
        >>> predicted_contraction([0.1, 2.5], order=2).round(4)  # gradient descent: 0.9 and -1.5
        array([0.9003, 0.0036])
    """
    sharpness = np.asarray(sharpness, dtype=np.float64)
    powers = np.arange(1, checked_order(order) + 1)
    return np.exp(-np.sum(sharpness[..., None] ** powers / powers, axis=-1))


# The first correction, for any optimizer


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
        Barrett and Dherin, arXiv 2009.11162. Tag: proved (:func:`modified_equation` of order 2).
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
    return import_module(f"lrtheory.theory.{OPTIMIZERS[optimizer]}").penalty(**hyper)


def hyperparameter(symbol: sympy.Symbol, value: float | None, *, below: float = math.inf) -> sympy.Expr:
    """A hyperparameter as an exact number, or its symbol when none is given.

    Args:
        symbol: The symbol; its name is used in messages.
        value: A number of at least 0, read as the fraction that its shortest decimal form denotes; or None.
        below: The number that it must stay below.

    Raises:
        ValueError: the number is out of range.
    """
    if value is None:
        return symbol
    if not (is_number(value) and 0 <= value < below):
        limit = "finite and at least 0" if below == math.inf else f"at least 0 and below {below:g}"
        raise ValueError(f"{symbol} must be {limit}, not {value!r}.")
    return cast(sympy.Expr, sympy.Rational(str(value)))


def checked_order(order: Any, name: str = "order") -> int:
    """A count as an ``int``, or one sentence saying that it must be a whole number of at least 1."""
    if not is_number(order) or order != int(order) or order < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, not {order!r}.")
    return int(order)


def _batches(losses: sympy.Expr | Sequence[sympy.Expr]) -> list[sympy.Expr]:
    given = losses if isinstance(losses, Sequence) else [losses]
    return [cast(sympy.Expr, sympy.sympify(loss)) for loss in given]
