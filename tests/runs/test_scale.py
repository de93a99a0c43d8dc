"""The cost model is a bound, the simulation keeps it, and what is measured has the shape that the figure draws."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.figures import scale as figure
from lrtheory.runs import scale

pytestmark = pytest.mark.filterwarnings("default")  # those of Dask differ with its version

CONSTANTS = {"per_task": 0.002, "per_cell": 0.0005}


@given(
    cells=st.integers(1, 5_000), cost=st.floats(1e-4, 10), threads=st.integers(1, 300), per_task=st.floats(0, 0.01),
    per_cell=st.floats(0, 0.01),
)  # fmt: skip
@settings(deadline=None, max_examples=50)
def test_no_simulated_run_is_faster_than_the_model_allows(cells, cost, threads, per_task, per_cell):
    constants = {"per_task": per_task, "per_cell": per_cell}
    seconds = scale.simulated(cells, cost, threads, **constants)
    # The bound has tasks of their full size, the run has smaller ones at its end: both only make it slower.
    assert seconds >= scale.bound(cells, cost, threads, **constants) * (1 - 1e-9) - per_task
    assert seconds <= (cells * (cost + per_cell + per_task) + per_task) * (1 + 1e-9)  # rounding


def test_threads_are_kept_busy_until_the_store_or_the_scheduler_is():
    for cost, threads in ((0.01, 16), (0.1, 128), (1.0, 256)):
        assert scale.simulated(100_000, cost, threads, **CONSTANTS) < 1.1 * 100_000 * cost / threads
    saturated = scale.simulated(100_000, 0.001, 64, **CONSTANTS)
    assert saturated == pytest.approx(100_000 * CONSTANTS["per_cell"], rel=0.05)  # a task's worth at either end


def test_a_small_measurement_is_a_table_that_draws(tmp_path, monkeypatch):
    pytest.importorskip("distributed", reason="the cluster needs Dask")
    for name, value in {
        "STORED": (10, 30), "WAITS": (0.01,), "WORKERS": (2,), "SECONDS": 0.1, "TASKS": 20, "PROJECTED": 1_000,
        "PROJECTED_THREADS": (1, 4),
    }.items():  # fmt: skip
        monkeypatch.setattr(scale, name, value)
    assert scale.main(["--out", str(tmp_path)]) == 0
    frame = pd.read_csv(tmp_path / "scale.csv")
    assert frame.groupby("part").size().to_dict() == {
        "bound": 8, "constant": 2, "measured": 1, "simulated": 8, "store": 8,
    }  # fmt: skip
    assert (frame["seconds"] >= 0).all()
    pd.testing.assert_frame_equal(figure.data(tmp_path), frame)
    assert len(figure.draw(frame).axes) == 2
    (tmp_path / "taken").write_text("")
    assert scale.main(["--out", str(tmp_path / "taken")]) == 2


def test_a_hundred_thousand_cells_are_listed_checked_and_tabulated_in_seconds(tmp_path):
    """Here 1,000; the time of each is linear, and ``scale.csv`` has 100,000. Not a timing: each file is read once."""
    store = scale.Store(tmp_path)
    opened = []
    scale._store(store, 1_000)
    real = scale.Store.record

    def counted(self, name):
        opened.append(name)
        return real(self, name)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scale.Store, "record", counted)
        assert scale.listed(store)[0]["cells"].sum() == len(scale.table(store)) == 1_000
    assert len(opened) == 2_000
