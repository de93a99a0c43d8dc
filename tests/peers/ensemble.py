"""The time of hundreds of runs trained at once against one at a time, and the difference of their weights, in one run.

python -m tests.peers.ensemble [--runs 512] [--alone 8] [--steps 200] [--batch 1] [--device cuda]

The task is the small network on the digits; every run has its own rate. One at a time is the plain loop: a model, a loss,
``backward`` and torch's own optimizer; `alone` runs of it are timed, and each must end where its twin in the ensemble ends.
The two take turns, three times, so a busy machine slows them alike; the ratio is of the medians. Nothing here is a test:
no law depends on wall time.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch

from lrtheory.optim.ensemble import RULES, batches, start, train
from lrtheory.tasks.digits import task as digits
from lrtheory.tasks.task import Examples, Task

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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=512)
    parser.add_argument("--alone", type=int, default=8)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    options = parser.parse_args()
    torch.set_num_threads(1)
    wait = torch.cuda.synchronize if options.device == "cuda" else lambda: None
    task = digits()
    examples, _ = task.load(0)
    seeds = [run % 8 for run in range(options.runs)]
    lrs = np.geomspace(1e-4, 1e-2, options.runs)[:, None] * np.linspace(1, 0, options.steps, endpoint=False)
    where = torch.cuda.get_device_name() if options.device == "cuda" else "one CPU thread"
    print(f"torch {torch.__version__}, {where}, {options.runs} runs of {options.steps} steps, batch {options.batch}")
    print(f"{'':10}{'alone, us/step':>16}{'together':>10}{'ratio':>8}{'largest difference':>20}")
    for name in RULES:
        alone, together, difference = [], [], 0.0
        for _ in range(3):
            wait()
            begun = time.perf_counter()
            stacked = train(task, examples, lrs, seeds, rule=RULES[name](), batch=options.batch, device=options.device)
            wait()
            together.append((time.perf_counter() - begun) / options.runs / options.steps)
            for run in np.linspace(0, options.runs - 1, options.alone).astype(int):
                begun = time.perf_counter()
                one = train_alone(
                    task, examples, lrs[run], seeds[run], optimizer=name, batch=options.batch, device=options.device
                )
                wait()
                alone.append((time.perf_counter() - begun) / options.steps)
                difference = max(difference, *(float((stacked[k][run] - one[k]).abs().max()) for k in one))
        slow, fast = statistics.median(alone), statistics.median(together)
        print(f"{name:10}{1e6 * slow:16.1f}{1e6 * fast:10.2f}{slow / fast:8.1f}{difference:20.1e}")


if __name__ == "__main__":
    main()
