"""Hundreds of runs trained at once against one at a time, and the largest difference of their weights.

The task is the small network on the digits; every run has its own rate. A unit of work is a step of one run. One at a time is
the plain loop: a model, a loss, ``backward`` and torch's own optimizer; each run timed alone must end where its twin in the
ensemble ends.
"""

import time
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import torch

from lrtheory.tasks.digits import task as digits
from lrtheory.tasks.task import Examples, Task
from lrtheory.training.ensemble import RULES, batches, start, train
from tests.peers.measure import Contestant, race

RUNS, ALONE, STEPS, BATCH = 512, 8, 200, 1

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9),
    "adamw": torch.optim.AdamW,
}
"""torch's own optimizers under the ensemble's names."""


def train_alone(
    task: Task, examples: Examples, lrs: np.ndarray, seed: int, *, optimizer: str, batch: int, device: str = "cpu"
) -> dict[str, torch.Tensor]:
    """One run by a plain loop: what an ensemble must reproduce."""
    model = start(task, seed).to(device)
    stepper = OPTIMIZERS[optimizer](model.parameters(), lr=float(lrs[0]))
    order = torch.from_numpy(batches(len(examples), len(lrs), batch, seed)).to(device)
    examples = examples.to(device)
    for now, lr in zip(order, lrs.tolist()):
        stepper.param_groups[0]["lr"] = lr
        stepper.zero_grad()
        task.loss(model(examples.inputs[now]), examples.labels[now]).backward()
        stepper.step()
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def table(repeats: int, device: str = "cpu") -> pd.DataFrame:
    """Nanoseconds a step of a run, of the clock; torch on one thread."""
    torch.set_num_threads(1)
    task = digits()
    examples, _ = task.load(0)
    seeds = [run % 8 for run in range(RUNS)]
    lrs = np.geomspace(1e-4, 1e-2, RUNS)[:, None] * np.linspace(1, 0, STEPS, endpoint=False)
    chosen = np.linspace(0, RUNS - 1, ALONE).astype(int)
    frames = []
    for name in RULES:
        together = partial(train, task, examples, lrs, seeds, rule=RULES[name](), batch=BATCH, device=device)

        def alone(name: str = name) -> list[dict[str, torch.Tensor]]:
            return [
                train_alone(task, examples, lrs[run], seeds[run], optimizer=name, batch=BATCH, device=device)
                for run in chosen
            ]

        stacked, ones = together(), alone()
        difference = max(
            float((stacked[key][run] - one[key]).abs().max()) for run, one in zip(chosen, ones) for key in one
        )
        contestants = [
            Contestant(f"{name}, {RUNS} together", together, RUNS * STEPS),
            Contestant(f"{name}, alone", alone, ALONE * STEPS),
        ]
        frame = race(contestants, repeats, clock=partial(clock, device))
        frames.append(frame.assign(optimizer=name, difference=difference, device=device))
    return pd.concat(frames, ignore_index=True)


def clock(device: str) -> float:
    """The time when all that was asked of the device is done."""
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
