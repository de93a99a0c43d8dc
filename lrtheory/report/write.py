"""README and paper with the facts in them."""

import re
from collections.abc import Mapping
from pathlib import Path

from lrtheory.report import markdown, tex
from lrtheory.report.facts import facts
from lrtheory.report.values import Value

BLOCK = re.compile(r"(<!-- made: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
"""A block of the README that is a fact ``readme/NAME``."""

INLINE = re.compile(r"<!--=(\S+?)-->(.*?)<!--=-->", re.DOTALL)
"""A value in a sentence of the README, between marks that no reader of the page sees."""


def paper(known: Mapping[str, Value]) -> dict[str, str]:
    """Every generated file of the paper and its text: a file for each fact ``paper/NAME``, and the values in ``values.tex``."""
    files = {f"{name.removeprefix('paper/')}.tex": value for name, value in known.items() if name.startswith("paper/")}
    values = [
        rf"\setval{{{name}}}{{{tex.render(value)}}}"
        for name, value in known.items()
        if not name.startswith(("paper/", "readme/"))
    ]
    made = {name: tex.render(value) for name, value in files.items()} | {"values.tex": "\n".join(values)}
    return {name: text + "\n" for name, text in made.items()}


def readme(text: str, known: Mapping[str, Value]) -> str:
    """The text of a README with its blocks and its values made anew.

    Raises:
        KeyError: it names a fact that there is not.
    """
    text = BLOCK.sub(lambda mark: f"{mark[1]}\n{markdown.render(known[f'readme/{mark[2]}'])}\n\n{mark[3]}", text)
    return INLINE.sub(lambda mark: f"<!--={mark[1]}-->{markdown.render(known[mark[1]])}<!--=-->", text)


def made(root: Path) -> dict[Path, str]:
    """What every generated file of a checkout must hold, by its path."""
    known = facts()
    generated = root / "paper" / "generated"
    page = root / "README.md"
    files = {generated / name: text for name, text in paper(known).items()}
    return files | {page: readme(page.read_text(encoding="utf-8"), known)}


def stale(root: Path) -> list[Path]:
    """The files of a checkout that do not hold what they must, and those that are no longer made."""
    wanted = made(root)
    left = [path for path in sorted((root / "paper" / "generated").glob("*.tex")) if path not in wanted]
    return left + [
        path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]


def write(root: Path) -> list[Path]:
    """Write what is stale, remove what is no longer made, and say which files these were."""
    wanted, changed = made(root), stale(root)
    for path in changed:
        if path in wanted:
            path.parent.mkdir(exist_ok=True)
            path.write_text(wanted[path], encoding="utf-8")
        else:
            path.unlink()
    return changed
