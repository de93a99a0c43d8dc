"""The least value of a finite sum over a ball, by library solvers.

Piecewise linear losses are linear programs, solved exactly where the ball does not bind. Smooth losses are solved by
Newton's method in a trust region; where the ball binds, with the multiplier for which the solution lies on its surface.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse, special

from lrtheory.simulation.problems import FiniteSum


def minimise(problem: FiniteSum) -> NDArray[np.float64]:
    """A minimiser of `problem` over its ball.

    Raises:
        ValueError: the loss is piecewise linear and least outside of the ball.
    """
    linear = problem.loss in ("absolute", "hinge")
    return _minimise_piecewise_linear(problem) if linear else _minimise_smooth(problem)


def _minimise_piecewise_linear(problem: FiniteSum) -> NDArray[np.float64]:
    samples, dimension = problem.features.shape
    features = sparse.csr_array(problem.features)
    slack = sparse.eye_array(samples)
    if problem.loss == "absolute":  # slack >= +-(a w - y)
        matrix = sparse.vstack([sparse.hstack([features, -slack]), sparse.hstack([-features, -slack])])
        limits = np.concatenate([problem.targets, -problem.targets])
    else:  # slack >= 1 - y a w
        matrix = sparse.hstack([-sparse.diags_array(problem.targets) @ features, -slack])
        limits = -np.ones(samples)
    cost = np.concatenate([np.zeros(dimension), np.full(samples, 1 / samples)])
    solution = optimize.linprog(cost, matrix.tocsr(), limits, bounds=[(None, None)] * dimension + [(0, None)] * samples)
    w = solution.x[:dimension]
    if np.linalg.norm(w) > problem.bound:
        raise ValueError(
            f"The {problem.loss} loss is least at distance {np.linalg.norm(w):.4g} from the origin, outside of the "
            f"ball: the diameter must be at least twice that."
        )
    return w


def _minimise_smooth(problem: FiniteSum) -> NDArray[np.float64]:
    a, y = problem.features, problem.targets
    samples, dimension = a.shape
    radius = problem.bound

    def slopes(w: NDArray[np.float64]) -> NDArray[np.float64]:
        return a @ w - y if problem.loss == "squared" else -y * special.expit(-y * (a @ w))

    def curvatures(w: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.ones(samples) if problem.loss == "squared" else special.expit(a @ w) * special.expit(-(a @ w))

    def solve(multiplier: float) -> NDArray[np.float64]:
        return optimize.minimize(
            lambda w: float(problem.loss_at(w)) + multiplier / 2 * (w @ w),
            np.zeros(dimension),
            jac=lambda w: a.T @ slopes(w) / samples + multiplier * w,
            hess=lambda w: (a.T * curvatures(w)) @ a / samples + multiplier * np.eye(dimension),
            method="trust-exact",
            options={"gtol": 1e-12},
        ).x

    free = solve(0.0)
    if np.linalg.norm(free) <= radius:
        return free
    # multiplier * |w| <= |gradient at 0|, so the solution lies inside for the upper end.
    high = float(np.linalg.norm(a.T @ slopes(np.zeros(dimension)) / samples)) / radius
    low = high / 2
    while np.linalg.norm(solve(low)) <= radius:
        low /= 2
    log_multiplier: Any = optimize.brentq(
        lambda log_m: float(np.linalg.norm(solve(math.exp(log_m)))) - radius, math.log(low), math.log(high), xtol=1e-14
    )
    w = solve(math.exp(log_multiplier))
    return w * radius / np.linalg.norm(w)
