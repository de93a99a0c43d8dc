"""The constants that problems claim: least values, gradient bounds, and what they refuse."""

from fractions import Fraction

import numpy as np
import pandas as pd
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
    minimise,
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


def rescaled(problem, by, labels_by, columns=1.0):
    """The same problem in other units: features times ``by``, targets times ``labels_by``, each column times ``columns``."""
    features = problem.features * by * columns
    diameter = problem.diameter * labels_by / by
    return FiniteSum(features, problem.targets * labels_by, problem.loss, diameter, problem.batch)


@pytest.mark.parametrize("make", MAKERS)
@settings(deadline=None, max_examples=15)
@given(
    by=st.floats(-9, 9).map(lambda power: 10.0**power),
    targets=st.floats(-9, 9).map(lambda power: 10.0**power),
    diameter=st.sampled_from([8.0, 40.0]),
    seed=st.integers(0, 20),
)
def test_the_minimum_does_not_depend_on_units(make, by, targets, diameter, seed):
    problem = make(60, 3, diameter=diameter, noise=2.0, seed=seed)
    labels_by = targets if problem.loss in ("absolute", "squared") else 1.0
    other = rescaled(problem, by, labels_by)
    try:
        expected = problem.minimum
    except ValueError:  # least outside of the ball, in any units
        with pytest.raises(ValueError, match="outside of the ball"):
            _ = other.minimum
        return
    power = {"squared": 2, "absolute": 1}.get(problem.loss, 0)
    # Both are within a part of 1e-9 of the minimum; zero in hinge and separable logistic sums, but for 1e-13.
    assert other.minimum / labels_by**power == pytest.approx(expected, rel=2e-9, abs=1e-12)


@pytest.mark.parametrize("small", [1e-12, 1e-9, 1e-6, 1e-3, 1e3, 1e6, 1e9])
@pytest.mark.parametrize("make", MAKERS)
def test_columns_of_very_different_sizes_do_not_matter_in_a_large_ball(make, small):
    problem = make(60, 3, diameter=40.0, noise=2.0, seed=1)
    columns = np.array([1.0, small, 1.0])
    wide = FiniteSum(problem.features * columns, problem.targets, problem.loss, 1e3 / min(small, 1.0))
    free = FiniteSum(problem.features, problem.targets, problem.loss, 1e3)  # its minimiser is inside of both balls
    assert np.linalg.norm(free.minimiser) < 400
    assert wide.minimum == pytest.approx(free.minimum, rel=1e-8)


@pytest.mark.parametrize("diameter", [1e-20, 1e-9, 1e-3, 1.0, 1e3, 1e5, 1e7, 1e9])
@pytest.mark.parametrize("make", [least_squares, logistic_regression])
def test_no_point_of_the_ball_has_less_than_the_minimum(make, diameter):
    problem = make(30, 4, diameter=diameter, seed=2)
    minimiser = problem.minimiser
    assert np.linalg.norm(minimiser) <= problem.bound * (1 + 1e-15 * 4)
    near = minimiser * (1 + np.random.default_rng(0).normal(size=(2000, 4)) * np.geomspace(1e-9, 1, 2000)[:, None])
    near *= np.minimum(1, problem.bound / np.linalg.norm(near, axis=1))[:, None]
    rounding = 1e-13 * diameter * np.linalg.norm(problem.features, axis=1).max()
    assert problem.minimum >= 0
    assert problem.minimum <= problem.loss_at(near).min() * (1 + 1e-9) + (
        rounding**2 if problem.loss == "squared" else 1e-13
    )


@pytest.mark.parametrize("diameter", [1e7, 1e9])
def test_a_minimiser_far_away_is_found(diameter):
    problem = least_squares(5, 2, diameter=diameter)
    solution = np.linalg.lstsq(problem.features, problem.targets)[0]
    # Rounding of predictions as large as the diameter moves residuals by 1e-16 of it.
    assert problem.minimum == pytest.approx(float(problem.loss_at(solution)), rel=1e-15 * diameter)
    assert problem.minimum == pytest.approx(0.78, abs=0.005)
    row = simulate(problem, Constant(), horizon=5, lr=0.1, replicas=10, dtype="float64").iloc[0]
    assert row["last"] > 0


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("diameter", [1.0, 40.0])
def test_an_answer_of_the_solver_that_is_a_little_wrong_is_refused(make, diameter, monkeypatch):
    problem = make(60, 3, diameter=diameter, noise=2.0, seed=1)
    newton, linprog = minimise._newton, optimize.linprog

    def spoilt(*arguments, **options):
        solution = linprog(*arguments, **options)
        solution.x[0] += 1e-3
        return solution

    monkeypatch.setattr(minimise, "_newton", lambda *arguments: newton(*arguments) + np.array([1e-3, 0, 0]))
    monkeypatch.setattr(optimize, "linprog", spoilt)
    with pytest.raises(ValueError, match=r"cannot be told from|outside of the ball"):
        _ = problem.minimum


def test_predictions_too_large_for_squares_are_one_sentence():
    with pytest.raises(ValueError, match=r"predictions or gradients may be as large as 5e\+149: rescale"):
        FiniteSum(np.full((2, 1), 1e75), np.array([1.0, -1.0]), "squared", 1.0)


def test_data_are_copied_and_frozen():
    features = np.ones((2, 1))
    problem = FiniteSum(features, np.ones(2), "squared", 1.0)
    features[:] = 7
    assert (problem.features == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        problem.features[0] = 2


@pytest.mark.parametrize("kind", [Fraction, np.float16, np.float32, np.longdouble])
def test_any_kind_of_number_will_do(kind):
    exact = AbsoluteValue(0.25, 2.0, 1.0, 0.5)
    problem = AbsoluteValue(kind(0.25), kind(2), kind(1), kind(0.5))
    assert problem == exact
    assert {type(value) for value in (problem.eps, problem.diameter, problem.lipschitz, problem.start)} == {float}
    arguments = {"schedule": Constant(), "horizon": 5, "lr": 0.1, "replicas": 10}
    pd.testing.assert_frame_equal(simulate(problem, **arguments), simulate(exact, **arguments))
    assert type(FiniteSum(np.ones((2, 1)), np.ones(2), "squared", kind(2)).diameter) is float


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
