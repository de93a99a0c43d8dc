"""The published numbers of DALS, as data. Source: arXiv:2604.27295 (v1, 30 April 2026), tables 2 and 3 of its text.

Each number is of one run (seed 42): the best test accuracy over the epochs, in per cent; the paper gives no intervals. The
numbers of the earlier draft are those of ``comprehensive_results.json`` in the authors' repository (28 April 2026).
"""

TASKS = ("synthetic", "cifar10", "rte", "trec6", "imdb")
"""The columns of :data:`ACCURACY`."""

ACCURACY = {
    "Fixed SGD": (97.9, 78.8, 60.6, 96.6, 90.5),
    "Cosine Decay SGD": (97.6, 80.2, 57.8, 94.8, 90.7),
    "SGDR": (97.8, 79.7, 59.9, 96.2, 90.6),
    "Adam": (96.8, 75.5, 59.6, 97.6, 90.8),
    "AdamW": (96.2, 75.7, 60.3, 97.6, 90.7),
    "AdaBound": (95.5, 75.5, 57.4, 92.8, 90.0),
    "LARS": (97.7, 74.9, 59.6, 95.2, 90.0),
    "Discriminative LR": (97.1, 77.4, 57.8, 84.6, 88.6),
    "RAdam": (96.5, 75.8, 62.8, 96.8, 91.2),
    "Lion": (97.0, 76.6, 58.8, 95.0, 87.8),
    "Lookahead+AdamW": (96.0, 75.1, 59.9, 97.6, 91.1),
    "SAM": (97.5, 76.9, 59.2, 96.4, 90.5),
    "Grokfast": (97.3, 78.5, 56.0, 84.4, 89.5),
    "STLR+Discriminative": (95.9, 79.3, 55.2, 43.6, 85.4),
    "SAM+Discriminative": (97.4, 77.9, 58.5, 84.6, 88.6),
    "DALS": (98.0, 76.7, 59.2, 94.0, 90.1),
    "DALS-Fast": (97.8, 76.9, 59.9, 95.0, 90.1),
    "DALS-Acc": (97.8, 76.5, 59.2, 94.2, 90.0),
}
"""Best test accuracy in per cent, by strategy and task."""

THRESHOLDS = (60, 70, 80, 90)
"""The thresholds of :data:`EPOCHS_TO`, in per cent."""

EPOCHS_TO = {
    "SGDR": (1, 1, 1, 1),
    "DALS": (2, 2, 3, 3),
    "DALS-Fast": (1, 1, 2, 3),
    "DALS-Acc": (1, 1, 1, 2),
    "LARS": (1, 1, 1, 2),
    "STLR+Discriminative": (1, 1, 1, 1),
}
"""Epochs to each threshold on the synthetic task."""

DRAFT = {
    "Fixed SGD": 85.88,
    "Cosine Decay SGD": 82.31,
    "SGDR": 86.06,
    "Adam": 85.81,
    "AdamW": 85.62,
    "AdaBound": 86.06,
    "LARS": 86.38,
    "Discriminative LR": 83.25,
    "RAdam": 85.50,
    "Lion": 83.75,
    "Lookahead+AdamW": 85.56,
    "SAM": 83.81,
    "Grokfast": 85.94,
    "STLR+Discriminative": 75.31,
    "SAM+Discriminative": 83.19,
    "DALS": 85.62,
    "DALS-Fast": 85.31,
    "DALS-Acc": 86.44,
}
"""The draft's synthetic task: best test accuracy in per cent."""


def accuracy(strategy: str, task: str) -> float | None:
    """The published best test accuracy in per cent, or None where the paper has none.

    The published synthetic column came from the task as coded; the draft's numbers from the draft's task.

    Example:
        >>> accuracy("DALS", "synthetic-as-coded"), accuracy("RAdam", "trec6"), accuracy("DALS", "trec6-scratch")
        (98.0, 96.8, None)
    """
    if task == "synthetic-draft":
        return DRAFT.get(strategy)
    column = "synthetic" if task == "synthetic-as-coded" else task
    return ACCURACY[strategy][TASKS.index(column)] if column in TASKS and strategy in ACCURACY else None
