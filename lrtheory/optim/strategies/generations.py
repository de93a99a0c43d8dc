"""The five generations of the DALS paper, as data: what its figure shows. Each strategy knows its own."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Generation:
    """One step in the history of learning rates, as the paper divides it."""

    number: int
    title: str
    motive: str
    """What the generation before could not do."""


GENERATIONS = (
    Generation(
        1,
        "Global and fixed",
        "One rate for every parameter and every step is the simplest choice there is.",
    ),
    Generation(
        2,
        "Global schedules",
        "The rate that makes progress early is too large to settle late.",
    ),
    Generation(
        3,
        "Per parameter",
        "Gradients of different parameters differ in scale, so no single rate suits all.",
    ),
    Generation(
        4,
        "Per layer",
        "Layers play different parts: general features below, the task above.",
    ),
    Generation(
        5,
        "Layer and time together",
        "What a layer needs changes during training.",
    ),
)  # fmt: skip
