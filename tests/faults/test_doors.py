"""Every command ends with one sentence: closed and full streams, terminals with few signs, Ctrl-C once and twice."""

import _thread
import os
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass

import pytest

from lrtheory.benchmark import main as benchmark
from lrtheory.runs import Store, execute
from lrtheory.runs.progress import progress
from lrtheory.sweep import main as sweep
from tests.runs.cells import Square

PRINTS = "from lrtheory.door import door; door('test', lambda: print('1 ± 2') or 0)"
WORKS = """
import sys, threading, time
from lrtheory.door import door
def command():
    try:
        threading.Thread(target=time.sleep, args=(600,)).start()
        print('at work', flush=True)
        time.sleep(600)
    except KeyboardInterrupt:
        print('Interrupted.', file=sys.stderr, flush=True)
        if len(sys.argv) > 1:
            time.sleep(600)
        return 1
door('test', command)
"""
posix = pytest.mark.skipif(os.name != "posix", reason="shells and signals of POSIX")


def shell(command, **environment):
    done = subprocess.run(
        ["bash", "-c", command, sys.executable, PRINTS], env=os.environ | environment, capture_output=True, timeout=60
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


@posix
@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ('"$0" -c "$1"', (0, "1 ± 2\n", "")),
        ('"$0" -c "$1" 2>&-', (0, "1 ± 2\n", "")),
        ('"$0" -c "$1" >&-', (0, "", "")),
        ('"$0" -c "$1" >&- 2>&- <&-', (0, "", "")),
        ('"$0" -c "$1" > /dev/full', (1, "", "lrtheory test: standard output: no space left on device.\n")),
        ('"$0" -c "$1" > /dev/full 2> /dev/full', (1, "", "")),
        # The reader has ended before anything is printed.
        ('"$0" -c "import time; time.sleep(1); $1" | true; exit ${PIPESTATUS[0]}',
         (1, "", "lrtheory test: standard output: broken pipe.\n")),
    ],
)  # fmt: skip
def test_streams_that_take_nothing_are_one_sentence(command, expected):
    assert shell(command, PYTHONIOENCODING="utf-8") == expected


@posix
def test_a_terminal_with_few_signs_is_given_escapes():
    assert shell('"$0" -c "$1"', PYTHONIOENCODING="ascii") == (0, "1 \\xb1 2\n", "")


@posix
@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_ends_a_command_whose_threads_are_at_work(presses):
    command = [sys.executable, "-c", WORKS, *["stays"] * (presses - 1)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "at work\n"
    process.send_signal(signal.SIGINT)
    assert process.stderr.readline() == "Interrupted.\n"
    if presses == 2:
        process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 1
    assert rest.strip() == ("" if presses == 1 else "Interrupted again: ended at once. What is finished is kept.")


def test_an_interrupted_execution_does_not_wait_for_cells_under_way(tmp_path):
    returned, waited = threading.Event(), []

    @dataclass(frozen=True)
    class Interrupting(Square):
        def compute(self):
            _thread.interrupt_main()
            waited.append(returned.wait(60))
            return super().compute()

    with pytest.raises(KeyboardInterrupt):
        execute([Interrupting(1), Interrupting(2)], Store(tmp_path), workers=1)
    returned.set()
    while not waited:
        pass
    assert waited == [True]


def test_without_an_error_stream_cells_are_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "stderr", None)
    assert execute([Square(1)], Store(tmp_path)) == [Square(1).compute()]


def test_progress_in_a_file_is_a_line_from_time_to_time(capsys, monkeypatch):
    clock = iter([0.0, 10.0, 40.0, 45.0, 75.0])
    monkeypatch.setattr("lrtheory.runs.progress.time.monotonic", lambda: next(clock))
    with progress("tuning", total=20, done=4) as finish:
        for _ in range(4):
            finish()
    assert capsys.readouterr().err.splitlines() == [
        "tuning: 6 of 20 cells after 0:00:40, about 0:04:40 left",
        "tuning: 8 of 20 cells after 0:01:15, about 0:03:45 left",
    ]


@pytest.mark.parametrize("name", ["rho.csv", "rho.json", "rho.png"])
def test_a_sweep_whose_file_cannot_be_written_is_one_sentence(tmp_path, capsys, name):
    (tmp_path / name).mkdir()
    assert sweep(["rho", "--schedules", "Cosine", "--rhos", "1", "16", "32", "64", "--horizon", "50", "--replicas", "9",
                  "--out", str(tmp_path)]) == 1  # fmt: skip
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"lrtheory sweep rho: {tmp_path / name}: is a directory.\n"


@pytest.mark.parametrize("name", ["results.csv", "results.tex", "ranks.png"])
def test_a_benchmark_whose_file_cannot_be_written_is_one_sentence(tmp_path, capsys, name):
    pytest.importorskip("pytorch_optimizer", reason="the benchmark needs pytorch_optimizer")
    (tmp_path / name).mkdir()
    small = [
        "--tasks",
        "synthetic",
        "--protocol",
        "as-described",
        "--strategies",
        "AdamW",
        "--epochs",
        "1",
        "--seeds",
        "1",
    ]
    assert benchmark([*small, "--examples", "100", "--workers", "1", "--device", "cpu", "--out", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"lrtheory benchmark: {tmp_path / name}: is a directory.\n"
