"""Files of the package import only public names, no two of them import each other, directly or around, and all are short.

That the library never imports the laboratory is a contract in ``pyproject.toml``, which ``make lint`` checks.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import lrtheory

ROOT = Path(lrtheory.__file__).parent


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__")


FILES = {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(ROOT.rglob("*.py"))}

LATE = {
    ("lrtheory.schedules.schedule", "lrtheory.optim.scheduler"),
    ("lrtheory.schedules.schedule", "lrtheory.schedules.adapters"),
}
"""Methods of a schedule that hand it to another library, whose code is for any schedule: imported when they are called."""


LONGEST = 400
"""Lines of a file of Python."""


def imported(module: str, tree: ast.AST) -> Iterator[tuple[str, str]]:
    """The modules of the package that a file imports, anywhere in it, and the names that it takes from them."""
    for_types = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in for_types:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lrtheory":
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield (whole, "") if whole in FILES else (node.module or "", alias.name)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names if alias.name in FILES)


def test_no_two_files_import_each_other():
    graph = {
        module: {other for other, _ in imported(module, tree) if other != module and (module, other) not in LATE}
        for module, tree in FILES.items()
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as circle:
        pytest.fail(" -> ".join(circle.args[1]))


def test_late_imports_are_there():
    assert {(module, other) for module, _ in LATE for other, _ in imported(module, FILES[module])} >= LATE


def test_nothing_imports_a_command():
    found = [
        (module, other)
        for module, tree in FILES.items()
        for other, _ in imported(module, tree)
        if other.endswith("__main__")
    ]
    assert found == []


def test_no_private_name_crosses_a_file():
    """Neither imported by name nor reached through a module of the package."""
    found = []
    for module, tree in FILES.items():
        found += [(module, other, name) for other, name in imported(module, tree) if private(name)]
        modules = {
            alias.asname or alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lrtheory")
            for alias in node.names
            if f"{node.module}.{alias.name}" in FILES
        }
        found += [
            (module, node.value.id, node.attr)
            for node in ast.walk(tree)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
            if node.value.id in modules and private(node.attr)
        ]
    assert found == []


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_every_file_answers_one_question():
    """A longer one answers several and is cut along them; a fast kernel is one loop for each case, and may be longer."""
    files = [path for folder in (ROOT, Path(__file__).parent) for path in folder.rglob("*.py")]
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    assert {path for path, length in lengths.items() if length > LONGEST and not path.endswith("_kernels.py")} == set()
