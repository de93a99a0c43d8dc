"""Runs trained together are the runs trained alone: to rounding, for every optimizer, whoever is beside them."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from lrtheory.schedules import REGISTRY  # noqa: E402
from lrtheory.tasks import digits, logistic  # noqa: E402
from lrtheory.tasks.task import Examples  # noqa: E402
from lrtheory.training import ensemble  # noqa: E402
from tests.peers.ensemble import train_alone  # noqa: E402

ROUNDING = {"rtol": 1e-9, "atol": 1e-11}
"""Double precision, a few dozen steps, rates at which nothing is chaotic: sums in another order, amplified a little."""


def in_double(build):
    """A task in double precision, so that rounding can be told from a mistake."""
    task = build()
    train, _ = task.load(0)
    return (
        dataclasses.replace(task, maker=lambda: task.model().double()),
        Examples(train.inputs.double(), train.labels),
    )


@pytest.mark.parametrize("build", [logistic.task, digits.task])
@pytest.mark.parametrize("optimizer", ensemble.RULES)
def test_together_is_one_at_a_time(build, optimizer):
    task, examples = in_double(build)
    seeds, horizon, batch = [0, 1, 0, 2, 1], 40, 3
    lrs = np.stack([schedule.steps(horizon, lr=lr) for schedule, lr in zip(REGISTRY, (0.01, 0.02, 0.03, 0.05, 0.01))])
    together = ensemble.train(task, examples, lrs, seeds, rule=ensemble.RULES[optimizer](), batch=batch)
    for run, seed in enumerate(seeds):
        alone = train_alone(task, examples, lrs[run], seed, optimizer=optimizer, batch=batch)
        for name, parameter in alone.items():
            torch.testing.assert_close(together[name][run], parameter, **ROUNDING)


@settings(deadline=None, max_examples=10)
@given(
    optimizer=st.sampled_from(sorted(ensemble.RULES)),
    others=st.lists(st.tuples(st.integers(0, 5), st.floats(1e-4, 1e3)), max_size=6),
    place=st.integers(0, 6),
)
def test_a_run_does_not_depend_on_its_company(optimizer, others, place):
    task, examples = in_double(digits.task)
    place = min(place, len(others))
    company = [*others[:place], (3, 0.02), *others[place:]]
    lrs = np.array([[lr] * 15 for _, lr in company])
    crowd = ensemble.train(
        task, examples, lrs, [seed for seed, _ in company], rule=ensemble.RULES[optimizer](), batch=2
    )
    alone = ensemble.train(task, examples, lrs[[place]], [3], rule=ensemble.RULES[optimizer](), batch=2)
    for name in alone:
        torch.testing.assert_close(crowd[name][place], alone[name][0], **ROUNDING)


def test_a_run_that_overflows_stays_alone_with_it():
    task, examples = in_double(digits.task)
    lrs = np.array([[0.01] * 10, [1e308] * 10])
    trained = ensemble.train(task, examples, lrs, [0, 0], rule=ensemble.sgd(), batch=2)
    losses = ensemble.evaluate(task, trained, examples, task.loss)
    assert ensemble.diverged(losses, 2.3, 10).tolist() == [False, True]
    assert np.isfinite(losses[0])


def test_seeds_give_weights_and_batches_and_leave_the_global_generator_alone():
    task = digits.task()
    before = torch.get_rng_state()
    same, again, other = (ensemble.start(task, seed)[0].weight for seed in (0, 0, 1))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(same, again)
    assert not torch.equal(same, other)
    np.testing.assert_array_equal(ensemble.batches(9, 5, 2, 0), ensemble.batches(9, 5, 2, 0))
    assert (ensemble.batches(9, 5, 2, 0) != ensemble.batches(9, 5, 2, 1)).any()


def test_threads_do_not_disturb_each_others_seeds():
    task, examples = in_double(digits.task)

    def ends(seed):
        trained = ensemble.train(task, examples, np.full((1, 3), 0.1), [seed], rule=ensemble.sgd(), batch=1)
        return float(ensemble.evaluate(task, trained, examples, task.loss)[0])

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(ends, [*range(8)] * 3))
    assert together == [ends(seed) for seed in range(8)] * 3


def test_measures_are_those_of_the_model_itself():
    task, examples = in_double(digits.task)
    trained = ensemble.train(task, examples, np.full((3, 5), 0.1), [0, 1, 2], rule=ensemble.sgd(), batch=4)
    losses = ensemble.evaluate(task, trained, examples, task.loss)
    right = ensemble.evaluate(task, trained, examples, task.right)
    for run in range(3):
        model = task.model()
        model.load_state_dict({name: parameter[run] for name, parameter in trained.items()})
        logits = model(examples.inputs)
        assert losses[run] == pytest.approx(task.loss(logits, examples.labels).item(), rel=1e-12)  # rounding
        assert right[run] == task.right(logits, examples.labels)


def test_the_projection_is_applied_after_every_step():
    task, examples = in_double(logistic.task)
    trained = ensemble.train(
        task, examples, np.full((2, 20), 50.0), [0, 1], rule=ensemble.sgd(), batch=1, project=logistic.project
    )
    norm = torch.cat([parameter.flatten(1) for parameter in trained.values()], dim=1).norm(dim=1)
    assert (norm <= logistic.RADIUS * (1 + 1e-12)).all()


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda task, e: ensemble.train(task, e, np.ones(3), [0], rule=ensemble.sgd(), batch=1), "one row per seed"),
        (
            lambda task, e: ensemble.train(task, e, np.ones((2, 3)), [0], rule=ensemble.sgd(), batch=1),
            "one row per seed",
        ),
        (lambda task, e: ensemble.train(task, e, np.ones((1, 3)), [0], rule=ensemble.sgd(), batch=0), "batch must be"),
        (lambda *_: ensemble.sgd(1.0), "momentum must lie in"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    task = logistic.task()
    with pytest.raises(ValueError, match=sentence):
        call(task, task.load(0)[0])
