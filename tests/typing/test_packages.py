"""What each package of the library shows is what its stub lists, whatever was imported before, and it explains itself."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ["lrtheory", *(f"lrtheory.{name}" for name in ("theory", "simulation", "schedules", "optim", "forecast"))]
RECORDS = {
    "Certificate", "Erratum", "Evidence", "GridPlan", "Law", "MinimaxRate", "ModifiedEquation", "PenaltyTerm",
    "PublishedBound", "SchedulePenalty", "Witness", "WorstFunction",
}  # fmt: skip
"""What functions return: the examples are theirs."""


def listed(package):
    """The names of a stub, and which of them are modules."""
    tree = ast.parse(Path(str(package.__file__)).with_suffix(".pyi").read_text())
    names = {
        alias.name: node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return names


@pytest.mark.parametrize("name", PACKAGES)
def test_a_package_shows_what_its_stub_lists_and_nothing_else(name):
    if name == "lrtheory.optim":
        pytest.importorskip("torch")
    package = importlib.import_module(name)
    shown = [each for each in dir(package) if not each.startswith("_")]
    stubbed = Path(str(package.__file__)).with_suffix(".pyi").exists()
    assert set(shown) == (set(listed(package)) if stubbed else set(package.__all__))
    assert all(hasattr(package, each) for each in shown)


@pytest.mark.parametrize("name", PACKAGES[:4])
def test_every_name_is_documented_by_an_example(name):
    package = importlib.import_module(name)
    for each in dir(package):
        value = getattr(package, each)
        if inspect.ismodule(value) or inspect.isfunction(value) or inspect.isclass(value):
            documented = inspect.getdoc(value) or ""
            assert documented.split(), f"{name}.{each}"
            assert ">>>" in documented or each in RECORDS, f"{name}.{each}"


@pytest.mark.parametrize("name", ["lrtheory.theory", "lrtheory.simulation", "lrtheory.schedules"])
def test_no_name_is_a_module_if_its_file_was_imported_first(name):
    """The import of a file binds it in its package, so no file may have the name of what the package offers."""
    package = importlib.import_module(name)
    files = {each.name for each in pkgutil.iter_modules(package.__path__)}
    assert files & {each for each, module in listed(package).items() if module is not None} == set()


def test_packages_are_light():
    """Neither the packages nor their lists load what few users need."""
    packages = "lrtheory.theory, lrtheory.simulation, lrtheory.schedules"
    heavy = "{'sympy', 'torch', 'matplotlib', 'pandas', 'scipy'}"
    code = f"import sys, {packages}; print(sorted({heavy} & {{*sys.modules}}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
