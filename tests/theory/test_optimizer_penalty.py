"""Heavy ball, mini-batches and Adam: the derivations vanish, the orders of accuracy are the claimed ones."""

import re
from itertools import combinations, permutations, product

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lrtheory.theory import penalties
from lrtheory.theory.adam_penalty import sign_change, update_defect
from lrtheory.theory.backward_error import follow, modified_equation
from lrtheory.theory.minibatch_penalty import batch_spread, epoch_defect
from lrtheory.theory.momentum_penalty import heavy_ball_equation, recurrence_defect, start_from_rest
from lrtheory.theory.penalty_term import GRADIENT

X, Y = sympy.symbols("x y", real=True)
LOSS = X**4 / 4 + X**2 * Y + Y**2 + sympy.sin(X * Y)
START = np.array([0.9, -0.7])


def functions(loss):
    """The gradient of a loss and its Hessian times a vector, as numpy functions of points ``(..., 2)``."""
    first = sympy.lambdify((X, Y), [sympy.diff(loss, v) for v in (X, Y)])
    second = sympy.lambdify((X, Y), [sympy.diff(loss, X, X), sympy.diff(loss, X, Y), sympy.diff(loss, Y, Y)])

    def gradient(theta):
        return np.stack(np.broadcast_arrays(*first(theta[..., 0], theta[..., 1])), axis=-1)

    def hessian_vector(theta, v):
        a, b, c = second(theta[..., 0], theta[..., 1])
        return np.stack([a * v[..., 0] + b * v[..., 1], b * v[..., 0] + c * v[..., 1]], axis=-1)

    return gradient, hessian_vector


GRAD, HVP = functions(LOSS)


def slope(errors):
    """The order of convergence between two steps, the second half the first."""
    return np.log2(errors[0] / errors[1])


def history(velocity, lr, steps):
    """Gradients at START and before it along a flow, the latest last: what a run that has forgotten its start holds."""
    past = follow(lambda theta: -velocity(theta), START, steps * lr, points=steps)
    return [GRAD(theta) for theta in [*past[::-1], START]]


# Heavy ball


def heavy_ball(theta, lr, momentum, steps, convention, past):
    m, scale = np.zeros(2), 1 if convention == "sum" else 1 - momentum
    for g in past:  # the last of them is the gradient at theta
        m = momentum * m + scale * g
    for _ in range(steps):
        theta = theta - lr * m
        m = momentum * m + scale * GRAD(theta)
    return theta


@pytest.mark.parametrize("convention", ["sum", "ema"])
def test_heavy_ball_derivation_vanishes_for_a_generic_loss(convention):
    assert recurrence_defect(sympy.Function("L")(X, Y), [X, Y], convention) == [0, 0, 0, 0]


@pytest.mark.parametrize("convention", ["sum", "ema"])
def test_heavy_ball_trees_agree_with_the_penalty(convention):
    loss = sympy.Function("L")(X, Y)
    trees = heavy_ball_equation(2, None, convention).expr([-loss.diff(v) for v in (X, Y)], [X, Y])
    term = penalties.heavy_ball(convention=convention).expr(loss, [X, Y])
    assert [sympy.simplify(a - b) for a, b in zip(trees, term)] == [0, 0]


def test_heavy_ball_without_momentum_is_gradient_descent():
    assert heavy_ball_equation(5, 0) == modified_equation(5)


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("convention", ["sum", "ema"])
def test_heavy_ball_follows_the_truncation_to_its_order(order, convention):
    momentum, forgotten, duration = 0.5, 60, 0.25  # 0.5^60 = 1e-18: the transient is below rounding
    errors = []
    for count in (64, 128):
        lr = duration / count
        flow = heavy_ball_equation(order, momentum, convention).numeric([-LOSS.diff(v) for v in (X, Y)], [X, Y], lr)
        end = heavy_ball(START, lr, momentum, count, convention, history(flow, lr, forgotten))
        errors.append(np.linalg.norm(end - follow(flow, START, duration)))
    assert slope(errors) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize("convention", ["sum", "ema"])
@pytest.mark.parametrize(("shifted", "order"), [(True, 2), (False, 1)])
def test_a_run_from_rest_starts_its_flow_up_the_gradient(shifted, order, convention):
    momentum, duration = 0.5, 0.5
    term = penalties.heavy_ball(momentum=momentum, convention=convention)
    errors = []
    for count in (128, 256):
        lr = duration / count
        end = heavy_ball(START, lr, momentum, count, convention, past=[GRAD(START)])
        start = start_from_rest(START, GRAD(START), lr, momentum, convention) if shifted else START
        errors.append(np.linalg.norm(end - follow(lambda t, lr=lr: term.field(t, GRAD, HVP, lr), start, duration)))
    assert slope(errors) == pytest.approx(order, abs=0.1)


# Mini-batches

BATCHES = [X**4 / 4 + X * Y, X**2 * Y + Y**2 + sympy.sin(X), sympy.cos(X + 2 * Y) + X**2]


def batch_functions(losses):
    pairs = [functions(loss) for loss in losses]

    def gradient(theta):
        return np.array([g(theta) for g, _ in pairs])

    def hessian_vector(theta, v):
        return np.array([h(theta, row) for (_, h), row in zip(pairs, v)])

    return gradient, hessian_vector


@pytest.mark.parametrize("sampling", ["reshuffled", "with_replacement"])
@pytest.mark.parametrize("count", [2, 3])
def test_minibatch_derivation_vanishes_for_generic_losses(sampling, count):
    losses = [sympy.Function(f"L_{k}")(X, Y) for k in range(count)]
    assert epoch_defect(losses, [X, Y], sampling) == [0, 0, 0, 0]


def test_the_batch_spread_is_the_difference_between_the_two_samplings():
    losses = [sympy.Function(f"L_{k}")(X, Y) for k in range(3)]
    mean = sum(losses) / 3
    spread = sum((loss - mean).diff(v) ** 2 for loss in losses for v in (X, Y)) / 3
    eta = sympy.Symbol("eta", positive=True)
    reshuffled, replaced = (
        penalties.minibatch(sampling=s).loss(losses, [X, Y]) for s in ("reshuffled", "with_replacement")
    )
    assert sympy.expand(reshuffled - replaced - eta * spread / 4) == 0


@pytest.mark.parametrize(("corrected", "order"), [(True, 3), (False, 2)])
def test_one_epoch_over_all_orders_of_the_batches(corrected, order):
    gradient, hessian_vector = batch_functions(BATCHES)
    steps = [functions(loss)[0] for loss in BATCHES]
    term = penalties.minibatch()
    errors = []
    for lr in (0.01, 0.005):
        ends = []
        for epoch in permutations(range(3)):
            theta = START
            for k in epoch:
                theta = theta - lr * steps[k](theta)
            ends.append(theta)

        def velocity(theta, lr=lr):
            if corrected:
                return term.field(theta, gradient, hessian_vector, lr)
            return -gradient(theta).mean(axis=0)

        errors.append(np.linalg.norm(np.mean(ends, axis=0) - follow(velocity, START, 3 * lr)))
    assert slope(errors) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize(("sampling", "order"), [("reshuffled", 2), ("with_replacement", 1)])
def test_many_epochs_in_the_mean_over_all_sequences_of_orders(sampling, order):
    """The flow with the batch spread is right to order 2 for a whole run of reshuffling; without it, only to 1."""
    losses = BATCHES[:2]
    gradient, hessian_vector = batch_functions(losses)
    (first, second), term = [functions(loss)[0] for loss in losses], penalties.minibatch(sampling=sampling)
    duration, errors = 0.2, []
    for epochs in (7, 14):
        lr = duration / (2 * epochs)
        theta = START[None]
        for _ in range(epochs):  # every path splits into the two orders of the epoch
            either = []
            for a, b in ((first, second), (second, first)):
                middle = theta - lr * a(theta)
                either.append(middle - lr * b(middle))
            theta = np.concatenate(either)
        flow = follow(lambda t, lr=lr: term.field(t, gradient, hessian_vector, lr), START, duration)
        errors.append(np.linalg.norm(theta.mean(axis=0) - flow))
    assert slope(errors) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize(("sampling", "order"), [("with_replacement", 2), ("reshuffled", 1)])
def test_with_replacement_the_spread_is_in_the_noise_and_not_in_the_drift(sampling, order):
    """Mean over all draws against the mean of the diffusion with the drift of either sampling and its covariance.

    To first order in the rate the covariance C obeys C' = -HC - CH + lr Cov(g_k), and the mean feels it through the
    third derivative: m' = drift(m) - T(C)/2.
    """
    losses = BATCHES[:2]
    mean_loss = sum(losses) / 2
    gradient, hessian_vector = batch_functions(losses)
    hessian = sympy.lambdify((X, Y), sympy.hessian(mean_loss, (X, Y)))
    third = sympy.lambdify((X, Y), [[[mean_loss.diff(a, b, c) for c in (X, Y)] for b in (X, Y)] for a in (X, Y)])
    steps, term = [functions(loss)[0] for loss in losses], penalties.minibatch(sampling=sampling)
    duration, errors = 0.25, []
    for count in (8, 16):
        lr = duration / count
        theta = START[None]
        for _ in range(count):  # every path splits into the two draws
            theta = np.concatenate([theta - lr * step(theta) for step in steps])

        def moments(_, state, lr=lr):
            m, c = state[:2], state[2:].reshape(2, 2)
            g, h = gradient(m), np.array(hessian(*m))
            deviation = g - g.mean(axis=0)
            drift = term.field(m, gradient, hessian_vector, lr) - np.einsum("abc,bc->a", third(*m), c) / 2
            return np.concatenate([drift, (-h @ c - c @ h + lr * deviation.T @ deviation / 2).ravel()])

        end = solve_ivp(moments, (0, duration), [*START, 0, 0, 0, 0], "DOP853", rtol=1e-10, atol=1e-12).y[:2, -1]
        errors.append(np.linalg.norm(theta.mean(axis=0) - end))
    assert slope(errors) == pytest.approx(order, abs=0.1)


def test_with_replacement_on_quadratic_batches_the_mean_is_gradient_descent_exactly():
    curvatures, minima = np.array([1.0, 3.0]), np.array([2.0, -1.0])
    lr, runs = 0.2, []
    for draws in product(range(2), repeat=6):
        x = 1.0
        for k in draws:
            x -= lr * curvatures[k] * (x - minima[k])
        runs.append(x)
    descent = 1.0
    for _ in range(6):
        descent -= lr * np.mean(curvatures * (descent - minima))
    assert np.mean(runs) == pytest.approx(descent, rel=1e-13)  # equal but for rounding


@pytest.mark.parametrize("batch_size", [1, 2, 3, 6])
def test_the_spread_over_all_partitions_of_six_examples(batch_size):
    gradients = [sympy.Rational(k**2 - 3, k + 1) for k in range(6)]
    mean = sum(gradients) / 6
    spread = sum((g - mean) ** 2 for g in gradients) / 6
    batches = [sum(batch) / batch_size for batch in combinations(gradients, batch_size)]  # equally often each
    assert sum((g - mean) ** 2 for g in batches) / len(batches) == batch_spread(6, batch_size) * spread


# Adam


def run_adam(theta, lr, beta1, beta2, epsilon, steps, placement, past):
    m, v = np.zeros(2), np.zeros(2)
    for g in past:  # the last of them is the gradient at theta
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    for _ in range(steps):
        theta = theta - lr * m / (np.sqrt(v + epsilon) if placement == "inside" else np.sqrt(v) + epsilon)
        g = GRAD(theta)
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return theta


def test_adam_derivation_vanishes_for_a_generic_loss():
    loss = sympy.Function("L", real=True)(X, Y)
    assert [sympy.simplify(defect) for defect in update_defect(loss, [X, Y])] == [0, 0, 0, 0]


@settings(deadline=None, max_examples=20)
@given(
    st.lists(st.integers(-3, 3), min_size=5, max_size=5),
    st.floats(0, 0.95),
    st.floats(0, 0.95),
    st.floats(1e-2, 1),
    st.sampled_from(["inside", "outside"]),
)
def test_adam_derivation_vanishes_at_random_points(coefficients, beta1, beta2, epsilon, placement):
    monomials = [X**3, X**2 * Y, X * Y, Y**4, X * Y**2]
    # the linear part keeps both gradient components away from zero, where |g| has no derivative
    loss = sympy.Add(*(c * m for c, m in zip(coefficients, monomials))) + 100 * X - 90 * Y
    point = {X: 0.7, Y: -0.4}
    hyper = dict(zip(sympy.symbols("beta_1 beta_2 epsilon", positive=True), (beta1, beta2, epsilon)))
    for defect in update_defect(loss, [X, Y], placement):
        # sums of terms of size 1 to 100, so rounding is below 1e-9
        assert abs(float(defect.subs(point).subs(hyper))) < 1e-9


@pytest.mark.parametrize("placement", ["inside", "outside"])
@pytest.mark.parametrize(("corrected", "order"), [(True, 2), (False, 1)])
@pytest.mark.parametrize(("beta1", "beta2"), [(0.5, 0.8), (0.8, 0.5), (0.0, 0.7)])
def test_adam_follows_the_corrected_flow_to_order_two(placement, corrected, order, beta1, beta2):
    epsilon, forgotten, duration = 0.2, 150, 0.25  # 0.8^150 = 3e-15: the bias corrections are 1
    term = penalties.adam(beta1=beta1, beta2=beta2, epsilon=epsilon, placement=placement)
    errors = []
    for count in (200, 400):
        lr = duration / count

        def velocity(theta, lr=lr):
            g = GRAD(theta)
            uncorrected = -g / (np.sqrt(g**2 + epsilon) if placement == "inside" else np.abs(g) + epsilon)
            return term.field(theta, GRAD, HVP, lr) if corrected else uncorrected

        end = run_adam(START, lr, beta1, beta2, epsilon, count, placement, history(velocity, lr, forgotten))
        errors.append(np.linalg.norm(end - follow(velocity, START, duration)))
    assert slope(errors) == pytest.approx(order, abs=0.1)


def thousandths(largest):
    """Rates of averages whose differences survive rounding: the sign of the coefficient hangs on them."""
    return st.integers(0, round(1000 * largest)).map(lambda count: count / 1000)


@settings(deadline=None, max_examples=50)
@given(thousandths(0.99), thousandths(0.999), st.floats(1e-6, 1), st.sampled_from(["inside", "outside"]))
def test_the_sign_of_adams_penalty_changes_where_stated(beta1, beta2, epsilon, placement):
    coefficient = sympy.lambdify(GRADIENT, penalties.adam(beta1, beta2, epsilon, placement).coefficient)
    border = sign_change(beta1, beta2, epsilon, placement)
    if border == np.inf:
        assert coefficient(1e3) >= 0
    else:
        assert coefficient(0.99 * border) > 0 > coefficient(1.01 * border)


def test_adam_without_second_moment_memory_and_large_epsilon_is_heavy_ball():
    # the correction tends to that of heavy ball in units of eta/sqrt(eps): (1 + beta)/(4 (1 - beta)) times |g|^2
    term = penalties.adam(0.9, 0.999, None)
    ratio = term.coefficient * term.density.diff(GRADIENT) * term.preconditioner.subs(GRADIENT, 0) ** -1
    limit = sympy.limit(ratio, sympy.Symbol("epsilon", positive=True), sympy.oo)
    ema = penalties.heavy_ball(momentum=0.9, convention="ema")
    assert sympy.simplify(limit - ema.coefficient * ema.density.diff(GRADIENT)) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: heavy_ball_equation(0), "order must be a whole number of at least 1, not 0."),
        (lambda: penalties.heavy_ball(convention="mean"), "convention must be 'sum' or 'ema', not 'mean'."),
        (lambda: penalties.minibatch(sampling="iid"), "sampling must be 'reshuffled' or 'with_replacement'"),
        (lambda: epoch_defect([X, Y], [X, Y], "iid"), "sampling must be 'reshuffled' or 'with_replacement'"),
        (lambda: penalties.adam(beta1=1.0), "beta1 must be at least 0 and below 1, not 1.0."),
        (lambda: penalties.adam(placement="under"), "placement must be 'inside' or 'outside', not 'under'."),
        (lambda: sign_change(0.9, 0.999, 1e-8, "under"), "placement must be 'inside' or 'outside', not 'under'."),
        (lambda: batch_spread(10, 3), "batch_size must divide examples"),
        (lambda: start_from_rest([1.0], [1.0], 0.1, 1.0), "momentum must be at least 0 and below 1"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
