"""The worst case: its recursion, its invariances, its closed-form tuning."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory import Constant, Cosine, Polynomial, tuned_lr, worst_case
from lrtheory.schedules import REGISTRY
from lrtheory.theory import last_iterate, restart_kernels
from lrtheory.theory.last_iterate import restarts
from lrtheory.theory.published_bounds import published_bound
from lrtheory.theory.step_search import worst_case_gradient
from tests.loaded import loaded_by

steps_of_any_size = st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=30).map(np.array)
lengths = st.floats(1e-3, 1e3)
every_schedule = pytest.mark.parametrize("schedule", REGISTRY, ids=str)


def reference(steps, lipschitz, length, bounded):
    """The theorem as it is stated, with the minimum over ``a`` taken on a grid."""
    a = np.geomspace(1e-5, 1e5, 40_001)[:, None] * np.sqrt(steps)
    values, best = a.ravel(), []
    total = 0.0
    states = [(length / lipschitz, 0.0)] if bounded else []
    for step in steps[::-1]:
        values = values + step / values
        total += step
        states.append((values.min() ** 2, total))
    for square, taken in states if bounded else states[-1:]:
        s = max(square, length / lipschitz)
        best.append(length**2 / (2 * s) + lipschitz**2 / 2 * (s - 2 * taken))
    return min(best)


@given(steps=steps_of_any_size, lipschitz=lengths, length=lengths, bounded=st.booleans())
@settings(deadline=None, max_examples=60)
def test_recursion_is_the_theorem(steps, lipschitz, length, bounded):
    found = worst_case(steps, lipschitz=lipschitz, **{"diameter" if bounded else "distance": length})
    stated = reference(steps, lipschitz, length, bounded)
    # The grid over a has a ratio of 1.0006 between points, so each minimum is missed by less than 1e-6 of s; the
    # difference s - 2 sum(steps) of the reference cancels to 1e-9 of the largest step.
    assert found == pytest.approx(stated, rel=1e-5, abs=1e-8 * lipschitz**2 * steps.sum())


@given(steps=steps_of_any_size, lipschitz=lengths, length=lengths, lrs=st.lists(lengths, min_size=1, max_size=3))
@settings(deadline=None, max_examples=60)
def test_what_is_compiled_is_the_plain_form_to_the_last_bit(steps, lipschitz, length, lrs):
    plain, compiled = last_iterate._restarts(steps), restart_kernels.restarts(steps)
    assert [each.tolist() for each in plain] == [each.tolist() for each in compiled]
    found = restart_kernels.smallest_losses(*compiled, np.array(lrs), lipschitz, length)
    assert found.tolist() == [last_iterate._smallest_loss(*plain, lr, lipschitz, length) for lr in lrs]


def test_a_question_from_the_shell_waits_for_no_library():
    for code in (
        "from lrtheory import worst_case, Cosine; print(worst_case(Cosine(), horizon=10_000, lr=0.1, diameter=1.0))",
        "from lrtheory import tuned_lr, Cosine; print(tuned_lr(Cosine(), 10_000, diameter=1.0))",
        "from lrtheory.plan import main; main(['equivalent', '1e-3', 'cosine', 'WSD(0.2)', '--horizon', '1e5'])",
        "from lrtheory.plan import main; main(['1e-4', '1e-1', '--risk', 'convex', '--horizon', '1e4'])",
    ):
        assert loaded_by(code, ("numba", "scipy", "sympy", "pandas", "matplotlib", "torch")) == [], code


@given(steps=steps_of_any_size, lipschitz=lengths, length=lengths, scale=st.floats(0.01, 100), bounded=st.booleans())
@settings(deadline=None, max_examples=60)
def test_units(steps, lipschitz, length, scale, bounded):
    """Lengths, losses and steps scale together: a bound without hidden units."""
    name = "diameter" if bounded else "distance"
    value = worst_case(steps, lipschitz=lipschitz, **{name: length})
    longer = worst_case(scale * steps, lipschitz=lipschitz, **{name: scale * length})
    steeper = worst_case(steps / scale, lipschitz=scale * lipschitz, **{name: length})
    # Every operation is scaled alike; only the last digits of double precision differ.
    assert longer == pytest.approx(scale * value, rel=1e-11)
    assert steeper == pytest.approx(scale * value, rel=1e-11)


@given(steps=steps_of_any_size, length=lengths)
@settings(deadline=None, max_examples=60)
def test_order_of_the_bounds(steps, length):
    """A restart can only help, the trivial bound GD is one of them, and the published bound is never smaller."""
    distance, diameter = worst_case(steps, distance=length), worst_case(steps, diameter=length)
    assert 0 < diameter <= distance * (1 + 1e-12)
    assert diameter <= length * (1 + 1e-12)
    assert distance <= published_bound(steps, distance=length).total * (1 + 1e-12)
    assert worst_case(steps, distance=1.1 * length) >= distance


@given(steps=steps_of_any_size, position=st.integers(0, 30))
@settings(deadline=None, max_examples=30)
def test_a_step_of_zero_moves_nothing(steps, position):
    padded = np.insert(steps, min(position, len(steps)), 0.0)
    assert worst_case(padded, distance=1.0) == worst_case(steps, distance=1.0)


@pytest.mark.parametrize("horizon", [1, 2, 10, 1000])
def test_linear_decay_is_optimal_over_all_methods(horizon):
    steps = np.arange(horizon, 0, -1) / (horizon + 1) ** 1.5
    # Rounding grows with the number of steps, about 1e-16 a step.
    assert worst_case(steps, distance=1.0) == pytest.approx((horizon + 1) ** -0.5, rel=1e-12)


@pytest.mark.parametrize(("horizon", "tuned"), [(10, 1.1859), (100, 1.4132), (1000, 1.6078)])
def test_constant_steps_have_the_published_exact_rate(horizon, tuned):
    """Zamani and Glineur's exact values, below their simpler bound sqrt(1 + log(N)/4)."""
    value = worst_case(
        Constant().steps(horizon, tuned_lr(Constant(), horizon, distance=1.0)), distance=1.0
    ) * np.sqrt(horizon + 1)  # fmt: skip
    assert value == pytest.approx(tuned, abs=5e-5)  # quoted to four decimals
    assert value < np.sqrt(1 + np.log(horizon) / 4)


@every_schedule
@pytest.mark.parametrize("horizon", [1, 2, 7, 100, 3000])
@pytest.mark.parametrize("setting", [{"distance": 2.0}, {"diameter": 2.0}], ids=["distance", "diameter"])
def test_tuned_lr_is_the_best(schedule, horizon, setting):
    tuned = tuned_lr(schedule, horizon, lipschitz=3.0, **setting)
    rates = tuned * np.geomspace(1 / 30, 30, 301)
    curve = worst_case(schedule, horizon=horizon, lr=rates, lipschitz=3.0, **setting)
    # The curve is flat at its minimum: at equality only rounding can put a neighbour below.
    assert curve.min() >= curve[150] * (1 - 1e-12)
    for rate, loss in zip(rates[::100], curve[::100]):
        direct = worst_case(schedule.steps(horizon, rate), lipschitz=3.0, **setting)
        assert loss == pytest.approx(direct, rel=1e-11)


@every_schedule
def test_without_a_domain_no_schedule_forgives(schedule):
    """With a known distance only, W(rho)/W(1) = (rho + 1/rho)/2 exactly for every shape, until steps are too small."""
    rho = np.array([0.7, 1.0, 2.0, 10.0, 100.0])
    curve = worst_case(schedule, horizon=500, lr=rho * tuned_lr(schedule, 500, distance=1.0), distance=1.0)
    assert curve / curve[1] == pytest.approx((rho + 1 / rho) / 2, rel=1e-11)


@pytest.mark.parametrize("setting", [{"distance": 2.0}, {"diameter": 2.0}], ids=["distance", "diameter"])
def test_a_sweep_is_its_configurations(setting):
    lrs = np.geomspace(1e-3, 10, 6).reshape(2, 3)
    found = worst_case(REGISTRY, horizon=200, lr=lrs, lipschitz=3.0, **setting)
    assert found.shape == (len(REGISTRY), 2, 3)
    for schedule, losses in zip(REGISTRY, found):
        alone = [worst_case(schedule.steps(200, lr), lipschitz=3.0, **setting) for lr in lrs.ravel()]
        # The recursion runs on the shape, not on the steps: only the last digits differ.
        assert losses.ravel() == pytest.approx(alone, rel=1e-11)


def test_threads_change_no_bit():
    lrs = np.geomspace(1e-3, 10, 7)
    tables = [worst_case(REGISTRY, horizon=300, lr=lrs, diameter=1.0, threads=threads) for threads in (1, 2, 5, None)]
    assert all(table.tobytes() == tables[0].tobytes() for table in tables)
    assert worst_case(REGISTRY[0], horizon=300, lr=lrs, diameter=1.0).tobytes() == tables[0][0].tobytes()


def test_scalars_have_floats_and_arrays_have_arrays():
    steps = Constant().steps(10)
    assert type(worst_case(steps, diameter=1.0)) is float
    assert worst_case(Constant(), horizon=10, lr=0.1, diameter=1.0) == worst_case(steps, lr=0.1, diameter=1.0)
    assert worst_case(steps, lr=[[0.1], [0.2]], diameter=1.0).shape == (2, 1)
    assert worst_case([Constant()], horizon=10, lr=[], diameter=1.0).shape == (1, 0)


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"steps": [Constant(), 0.1]}, TypeError, "must be a Schedule"),
        ({"lr": [0.1, -0.1]}, ValueError, "lr must be a positive, finite number"),
        ({"lr": ["fast"]}, ValueError, "lr must be numbers"),
        ({"horizon": None}, ValueError, "a schedule needs its horizon"),
        ({"steps": [0.1]}, ValueError, "horizon is for a schedule"),
        ({"horizon": 0}, ValueError, "horizon is a number of steps"),
        ({"threads": 0}, ValueError, "threads must be a whole number of at least 1"),
        ({"threads": 1.5}, ValueError, "threads must be a whole number of at least 1"),
        ({"distance": 1.0}, ValueError, "give exactly one length"),
    ],
)
def test_a_bad_sweep_is_refused(change, error, sentence):
    arguments = {"steps": [Constant()], "horizon": 5, "lr": [0.1], "diameter": 1.0} | change
    with pytest.raises(error, match=sentence):
        worst_case(**arguments)


def test_excess_loses_nothing_to_cancellation():
    steps = Polynomial(1).steps(100_000)
    squares, excess = restarts(steps)
    taken = np.cumsum(steps[::-1])[::-1]
    # s - 2 sum(steps) loses the digits of the large sum: 1e5 * 1e-16 * 1e5 in absolute terms.
    assert excess[:-1] == pytest.approx(squares[:-1] - 2 * taken, abs=1e-6)
    assert (excess[:-1] > 0).all()


@given(length=st.floats(-75, 75), slope=st.floats(-75, 75), setting=st.sampled_from(["distance", "diameter"]))
@settings(deadline=None, max_examples=50)
def test_units_do_not_matter(length, slope, setting):
    """Steps in units of length over slope, losses in units of both, as far as either may go."""
    length, slope = 10**length, 10**slope
    steps = Cosine().steps(20, lr=0.3)
    units = {"lipschitz": slope, setting: length}
    assert worst_case(steps * (length / slope), **units) == pytest.approx(
        worst_case(steps, **{setting: 1.0}) * length * slope, rel=1e-11
    )
    _, gradient = worst_case_gradient(steps * (length / slope), **units)
    _, plain = worst_case_gradient(steps, **{setting: 1.0})
    assert gradient / slope / slope == pytest.approx(plain, rel=1e-9, abs=1e-12)  # some entries cancel to nearly zero


def test_a_million_steps():
    value = worst_case(Polynomial(1).steps(10**6, lr=1e-3), diameter=1.0)
    assert value == pytest.approx(1e-3, rel=1e-5)  # DG/sqrt(T) up to terms of order 1/T


@pytest.mark.parametrize(
    ("steps", "lengths", "sentence"),
    [
        ([1.0], {}, "give exactly one length"),
        ([1.0], {"distance": 1.0, "diameter": 1.0}, "give exactly one length"),
        ([1.0], {"distance": 0.0}, "distance must be a positive"),
        ([1.0], {"diameter": np.inf}, "diameter must be a positive"),
        ([], {"distance": 1.0}, "steps must be"),
        ([0.0], {"distance": 1.0}, "steps must be"),
        ([-1.0, 1.0], {"distance": 1.0}, "steps must be"),
        ([np.nan], {"distance": 1.0}, "steps must be"),
        ([[1.0]], {"distance": 1.0}, "steps must be"),
        ([1.0], {"distance": 1.0, "lipschitz": -1.0}, "lipschitz must be a positive"),
        ([5e-171, 2.5e-171], {"distance": 1e-170}, "distance must be from 1e-75 to 1e"),
        ([1.0], {"diameter": 1e160}, "diameter must be from 1e-75 to 1e"),
        ([1.0], {"distance": 1.0, "lipschitz": 1e200}, "lipschitz must be from 1e-75 to 1e"),
        (["a"], {"diameter": 1.0}, "steps must be numbers"),
    ],
)
def test_bad_input_is_one_sentence(steps, lengths, sentence):
    with pytest.raises(ValueError, match=sentence):
        worst_case(steps, **lengths)
