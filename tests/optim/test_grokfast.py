"""The slow-gradient filter, against its equations and against the library's."""

import copy

import pytest
import torch
from torch import nn

from lrtheory.optim.grokfast_filter import averages_of, grokfast


def gradients(steps, size=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(steps, size, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("zero_start", [False, True])
@pytest.mark.parametrize("base", [torch.optim.SGD, torch.optim.AdamW])
def test_the_optimizer_sees_the_filtered_gradient_and_nobody_else(base, zero_start):
    alpha, lamb = 0.9, 2.0
    filtered, plain = (nn.Parameter(torch.zeros(3, dtype=torch.float64)) for _ in range(2))
    ours = grokfast(base([filtered], lr=0.1), alpha=alpha, lamb=lamb, zero_start=zero_start)
    theirs = base([plain], lr=0.1)
    given = gradients(20)
    average = torch.zeros(3, dtype=torch.float64) if zero_start else given[0]
    for gradient in given:
        average = alpha * average + (1 - alpha) * gradient
        filtered.grad = gradient.clone()
        ours.step()
        assert torch.equal(filtered.grad, gradient)
        plain.grad = gradient + lamb * average
        theirs.step()
        # lerp and the sum above round differently, once a step each.
        torch.testing.assert_close(filtered, plain, rtol=1e-12, atol=1e-13)


def test_resumes_to_the_bit():
    def run(weight, optimizer, steps):
        for gradient in steps:
            weight.grad = gradient.clone()
            optimizer.step()

    steps = gradients(12)
    weight = nn.Parameter(torch.zeros(3, dtype=torch.float64))
    optimizer = grokfast(torch.optim.SGD([weight], lr=0.1, momentum=0.9))
    run(weight, optimizer, steps[:5])
    state, there = optimizer.state_dict(), weight.detach().clone()
    saved = copy.deepcopy(state)
    resumed = nn.Parameter(there)
    again = grokfast(torch.optim.SGD([resumed], lr=0.1, momentum=0.9))
    again.load_state_dict(saved)
    run(resumed, again, steps[5:])
    run(weight, optimizer, steps[5:])
    assert torch.equal(weight, resumed)


def test_parameters_without_gradient_are_left_out():
    used, unused = (nn.Parameter(torch.ones(2)) for _ in range(2))
    optimizer = grokfast(torch.optim.SGD([unused, used], lr=0.1))
    used.grad = torch.ones(2)
    optimizer.step()
    assert unused.grad is None
    assert list(averages_of(optimizer)) == [1]


def test_the_library_average_is_its_own_tensor():
    # Up to 3.11 the first average of pytorch_optimizer was the gradient itself, which the filter then amplified:
    # (1, 1) gave (2.9988, 2.9988) and an average of the same. From 4.0 on it is a copy, as here.
    library = pytest.importorskip("pytorch_optimizer.optimizer.grokfast")
    model = nn.Linear(2, 1, bias=False).double()
    average = None
    weight = nn.Parameter(model.weight.detach().clone())
    ours = grokfast(torch.optim.SGD([weight], lr=1.0), alpha=0.98, lamb=2.0)
    for gradient in gradients(10, size=2):
        model.weight.grad = gradient.view(1, 2).clone()
        average = library.gradfilter_ema(model, average, alpha=0.98, lamb=2.0)
        assert average["weight"] is not model.weight.grad
        before = weight.detach().clone()
        weight.grad = gradient.view(1, 2).clone()
        ours.step()
        # A step of rate 1 shows the filtered gradient up to one rounding of the weight.
        torch.testing.assert_close(before - weight.detach(), model.weight.grad, rtol=1e-12, atol=1e-12)


def test_refusals():
    weight = nn.Parameter(torch.zeros(1))
    with pytest.raises(ValueError, match="alpha must lie in"):
        grokfast(torch.optim.SGD([weight], lr=0.1), alpha=1.0)
    with pytest.raises(ValueError, match="lamb must be"):
        grokfast(torch.optim.SGD([weight], lr=0.1), lamb=-1.0)
    with pytest.raises(ValueError, match="not fused"):
        grokfast(torch.optim.SGD([weight], lr=0.1, fused=True))
    optimizer = grokfast(torch.optim.SGD([weight], lr=0.1))
    with pytest.raises(ValueError, match="filtered already"):
        grokfast(optimizer)
    with pytest.raises(ValueError, match="without a closure"):
        optimizer.step(lambda: 0.0)
