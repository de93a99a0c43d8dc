"""One step of DALS against AdamW's, on tensors shaped like those of a MiniLM encoder (22.7 million numbers).

All are built on the same parameters and gradients and take turns, several steps each, so that what slows the machine slows all
of them. Ratios are to AdamW with foreach. On CUDA, ``bandwidth`` is the time of a plain copy of the least traffic that AdamW or
DALS can do (read the gradient; read and write parameter and two averages: seven passes) over the time of the step; on a CPU the
caches make that comparison meaningless.
"""

import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, final

import pandas as pd

from lrtheory.runs import Cell, Compute, Experiment

COPY = "copy, seven passes"
FIRST = "AdamW foreach"
"""What the others are compared with."""


def encoder_tensors(
    device: str = "cpu", *, hidden: int = 384, inner: int = 1536, vocabulary: int = 30522, blocks: int = 6
) -> list[list[Any]]:
    """The parameters of an encoder with their gradients, by layer; by default those of MiniLM, with 512 positions."""
    import torch

    layer_norm = [(hidden,), (hidden,)]
    attention = [(hidden, hidden), (hidden,)] * 4 + layer_norm
    feed_forward = [(inner, hidden), (inner,), (hidden, inner), (hidden,), *layer_norm]
    shapes = [[(vocabulary, hidden), (512, hidden), (2, hidden), *layer_norm]]
    shapes += [attention + feed_forward for _ in range(blocks)]
    shapes += [[(hidden, hidden), (hidden,)]]
    generator = torch.Generator().manual_seed(0)

    def parameter(shape: tuple[int, ...]) -> Any:
        tensor = torch.nn.Parameter((0.02 * torch.randn(shape, generator=generator)).to(device))
        tensor.grad = (1e-3 * torch.randn(shape, generator=generator)).to(device)
        return tensor

    return [[parameter(shape) for shape in layer] for layer in shapes]


def contestants(layers: list[list[Any]]) -> dict[str, Callable[[], object]]:
    """A step of each optimizer, each with its own state on the same parameters."""
    import torch

    from lrtheory.optim.dals import DALS

    flat = [tensor for layer in layers for tensor in layer]
    device = flat[0].device
    steps: dict[str, Callable[[], object]] = {}
    steps[FIRST] = torch.optim.AdamW(flat, lr=1e-6, weight_decay=0.01, foreach=True).step
    steps["AdamW fused"] = torch.optim.AdamW(flat, lr=1e-6, weight_decay=0.01, fused=True).step
    loss = torch.tensor(1.0, device=device)
    for variant in ("base", "fast"):
        for foreach in (True, False):
            dals = DALS([{"params": layer} for layer in layers], 1e-6, horizon=10**6, variant=variant, foreach=foreach)
            steps[f"DALS {variant} {'foreach' if foreach else 'plain'}"] = lambda dals=dals: dals.step(loss=loss)
    if device.type == "cuda":
        dals = DALS([{"params": layer} for layer in layers], 1e-6, horizon=10**6, foreach=False)
        compiled = torch.compile(dals.step)
        steps["DALS base compiled"] = lambda: compiled(loss=loss)
        source = torch.zeros(7 * sum(tensor.numel() for tensor in flat) // 2, device=device)
        target = torch.zeros_like(source)
        steps[COPY] = lambda: target.copy_(source)
    return steps


@final
@dataclass(frozen=True)
class StepTimesCell(Cell):
    """All optimizers in turn; the fields are those of :class:`StepTimes`."""

    device: str
    turns: int
    steps: int
    hidden: int
    blocks: int

    def compute(self) -> dict[str, Any]:
        """The nanoseconds of a step, turn by turn, and the name of the machine."""
        import torch

        from lrtheory.benchmarks.training import clock

        size = {"hidden": self.hidden, "inner": 4 * self.hidden, "vocabulary": 30522 * self.hidden // 384}
        found = contestants(encoder_tensors(self.device, **size, blocks=self.blocks))
        times: dict[str, list[float]] = {name: [] for name in found}
        for turn in range(self.turns + 1):
            for name, step in found.items():
                begun = clock(self.device)
                for _ in range(self.steps):
                    step()
                if turn:  # the first compiles and allocates
                    times[name].append(1e9 * (clock(self.device) - begun) / self.steps)
        machine = torch.cuda.get_device_name() if self.device == "cuda" else platform.machine()
        return {"times": times, "machine": machine}


@final
@dataclass(frozen=True)
class StepTimes(Experiment):
    """How long a step of each optimizer takes.

    Args:
        device: The device, cpu or cuda.
        turns: The number of turns that count.
        steps: The number of steps in a turn.
        hidden: The width of the encoder.
        blocks: The number of its blocks.
    """

    needs: ClassVar = {"torch": "torch"}

    device: str = "cpu"
    turns: int = 15
    steps: int = 20
    hidden: int = 384
    blocks: int = 6

    @classmethod
    def quick(cls) -> Self:
        """Two turns of a narrow encoder with one block."""
        return cls(turns=2, steps=2, hidden=8, blocks=1)

    def cells(self) -> list[StepTimesCell]:
        """The one cell."""
        return [StepTimesCell(self.device, self.turns, self.steps, self.hidden, self.blocks)]

    def run(self, compute: Compute) -> pd.DataFrame:
        """One row per optimizer: the median, the smallest and the largest nanoseconds of a step, and ratios."""
        (result,) = compute(self.cells(), at_once=1)
        times = result["times"]
        rows = [
            {
                "peer": name, "median": statistics.median(each), "min": min(each), "max": max(each),
                "ratio": statistics.median(mine / first for mine, first in zip(each, times[FIRST])),
            }
            for name, each in times.items()
        ]  # fmt: skip
        frame = pd.DataFrame(rows).assign(device=self.device, machine=result["machine"])
        if COPY in times:
            frame["bandwidth"] = frame.loc[frame["peer"] == COPY, "median"].iloc[0] / frame["median"]
        return frame

    @staticmethod
    def summary(frame: pd.DataFrame) -> pd.DataFrame:
        """The same with fewer digits."""
        return frame.map(lambda value: f"{value:.4g}" if isinstance(value, float) else value)
