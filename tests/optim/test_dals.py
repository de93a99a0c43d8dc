"""DALS against its equations, and what an optimizer owes its user: resume, AMP, compilation, no waiting."""

import copy
import io
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from lrtheory.optim.dals import DALS, VARIANTS, AsCoded
from lrtheory.optim.layers import layer_groups
from lrtheory.schedules import Constant, Cosine, Warmup

every_variant = pytest.mark.parametrize("variant", VARIANTS)
both_forms = pytest.mark.parametrize("foreach", [False, True], ids=["plain", "foreach"])


def printed_equations(tensors, depths, gradients, losses, *, lr, horizon, variant, coded=None):
    """The equations of the paper in float64, one step after the other."""
    coded = coded or AsCoded()
    alpha0 = {"base": 0.6, "fast": 0.6, "acc": 0.7}[variant]
    alphas = [max(0.3, alpha0 - 0.3), alpha0, min(0.9, alpha0 + 0.1)]
    threshold = 0.002
    if variant == "acc" and coded.acc_phases:
        alphas[0], threshold = max(0.4, alpha0 - 0.15), 0.001
    momentum = 0.85 if variant == "fast" else 0.9
    decay = 5e-4 if variant == "acc" else 1e-4
    rates = VARIANTS[variant].schedule.steps(horizon, lr)
    tensors = [tensor.copy() for tensor in tensors]
    slow, velocity = [None] * len(tensors), [np.zeros_like(tensor) for tensor in tensors]
    average, phases = None, []
    for t, (loss, step_gradients) in enumerate(zip(losses, gradients)):
        if average is None:
            average, phase = loss, 0
        else:
            new = 0.95 * average + 0.05 * loss
            fall = (average - new) / abs(average)
            phase = 0 if fall > 0.01 else 1 if fall > threshold else 2
            average = new
        phases.append(phase)
        for i, (g, d) in enumerate(zip(step_gradients, depths)):
            unfiltered = variant == "fast" and phase == 0
            if slow[i] is None:
                slow[i] = 0 * g if coded.zero_start else g
            if not (unfiltered and coded.stale_average):
                slow[i] = alphas[phase] * slow[i] + (1 - alphas[phase]) * g
            filtered = g if unfiltered else (0.3 + 0.4 * d) * g + (0.7 - 0.4 * d) * slow[i]
            update = filtered + decay * tensors[i]
            size, slope = np.linalg.norm(tensors[i]), np.linalg.norm(update)
            ratio = min(max(0.02 * size / (slope + 1e-8), 0.2), 5.0)
            if coded.unit_ratio and (size == 0 or slope == 0):
                ratio = 1.0
            velocity[i] = momentum * velocity[i] + update
            tensors[i] = tensors[i] - rates[t] * ratio * velocity[i]
    return tensors, phases


def problem(steps, seed):
    generator = np.random.default_rng(seed)
    tensors = [generator.normal(size=shape) for shape in [(3, 4), (5,), (2, 2), (3,)]]
    tensors[1][:] = 0.0  # a bias as it is born
    depths = [0.0, 0.0, 0.4, 1.0]
    scales = 10.0 ** generator.uniform(-4, 2, size=4)  # so that the ratio is clamped on both sides, and not at all
    gradients = [
        [scale * generator.normal(size=tensor.shape) for tensor, scale in zip(tensors, scales)] for _ in range(steps)
    ]
    losses = [1.0, 0.5, 0.9, 1.2, *np.exp(generator.normal(-0.1, 0.2, size=steps - 4))]  # begins with every phase
    return tensors, depths, gradients, losses


def dals_run(tensors, depths, gradients, losses, **options):
    parameters = [nn.Parameter(torch.tensor(tensor)) for tensor in tensors]
    optimizer = DALS([{"params": [p], "depth": d} for p, d in zip(parameters, depths)], **options)
    phases = []
    for loss, step_gradients in zip(losses, gradients):
        for parameter, gradient in zip(parameters, step_gradients):
            parameter.grad = torch.tensor(gradient)
        optimizer.step(loss=loss)
        phases.append(optimizer.phase)
    return [parameter.detach().numpy() for parameter in parameters], phases


@every_variant
@both_forms
@pytest.mark.parametrize("coded", [AsCoded(), AsCoded(True, True, True, True)], ids=["printed", "as coded"])
@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=8)
def test_follows_the_printed_equations(variant, foreach, coded, seed):
    tensors, depths, gradients, losses = problem(40, seed)
    expected, phases = printed_equations(
        tensors, depths, gradients, losses, lr=0.05, horizon=40, variant=variant, coded=coded
    )
    found, found_phases = dals_run(
        tensors, depths, gradients, losses, lr=0.05, horizon=40, variant=variant, foreach=foreach, as_coded=coded
    )
    # The loss average is kept in float32: a phase may differ only where the fall is within 1e-6 of a threshold,
    # which losses drawn at random do not come near.
    assert found_phases == phases
    assert set(phases) == {0, 1, 2}
    for a, b in zip(found, expected):
        # Forty steps of a dozen roundings each in float64, on numbers of order 1 to 100.
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


@every_variant
@given(ratio=st.floats(0.5, 1.3))
@settings(deadline=None, max_examples=60)
def test_the_phase_compares_the_loss_with_its_average(variant, ratio):
    # The restatement in the docstring: for a positive loss the thresholds are 0.80 and 0.96 of the average.
    if min(abs(ratio - 0.80), abs(ratio - 0.96)) < 1e-5:  # float32 decides there
        return
    weight = nn.Parameter(torch.ones(1))
    optimizer = DALS([weight], horizon=2, variant=variant)
    weight.grad = torch.ones(1)
    optimizer.step(loss=2.0)
    assert optimizer.phase == 0
    optimizer.step(loss=2.0 * ratio)
    assert optimizer.phase == (0 if ratio < 0.80 else 1 if ratio < 0.96 else 2)


def mlp(dtype=torch.float32, device="cpu"):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    return model.to(device, dtype)


def batch(dtype=torch.float32, device="cpu"):
    x = torch.randn(32, 4, generator=torch.Generator().manual_seed(1)).to(device, dtype)
    return x, x[:, :1] * x[:, 1:2]


def train(model, optimizer, steps, step=None):
    x, y = batch(next(model.parameters()).dtype, next(model.parameters()).device)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (model(x) - y).square().mean()
        loss.backward()
        (step or optimizer.step)(loss=loss.detach())
        losses.append(loss.detach())
    return losses


@every_variant
@given(horizon=st.integers(1, 60))
@settings(deadline=None, max_examples=15)
def test_rates_are_those_of_the_schedule_and_never_zero(variant, horizon):
    weight = nn.Parameter(torch.ones(2, dtype=torch.float64))
    optimizer = DALS([weight], horizon=horizon, variant=variant)
    rates = []
    for _ in range(horizon):
        rates += optimizer.rates()
        weight.grad = torch.ones(2, dtype=torch.float64)
        optimizer.step(loss=1.0)
    settings_ = VARIANTS[variant]
    # The rate is the product of the same two numbers in one order or the other.
    assert rates == pytest.approx(settings_.schedule.steps(horizon, settings_.lr).tolist(), rel=1e-15)
    assert min(rates) > 0


@every_variant
@both_forms
def test_resumes_to_the_bit(variant, foreach):
    def make():
        model = mlp()
        return model, DALS(layer_groups(model), horizon=30, variant=variant, foreach=foreach)

    model, optimizer = make()
    train(model, optimizer, 13)
    file = io.BytesIO()
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)
    train(model, optimizer, 17)
    again, resumed = make()
    again.load_state_dict(saved["model"])
    resumed.load_state_dict(saved["optimizer"])
    assert resumed.state_dict()["state"]["run"]["taken"] == 13
    train(again, resumed, 17)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters()))


def test_a_resumed_run_keeps_the_rates_and_depths_it_was_saved_with():
    model = mlp()
    optimizer = DALS(layer_groups(model), 0.1, horizon=30)
    train(model, optimizer, 5)
    other = DALS(layer_groups(model, [["0"], ["2", "4"]]), 0.2, horizon=99)
    with pytest.raises(ValueError, match="different number of parameter groups"):
        other.load_state_dict(optimizer.state_dict())
    other = DALS([{"params": group["params"], "depth": 0.5} for group in layer_groups(model)], 0.2, horizon=99)
    other.load_state_dict(optimizer.state_dict())
    assert other.rates() == optimizer.rates()
    assert [group["depth"] for group in other.param_groups] == [0.0, 0.5, 1.0]


class NoWaiting(TorchDispatchMode):
    """Refuses every operation that would make the host wait for the device."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        assert func not in (torch.ops.aten._local_scalar_dense.default, torch.ops.aten.nonzero.default), func
        return func(*args, **(kwargs or {}))


@every_variant
@both_forms
def test_no_step_waits_for_the_device(variant, foreach):
    model = mlp()
    optimizer = DALS(layer_groups(model), horizon=10, variant=variant, foreach=foreach, as_coded=AsCoded(True, True))
    with NoWaiting():
        train(model, optimizer, 3)
    with NoWaiting(), pytest.raises(AssertionError):
        _ = optimizer.phase


@every_variant
def test_a_closure_does_what_a_loss_does(variant):
    one, two = mlp(), mlp()
    first, second = (DALS(layer_groups(model), horizon=5, variant=variant) for model in (one, two))
    train(one, first, 5)
    x, y = batch()

    def closure():
        second.zero_grad()
        loss = (two(x) - y).square().mean()
        loss.backward()
        return loss

    losses = [second.step(closure) for _ in range(5)]
    assert losses[-1] < losses[0]
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters()))


@every_variant
@both_forms
def test_gradients_stay_and_what_has_none_does_not_move(variant, foreach):
    model = mlp()
    idle = nn.Parameter(torch.ones(3))
    optimizer = DALS(
        [*layer_groups(model), {"params": [idle], "depth": 1.0}], horizon=5, variant=variant, foreach=foreach
    )
    x, y = batch()
    (model(x) - y).square().mean().backward()
    before = [parameter.grad.clone() for parameter in model.parameters()]
    optimizer.step(loss=1.0)
    assert all(torch.equal(a, parameter.grad) for a, parameter in zip(before, model.parameters()))
    assert idle.grad is None
    assert torch.equal(idle.detach(), torch.ones(3))
    assert idle not in optimizer.state


@both_forms
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_trains_in_half_precision(foreach, dtype):
    model = mlp(dtype)
    losses = train(model, DALS(layer_groups(model), horizon=60, foreach=foreach), 60)
    assert losses[-1] < losses[0]


@every_variant
@both_forms
def test_works_under_autocast_with_a_scaler(variant, foreach):
    model = mlp()
    optimizer = DALS(layer_groups(model), horizon=20, variant=variant, foreach=foreach)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    x, y = batch()

    def scaled_step(factor):
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            loss = (model(x).float() - y).square().mean()
        scaler.scale(loss * factor).backward()
        scaler.step(optimizer, loss=loss.detach())
        scaler.update()
        return loss.item()

    first = scaled_step(1.0)
    state = copy.deepcopy(optimizer.state_dict()["state"])
    there = [parameter.detach().clone() for parameter in model.parameters()]
    scaled_step(float("inf"))  # overflows: nothing may move, the phase and the step included
    assert all(torch.equal(a, b) for a, b in zip(there, model.parameters()))
    for key, tensors in optimizer.state_dict()["state"].items():
        assert all(torch.equal(tensor, state[key][name]) for name, tensor in tensors.items())
    losses = [scaled_step(1.0) for _ in range(18)]
    assert losses[-1] < first


@every_variant
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_is_compiled_once(variant, backend):
    from torch._dynamo.testing import CompileCounterWithBackend

    torch._dynamo.reset()
    counter = CompileCounterWithBackend(backend)
    model, reference = mlp(), mlp()
    optimizer = DALS(layer_groups(model), horizon=12, variant=variant, foreach=True)
    compiled = torch.compile(optimizer.step, backend=counter)
    plain = DALS(layer_groups(reference), horizon=12, variant=variant, foreach=True)
    train(model, optimizer, 1, compiled)
    after_first = counter.frame_count
    train(model, optimizer, 7, compiled)
    assert counter.frame_count == after_first
    train(reference, plain, 8)
    for a, b in zip(model.parameters(), reference.parameters()):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)  # float32, operations fused or in another order
    for name in ("taken", "phase"):
        assert optimizer.state["run"][name] == plain.state["run"][name]


def test_depth_follows_the_order_of_the_groups_unless_it_is_given():
    tensors = [nn.Parameter(torch.ones(1)) for _ in range(5)]

    def depths(groups):
        return [group["depth"] for group in DALS(groups, horizon=1).param_groups]

    assert depths(tensors) == [1.0]
    assert depths([{"params": [tensor]} for tensor in tensors]) == [0, 0.25, 0.5, 0.75, 1]
    assert depths([{"params": tensors[:1], "depth": 0.3}, {"params": tensors[1:]}]) == [0.3, 1.0]


def test_a_group_may_have_its_own_settings_and_schedule_may_be_replaced():
    slow, fast = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimizer = DALS([{"params": [slow], "lr": 0.01}, {"params": [fast]}], 0.1, horizon=4, schedule=Constant())
    for _ in range(6):  # after the horizon the rate stays at the end of the schedule
        assert optimizer.rates() == pytest.approx([0.01, 0.1], rel=1e-7)  # factors are float32 here
        slow.grad = fast.grad = torch.ones(1)
        optimizer.step(loss=1.0)
    assert 1 - slow.item() < 1 - fast.item()
    annealed = DALS([slow], horizon=2, schedule=Warmup(Cosine(), 0.5))
    for _ in range(3):
        annealed.step(loss=1.0)
    assert annealed.rates() == [0.0]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"horizon": 0}, "horizon is a number of steps"),
        ({"horizon": 5, "variant": "slow"}, "variant must be one of 'base', 'fast', 'acc', not 'slow'"),
        ({"horizon": 5, "lr": 0.0}, "lr must be a positive"),
        ({"horizon": 5, "momentum": 1.0}, r"momentum must lie in \[0, 1\)"),
        ({"horizon": 5, "weight_decay": -1.0}, "weight_decay must be"),
        ({"horizon": 5, "weight_decay": math.nan}, "weight_decay must be"),
    ],
)
def test_wrong_arguments_are_refused(options, sentence):
    with pytest.raises(ValueError, match=sentence):
        DALS([nn.Parameter(torch.ones(1))], **options)


def test_wrong_use_is_refused():
    weight = nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="nothing to train"):
        DALS([], horizon=1)
    with pytest.raises(TypeError, match=r"write \[tensor\]"):
        DALS(weight, horizon=1)
    with pytest.raises(ValueError, match=r"depth of a layer lies in \[0, 1\]"):
        DALS([{"params": [weight], "depth": 2}], horizon=1)
    optimizer = DALS([weight], horizon=1)
    for arguments in ({}, {"closure": lambda: 1.0, "loss": 1.0}):
        with pytest.raises(ValueError, match="DALS follows the loss"):
            optimizer.step(**arguments)
    table = nn.Embedding(3, 2, sparse=True)
    table(torch.tensor([0])).sum().backward()
    with pytest.raises(ValueError, match="dense gradients"):
        DALS(table.parameters(), horizon=1).step(loss=1.0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_variant
@both_forms
def test_on_cuda_no_step_waits_and_the_result_is_that_of_the_cpu(variant, foreach):
    model, reference = mlp(torch.float64, "cuda"), mlp(torch.float64)
    optimizer = DALS(layer_groups(model), horizon=20, variant=variant, foreach=foreach)
    train(model, optimizer, 1)  # the first step allocates
    torch.cuda.set_sync_debug_mode("error")
    try:
        train(model, optimizer, 19)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    train(reference, DALS(layer_groups(reference), horizon=20, variant=variant), 20)
    for a, b in zip(model.parameters(), reference.parameters()):
        torch.testing.assert_close(a.cpu(), b, rtol=1e-9, atol=1e-10)  # float64, sums in another order
