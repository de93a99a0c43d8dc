"""The time of one step of DALS against AdamW's, on tensors shaped like those of a MiniLM encoder (22.7 million numbers).

python -m tests.peers.optimizers [--device cuda] [--repeats 30]

All are built on the same parameters and gradients and timed in turn, so a busy machine slows them alike. Ratios are to
AdamW with foreach. On CUDA, bandwidth is the time of a plain copy of the least traffic that AdamW or DALS can do (read
the gradient; read and write parameter and two averages: seven passes) over the time of the step; on a CPU the caches
make that comparison meaningless. Nothing here is a test: no law depends on wall time.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from lrtheory.optim.dals import DALS

COPY = "copy, seven passes"


def minilm_tensors(device: str = "cpu") -> list[list[torch.nn.Parameter]]:
    """The parameters of a 6-layer encoder (hidden 384, inner 1536, vocabulary 30522, 512 positions), by layer."""
    hidden, inner, vocabulary, positions = 384, 1536, 30522, 512
    layer_norm = [(hidden,), (hidden,)]
    attention = [(hidden, hidden), (hidden,)] * 4 + layer_norm
    feed_forward = [(inner, hidden), (inner,), (hidden, inner), (hidden,), *layer_norm]
    shapes = [[(vocabulary, hidden), (positions, hidden), (2, hidden), *layer_norm]]
    shapes += [attention + feed_forward for _ in range(6)]
    shapes += [[(hidden, hidden), (hidden,)]]
    generator = torch.Generator().manual_seed(0)

    def parameter(shape: tuple[int, ...]) -> torch.nn.Parameter:
        tensor = torch.nn.Parameter((0.02 * torch.randn(shape, generator=generator)).to(device))
        tensor.grad = (1e-3 * torch.randn(shape, generator=generator)).to(device)
        return tensor

    return [[parameter(shape) for shape in layer] for layer in shapes]


def contestants(device: str) -> dict[str, Callable[[], object]]:
    """A step of each optimizer, each with its own state on the same parameters."""
    layers = minilm_tensors(device)
    flat = [tensor for layer in layers for tensor in layer]
    steps: dict[str, Callable[[], object]] = {}
    steps["AdamW foreach"] = torch.optim.AdamW(flat, lr=1e-6, weight_decay=0.01, foreach=True).step
    steps["AdamW fused"] = torch.optim.AdamW(flat, lr=1e-6, weight_decay=0.01, fused=True).step
    loss = torch.tensor(1.0, device=device)
    for variant in ("base", "fast"):
        for foreach in (True, False):
            dals = DALS([{"params": layer} for layer in layers], 1e-6, horizon=10**6, variant=variant, foreach=foreach)
            steps[f"DALS {variant} {'foreach' if foreach else 'plain'}"] = lambda dals=dals: dals.step(loss=loss)
    if device == "cuda":
        dals = DALS([{"params": layer} for layer in layers], 1e-6, horizon=10**6, foreach=False)
        compiled = torch.compile(dals.step)
        steps["DALS base compiled"] = lambda: compiled(loss=loss)
        source = torch.zeros(7 * sum(tensor.numel() for tensor in flat) // 2, device=device)
        target = torch.zeros_like(source)
        steps[COPY] = lambda: target.copy_(source)
    return steps


def measure(device: str, repeats: int) -> dict[str, list[float]]:
    """Seconds of each repeat, the contestants taking turns."""
    steps = contestants(device)
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    times: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 3):
        for name, step in steps.items():
            wait()
            start = time.perf_counter()
            step()
            wait()
            if repeat >= 3:
                times[name].append(time.perf_counter() - start)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--repeats", type=int, default=30)
    arguments = parser.parse_args()
    times = measure(arguments.device, arguments.repeats)
    baseline = statistics.median(times["AdamW foreach"])
    copy = statistics.median(times[COPY]) if COPY in times else None
    where = torch.cuda.get_device_name() if arguments.device == "cuda" else f"{torch.get_num_threads()} CPU threads"
    print(f"torch {torch.__version__}, {where}, {arguments.repeats} steps each, milliseconds")
    print(f"{'':20}{'median':>9}{'min':>9}{'max':>9}{'ratio':>8}{'bandwidth' if copy else '':>11}")
    for name, seconds in times.items():
        median, low, high = (1e3 * f(seconds) for f in (statistics.median, min, max))
        bandwidth = f"{1e3 * copy / median:11.0%}" if copy else ""
        print(f"{name:20}{median:9.2f}{low:9.2f}{high:9.2f}{median / baseline / 1e3:8.2f}{bandwidth}")


if __name__ == "__main__":
    main()
