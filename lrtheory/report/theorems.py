"""What is known, and how: a table of the theorems."""

from lrtheory.report.values import Facts, Table
from lrtheory.theorems import THEOREMS


def table() -> Table:
    """One row for each theorem: the claim, its status, where it holds with equality or how far, and its module."""
    rows = [
        [theorem.statement, theorem.status, theorem.attained, f"`{theorem.module.removeprefix('lrtheory.')}`"]
        for theorem in THEOREMS.values()
    ]
    return Table(["claim", "status", "attained", "module"], rows)


def theorem_part() -> Facts:
    """The table of the site, and how many theorems have each status."""
    yield "readme/theorems", table()
    for status in ("proved", "verified", "measured"):
        yield f"theorems/{status}", str(sum(theorem.status == status for theorem in THEOREMS.values()))
