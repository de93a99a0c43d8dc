"""What determines a run of a residual network on CIFAR-10."""

from dataclasses import dataclass

from lrtheory.schedules import Schedule


@dataclass(frozen=True)
class ResidualRun:
    """One run: a network, what it sees and how it is trained.

    Args:
        network: compact or wide.
        size: Channels and first stride, or depth and factor.
        schedule: The shape.
        lr: The rate that the schedule scales.
        seed: The seed of the first weights, the order and the augmentation.
        examples: Training images.
        tested: Test images.
        epochs: Passes.
        batch: Images a step.
        momentum: Nesterov's.
        weight_decay: Added to the gradient, times the weights.
        smoothing: The smoothing of the labels.
        precision: float32 or bfloat16.
        device: cpu or cuda.
    """

    network: str
    size: tuple[int, ...]
    schedule: Schedule
    lr: float
    seed: int
    examples: int
    tested: int
    epochs: int
    batch: int
    momentum: float
    weight_decay: float
    smoothing: float
    precision: str
    device: str

    @property
    def horizon(self) -> int:
        """The number of steps."""
        return self.epochs * (self.examples // self.batch)
