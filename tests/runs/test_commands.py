"""``lrtheory runs``: what it lists, checks, merges and exports, and how fast with many cells."""

import json
import os

import pandas as pd
import pytest

from lrtheory.__main__ import main as lrtheory
from lrtheory.runs import Store, execute
from lrtheory.runs.__main__ import main
from lrtheory.runs.folders import listed, merge, table
from tests.runs.cells import Square, Waiting


@pytest.fixture
def stored(tmp_path):
    store = Store(tmp_path / "results" / "cells")
    execute([Square(k, f"number {k}") for k in range(5)], store)
    execute([Waiting(k, 0.0) for k in range(2)], store)
    return store


def test_ls_counts_by_kind(stored, capsys):
    assert main(["ls", str(stored.folder.parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines[2:]] == [["Square", "5"], ["Waiting", "2"]]
    assert main(["ls", str(stored.folder), "--json"]) == 0
    assert [row["cells"] for row in json.loads(capsys.readouterr().out)] == [5, 2]


def test_what_else_lies_there_is_said_and_does_no_harm(stored, capsys):
    (stored.folder / ".abc-interrupted.json").write_text("{")
    (stored.folder / "notes.txt").write_text("mine")
    assert main(["verify", str(stored.folder)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "1 left by interrupted writes (delete them when nothing runs): .abc-interrupted.json",
        "1 not of this program: notes.txt",
        "7 cells are whole, 0 files damaged.",
    ]


def test_verify_names_what_is_damaged(stored, capsys):
    path, moved = stored.path(Square(2, "number 2")), stored.folder / f"{'0' * 64}.json"
    path.rename(moved)
    (stored.folder / "foreign.json").write_text("{}")
    assert main(["verify", str(stored.folder)]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"{moved.name} holds another cell",
        "foreign.json is not a result of this program, or was cut short",
    ]


def test_merge_copies_what_is_missing_or_damaged_and_leaves_the_rest(stored, tmp_path, capsys):
    other = Store(tmp_path / "other")
    execute([Square(k, f"number {k}") for k in range(3, 9)], other)
    other.path(Square(8, "number 8")).write_text("damaged")
    stored.path(Square(3, "number 3")).write_text("damaged")
    kept = stored.path(Square(4, "number 4")).read_bytes()
    assert main(["merge", str(stored.folder), str(other.folder)]) == 1
    captured = capsys.readouterr()
    assert f"{other.path(Square(8, 'number 8')).name} is not a result" in captured.out
    assert "4 cells copied" in captured.err  # 3, 5, 6 and 7
    assert {stored.load(Square(k, f"number {k}"))["is"] for k in range(8)} == {k**2 for k in range(8)}
    assert stored.path(Square(4, "number 4")).read_bytes() == kept
    assert main(["merge", str(tmp_path / "new"), str(stored.folder)]) == 0
    assert listed(Store(tmp_path / "new" / "cells"))[0]["cells"].sum() == 10
    assert merge(Store(tmp_path / "new" / "cells"), stored) == (0, {})


def test_export_is_a_row_a_cell(stored, tmp_path, capsys):
    assert main(["export", str(stored.folder), str(tmp_path / "cells.csv"), "--kind", "Square"]) == 0
    frame = pd.read_csv(tmp_path / "cells.csv")
    assert set(frame.columns) >= {
        "id",
        "kind",
        "schema",
        "config.of",
        "config.name",
        "result.is",
        "seconds",
        "versions",
    }
    assert dict(zip(frame["config.of"], frame["result.third"])) == {k: k / 3 for k in range(5)}
    assert list(frame["id"]) == sorted(frame["id"])
    assert len(table(stored)) == 7


def test_parquet_holds_the_same_table(stored, tmp_path):
    pytest.importorskip("pyarrow", reason="Parquet needs pyarrow")
    assert main(["export", str(stored.folder), str(tmp_path / "cells.parquet")]) == 0
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "cells.parquet"), table(stored), check_dtype=False)


def test_without_pyarrow_parquet_is_one_sentence(stored, tmp_path, capsys, monkeypatch):
    def missing(*_, **__):
        raise ImportError

    monkeypatch.setattr(pd.DataFrame, "to_parquet", missing)
    assert main(["export", str(stored.folder), str(tmp_path / "cells.parquet")]) == 1
    assert "Parquet needs pyarrow: pip install 'lrtheory[parquet]'" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["results"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["ls", "nowhere"], "nowhere is no folder"),
        (["merge", "new", "nowhere"], "nowhere is no folder"),
        (["export", ".", "cells.xlsx"], "FILE must end in .csv or .parquet, not 'cells.xlsx'"),
        (["export", ".", "cells.csv"], "holds no cell"),
        (["export", ".", "cells.csv", "--kind", "Run"], "holds no cell of kind 'Run'"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert sentence in captured.err
    assert list(tmp_path.iterdir()) == []


def test_the_console_command_has_it(stored, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["lrtheory", "runs", "ls", str(stored.folder)])
    assert lrtheory() == 0
    assert "Square" in capsys.readouterr().out
