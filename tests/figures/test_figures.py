"""Every figure is drawn from its data, and comes out the same twice."""

from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lrtheory.figures import paths
from lrtheory.figures.__main__ import main, names
from lrtheory.figures.style import save
from lrtheory.schedules import Cosine

TABLES = Path(__file__).parents[2] / "figures" / "data"


@pytest.mark.parametrize("name", names())
def test_every_figure_draws_and_is_the_same_twice(tmp_path, name):
    figure = import_module(f"lrtheory.figures.{name}")
    try:
        frames = [figure.data(TABLES) for _ in range(2)]
    except FileNotFoundError as missing:
        pytest.skip(f"no table yet: {missing.filename}")
    pd.testing.assert_frame_equal(*frames)
    for attempt, frame in enumerate(frames):
        written = save(figure.draw(frame), tmp_path / f"{attempt}" / name)
        assert [path.suffix for path in written] == [".png", ".pdf"]
    for suffix in (".png", ".pdf"):
        first, second = ((tmp_path / attempt / f"{name}{suffix}").read_bytes() for attempt in "01")
        assert first == second
        assert len(first) > 8_000  # not an empty page


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


def test_the_command_draws_one_or_says_what_is_missing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["note_schedules", "--out", "drawn"]) == 0
    assert capsys.readouterr().out.split() == ["drawn/note_schedules.png", "drawn/note_schedules.pdf"]
    assert main(["penalty"]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "penalty (figures/data/penalty.csv)" in captured.err
    (tmp_path / "taken").write_text("")
    assert main(["note_schedules", "--out", "taken"]) == 2
    with pytest.raises(SystemExit) as stopped:
        main(["nonsense"])
    assert stopped.value.code == 2
