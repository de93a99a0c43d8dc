r"""Certificates: the worst case of the last iterate by semidefinite programming, beside the formula.

Performance estimation searches over all functions and subgradients at once: the largest
:math:`f(x_{T+1})-f^\star` of projected subgradient descent is the value of a semidefinite program, exact up to the
solver's tolerance. It needs seconds at twenty steps where :func:`lrtheory.theory.last_iterate.worst_case` needs
milliseconds at a million, and so serves as its judge.

**Accuracy.** Every certificate states its own. The solver stops where the primal and the dual value agree to 1e-8, but its
points obey neither side's constraints exactly. Constraints that are violated by :math:`v_i\ge0`, with the multipliers
:math:`\lambda_i`, may move the value by :math:`\sum_i|\lambda_i|v_i` to first order; multipliers that miss the identity of
the dual by the coefficients :math:`r_j` of the primal variables :math:`y_j` may move it by :math:`\sum_j|r_jy_j|`. With a
known distance all of this is at most 1e-6 of the value, on a domain, where the vectors normal to it are unbounded and the
program is badly posed, at most 1e-4. The solver is named, CLARABEL; the usual fallback SCS is accurate to 2e-3.

Source: Drori and Teboulle, arXiv 1206.3209; Taylor, Hendrickx and Glineur, arXiv 1502.05666; the program is built with
PEPit (Goujaud et al., arXiv 2201.04040).
"""

import warnings
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np

from lrtheory.checks import checked_length, checked_magnitude, checked_positive, checked_steps
from lrtheory.theory.any_average import average_bound
from lrtheory.theory.heavy_ball_iterate import heavy_ball_bound
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.methods import Method
from lrtheory.theory.smooth import smooth_worst_case

ONE_PROGRAM = Lock()
"""The library that builds the programs counts its variables in the class, so one thread at a time may use it."""
LAST_ITERATE = Method("sgd")
LONGEST = 20
"""The most steps of a program: it grows with the fourth power of their number and takes minutes beyond."""


@dataclass(frozen=True)
class Certificate:
    """A worst case computed by semidefinite programming beside the one that a theorem states.

    Args:
        computed: Value of the semidefinite program.
        theoretical: Value of the theorem's formula.
        accuracy: The possible error of the computed value, in its own units: the solver's duality gap, and what is
            violated on both sides of it.
    """

    computed: float
    theoretical: float
    accuracy: float

    @property
    def gap(self) -> float:
        """How far the theorem lies above the program, relative to it; 0 where the theorem is exact."""
        return self.theoretical / self.computed - 1

    @property
    def gap_accuracy(self) -> float:
        """The accuracy relative to the program's value: the gap of an upper bound is at least minus this."""
        return self.accuracy / self.computed


def certify_worst_case(
    steps: Any, *, lipschitz: float = 1.0, distance: float | None = None, diameter: float | None = None
) -> Certificate:
    r"""The worst case of the last iterate, computed and theoretical.

    Maximise :math:`f(x_{T+1})-f(x^\star)` over convex :math:`f` with subgradients bounded by :math:`G` on a convex set,
    subject to :math:`x_{t+1}=\Pi(x_t-\eta_tg_t)` and either :math:`\|x_1-x^\star\|\le R` without a set, or a set of
    diameter :math:`D`.

    Args:
        steps: Learning rates, as in :func:`lrtheory.theory.last_iterate.worst_case`; twenty at most, steps of
            zero not counted.
        lipschitz: :math:`G`.
        distance: :math:`R`; exactly one of the two lengths.
        diameter: :math:`D`.

    Raises:
        ValueError: as ``worst_case``, or more than twenty steps.
        ModuleNotFoundError: PEPit is not installed (``pip install lrtheory[certificates]``).

    Example:
        >>> certificate = certify_worst_case([0.5, 0.25], distance=1.0)
        >>> abs(certificate.gap) < 1e-6, certificate.gap_accuracy < 1e-6
        (True, True)
    """
    length = checked_length(distance, diameter)
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    theoretical = worst_case(steps, lipschitz=lipschitz, distance=distance, diameter=diameter)
    # In units of the length and the Lipschitz constant the program is as well scaled as it can be.
    scaled = few_steps(checked_steps(steps)) * lipschitz / length
    with ONE_PROGRAM:
        computed, accuracy = program(scaled, bounded_domain=diameter is not None)
    return Certificate(computed * length * lipschitz, theoretical, accuracy * length * lipschitz)


def certify_smooth(steps: Any, *, smoothness: float = 1.0, diameter: float) -> Certificate:
    r"""The noiseless worst case on smooth functions, computed and as bounded by :mod:`lrtheory.theory.smooth`.

    Args:
        steps: Learning rates, twenty at most; the program can fail for very large ones.
        smoothness: :math:`\beta`.
        diameter: :math:`D`, the diameter of the domain.

    Raises:
        ValueError: as :func:`lrtheory.theory.smooth.smooth_worst_case`, or more than twenty steps.
        ModuleNotFoundError: PEPit is not installed.

    Example:
        >>> certificate = certify_smooth([1.0, 0.5], diameter=1.0)
        >>> 0 < certificate.computed < certificate.theoretical
        True
    """
    theoretical = smooth_worst_case(steps, smoothness=smoothness, diameter=diameter)
    scaled = few_steps(checked_steps(steps)) * checked_positive("smoothness", smoothness)
    with ONE_PROGRAM:
        computed, accuracy = program(scaled, bounded_domain=True, smooth=True)
    unit = smoothness * diameter**2
    return Certificate(computed * unit, theoretical, accuracy * unit)


def certify_average(
    steps: Any, weights: Any, *, lipschitz: float = 1.0, distance: float | None = None, diameter: float | None = None
) -> Certificate:
    r"""The worst case of an average of the iterates, computed and as bounded by :mod:`lrtheory.theory.any_average`.

    Args:
        steps: Learning rates; twenty at most.
        weights: Weights of :math:`x_1..x_{T+1}`, one more than steps.
        lipschitz: :math:`G`.
        distance: :math:`R`; exactly one of the two lengths.
        diameter: :math:`D`.

    Raises:
        ValueError: as :func:`lrtheory.theory.any_average.average_bound`, or more than twenty steps.
        ModuleNotFoundError: PEPit is not installed.

    Example:
        >>> certificate = certify_average([0.5, 0.5, 0.5], [1, 1, 1, 1], distance=1.0)
        >>> abs(certificate.gap) < 1e-6
        True
    """
    length = checked_length(distance, diameter)
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    theoretical = average_bound(steps, weights, lipschitz=lipschitz, distance=distance, diameter=diameter)
    scaled = few_steps(np.asarray(steps, float)) * lipschitz / length
    weights = np.asarray(weights, float) / np.sum(weights)
    with ONE_PROGRAM:
        computed, accuracy = program(scaled, bounded_domain=diameter is not None, method=Method("sgd"), weights=weights)
    return Certificate(computed * length * lipschitz, theoretical, accuracy * length * lipschitz)


def certify_heavy_ball(
    steps: Any, *, momentum: float = 0.9, lipschitz: float = 1.0, distance: float | None = None,
    diameter: float | None = None,
) -> Certificate:  # fmt: skip
    r"""The worst case of heavy ball, computed and as bounded by :mod:`lrtheory.theory.heavy_ball_iterate`.

    Args:
        steps: As in :func:`lrtheory.theory.heavy_ball_iterate.heavy_ball_bound`; twenty at most, steps of zero not counted.
        momentum: :math:`\beta`.
        lipschitz: :math:`G`.
        distance: :math:`R`; exactly one of the two lengths.
        diameter: :math:`D`.

    Raises:
        ValueError: as ``heavy_ball_bound``, or more than twenty steps.
        ModuleNotFoundError: PEPit is not installed.

    Example:
        >>> certificate = certify_heavy_ball([0.5, 0.25], momentum=0.5, distance=1.0)
        >>> -1e-6 < certificate.gap < 0.01
        True
    """
    length = checked_length(distance, diameter)
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    theoretical = heavy_ball_bound(steps, momentum=momentum, lipschitz=lipschitz, distance=distance, diameter=diameter)
    scaled = few_steps(checked_steps(steps)) * lipschitz / length
    method = Method("heavy_ball", momentum=momentum)
    with ONE_PROGRAM:
        computed, accuracy = program(scaled, bounded_domain=diameter is not None, method=method)
    return Certificate(computed * length * lipschitz, theoretical, accuracy * length * lipschitz)


def certified_loss(method: Method, steps: Any) -> tuple[float, float]:
    r"""The worst case of a method on a set of diameter 1, with :math:`G=1`, and how much it may be off.

    Args:
        method: One whose iterates are linear in the gradients: all rules but AdaGrad.
        steps: Learning rates, positive; twenty at most.

    Raises:
        ValueError: too many steps, or a method that is not linear.
        ModuleNotFoundError: PEPit is not installed.

    Example:
        >>> value, accuracy = certified_loss(Method("heavy_ball"), [0.5, 0.25])
        >>> 0.8 < value < 1, accuracy < 1e-4
        (True, True)
    """
    if method.rule == "adagrad":
        raise ValueError("the steps of AdaGrad depend on the gradients: no semidefinite program has its worst case.")
    steps = few_steps(checked_steps(steps))
    with ONE_PROGRAM:
        return program(steps, bounded_domain=True, method=method, weights=method.weights(len(steps)))


def few_steps(steps: np.ndarray) -> np.ndarray:
    """The steps, or one sentence where they are more than a program can take."""
    if steps.size > LONGEST:
        raise ValueError(f"a program has at most {LONGEST} steps, not {steps.size}: beyond that it takes minutes.")
    return steps


def program(
    steps: np.ndarray,
    bounded_domain: bool,
    smooth: bool = False,
    method: Method = LAST_ITERATE,
    weights: np.ndarray | None = None,
) -> tuple[float, float]:
    """The value of the program and its accuracy, with the length and the Lipschitz or smoothness constant 1.

    Without weights the output is the last iterate.
    """
    from PEPit import PEP
    from PEPit.functions import ConvexIndicatorFunction, ConvexLipschitzFunction, SmoothConvexFunction
    from PEPit.primitive_steps import proximal_step

    problem: Any = PEP()
    if smooth:
        loss = problem.declare_function(SmoothConvexFunction, L=1.0)
    else:
        loss = problem.declare_function(ConvexLipschitzFunction, M=1.0)
    if bounded_domain:
        domain = problem.declare_function(ConvexIndicatorFunction, D=1.0)
        objective = loss + domain
        minimiser = objective.stationary_point()

        def project(point: Any) -> Any:
            return proximal_step(point, domain, 1)[0]

        start = project(problem.set_initial_point())
    else:
        objective = loss
        minimiser = objective.stationary_point()
        start = problem.set_initial_point()
        problem.set_initial_condition((start - minimiser) ** 2 <= 1)  # pyright: ignore[reportOperatorIssue]

        def project(point: Any) -> Any:
            return point

    iterates = list(method.iterates(start, loss.gradient, map(float, steps), project))
    iterate = iterates[-1]
    if weights is not None:
        last = int(np.flatnonzero(weights)[-1])
        iterate = float(weights[last]) * iterates[last]
        for weight, earlier in zip(weights[:last], iterates):
            iterate = iterate + float(weight) * earlier
    problem.set_performance_metric(loss(iterate) - loss(minimiser))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the modelling library's own deprecations
        value = float(problem.solve(wrapper="cvxpy", solver="CLARABEL", verbose=0))
    return value, abs(value - float(problem.objective.eval())) + _violated(problem)


def _violated(problem: Any) -> float:
    """What a solved program violates: its constraints, at their multipliers; the dual's identity, at its variables."""
    from PEPit import Point
    from PEPit.tools.dict_operations import symmetrize_dict

    primal = 0.0
    points = Point.list_of_leaf_points
    left = problem.objective + np.dot(points, np.dot(problem.residual, points))
    for constraint in problem._list_of_prepared_constraints:
        excess = float(constraint.eval())
        if constraint.equality_or_inequality == "equality":
            excess = abs(excess)
        primal += abs(constraint.eval_dual()) * max(excess, 0.0)
        left -= constraint.eval_dual() * constraint.expression
    dual = 0.0
    for variable, coefficient in symmetrize_dict(left.decomposition_dict).items():
        if isinstance(variable, tuple):
            dual += abs(coefficient * problem.G_value[variable[0].counter, variable[1].counter])
        elif variable != 1:
            dual += abs(coefficient * problem.F_value[variable.counter])
    return primal + float(dual)
