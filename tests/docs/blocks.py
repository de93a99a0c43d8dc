"""The code blocks of a page: what is run, what it prints, and what it needs."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *sorted(path for path in (ROOT / "docs").rglob("*.md") if "made" not in path.parts),
]
"""Every page that is written by hand."""

BLOCK = re.compile(
    r"(?:^<!-- (needs|service): ([^\n]*?) -->\n)?^```(\w+)\n(.*?)^```$(?:\n\n^```text\n(.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """One block.

    Args:
        page: Where it stands.
        line: On which line.
        language: What it is written in.
        code: Its text.
        printed: What the page says that it prints; none where it says nothing.
        needs: Packages without which it is not run.
        service: What else it needs, which a test does not have.
    """

    page: Path
    line: int
    language: str
    code: str
    printed: str | None
    needs: tuple[str, ...]
    service: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> list[Block]:
    """The blocks of a page in their order."""
    text, found = page.read_text(encoding="utf-8"), []
    for match in BLOCK.finditer(text):
        kind, what, language, code, printed = match.groups()
        line = text.count("\n", 0, match.start(4))
        needs = tuple(what.split()) if kind == "needs" else ()
        found.append(Block(page, line, language, code, printed, needs, what if kind == "service" else ""))
    return found
