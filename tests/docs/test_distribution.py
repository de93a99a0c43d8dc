"""What is distributed: complete, described, and of use outside of a checkout."""

import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from lrtheory.__main__ import COMMANDS
from tests.docs.blocks import ROOT, blocks


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A source distribution of this checkout, and the wheel that is made from it."""
    for package in ("build", "hatchling", "twine"):
        pytest.importorskip(package, reason=f"building the distribution needs {package}, of the extra dev")
    out = tmp_path_factory.mktemp("distribution")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=out)
    assert done.returncode == 0, done.stdout + done.stderr
    (source,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return source, wheel


@pytest.fixture(scope="module")
def unpacked(built, tmp_path_factory):
    """The wheel's files, alone in a folder."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(built[1]) as wheel:
        wheel.extractall(folder)
    return folder


def alone(unpacked, where, *arguments, text=None):
    """What a process says that has the unpacked wheel and no checkout, in a folder of its own."""
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "LRTHEORY_DATA")}
    environment |= {"PYTHONPATH": str(unpacked), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=where,
        env=environment,
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_index_would_take_them(built):
    done = subprocess.run(
        [sys.executable, "-m", "twine", "check", "--strict", *map(str, built)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


def test_the_wheel_has_every_module_and_what_they_read(built):
    with zipfile.ZipFile(built[1]) as wheel:
        names = set(wheel.namelist())
    for path in (ROOT / "lrtheory").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert str(path.relative_to(ROOT)) in names
    for path in (ROOT / "figures" / "data").iterdir():
        assert f"lrtheory/figures/data/{path.name}" in names
    assert "lrtheory/explore.html" in names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"lrtheory"}


def test_the_source_has_what_the_tests_and_the_site_need(built):
    with tarfile.open(built[0]) as source:
        names = {name.partition("/")[2] for name in source.getnames()}
    needed = ["README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "Makefile", "constraints.txt"]
    for folder in ("docs", "figures", "lrtheory", "notebooks", "tests"):
        for path in (ROOT / folder).rglob("*"):
            hidden = any(part.startswith(".") for part in path.relative_to(ROOT).parts)
            if path.is_file() and not hidden and "made" not in path.parts and "__pycache__" not in path.parts:
                needed.append(str(path.relative_to(ROOT)))
    assert set(needed) - names == set()
    assert not [name for name in names if "docs/made" in name]


def test_the_wheel_serves_outside_of_a_checkout(unpacked, tmp_path):
    found = alone(unpacked, tmp_path, "-c", "import lrtheory; print(lrtheory.__file__)")
    assert Path(found.strip()).is_relative_to(unpacked)
    page = Path(alone(unpacked, tmp_path, "-m", "lrtheory.explore", "--path").strip())
    assert page.read_bytes() == (ROOT / "docs" / "explore" / "index.html").read_bytes()
    alone(unpacked, tmp_path, "-m", "lrtheory.figures", "rho", "--out", "drawn")
    assert (tmp_path / "drawn" / "rho.png").stat().st_size > 10_000
    assert all(command in alone(unpacked, tmp_path, "-m", "lrtheory", "--help") for command in COMMANDS)


def test_the_readmes_python_runs_from_the_wheel(unpacked, tmp_path):
    code = "\n".join(block.code for block in blocks(ROOT / "README.md") if block.language == "python")
    assert len(alone(unpacked, tmp_path, "-", text=code).splitlines()) == 3
