"""What a simulation's table must obey, whatever the problem."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.schedules import REGISTRY, Constant, Cosine, Polynomial
from lrtheory.simulation import (
    AbsoluteValue,
    absolute_regression,
    hinge_classification,
    least_squares,
    logistic_regression,
    reference,
    simulate,
    streams,
)  # fmt: skip
from tests.loaded import loaded_by

PROBLEMS = {
    "rademacher": AbsoluteValue(0.1),
    "gaussian": AbsoluteValue(0.1, noise="gaussian"),
    "absolute": absolute_regression(50, 3),
    "hinge": hinge_classification(50, 3),
    "squared": least_squares(50, 3),
    "logistic": logistic_regression(50, 3),
}
EVERY_PROBLEM = pytest.mark.parametrize("problem", PROBLEMS.values(), ids=PROBLEMS)


@EVERY_PROBLEM
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_threads_change_nothing(problem, dtype):
    # More replicas than a block, and not a multiple of one; more tasks than threads.
    replicas = 5 if hasattr(problem, "features") else 40_000
    lrs = np.geomspace(0.1, 0.3, 20)  # more configurations than a tile
    tables = [
        simulate(problem, [Constant(), Cosine()], horizon=70, lr=lrs, replicas=replicas, dtype=dtype, threads=n)
        for n in (1, 2, 3)
    ]
    pd.testing.assert_frame_equal(tables[0], tables[1], check_exact=True)
    pd.testing.assert_frame_equal(tables[0], tables[2], check_exact=True)


@EVERY_PROBLEM
def test_a_configuration_does_not_depend_on_the_others(problem):
    schedules, lrs = REGISTRY[:6], np.geomspace(0.01, 1, 7)  # 42: more than one tile of columns
    together = simulate(problem, schedules, horizon=40, lr=lrs, replicas=20)
    alone = simulate(problem, schedules[4], horizon=40, lr=lrs[5], replicas=20)
    # The paths agree to the bit; the matrix product that evaluates a finite sum's loss rounds with its shape.
    exact = not hasattr(problem, "features")
    pd.testing.assert_frame_equal(together[33:34].reset_index(drop=True), alone, check_exact=exact, rtol=1e-10)


def test_the_table_is_the_mean_of_the_reference():
    steps = Cosine().steps(100, 0.2)
    for noise in ("rademacher", "gaussian"):
        problem = AbsoluteValue(0.2, diameter=2.0, lipschitz=1.5, start=-0.3, noise=noise)
        if noise == "rademacher":
            x, average = reference.rademacher_block(
                steps, 0.2, problem.noise_scale, np.float64(-0.3), np.float64(1.0), 11, 0, 3000
            )
        else:
            x, average = np.full(3000, -0.3), np.zeros(3000)
            for begin in (0, 64):
                xi = np.hstack([streams.gaussians(11, block, begin // 64) for block in range(3)])
                part = steps[begin : begin + 64]
                reference.gaussian_chunk(x, average, part, 0.2, problem.noise_scale, xi, np.float64(1.0))
            average /= 100
        row = simulate(problem, Cosine(), horizon=100, lr=0.2, replicas=3000, seed=11, dtype="float64").iloc[0]
        # Means over blocks and over all replicas at once add in different orders.
        for name, values in (("last", 0.2 * np.abs(x)), ("averaged", 0.2 * np.abs(average))):
            assert row[name] == pytest.approx(values.mean(), rel=1e-12)
            assert row[f"{name}_standard_error"] == pytest.approx(values.std(ddof=1) / np.sqrt(3000), rel=1e-10)


@pytest.mark.parametrize("noise", ["rademacher", "gaussian"])
def test_symmetric_starts_have_the_same_law(noise):
    # Signs relative to x: a mirrored start with the same bits is the mirrored run, up to visits at zero.
    tables = [
        simulate(AbsoluteValue(0.05, start=start, noise=noise), Constant(), horizon=300, lr=0.05, replicas=4000)
        for start in (0.37, -0.37)
    ]
    assert tables[0]["last"][0] == tables[1]["last"][0]
    assert tables[0]["averaged"][0] == tables[1]["averaged"][0]


@pytest.mark.parametrize("noise", ["rademacher", "gaussian"])
def test_single_precision_is_enough(noise):
    problem = AbsoluteValue(0.03, noise=noise)
    single, double = (
        simulate(problem, Cosine(), horizon=1000, lr=0.1, replicas=20_000, dtype=dtype).iloc[0]
        for dtype in ("float32", "float64")
    )
    # The same noise: rounding moves the mean by far less than its standard error.
    for name in ("last", "averaged"):
        assert abs(single[name] - double[name]) < 0.05 * double[f"{name}_standard_error"]


@EVERY_PROBLEM
def test_without_averages_the_last_iterates_are_the_same(problem):
    options = {"horizon": 70, "lr": [0.1, 0.3, 0.5], "replicas": 30}
    both = simulate(problem, [Constant(), Cosine()], **options)
    last = simulate(problem, [Constant(), Cosine()], averaged=False, **options)
    pd.testing.assert_frame_equal(both.drop(columns=["averaged", "averaged_standard_error"]), last, check_exact=True)


@pytest.mark.parametrize("noise", ["rademacher", "gaussian"])
def test_several_problems_are_each_of_them(noise):
    problems = [AbsoluteValue(eps, diameter, noise=noise) for eps, diameter in ((0.1, 1.0), (0.3, 2.0), (0.0, 0.3))]
    options = {"horizon": 40, "lr": np.geomspace(0.01, 1, 7), "replicas": 300}
    together = simulate(problems, REGISTRY[:3], **options)
    assert together["problem"].tolist() == np.repeat([0, 1, 2], 21).tolist()
    for index, problem in enumerate(problems):
        alone = simulate(problem, REGISTRY[:3], **options)
        part = together[together["problem"] == index].drop(columns="problem").reset_index(drop=True)
        pd.testing.assert_frame_equal(part, alone, check_exact=True)


def test_antithetic_pairs_have_the_same_mean_and_a_smaller_error():
    problem, options = AbsoluteValue(0.05), {"horizon": 400, "lr": 0.02, "replicas": 100_000, "seed": 3}
    plain = simulate(problem, Cosine(), **options).iloc[0]
    pairs = simulate(problem, Cosine(), antithetic=True, **options).iloc[0]
    for name in ("last", "averaged"):
        error = np.hypot(plain[f"{name}_standard_error"], pairs[f"{name}_standard_error"])
        # Different noise but for half of the replicas: four standard errors of the difference.
        assert abs(plain[name] - pairs[name]) < 4 * error
        # The measured ratio is 0.3 for the last iterate and 0.4 for the average.
        assert pairs[f"{name}_standard_error"] < 0.6 * plain[f"{name}_standard_error"]


def test_both_noises_tell_the_same_story():
    rademacher, gaussian = (
        simulate(AbsoluteValue(0.03, noise=noise), Cosine(), horizon=1000, lr=0.05, replicas=20_000).iloc[0]
        for noise in ("rademacher", "gaussian")
    )
    # Many small steps: the laws meet in the diffusion limit, to the order of one step, well within 5 %.
    assert gaussian["last"] == pytest.approx(rademacher["last"], rel=0.05)


@EVERY_PROBLEM
def test_excess_losses_are_not_negative_and_fall_with_the_horizon(problem):
    scale = problem.diameter / problem.lipschitz
    losses = [
        simulate(problem, Polynomial(1), horizon=horizon, lr=scale / horizon**0.5, replicas=20)["last"][0]
        for horizon in (10, 1000)
    ]
    assert 0 <= losses[1] < losses[0] / 2


def test_without_noise_every_replica_is_the_same():
    row = simulate(AbsoluteValue(1.0), Constant(), horizon=3, lr=0.125, replicas=5000).iloc[0]
    assert (row["last"], row["last_standard_error"]) == (0.125, 0.0)
    assert (row["averaged"], row["averaged_standard_error"]) == (0.25, 0.0)
    assert np.isnan(simulate(AbsoluteValue(0.5), Constant(), horizon=3, lr=0.1, replicas=1)["last_standard_error"][0])


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 2**64 - 1))
def test_seeds_are_recorded_and_matter(seed):
    table = simulate(AbsoluteValue(0.3), Constant(), horizon=5, lr=0.2, replicas=3000, seed=seed)
    other = simulate(AbsoluteValue(0.3), Constant(), horizon=5, lr=0.2, replicas=3000, seed=(seed + 1) % 2**64)
    assert int(table["seed"][0]) == seed
    assert table["last"][0] != other["last"][0]


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"problem": "|x|"}, TypeError),
        ({"schedule": "cosine"}, TypeError),
        ({"schedule": [0.1, 0.2]}, TypeError),
        ({"schedule": []}, ValueError),
        ({"horizon": 0}, ValueError),
        ({"horizon": 1.5}, ValueError),
        ({"lr": 0.0}, ValueError),
        ({"lr": [0.1, float("nan")]}, ValueError),
        ({"lr": []}, ValueError),
        ({"lr": [[0.1]]}, ValueError),
        ({"replicas": 0}, ValueError),
        ({"replicas": 2.0}, ValueError),
        ({"seed": -1}, ValueError),
        ({"dtype": "float16"}, ValueError),
        ({"problem": []}, ValueError),
        ({"problem": [AbsoluteValue(0.1), AbsoluteValue(0.1, noise="gaussian")]}, ValueError),
        ({"problem": [AbsoluteValue(0.1), PROBLEMS["hinge"]]}, TypeError),
        ({"antithetic": True}, ValueError),
        ({"antithetic": True, "replicas": 2, "problem": PROBLEMS["gaussian"]}, ValueError),
        ({"antithetic": True, "replicas": 2, "problem": PROBLEMS["hinge"]}, ValueError),
        *(({"antithetic": value, "replicas": 4}, ValueError) for value in (2, 3, 7, -1, 1, 0, "yes", None)),
        *(({"problem": AbsoluteValue(0.1, diameter=length)}, ValueError) for length in (1e39, 1e-46, 1e-38)),
        ({"problem": AbsoluteValue(0.1, diameter=1e-310), "dtype": "float64"}, ValueError),
        ({"problem": AbsoluteValue(0.1, lipschitz=1e30), "lr": 1e8}, ValueError),
        ({"problem": AbsoluteValue(0.1, lipschitz=1e200), "lr": 1e-200, "dtype": "float64"}, ValueError),
        ({"threads": 0}, ValueError),
        *(
            ({"problem": PROBLEMS[loss], "lr": 1e20}, ValueError)
            for loss in ("absolute", "hinge", "squared", "logistic")
        ),
        ({"problem": PROBLEMS["hinge"], "lr": 1e300, "dtype": "float64"}, ValueError),
    ],
)
def test_bad_input_is_refused_in_one_sentence(change, error):
    arguments = {"problem": AbsoluteValue(0.1), "schedule": Constant(), "horizon": 2, "lr": 0.1, "replicas": 1} | change
    with pytest.raises(error) as caught:
        simulate(**arguments)
    assert "must" in str(caught.value) or "is a number of" in str(caught.value)


@pytest.mark.parametrize(("diameter", "dtype"), [(2.0**110, "float32"), (2.0**-100, "float32"), (2.0**490, "float64")])
def test_the_largest_and_smallest_domains_are_the_unit_one_in_other_units(diameter, dtype):
    arguments = {"schedule": Constant(), "horizon": 50, "replicas": 100, "dtype": dtype}
    unit = simulate(AbsoluteValue(0.25), lr=0.125, **arguments).iloc[0]
    scaled = simulate(AbsoluteValue(0.25, diameter=diameter), lr=0.125 * diameter, **arguments).iloc[0]
    assert scaled["last"] / diameter == unit["last"]  # a power of two changes no rounding


def test_import_is_light():
    assert loaded_by("import lrtheory.simulation", ("torch", "matplotlib", "sympy")) == []
