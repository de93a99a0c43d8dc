"""The pages of the site that follow from the package: theorems, results, public names, modules, commands and lessons.

``docs/conf.py`` calls :func:`write` before Sphinx reads anything, so the pages are made anew by every build and none is
committed.
"""

import ast
import contextlib
import inspect
import io
import os
import re
import shutil
from collections.abc import Iterator
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from pkgutil import walk_packages
from types import ModuleType
from typing import Any
from unittest import mock

import pandas as pd

import lrtheory
from lrtheory.figures import FIGURES
from lrtheory.figures.provenance import provenance, read_record
from lrtheory.report import markdown
from lrtheory.report.facts import facts
from lrtheory.report.values import Table
from lrtheory.runs.tables import committed
from lrtheory.sweeps import EXPERIMENTS
from lrtheory.theorems import STATUSES, THEOREMS
from lrtheory.theory.theorem import Theorem

ROOT = Path(lrtheory.__file__).parents[1]

PACKAGES = {
    "lrtheory": "The names that most people need.",
    "lrtheory.schedules": "Schedules: the families, reading them from text, and other libraries' forms.",
    "lrtheory.forecast": "What will a schedule do? Laws of loss curves.",
    "lrtheory.planning.measured": "Rates to try on a network.",
    "lrtheory.simulation": "SGD on convex problems.",
    "lrtheory.optim": "Torch: schedulers, layered rates, the range test, strategies.",
    "lrtheory.sweeps": "Experiments as values.",
    "lrtheory.runs": "Cells, stores and clusters.",
}
"""The packages whose names have a page each, in the order of the page that lists them."""

BLOCKS = {
    "rho": ("rho",), "grid": ("grid",), "cifar10": ("cifar10",), "benchmark": ("benchmark", "headlines"),
    "audit": ("switches",), "robustness": ("robustness",), "simulator_speed": ("speed", "speeds"),
}  # fmt: skip
"""The facts that stand below a figure."""

COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "plan": ((), ("next",), ("equivalent",), ("extend",)),
    "sweep": ((), *((name,) for name in EXPERIMENTS)),
    "benchmark": ((),),
    "gpu": ((),),
    "figures": ((),),
    "runs": ((), ("ls",), ("verify",), ("merge",), ("export",)),
    "explore": ((),),
    "report": ((),),
}
"""The commands, and what stands between their name and ``--help``."""


def write(folder: Path) -> list[Path]:
    """Write every page into a folder, which then holds nothing else.

    Args:
        folder: A folder beside the pages that are written by hand. Pages refer to the figures of the checkout.

    Returns:
        The files written.
    """
    shutil.rmtree(folder, ignore_errors=True)
    written = []
    for name, text in {**blocks(), **theorems(), **results(), **interface(), **modules(), **commands()}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written + lessons(folder / "lessons")


def blocks() -> dict[str, str]:
    """The tables and lists that pages include: every fact ``readme/NAME`` as ``blocks/NAME.md``."""
    return {
        f"blocks/{name.removeprefix('readme/')}.md": f"{markdown.render(value)}\n"
        for name, value in facts().items()
        if name.startswith("readme/")
    }


def theorems() -> dict[str, str]:
    """A page for each theorem, and what the page that lists them includes."""
    pages = {f"theory/{name}.md": _theorem(theorem) for name, theorem in THEOREMS.items()}
    listed = []
    for status, meaning in STATUSES.items():
        of_status = [theorem for theorem in THEOREMS.values() if theorem.status == status]
        if of_status:
            listed += [f"## {status.capitalize()}", "", f"{meaning.capitalize()}.", ""]
            rows = [[f"[{each.statement}](made/theory/{each.name}.md)", each.attained] for each in of_status]
            listed += [markdown.render(Table(["claim", "where it is attained, or how far it holds"], rows)), ""]
    return pages | {"blocks/theorem_index.md": "\n".join(listed)}


def _theorem(theorem: Theorem) -> str:
    """The page of a theorem: its statement, its status, its proof, its code and the figures that show it."""
    lines = [*_orphan("../../theory.md", "Theory"), f"# {theorem.statement}", "", f"Status: **{theorem.status}**"]
    lines[-1] += f", {theorem.attained}." if theorem.attained else "."
    lines += ["", f"Source: {theorem.source}", ""]
    checks = [
        text
        for text, there in (
            ("the identities of the proof, reduced to zero by sympy", theorem.proof),
            ("a witness: a case that reaches what is stated", theorem.witness),
        )
        if there
    ]
    if checks:
        lines += [f"What the tests run for it: {' and '.join(checks)}. Run it yourself:", ""]
        lines += ["```python", "from lrtheory.theorems import THEOREMS", ""]
        lines += [f'THEOREMS["{theorem.name}"].check()  # raises an AssertionError if it does not hold', "```", ""]
    lines += ["```{eval-rst}", *_module_body(theorem.module), "```", ""]
    lines += [line for name in figures_about(theorem.module) for line in _picture(name, "../results")]
    return "\n".join(lines)


def _orphan(index: str, title: str) -> list[str]:
    """The beginning of a page that one index lists: hundreds of them in the side bar of every page would help nobody."""
    return ["---", "orphan: true", "---", "", f"*[{title}]({index})*", ""]


def figures_about(module: str) -> list[str]:
    """The figures whose file, or whose experiment's, imports a module."""
    return [name for name in FIGURES if module in _imports(f"figures/{name}.py") | _imports(f"sweeps/{name}.py")]


def _imports(path: str) -> set[str]:
    file = Path(lrtheory.__file__).parent / path
    if not file.exists():
        return set()
    found = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _picture(name: str, pages: str) -> list[str]:
    """A figure with its alternative text, and a link to the page that says what it is made from."""
    return [
        f"```{{image}} ../../../figures/{name}.png",
        f":alt: {FIGURES[name].alt}",
        f":target: {pages}/{name}.html",
        "```",
        "",
    ]


def results() -> dict[str, str]:
    """A page for each figure with its table, the command that made it, its cells and versions; and the list of tables."""
    pages = {}
    for name, entry in FIGURES.items():
        lines = [*_orphan("../../results.md", "Results"), f"# {_first_line(entry.load()).rstrip('.')}", ""]
        lines += [f"```{{image}} ../../../figures/{name}.png", f":alt: {entry.alt}", "```", "", entry.alt, ""]
        for block in BLOCKS.get(name, ()):
            lines += [f"```{{include}} ../blocks/{block}.md", "```", ""]
        if name in EXPERIMENTS:
            lines += [f"The question: {EXPERIMENTS[name].question}", ""]
        lines += ["Draw it:", "", "```sh", provenance(name, committed())["figure"], "```", ""]
        for table in entry.tables:
            lines += _table(table)
        if not entry.tables:
            lines += ["It is computed when it is drawn, in seconds; no table is kept.", ""]
        pages[f"results/{name}.md"] = "\n".join(lines)
    listed = [[f"[{name}](made/results/{name}.md)", entry.alt] for name, entry in FIGURES.items()]
    index = markdown.render(Table(["figure", "what it shows"], listed)) + "\n"
    return pages | {"blocks/figure_index.md": index, "blocks/table_index.md": _tables()}


def _table(name: str) -> list[str]:
    """What is known of a table: its columns, and what its record says."""
    record = read_record(committed(), name)
    frame = pd.read_csv(committed() / f"{name}.csv", low_memory=False)
    lines = [
        f"## Table {name}",
        "",
        f"`figures/data/{name}.csv`: {len(frame):,} rows; columns "
        f"{', '.join(f'`{column}`' for column in frame.columns)}.",
        "",
    ]
    if record is None:
        return lines
    versions = ", ".join(f"{package} {version}" for package, version in record["versions"].items())
    rows = [
        ["command", f"`{record['command']}`"],
        ["cells", f"{record['cells']:,}"],
        ["seconds of one core", "not kept" if record["seconds"] is None else f"{record['seconds']:,.0f}"],
        ["versions", versions],
        ["SHA-256 of the table", f"`{record['sha256']}`"],
        ["SHA-256 of the cells' ids", f"`{record['cells_sha256']}`"],
    ]
    return [*lines, markdown.render(Table(["record", ""], rows)), ""]


def _tables() -> str:
    """Every committed table, also those that no figure shows."""
    used = {table: name for name, entry in FIGURES.items() for table in entry.tables}
    rows = []
    for path in sorted(committed().glob("*.csv")):
        record = read_record(committed(), path.stem)
        command = f"`{record['command']}`" if record else "-"
        shown = f"[{used[path.stem]}](made/results/{used[path.stem]}.md)" if path.stem in used else "-"
        rows.append([f"`{path.name}`", shown, command, f"{record['cells']:,}" if record else "-"])
    return markdown.render(Table(["table", "figure", "command", "cells"], rows)) + "\n"


def public() -> Iterator[tuple[str, str, Any]]:
    """The package, the name and the value of every public name; a name is listed where it stands first."""
    seen: set[str] = set()
    for package in PACKAGES:
        module = import_module(package)
        for name in getattr(module, "__all__", None) or _defined(module):
            value = getattr(module, name)
            where = "" if inspect.ismodule(value) else home(package, name, value)
            if where and where not in seen:
                seen.add(where)
                yield package, name, value


def _defined(module: ModuleType) -> list[str]:
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == module.__name__
    ]


def home(package: str, name: str, value: Any) -> str:
    """The full name of a public value: where it is defined."""
    if inspect.isclass(value) or inspect.isroutine(value):
        return f"{value.__module__}.{value.__qualname__}"
    for node in ast.parse(inspect.getsource(import_module(package))).body:
        if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
            base = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            return f"{'.'.join([*base, *([node.module] if node.module else [])])}.{name}"
    stub = Path(str(import_module(package).__file__)).with_suffix(".pyi")
    if stub.exists():
        for node in ast.parse(stub.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ImportFrom) and name in {alias.asname for alias in node.names}:
                return f"{package}.{node.module}.{name}"
    return f"{package}.{name}"


def interface() -> dict[str, str]:
    """A page for each public name, and what the page that lists them includes."""
    pages, listed = {}, []
    for package, purpose in PACKAGES.items():
        rows = []
        for of, name, value in public():
            if of != package:
                continue
            line = _first_line(value) or _line_below(home(package, name, value))
            rows.append([f"[`{name}`](made/api/{package}.{name}.rst)", line])
            pages[f"api/{package}.{name}.rst"] = _public_page(package, name, value)
        listed += [f"## {package}", "", purpose, "", markdown.render(Table(["name", "purpose"], rows)), ""]
    return pages | {"blocks/api_index.md": "\n".join(listed)}


def _public_page(package: str, name: str, value: Any) -> str:
    title, where = f"{package}.{name}", home(package, name, value)
    if inspect.isclass(value):
        directive, options = "autoclass", ["   :members:", "   :show-inheritance:"]
    else:
        directive, options = ("autofunction", []) if inspect.isroutine(value) else ("autodata", ["   :no-value:"])
    lines = [":orphan:", "", title, "=" * len(title), "", f"``from {package} import {name}``", ""]
    lines += [f".. currentmodule:: {where.rpartition('.')[0]}", "", f".. {directive}:: {where}", *options, ""]
    return "\n".join(lines)


def _first_line(value: Any) -> str:
    """The first line of a docstring as Markdown; nothing for a value that has no docstring of its own."""
    documented = inspect.ismodule(value) or inspect.isclass(value) or inspect.isroutine(value)
    return _markdown((inspect.getdoc(value) or "").partition("\n")[0]) if documented else ""


def _line_below(where: str) -> str:
    """The first line of the text below the assignment of a constant, as Markdown."""
    module, _, name = where.rpartition(".")
    body = ast.parse(inspect.getsource(import_module(module))).body
    for statement, below in pairwise(body):
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            match below:
                case ast.Expr(ast.Constant(str(told))):
                    return _markdown(inspect.cleandoc(told).partition("\n")[0])
    return ""


def _markdown(line: str) -> str:
    """A line of reStructuredText as Markdown."""
    line = re.sub(r":math:`(.*?)`", r"$\1$", line)
    return re.sub(r":\w+:`~?(.*?)`", r"`\1`", line).replace("``", "`").replace("|", r"\|")


def modules() -> dict[str, str]:
    """A page for each module of the package but its commands, and what the page that lists them includes."""
    pages, rows = {}, []
    stated = {theorem.module: name for name, theorem in THEOREMS.items()}
    for name in module_names():
        line = _first_line(import_module(name))
        if name in stated:
            rows.append([f"[`{name}`](made/theory/{stated[name]}.md)", f"The theorem: {line}"])
            continue
        rows.append([f"[`{name}`](made/modules/{name}.rst)", line])
        pages[f"modules/{name}.rst"] = "\n".join([":orphan:", "", name, "=" * len(name), "", *_module_body(name), ""])
    return pages | {"blocks/module_index.md": markdown.render(Table(["module", "purpose"], rows)) + "\n"}


def module_names() -> list[str]:
    """Every module of the package, in alphabetical order, but those that are commands."""
    found = ["lrtheory", *(each.name for each in walk_packages(lrtheory.__path__, "lrtheory."))]
    return [name for name in sorted(found) if not name.endswith("__main__")]


def _module_body(name: str) -> list[str]:
    """The directive that shows a module; what has a page of its own is linked and not shown again."""
    own = {home(*each): f"{each[0]}.{each[1]}" for each in public()}
    elsewhere = {where: page for where, page in own.items() if where.rpartition(".")[0] == name}
    lines = [f".. automodule:: {name}", "   :members:", "   :ignore-module-all:"]
    if elsewhere:
        lines += [f"   :exclude-members: {', '.join(where.rpartition('.')[2] for where in elsewhere)}", ""]
        links = ", ".join(f":py:obj:`{page} <{where}>`" for where, page in elsewhere.items())
        lines += [f"Public names that are defined here: {links}."]
    return lines


def commands() -> dict[str, str]:
    """What ``--help`` of every command prints, as what a page includes."""
    lines = []
    for command, parts in COMMANDS.items():
        main = _main_of(command)
        lines += [f"## {command}", ""]
        for part in parts:
            lines += [
                *([f"### {command} {' '.join(part)}", ""] if part else []),
                "```text",
                _help(main, part),
                "```",
                "",
            ]
    return {"blocks/commands.md": "\n".join(lines)}


def _main_of(command: str) -> Any:
    module = import_module(f"lrtheory.{command}")
    return getattr(module, "main", None) or import_module(f"lrtheory.{command}.__main__").main


def _help(main: Any, part: tuple[str, ...]) -> str:
    printed = io.StringIO()
    with (
        mock.patch.dict(os.environ, {"COLUMNS": "100"}),
        contextlib.redirect_stdout(printed),
        contextlib.suppress(SystemExit),
    ):
        main([*part, "--help"])
    return printed.getvalue().rstrip()


def lessons(folder: Path) -> list[Path]:
    """Copy the notebooks, the judge of their exercises and the tables that they read to where Sphinx executes them.

    The tables are copied and not linked: what builds a source distribution follows links, and takes each folder once.
    """
    folder.mkdir(parents=True)
    shutil.copytree(committed(), folder.parent / "figures" / "data")
    notebooks = ROOT / "notebooks"
    found = [*sorted(notebooks.glob("[0-9]*.ipynb")), notebooks / "exercise.py"]
    return [Path(shutil.copy(path, folder)) for path in found]
