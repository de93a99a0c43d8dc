"""The notebooks are what their plain texts say, carry no outputs, and run without a warning."""

import importlib.util
import re
from pathlib import Path

import pytest

pytest.importorskip("jupytext")
pytest.importorskip("nbclient")

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def _module(name):
    specification = importlib.util.spec_from_file_location(f"notebooks_{name}", NOTEBOOKS / f"{name}.py")
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


run, check = _module("run"), _module("exercise").check
SOURCES = run.sources()
LESSONS = [
    "01_implicit_penalty", "02_misspecification_law", "03_simulation", "04_eighteen_strategies", "05_deep_networks",
    "06_planning", "07_forecast",
]  # fmt: skip


def test_there_are_seven_lessons():
    assert [source.stem for source in SOURCES] == LESSONS
    assert sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")) == LESSONS


@pytest.mark.parametrize("source", SOURCES, ids=LESSONS)
def test_each_notebook_is_its_plain_text_without_outputs(source):
    made = run.notebook(source)
    assert source.with_suffix(".ipynb").read_text() == run.text(made), "run python notebooks/run.py"
    code = [cell for cell in made.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert all(len(cell.source.splitlines()) <= 25 for cell in code)  # thin: what is longer belongs into the package


@pytest.mark.parametrize("source", SOURCES, ids=LESSONS)
def test_each_lesson_says_what_it_needs_and_ends_with_exercises(source):
    text = source.read_text()
    number = int(source.stem[:2])
    assert re.search(rf"^# # {number}\. ", text, flags=re.MULTILINE)
    assert "# You need:" in text
    exercises = text.partition("# ## Exercises")[2]
    assert exercises.count("check(") >= 3
    assert exercises.count("answer = None") == exercises.count("check(")


ANSWERS = {
    "01_implicit_penalty": ["11.25", "[1 / 2, 0.60653, 0.53526]", "[5 / 9, 2]"],
    "02_misspecification_law": ["1.51991", "1 / 4.5 + 0.375", "2**0.5", "3.454"],
    "03_simulation": ["100", "0.1", "0.876"],
    "04_eighteen_strategies": ["[0.3, 0.7]", "5", "1.58", "0.91"],
    "05_deep_networks": ["0.075", "[0.75 * 2 ** (1 / 3) * 10 ** (1 / 6), (10**0.5 + 10**-0.5) / 2]", "53"],
    "06_planning": ["5", "0.5 * (4.60517 + 3.776838) ** 0.5", "0.00485"],
    "07_forecast": ["2 / 1001 * 5000 ** (2 / 3)", "-1 / 3", "5 / 3"],
}
"""What a reader finds by hand or by a simulation of one's own."""


@pytest.mark.parametrize("source", SOURCES, ids=LESSONS)
def test_each_lesson_runs_without_a_warning_and_its_exercises_have_these_answers(source, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("LRTHEORY_DATA", raising=False)
    lesson, answers = run.notebook(source), iter(ANSWERS[source.stem])
    for cell in lesson.cells:
        if "answer = None" in cell.source:
            cell.source = cell.source.replace("answer = None", f"answer = {next(answers)}")
    assert next(answers, None) is None
    code = [cell for cell in run.execute(lesson).cells if cell.cell_type == "code"]
    outputs = [output for cell in code for output in cell.outputs]
    assert all(cell.execution_count for cell in code)
    assert not [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]
    shown = "".join(output.get("text", "") for output in outputs)
    assert shown.count("Right.") == len(ANSWERS[source.stem])


def test_the_judge_of_the_exercises(capsys):
    for answer in (None, 0.5, 0.3333, [1 / 3, 1 / 3]):
        check(answer, lambda: 1 / 3)
    check([1, 2], lambda: [1, 3])
    verdicts = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert verdicts == ["Not answered yet.", "Not yet", "Right.", "Right.", "Not yet"]
