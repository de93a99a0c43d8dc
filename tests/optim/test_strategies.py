"""Laws that every strategy of the benchmark obeys."""

import copy
import inspect
import io
import math

import pytest
import torch
from torch import nn

from lrtheory.optim import strategies
from lrtheory.optim.layers import layer_names
from lrtheory.optim.strategies.strategy import FAMILIES
from tests.optim.trained import HORIZON, LAYERED, TWICE, Bowl, build, equal, network, values

pytest.importorskip("pytorch_optimizer")

every_strategy = pytest.mark.parametrize("strategy", strategies.REGISTRY, ids=lambda strategy: strategy.name)
every_family = pytest.mark.parametrize("family", FAMILIES)
both_forms = pytest.mark.parametrize("as_coded", [False, True], ids=["faithful", "as coded"])


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
    assert {strategy.generation for strategy in strategies.REGISTRY} == {1, 2, 3, 4, 5}
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
