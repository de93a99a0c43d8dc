"""The constants that problems claim: least values, gradient bounds, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from lrtheory.schedules import Constant
from lrtheory.simulation import (
    AbsoluteValue,
    FiniteSum,
    absolute_regression,
    hinge_classification,
    least_squares,
    logistic_regression,
    simulate,
)  # fmt: skip

MAKERS = [absolute_regression, hinge_classification, least_squares, logistic_regression]


def slopes(problem, w):
    predictions, y = problem.features @ w, problem.targets
    return {
        "absolute": lambda: np.sign(predictions - y),
        "hinge": lambda: np.where(y * predictions < 1, -y, 0.0),
        "squared": lambda: predictions - y,
        "logistic": lambda: -y / (1 + np.exp(y * predictions)),
    }[problem.loss]()


@settings(deadline=None, max_examples=40)
@given(eps=st.floats(0, 1), lipschitz=st.floats(0.1, 10), x=st.floats(-1, 1))
def test_absolute_value_has_the_claimed_gradients(eps, lipschitz, x):
    problem = AbsoluteValue(eps * lipschitz, diameter=2.0, lipschitz=lipschitz)
    sign = 1 if x >= 0 else -1
    gradients = sign * (problem.eps + problem.noise_scale * np.array([-1, 1]))
    assert gradients.mean() == pytest.approx(sign * problem.eps, abs=1e-12 * lipschitz)
    assert np.mean(gradients**2) == pytest.approx(lipschitz**2, rel=1e-12)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("diameter", [6.0, 40.0])
def test_lipschitz_bounds_the_gradients_of_the_whole_ball(make, diameter):
    problem = make(60, 4, diameter=diameter, seed=1)
    directions = np.random.default_rng(0).standard_normal((200, 4))
    points = problem.bound * directions / np.linalg.norm(directions, axis=1)[:, None]
    norms = np.linalg.norm(problem.features, axis=1)
    largest = max(np.sqrt(np.mean((slopes(problem, w) * norms) ** 2)) for w in points)
    assert largest <= problem.lipschitz * (1 + 1e-12)


@pytest.mark.parametrize("make", [least_squares, logistic_regression])
@pytest.mark.parametrize("shrink", [1.0, 0.1])
def test_smooth_minima_have_no_duality_gap(make, shrink):
    free = make(300, 6, seed=2)
    problem = FiniteSum(free.features, free.targets, free.loss, shrink * free.diameter)
    w = problem.minimiser
    gradient = problem.features.T @ slopes(problem, w) / 300
    assert (np.linalg.norm(w) == pytest.approx(problem.bound)) == (shrink < 1)
    assert np.linalg.norm(w) <= problem.bound * (1 + 1e-12)
    # Frank-Wolfe: f(w) - min f <= <gradient, w> + radius * |gradient|.
    gap = gradient @ w + problem.bound * np.linalg.norm(gradient)
    assert -1e-12 <= gap <= 1e-8 * float(problem.loss_at(np.zeros(6)))


def test_separable_logistic_regression_lies_on_the_sphere():
    problem = logistic_regression(40, 3, noise=0.0, seed=3)
    assert np.linalg.norm(problem.minimiser) == pytest.approx(problem.bound)


@pytest.mark.parametrize("make", [absolute_regression, hinge_classification])
def test_piecewise_linear_minima_have_a_certificate(make):
    problem = make(200, 5, seed=4)
    a, y = problem.features, problem.targets
    # A subgradient that vanishes: slopes forced away from the kinks, free within their range at them.
    z = a @ problem.minimiser if problem.loss == "absolute" else y * (a @ problem.minimiser)
    kink = y if problem.loss == "absolute" else np.ones(200)
    low, high = (-1.0, 1.0) if problem.loss == "absolute" else (-1.0, 0.0)
    bounds = [(low, high) if abs(u - k) < 1e-8 else ((high, high) if u > k else (low, low)) for u, k in zip(z, kink)]
    matrix = a.T if problem.loss == "absolute" else (a * y[:, None]).T
    assert optimize.linprog(np.zeros(200), A_eq=matrix, b_eq=np.zeros(5), bounds=bounds).success


def test_a_piecewise_linear_loss_with_its_least_value_outside_is_refused():
    problem = FiniteSum(np.eye(2), np.array([3.0, 4.0]), "absolute", 9.0)
    with pytest.raises(ValueError, match="diameter must be at least twice"):
        simulate(problem, Constant(), horizon=1, lr=1.0, replicas=1)
    assert FiniteSum(np.eye(2), np.array([3.0, 4.0]), "absolute", 11.0).minimum == pytest.approx(0.0, abs=1e-12)


def test_data_are_copied_and_frozen():
    features = np.ones((2, 1))
    problem = FiniteSum(features, np.ones(2), "squared", 1.0)
    features[:] = 7
    assert (problem.features == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        problem.features[0] = 2


@pytest.mark.parametrize(
    "arguments",
    [
        {"eps": -0.1},
        {"eps": 1.1},
        {"eps": float("nan")},
        {"eps": "a"},
        {"eps": 0.1, "diameter": 0.0},
        {"eps": 0.1, "lipschitz": float("inf")},
        {"eps": 0.1, "start": 0.6},
        {"eps": 0.1, "start": float("nan")},
        {"eps": 0.1, "start": "right"},
        {"eps": 0.1, "noise": "uniform"},
    ],
)
def test_absolute_value_refuses(arguments):
    with pytest.raises(ValueError, match=r"must"):
        AbsoluteValue(**arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        (np.ones((3, 2)), np.ones(2), "squared", 1.0),
        (np.ones(3), np.ones(3), "squared", 1.0),
        (np.ones((3, 2)), np.full(3, np.nan), "squared", 1.0),
        (np.ones((3, 2)), np.ones(3), "cubic", 1.0),
        (np.ones((3, 2)), np.zeros(3), "hinge", 1.0),
        (np.ones((3, 2)), np.ones(3), "squared", -1.0),
    ],
)
def test_finite_sum_refuses(arguments):
    with pytest.raises(ValueError, match=r"must"):
        FiniteSum(*arguments)


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("arguments", [{"samples": 0}, {"dimension": 0}, {"noise": -1.0}, {"diameter": 0.0}])
def test_makers_refuse(make, arguments):
    with pytest.raises(ValueError, match=r"must"):
        make(**({"samples": 5, "dimension": 2} | arguments))
