"""Every figure is drawn from its data, and comes out the same twice."""

import hashlib
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from lrtheory.figures import (
    FIGURES,
    benchmark,
    learning_curves,
    learning_curves_all,
    paths,
    provenance,
    rho,
    robustness,
    tightness,
)
from lrtheory.figures.__main__ import main, recompute
from lrtheory.figures.style import OTHERS, SCHEDULES, of_schedules, save
from lrtheory.runs import Compute, Store, cell_id, execute
from lrtheory.runs.store import StoreError
from lrtheory.schedules import Cosine, parse
from lrtheory.sweeps import EXPERIMENTS, Rho, Tightness
from lrtheory.sweeps.averages import RatedMethod
from tests.processors import SETTINGS
from tests.runs.cells import Square

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "figures" / "data"
RECORDS = sorted(path.stem for path in TABLES.glob("*.json"))


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_is_the_same_twice_and_says_where_it_comes_from(tmp_path, name):
    figure = FIGURES[name]
    try:
        frames = [figure.data(TABLES) for _ in range(2)]
        source = provenance.provenance(name, TABLES)
    except FileNotFoundError as missing:
        pytest.skip(f"no table yet: {missing.filename}")
    pd.testing.assert_frame_equal(*frames)
    for attempt, frame in enumerate(frames):
        written = save(figure.draw(frame), tmp_path / f"{attempt}" / name, **source)
        assert [path.suffix for path in written] == [".png", ".pdf"]
    for suffix in (".png", ".pdf"):
        first, second = ((tmp_path / attempt / f"{name}{suffix}").read_bytes() for attempt in "01")
        assert first == second
        assert len(first) > 8_000  # not an empty page
        assert f"python -m lrtheory.figures {name}".encode() in first
        assert b"Date" not in first


COMPUTED = ("orders", "paths", "plan", "rho", "robust", "schedule_penalty")
"""What is computed when it is drawn, and not only read."""


def test_another_processor_draws_the_same_bytes(tmp_path):
    code = "import sys; from lrtheory.figures.__main__ import main; [main([name, *sys.argv[1:3]]) for name in sys.argv[3:]]"
    for folder, setting in (("here", {}), ("there", SETTINGS["numpy"] | SETTINGS["openblas-nehalem"])):
        command = [sys.executable, "-c", code, "--out", str(tmp_path / folder), *COMPUTED]
        subprocess.run(command, cwd=ROOT, env=os.environ | setting, check=True, capture_output=True)
    written = sorted(path.name for path in (tmp_path / "here").iterdir())
    assert len(written) == 2 * len(COMPUTED)
    for name in written:
        assert (tmp_path / "here" / name).read_bytes() == (tmp_path / "there" / name).read_bytes(), name


@pytest.mark.parametrize("name", RECORDS)
def test_the_record_of_a_table_is_of_this_table_and_of_the_cells_of_this_version(name, monkeypatch):
    monkeypatch.chdir(ROOT)  # one sweep reads a table of logs
    record = provenance.read_record(TABLES, name)
    assert record is not None
    assert record["sha256"] == hashlib.sha256((TABLES / f"{name}.csv").read_bytes()).hexdigest()
    given = {key: tuple(value) if isinstance(value, list) else value for key, value in record["config"].items()}
    if "schedules" in given:
        given["schedules"] = tuple(map(parse, given["schedules"]))
    if name == "averages":
        given["methods"] = tuple(map(RatedMethod.parse, given["methods"]))
    experiment = EXPERIMENTS[name].load()(**given)
    cells = set(_trained(pd.read_csv(TABLES / f"{name}.csv")) if name == "robustness" else _asked(experiment))
    assert record["cells"] == len(cells)
    assert record["cells_sha256"] == provenance.ids_digest(map(cell_id, cells))
    assert record["command"].startswith(f"python -m lrtheory.sweep {name}")
    assert {"python", "numpy", "lrtheory"} <= set(record["versions"])


class Asked(Exception):
    """Raised in the place of computing what an experiment asks for."""


def _asked(experiment):
    """The cells that an experiment asks for, all at once."""

    class Asking(Compute):
        def __call__(self, cells, **_):
            raise Asked(cells)

    with pytest.raises(Asked) as asked:
        experiment.run(Asking(Store(Path("nowhere"))))
    return asked.value.args[0]


def _trained(frame):
    """The runs of the table of the sweep whose cells depend on results: its rows say what was trained."""
    pytest.importorskip("torch")
    from lrtheory.benchmarks.training import Run
    from lrtheory.benchmarks.variant import Variant

    for row in frame.to_dict("records"):
        values = {field.name: row.get(field.name, field.default) for field in fields(Run)}
        yield Run(**values | {"protocol": "fair", "variant": Variant()})


def test_a_record_counts_what_was_asked_for_whatever_the_sweep_announces(tmp_path):
    store, experiment = Store(tmp_path / "cells"), Rho(schedules=(Cosine(),), rhos=(1.0, 2.0), horizon=50)
    experiment.table(store, 1)
    execute([Square(1), Square(2)], store)
    execute([Square(2)], store)
    (tmp_path / "rho.csv").write_text("a table")
    provenance.write_record(tmp_path, "rho", experiment, store)
    record = provenance.read_record(tmp_path, "rho")
    assert record["cells"] == 4
    assert record["cells_sha256"] == provenance.ids_digest(path.stem for path in (tmp_path / "cells").glob("*.json"))
    store.path(Square(1)).unlink()
    with pytest.raises(StoreError, match="the same command computes it again"):
        provenance.write_record(tmp_path, "rho", experiment, store)


def test_every_table_of_a_sweep_has_a_record():
    assert set(RECORDS) == {path.stem for path in TABLES.glob("*.csv")} & set(EXPERIMENTS)


def test_a_record_names_what_was_asked_for_beyond_the_defaults(tmp_path, capsys):
    from lrtheory.sweep import main as sweep

    assert sweep(["rho", "--schedules", "WSD(0.2)", "--rhos", "1", "2", "--horizon", "50", "--out", str(tmp_path)]) == 0
    record = provenance.read_record(tmp_path, "rho")
    assert record is not None
    assert record["command"] == "python -m lrtheory.sweep rho --schedules 'WSD(0.2)' --rhos 1.0 2.0 --horizon 50"
    assert record["cells"] == 2
    capsys.readouterr()


def test_the_records_tell_how_to_reproduce_every_figure(monkeypatch):
    monkeypatch.chdir(ROOT)
    table = provenance.records(TABLES)
    assert list(table["figure"].unique()) == list(FIGURES)
    known = table["table"].isin(RECORDS) & (table["table"] != "robustness")  # its times were not kept
    assert (table.loc[known, "seconds"] > 0).all()


def test_recomputing_goes_through_the_sweeps(tmp_path, capsys, monkeypatch):
    from lrtheory import sweep

    monkeypatch.chdir(tmp_path)
    asked = []
    monkeypatch.setattr(sweep, "main", lambda arguments: asked.append(arguments) or 0)
    assert recompute(["rho", "paths", "benchmark", "networks_grid"]) == {"rho", "networks_grid"}
    assert asked == [["rho", "--out", "results"], ["networks", "--out", "results"]]
    assert "benchmark.csv is not a sweep's" in capsys.readouterr().err


def test_schedules_are_told_apart_without_colour():
    styles = [(style["linestyle"], style["marker"]) for style in SCHEDULES.values()]
    assert len(set(styles)) == len(styles) == len({style["color"] for style in SCHEDULES.values()}) + 1
    assert [parse(name).name for name in SCHEDULES] == list(SCHEDULES)


def test_other_schedules_are_told_apart_too():
    names = [*SCHEDULES, *(f"SGDR({cycles}, 2)" for cycles in range(2, 2 + len(OTHERS)))]
    styles = of_schedules(names)
    assert [style["label"] for style in styles.values()] == names
    assert len({(str(style["linestyle"]), style["marker"]) for style in styles.values()}) == len(names)


@pytest.mark.parametrize(
    "schedules",
    [
        ["Cosine()"], ["PiecewiseLinear({1000: 1, 20000: 0.1})"],
        ["Warmup(WSD(0.2, '1-sqrt'), 0.05)", "Then(Constant(), Cosine(), 0.5)"],
        ["Then(Constant(), Cosine(), 0.5)", "Warmup(WSD(0.2), 0.05)", "SGDR(3, 2)", "OneCycle(0.3, 0.04, 4e-06)",
         "STLR(0.1, 32)"],
    ],
    ids=["one", "a long name", "two long names", "five"],
)  # fmt: skip
def test_the_figure_of_the_law_is_whole_for_any_number_of_schedules(schedules):
    one = rho.data(TABLES).query("schedule == 'Cosine()'")
    figure = rho.draw(pd.concat([one.assign(schedule=parse(name).name) for name in schedules]))
    FigureCanvasAgg(figure).draw()
    panels = [panel for panel in figure.axes if panel.get_visible()]
    titles = [panel.get_title(loc="left") for panel in panels]
    assert [" ".join(title.split()) for title in titles] == schedules
    shown = [figure.legends[0], *(title for panel in panels for title in panel.texts)]
    shown += [panel._left_title for panel in panels]
    boxes = [artist.get_window_extent() for artist in shown]
    assert all(figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1 and box.y1 <= figure.bbox.y1 for box in boxes)
    assert not any(one.overlaps(other) for place, one in enumerate(boxes) for other in boxes[:place])
    for panel in panels:  # the words beside the guide touch no curve
        (words,) = (text.get_window_extent() for text in panel.texts)
        for line in panel.lines:
            points = line.get_transform().transform(line.get_xydata())
            assert not words.count_contains(points), panel.get_title(loc="left")
    for panel in panels[-4:]:
        assert any(label.get_visible() and label.get_text() for label in panel.get_xticklabels())


@pytest.mark.parametrize(
    "draw", [benchmark.draw, learning_curves_all.draw, robustness.draw], ids=lambda draw: draw.__module__
)
def test_a_strategy_that_the_paper_did_not_have_is_drawn(draw):
    frame = (robustness if draw is robustness.draw else benchmark).data(TABLES)
    more = pd.concat([frame, frame[frame["strategy"] == "Lion"].assign(strategy="NAdam")])
    figure = draw(more)
    labels = [label.get_text() for panel in figure.axes for label in panel.get_yticklabels()]
    labels += [
        text.get_text() for panel in figure.axes if panel.get_legend() for text in panel.get_legend().get_texts()
    ]
    assert set(more["strategy"]) <= set(labels)


def test_numbers_can_be_read_on_their_colour():
    frame = benchmark.data(TABLES)
    one = benchmark.draw(frame[frame["strategy"] == "AdamW"])
    assert {text.get_color() for panel in one.axes for text in panel.texts} == {"black"}  # on yellow


def test_the_bound_is_tight_and_the_published_one_twice_as_large():
    frame = tightness.data(TABLES)
    judged = frame[frame["program"].notna()].copy()
    judged["gap"], judged["accuracy"] = judged["exact"] / judged["program"] - 1, judged["accuracy"] / judged["program"]
    known, domain = (judged[judged["length"] == length] for length in ("distance", "diameter"))
    # No program lies above the bound by more than the accuracy stored with it; with a known distance none lies below either.
    assert (known["gap"].abs() <= known["accuracy"]).all()
    assert (domain["gap"] >= -domain["accuracy"]).all()
    assert known["accuracy"].max() < 1e-6
    assert domain["accuracy"].max() < 1e-4
    assert domain["gap"].max() < 0.05  # near a change of the best restart the bound lies above
    assert (frame["published"] >= frame["exact"]).all()
    annealed = frame[(frame["horizon"] == frame["horizon"].max()) & (frame["schedule"] != "Constant()")]
    # A gap of order 1/T with a constant that WSD's short cooldown makes largest.
    np.testing.assert_allclose(annealed["published"] / annealed["exact"], 2, atol=1e-4)


def test_a_quick_tightness_sweep_agrees_with_its_programs(tmp_path):
    pytest.importorskip("PEPit")
    experiment = Tightness.quick()
    frame = experiment.table(Store(tmp_path))
    judged = frame.dropna(subset="program")
    assert len(judged) == 8
    assert (judged["exact"] >= judged["program"] - judged["accuracy"]).all()
    assert (
        judged["exact"] / judged["program"] < 1.002
    ).all()  # on a domain the bound may lie above: see the theorem's module
    assert list(experiment.summary(frame)["programs"]) == [4, 4]
    with pytest.raises(ValueError, match="at most 20 steps, not 21"):
        Tightness(certified=(21,))


def test_paths_end_at_different_minima_the_penalised_one_nearer_to_descent():
    ends = paths.data().groupby("path").last()
    assert (ends["a"] * ends["b"]).to_numpy() == pytest.approx(paths.TARGET, abs=1e-3)  # the slowest has decayed so far
    distance = {name: np.hypot(*(ends.loc["descent"] - ends.loc[name])) for name in ("flow", "penalised")}
    assert distance["penalised"] < 0.4 * distance["flow"]


def test_errors_fall_with_slopes_one_to_four():
    from lrtheory.figures import orders

    for order, group in orders.data().groupby("order"):
        group = group.sort_values("lr")
        slope = np.diff(np.log(group["error"]))[0] / np.diff(np.log(group["lr"]))[0]
        assert slope == pytest.approx(order, abs=0.1)  # the next order's share at these steps


def test_the_table_of_the_schedules_is_the_theory():
    from lrtheory.figures import schedule_penalty

    frame = schedule_penalty.data()
    cosine = frame[frame["schedule"] == "Cosine()"]
    assert cosine["kept"].iloc[0] == 0.75
    np.testing.assert_array_equal(cosine["coefficient"], Cosine().steps(len(cosine)))


def test_runs_of_one_epoch_have_no_curve():
    frame = learning_curves.data()
    assert (frame["epochs"] == 1).any()
    assert learning_curves.draw(frame[frame["epochs"] == 1]).axes == []
    assert learning_curves_all.draw(frame[frame["epochs"] == 1]).axes == []
    rows = frame[(frame["epochs"] > 1) & (frame["role"] == "final") & (frame["variant"] == "")]
    drawn = learning_curves_all.draw(frame).axes
    assert len({panel.get_ylabel() for panel in drawn} - {""}) == len(rows.groupby(["task", "protocol"]))
    assert len(learning_curves.draw(frame).axes) == len(rows.groupby(["task", "protocol"]))


def one_epoch_after_another(**accuracies):
    """Runs of strategies with the given learning curves."""
    return pd.DataFrame(
        {"task": "own", "protocol": "fair", "role": "final", "variant": "", "epochs": 2, "strategy": list(accuracies),
         "curve": list(accuracies.values())}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("accuracies", "named"),
    [
        ({"A": "50 60"}, ["best: A, 60.0"]),
        ({"A": "50 60", "B": "40 55"}, ["best: A, 60.0", "worst: B, 55.0"]),
        (
            {"A": "9 9", "B": "40 55", "C": "50 60", "D": "50 54", "E": "50 8", "F": "50 56"},
            ["best: C, 60.0", "median: B, 55.0", "fails: A, 9.0", "fails: E, 8.0"],
        ),
    ],
    ids=["one", "two", "failures"],
)
def test_the_best_the_median_and_failures_have_their_names(accuracies, named):
    (panel,) = learning_curves.draw(one_epoch_after_another(**accuracies)).axes
    assert [text.get_text() for text in panel.get_legend().get_texts()] == named
    assert len(panel.lines) == len(accuracies)


def test_the_command_draws_one_or_says_what_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("lrtheory.figures.__main__.committed", lambda: tmp_path / "tables")
    assert main(["note_schedules", "--out", "drawn"]) == 0
    assert capsys.readouterr().out.split() == ["drawn/note_schedules.png", "drawn/note_schedules.pdf"]
    assert main(["penalty"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert f"penalty ({tmp_path}/tables/penalty.csv)" in captured.err
    (tmp_path / "taken").write_text("")
    assert main(["note_schedules", "--out", "taken"]) == 2
    with pytest.raises(SystemExit) as stopped:
        main(["nonsense"])
    assert stopped.value.code == 2
