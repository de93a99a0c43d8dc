"""The commands: what they write, what they keep, what they refuse."""

import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from lrtheory import Polynomial
from lrtheory.runs import Store
from lrtheory.schedules import parse
from lrtheory.statistics import worst_offset
from lrtheory.sweep import main
from lrtheory.sweeps import Degree, Grid, Horizon, Rho

SMALL = ["--replicas", "400", "--horizon", "500", "--schedules", "Constant", "polynomial(1)"]


def lines(capsys):
    captured = capsys.readouterr()
    return captured.out.splitlines(), captured.err


def test_rho_writes_a_table_a_picture_and_a_summary(tmp_path, capsys):
    assert main(["rho", *SMALL, "--out", str(tmp_path)]) == 0
    out, err = lines(capsys)
    assert out[0].split()[:3] == ["schedule", "predicted", "law"]
    assert [line.split()[0] for line in out[2:]] == ["Constant()", "Polynomial(1)"]
    assert "Written:" in err
    table = pd.read_csv(tmp_path / "rho.csv")
    assert set(table.columns) >= {
        "schedule", "degree", "rho", "horizon", "law", "worst_case", "expected", "simulated", "standard_error",
    }  # fmt: skip
    assert len(table) == 24
    # The family is one the bound covers: never above the worst case, up to four standard errors.
    assert (table["simulated"] <= table["worst_case"] + 4 * table["standard_error"]).all()
    assert (table["expected"] <= table["worst_case"]).all()
    assert {path.suffix for path in tmp_path.glob("rho.*")} == {".csv", ".json", ".png", ".pdf"}


def test_a_finished_sweep_is_read_back_byte_for_byte(tmp_path, capsys):
    main(["rho", *SMALL, "--out", str(tmp_path), "--workers", "2"])
    first = {path.name: path.read_bytes() for path in tmp_path.glob("rho.*")}
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()}
    main(["rho", *SMALL, "--out", str(tmp_path), "--workers", "1"])
    assert {path.name: path.read_bytes() for path in tmp_path.glob("rho.*")} == first
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cells").iterdir()} == stamps
    capsys.readouterr()
    main(["rho", *SMALL, "--out", str(tmp_path / "again"), "--workers", "1"])
    assert (tmp_path / "again" / "rho.csv").read_bytes() == first["rho.csv"]


def test_json_is_the_whole_table(tmp_path, capsys):
    main(["rho", *SMALL, "--out", str(tmp_path), "--json"])
    records = json.loads("\n".join(lines(capsys)[0]))
    assert len(records) == 24
    assert records[0]["schedule"] == "Constant()"


def test_an_interruption_says_how_to_go_on(tmp_path, capsys, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(Rho, "run", interrupted)
    assert main(["rho", *SMALL, "--out", str(tmp_path)]) == 1
    assert "the same command goes on from there" in lines(capsys)[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["rho", "--rhos", "0"], "rhos must lie from 1e-12 to 1e+12; one is 0.0."),
        (["rho", "--rhos", "nan"], "rhos must lie from 1e-12 to 1e+12; one is nan."),
        (["rho", "--horizon", "0"], "horizon is a number of steps"),
        (["rho", "--replicas", "1"], "replicas must be a whole number from 2"),
        (["rho", "--workers", "0"], "workers must be at least 1"),
        (["degree", "--degrees", "-1"], "power must be a positive"),
        (["degree", "--rhos", "16", "32"], "at least three values of rho"),
        (["horizon", "--horizons", "10", "100"], "at least three horizons"),
        (["grid", "--ratios", "1"], "ratio must be above 1 and at most 64"),
        (["rho", "--out", "/proc/nothing"], "--out /proc/nothing cannot be made"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(tmp_path, capsys, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    out, err = lines(capsys)
    assert out == []
    assert sentence in err
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_schedule_is_said_before_anything_is_done(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as stopped:
        main(["rho", "--schedules", "cosinus"])
    assert stopped.value.code == 2
    assert "argument --schedules: 'cosinus' is not a schedule; write one of Constant, " in lines(capsys)[1]
    assert list(tmp_path.iterdir()) == []


def test_schedules_of_ones_own_are_swept_and_drawn(tmp_path, capsys):
    mine = ["Formula('(1-u)**2*exp(-u)')", "Formula('Min(1, 5*(1 - u))', name='mine')", "Cosine"]
    assert main(["rho", *SMALL[:4], "--schedules", *mine, "--out", str(tmp_path)]) == 0
    table = pd.read_csv(tmp_path / "rho.csv")
    assert [parse(name).name for name in table["schedule"].unique()] == [mine[0], "mine", "Cosine()"]
    experiment = Rho(tuple(parse(text) for text in mine), horizon=500, replicas=400)
    assert experiment.table(Store(tmp_path / "cells")).to_csv(index=False) == table.to_csv(index=False)


def test_a_folder_that_is_a_file(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert main(["rho", "--out", str(tmp_path / "taken")]) == 2
    assert "cannot be made" in lines(capsys)[1]


def test_unknown_options_exit_with_2(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["rho", "--colour", "red"])
    assert stopped.value.code == 2


@pytest.mark.parametrize("name", ["rho", "degree", "horizon", "grid"])
def test_every_sweep_runs_and_explains_itself(tmp_path, capsys, name):
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert "example: lrtheory sweep" in "\n".join(lines(capsys)[0])
    few = {
        "rho": ["--schedules", "Cosine", "--horizon", "300"],
        "degree": ["--degrees", "1", "2", "--horizon", "300"],
        "horizon": ["--schedules", "Cosine", "Constant", "--horizons", "50", "100", "200"],
        "grid": ["--schedules", "Cosine", "--horizon", "300"],
    }
    assert main([name, *few[name], "--replicas", "100", "--out", str(tmp_path)]) == 0
    assert (tmp_path / f"{name}.png").stat().st_size > 10_000
    assert len(pd.read_csv(tmp_path / f"{name}.csv")) > 0


def test_configurations_have_the_defaults_of_their_commands():
    assert Rho().horizon == 100_000
    assert Degree().as_rho().schedules[0] == Polynomial(0.25)
    assert set(Rho().rhos) <= set(Grid().as_rho().rhos)
    assert Horizon().horizons[-1] == 1_000_000


def test_worst_offset_is_half_a_ratio_away_from_a_symmetric_minimum():
    rates = np.geomspace(1 / 256, 256, 16 * 128 + 1)
    for ratio in (2.0, 4.0, 16.0):
        lost = worst_offset(rates, (rates + 1 / rates) / 2, ratio)
        assert lost == pytest.approx((ratio**0.5 + ratio**-0.5) / 2, rel=0.01)


def test_importing_the_package_is_light():
    code = (
        "import sys, lrtheory; heavy = {'torch', 'matplotlib', 'sympy', 'numba', 'pandas', 'scipy'} & set(sys.modules);"
        "assert not heavy, heavy; lrtheory.Cosine().steps(5); assert 'sympy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env=os.environ | {"PYTHONWARNINGS": "error"})


def test_every_public_name_is_there():
    import lrtheory

    for name in lrtheory.__all__:
        assert getattr(lrtheory, name) is not None
    assert set(lrtheory.__all__) <= set(dir(lrtheory))
    with pytest.raises(AttributeError, match="No lrtheory attribute nothing"):
        lrtheory.nothing  # noqa: B018
