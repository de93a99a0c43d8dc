"""One run: a strategy trains a task's model, and what it reached is written down epoch by epoch."""

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from lrtheory.benchmarks.chosen import strategy_of, task_of
from lrtheory.benchmarks.protocols import PROTOCOLS
from lrtheory.benchmarks.variant import Variant
from lrtheory.optim.strategies import Training
from lrtheory.runs import Cell
from lrtheory.runs import checkpoint as checkpoints
from lrtheory.runs.definition import Definition
from lrtheory.runs.memory import give_freed_memory_back, keep_freed_memory
from lrtheory.tasks import Data, Examples, Settings, Task

EVALUATED = 1000
"""Examples evaluated at once."""
CHECKPOINT_SECONDS = 60.0
"""The seconds of training between two checkpoints, which a killed run loses."""

SHORT, SHORT_LR = 10, 1e-4
"""Steps, and their rate, of a run that is made for its time alone."""

_ALONE = Lock()
"""One run of a process trains at a time, because weights and dropout follow torch's global generator."""


@dataclass(frozen=True)
class Run(Cell):
    """A cell of the benchmark: what determines one training run.

    Args:
        task: The name of a task, or the definition of one's own.
        protocol: ``fair``, ``as-described`` or ``as-coded``.
        strategy: The name of a strategy, or the definition of one's own.
        variant: Switches of the strategy that differ from the protocol's.
        seed: The seed of weights, order, augmentation, dropout and, where they are drawn, the data.
        lr: The base rate.
        epochs: The number of passes over the training examples.
        batch: The number of examples in a step.
        examples: The largest number of training and of test examples; 0 for all.
        encoder: The pretrained encoder, or empty.
        device: ``cpu`` or ``cuda``.
        precision: ``float32`` or ``bfloat16``.
    """

    task: str | Definition
    protocol: str
    strategy: str | Definition
    variant: Variant
    seed: int
    lr: float
    epochs: int
    batch: int
    examples: int = 0
    encoder: str = ""
    device: str = "cpu"
    precision: str = "float32"

    own_process: ClassVar[bool] = True

    def compute(self) -> dict[str, Any]:
        """Train, without checkpoints: see :func:`train`."""
        return train(self)

    def resume(self, checkpoint: Path) -> dict[str, Any]:
        """Train from where a checkpoint was written, or from the start: see :func:`train`."""
        return train(self, checkpoint)

    def shortened(self) -> "tuple[Run, float]":
        """A few steps of AdamW on the same task; SAM takes two passes in each of its steps."""
        seen = _number(self.task, self.encoder)
        seen = min(self.examples or seen, seen)
        short = replace(
            self,
            strategy="AdamW",
            variant=Variant(),
            seed=0,
            lr=SHORT_LR,
            epochs=1,
            examples=min(SHORT * self.batch, seen),
        )
        passes = 2 if str(self.strategy).startswith("SAM") else 1
        return short, passes * self.epochs * seen / short.examples


def train(run: Run, checkpoint: Path | None = None, *, every: float = CHECKPOINT_SECONDS) -> dict[str, Any]:
    """Train and measure: a pure function of the run but for the times, on one thread of a CPU.

    With a checkpoint the run goes on from where that was written, and writes it again from time to time; on a CPU the result
    is the same to the bit however often a run is killed. Who keeps the result removes the checkpoint.

    Args:
        run: The run to train.
        checkpoint: The file of its checkpoint, whether it exists or not; None for no checkpoints.
        every: Seconds of training between two checkpoints; 0 for one after each step.

    Returns:
        ``test`` and ``validation`` (accuracies in per cent after each epoch; ``validation`` is empty where nothing is held
        out), ``loss`` (the mean of each epoch), ``diverged`` (whether a loss was not finite: the run ends with that epoch,
        which counts for nothing), ``seconds`` (of training alone) and ``peak_memory`` in MiB (of tensors on CUDA, of the
        process on a CPU, None where it is not known).
    """
    task = task_of(run.task, run.encoder or "auto")
    settings = Settings(
        run.epochs, run.batch, task.settings[run.protocol].augment, task.settings[run.protocol].bucketed
    )
    if run.device == "cpu":
        keep_freed_memory()
    with _ALONE, _one_thread(), torch.random.fork_rng(devices=_cuda(run.device)):
        data = _data(run.task, task.encoder, run.protocol, run.examples, run.device, run.seed if task.drawn else 0)
        return _train(run, task, settings, data, checkpoint, every)


@dataclass
class _Progress:
    """How far a run is, models and optimizers apart."""

    curves: dict[str, list[float]]
    """Curves with one entry per finished epoch."""
    shuffled: Tensor
    """The state of the order's generator at the start of the epoch under way."""
    total: Tensor
    """The sum of the losses in that epoch."""
    batches: int = 0
    """The batches that were taken in that epoch."""
    seconds: float = 0.0
    kept: float = 0.0
    """The value of ``seconds`` at the last checkpoint."""
    peak: float | None = None
    """The peak of the memory before the last resumption."""

    def check(self, epochs: int, batches: int) -> None:
        """Check what a checkpoint says: its checksum tells that it is whole, not that this program wrote it.

        Raises:
            ValueError: it is not how far such a run can be.
            TypeError: a field has another type.
        """
        done = len(self.curves["loss"])
        lengths = {name: len(curve) for name, curve in self.curves.items()}
        if set(lengths) != {"test", "validation", "loss"} or done > epochs or not 0 <= self.batches <= batches:
            raise ValueError("progress")
        if lengths["test"] != done or lengths["validation"] not in (0, done):
            raise ValueError("curves")
        times = [self.seconds, self.kept, *([] if self.peak is None else [self.peak])]
        if not all(isinstance(value, float) for curve in (*self.curves.values(), times) for value in curve):
            raise TypeError("numbers")
        if self.total.shape != () or self.shuffled.dtype != torch.uint8:
            raise ValueError("tensors")


def _train(
    run: Run, task: Task, settings: Settings, data: Data, checkpoint: Path | None, every: float
) -> dict[str, Any]:
    state = None if checkpoint is None else checkpoints.load(checkpoint, run)
    steps = math.ceil(len(data.train) / run.batch)
    model, training, order, progress = _begun(run, task, steps)
    if checkpoint is not None and state is not None:
        try:
            progress = _resumed(run, steps, state, model, training, order)
        except Exception as error:  # whatever torch raises over the state of something else
            checkpoints.refuse(checkpoint, f"holds another state than this run's ({type(error).__name__})")
            model, training, order, progress = _begun(run, task, steps)
    diverged = False
    _reset_peak(run.device)

    def keep() -> None:
        if checkpoint is not None:
            _keep(checkpoint, run, model, training, order, progress)

    while len(progress.curves["loss"]) < run.epochs:
        loss = _epoch(run, task, settings, model, training, data.train, order, progress, keep, every)
        if not math.isfinite(loss):
            diverged = True
            break
        progress.curves["loss"].append(loss)
        progress.curves["test"].append(_accuracy(run, task, model, data.test))
        if data.validation is not None:
            progress.curves["validation"].append(_accuracy(run, task, model, data.validation))
        progress.batches, progress.total, progress.shuffled = 0, torch.zeros_like(progress.total), order.get_state()
    peak = max((peak for peak in (progress.peak, _peak(run.device)) if peak is not None), default=None)
    return {**progress.curves, "diverged": diverged, "seconds": round(progress.seconds, 3), "peak_memory": peak}


def _begun(run: Run, task: Task, steps: int) -> tuple[nn.Module, Training, torch.Generator, _Progress]:
    """A run before its first step; the global generator is seeded here."""
    torch.default_generator.manual_seed(run.seed)  # torch.manual_seed would also seed devices that are not restored
    if run.device == "cuda":
        torch.cuda.manual_seed(run.seed)
    order = torch.Generator().manual_seed(run.seed)
    model = task.model().to(run.device)
    switches: dict[str, Any] = dict(run.variant.switches)
    training = strategy_of(run.strategy).build(
        model, steps * run.epochs, run.lr, family=task.family, steps_per_epoch=steps,
        as_coded=PROTOCOLS[run.protocol].as_coded, **switches,
    )  # fmt: skip
    _fuse(training.optimizer)
    curves: dict[str, list[float]] = {"test": [], "validation": [], "loss": []}
    return model, training, order, _Progress(curves, order.get_state(), torch.zeros((), device=run.device))


def _fuse(optimizer: Any) -> None:
    """Have torch's own optimizers take each step in one pass over memory, those inside Lookahead too.

    AdamW then fine-tunes an encoder of 22.7M parameters in batches of 32 questions in 5.7 ms an example in place of 9.0 on
    one core (measured).
    """
    inner = getattr(optimizer, "optimizer", optimizer)
    if isinstance(inner, (torch.optim.SGD, torch.optim.Adam)):  # AdamW is an Adam
        for group in inner.param_groups:
            group["fused"] = True


def _epoch(
    run: Run,
    task: Task,
    settings: Settings,
    model: nn.Module,
    training: Training,
    train: Examples,
    order: torch.Generator,
    progress: _Progress,
    keep: Callable[[], None],
    every: float,
) -> float:
    """One pass over the training examples, or its rest; the mean loss is read from the device once, at the end."""
    model.train()
    mark = clock(run.device)
    for batch in _rest(train.batches(settings.batch, order, bucketed=settings.bucketed), order, progress):
        inputs = task.augment(batch.inputs, order) if settings.augment else batch.inputs

        def loss(inputs: Tensor = inputs, labels: Tensor = batch.labels) -> Tensor:
            with _autocast(run):
                return task.loss(task.forward(model, inputs), labels)

        progress.total += training.step(loss) * len(batch)
        progress.batches += 1
        if progress.seconds + time.perf_counter() - mark - progress.kept >= every:
            progress.seconds += clock(run.device) - mark
            progress.kept = progress.seconds
            keep()
            mark = clock(run.device)
    progress.seconds += clock(run.device) - mark
    return (progress.total / len(train)).item()


def _rest(batches: Iterator[Examples], order: torch.Generator, progress: _Progress) -> Iterator[Examples]:
    """The batches of an epoch that are not taken yet, in the order that was drawn when it began."""
    if progress.batches:
        now = order.get_state()
        order.set_state(progress.shuffled)
        for _ in range(progress.batches):
            next(batches)
        order.set_state(now)
    return batches


def _keep(
    checkpoint: Path, run: Run, model: nn.Module, training: Training, order: torch.Generator, progress: _Progress
) -> None:
    """Write a checkpoint; a run that cannot write one goes on without."""
    peak = max((peak for peak in (progress.peak, _peak(run.device)) if peak is not None), default=None)
    state = {
        "model": model.state_dict(),
        "training": training.state_dict(),
        "order": order.get_state(),
        "generator": torch.get_rng_state(),
        "device_generator": torch.cuda.get_rng_state() if run.device == "cuda" else None,
        "progress": {**vars(progress), "peak": peak},
    }
    try:
        checkpoints.save(checkpoint, run, state)
    except OSError as error:
        print(f"lrtheory: no checkpoint of {run} could be written: {error}.", file=sys.stderr)


def _resumed(
    run: Run, steps: int, state: dict[str, Any], model: nn.Module, training: Training, order: torch.Generator
) -> _Progress:
    """Put everything back where it was when the checkpoint was written."""
    progress = _Progress(**state["progress"])
    progress.check(run.epochs, steps)
    torch.Generator().set_state(progress.shuffled)
    model.load_state_dict(state["model"])
    training.load_state_dict(state["training"])
    order.set_state(state["order"])
    torch.set_rng_state(state["generator"])
    if run.device == "cuda":
        torch.cuda.set_rng_state(state["device_generator"])
    progress.total = progress.total.to(run.device)
    return progress


@torch.no_grad()
def _accuracy(run: Run, task: Task, model: nn.Module, examples: Examples) -> float:
    """The accuracy in per cent."""
    model.eval()
    right = torch.zeros((), device=run.device)
    for batch in examples.batches(EVALUATED):
        with _autocast(run):
            right += task.right(task.forward(model, batch.inputs), batch.labels)
    return 100 * right.item() / len(examples)


@lru_cache(maxsize=1)  # of one task, so that the peak memory of another does not depend on what ran before
def _data(task: str | Definition, encoder: str, protocol: str, examples: int, device: str, seed: int) -> Data:
    made = task_of(task, encoder or "auto")
    return made.data(seed, hold_out=PROTOCOLS[protocol].holds_out, examples=examples).to(device)


@lru_cache
def _number(task: str | Definition, encoder: str) -> int:
    """The number of training examples of a task, those that are held out included."""
    return len(task_of(task, encoder or "auto").load(0)[0])


def _autocast(run: Run) -> Any:
    return torch.autocast(run.device, dtype=torch.bfloat16, enabled=run.precision == "bfloat16")


def fast_bfloat16() -> bool:
    """Whether the CPU multiplies matrices of bfloat16 in hardware."""
    if not hasattr(torch.cpu, "get_capabilities"):  # an older torch
        return torch.cpu._is_avx512_bf16_supported()
    able = torch.cpu.get_capabilities()
    return bool(able.get("amx_bf16") or able.get("avx512_bf16"))


@contextmanager
def _one_thread() -> Iterator[None]:
    """One thread: sums are then the same whatever else the machine does, and small models are no slower."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _cuda(device: str) -> list[int]:
    return [torch.cuda.current_device()] if device == "cuda" else []


def clock(device: str) -> float:
    """The time in seconds when everything that the device was asked for is done."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


def _reset_peak(device: str) -> None:
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
        return
    give_freed_memory_back()
    with suppress(OSError):  # Linux: the peak starts again from what is in use; elsewhere it is that of the process
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def _peak(device: str) -> float | None:
    """The peak of the memory in MiB since the last reset."""
    if device == "cuda":
        return round(torch.cuda.max_memory_allocated() / 2**20, 1)
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    line = next(line for line in status.read_text(encoding="utf-8").splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) / 1024, 1)
