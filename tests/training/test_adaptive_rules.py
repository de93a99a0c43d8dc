"""Rules that adapt, hundreds at once, are pytorch_optimizer's one at a time, or their formulas."""

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")
library = pytest.importorskip("pytorch_optimizer")

from lrtheory.tasks import digits  # noqa: E402
from lrtheory.tasks.task import Examples  # noqa: E402
from lrtheory.training import ensemble  # noqa: E402
from lrtheory.training.adaptive_rules import ADAPTIVE_RULES  # noqa: E402

STEPS, BATCH, SEEDS = 40, 3, [0, 1, 2]


class AdaGradNorm(torch.optim.Optimizer):
    """The formula, for one run."""

    def __init__(self, parameters, distance):
        super().__init__(parameters, {"distance": distance, "squares": 0.0})

    @torch.no_grad()
    def step(self):
        (group,) = self.param_groups
        group["squares"] += sum(float((p.grad**2).sum()) for p in group["params"])
        for p in group["params"]:
            p -= group["distance"] / (2 * group["squares"]) ** 0.5 * p.grad


class DoG(torch.optim.Optimizer):
    """The formula, for one run."""

    def __init__(self, parameters, first):
        super().__init__(parameters, {"reached": first, "squares": 0.0})
        self.start = [p.detach().clone() for p in self.param_groups[0]["params"]]

    @torch.no_grad()
    def step(self):
        (group,) = self.param_groups
        group["squares"] += sum(float((p.grad**2).sum()) for p in group["params"])
        away = sum(float(((p - first) ** 2).sum()) for p, first in zip(group["params"], self.start)) ** 0.5
        group["reached"] = max(group["reached"], away)
        for p in group["params"]:
            p -= group["reached"] / (group["squares"] + 1e-8) ** 0.5 * p.grad


ALONE = {
    "schedule_free": lambda p, value: library.ScheduleFreeSGD(p, lr=value),
    "schedule_free_adamw": lambda p, value: library.ScheduleFreeAdamW(p, lr=value),
    "prodigy": lambda p, value: library.Prodigy(p, d0=value),
    "d_adaptation": lambda p, value: library.load_optimizer("dadaptsgd")(p, d0=value),
    "adagrad_norm": AdaGradNorm,
    "dog": DoG,
}


@pytest.fixture(scope="module")
def doubled():
    task, (train, _) = digits.task(), digits.task().load(0)
    doubles = dataclasses.replace(task, maker=lambda: task.model().double())
    return doubles, Examples(train.inputs.double(), train.labels)


def test_every_rule_that_is_new_is_held_to_something():
    assert set(ALONE) == set(ADAPTIVE_RULES) - set(ensemble.RULES)


@pytest.mark.parametrize("value", [1e-3, 0.05, 1.0])
@pytest.mark.parametrize("rule", ALONE)
def test_together_is_one_at_a_time(doubled, rule, value):
    task, examples = doubled
    lrs = np.full((len(SEEDS), STEPS), value)
    together = ensemble.train(task, examples, lrs, SEEDS, rule=ADAPTIVE_RULES[rule](), batch=BATCH)
    for run, seed in enumerate(SEEDS):
        model = ensemble.start(task, seed)
        optimizer = ALONE[rule](model.parameters(), value)
        for now in torch.from_numpy(ensemble.batches(len(examples), STEPS, BATCH, seed)):
            optimizer.zero_grad()
            task.loss(model(examples.inputs[now]), examples.labels[now]).backward()
            optimizer.step()
        if hasattr(optimizer, "eval"):
            optimizer.eval()
        for name, parameter in model.named_parameters():
            # The library keeps estimates of distance in single precision.
            torch.testing.assert_close(together[name][run], parameter.detach(), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("rule", ALONE)
def test_a_run_does_not_depend_on_its_company(doubled, rule):
    task, examples = doubled
    lrs = np.repeat([[0.02], [50.0], [1e-4]], 15, axis=1)
    crowd = ensemble.train(task, examples, lrs, [3, 4, 3], rule=ADAPTIVE_RULES[rule](), batch=2)
    alone = ensemble.train(task, examples, lrs[:1], [3], rule=ADAPTIVE_RULES[rule](), batch=2)
    for name, parameter in alone.items():
        torch.testing.assert_close(crowd[name][0], parameter[0], rtol=1e-9, atol=1e-11)


def test_what_is_observed_are_the_iterates(doubled):
    task, examples = doubled
    seen = []
    last = ensemble.train(
        task, examples, np.full((1, 5), 0.1), [0], rule=ensemble.sgd(), batch=2,
        observe=lambda done, theta: seen.append((done, {name: part.clone() for name, part in theta.items()})),
    )  # fmt: skip
    assert [done for done, _ in seen] == list(range(6))
    for name, part in ensemble.stacked_starts(task, [0]).items():
        assert torch.equal(seen[0][1][name], part)
        assert torch.equal(seen[-1][1][name], last[name])
