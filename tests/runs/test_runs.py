"""Cells, store, execution: nothing lost, nothing trusted that does not check."""

import dataclasses
import json
import subprocess
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.runs import Cell, Store, cell_id, execute
from lrtheory.runs.tables import shown_table, write_csv
from lrtheory.statistics import fit_slope


@dataclass(frozen=True)
class Square(Cell):
    of: int
    name: str = "x"
    scale: float = 0.1

    def compute(self):
        return {"is": self.of**2, "third": self.of / 3}


@given(of=st.integers(), name=st.text(), scale=st.floats(allow_nan=False, allow_infinity=False))
@settings(deadline=None)
def test_an_id_is_a_function_of_the_values(of, name, scale):
    cell = Square(of, name, scale)
    assert cell_id(cell) == cell_id(dataclasses.replace(cell))
    assert cell_id(cell) != cell_id(dataclasses.replace(cell, of=of + 1))


def test_an_id_is_the_same_in_another_process():
    code = "from tests.runs.test_runs import *; print(cell_id(Square(7)))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == cell_id(Square(7))


def test_only_frozen_finite_cells_have_an_id():
    with pytest.raises(TypeError, match="frozen dataclass"):
        cell_id({"of": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        cell_id(Square(1, scale=float("nan")))


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_results_do_not_depend_on_workers_or_order(tmp_path, workers):
    cells = [Square(k % 5) for k in range(20)]
    assert execute(cells, Store(tmp_path), workers=workers) == [cell.compute() for cell in cells]
    again = Store(tmp_path / "reversed")
    assert execute(cells[::-1], again, workers=workers) == [cell.compute() for cell in cells[::-1]]
    assert {path.name for path in tmp_path.glob("*.json")} == {path.name for path in again.folder.iterdir()}


def test_finished_cells_are_not_computed_again(tmp_path):
    calls = []

    @dataclass(frozen=True)
    class Counted(Square):
        def compute(self):
            calls.append(self)
            return super().compute()

    store = Store(tmp_path)
    execute([Counted(1), Counted(2)], store)
    assert [found["is"] for found in execute([Counted(2), Counted(3), Counted(1)], store)] == [4, 9, 1]
    assert calls.count(Counted(1)) == calls.count(Counted(2)) == calls.count(Counted(3)) == 1


@pytest.mark.parametrize("failure", [ZeroDivisionError, KeyboardInterrupt])
def test_a_failure_keeps_what_is_finished(tmp_path, failure):
    fails = True

    @dataclass(frozen=True)
    class Failing(Square):
        def compute(self):
            if self.of == 3 and fails:
                raise failure
            return super().compute()

    cells = [Failing(k) for k in range(6)]
    with pytest.raises(failure):
        execute(cells, Store(tmp_path), workers=1)
    assert Store(tmp_path).load(Failing(2)) == Failing(2).compute()
    assert Store(tmp_path).load(Failing(3)) is None
    fails = False
    assert execute(cells, Store(tmp_path)) == [cell.compute() for cell in cells]


def truncated(text):
    return text[: len(text) // 2]


def changed(text):
    return text.replace('"is": 49', '"is": 50')


def of_another_cell(text):
    return text.replace('"of": 7', '"of": 8')


@pytest.mark.parametrize("damage", [truncated, changed, of_another_cell, lambda text: "", lambda text: "[]"])
def test_damage_is_reported_set_aside_and_computed_again(tmp_path, capsys, damage):
    store = Store(tmp_path)
    execute([Square(7)], store)
    path = store.path(Square(7))
    damaged = damage(path.read_text())
    path.write_text(damaged)
    assert execute([Square(7)], store) == [Square(7).compute()]
    assert "computed again" in capsys.readouterr().err
    (aside,) = tmp_path.glob("*.damaged-1")
    assert aside.read_text() == damaged


def test_a_foreign_cell_under_our_name_is_not_trusted(tmp_path, capsys):
    store = Store(tmp_path)
    execute([Square(7), Square(8)], store)
    store.path(Square(7)).write_bytes(store.path(Square(8)).read_bytes())
    assert store.load(Square(7)) is None
    assert "holds another cell" in capsys.readouterr().err


def test_folders_merge_by_copying(tmp_path):
    one, two = Store(tmp_path / "one"), Store(tmp_path / "two")
    execute([Square(1)], one)
    execute([Square(2)], two)
    for path in two.folder.iterdir():
        (one.folder / path.name).write_bytes(path.read_bytes())
    assert one.load(Square(2)) == Square(2).compute()


def test_two_writers_on_one_folder(tmp_path):
    cells = [Square(k) for k in range(30)]
    writers = [threading.Thread(target=execute, args=(cells, Store(tmp_path))) for _ in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json"] * 30
    record = json.loads(Store(tmp_path).path(Square(4)).read_text())
    assert record["result"]["is"] == 16
    assert "numpy" in record["versions"]


def test_workers_are_at_least_one(tmp_path):
    with pytest.raises(ValueError, match="workers must be at least 1"):
        execute([Square(1)], Store(tmp_path), workers=0)


@given(slope=st.floats(-3, 3), level=st.floats(0.1, 10))
@settings(deadline=None)
def test_a_power_is_fitted_exactly(slope, level):
    x = np.geomspace(16, 256, 5)
    fitted = fit_slope(x, level * x**slope)
    assert fitted.value == pytest.approx(slope, abs=1e-12)
    assert fitted.low <= fitted.value <= fitted.high


def test_intervals_cover_at_their_rate():
    """Of 2000 noisy powers, the 95 % intervals miss the true slope about 100 times."""
    generator = np.random.default_rng(0)
    x = np.geomspace(16, 256, 5)
    misses = 0
    for _ in range(2000):
        fitted = fit_slope(x, x**0.3 * np.exp(0.05 * generator.standard_normal(5)))
        misses += not fitted.low <= 0.3 <= fitted.high
    assert 60 < misses < 140  # 100 plus or minus four standard deviations of a binomial


def test_known_errors_bound_the_interval_from_below():
    x = np.geomspace(16, 256, 5)
    assert fit_slope(x, x, 0.1 * x).high > fit_slope(x, x).high + 0.05


def test_bad_slopes():
    for x, y in (([1, 2], [1, 2]), ([1, 2, 3], [1, 2, 0]), ([0, 1, 2], [1, 2, 3])):
        with pytest.raises(ValueError, match="at least three points, all positive"):
            fit_slope(x, y)


WORDS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=12)


@given(
    rows=st.integers(0, 4).flatmap(
        lambda columns: st.lists(st.lists(WORDS, min_size=columns + 1, max_size=columns + 1), min_size=1, max_size=5)
    ),
    width=st.integers(10, 60),
)
def test_tables_are_cut_between_columns_and_nowhere_else(rows, width):
    table = pd.DataFrame(rows[1:], columns=[f"c{place}" for place in range(len(rows[0]))], dtype=str)
    shown = shown_table(table, width)
    groups = [group.splitlines() for group in shown.split("\n\n")]
    assert all(len(group) == len(table) + 2 for group in groups)
    found = {name for group in groups for name in group[0].split()}
    assert found - {"row"} == set(table.columns)
    for name in table.columns:
        group = next(group for group in groups if name in group[0].split())
        place = group[0].split().index(name)
        assert [line.split()[place] for line in group[2:]] == list(table[name])
    for group in groups:  # a line is too long only where its leading columns and one more need so much
        longest = max(map(len, group))
        assert longest <= width or len(group[0].split()) <= 2 or longest <= width / 2 + 14
    assert shown_table(table) == shown_table(table, 10**6)  # no limit where the output is no terminal


def test_tables_read_back_exactly(tmp_path):
    table = pd.DataFrame({"schedule": ["Cosine()"], "loss": [0.1 + 0.2]})
    write_csv(table, tmp_path / "table.csv")
    assert pd.read_csv(tmp_path / "table.csv")["loss"][0] == 0.1 + 0.2
    assert shown_table(table).splitlines()[0] == "schedule  " + "loss".rjust(len(str(0.1 + 0.2)))
