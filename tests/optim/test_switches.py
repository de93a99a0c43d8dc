"""The switches that reproduce what the published code of a strategy did: each does exactly what it says."""

from itertools import pairwise

import pytest
import torch
from torch import nn

from lrtheory.optim import strategies
from lrtheory.optim.dals import DALS
from lrtheory.optim.strategies.sam import worst_point_nearby
from tests.optim.trained import Bowl, equal, network

pytest.importorskip("pytorch_optimizer")


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
