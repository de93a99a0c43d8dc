"""What is stored of a cell is a function of its configuration: not of what was computed before it, nor of the process."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from lrtheory import WSD, Cosine, Polynomial
from lrtheory.runs import Store
from lrtheory.runs.record import Record
from lrtheory.sweeps import EXPERIMENTS, Rho

SMALL = {
    "rho": {"schedules": (Cosine(), WSD(0.2)), "rhos": (1.0, 16.0, 64.0), "horizon": 100, "replicas": 20},
    "degree": {"degrees": (0.5, 2.0), "rhos": (16.0, 32.0, 64.0), "horizon": 100, "replicas": 20},
    "grid": {"schedules": (Polynomial(1),), "horizon": 100, "replicas": 20},
    "horizon": {"schedules": (Cosine(),), "horizons": (50, 100, 200), "replicas": 20},
}


def compute_all(folder, names):
    for name in names:
        replace(EXPERIMENTS[name].load().quick(), **SMALL[name]).table(Store(folder / name), 1)


def results(store):
    found = {name: record.result for name, record in store.records() if isinstance(record, Record)}
    assert found
    return found


def test_a_stored_cell_is_a_function_of_its_configuration(tmp_path):
    """All cells here after one another, and in a fresh process in another order, with another seed of hashes."""
    compute_all(tmp_path / "here", SMALL)
    code = (
        "import sys; from pathlib import Path; from tests.sweeps.test_functions_of_cells import *;"
        "compute_all(Path(sys.argv[1]), reversed(SMALL))"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path / "there")]
    subprocess.run(arguments, check=True, env=os.environ | {"PYTHONHASHSEED": "7"}, timeout=300)
    for name in SMALL:
        assert results(Store(tmp_path / "here" / name)) == results(Store(tmp_path / "there" / name)), name


def test_a_cell_leaves_no_trace_in_the_next(tmp_path):
    """Each cell of a sweep alone, in the reverse of their order, against all of them together."""
    experiment = Rho(**SMALL["rho"])
    experiment.table(Store(tmp_path), 1)
    together = results(Store(tmp_path))
    for cell in reversed(experiment.cells()):
        assert cell.compute() == together[Store(tmp_path).path(cell).name]


def test_without_a_place_for_a_cache_kernels_are_compiled_all_the_same(monkeypatch):
    from lrtheory.compilation import cacheable

    monkeypatch.setattr("numba.core.caching.CacheImpl._locator_classes", [])
    assert not cacheable()


def test_without_a_home_the_cache_is_where_one_says(tmp_path, monkeypatch):
    from pathlib import Path

    from lrtheory.tasks.data import DataError, cache_folder

    def nobody():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobody)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("LRTHEORY_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("LRTHEORY_CACHE")
    with pytest.raises(DataError, match="set LRTHEORY_CACHE"):
        cache_folder()
