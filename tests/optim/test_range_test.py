"""The range test leaves no trace, and one run at its suggestion is nearly as good as the best of a grid."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from matplotlib.figure import Figure  # noqa: E402
from torch import nn  # noqa: E402

from lrtheory import Constant, Cosine, Polynomial, worst_case  # noqa: E402
from lrtheory.optim.gradient_norms import GradientNorms  # noqa: E402
from lrtheory.optim.lr_range_test import range_test, restored, turning_rate  # noqa: E402
from lrtheory.theory.refined_schedule import optimal_schedule  # noqa: E402


def problem(seed=0):
    torch.manual_seed(seed)
    inputs = torch.randn(512, 16)
    targets = inputs @ torch.randn(16, 1) + 0.5 * torch.randn(512, 1)
    return inputs, targets


def closure_of(model, optimizer, inputs, targets, batch=8):
    def closure():
        rows = torch.randint(len(inputs), (batch,))
        optimizer.zero_grad()
        loss = (model(inputs[rows]) - targets[rows]).abs().mean()
        loss.backward()
        return loss

    return closure


OPTIMIZERS = {
    "sgd": lambda groups: torch.optim.SGD(groups, lr=0.1, momentum=0.9),
    "adam": lambda groups: torch.optim.Adam(groups, lr=0.1),
    "tensor rate": lambda groups: torch.optim.Adam(groups, lr=torch.tensor(0.1), foreach=False),
}


def everything(model, optimizer):
    """All that must not change: a flat list of things that compare exactly."""
    state = [
        (name, value.clone() if isinstance(value, torch.Tensor) else value)
        for parameter in model.parameters()
        for name, value in sorted(optimizer.state.get(parameter, {}).items())
    ]
    options = [
        (name, value.clone() if isinstance(value, torch.Tensor) else value)
        for group in optimizer.param_groups
        for name, value in group.items()
        if name != "params"
    ]
    tensors = [value.clone() for value in model.state_dict().values()]
    gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
    modes = [module.training for module in model.modules()]
    draws = (random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist())  # noqa: NPY002
    return [state, options, tensors, gradients, modes, draws]


def same(one, other):
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("used", [False, True])
def test_everything_is_restored_to_the_bit(optimizer, used):
    inputs, targets = problem()
    model = nn.Sequential(nn.Linear(16, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 1))
    model[2].eval()  # modes need not agree
    groups = [{"params": model[0].parameters()}, {"params": model[1:].parameters(), "weight_decay": 0.1}]
    optimizer = OPTIMIZERS[optimizer](groups)
    if not isinstance(optimizer.param_groups[1]["lr"], torch.Tensor):
        optimizer.param_groups[1]["lr"] = 0.02
    closure = closure_of(model, optimizer, inputs, targets, batch=256)
    if used:
        for _ in range(3):
            optimizer.step(closure)
    before = everything(model, optimizer)
    rates = [group["lr"] for group in optimizer.param_groups]
    identities = [id(p) for p in model.parameters()]

    def noisy():
        random.random()
        np.random.rand()  # noqa: NPY002
        model.train()
        return closure()

    range_test(model, optimizer, noisy, schedule=Cosine(), horizon=500, low=1e-5, high=30.0)
    assert same(before, everything(model, optimizer))
    assert identities == [id(p) for p in model.parameters()]
    for rate, group in zip(rates, optimizer.param_groups):
        if isinstance(rate, torch.Tensor):  # a compiled optimizer knows it by identity
            assert group["lr"] is rate


@pytest.mark.parametrize("name", ["AdaBound", "Lion", "Lookahead"])
def test_an_optimizer_that_keeps_more_goes_on_as_if_nothing_had_been(name):
    """Options that its first step adds to a group, or the state of an optimizer inside."""
    library = pytest.importorskip("pytorch_optimizer")

    def trained(tested):
        torch.manual_seed(0)
        model = nn.Linear(16, 1)
        inner = torch.optim.AdamW(model.parameters(), lr=0.01)
        optimizer = (
            library.Lookahead(inner) if name == "Lookahead" else getattr(library, name)(model.parameters(), lr=0.01)
        )
        closure = closure_of(model, optimizer, *problem(), batch=256)
        if tested:
            with restored(model, optimizer):
                for _ in range(7):  # Lookahead looks every five
                    optimizer.step(closure)
        for _ in range(7):
            optimizer.step(closure)
        return model.weight.detach()

    assert torch.equal(trained(True), trained(False))


def test_a_failing_closure_is_no_excuse():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = everything(model, optimizer)
    calls = []

    def closure():
        calls.append(1)
        torch.rand(3)
        loss = model(torch.ones(1, 2)).sum()
        loss.backward()
        if len(calls) == 5:
            raise RuntimeError("out of data")
        return loss

    with pytest.raises(RuntimeError, match="out of data"):
        range_test(model, optimizer, closure, schedule=Cosine(), horizon=10)
    assert same(before, everything(model, optimizer))


@pytest.mark.parametrize("schedule", [Constant(), Polynomial(1), Cosine(), Polynomial(3)], ids=str)
def test_the_suggestion_is_nearly_the_best_of_a_grid(schedule):
    """Absolute regression: progress from the start to the noise floor, at the suggestion and at nine rates."""
    horizon = 600
    inputs, targets = problem()
    model = nn.Linear(16, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    closure = closure_of(model, optimizer, inputs, targets)
    found = range_test(model, optimizer, closure, schedule=schedule, horizon=horizon)
    assert found.low < found.suggestion < found.high
    assert str(schedule) in str(found)
    start = [p.detach().clone() for p in model.parameters()]

    def final(lr):
        with torch.no_grad():
            for parameter, value in zip(model.parameters(), start):
                parameter.copy_(value)
        torch.manual_seed(1)
        for rate in schedule.steps(horizon, lr):
            optimizer.param_groups[0]["lr"] = rate
            optimizer.step(closure)
        with torch.no_grad():
            return (model(inputs) - targets).abs().mean().item()

    best = min(final(lr) for lr in np.geomspace(1e-3, 10, 9))
    initial = targets.abs().mean().item()
    assert final(found.suggestion) - best <= 0.05 * (initial - best)  # measured: at most 0.013


def test_annealed_schedules_are_told_larger_rates():
    inputs, targets = problem()
    model = nn.Linear(16, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    closure = closure_of(model, optimizer, inputs, targets)
    arguments = {"horizon": 1_000}
    found = [
        range_test(model, optimizer, closure, schedule=s, **arguments) for s in (Constant(), Cosine(), Polynomial(3))
    ]
    assert found[0].edge == found[1].edge == found[2].edge  # random states are restored, so the test repeats itself
    assert found[0].suggestion < found[1].suggestion < found[2].suggestion
    assert found[0].factor > found[1].factor > found[2].factor
    longer = range_test(model, optimizer, closure, schedule=Cosine(), horizon=16_000)
    assert longer.suggestion == pytest.approx(found[1].suggestion / 4, rel=1e-2)  # 1/sqrt(T)


@pytest.mark.parametrize("per_e_fold", [5.0, 40.0])
def test_the_turn_is_that_of_the_worst_case(per_e_fold):
    edge = turning_rate(per_e_fold)
    losses = []
    for last in (edge / 1.5, edge, edge * 1.5):
        steps = last * np.exp(-np.arange(15 * per_e_fold)[::-1] / per_e_fold)
        losses.append(worst_case(steps, diameter=1.0))
    assert losses[1] == min(losses)


def test_norms_make_a_schedule():
    inputs, targets = problem()
    model = nn.Linear(16, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    closure = closure_of(model, optimizer, inputs, targets)
    expected = []
    with GradientNorms(optimizer) as log:
        for _ in range(50):
            closure()
            expected.append(torch.cat([p.grad.ravel() for p in model.parameters()]).norm().item())
            optimizer.step()
    optimizer.step()  # no longer watched
    assert log.norms == pytest.approx(expected, rel=1e-6)  # float32
    assert optimal_schedule(log.norms).steps(50).shape == (50,)
    optimizer.zero_grad()
    with GradientNorms(optimizer) as nothing:
        optimizer.step()
    assert nothing.norms == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"low": 1.0, "high": 0.1}, "low must be below high"),
        ({"steps": 5}, "steps must be a whole number of at least 20"),
        ({"uncertainty": 1.0}, "uncertainty must be a finite factor above 1"),
        ({"horizon": 0}, "horizon is a number of steps"),
        ({"low": 1e-9, "high": 1e-6}, "does not fall from the first|does not turn up"),
        ({"low": 20.0, "high": 200.0}, "does not fall from the first rate"),
        ({"low": 1e-5, "high": 0.05}, "does not turn up before the last rate"),
    ],
)
def test_bad_tests_are_one_sentence(arguments, message):
    inputs, targets = problem()
    model = nn.Linear(16, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    closure = closure_of(model, optimizer, inputs, targets)
    with pytest.raises(ValueError, match=message):
        range_test(model, optimizer, closure, **({"schedule": Cosine(), "horizon": 100} | arguments))


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("model", None, r"model must be a torch module, not NoneType\."),
        ("optimizer", None, r"optimizer must be a torch optimizer, not NoneType\."),
        ("closure", None, r"closure must be a function that returns the loss, not NoneType\."),
        ("closure", lambda: None, r"closure must return the loss, a tensor of one number, not NoneType\."),
        ("closure", lambda: torch.ones(3), r"closure must return the loss, .* not a tensor of shape \(3,\)\."),
        ("schedule", "cosine", "schedule must be a Schedule"),
    ],
)
def test_arguments_of_another_kind_are_one_sentence_and_nothing_moves(argument, value, message):
    inputs, targets = problem()
    model = nn.Linear(16, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model.weight.detach().clone()
    given = {"model": model, "optimizer": optimizer, "closure": closure_of(model, optimizer, inputs, targets)}
    with pytest.raises(TypeError, match=message):
        range_test(**{**given, "schedule": Cosine(), "horizon": 100, argument: value})
    assert torch.equal(model.weight, before)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_a_closure_may_return_a_number():
    inputs, targets = problem()
    model = nn.Linear(16, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    closure = closure_of(model, optimizer, inputs, targets)
    numbers = range_test(model, optimizer, lambda: closure().item(), schedule=Cosine(), horizon=100)
    assert numbers.edge == range_test(model, optimizer, closure, schedule=Cosine(), horizon=100).edge


def test_plot_draws_the_losses_the_edge_and_the_suggestion():
    torch.manual_seed(0)
    inputs, targets = problem()
    model = nn.Linear(16, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    found = range_test(
        model, optimizer, closure_of(model, optimizer, inputs, targets), schedule=Cosine(), horizon=100, steps=100
    )
    axes = found.plot(Figure().subplots())
    losses, smoothed, edge, suggestion = axes.lines
    assert np.array_equal(losses.get_ydata(), found.losses)
    assert np.array_equal(smoothed.get_ydata(), found.smoothed)
    assert (edge.get_xdata()[0], suggestion.get_xdata()[0]) == (found.edge, found.suggestion)
