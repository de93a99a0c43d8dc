"""Laws that every strategy of the benchmark obeys, and the switches that reproduce what its published code did."""

import copy
import inspect
import io
import math
from itertools import pairwise

import pytest
import torch
from torch import nn

from lrtheory.optim import strategies
from lrtheory.optim.dals import DALS
from lrtheory.optim.layers import layer_names
from lrtheory.optim.strategies.sam import worst_point_nearby
from lrtheory.optim.strategies.strategy import FAMILIES

pytest.importorskip("pytorch_optimizer")

every_strategy = pytest.mark.parametrize("strategy", strategies.REGISTRY, ids=lambda strategy: strategy.name)
every_family = pytest.mark.parametrize("family", FAMILIES)
both_forms = pytest.mark.parametrize("as_coded", [False, True], ids=["faithful", "as coded"])

HORIZON, EPOCH = 60, 20
LAYERED = {"Discriminative LR", "STLR+Discriminative", "SAM+Discriminative", "DALS", "DALS-Fast", "DALS-Acc"}
TWICE = {"SAM", "SAM+Discriminative"}


def network(seed=0, dtype=torch.float32):
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 2)).to(dtype)


class Bowl:
    """A quadratic of every parameter, half the squared distance to a target, and how often it was evaluated."""

    def __init__(self, model, seed=1):
        generator = torch.Generator().manual_seed(seed)
        self.parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        self.targets = [torch.randn(p.shape, generator=generator).to(p) for p in self.parameters]
        self.calls = 0

    def __call__(self):
        self.calls += 1
        return sum(((p - t) ** 2).sum() for p, t in zip(self.parameters, self.targets)) / 2


def build(strategy, model, **options):
    return strategy.build(model, HORIZON, **{"steps_per_epoch": EPOCH, **options})


def values(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


def equal(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@every_strategy
@every_family
@both_forms
def test_decreases_a_quadratic(strategy, family, as_coded):
    model = network()
    bowl = Bowl(model)
    training = build(strategy, model, family=family, as_coded=as_coded)
    before = values(model)
    losses = [training.step(bowl).item() for _ in range(HORIZON)]
    assert losses[0] == sum(((p - t) ** 2).sum() for p, t in zip(before, bowl.targets)).item() / 2
    assert bowl().item() < losses[0]
    assert not any(torch.equal(a, b) for a, b in zip(before, values(model)))


@every_strategy
@both_forms
def test_is_deterministic(strategy, as_coded):
    def run():
        model = network()
        training = build(strategy, model, as_coded=as_coded)
        x, y = torch.randn(16, 4), torch.randn(16, 2)
        for _ in range(12):
            training.step(lambda: (model(x) - y).square().mean())
        return values(model)

    assert equal(run(), run())


@every_strategy
@every_family
@both_forms
def test_resumes_to_the_bit(strategy, family, as_coded):
    def make():
        model = network()
        return model, build(strategy, model, family=family, as_coded=as_coded)

    model, training = make()
    bowl = Bowl(model)
    for _ in range(23):  # within an epoch, and between two syncs of Lookahead
        training.step(bowl)
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "training": training.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    again, resumed = make()
    again.load_state_dict(saved["model"])
    resumed.load_state_dict(saved["training"])
    assert resumed.rates() == training.rates()
    other = Bowl(again)
    for _ in range(HORIZON - 23):
        assert training.step(bowl) == resumed.step(other)
    assert equal(values(model), values(again))
    # A checkpoint may be used again: training on from it does not write into it.
    third, from_same = make()
    file.seek(0)
    third.load_state_dict(torch.load(file, weights_only=True)["model"])
    from_same.load_state_dict(saved["training"])
    last = Bowl(third)
    for _ in range(HORIZON - 23):
        from_same.step(last)
    assert equal(values(model), values(third))


@every_strategy
@both_forms
def test_trains_each_parameter_in_one_group_and_leaves_the_frozen(strategy, as_coded):
    model = network()
    model[1].bias.requires_grad_(False)
    model[1].bias.grad = torch.full((6,), 7.0)
    frozen = model[1].bias.detach().clone()
    training = build(strategy, model, as_coded=as_coded)
    groups = training.optimizer.param_groups
    trained = [parameter for group in groups for parameter in group["params"]]
    assert {id(p) for p in trained} == {id(p) for p in model.parameters() if p.requires_grad}
    assert len(trained) == 5
    assert len(groups) == (len(layer_names(model)) if strategy.name in LAYERED else 1)
    bowl = Bowl(model)
    for _ in range(3):
        training.step(bowl)
    assert torch.equal(model[1].bias, frozen)
    assert torch.equal(model[1].bias.grad, torch.full((6,), 7.0))


@every_strategy
@both_forms
def test_leaves_gradients_as_backward_left_them(strategy, as_coded):
    model = network()
    last = {}
    for name, parameter in model.named_parameters():
        parameter.register_post_accumulate_grad_hook(lambda p, name=name: last.__setitem__(name, p.grad.clone()))
    training = build(strategy, model, as_coded=as_coded)
    bowl = Bowl(model)
    for _ in range(7):
        training.step(bowl)
        assert all(torch.equal(parameter.grad, last[name]) for name, parameter in model.named_parameters())


@every_strategy
@both_forms
def test_makes_two_backward_passes_for_sam_and_one_for_others(strategy, as_coded):
    model = network()
    bowl = Bowl(model)
    passes = []
    model[0].weight.register_hook(passes.append)
    training = build(strategy, model, as_coded=as_coded)
    for step in range(1, 4):
        training.step(bowl)
        assert len(passes) == bowl.calls == step * (2 if strategy.name in TWICE else 1)


@every_strategy
@both_forms
def test_trains_under_autocast_with_a_scaler(strategy, as_coded):
    model = network()
    training = build(strategy, model, as_coded=as_coded)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(2))
    factor = 1.0

    def loss_fn():
        with torch.autocast("cpu", torch.bfloat16):
            output = model(x)
        return factor * (output.float() - 1).square().mean()

    losses = [training.step(loss_fn, scaler).item() for _ in range(HORIZON // 2)]
    assert losses[-1] < losses[0]
    # Gradients that overflow move nothing: no weight, no average, no rate.
    before, state = values(model), copy.deepcopy(training.state_dict())
    factor = math.inf
    training.step(loss_fn, scaler)
    assert equal(before, values(model))
    now = training.state_dict()
    torch.testing.assert_close(now["optimizer"], state["optimizer"], rtol=0, atol=0)
    assert now["scheduler"] == state["scheduler"]
    factor = 1.0
    training.step(loss_fn, scaler)
    assert not equal(before, values(model))


@pytest.mark.parametrize("name", ["SAM", "SAM+Discriminative"])
def test_statistics_survive_gradients_that_overflow(name):
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
    training = strategies.build(name, model, 10)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**120)  # the squares of such gradients are beyond float32
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(2))
    before = values(model)
    training.step(lambda: 1e12 * model(x).square().mean(), scaler)
    assert equal(before, values(model))
    assert all(buffer.isfinite().all() for buffer in model.buffers())


@every_strategy
@every_family
@pytest.mark.parametrize("steps_per_epoch", [None, 3])
def test_wastes_no_step(strategy, family, steps_per_epoch):
    model = network()
    training = strategy.build(model, 50, family=family, steps_per_epoch=steps_per_epoch)
    bowl = Bowl(model)
    lr = strategy.lr[family]
    for _ in range(50):
        assert all(0 < rate <= lr * (1 + 1e-6) for rate in training.rates())  # DALS keeps factors in float32
        training.step(bowl)


@every_strategy
def test_the_given_rate_is_the_rate(strategy):
    model = network()
    constant = strategy.build(model, 100, 0.25, warmup=0.0, steps_per_epoch=1000)
    if strategy.name in {"LARS", "STLR+Discriminative", "DALS", "DALS-Fast", "DALS-Acc"}:  # these warm up by themselves
        assert max(constant.rates()) < 0.25
    else:
        assert max(constant.rates()) == 0.25
    if strategy.name not in {"LARS", "STLR+Discriminative", "DALS", "DALS-Fast", "DALS-Acc"}:
        assert max(strategy.build(model, 100, 0.25, warmup=0.1, steps_per_epoch=1000).rates()) == pytest.approx(0.025)


def test_the_registry_is_the_table_of_the_paper():
    assert strategies.names() == (
        "Fixed SGD", "Cosine Decay SGD", "SGDR", "Adam", "AdamW", "AdaBound", "LARS", "Discriminative LR", "RAdam",
        "Lion", "Lookahead+AdamW", "SAM", "Grokfast", "STLR+Discriminative", "SAM+Discriminative", "DALS", "DALS-Fast",
        "DALS-Acc",
    )  # fmt: skip
    members = [name for generation in strategies.GENERATIONS for name in generation.members]
    assert tuple(members) == strategies.names()
    for strategy in strategies.REGISTRY:
        assert strategy.name in strategies.GENERATIONS[strategy.generation - 1].members
    assert [generation.number for generation in strategies.GENERATIONS] == [1, 2, 3, 4, 5]


@every_strategy
def test_a_record_says_where_it_comes_from(strategy):
    assert set(strategy.lr) == set(strategy.as_coded) == set(FAMILIES)
    for coded in strategy.as_coded.values():
        assert coded["lr"] > 0
        assert set(coded) - {"lr"} <= set(strategy.switches)
    assert "arXiv" in strategy.reference or strategy.name == "Fixed SGD"
    assert inspect.getdoc(strategy.maker)
    assert strategies.get(strategy.name.upper()) is strategy


def test_refusals_are_sentences():
    model = network()
    with pytest.raises(ValueError, match="there is no strategy 'SAMM': did you mean 'SAM'"):
        strategies.get("SAMM")
    with pytest.raises(ValueError, match="choose one of Fixed SGD, "):
        strategies.get("quadratic programming")
    with pytest.raises(ValueError, match="AdamW has no switch 'bursts'; its switches are: weight_decay"):
        strategies.build("AdamW", model, 10, bursts=True)
    with pytest.raises(ValueError, match="family must be one of 'vision', 'text', not 'audio'"):
        strategies.build("AdamW", model, 10, family="audio")
    with pytest.raises(ValueError, match="lr must be a positive"):
        strategies.build("AdamW", model, 10, -1.0)
    with pytest.raises(ValueError, match="horizon is a number of steps"):
        strategies.build("AdamW", model, 0)
    with pytest.raises(ValueError, match="warmup is the part"):
        strategies.build("AdamW", model, 10, warmup=1.0)
    with pytest.raises(ValueError, match="give steps_per_epoch"):
        strategies.build("STLR+Discriminative", model, 10, as_coded=True)
    with pytest.raises(ValueError, match="nothing to train"):
        strategies.build("AdamW", network().requires_grad_(False), 10)


# The switches: each does exactly what it says.


def rates_over_time(name, model, horizon, **options):
    training = strategies.build(name, model, horizon, **options)
    bowl, rates = Bowl(model), []
    for _ in range(horizon):
        rates.append(training.rates())
        training.step(bowl)
    return torch.tensor(rates, dtype=torch.float64)


def six_layers():
    return nn.Sequential(*(nn.Linear(2, 2) for _ in range(6)))


def test_double_decay_and_bursts_of_stlr():
    def rates(**switches):
        return rates_over_time("STLR+Discriminative", six_layers(), 100, lr=1.0, steps_per_epoch=25, **switches)

    discount = 2.6 ** -torch.arange(5.0, -1.0, -1.0, dtype=torch.float64)
    single, double, burst = rates(), rates(double_decay=True), rates(bursts=True)
    both = rates(double_decay=True, bursts=True)
    exact = {"rtol": 1e-12, "atol": 0.0}  # products of three numbers in one order or another
    torch.testing.assert_close(single / single[:, -1:], discount.expand(100, 6), **exact)
    torch.testing.assert_close(double, single * discount, **exact)
    assert (double[:, 0] / double[:, -1]).max().item() == pytest.approx(2.6**-10)
    # The first epoch at the base rate, then one value an epoch, that of the step at which the epoch begins.
    torch.testing.assert_close(burst[:25], discount.expand(25, 6), **exact)
    for start in (25, 50, 75):
        torch.testing.assert_close(burst[start : start + 25], single[start].expand(25, 6), **exact)
    torch.testing.assert_close(both[:25], discount.expand(25, 6), **exact)
    torch.testing.assert_close(both[25:], burst[25:] * discount, **exact)


def test_restarts_counted_in_epochs_or_in_steps():
    def starts(**options):
        rates = rates_over_time("SGDR", network(), 90, lr=1.0, **options)[:, 0].tolist()
        return [0] + [t + 1 for t, (now, after) in enumerate(pairwise(rates)) if after > now]

    assert starts(steps_per_epoch=3) == [0, 30]
    assert starts(counts_iterations=True) == [0, 10, 30, 70]
    assert starts(steps_per_epoch=3, as_coded=True) == [0, 10, 30, 70]
    assert starts() == [0, 13, 39]  # cycles in the ratio 1 : 2 : 4 that fill the run
    assert starts(family="text", steps_per_epoch=3, warmup=0.0) == [0, 50]
    assert starts(family="text", steps_per_epoch=60, warmup=0.0) == [0, 60]


def test_the_lowest_rate_of_the_cosine():
    rates = rates_over_time("Cosine Decay SGD", network(), 50, lowest_lr=1e-2)[:, 0]
    assert rates[0] == 0.03
    assert 1e-2 < rates[-1] < 1.01e-2 + 1e-4


def test_dals_as_coded_wastes_its_first_step_and_acc_does_not_warm_up():
    for name in ("DALS", "DALS-Fast"):
        assert rates_over_time(name, network(), 100, as_coded=True)[0].tolist() == [0.0] * 3
    coded = rates_over_time("DALS-Acc", network(), 100, as_coded=True, steps_per_epoch=5)[:, 0]
    assert coded[0] == pytest.approx(0.03)
    assert coded.argmin() == 49
    assert coded[50] == pytest.approx(0.03)
    assert rates_over_time("DALS-Acc", network(), 100, steps_per_epoch=5)[0, 0] == pytest.approx(0.03 / 5)


def test_coarse_layers_change_the_rates():
    model = nn.Sequential(six_layers(), nn.Linear(2, 2))
    fine = strategies.build("Discriminative LR", model, 10, 1.0).rates()
    coarse = strategies.build("Discriminative LR", model, 10, 1.0, coarse_layers=True).rates()
    assert fine == pytest.approx([2.6**-n for n in range(6, -1, -1)])
    assert coarse == pytest.approx([1 / 2.6, 1.0])
    chosen = strategies.build(
        "Discriminative LR", model, 10, 1.0, layers=[["0.0"], ["0.1", "0.2"], ["0.3", "0.4", "0.5", "1"]]
    )
    assert chosen.rates() == pytest.approx([2.6**-2, 1 / 2.6, 1.0])


@pytest.mark.parametrize("adaptive", [False, True])
def test_sam_is_that_of_the_library(adaptive):
    import pytorch_optimizer

    ours, theirs = network(dtype=torch.float64), network(dtype=torch.float64)
    training = strategies.build("SAM", ours, 20, 0.03, adaptive=adaptive, weight_decay=1e-4)
    library = pytorch_optimizer.SAM(
        theirs.parameters(), torch.optim.SGD, rho=0.05, adaptive=adaptive, lr=0.03, momentum=0.9, weight_decay=1e-4
    )
    one, two = Bowl(ours), Bowl(theirs)

    def closure():
        library.zero_grad()
        loss = two()
        loss.backward()
        return loss

    for _ in range(20):
        training.step(one)
        closure()
        library.step(closure)
    for a, b in zip(ours.parameters(), theirs.parameters()):
        # The library measures the norm in float32, so each perturbation differs by up to 1e-7 of itself.
        torch.testing.assert_close(a, b, rtol=1e-6, atol=1e-7)


def test_the_worst_point_is_at_the_radius_and_is_left_to_the_bit():
    parameters = list(network().parameters())
    before = [parameter.detach().clone() for parameter in parameters]
    for parameter in parameters:
        parameter.grad = torch.randn_like(parameter)

    def interrupted():
        with worst_point_nearby(parameters, 0.5, adaptive=False):
            moved = torch.cat([(p.detach() - b).flatten() for p, b in zip(parameters, before)])
            assert moved.norm().item() == pytest.approx(0.5, rel=1e-5)  # float32
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert equal(parameters, before)


def test_lars_is_that_of_the_library_on_matrices():
    import pytorch_optimizer

    ours, theirs = (nn.Sequential(nn.Linear(4, 5, bias=False), nn.Linear(5, 3, bias=False)) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    training = strategies.build("LARS", ours, 20, 0.5, constant=True, weight_decay=1e-3)
    library = pytorch_optimizer.LARS(theirs.parameters(), lr=0.5, weight_decay=1e-3, trust_coefficient=0.02)
    one, two = Bowl(ours), Bowl(theirs)
    for _ in range(20):
        training.step(one)
        library.zero_grad()
        two().backward()
        library.step()
    for a, b in zip(ours.parameters(), theirs.parameters()):
        # At a constant rate it is the same whether the rate enters the buffer or leaves it; float32.
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_lars_after_the_momentum_scales_the_buffer():
    model = nn.Linear(3, 2, bias=False).double()
    weight = model.weight.detach().clone()
    training = strategies.build("LARS", model, 10, 0.5, constant=True, after_momentum=True, weight_decay=1e-3)
    bowl = Bowl(model)
    velocity = torch.zeros_like(weight)
    for _ in range(10):
        gradient = weight - bowl.targets[0]
        ratio = 0.02 * weight.norm() / (gradient.norm() + 1e-3 * weight.norm())
        velocity = 0.9 * velocity + gradient + 1e-3 * weight
        weight = weight - 0.5 * ratio * velocity
        training.step(bowl)
    torch.testing.assert_close(model.weight.detach(), weight, rtol=1e-12, atol=1e-12)  # float64, a few roundings


def test_lars_moves_what_is_zero():
    model = nn.Linear(3, 2)
    nn.init.zeros_(model.bias)
    training = strategies.build("LARS", model, 10)
    training.step(Bowl(model))
    assert (model.bias != 0).all()


def test_averaged_momentum_is_a_tenth_of_the_rate():
    model = nn.Linear(3, 2, bias=False).double()
    weight = model.weight.detach().clone()
    training = strategies.build("Grokfast", model, 10, 0.03, averaged_momentum=True, lamb=1.0, weight_decay=5e-4)
    bowl = Bowl(model)
    slow, momentum = None, torch.zeros_like(weight)
    for _ in range(10):
        gradient = weight - bowl.targets[0]
        slow = gradient if slow is None else 0.98 * slow + 0.02 * gradient
        momentum = 0.9 * momentum + 0.1 * (gradient + slow + 5e-4 * weight)
        weight = weight - 0.03 * momentum
        training.step(bowl)
    torch.testing.assert_close(model.weight.detach(), weight, rtol=1e-12, atol=1e-12)  # float64, a few roundings


def test_the_final_rate_of_adabound_follows_the_base_rate():
    for lr in (3e-4, 3e-2):
        training = strategies.build("AdaBound", network(), 10, lr)
        assert training.optimizer.param_groups[0]["final_lr"] == pytest.approx(lr * 100 / 3)
    coded = strategies.build("AdaBound", network(), 10, family="text", as_coded=True)
    assert coded.optimizer.param_groups[0]["final_lr"] == pytest.approx(5e-4)


def test_dals_gets_the_layers_and_the_departures():
    model = nn.Sequential(six_layers(), nn.Linear(2, 2))
    faithful, coded = (strategies.build("DALS-Fast", model, 10, as_coded=flag).optimizer for flag in (False, True))
    assert isinstance(faithful, DALS)
    assert isinstance(coded, DALS)
    assert [group["depth"] for group in faithful.param_groups] == pytest.approx([layer / 6 for layer in range(7)])
    assert [group["depth"] for group in coded.param_groups] == [0.0, 1.0]
    assert [g["stale_average"] for g in (faithful.param_groups[0], coded.param_groups[0])] == [False, True]
