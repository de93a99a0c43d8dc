"""The command that plans grids: its table, its JSON, its picture, its refusals."""

import json
import re

import pytest

from lrtheory import __main__, next_lr
from lrtheory.plan import main
from tests.loaded import loaded_by

CONVEX = ["1e-4", "1e-1", "--risk", "convex"]


def test_the_table_says_what_to_run(capsys):
    assert main([*CONVEX, "--schedule", "Polynomial(3)", "--tolerance", "1.5"]) == 0
    output = capsys.readouterr()
    assert output.err == ""
    assert output.out.startswith("Polynomial(3): try 0.00129, 0.0409.\n")
    assert "at most 1.427 times this schedule's own tuned one (1.155 DG/sqrt(T))" in output.out
    assert "inf" not in output.out
    assert "What grows, grows like sqrt(ln T): give --horizon." in output.out
    assert [line.split()[0] for line in output.out.splitlines() if "()" in line or "(1)" in line] == [
        "Polynomial(1)", "Constant()",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("schedule", "saves"),
    [("Polynomial(1)", True), ("Cosine", True), ("Polynomial(3)", False), ("Robust(1000)", False), ("Constant", False)],
)
def test_trials_are_saved_where_the_loss_is_no_larger(schedule, saves, capsys):
    assert main([*CONVEX, "--schedule", schedule, "--tolerance", "1.5"]) == 0
    assert ("Annealing saves" in capsys.readouterr().out) == saves


def test_json_is_the_plan(capsys):
    assert main([*CONVEX, "--trials", "2", "--horizon", "1000", "--json"]) == 0
    cosine, linear, constant = json.loads(capsys.readouterr().out)
    assert (cosine["schedule"], linear["schedule"], constant["schedule"]) == (
        "Cosine()", "Polynomial(1)", "Constant()",
    )  # fmt: skip
    assert len(cosine["points"]) == 2
    assert cosine["tolerance"] is None
    assert 1 < cosine["factor"] < linear["factor"] < constant["factor"]
    assert main([*CONVEX, "--json"]) == 0  # in the limit the constant schedule's loss is infinite: null
    assert json.loads(capsys.readouterr().out)[-1]["tuned_loss"] is None


@pytest.mark.parametrize("ending", ["", ".png", ".pdf"])
def test_the_picture_is_written_where_asked(tmp_path, capsys, ending):
    assert main([*CONVEX, "--figure", str(tmp_path / f"mine{ending}")]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mine.png", "mine.pdf"}
    assert "mine.pdf" in capsys.readouterr().err


def test_a_picture_that_cannot_be_replaced_is_a_failure(tmp_path, capsys):
    (tmp_path / "mine.png").mkdir()
    assert main([*CONVEX, "--figure", str(tmp_path / "mine")]) == 1
    output = capsys.readouterr()
    assert output.out.startswith("Cosine(): try")
    assert output.err.count("\n") == 1


@pytest.mark.parametrize(("one", "other"), [("1000", "1e3"), ("2000000", "2e6"), ("10", "1E1")])
def test_counts_are_written_as_one_likes(capsys, one, other):
    written = []
    for horizon in (one, other):
        assert main([*CONVEX, "--horizon", horizon, "--trials", f"{len(one)}e0", "--json"]) == 0
        written.append(json.loads(capsys.readouterr().out))
    assert written[0] == written[1]
    assert (written[0][0]["horizon"], len(written[0][0]["points"])) == (int(one), len(one))


@pytest.mark.parametrize("count", ["1.5", "1e-3", "inf", "nan", "many"])
def test_what_is_no_count_is_refused(capsys, count):
    with pytest.raises(SystemExit) as stopped:
        main(["1e-2", "1e-1", "--horizon", count])
    assert stopped.value.code == 2
    assert f"--horizon: '{count}' is no whole number such as 1000 or 1e3" in capsys.readouterr().err


def test_many_rates_are_not_written_one_by_one(capsys):
    assert main([*CONVEX, "--trials", "500"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first.endswith(", ... (500 rates, each 1.01391 times the one before), 0.0993.")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["1", "0.1"], "low must be below high"),
        (["0.1", "1", "--schedule", "spiral"], "'spiral' is not a schedule"),
        (["0.1", "1", "--tolerance", "0.9"], "tolerance must be a factor above 1"),
        (["0.1", "1", "--trials", "0"], "trials must be a whole number"),
        (["0.1", "1", "--trials", "100000000"], "trials must be at most 10,000, not 100,000,000"),
        (["0.1", "1", "--horizon", "1e8"], "horizon must be at most 10,000,000 steps, not 100,000,000"),
        (["0.1", "1", "--tolerance", "1.0000000000000002"], "needs more than 10,000 trials"),
        (["0.1", "1", "--figure", ""], "--figure must name a file, not ''"),
        (["0.1", "1", "--figure", "x.svg"], "must have no ending: the picture is drawn as PNG and PDF. Leave out .svg"),
        (["0.1", "1", "--figure", "/nonexistent/x"], "there is no folder /nonexistent"),
        (["0.1", "1", "--schedule", "Polynomial(1e75)"], "is too steep"),
    ],
)
def test_bad_usage_is_one_sentence_and_two(arguments, message, capsys):
    assert main([*arguments, "--risk", "convex"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert message in output.err


def test_tolerance_and_budget_exclude_each_other(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["0.1", "1", "--tolerance", "2", "--trials", "3"])
    assert stopped.value.code == 2


def test_the_package_knows_the_command(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["lrtheory", "plan", "0.1", "1", "--risk", "convex"])
    assert __main__.main() == 0
    assert "Cosine(): try" in capsys.readouterr().out


@pytest.mark.parametrize("more", [[], ["--risk", "convex", "--schedule", "Robust(16)"]])
def test_a_plan_in_the_limit_of_long_runs_waits_for_no_library(more):
    plan = f"from lrtheory.plan import main; main(['1e-4', '1e-1', *{more}])"
    assert loaded_by(plan, ("numba", "scipy", "sympy", "pandas", "matplotlib", "torch")) == []


def test_a_convex_plan_says_what_its_rates_do_on_networks(capsys):
    assert main([*CONVEX, "--schedule", "Polynomial(3)", "--trials", "2"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    told = re.search(r"leave (.*)% of what .* lose (.*) of 2 runs; equally spaced ones (.*)% and (.*): --risk", last)
    regret, lost, even_regret, even_lost = map(float, told.groups())
    assert regret > even_regret  # the rates lie high, where the cliff is
    assert lost > even_lost
    assert main([*CONVEX, "--trials", "50"]) == 0
    assert "--risk measured plans for them" in capsys.readouterr().out.splitlines()[-1]


def test_networks_are_planned_by_what_was_measured(capsys):
    assert main(["1e-4", "1e-1", "--trials", "3"]) == 0
    out = capsys.readouterr().out
    assert main(["1e-4", "1e-1", "--trials", "3", "--risk", "measured"]) == 0
    assert out == capsys.readouterr().out
    assert out.startswith("Try 0.000316, 0.00316, 0.0316.\n")
    assert "no promise" in out
    assert main(["1e-4", "1e-1", "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert record["regret"] <= 0.05
    assert 1e-4 < record["points"][0] < record["points"][-1] < 1e-1
    for option in (["--schedule", "Cosine"], ["--horizon", "99"], ["--figure", "plan"]):
        assert main(["1e-4", "1e-1", *option]) == 2
        assert f"{option[0]} goes with --risk convex" in capsys.readouterr().err


def runs(folder, rows, header="lr,loss"):
    path = folder / "runs.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return str(path)


def test_a_sweep_that_ended_at_its_best_is_planned_further(tmp_path, capsys):
    more = ["--runs", runs(tmp_path, ["0.01,1.2", "0.03,1.0", "0.1,0.8"]), "--initial-loss", "2.3"]
    assert main(["next", "0.01", "0.1", *more, "--json"]) == 0
    record = json.loads(capsys.readouterr().out)
    suggestion = next_lr([(0.01, 1.2), (0.03, 1.0), (0.1, 0.8)], 0.01, 0.1, initial_loss=2.3)
    assert record["lr"] == suggestion.lr > 0.1
    assert main(["next", "0.01", "0.1", *more]) == 0
    assert capsys.readouterr().out == f"{suggestion}\n"
    assert str(suggestion).startswith("Try ")


def test_the_next_rate_is_below_what_was_lost_and_a_stop_is_said(tmp_path, capsys):
    lost = runs(tmp_path, ["0.1,nan", "0.03,", "0.02,inf"])
    assert main(["next", "0.01", "0.1", "--runs", lost, "--initial-loss", "2.3"]) == 0
    out = capsys.readouterr().out
    assert float(out.split()[1]) < 0.02
    assert "No run so far has learned anything." in out
    good = runs(tmp_path, ["0.01,1.02", "0.02,1.001", "0.03,1.0", "0.045,1.001", "0.06,1.02"])
    assert main(["next", "0.01", "0.1", "--runs", good, "--initial-loss", "2.3"]) == 0
    assert capsys.readouterr().out.startswith("Stop: 0.03 is good enough.\n")


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (None, "", "cannot be read: no such file or directory"),
        ([], "lr,loss", "needs the columns lr and loss, and at least one run"),
        (["1,2"], "rate,loss", "needs the columns lr and loss"),
        (["1,2", "fast,2"], "lr,loss", "row 2: lr and loss must be numbers"),
        (["-1,2"], "lr,loss", "every rate of the results must be positive"),
    ],
)
def test_runs_that_cannot_be_used_are_one_sentence(rows, header, message, tmp_path, capsys):
    path = str(tmp_path / "none.csv") if rows is None else runs(tmp_path, rows, header)
    assert main(["next", "0.01", "0.1", "--runs", path, "--initial-loss", "2.3"]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert message in output.err
