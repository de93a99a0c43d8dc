"""Heavy ball: its bounds are the theorem's, lie on the right sides of programs, and meet in long annealed runs."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrtheory import Constant, Cosine, Polynomial, worst_case
from lrtheory.theory.hard_instance import worst_function
from lrtheory.theory.heavy_ball_iterate import heavy_ball_bound, heavy_ball_lower_bound
from lrtheory.theory.methods import Method

runs = st.tuples(st.lists(st.floats(0.02, 5), min_size=1, max_size=9), st.sampled_from([0.0, 0.3, 0.5, 0.8, 0.9]))
"""Steps and a momentum."""


def second_form(steps, momentum):
    left = momentum ** np.arange(len(steps), 0, -1.0)
    return (1 - left) * steps, np.append(0, (momentum - left) / (1 - momentum))


def value(moved, memory, away, parts, sizes, last, radius, k):
    """The theorem's right side, with every condition of the proof checked on the points themselves, not on recursions."""
    count = len(moved)
    total, masses = np.zeros(count + 2), np.zeros(count + 2)  # of x* and of the points; of f(x_i), and of u
    rounding = 1e-12 * (1 + max(memory)) * (1 + sum(sizes))
    masses[0] = 1
    for t in range(k, count + 2):
        held = 0 if t == k else memory[t - 1]
        auxiliary = np.zeros(count + 2)
        auxiliary[t] += 1 + held
        auxiliary[t - 1] -= held
        part = parts[t - 1] if t <= count else 0.0
        size = sizes[t - 1] if t <= count else 1 / (1 + memory[count])
        masses = (1 - part) * masses + part * auxiliary
        pulls = masses - auxiliary  # -<g, z - u> in terms of the points; that of x_t itself is free
        assert (np.delete(pulls, t) >= -1e-9).all()
        pulls[t] = -np.delete(pulls, t).sum()
        total -= size * pulls
    assert total[count + 1] == pytest.approx(1, abs=rounding)
    assert (total[k + 1 : count + 1] >= -rounding).all()
    squares = np.append(sizes / moved, 1 / (1 + memory[count]) / last)
    for t in range(k, count + 1):
        assert squares[t] * (1 - (parts[t] if t < count else 0)) ** 2 <= squares[t - 1] * (1 + 1e-9)
    noise = sizes[k - 1 :] @ moved[k - 1 :] + last / (1 + memory[count])
    start = squares[k - 1] * ((1 - parts[k - 1]) * radius + away[k - 1]) ** 2
    return (start + noise) / 2 + radius * max(0, -total[k]) + sizes[k - 1] * away[k - 1]


def chosen(moved, memory, away, last, radius, first=1, k=1):
    """The choice of the docstring for one size of the virtual step: plain parts, cut from ``first`` on, and a start at ``k``."""
    count = len(moved)
    weights = np.zeros(count + 1)
    weights[count] = 1 / (1 + memory[count])
    for t in range(count - 1, -1, -1):
        weights[t] = memory[t + 1] * weights[t + 1] / (1 + memory[t])
    tails, square, plain = np.append(np.cumsum(weights[::-1])[::-1], 0), weights[count] / last, np.zeros(count + 1)
    for t in range(count - 1, -1, -1):
        size = max(weights[t], moved[t] * square)
        ratio = tails[t] / (size + tails[t + 1])
        plain[t], square = 1 - ratio, size / moved[t] * ratio**2
    parts, before = plain.copy(), 1.0
    for t in range(first, count):
        parts[t] = min(parts[t], before / (before + memory[t])) if memory[t] else parts[t]
        before = parts[t] * (1 + memory[t])
    start = k - 1
    parts[start] = max(parts[start], memory[k] * parts[k] / (1 - parts[k]))
    found = [math.inf]
    for full in (False, True) if parts[start] <= 1 else ():
        sizes, rest, held, square = np.zeros(count), weights[count], weights[count], weights[count] / last
        for t in range(count - 1, start - 1, -1):
            charge = parts[t] * rest + memory[t + 1] * held / (1 + (memory[t] if t > start else 0))
            asked = charge / (1 - parts[t]) if (t > start or full) and parts[t] < 1 else 0.0
            sizes[t] = max(moved[t] * square, asked)
            held, square = sizes[t] * (1 - parts[t]) - parts[t] * rest, sizes[t] / moved[t] * (1 - parts[t]) ** 2
            rest = (1 - parts[t]) * (sizes[t] + rest)
        found.append(value(moved, memory, away, parts, sizes, last, radius, k))
    return min(found)


@given(run=st.tuples(st.lists(st.floats(0.05, 2), min_size=2, max_size=4), st.sampled_from([0.3, 0.8])))
@example(run=([0.3, 0.3, 0.3, 0.3], 0.5))
@example(run=([0.9, 0.1, 0.05, 0.02], 0.8))
@settings(deadline=None, max_examples=4)
def test_the_bound_of_heavy_ball_on_a_domain_is_the_theorem(run):
    """From every start that is tried, with the last memory and without."""
    steps, momentum = np.array(run[0]), run[1]
    count, memory = len(steps), np.append(0.0, np.full(len(steps), momentum / (1 - momentum)))
    away = np.zeros(count + 1)
    for t in range(1, count + 1):
        away[t] = momentum * min(away[t - 1] + steps[t - 1], 1.0)
    firsts = {1, *(count - 2**power + 1 for power in range(int(math.log2(count)) + 1))}
    stated = 1.0
    for last in np.geomspace(1e-3, 30, 50):
        for first in firsts:
            for k in range(first, count + 1):
                whole = chosen(steps, memory, away, last, 1.0, first, k)
                short = chosen(steps, np.append(memory[:-1], 0.0), away, last, 1.0, first, k) + away[-1]
                stated = min(stated, whole, short)
    bound = heavy_ball_bound(steps, momentum=momentum, diameter=1.0)
    # Sizes 23 % apart: the sum is a few hundredths above its minimum halfway between two, at a kink.
    assert bound * (1 - 1e-9) <= stated <= bound * 1.06


@given(run=runs, length=st.floats(0.3, 3))
@example(run=([0.9] * 6, 0.9), length=1.0)
@settings(deadline=None, max_examples=10)
def test_the_bound_of_heavy_ball_is_the_theorem(run, length):
    steps, momentum = np.array(run[0]), run[1]
    moved, memory = second_form(steps, momentum)
    stated = min(chosen(moved, memory, np.zeros(len(moved)), last, length) for last in np.geomspace(1e-4, 1e3, 100))
    bound = heavy_ball_bound(steps, momentum=momentum, distance=length)
    # Sizes 18 % apart: the sum is a few hundredths above its minimum halfway between two, at a kink.
    assert bound * (1 - 1e-9) <= stated <= bound * 1.05


@example(run=([1.0, 1.0, 1.0, 1.0], 0.5), length=0.30000000000000004, lipschitz=1.0)  # a run through the minimum
@given(run=runs, length=st.floats(0.3, 3), lipschitz=st.floats(0.3, 3))
@settings(deadline=None, max_examples=60)
def test_the_bounds_of_heavy_ball_are_in_order_and_scale(run, length, lipschitz):
    steps, momentum = np.array(run[0]), run[1]
    for name in ("distance", "diameter"):
        lower, upper = (
            each(steps, momentum=momentum, lipschitz=lipschitz, **{name: length})
            for each in (heavy_ball_lower_bound, heavy_ball_bound)
        )
        assert 0 <= lower <= upper * (1 + 1e-9)
        unit = [
            each(steps * lipschitz / length, momentum=momentum, **{name: 1.0}) * length * lipschitz
            for each in (heavy_ball_lower_bound, heavy_ball_bound)
        ]
        assert [lower, upper] == pytest.approx(unit, rel=1e-6)


@pytest.mark.parametrize("schedule", [Constant(), Polynomial(1), Cosine()], ids=str)
def test_without_momentum_it_is_plain_sgd(schedule):
    steps = schedule.steps(200, 0.2)
    assert heavy_ball_bound(steps, momentum=0.0, distance=1.0) == pytest.approx(
        worst_case(steps, distance=1.0), rel=1e-8
    )
    assert heavy_ball_lower_bound(steps, momentum=0.0, distance=1.0) == pytest.approx(
        worst_case(steps, distance=1.0), rel=1e-12
    )
    assert heavy_ball_bound(steps, momentum=0.0, diameter=1.0) == pytest.approx(
        worst_case(steps, diameter=1.0), rel=1e-8
    )


@given(run=runs, nesterov=st.booleans())
@settings(deadline=None, max_examples=60)
def test_the_worst_function_of_plain_sgd_is_as_bad_for_momentum(run, nesterov):
    """Run heavy ball, and Nesterov's form, on it: the oracle may answer as it does to plain SGD, and the loss is the same."""
    steps, momentum = np.array(run[0]), run[1]
    moved, _ = second_form(steps, momentum)
    function = worst_function(moved, distance=1.0)
    x = z = function.path[0]
    for t, step in enumerate(steps):
        at = (1 - momentum) * z + momentum * x if nesterov else x
        assert function.directions[t] @ at == pytest.approx(float(function(at)), abs=1e-7)  # the piece t is active
        z = z - step * function.directions[t]
        x = momentum * x + (1 - momentum) * z
    expected = worst_case(moved, distance=1.0)
    assert float(function(x)) == pytest.approx(expected, abs=1e-7)
    assert heavy_ball_lower_bound(steps, momentum=momentum, distance=1.0) >= expected * (1 - 1e-12)


@given(run=runs)
@settings(deadline=None, max_examples=30)
def test_a_run_loses_no_less_than_it_says_on_an_interval(run):
    """The loop of the methods on |x|, between the start and the point one below: one of its losses is the bound."""
    steps, momentum = np.array(run[0]), run[1]
    losses = [
        abs(
            [
                *Method("heavy_ball", momentum=momentum).iterates(
                    start, lambda x: 1.0 if x > 0 else -1.0, steps, lambda z, top=start: min(max(z, top - 1), top)
                )
            ][-1]
        )
        for start in np.linspace(0, 1, 257)
    ]
    assert heavy_ball_lower_bound(steps, momentum=momentum, diameter=1.0) == pytest.approx(max(losses), rel=1e-12)


@pytest.mark.parametrize("momentum", [0.5, 0.9])
@pytest.mark.parametrize("schedule", [Polynomial(1), Polynomial(2), Cosine()], ids=str)
def test_a_constant_momentum_forgives_what_the_schedule_forgives(schedule, momentum):
    for rho in (1.0, 16.0):
        gaps = []
        for horizon in (1_000, 10_000):
            steps = schedule.steps(horizon, rho / math.sqrt(horizon))
            upper, lower = (
                each(steps, momentum=momentum, distance=1.0) for each in (heavy_ball_bound, heavy_ball_lower_bound)
            )
            gaps.append(upper / lower - 1)
            assert lower == pytest.approx(worst_case(steps, distance=1.0), rel=0.01)
            domain = heavy_ball_bound(steps, momentum=momentum, diameter=1.0) / worst_case(steps, diameter=1.0)
            assert 1 - 1e-6 <= domain < 1 + rho**0.5 / ((1 - momentum) * horizon**0.5) * 4
        assert gaps[1] < gaps[0] / 2.5 + 1e-6  # like a power of the horizon between 1/2 and 1
        assert gaps[1] < 0.13


@pytest.mark.parametrize("momentum", [1.0, -0.1, math.nan])
def test_a_bad_momentum_is_one_sentence(momentum):
    for each in (heavy_ball_bound, heavy_ball_lower_bound):
        with pytest.raises(ValueError, match=r"momentum must lie in \[0, 1\)"):
            each([0.5], momentum=momentum, distance=1.0)
