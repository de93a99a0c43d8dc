"""Bad numbers of a sweep are one sentence before any work: nothing is computed or written."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtheory.counts import count
from lrtheory.runs.tables import committed
from lrtheory.statistics import fit_slope
from lrtheory.sweep import main

REFUSED = [
    ("rho --seed -1", "seed must be a whole number from 0 to 18446744073709551615, not -1."),
    ("degree --seed 99999999999999999999", "seed must be a whole number from 0"),
    ("penalty --seed -1", "seed must be a whole number from 0"),
    ("grid --replicas 1", "replicas must be a whole number from 2"),
    ("horizon --replicas 1e21", "replicas must be a whole number from 2 to 9223372036854775807, not 10"),
    ("rho --rhos 1e200 1", "rhos must lie from 1e-12 to 1e+12; one is 1e+200."),
    ("rho --rhos nan 1", "rhos must lie from 1e-12 to 1e+12; one is nan."),
    ("tightness --rhos 1e300", "rhos must lie from 1e-12 to 1e+12; one is 1e+300."),
    ("rho --rhos 1 1 16", "rhos must differ from one another: 1.0 is given more than once."),
    ("degree --rhos 16 16 16", "rhos must differ from one another: 16.0 is given more than once."),
    ("degree --degrees 1 2 1", "degrees must differ from one another: 1.0 is given more than once."),
    ("grid --ratios 2 2", "ratios must differ from one another"),
    ("grid --schedules Cosine Cosine()", "schedules must differ from one another: Cosine() is given more than once."),
    (
        "tightness --schedules Cosine cosine",
        "schedules must differ from one another: Cosine() is given more than once.",
    ),
    ("networks --tasks digits digits", "tasks must differ from one another"),
    ("cifar10 --networks wide wide", "networks must differ from one another"),
    ("robustness --strategies AdamW AdamW", "strategies must differ from one another"),
    ("penalty --lrs 0.1 0.1", "lrs must differ from one another"),
    ("horizon --horizons 100 100 100", "horizons must differ from one another: 100 is given more than once."),
    ("rho --horizon 1", "horizon must be from 2 to 1000000000 steps, not 1."),
    ("rho --horizon 1e11", "horizon must be from 2 to 1000000000 steps, not 100000000000."),
    ("rho --schedules PiecewiseLinear({4:1,8:0})", "the law of PiecewiseLinear({4: 1, 8: 0}) cannot be computed: "),
    ("language_models --models diameter diameter", "models must differ from one another"),
    ("language_models --logs nowhere.csv", "logs: nowhere.csv cannot be read: no such file or directory."),
    (f"language_models --logs {committed() / 'rho.csv'}", "is no table of runs: it lacks cooldown_fraction"),
    (f"language_models --logs {committed() / '..' / 'rho.png'}", "is no table of runs with the columns schedule"),
]


@pytest.mark.parametrize(("arguments", "sentence"), REFUSED, ids=[arguments[:40] for arguments, _ in REFUSED])
def test_bad_numbers_are_one_sentence_before_any_work(arguments, sentence, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main([*arguments.split(), "--quick"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert sentence in captured.err
    assert list(tmp_path.iterdir()) == []


HEAD = "schedule,cooldown_fraction,peak_learning_rate,steps,final_validation_loss\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "is no table of runs with the columns"),
        (HEAD, "needs runs of 50000 steps of two schedules"),
        (HEAD + "constant,,0.01,50000,3\n", "needs runs of 50000 steps of two schedules"),
        (HEAD + "constant,,0.01,50000,3\nspiral,,0.01,50000,3\n", "'spiral' in logs.csv is no schedule of the logs"),
        (HEAD + "constant,,0.01,50000,3\nconstant,,0,50000,3\n", "row 1 of logs.csv needs a positive rate"),
        (HEAD + "constant,,0.01,200,3\n", "row 0 of logs.csv needs a positive rate, more than 300 whole steps"),
        (HEAD + "constant,,0.01,50000,inf\n", "row 0 of logs.csv needs"),
        (HEAD + "constant,,high,50000,3\n", "is no table of runs with the columns"),
    ],
)
def test_other_logs_are_checked_before_any_work(text, sentence, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logs.csv").write_text(text)
    assert main(["language_models", "--quick", "--logs", "logs.csv"]) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert sentence in captured.err


@given(st.integers(-(10**30) + 1, 10**30 - 1))
def test_counts_read_back(number):
    assert count(str(number)) == number
    assert count(f"{number}.0") == number


@pytest.mark.parametrize("text", ["", "x", "1.5", "1e-1", "nan", "inf", "1e30", "1e999999999", "0x10"])
def test_what_is_no_count_is_one_sentence(text, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["rho", "--horizon", text])
    assert stopped.value.code == 2
    assert f"argument --horizon: {text!r} is no whole number such as 1000 or 1e3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("x", "y"), [([1, 2], [1, 2]), ([2, 2, 2], [1, 2, 3]), ([1, 2, 3], [0, 1, 2]), ([1, 2, np.inf], [1, 2, 3]),
                 ([1, 2, 3], [1, np.nan, 3])]
)  # fmt: skip
def test_a_slope_of_nothing_is_one_sentence(x, y):
    with pytest.raises(
        ValueError, match="a slope needs at least three points, all positive and finite, and not all at"
    ):
        fit_slope(x, y)
