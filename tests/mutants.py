"""Change one thing at a time in a module and run the tests that should notice.

    python -m tests.mutants MODULE [--count N]

A mutant swaps an operator, a comparison or ``min`` and ``max``, or changes a number, in code that computes: not in
proofs, records, messages or annotations. It is killed when a test fails or runs out of time. The tests are run on a
copy of the repository; what survives is printed, with its line, for a reader to judge: a test is missing, or the change
changes nothing.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SKIPPED = {"proof", "witness", "derivation"}
SWAPS: dict[type, type] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Lt: ast.LtE, ast.LtE: ast.Lt,
    ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip
NAMES = {"min": "max", "max": "min", "maximum": "minimum", "minimum": "maximum"}


def places(tree: ast.AST) -> Iterator[ast.AST]:
    """The nodes of code that computes."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef) and node.name in SKIPPED:
            continue
        if isinstance(node, (ast.Raise, ast.Import, ast.ImportFrom, ast.JoinedStr)):
            continue
        if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "THEOREM" for target in node.targets):
            continue
        yield node
        if isinstance(node, ast.FunctionDef):
            for part in node.body:
                yield part
                yield from places(part)
        elif isinstance(node, ast.AnnAssign):
            if node.value is not None:
                yield node.value
                yield from places(node.value)
        else:
            yield from places(node)


def changed(node: ast.AST) -> str | None:
    """Change a node in place; what was done, or None where there is nothing to change."""
    if isinstance(node, (ast.BinOp, ast.BoolOp)) and type(node.op) in SWAPS:
        before = type(node.op)
        node.op = SWAPS[before]()
        return f"{before.__name__} to {type(node.op).__name__}"
    if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
        before = type(node.ops[0])
        node.ops[0] = SWAPS[before]()
        return f"{before.__name__} to {type(node.ops[0]).__name__}"
    if isinstance(node, ast.Constant) and type(node.value) in (int, float):
        before = node.value
        node.value = before + 1 if isinstance(before, int) else before * 1.5 or 0.5
        return f"{before!r} to {node.value!r}"
    if isinstance(node, ast.Name) and node.id in NAMES:
        before, node.id = node.id, NAMES[node.id]
        return f"{before} to {node.id}"
    if isinstance(node, ast.Attribute) and node.attr in NAMES:
        before, node.attr = node.attr, NAMES[node.attr]
        return f"{before} to {node.attr}"
    return None


def mutants(source: str) -> Iterator[tuple[int, str, str]]:
    """Every mutant of a module: its line, what was done, and its source."""
    count = sum(1 for _ in places(ast.parse(source)))
    for number in range(count):
        tree = ast.parse(source)
        node = next(node for place, node in enumerate(places(tree)) if place == number)
        done = changed(node)
        if done is not None:
            yield getattr(node, "lineno", 0), done, ast.unparse(tree)


def tests_of(module: Path) -> list[list[str]]:
    """The tests that should notice, cheapest first: the module's own, those that import it, then its folder's."""
    name, folder = module.stem, ROOT / "tests" / module.parent.name
    direct = [path for path in sorted(folder.glob("test_*.py")) if f"{name} import" in path.read_text()]
    near = [str(path.relative_to(ROOT)) for path in direct if path.name != "test_certificates.py"]
    return [["--doctest-modules", str(module)], near, [str(folder.relative_to(ROOT))]]


def survives(copy: Path, tests: list[list[str]], limit: float) -> bool:
    """Whether the copy passes all tests."""
    environment = os.environ | {"PYTHONPATH": str(copy), "CI": "true", "NUMBA_CACHE_DIR": str(copy / ".numba")}
    for chosen in tests:
        if chosen:
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-x",
                "-p",
                "no:randomly",
                "-p",
                "no:cacheprovider",
                *chosen,
            ]
            try:
                done = subprocess.run(
                    command, cwd=copy, env=environment, capture_output=True, timeout=limit, check=False
                )
            except subprocess.TimeoutExpired:
                return False
            if done.returncode not in (0, 5):
                return False
    return True


def main() -> int:
    """Print what survives; the number of survivors is the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Mutation tests of one module.")
    parser.add_argument("module", type=Path, help="The module, as lrtheory/theory/one_step.py.")
    parser.add_argument("--count", type=int, default=5, help="How many of its mutants, drawn at random. Default: 5.")
    parser.add_argument("--seed", type=int, default=0, help="Of the draw. Default: 0.")
    parser.add_argument("--limit", type=float, default=300, help="Seconds for each of the runs of tests. Default: 300.")
    parser.add_argument("--near", action="store_true", help="Leave the other tests of the folder out.")
    options = parser.parse_args()
    source = (ROOT / options.module).read_text()
    found = list(mutants(source))
    drawn = sorted(random.Random(options.seed).sample(found, min(options.count, len(found))))
    tests, left = tests_of(options.module)[: 2 if options.near else 3], 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".git", "__pycache__", "*.pdf", "results"))
        for line, done, mutated in drawn:
            (copy / options.module).write_text(mutated)
            alive = survives(copy, tests, options.limit)
            left += alive
            print(f"{options.module}:{line}: {done}: {'SURVIVED' if alive else 'killed'}", flush=True)
    print(f"{options.module}: {len(drawn)} of {len(found)} mutants, {left} survived.")
    return left


if __name__ == "__main__":
    sys.exit(main())
