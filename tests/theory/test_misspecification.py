"""The law of misspecification: symbols against numbers against the worst case."""

from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from lrtheory import (
    SGDR,
    WSD,
    Constant,
    Cosine,
    Exponential,
    Formula,
    InverseSqrt,
    Polynomial,
    Robust,
    Then,
    Warmup,
    degradation,
    plan_grid,
    rho_exponent,
    tuned_lr,
)
from lrtheory.schedules import REGISTRY, symbols
from lrtheory.schedules.robust import robust_pieces
from lrtheory.theory.last_iterate import worst_case
from lrtheory.theory.law_derivation import H, Q, polynomial_law
from lrtheory.theory.misspecification import law

ANNEALED = [schedule for schedule in REGISTRY if schedule.degree > 0]
annealed = pytest.mark.parametrize("schedule", ANNEALED, ids=str)
every_schedule = pytest.mark.parametrize("schedule", REGISTRY, ids=str)
u, _ = symbols()
NUMERIC = 1e-8  # measured: 3e-9 at degree 12 and rho = 1000, the narrowest minimum


def test_the_law_of_polynomials_is_derived():
    p = sympy.Symbol("p", positive=True)
    derived = polynomial_law()
    assert derived["stationarity"] == -1
    assert sympy.simplify(derived["exponent"] - 1 / (2 * p + 1)) == 0
    assert sympy.simplify(derived["tuned_loss"] - (p + 1) / (2 * sympy.sqrt(p))) == 0
    quoted = (2 * p + 1) / (2 * (p + 1)) * ((p + 1) / p) ** (p / (2 * p + 1))
    for degree in (sympy.Rational(1, 2), 1, 2, 3):
        assert sympy.simplify((derived["constant"] / quoted).subs(p, degree)) == 1


@pytest.mark.parametrize("degree", [0.5, 1, 2, 3, 7.3])
def test_numeric_law_is_the_derived_one(degree):
    p, rho = sympy.symbols("p rho", positive=True)
    derived = {name: value.subs(p, sympy.Rational(str(degree))) for name, value in polynomial_law().items()}
    numbers = law(Polynomial(degree))
    for name in ("tuned_lr", "tuned_loss", "threshold", "constant"):
        assert getattr(numbers, name) == pytest.approx(float(derived[name]), rel=NUMERIC)
    for value in (1.01 * numbers.threshold, 10.0, 1e4):
        exact = float(derived["law"].subs(rho, value))
        assert degradation(Polynomial(degree), value) == pytest.approx(exact, rel=NUMERIC)


@given(
    degree=st.floats(-3, 3.7).map(lambda power: float(f"{10**power:.3g}")),
    power=st.floats(-100, 100) | st.floats(-3, 9),
)
@settings(deadline=None, max_examples=60)
def test_the_law_holds_at_every_degree_and_every_rate(degree, power):
    """Also where the best restart lies beyond the tables, and where the shape falls below all floats."""
    rho = 10**power
    threshold = np.sqrt((degree + 1) / degree)
    constant = (2 * degree + 1) / (2 * (degree + 1)) * threshold ** (2 * degree / (2 * degree + 1))
    exact = (rho + 1 / rho) / 2 if rho <= threshold else constant * rho ** (1 / (2 * degree + 1))
    # Measured: at most 8e-7, where a steep shape's narrow minimum lies between points of the table.
    assert degradation(Polynomial(degree), rho) == pytest.approx(exact, rel=2e-6)


@pytest.mark.parametrize("formula", ["Piecewise((1 - 2*u, u < 1/2), (0, True))", "exp(1 - 1/(1 - u))", "1/(1 - u)"])
def test_a_shape_without_a_degree_is_refused(formula):
    schedule = Formula(formula, name="mine")
    for call in (
        lambda: degradation(schedule, 2.0),
        lambda: law(schedule),
        lambda: plan_grid(1, 9, risk="convex", schedule=schedule, trials=2),
    ):
        with pytest.raises(ValueError, match=r"mine has no (degree|law): "):
            call()


def described(schedule):
    return law(schedule), degradation(schedule, [0.5, 4.0, 16.0]), rho_exponent(schedule)


@pytest.mark.parametrize("cooldown", [*(k / 50 for k in range(1, 50)), 0.01, 0.99, 0.001, 1e-4, 1e-5, 1 - 1e-12])
def test_a_cooldown_of_any_part_has_its_law(cooldown):
    """Also where its start is an edge of the tables up to rounding, as at 0.1: H and Q in closed form."""
    area_of_run, spread_of_run = 1 - cooldown / 2, 2 + np.log(2 / cooldown - 1)
    found = law(WSD(cooldown))
    assert found.tuned_loss == pytest.approx(np.sqrt(spread_of_run / area_of_run) / 2, rel=NUMERIC)
    assert found.tuned_lr == pytest.approx((area_of_run * spread_of_run) ** -0.5, rel=NUMERIC)
    assert degradation(WSD(cooldown), 0.5) == pytest.approx(1.25, rel=NUMERIC)


@pytest.mark.parametrize(
    "schedule",
    [
        SGDR(10, 1), Polynomial(1e9), Polynomial(1e12), Robust(1e15), Warmup(Cosine(), 0.9), Warmup(WSD(0.1), 0.99),
        Then(Constant(), Cosine(), 0.9), Then(Cosine(), Polynomial(1), 0.99), Then(Exponential(1e-40), Cosine(), 0.5),
        Then(WSD(0.1), Warmup(WSD(0.01), 0.1), 0.9),
    ],
    ids=str,
)  # fmt: skip
def test_shapes_whose_breakpoints_meet_the_tables_have_a_law(schedule):
    found, factors, exponent = described(schedule)
    assert np.isfinite([found.tuned_lr, found.tuned_loss, found.threshold, found.constant]).all()
    assert (factors >= 1 - NUMERIC).all()
    assert exponent == Fraction(1, 2 * schedule.degree + 1)


def test_a_part_that_falls_with_the_horizon_is_none_in_the_limit():
    """After an inverse square root, a decay on its own scale is all that is left, on a fifth of the run."""
    found, factors, _ = described(Then(InverseSqrt(), Polynomial(1), 0.8))
    assert factors == pytest.approx(degradation(Polynomial(1), [0.5, 4.0, 16.0]), rel=NUMERIC)
    assert found.tuned_loss == pytest.approx(5**0.5, rel=NUMERIC)  # H = 1/10, Q = 2


def test_a_shape_all_of_which_falls_with_the_horizon_has_a_law():
    """An inverse square root with a continuous cooldown: the shape diverges at its start, where no restart is best."""
    cooled = Formula("Piecewise((1/sqrt(t), u < 4/5), ((1 - u)*5/sqrt(T*4/5), True))", name="cooled")
    rho = np.array([0.5, 2.0, 16.0, 100.0])
    tuned = tuned_lr(cooled, 100_000, diameter=1.0)
    curve = worst_case(cooled, horizon=100_000, lr=np.append(rho, 1.0) * tuned, diameter=1.0)
    assert degradation(cooled, rho) == pytest.approx(curve[:-1] / curve[-1], rel=1e-3)
    assert law(cooled).tuned_loss == pytest.approx(curve[-1] * 100_000**0.5, rel=1e-3)
    assert law(cooled).tuned_lr == np.inf
    mixed = Formula("Piecewise((1, u < 1/5), ((1 - u)/sqrt(t), True))", name="mixed")
    with pytest.raises(ValueError, match="mixed has no limit of long runs: its parts fall with different powers"):
        described(mixed)


@pytest.mark.parametrize(
    "formula",
    [
        "(1 - u)**(-1/4)",
        "1/sqrt(1 - u)",
        "(1 - u)**(-3/4)",
        "log(2/(1 - u))",
        "1 + u",
        "1 + 1/(1 - log(1 - u))",
        "1/(1 - log(1 - u))",
    ],
)
def test_where_the_last_steps_make_all_the_noise_nothing_is_forgiven(formula):
    """Growing ends have an infinite Q: the factor is (rho + 1/rho)/2, approached from below as the horizon grows."""
    schedule, rho = Formula(formula, name="mine"), np.array([0.25, 4.0, 16.0])
    found, factors, exponent = described(schedule)
    assert exponent == 1
    assert (found.tuned_lr, found.tuned_loss) == (0, np.inf)
    assert factors == pytest.approx(([0.5, 4.0, 16.0] + 1 / np.array([0.5, 4.0, 16.0])) / 2)
    gaps = []
    for horizon in (100, 10_000, 1_000_000):
        tuned = tuned_lr(schedule, horizon, diameter=1.0)
        curve = worst_case(schedule, horizon=horizon, lr=np.append(rho, 1.0) * tuned, diameter=1.0)
        gaps.append(1 - curve[:-1] / curve[-1] / degradation(schedule, rho))
    assert (np.array(gaps) > -1e-12).all()
    assert (gaps[1] <= gaps[0] + 1e-12).all()
    assert (gaps[2] <= gaps[1] + 1e-12).all()


def test_a_decay_slower_than_all_powers_may_have_a_law():
    """Q is finite, though the degree is 0: H and Q from nested quadrature in s = -log(1 - u), and the worst case."""
    slow = Formula("1/(1 - log(1 - u))**2", name="slow")
    found, _, exponent = described(slow)
    assert (exponent, found.constant) == (1, 0)

    def mean(s):  # H over what remains
        return quad(lambda r: np.exp(-r) / (1 + s + r) ** 2, 0, 60)[0]

    spread_of_run = quad(lambda s: (1 + s) ** -4 / mean(s), 0, np.inf, limit=200)[0]
    # The rest of Q beyond the table is a power of the logarithm up to a part 1/230 of its own part 1/230.
    assert found.tuned_loss == pytest.approx(np.sqrt(spread_of_run / mean(0)) / 2, rel=1e-4)
    rho, gaps = np.array([4.0, 16.0]), []
    for horizon in (1_000, 30_000, 1_000_000):
        tuned = tuned_lr(slow, horizon, diameter=1.0)
        curve = worst_case(slow, horizon=horizon, lr=np.append(rho, 1.0) * tuned, diameter=1.0)
        gaps.append(degradation(slow, rho) / (curve[:-1] / curve[-1]) - 1)
    assert (np.diff(gaps, axis=0) < 0).all()  # from below, like one over the logarithm of the horizon
    assert (gaps[-1] < 1 / np.log(1_000_000)).all()


def test_a_logarithm_beside_a_power_has_a_law_without_a_constant():
    for formula, constant in (("(1 - u)*log(2/(1 - u))", np.inf), ("(1 - u)/log(2/(1 - u))", 0.0)):
        schedule, rho = Formula(formula, name="mine"), np.array([0.25, 4.0, 64.0])
        found, _, exponent = described(schedule)
        assert (exponent, found.constant) == (sympy.Rational(1, 3), constant)
        tuned = tuned_lr(schedule, 100_000, diameter=1.0)
        curve = worst_case(schedule, horizon=100_000, lr=np.append(rho, 1.0) * tuned, diameter=1.0)
        assert degradation(schedule, rho) == pytest.approx(curve[:-1] / curve[-1], rel=1e-3)
        with pytest.raises(ValueError, match=r"rho = 1e\+50 is too large for mine"):
            degradation(schedule, 1e50)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("-1", "mine is negative in places"),
        ("(1 - u)**2 - 1/10", "mine is negative in places"),
        ("(1 - u)*(2 + sin(log(1 - u)))", "mine has no degree: the sine in it grows without bound or oscillates"),
        ("(1 - u)*(2 + sin(1/(1 - u)))", "mine has no degree: the sine in it grows without bound or oscillates"),
        ("2 + sin(1/(1 - u))", "mine has no degree: the sine in it grows without bound or oscillates"),
        ("1/(1 - u)", "mine has no law: it grows at its end like the power -1"),
        ("(1 - u)**(10**31)", "is too steep"),
    ],
)
def test_a_shape_without_a_law_is_refused_in_one_sentence(formula, message):
    for call in (
        law,
        lambda schedule: degradation(schedule, 2.0),
        lambda schedule: plan_grid(1, 9, risk="convex", schedule=schedule, trials=2),
    ):
        with pytest.raises(ValueError, match=message) as refused:
            call(Formula(formula, name="mine"))
        assert "\n" not in str(refused.value)


@annealed
def test_the_tuned_restart_is_the_first_step(schedule):
    """So a rate that is too small costs the same under all of them."""
    rho = np.geomspace(1e-6, 1, 13)
    assert degradation(schedule, rho) == pytest.approx((rho + 1 / rho) / 2, rel=NUMERIC)


def test_a_shape_that_falls_early_forgives_downward():
    drop = Formula("Piecewise((1, u < 1/5), ((1 - u)/20, True))", name="drop")
    assert degradation(drop, 0.05) == pytest.approx(1.579, abs=1e-3)


@pytest.mark.parametrize("degree", [sympy.Rational(1, 2), 1, 2, 3])
def test_functionals_are_symbolic(degree):
    schedule = Polynomial(float(degree))
    assert sympy.simplify(H(schedule) - (1 - u) ** (degree + 1) / (degree + 1)) == 0
    assert sympy.simplify(Q(schedule).subs(u, 0) - (degree + 1) / sympy.sympify(degree)) == 0


def test_cosine_from_sympy():
    assert H(Cosine()).subs(u, 0) == sympy.Rational(1, 2)
    assert Cosine().end[2] == pytest.approx(np.pi**2 / 4, rel=1e-15)  # rounded once
    cosine = law(Cosine())
    symbolic = float(Q(Cosine()).subs(u, 0).evalf(15))
    assert symbolic == pytest.approx(2.12214335, abs=5e-9)  # quoted to eight decimals
    assert cosine.tuned_loss == pytest.approx(np.sqrt(symbolic / 0.5) / 2, rel=NUMERIC)
    assert cosine.tuned_lr == pytest.approx((0.5 * symbolic) ** -0.5, rel=NUMERIC)


@annealed
def test_exponent_is_reached(schedule):
    constants, rho = law(schedule), np.array([1e5, 1e6])
    factors = degradation(schedule, rho)
    exponent = float(rho_exponent(schedule))
    assert exponent == pytest.approx(1 / (2 * float(schedule.degree) + 1))
    # What is left of the part of the run that matters is rho^(-2/(2p+1)), below 1e-1 here; its square corrects.
    assert np.log10(factors[1] / factors[0]) == pytest.approx(exponent, abs=3e-3)
    assert factors[1] == pytest.approx(constants.constant * 1e6**exponent, rel=0.02)


@every_schedule
@given(exponent=st.floats(-3, 5))
@settings(deadline=None, max_examples=30)
def test_inequalities_of_the_law(schedule, exponent):
    rho = 10.0**exponent
    factor = degradation(schedule, rho)
    assert isinstance(factor, float)
    assert 1 - NUMERIC <= factor <= (rho + 1 / rho) / 2 * (1 + NUMERIC)
    if rho <= law(schedule).threshold:  # no restart helps, so annealing forgives nothing
        assert factor == pytest.approx((rho + 1 / rho) / 2, rel=1e-5)
    if rho > 1 and not schedule.name.startswith("Robust"):  # made flat, it dips at the ends of its range
        assert float(degradation(schedule, rho * 1.5)) >= factor * (1 - NUMERIC)


@annealed
def test_the_law_is_the_limit_of_the_exact_worst_case(schedule):
    rho = np.array([0.25, 0.7, 1.0, 1.5, 4.0, 16.0, 64.0, 256.0])
    gaps = []
    for horizon in (1_000, 100_000):
        tuned = tuned_lr(schedule, horizon, diameter=1.0)
        curve = worst_case(schedule, horizon=horizon, lr=rho * tuned, diameter=1.0)
        gaps.append(np.abs(curve / curve[2] / degradation(schedule, rho) - 1).max())
    # Corrections are of order T^(-1) times the inverse of what remains of the run; measured at most 2.2e-3.
    assert gaps[1] < 3e-3
    assert gaps[1] < gaps[0]
    assert tuned * np.sqrt(horizon) == pytest.approx(law(schedule).tuned_lr, rel=1e-3)
    assert curve[2] * np.sqrt(horizon) == pytest.approx(law(schedule).tuned_loss, rel=1e-3)


@pytest.mark.parametrize("schedule", [Constant(), InverseSqrt()], ids=str)
def test_exponent_of_unannealed_schedules_rises_to_one(schedule):
    rho = np.array([16.0, 32.0, 64.0, 128.0, 256.0])
    slopes = []
    for horizon in (10**3, 10**4, 10**5, 10**6):
        curve = worst_case(schedule, horizon=horizon, lr=rho * tuned_lr(schedule, horizon, diameter=1.0), diameter=1.0)
        slopes.append(np.polyfit(np.log(rho), np.log(curve), 1)[0])
    assert (np.diff(slopes) > 0).all()
    assert 0.75 < slopes[2] < 0.85
    assert slopes[3] < 1


def test_exponents_at_a_hundred_thousand_steps():
    rho = np.array([16.0, 32.0, 64.0, 128.0, 256.0])
    for schedule in (Polynomial(1), Polynomial(2), Polynomial(3), Cosine()):
        curve = worst_case(schedule, horizon=10**5, lr=rho * tuned_lr(schedule, 10**5, diameter=1.0), diameter=1.0)
        slope = np.polyfit(np.log(rho), np.log(curve), 1)[0]
        assert slope == pytest.approx(float(rho_exponent(schedule)), abs=0.02)


@pytest.mark.parametrize("rho", [0.0, -1.0, np.nan, np.inf, [1.0, -2.0]])
def test_bad_rho_is_one_sentence(rho):
    with pytest.raises(ValueError, match="rho must be positive and finite"):
        degradation(Cosine(), rho)


@pytest.mark.parametrize("uncertainty", [4, 16, 64, 256, 4096])
def test_robust_keeps_its_promise(uncertainty):
    """The largest worst case over the whole uncertainty is (1/2) sqrt(k) DG/sqrt(T)."""
    k, pieces = robust_pieces(uncertainty)
    peak = max(height for _, height, _, _ in pieces)
    for horizon, accuracy in ((200, 5e-3), (2_000, 5e-4)):  # measured: 3.8e-3 and 3.9e-4, falling like 1/T
        rates = peak / np.sqrt(horizon) * np.geomspace(1, uncertainty, 41)
        losses = worst_case(Robust(uncertainty), horizon=horizon, lr=rates, diameter=1.0) * np.sqrt(horizon + 1)
        assert losses.max() == pytest.approx(np.sqrt(k) / 2, rel=accuracy)


def test_a_shape_that_is_negative_in_places_has_no_law():
    with pytest.raises(ValueError, match="negative"):
        degradation(Formula("(1 - u)*(u - 3/10)"), [2.0])
