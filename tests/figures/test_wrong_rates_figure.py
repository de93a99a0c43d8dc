"""The figure of wrong rates draws one panel for each source."""

from lrtheory.figures.wrong_rates import data, draw
from lrtheory.runs.tables import committed


def test_one_panel_for_each_source():
    frame = data(committed())
    titles = [panel.get_title(loc="left") for panel in draw(frame).axes]
    assert sum(map(bool, titles)) == frame["source"].nunique()
