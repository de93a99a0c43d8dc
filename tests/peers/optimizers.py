"""One step of DALS against AdamW's, on tensors shaped like those of a MiniLM encoder (22.7 million numbers).

All are built on the same parameters and gradients. A unit of work is a step; ratios are to AdamW with foreach. On CUDA,
``bandwidth`` is the time of a plain copy of the least traffic that AdamW or DALS can do (read the gradient; read and write
parameter and two averages: seven passes) over the time of the step; on a CPU the caches make that comparison meaningless.
"""

from collections.abc import Callable
from functools import partial

import pandas as pd
import torch

from lrtheory.optim.dals import DALS
from tests.peers.ensemble import clock
from tests.peers.measure import Contestant, race

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


def table(repeats: int, device: str = "cpu") -> pd.DataFrame:
    """Nanoseconds a step, of the clock; torch on one thread of a CPU."""
    torch.set_num_threads(1)
    steps = contestants(device)
    times = partial(clock, device)
    frame = race([Contestant(name, step, 1) for name, step in steps.items()], 4 * repeats, clock=times)
    if COPY in steps:
        frame["bandwidth"] = frame.loc[frame["peer"] == COPY, "median"].iloc[0] / frame["median"]
    return frame.assign(device=device)
