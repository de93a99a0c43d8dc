"""Files that are damaged, foreign, unreadable or of another version; folders that are full or read-only; clocks that jump."""

import ctypes
import errno
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lrtheory.runs.store
from lrtheory.runs import Store, execute
from lrtheory.runs.__main__ import main as runs
from lrtheory.runs.cell import canonical, describe
from lrtheory.runs.record import DamagedError, NewerError, decode, encode
from lrtheory.runs.store import StoreError, read, versions
from lrtheory.sweep import main as sweep
from tests.runs.cells import Square

SMALL = ["rho", "--schedules", "Cosine", "--horizon", "200", "--replicas", "20", "--workers", "1"]
RECORD = encode(Square(7, "seven", 0.1), Square(7).compute(), seconds=1.5, versions={"lrtheory": "0.1.0", "numpy": "2"})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The table of a sweep that nothing went wrong in."""
    folder = tmp_path_factory.mktemp("whole")
    assert sweep([*SMALL, "--out", str(folder)]) == 0
    return (folder / "rho.csv").read_bytes()


def test_a_record_says_what_was_written():
    record = decode(RECORD)
    assert (record.kind, record.config, record.result) == ("Square", vars(Square(7, "seven", 0.1)), Square(7).compute())
    assert (record.seconds, record.versions) == (1.5, {"lrtheory": "0.1.0", "numpy": "2"})


@pytest.mark.parametrize("bit", range(8))
def test_no_flipped_bit_goes_unnoticed(bit):
    for place in range(len(RECORD)):
        flipped = bytearray(RECORD)
        flipped[place] ^= 1 << bit
        with pytest.raises(DamagedError):
            decode(bytes(flipped))


def test_no_truncation_goes_unnoticed():
    for length in range(len(RECORD)):
        with pytest.raises(DamagedError):
            decode(RECORD[:length])
    with pytest.raises(DamagedError):
        decode(RECORD + RECORD)


@given(text=st.binary(max_size=200) | st.recursive(st.none() | st.text(), st.lists).map(json.dumps).map(str.encode))
@settings(deadline=None, max_examples=100)
def test_a_foreign_file_is_never_a_result(text):
    with pytest.raises(DamagedError):
        decode(text)


def of_format_1(cell, result):
    """A file as the first version wrote it."""
    body = {**describe(cell), "result": result}
    checksum = hashlib.sha256(canonical(body)).hexdigest()
    return json.dumps({**body, "checksum": checksum, "seconds": 0.5, "versions": {"lrtheory": "0.1.0"}}, indent=1)


def test_files_of_the_first_format_are_read(tmp_path):
    store = Store(tmp_path)
    store.path(Square(7)).write_text(of_format_1(Square(7), Square(7).compute()))
    assert store.load(Square(7)) == Square(7).compute()
    assert runs(["verify", str(tmp_path)]) == 0
    store.path(Square(7)).write_text(of_format_1(Square(7), {"is": 50}).replace("50", "49"))
    assert store.load(Square(7)) is None


@pytest.mark.parametrize("field", ["format", "schema"])
def test_files_of_a_later_version_are_refused_and_left_alone(tmp_path, capsys, monkeypatch, field):
    store, text = Store(tmp_path), RECORD
    covered = json.loads(text)
    covered.pop("checksum")
    covered[field] = 99
    start = json.dumps(covered)[:-1]
    store.path(Square(7, "seven")).write_text(f'{start}, "checksum": "{hashlib.sha256(start.encode()).hexdigest()}"}}')
    with pytest.raises(NewerError, match=f"written by a later lrtheory .*{field} 99"):
        decode(store.path(Square(7, "seven")).read_bytes())
    with pytest.raises(StoreError, match=r"later lrtheory .*: update lrtheory, or use another folder"):
        store.load(Square(7, "seven"))
    assert [path.suffix for path in tmp_path.iterdir()] == [".json"]
    assert runs(["verify", str(tmp_path)]) == 1
    assert "later lrtheory" in capsys.readouterr().out


def test_every_damaged_file_of_a_sweep_is_named_and_computed_again(tmp_path, whole, capsys):
    assert sweep([*SMALL, "--out", str(tmp_path)]) == 0
    files = sorted((tmp_path / "cells").glob("*.json"))
    for number, path in enumerate(files):
        text = path.read_bytes()
        place = number * len(text) // len(files)
        path.write_bytes(text[:place] if number % 2 else text[:place] + bytes([text[place] ^ 4]) + text[place + 1 :])
    capsys.readouterr()
    assert runs(["verify", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert [line.split()[0] for line in out.splitlines()] == [path.name for path in files]
    assert f"0 cells are whole, {len(files)} files damaged." in err
    assert sweep([*SMALL, "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().err.count("is computed again") == len(files)
    assert (tmp_path / "rho.csv").read_bytes() == whole
    assert runs(["verify", str(tmp_path)]) == 0
    assert f"{len(files)} set aside as damaged before" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_is_reported_and_computed_again(tmp_path, capsys, monkeypatch):
    store = Store(tmp_path)
    execute([Square(7), Square(8)], store)
    store.path(Square(7)).unlink()
    store.path(Square(7)).mkdir()  # not even a file
    assert execute([Square(7), Square(8)], store) == [Square(7).compute(), Square(8).compute()]
    assert "cannot be read (is a directory); it is kept as" in capsys.readouterr().err

    def refused(path, *_):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("lrtheory.runs.store.read_regular", refused)
    assert store.load(Square(8)) is None
    assert "cannot be read (permission denied)" in capsys.readouterr().err


def full(*_, **__):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("where", ["write", "fsync", "replace", "open"])
def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path, whole, capsys, monkeypatch, where):
    """Whichever call is the first to find no space, after some cells."""
    owner, name = {"write": (Path, "write_bytes"), "fsync": (os, "fsync"), "replace": (os, "replace")}.get(
        where, (os, "open")
    )
    real, calls = getattr(owner, name), 0

    def fills_up(*arguments, **options):
        nonlocal calls
        calls += where != "open" or bool(arguments[1] & os.O_EXCL)
        return real(*arguments, **options) if calls <= 5 else full()

    monkeypatch.setattr(owner, name, fills_up)
    assert sweep([*SMALL, "--out", str(tmp_path / "out")]) == 1
    monkeypatch.undo()
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "lrtheory sweep rho: the folder of results: no space left on device.\n"
    kept = list((tmp_path / "out" / "cells").iterdir())
    assert len(kept) == 5
    assert all(read(path) for path in kept)
    assert sweep([*SMALL, "--out", str(tmp_path / "out")]) == 0
    assert (tmp_path / "out" / "rho.csv").read_bytes() == whole


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    libc = ctypes.CDLL(None, use_errno=True)
    if not sys.platform.startswith("linux") or libc.mount(b"tmpfs", bytes(folder), b"tmpfs", 0, b"size=64k") != 0:
        pytest.skip("only root on Linux can mount a small disk")
    yield folder
    libc.umount2(bytes(folder), 2)  # even if something is open


def test_a_small_disk_fills_up_and_the_run_goes_on_elsewhere(small_disk, tmp_path, whole, capsys):
    (small_disk / "taken").write_bytes(bytes(30_000))
    assert sweep([*SMALL, "--out", str(small_disk)]) == 1
    assert "no space left on device" in capsys.readouterr().err
    assert runs(["verify", str(small_disk)]) == 0
    finished = len(list((small_disk / "cells").glob("*.json")))
    assert 0 < finished < 12
    shutil.copytree(small_disk / "cells", tmp_path / "moved" / "cells")
    assert sweep([*SMALL, "--out", str(tmp_path / "moved")]) == 0
    assert (tmp_path / "moved" / "rho.csv").read_bytes() == whole


def test_a_read_only_folder_is_read_and_refused_for_writing(tmp_path, capsys, monkeypatch):
    store = Store(tmp_path / "cells")
    execute([Square(1)], store)

    def read_only(*arguments, **options):
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path))

    monkeypatch.setattr("lrtheory.runs.store.secrets.token_hex", read_only)
    monkeypatch.setattr(os, "replace", read_only)
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert execute([Square(1)], store) == [Square(1).compute()]
    with pytest.raises(OSError, match="Read-only"):
        execute([Square(2)], store)
    store.path(Square(1)).write_bytes(b"damaged")
    assert store.load(Square(1)) is None
    assert "stays where it is and is computed again" in capsys.readouterr().err
    assert sweep([*SMALL, "--out", str(tmp_path)]) == 2
    assert "cannot be written to" in capsys.readouterr().err


def test_a_clock_that_jumps_changes_no_result(tmp_path, monkeypatch):
    """A day back, then years ahead, whichever clock is asked."""
    now, jumps = time.time(), iter([0.0, -86_400.0, 1e9, -1e9] * 1000)
    for clock in ("time", "monotonic", "perf_counter"):
        monkeypatch.setattr(time, clock, lambda: now + next(jumps))
    cells = [Square(k) for k in range(10)]
    assert execute(cells, Store(tmp_path), workers=1) == [cell.compute() for cell in cells]
    monkeypatch.undo()
    for path in Store(tmp_path).folder.iterdir():
        os.utime(path, (0, 2**33))  # of the year 2242
    assert execute(cells, Store(tmp_path)) == [cell.compute() for cell in cells]


def test_two_processes_on_one_store(tmp_path):
    """Both compute everything, at once, and meet damaged files that each would set aside."""
    cells = [Square(k) for k in range(60)]
    store = Store(tmp_path)
    execute(cells[::3], store)
    for cell in cells[::6]:
        store.path(cell).write_text("damaged")
    code = (
        "import sys; from pathlib import Path; from lrtheory.runs import Store, execute; from tests.runs.cells import *;"
        "cells = [Square(k) for k in range(60)]; store = Store(Path(sys.argv[1])); sys.stdin.readline();"
        "assert execute(cells, store, workers=2) == [cell.compute() for cell in cells]"
    )
    both = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    assert execute(cells, store) == [cell.compute() for cell in cells]
    assert len(list(tmp_path.glob("*.json"))) == 60
    assert versions() == read(store.path(cells[0])).versions


def crafted(**changes):
    """A file with a right checksum and a right name whose fields are anybody's choice."""
    body = {"schema": 1, "kind": "Square", "config": {"of": 1}, "result": {"is": 1}, "seconds": 0.1}
    body |= {"versions": {"lrtheory": "0.1.0"}, "format": 2} | changes
    covered = json.dumps(body)[:-1]
    text = f'{covered}, "checksum": "{hashlib.sha256(covered.encode()).hexdigest()}"}}'
    cell = {name: body[name] for name in ("schema", "kind", "config")}
    return hashlib.sha256(json.dumps(cell, sort_keys=True, separators=(",", ":")).encode()).hexdigest(), text


CRAFTED = [
    {"seconds": "1"}, {"seconds": [1]}, {"seconds": None}, {"seconds": float("nan")}, {"seconds": 1e308}, {"seconds": True},
    {"versions": ["x"]}, {"versions": None}, {"versions": {"lrtheory": 3}}, {"versions": {"lrtheory": "\x1b[2J"}},
    {"kind": ["a"]}, {"kind": 3}, {"kind": "\x1b]0;owned\x07Toss\nFAKE 99"}, {"kind": "=cmd|'/C calc'!A0"},
    {"kind": "a\udcffb"}, {"config": [1]}, {"config": "abc"}, {"result": [1, 2]}, {"result": "abc"},
    {"result": {"is": float("inf")}}, {"schema": 0.5}, {"schema": True}, {"schema": "1"}, {"format": "2"}, {"format": None},
]  # fmt: skip


@pytest.mark.parametrize("changes", CRAFTED, ids=str)
def test_a_checksum_is_no_signature(tmp_path, capsys, changes):
    """Every command names the file and goes on with the others."""
    store = Store(tmp_path / "results" / "cells")
    execute([Square(1)], store)
    name, text = crafted(**changes)
    (store.folder / f"{name}.json").write_text(text, encoding="utf-8")
    folder = str(store.folder)
    assert runs(["ls", folder]) == 0
    assert runs(["verify", folder]) == 1
    assert runs(["export", folder, str(tmp_path / "cells.csv")]) == 0
    assert runs(["merge", str(tmp_path / "merged"), folder]) == 1
    assert len(list((tmp_path / "merged" / "cells").iterdir())) == 1
    out, err = capsys.readouterr()
    assert out.count(f"{name}.json is not a result of this program, or was cut short") == 2
    assert out.replace("\n", "").isprintable()
    assert err.replace("\n", "").isprintable()


def test_what_is_crafted_well_is_read(tmp_path):
    name, text = crafted()
    (tmp_path / f"{name}.json").write_text(text)
    assert read(tmp_path / f"{name}.json").kind == "Square"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="makes pipes and links")
@pytest.mark.parametrize("kind", ["pipe", "device", "loop", "folder", "large"])
def test_what_is_no_regular_file_is_named_and_never_read(tmp_path, capsys, monkeypatch, kind):
    store = Store(tmp_path / "cells")
    path = store.path(Square(1))
    path.parent.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "large":
        monkeypatch.setattr("lrtheory.runs.store.LARGEST", 10)
        path.write_bytes(bytes(11))
    else:
        path.symlink_to("/dev/zero" if kind == "device" else path)
    assert runs(["ls", str(store.folder)]) == 0
    assert runs(["verify", str(store.folder)]) == 1
    assert runs(["merge", str(tmp_path / "merged"), str(store.folder)]) == 1
    monkeypatch.undo()
    assert execute([Square(1)], store) == [Square(1).compute()]
    assert store.load(Square(1)) == Square(1).compute()


def test_names_of_files_are_shown_escaped(tmp_path, capsys):
    (tmp_path / "\x1b[31mred.json").write_text("{}")
    (tmp_path / "a\nFAKE line.json").write_text("{}")
    assert runs(["verify", str(tmp_path)]) == 1
    out = capsys.readouterr().out
    assert len(out.splitlines()) == 2
    assert out.replace("\n", "").isprintable()


def test_a_good_file_that_another_process_wrote_meanwhile_is_never_set_aside(tmp_path, capsys, monkeypatch):
    store = Store(tmp_path)
    store.path(Square(7)).write_bytes(b"damaged")
    real = lrtheory.runs.store.set_aside

    def late(path):  # between the look at the damaged file and its renaming, another process is done with it
        real(path)
        store.save(Square(7), Square(7).compute(), seconds=0.1)
        return real(path)

    monkeypatch.setattr("lrtheory.runs.store.set_aside", late)
    assert store.load(Square(7)) == Square(7).compute()
    assert read(store.path(Square(7))).result == Square(7).compute()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_that_cannot_make_files_durable_keeps_results(tmp_path, monkeypatch, code):
    def refused(_):
        raise OSError(code, "not here")

    monkeypatch.setattr(os, "fsync", refused)
    monkeypatch.setattr(Path, "chmod", refused)
    assert execute([Square(1)], Store(tmp_path)) == [Square(1).compute()]
    assert Store(tmp_path).load(Square(1)) == Square(1).compute()


@pytest.mark.skipif(os.name != "posix", reason="modes of POSIX")
def test_files_have_the_mode_that_the_user_asks_for(tmp_path):
    before = os.umask(0o027)
    try:
        execute([Square(1)], Store(tmp_path))
    finally:
        os.umask(before)
    assert Store(tmp_path).path(Square(1)).stat().st_mode & 0o777 == 0o640
