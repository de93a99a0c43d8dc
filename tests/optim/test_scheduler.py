"""A schedule as a torch scheduler: closed form, exact resume, and at home in other people's loops."""

import copy
import io
import pickle
import tracemalloc
import warnings

import numpy as np
import pytest

from lrtheory import WSD, Cosine, Formula, InverseSqrt, Polynomial, Warmup
from lrtheory.schedules import REGISTRY

torch = pytest.importorskip("torch", reason="the scheduler needs torch")
from lrtheory.optim.scheduler import lr_scheduler  # noqa: E402

every_schedule = pytest.mark.parametrize("schedule", REGISTRY, ids=str)


def optimizer_of(groups=1, lr=0.1, **options):
    weights = [torch.nn.Parameter(torch.ones(3)) for _ in range(groups)]
    return torch.optim.SGD([{"params": [w], "lr": lr * (1 + k)} for k, w in enumerate(weights)], lr=lr, **options)


def run(optimizer, scheduler, steps):
    """Take steps and return the rates they were taken at, one row per step."""
    rates = []
    for _ in range(steps):
        rates.append([float(group["lr"]) for group in optimizer.param_groups])
        for group in optimizer.param_groups:
            for weight in group["params"]:
                weight.grad = weight.detach().clone()
        optimizer.step()
        scheduler.step()
    return np.array(rates)


@every_schedule
def test_rates_are_the_formula_to_the_bit(schedule):
    optimizer = optimizer_of(groups=2, lr=0.3)
    rates = run(optimizer, schedule.lr_scheduler(optimizer, 50), 50)
    assert np.array_equal(rates[:, 0], schedule.steps(50, lr=0.3))
    assert np.array_equal(rates[:, 1], schedule.steps(50, lr=0.6))
    after = float(optimizer.param_groups[0]["lr"])
    assert after == 0.3 * schedule(1.0, 50)  # past the horizon an annealed rate is zero


@every_schedule
def test_rates_are_the_formula_to_the_bit_across_stretches(schedule):
    """More steps than are computed at once, and jumps among them."""
    optimizer = optimizer_of()
    scheduler = schedule.lr_scheduler(optimizer, 1000)
    assert np.array_equal(run(optimizer, scheduler, 1000)[:, 0], schedule.steps(1000, lr=0.1))
    for step in (999, 0, 511, 256, 255):
        scheduler.load_state_dict({**scheduler.state_dict(), "last_epoch": step})
        assert optimizer.param_groups[0]["lr"] == schedule.steps(1000, lr=0.1)[step]


def test_one_schedule_for_each_group():
    optimizer = optimizer_of(groups=2)
    schedules = [Polynomial(1), Warmup(Cosine(), 0.2)]
    rates = run(optimizer, lr_scheduler(schedules, optimizer, 20), 20)
    assert np.array_equal(rates[:, 0], schedules[0].steps(20, lr=0.1))
    assert np.array_equal(rates[:, 1], schedules[1].steps(20, lr=0.2))
    with pytest.raises(ValueError, match="one for each of the 2 parameter groups, not 3"):
        lr_scheduler([Cosine()] * 3, optimizer, 20)
    with pytest.raises(ValueError, match="not 0"):
        lr_scheduler([], optimizer, 20)


@pytest.mark.parametrize("schedules", ["x", 5, ["x"], [Cosine(), "x"]], ids=str)
def test_other_things_than_schedules_are_one_sentence(schedules):
    with pytest.raises(TypeError, match="must be a Schedule such as Cosine"):
        lr_scheduler(schedules, optimizer_of(groups=2), 10)
    with pytest.raises(TypeError, match=r"optimizer must be a torch optimizer, not str\."):
        lr_scheduler(Cosine(), "x", 10)


@pytest.mark.parametrize("start", [-1, 11, 1.0, True, None])
def test_a_start_outside_of_the_run_is_one_sentence(start):
    with pytest.raises(ValueError, match=r"^start is a number of steps that are done, from 0 to 10, not .*\.$"):
        lr_scheduler(Cosine(), optimizer_of(), 10, start=start)


def test_a_shape_that_is_no_rate_is_refused_before_the_run():
    with pytest.raises(ValueError, match="negative in places"):
        lr_scheduler(Formula("1 - t/10**6"), optimizer_of(), 10**9)


def test_memory_does_not_grow_with_the_horizon():
    Cosine().lr_scheduler(optimizer_of(), 10)  # what is imported and cached once
    tracemalloc.start()
    try:
        lr_scheduler(Cosine(), optimizer_of(groups=100), 10**12)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2**20  # measured: 0.1 MiB, most of it the optimizer; a number for each step would take 8 TB


def test_past_the_horizon_one_warning_says_so():
    optimizer = optimizer_of()
    scheduler = Cosine().lr_scheduler(optimizer, 20)
    run(optimizer, scheduler, 20)  # none within the horizon
    with pytest.warns(UserWarning, match=r"horizon of 20 steps.* stays at 0 times.*split_batches=True") as caught:
        run(optimizer, scheduler, 10)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert optimizer.param_groups[0]["lr"] == 0


def test_one_step_for_each_process_as_accelerate_takes_them_is_noticed():
    optimizer = optimizer_of()
    scheduler = Cosine().lr_scheduler(optimizer, 20)
    run(optimizer, scheduler, 10)
    for _ in range(10):
        scheduler.step()
    with pytest.warns(UserWarning, match="step_scheduler_with_optimizer=False"):
        scheduler.step()


@pytest.mark.parametrize(
    ("schedule", "horizon", "message"),
    [
        (WSD(0.2), 200, r"WSD\(0.2\) over 100 steps, and this scheduler is WSD\(0.2\) over 200"),
        (Cosine(), 100, r"this scheduler is Cosine\(\) over 100: build the same, or, .* with start=90\.$"),
    ],
)
def test_another_schedule_or_horizon_is_refused_unless_it_is_built_with_the_step(schedule, horizon, message):
    optimizer = optimizer_of()
    scheduler = WSD(0.2).lr_scheduler(optimizer, 100)
    run(optimizer, scheduler, 90)
    of_optimizer, state = copy.deepcopy(optimizer.state_dict()), scheduler.state_dict()
    for start in (0, 89):
        other = lr_scheduler(schedule, optimizer_of(), horizon, start=start)
        before = other.state_dict()
        with pytest.raises(ValueError, match=message):
            other.load_state_dict(state)
        assert other.state_dict() == before
    optimizer = optimizer_of()
    optimizer.load_state_dict(of_optimizer)
    scheduler = lr_scheduler(schedule, optimizer, horizon, start=90)
    rates = [optimizer.param_groups[0]["lr"]]
    scheduler.load_state_dict(state)  # as a trainer does by itself: nothing changes
    rates += [*run(optimizer, scheduler, horizon - 90)[:, 0]]
    assert np.array_equal(rates[1:], schedule.steps(horizon, lr=0.1)[90:])
    assert rates[0] == rates[1]


def test_a_state_of_something_else_is_one_sentence():
    scheduler = Cosine().lr_scheduler(optimizer_of(groups=2), 10)
    other = torch.optim.lr_scheduler.LambdaLR(optimizer_of(), lambda step: 1.0)
    for state in (other.state_dict(), {}, None):
        with pytest.raises(ValueError, match="not the state of a scheduler of lrtheory"):
            scheduler.load_state_dict(state)
    with pytest.raises(ValueError, match="the state has 1 parameter groups and the optimizer has 2"):
        scheduler.load_state_dict(Cosine().lr_scheduler(optimizer_of(), 10).state_dict())


def test_a_run_begins_in_the_middle():
    optimizer = optimizer_of(groups=2)
    rates = run(optimizer, lr_scheduler(Cosine(), optimizer, 20, start=15), 5)
    assert np.array_equal(rates[:, 1], Cosine().steps(20, lr=0.2)[15:])


def test_a_group_that_is_added_follows_the_schedule():
    optimizer = optimizer_of()
    scheduler = Cosine().lr_scheduler(optimizer, 20)
    run(optimizer, scheduler, 4)
    optimizer.step()
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))], "lr": 0.7})
    scheduler.step()
    rates = run(optimizer, scheduler, 15)
    assert np.array_equal(rates[:, 0], Cosine().steps(20, lr=0.1)[5:])
    assert np.array_equal(rates[:, 1], Cosine().steps(20, lr=0.7)[5:])

    optimizer = optimizer_of()
    scheduler = lr_scheduler([Cosine()], optimizer, 20)
    run(optimizer, scheduler, 4)
    optimizer.step()
    optimizer.add_param_group({"params": [torch.nn.Parameter(torch.ones(2))]})
    with pytest.raises(ValueError, match=r"2 parameter groups, and there are schedules for 1: .* start=5\.$"):
        scheduler.step()


def test_schedulers_can_be_pickled():
    optimizer = optimizer_of(groups=2)
    scheduler = Warmup(Cosine(), 0.2).lr_scheduler(optimizer, 20)
    run(optimizer, scheduler, 7)
    again = pickle.loads(pickle.dumps(scheduler))
    assert np.array_equal(run(again.optimizer, again, 13), run(optimizer, scheduler, 13))


@every_schedule
@pytest.mark.parametrize("stop", [0, 1, 17, 29])
@pytest.mark.parametrize("scheduler_first", [False, True], ids=["optimizer first", "scheduler first"])
def test_resume_is_exact_in_either_order(schedule, stop, scheduler_first):
    whole = run(optimizer := optimizer_of(groups=2), schedule.lr_scheduler(optimizer, 30), 30)
    optimizer = optimizer_of(groups=2)
    scheduler = schedule.lr_scheduler(optimizer, 30)
    run(optimizer, scheduler, stop)
    saved = io.BytesIO()
    torch.save({"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()}, saved)
    saved.seek(0)
    state = torch.load(saved, weights_only=True)  # nothing in the state needs pickled code
    optimizer = optimizer_of(groups=2)
    if scheduler_first:
        scheduler = schedule.lr_scheduler(optimizer, 30)
        scheduler.load_state_dict(state["scheduler"])
        optimizer.load_state_dict(state["optimizer"])
    else:  # the order that leaves torch's own schedulers at the first rate for one step
        optimizer.load_state_dict(state["optimizer"])
        scheduler = schedule.lr_scheduler(optimizer, 30)
        scheduler.load_state_dict(state["scheduler"])
    assert np.array_equal(run(optimizer, scheduler, 30 - stop), whole[stop:])


@pytest.mark.filterwarnings("ignore")  # the compiler uses parts of torch that torch has deprecated
def test_a_compiled_optimizer_is_not_compiled_again():
    from torch._dynamo.testing import CompileCounter

    weight = torch.nn.Parameter(torch.ones(4))
    optimizer = torch.optim.SGD([weight], lr=torch.tensor(0.5, dtype=torch.float64))
    scheduler = Cosine().lr_scheduler(optimizer, 20)
    counter = CompileCounter()
    step = torch.compile(optimizer.step, backend=counter)
    rates = []
    for _ in range(20):
        rates.append(optimizer.param_groups[0]["lr"].item())
        weight.grad = torch.ones(4)
        step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # torch does not see the steps of a compiled optimizer
            scheduler.step()
    assert counter.frame_count == 1
    assert np.array_equal(rates, Cosine().steps(20, lr=0.5))


def test_under_a_gradient_scaler():
    optimizer = optimizer_of()
    scheduler = Polynomial(2).lr_scheduler(optimizer, 10)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0)
    weight = optimizer.param_groups[0]["params"][0]
    rates = []
    for _ in range(10):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = (weight * weight).sum()
        scaler.scale(loss).backward()
        rates.append(optimizer.param_groups[0]["lr"])
        scaler.step(optimizer)
        scaler.update()
        scheduler.step()
    assert np.array_equal(rates, Polynomial(2).steps(10, lr=0.1))


def test_copies_keep_their_step():
    optimizer = optimizer_of()
    scheduler = InverseSqrt().lr_scheduler(optimizer, 100)
    run(optimizer, scheduler, 9)
    state = copy.deepcopy(scheduler.state_dict())
    run(optimizer, scheduler, 20)
    scheduler.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == InverseSqrt().steps(100, lr=0.1)[9]
    assert scheduler.get_last_lr() == [optimizer.param_groups[0]["lr"]]


@pytest.mark.filterwarnings("ignore")  # the loops of other people warn of their own affairs
def test_in_a_hugging_face_trainer(tmp_path):
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    pytest.importorskip("accelerate", reason="its trainer needs accelerate")

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(2))

        def forward(self, x):
            return {"loss": ((self.weight - x) ** 2).mean()}

    class Rates(transformers.TrainerCallback):
        seen = []  # noqa: RUF012

        def on_pre_optimizer_step(self, args, state, control, optimizer=None, **_):
            self.seen.append(optimizer.param_groups[0]["lr"])

    model = Model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    trainer = transformers.Trainer(
        model=model,
        args=transformers.TrainingArguments(
            output_dir=str(tmp_path), max_steps=12, per_device_train_batch_size=1, report_to="none", use_cpu=True,
            save_strategy="no", disable_tqdm=True,
        ),
        train_dataset=[{"x": torch.zeros(2)}] * 4,
        optimizers=(optimizer, Cosine().lr_scheduler(optimizer, 12)),
        callbacks=[Rates()],
    )  # fmt: skip
    trainer.train()
    assert np.array_equal(Rates.seen, Cosine().steps(12, lr=0.1))


@pytest.mark.filterwarnings("ignore")  # the loops of other people warn of their own affairs
def test_in_a_lightning_trainer(tmp_path):
    lightning = pytest.importorskip("lightning", reason="needs lightning")

    class Model(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.weight = torch.nn.Parameter(torch.ones(2))
            self.rates = []

        def training_step(self, batch, _):
            self.rates.append(self.optimizers().param_groups[0]["lr"])
            return ((self.weight - batch) ** 2).mean()

        def configure_optimizers(self):
            optimizer = torch.optim.SGD(self.parameters(), lr=0.1)
            scheduler = Cosine().lr_scheduler(optimizer, self.trainer.estimated_stepping_batches)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}

    model = Model()
    lightning.Trainer(
        max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
        enable_model_summary=False, default_root_dir=tmp_path,
    ).fit(model, torch.utils.data.DataLoader(torch.zeros(4, 2), batch_size=1))  # fmt: skip
    assert np.array_equal(model.rates, Cosine().steps(12, lr=0.1))
