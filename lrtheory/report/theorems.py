"""What is known, and how: a table of the theorems."""

from lrtheory.report.values import Table
from lrtheory.theory.registry import THEOREMS


def table() -> Table:
    """One row for each theorem: the claim, its status and how far it is attained, and its module."""
    rows = [
        [
            theorem.statement,
            f"{theorem.status}: {theorem.attained}" if theorem.attained else theorem.status,
            f"`{theorem.module.removeprefix('lrtheory.')}`",
        ]
        for theorem in THEOREMS.values()
    ]
    return Table(["claim", "status", "module"], rows)
