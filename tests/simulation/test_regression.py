"""SGD on finite sums: the compiled form is the definition, to rounding, whatever the loss, batch, ball and horizon."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.schedules import Constant, Cosine
from lrtheory.simulation import FiniteSum, regression, simulate, streams
from lrtheory.simulation.losses import LOSSES
from lrtheory.simulation.regression_sweeps import columns

PRECISIONS = {"float32": 1.0, "float64": 2.0**-29}  # units in the last place, relative to single precision
SAMPLES = 23
every_loss = pytest.mark.parametrize("loss", LOSSES)
every_dtype = pytest.mark.parametrize("dtype", PRECISIONS)


def random_problem(draw, loss, dimension, scale, bound, batch):
    generator = np.random.default_rng(draw)
    features = scale * generator.standard_normal((SAMPLES, dimension))
    return FiniteSum(features, generator.choice([-1.0, 1.0], SAMPLES), loss, 2 * bound, batch)


def random_steps(draw, horizon, dtype):
    generator = np.random.default_rng(draw)
    return (10 ** generator.uniform(-3, -0.5, (horizon, columns(np.dtype(dtype))))).astype(dtype)


def stated(problem, steps, seed, replica):
    """The definition in double precision, on the numbers that the compiled form reads."""
    features = problem.features.astype(steps.dtype).astype(float)
    rows = streams.rows(seed, replica, len(steps) * problem.batch, SAMPLES).reshape(len(steps), problem.batch)
    return regression.path(features, problem.targets, LOSSES[problem.loss], steps.astype(float), rows, problem.bound)


@every_loss
@every_dtype
@settings(deadline=None, max_examples=40)
@given(
    # Tails of sweeps (4 steps, 8 rows) and of the steps between two settlings (256).
    horizon=st.one_of(st.integers(1, 13), st.sampled_from([255, 256, 257, 260, 515])),
    batch=st.sampled_from([1, 1, 2, 8, 11]),
    dimension=st.integers(1, 9),
    scale=st.sampled_from([0.1, 1.0, 4.0]),
    bound=st.sampled_from([0.3, 1e3]),
    draw=st.integers(0, 2**32),
    seed=st.integers(0, 2**64 - 1),
    replica=st.integers(0, 2**40),
)
def test_the_compiled_path_is_the_definition(loss, dtype, horizon, batch, dimension, scale, bound, draw, seed, replica):
    problem = random_problem(draw, loss, dimension, scale, bound, batch)
    # Large steps on squares are unstable: they multiply rounding errors along with the iterates.
    steps = random_steps(draw, horizon, dtype) / (scale**2 * dimension if loss == "squared" else scale)
    if loss in ("absolute", "hinge"):
        # Rounding decides on which side of a kink a margin lies once in about 1e4 steps of single precision.
        horizon = min(horizon, 13)
        steps = steps[:horizon]
    steps = steps.astype(dtype)
    ours = regression.fast_path(regression.Data.of(problem, np.dtype(dtype)), steps, seed, replica)
    for our, their in zip(ours, stated(problem, steps, seed, replica)):
        assert our.shape == their.shape
        # A few roundings a step, which contractions forget: measured, 9e-6 of the largest number at worst.
        assert our == pytest.approx(their, rel=0, abs=1e-4 * PRECISIONS[dtype] * np.abs(their).max())
        assert np.linalg.norm(our, axis=0).max() <= bound * (1 + 1e-5 * PRECISIONS[dtype])


@every_loss
@pytest.mark.parametrize("batch", [1, 5])
def test_long_paths_in_double_precision(loss, batch):
    problem = random_problem(3, loss, 30, 0.3, 0.5, batch)
    steps = random_steps(4, 3001, "float64")
    ours = regression.fast_path(regression.Data.of(problem, np.dtype("float64")), steps, 5, 6)
    for our, their in zip(ours, stated(problem, steps, 5, 6)):
        assert our == pytest.approx(their, rel=0, abs=1e-10)  # 3,000 steps of 1e-16 and room for their growth


@every_loss
@every_dtype
@pytest.mark.parametrize("batch", [1, 3])
def test_enormous_steps_stay_finite_and_in_the_ball(loss, dtype, batch):
    """Every step leaves the ball and is projected; what remains is a direction."""
    problem = random_problem(1, loss, 6, 1.0, 0.5, batch)
    steps = np.full((100, columns(np.dtype(dtype))), 1e6, dtype)
    last, average = regression.fast_path(regression.Data.of(problem, np.dtype(dtype)), steps, 2, 0)
    assert np.isfinite(last).all()
    assert np.isfinite(average).all()
    assert np.linalg.norm(last, axis=0).max() <= 0.5 * (1 + 1e-5)  # single precision
    assert np.linalg.norm(average, axis=0).max() <= 0.5 * (1 + 1e-5)


@every_loss
@every_dtype
def test_losses_are_those_of_the_problem(loss, dtype):
    problem = random_problem(0, loss, 5, 2.0, 9.0, 1)
    points = np.random.default_rng(1).standard_normal((5, columns(np.dtype(dtype)))).astype(dtype)
    found = regression.losses(regression.Data.of(problem, np.dtype(dtype)), points)
    # Margins are rounded, and their errors average: measured, 3e-7.
    assert found == pytest.approx(problem.loss_at(points.T), rel=2e-6 * PRECISIONS[dtype])


def test_losses_of_many_samples_and_large_margins():
    """More samples than factors of one product, and margins where the exponential is cut off."""
    generator = np.random.default_rng(0)
    problem = FiniteSum(
        300 * generator.standard_normal((1500, 2)), generator.choice([-1.0, 1.0], 1500), "logistic", 1e3
    )
    points = generator.standard_normal((2, columns(np.dtype("float64"))))
    found = regression.losses(regression.Data.of(problem, np.dtype("float64")), points)
    assert found == pytest.approx(problem.loss_at(points.T), rel=1e-13)


@pytest.mark.parametrize("batch", [1, 4])
def test_columns_do_not_see_each_other(batch):
    problem = random_problem(7, "squared", 4, 0.5, 2.0, batch)
    data, steps = regression.Data.of(problem, np.dtype("float32")), random_steps(8, 50, "float32")
    others = steps.copy()
    others[:, 3] *= 100  # this one is projected, and its neighbours' sweeps settle with it
    last, _ = regression.fast_path(data, steps, 1, 1)
    again, _ = regression.fast_path(data, others, 1, 1)
    # Where a sweep settles is decided for all columns: their iterates agree to rounding, not to the bit.
    assert np.delete(last, 3, axis=1) == pytest.approx(np.delete(again, 3, axis=1), abs=1e-5)


@pytest.mark.parametrize("batch", [1, 4])
def test_without_the_average_the_last_iterate_is_the_same(batch):
    data = regression.Data.of(random_problem(7, "logistic", 4, 0.5, 2.0, batch), np.dtype("float64"))
    steps = random_steps(8, 50, "float64")
    last, _ = regression.fast_path(data, steps, 1, 1)
    alone, _ = regression.fast_path(data, steps, 1, 1, averaged=False)
    assert last.tobytes() == alone.tobytes()


def test_the_table_is_the_mean_of_the_reference():
    problem = random_problem(2, "logistic", 3, 1.0, 5.0, 2)
    schedules, lrs = [Constant(), Cosine()], np.geomspace(0.01, 1, 30)  # 60 configurations: more than one tile
    table = simulate(problem, schedules, horizon=40, lr=lrs, replicas=3, seed=9, dtype="float64")
    steps = np.stack([schedule.steps(40, lr) for schedule in schedules for lr in lrs], axis=1)
    losses = [[problem.loss_at(each.T) for each in stated(problem, steps, 9, replica)] for replica in range(3)]
    for column, name in enumerate(("last", "averaged")):
        values = np.array([pair[column] for pair in losses]) - problem.minimum
        assert table[name].to_numpy() == pytest.approx(values.mean(axis=0), rel=1e-9, abs=1e-12)
        error = values.std(axis=0, ddof=1) / np.sqrt(3)
        assert table[f"{name}_standard_error"].to_numpy() == pytest.approx(error, rel=1e-6, abs=1e-12)


def test_larger_batches_are_less_noisy():
    rows = [
        simulate(random_problem(2, "squared", 3, 1.0, 5.0, batch), Constant(), horizon=300, lr=0.05, replicas=60)
        for batch in (1, 16)
    ]
    assert rows[1]["last"][0] < rows[0]["last"][0] / 4  # sixteen times less noise, up to that of 60 replicas


@pytest.mark.parametrize("batch", [0, -1, 1.0, True])
def test_a_batch_is_a_number_of_rows(batch):
    with pytest.raises(ValueError, match="batch must be a whole number from 1 to 2147483647"):
        FiniteSum(np.ones((2, 1)), np.ones(2), "squared", 1.0, batch)
