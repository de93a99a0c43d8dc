"""The modified equation of gradient descent: its coefficients, its accuracy, its structure and its limits."""

import re
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.theory.backward_error import ETA, backward_error, follow, modified_equation, step_defect
from lrtheory.theory.gradient_corrections import first_correction_defect, hessian_commutator, second_correction_curl
from lrtheory.theory.misprint import equation_seven, equation_seven_defect
from lrtheory.theory.penalties import PENALTIES, adam, gradient_descent, heavy_ball
from lrtheory.theory.quadratic import predicted_contraction, quadratic_rate, quadratic_regime
from lrtheory.theory.rooted_trees import cuts, rooted_trees, size, symmetry

X, Y, Z = sympy.symbols("x y z", real=True)
LOSS = X**4 / 4 + X**2 * Y + Y**2 + sympy.sin(X * Y)  # not quadratic, not separable, not convex
START = np.array([0.9, -0.7])


@st.composite
def polynomials(draw, variables=(X, Y), degree=4, terms=4):
    """A sparse polynomial of at most the given degree with small rational coefficients."""
    monomials = st.sampled_from(sorted(sympy.itermonomials(variables, degree), key=str))
    coefficients = st.fractions(-3, 3, max_denominator=3).map(lambda q: sympy.Rational(q.numerator, q.denominator))
    chosen = draw(st.dictionaries(monomials, coefficients, min_size=1, max_size=terms))
    return sympy.Add(*(coefficient * monomial for monomial, coefficient in chosen.items()))


rational_points = st.lists(st.fractions(-2, 2, max_denominator=5), min_size=3, max_size=3)


def at(expression, point):
    return expression.subs({v: sympy.Rational(p.numerator, p.denominator) for v, p in zip((X, Y, Z), point)})


def slope(errors, ratio=2.0):
    """The order of convergence between the two finest steps."""
    return np.log(errors[-2] / errors[-1]) / np.log(ratio)


# Trees and coefficients


def test_trees_are_counted_and_their_symmetries_and_cuts_are_consistent():
    for nodes in range(1, 9):
        trees = rooted_trees(nodes)
        assert len(trees) == [1, 1, 2, 4, 9, 20, 48, 115][nodes - 1]  # OEIS A000081
        # all labellings together: sum of n!/symmetry is n^(n-1) (Cayley)
        assert sum(Fraction(int(sympy.factorial(nodes)), symmetry(tree)) for tree in trees) == nodes ** (nodes - 1)
        for tree in trees:
            assert len(cuts(tree)) == nodes - 1
            assert all(size(kept) + size(fallen) == nodes for kept, fallen in cuts(tree))


def test_the_published_coefficients_of_the_square():
    (velocity,) = modified_equation(6).expr([X**2], [X])
    found = [velocity.expand().coeff(ETA, k).coeff(X, k + 2) for k in range(6)]
    assert found == [
        1,
        -1,
        sympy.Rational(3, 2),
        sympy.Rational(-8, 3),
        sympy.Rational(31, 6),
        sympy.Rational(-157, 15),
    ]


def test_linear_fields_give_the_logarithm():
    a = sympy.Symbol("a")
    (velocity,) = modified_equation(8).expr([a * X], [X])
    series = sympy.series(sympy.log(1 + ETA * a), ETA, 0, 9).removeO() / ETA * X
    assert sympy.expand(velocity - series) == 0


def test_a_method_that_is_exact_needs_no_correction():
    # the weights of y' itself: all of hD and nothing else
    assert [c for c in backward_error(5, [1, 0, 0, 0, 0]).values() if c != 0] == [1]


def test_bernoulli_numbers_give_the_same_equation():
    # the second derivation: f~ = (hD/(e^hD - 1)) f with D along f~, solved by iteration
    order, field = 5, [X * Y, X + Y]  # order 5 is the first to see the fourth Bernoulli number

    def cut(expression, degree):
        expanded = sympy.expand(expression)
        return sympy.Add(*(expanded.coeff(ETA, k) * ETA**k for k in range(degree + 1)))

    velocity = list(field)
    for _ in range(order - 1):
        moved, total = list(field), list(field)
        for j in range(1, order):
            moved = [
                cut(sum(v * sympy.diff(part, x) for v, x in zip(velocity, (X, Y))), order - 1 - j) for part in moved
            ]
            number = sympy.Rational(-1, 2) if j == 1 else sympy.bernoulli(j)
            total = [t + number / sympy.factorial(j) * ETA**j * part for t, part in zip(total, moved)]
        velocity = [cut(part, order - 1) for part in total]
    trees = modified_equation(order).expr(field, [X, Y])
    assert [sympy.expand(a - b) for a, b in zip(trees, velocity)] == [0, 0]


@settings(deadline=None, max_examples=20)
@given(polynomials(degree=2, terms=3), polynomials(degree=3, terms=2), st.integers(1, 4))
def test_one_step_of_the_flow_is_one_step_of_the_method(first, second, order):
    field = [first, second]
    defect = step_defect(modified_equation(order).expr(field, [X, Y]), field, [X, Y], order)
    assert defect == [[0, 0]] * order


# Accuracy


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_gradient_descent_follows_the_truncation_to_its_order(order):
    descent = [-sympy.diff(LOSS, v) for v in (X, Y)]
    step = sympy.lambdify((X, Y), descent)
    errors = []
    for count in (32, 64):
        lr, theta = 0.5 / count, START
        for _ in range(count):
            theta = theta + lr * np.array(step(*theta))
        flow = follow(modified_equation(order).numeric(descent, [X, Y], lr), START, 0.5)
        errors.append(np.linalg.norm(theta - flow))
    assert slope(errors) == pytest.approx(order, abs=0.1)  # 0.1: the next order's share at these steps
    assert errors[-1] > 1e-11  # above the accuracy of the integration, so the slope is not noise


def test_the_flow_is_integrated_accurately():
    path = follow(lambda theta: np.array([-theta[1], theta[0]]), [1.0, 0.0], 2 * np.pi, points=4)
    np.testing.assert_allclose(path, [[0, 1], [-1, 0], [0, -1], [1, 0]], atol=1e-10)  # relative tolerance 1e-12 a step


# Which corrections are gradients


def test_only_the_first_correction_is_a_gradient_for_a_generic_loss():
    loss = sympy.Function("L")(X, Y)
    assert first_correction_defect(loss, [X, Y]) == [0, 0]
    curl = second_correction_curl(loss, [X, Y])
    assert curl[0, 1] != 0
    assert (curl - hessian_commutator(loss, [X, Y])).applyfunc(sympy.expand) == sympy.zeros(2)
    line = sympy.Function("L")(X)
    assert second_correction_curl(line, [X]) == sympy.zeros(1)


@settings(deadline=None, max_examples=25)
@given(polynomials(variables=(X, Y, Z), degree=3), rational_points)
def test_the_curl_is_the_commutator_of_the_hessian_with_its_rate(loss, point):
    difference = second_correction_curl(loss, [X, Y, Z]) - hessian_commutator(loss, [X, Y, Z])
    assert difference.applyfunc(lambda entry: at(entry, point)) == sympy.zeros(3)
    assert [at(entry, point) for entry in first_correction_defect(loss, [X, Y, Z])] == [0, 0, 0]


@settings(deadline=None, max_examples=25)
@given(polynomials(degree=2), polynomials(variables=(X,)), polynomials(variables=(Y,)))
def test_quadratic_and_separable_losses_keep_a_modified_loss(quadratic, first, second):
    for loss in (quadratic, first + second):
        assert second_correction_curl(loss, [X, Y]) == sympy.zeros(2)


# The misprint


def test_equation_seven_is_wrong_as_printed():
    printed, corrected = equation_seven_defect(sympy.Function("L")(X), X)
    slope_, bend = sympy.Function("L")(X).diff(X), sympy.Function("L")(X).diff(X, 2)
    assert corrected == 0
    assert sympy.expand(printed - (slope_ * bend / 2 - slope_**2 / 4)) == 0
    assert equation_seven().printed != equation_seven().corrected


@pytest.mark.parametrize(("form", "order"), [("printed", 1), ("corrected", 2)])
def test_the_printed_flow_has_order_one_and_the_corrected_flow_order_two(form, order):
    def gradient(x):
        return x + x**3

    errors = []
    for count in (64, 128):
        lr, x = 1 / count, np.array([1.0])
        for _ in range(count):
            x = x - lr * gradient(x)

        def velocity(x, lr=lr):
            g = gradient(x)
            return -(g + lr / 4 * g**2) if form == "printed" else -(g + lr / 2 * (1 + 3 * x**2) * g)

        errors.append(abs(x - follow(velocity, [1.0], 1.0)).item())
    assert slope(errors) == pytest.approx(order, abs=0.1)


# Where it breaks


@settings(deadline=None, max_examples=50)
@given(st.floats(1e-3, 1e3), st.floats(1e-3, 0.999))
def test_the_exact_flow_of_a_quadratic_steps_as_gradient_descent_does(lr, sharpness):
    rate = quadratic_rate(lr, sharpness / lr)
    assert np.exp(lr * rate) == pytest.approx(1 - sharpness, rel=1e-12, abs=1e-13)  # rounding of exp and log


def test_the_truncations_converge_below_one_and_are_blind_above_it():
    orders = np.arange(1, 60)
    for sharpness in (0.1, 0.5, 0.8):
        # the tail of the logarithm's series from order 60 on, at most 0.8^60/12
        assert predicted_contraction(sharpness, 59) == pytest.approx(1 - sharpness, abs=1e-6)
    for sharpness in (1.0, 1.5, 2.5):
        predicted = np.array([predicted_contraction(sharpness, order) for order in orders])
        assert np.all((predicted >= 0) & (predicted < 1))  # never an oscillation, never a divergence
        assert np.all(np.diff(predicted) <= 0)
    assert abs(1 - 2.5) > 1  # while gradient descent diverges
    with pytest.raises(ValueError, match="below 1"):
        quadratic_rate(1.0, 1.0)


@pytest.mark.parametrize("lr", [0.5, 1.0, 1.5, 2.0, 2.5])
def test_the_regimes_of_a_quadratic_are_what_iteration_does(lr):
    path = np.cumprod(np.full(200, 1 - lr))
    seen = {
        0.5: np.all(path > 0) and path[-1] < 1e-10,
        1.0: np.all(path == 0),
        1.5: np.all(np.sign(path[:-1]) == -np.sign(path[1:])) and abs(path[-1]) < 1e-10,
        2.0: set(path) == {-1.0, 1.0},
        2.5: abs(path[-1]) > 1e10,
    }
    names = {0.5: "flow", 1.0: "one step", 1.5: "oscillates", 2.0: "cycles", 2.5: "diverges"}
    assert seen[lr]
    assert quadratic_regime(lr, 1.0) == names[lr]


# Forms and bad input


def test_the_latex_of_the_note_is_written_from_the_coefficients():
    assert modified_equation(4).latex() == (
        r"\dot\theta = -g - \eta\,\frac{1}{2} H g"
        r" - \eta^{2}\left(\frac{1}{3} H^{2} g + \frac{1}{12} T(g, g)\right)"
        r" - \eta^{3}\left(\frac{1}{4} H^{3} g + \frac{1}{12} H T(g, g) + \frac{1}{12} T(g, H g)\right)"
    )
    assert modified_equation(3).latex("field") == (
        r"\dot y = f - h\,\frac{1}{2} f' f + h^{2}\left(\frac{1}{3} f' f' f + \frac{1}{12} f''(f, f)\right)"
    )


@pytest.mark.parametrize("optimizer", PENALTIES)
def test_every_optimizer_has_the_three_forms_and_they_agree(optimizer):
    """Symbolic, LaTeX and numeric, at a point where no gradient component is zero."""
    numbers = {"heavy_ball": {"momentum": 0.6}, "adam": {"beta1": 0.6, "beta2": 0.8, "epsilon": 0.1}}
    term = PENALTIES[optimizer](**numbers.get(optimizer, {}))
    assert term.latex().startswith(r"\dot\theta")
    assert term._repr_latex_() == rf"$\displaystyle {term.latex()}$"
    losses = [LOSS, X**2 * Y**2 + X] if optimizer == "minibatch" else [LOSS]
    gradients = [sympy.lambdify((X, Y), [sympy.diff(loss, v) for v in (X, Y)]) for loss in losses]
    hessians = [sympy.lambdify((X, Y), sympy.hessian(loss, (X, Y))) for loss in losses]
    point = {X: START[0], Y: START[1]}

    def gradient(theta):
        rows = np.array([g(*theta) for g in gradients])
        return rows if optimizer == "minibatch" else rows[0]

    def hessian_vector(theta, v):
        rows = np.array([h(*theta) @ row for h, row in zip(hessians, np.atleast_2d(v))])
        return rows if optimizer == "minibatch" else rows[0]

    symbolic = [float(part.subs(point)) for part in term.expr(losses, [X, Y], 0.05)]
    # two ways to the same numbers: differ by rounding only
    np.testing.assert_allclose(term.field(START, gradient, hessian_vector, 0.05), symbolic, rtol=1e-12)
    if term.has_loss:
        loss = term.loss(losses, [X, Y], 0.05)
        descent = [float((-term.speed * sympy.diff(loss, v)).subs(point)) for v in (X, Y)]
        np.testing.assert_allclose(symbolic, descent, rtol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: modified_equation(0), "order must be a whole number of at least 1, not 0."),
        (lambda: modified_equation(1.5), "order must be a whole number of at least 1, not 1.5."),
        (lambda: modified_equation(2).expr([X], [X, Y]), "field has 1 components but there are 2 variables."),
        (lambda: modified_equation(2).latex("gradients"), "notation must be 'gradient' or 'field', not 'gradients'."),
        (lambda: heavy_ball(momentum=1.0), "momentum must be at least 0 and below 1, not 1.0."),
        (lambda: adam(epsilon=-1.0), "epsilon must be finite and at least 0, not -1.0."),
        (
            lambda: heavy_ball().field([1.0], lambda x: x, lambda x, v: v, 0.1),
            "give a number for beta to evaluate heavy ball.",
        ),
        (lambda: gradient_descent().field([1.0], lambda x: x, lambda x, v: v, 0), "lr must be a positive"),
        (lambda: adam().loss(X**2, [X]), "Adam follows no penalised loss"),
        (lambda: quadratic_regime(-1.0, 1.0), "lr must be a positive"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()
