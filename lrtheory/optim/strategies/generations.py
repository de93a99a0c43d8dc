"""The five generations of the DALS paper: the data that tables, figures and the paper read."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Generation:
    """One step in the history of learning rates, as the paper divides it."""

    number: int
    title: str
    since: int
    """The year that the paper prints; a member's own reference may be older (LARS) or younger."""
    motive: str
    """What the generation before could not do."""
    members: tuple[str, ...]
    """Names of the strategies, in the order of the paper's table."""


GENERATIONS = (
    Generation(
        1,
        "Global and fixed",
        1986,
        "One rate for every parameter and every step is the simplest choice there is.",
        ("Fixed SGD",),
    ),
    Generation(
        2,
        "Global schedules",
        2012,
        "The rate that makes progress early is too large to settle late.",
        ("Cosine Decay SGD", "SGDR"),
    ),
    Generation(
        3,
        "Per parameter",
        2014,
        "Gradients of different parameters differ in scale, so no single rate suits all.",
        ("Adam", "AdamW", "AdaBound"),
    ),
    Generation(
        4,
        "Per layer",
        2018,
        "Layers play different parts: general features below, the task above.",
        ("LARS", "Discriminative LR"),
    ),
    Generation(
        5,
        "Layer and time together",
        2018,
        "What a layer needs changes during training.",
        (
            "RAdam", "Lion", "Lookahead+AdamW", "SAM", "Grokfast", "STLR+Discriminative", "SAM+Discriminative",
            "DALS", "DALS-Fast", "DALS-Acc",
        ),
    ),
)  # fmt: skip
