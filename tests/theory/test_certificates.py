"""The theorems against semidefinite programs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory import Polynomial, Warmup
from lrtheory.schedules import REGISTRY
from lrtheory.theory.any_average import average_lower_bound
from lrtheory.theory.heavy_ball_iterate import heavy_ball_lower_bound
from lrtheory.theory.last_iterate import restarts, worst_case
from lrtheory.theory.methods import AVERAGES, RULES, Method
from lrtheory.theory.mixed_restarts import mixed_worst_case
from lrtheory.theory.one_step import one_step_worst_case
from lrtheory.theory.smooth_hard_instance import smooth_lower_bound

pytest.importorskip("PEPit", reason="semidefinite certificates need PEPit")
from lrtheory.theory import certificates
from lrtheory.theory.certificates import (
    certified_loss,
    certify_average,
    certify_heavy_ball,
    certify_smooth,
    certify_worst_case,
)

MULTIPLES = (0.02, 0.5, 3.0, 30.0)  # of 1/sqrt(T): from too small to leave the edge case to larger than the domain
KNOWN_DISTANCE = 1e-6  # the most that a program with a known distance may be off: see the module
DOMAIN = 1e-4  # and one on a domain


def agrees(certificate):
    """The theorem is exact: the program differs by no more than its own accuracy, and that is good."""
    assert abs(certificate.gap) <= certificate.gap_accuracy < KNOWN_DISTANCE


@pytest.mark.parametrize("schedule", REGISTRY, ids=str)
def test_distance_form_is_exact(schedule):
    for horizon in range(1, 11):
        multiple = MULTIPLES[horizon % 4]
        agrees(certify_worst_case(schedule.steps(horizon, multiple / np.sqrt(horizon)), distance=1.0))


@pytest.mark.parametrize("multiple", MULTIPLES)
@pytest.mark.parametrize("horizon", [1, 4, 10])
def test_distance_form_is_exact_at_every_scale(horizon, multiple):
    agrees(certify_worst_case(Polynomial(1).steps(horizon, multiple / np.sqrt(horizon)), distance=1.0))


@given(steps=st.lists(st.floats(0.01, 10), min_size=1, max_size=8))
@settings(deadline=None, max_examples=25)
def test_distance_form_is_exact_for_random_steps(steps):
    agrees(certify_worst_case(steps, distance=1.0))


@given(steps=st.lists(st.floats(0.01, 10), min_size=1, max_size=6))
@settings(deadline=None, max_examples=25)
def test_diameter_form_is_an_upper_bound(steps):
    certificate = certify_worst_case(steps, diameter=1.0)
    assert certificate.gap_accuracy < DOMAIN
    assert certificate.gap >= -certificate.gap_accuracy


def tied(tail, count):
    """Steps before a tail, each the largest for which a restart there is worth as much as one at the tail's start."""
    steps, value = list(tail), worst_case(tail, diameter=1.0)

    def excess(step):
        squares, excess = restarts(np.array([step, *steps]))
        s = max(squares[0], 1.0)
        return 1 / (2 * s) + (excess[0] + s - squares[0]) / 2 - value

    for _ in range(count):
        low, high = None, None
        for step in np.geomspace(5, 1e-3, 4000):
            if excess(step) < 0:
                low = step
                break
            high = step
        assert low is not None
        assert high is not None
        for _ in range(60):  # the root, to the last bit
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle) < 0 else (low, middle)
        steps.insert(0, low)
    return np.array(steps)


@pytest.mark.parametrize(("count", "smallest", "largest"), [(3, 0.05, 0.07), (8, 0.06, 0.07), (12, 0.06, 0.07)])
def test_tied_restarts_keep_a_gap(count, smallest, largest):
    """Where all restarts tie, the bound lies 5 to 7 % above the program: no best restart knows what all of them know."""
    certificate = certify_worst_case(tied([0.22], count), diameter=1.0)
    assert certificate.gap_accuracy < DOMAIN
    assert smallest < certificate.gap < largest


@pytest.mark.parametrize("tail", [0.22, 0.4, 0.6])
def test_two_restarts_at_once_are_exact_for_two_tied_steps(tail):
    steps = tied([tail], 1)
    certificate = certify_worst_case(steps, diameter=1.0)
    assert certificate.gap > 1e-3
    assert mixed_worst_case(steps, diameter=1.0) == pytest.approx(certificate.computed, rel=2e-6)


def test_two_restarts_at_once_take_away_a_part_of_the_gap_of_many():
    for count, left in ((3, 0.011), (8, 0.02), (12, 0.023)):
        steps = tied([0.22], count)
        certificate = certify_worst_case(steps, diameter=1.0)
        gap = mixed_worst_case(steps, diameter=1.0) / certificate.computed - 1
        assert 0.8 * left < gap < left < certificate.gap / 2


@given(steps=st.lists(st.floats(0.01, 3), min_size=1, max_size=5), units=st.sampled_from([(1.0, 1.0), (7.0, 3.0)]))
@settings(deadline=None, max_examples=20)
def test_two_restarts_at_once_are_an_upper_bound(steps, units):
    certificate = certify_worst_case(steps, diameter=1.0)
    mixed, lengths = mixed_worst_case(steps, diameter=1.0), {"lipschitz": units[0], "diameter": units[1]}
    assert certificate.computed - certificate.accuracy - 1e-9 <= mixed <= certificate.theoretical
    scaled = mixed_worst_case(np.array(steps) * units[1] / units[0], **lengths)
    assert scaled == pytest.approx(units[0] * units[1] * mixed, rel=1e-9)


def test_the_gap_of_tied_restarts_does_not_shrink_with_the_horizon():
    """A linear tail at 0.6 of its tuned rate, tied steps before it, twice as many: a gap of the limit."""
    for tail in (2, 5):
        linear = 0.6 * np.arange(tail, 0, -1) / (tail + 1) ** 1.5
        assert certify_worst_case(tied(linear, 2 * tail), diameter=1.0).gap == pytest.approx(0.0535, abs=0.0005)


def test_a_warm_up_keeps_a_gap_near_a_change_of_its_best_restart():
    """Half of the run warms up: at one rate the form is exact, at another it is not, far beyond the solver's error."""
    exact, loose = (
        certify_worst_case(Warmup(Polynomial(1), 0.5).steps(8, multiple / np.sqrt(8)), diameter=1.0)
        for multiple in (1.0, 1.5)
    )
    assert abs(exact.gap) <= exact.gap_accuracy < DOMAIN
    assert 0.003 < loose.gap < 0.01
    assert loose.gap_accuracy < DOMAIN


def test_units_of_a_certificate():
    steps = Polynomial(2).steps(4, lr=0.5)
    unit = certify_worst_case(steps, distance=1.0)
    scaled = certify_worst_case(3 * steps / 7, lipschitz=7.0, distance=3.0)
    assert scaled.computed == pytest.approx(21 * unit.computed, rel=2 * KNOWN_DISTANCE)
    agrees(scaled)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_smooth_bound_and_its_exponent(degree):
    multiples = np.array([4.0, 8.0, 16.0])
    judged = [certify_smooth(Polynomial(degree).steps(8, multiple), diameter=1.0) for multiple in multiples]
    assert all(certificate.gap >= -certificate.gap_accuracy for certificate in judged)
    # The tuned multiple is near 1.8; beyond, the program's value grows like rho^(1/p). Eight steps are few, so the
    # exponent is coarse, but far from 1/(2p+1), which is 0.33, 0.2 and 0.14.
    computed = [certificate.computed for certificate in judged]
    slope = np.polyfit(np.log(multiples), np.log(computed), 1)[0]
    assert slope == pytest.approx(1 / degree, abs=0.1)


@given(
    run=st.integers(1, 5).flatmap(
        lambda count: st.tuples(
            st.lists(st.floats(0.05, 5), min_size=count, max_size=count),
            st.lists(st.floats(0, 1), min_size=count, max_size=count).map(lambda parts: [*parts, 1.0]),
        )
    ),
    size=st.sampled_from(["distance", "diameter"]),
)
@settings(deadline=None, max_examples=20)
def test_the_program_of_an_average_lies_between_its_bounds(run, size):
    certificate = certify_average(*run, **{size: 1.0})
    assert certificate.gap_accuracy < DOMAIN
    assert certificate.gap >= -certificate.gap_accuracy - 1e-9
    if (
        size == "diameter" or (np.diff(run[0]) <= 0).all()
    ):  # else the function needs a set, which a program of a distance lacks
        assert average_lower_bound(*run, **{size: 1.0}) <= certificate.computed + certificate.accuracy + 1e-9


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1, 1, 1, 1), (7, 6, 5, 4, 3, 2, 1)])
def test_the_bound_of_an_average_is_exact_where_weights_do_not_fall(average, shape):
    """From a known distance, at rates that are not small: steps that fall leave uniform weights the larger part."""
    steps = np.array(shape) / max(shape) * 1.5 / np.sqrt(len(shape))
    certificate = certify_average(steps, AVERAGES[average](len(shape)), distance=1.0)
    if average == "merged":
        assert certificate.gap < 0.1  # its weights fall to zero between checkpoints
    else:
        assert abs(certificate.gap) <= 1e-4


@given(
    run=st.integers(1, 4).flatmap(
        lambda count: st.tuples(
            st.lists(st.floats(1, 3), min_size=count, max_size=count).map(lambda parts: sorted(parts, reverse=True)),
            st.lists(st.floats(0, 1), min_size=count, max_size=count).map(lambda parts: [*sorted(parts), 1.0]),
        )
    )
)
@settings(deadline=None, max_examples=15)
def test_random_averages_are_exact_where_the_module_says(run):
    steps = np.array(run[0]) / np.sqrt(len(run[0]))
    assert abs(certify_average(steps, run[1], distance=1.0).gap) <= 1e-4


@given(
    steps=st.lists(st.floats(0.05, 5), min_size=1, max_size=6), momentum=st.sampled_from([0.3, 0.5, 0.9]),
    size=st.sampled_from(["distance", "diameter"]),
)  # fmt: skip
@settings(deadline=None, max_examples=20)
def test_the_program_of_heavy_ball_lies_between_its_bounds(steps, momentum, size):
    certificate = certify_heavy_ball(steps, momentum=momentum, **{size: 1.0})
    assert certificate.gap_accuracy < DOMAIN
    assert certificate.gap >= -certificate.gap_accuracy - 1e-9
    lower = heavy_ball_lower_bound(steps, momentum=momentum, **{size: 1.0})
    assert lower <= certificate.computed + certificate.accuracy + 1e-9


def test_heavy_ball_comes_close_in_programs_to_what_plain_sgd_loses_where_it_anneals():
    """Linear decay, a momentum of one half: the lower bound, plain SGD's worst case, comes closer the longer the run."""
    gaps = []
    for horizon in (4, 8, 12):
        steps = Polynomial(1).steps(horizon, 1 / np.sqrt(horizon))
        program = certify_heavy_ball(steps, momentum=0.5, distance=1.0).computed
        gaps.append(1 - heavy_ball_lower_bound(steps, momentum=0.5, distance=1.0) / program)
    assert gaps == sorted(gaps, reverse=True)
    assert 0 < gaps[-1] < 0.01


@pytest.mark.parametrize("rule", RULES)
def test_methods_as_programs(rule):
    """The output of plain SGD is the worst case; every rule is above what its linear function loses."""
    steps = np.array([0.6, 0.4, 0.3])
    if rule == "adagrad":
        with pytest.raises(ValueError, match="depend on the gradients"):
            certified_loss(Method(rule), steps)
        return
    value, accuracy = certified_loss(Method(rule), steps)
    if rule == "sgd":
        assert value == pytest.approx(certify_worst_case(steps, diameter=1.0).computed, abs=2 * accuracy)
    path = list(Method(rule).iterates(1.0, lambda x: 0.5, steps, lambda x: x))
    assert 0.5 * path[-1] <= value + accuracy <= 1 + 2 * accuracy


@pytest.mark.parametrize("step", [0.1, 0.3, 0.72, 0.8, 0.95, 1.2])
def test_one_step_is_exact(step):
    certificate = certify_worst_case([step], diameter=1.0)
    assert certificate.computed == pytest.approx(one_step_worst_case(step, diameter=1.0), rel=1e-6)
    assert mixed_worst_case([step], diameter=1.0) == pytest.approx(one_step_worst_case(step, diameter=1.0), rel=1e-9)


@pytest.mark.parametrize("degree", [1, 2])
def test_the_smooth_lower_bound_is_below_the_program(degree):
    for multiple in (1.0, 4.0, 16.0):
        steps = Polynomial(degree).steps(8, multiple)
        certificate = certify_smooth(steps, diameter=1.0)
        assert smooth_lower_bound(steps, diameter=1.0) <= certificate.computed + certificate.accuracy


@pytest.mark.parametrize("certify", [certify_worst_case, certify_smooth])
def test_long_runs_are_refused_before_any_work(certify, monkeypatch):
    monkeypatch.setattr(certificates, "program", None)
    with pytest.raises(ValueError, match="at most 20 steps, not 60"):
        certify([0.3, 0.2, 0.1] * 20, diameter=1.0)
