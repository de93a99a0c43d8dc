"""The README's tables are those of the committed results, and its Python runs."""

import re
from importlib import import_module
from pathlib import Path

import pandas as pd
import sympy

from lrtheory import implicit_penalty, modified_equation
from lrtheory.benchmarks.published import accuracy
from lrtheory.sweeps import penalty

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def fresh_tables(text):
    """The text with the tables of the committed results between its markers."""
    for sweep in ("rho", "grid"):
        table = import_module(f"lrtheory.sweeps.{sweep}").summary(pd.read_csv(ROOT / f"figures/data/{sweep}.csv"))
        rows = [table.columns, ["---"] * len(table.columns), *table.to_numpy()]
        shown = "\n".join("| " + " | ".join(map(str, row)) + " |" for row in rows)
        marked = re.compile(rf"(<!-- table: {sweep} -->\n).*?(<!-- end -->)", re.DOTALL)
        assert marked.search(text)
        text = marked.sub(lambda markers, shown=shown: f"{markers[1]}\n{shown}\n\n{markers[2]}", text)
    return text


def test_tables_are_fresh():
    assert fresh_tables(README) == README, "python -m tests.test_readme writes the tables anew"


def run_example(word, monkeypatch):
    """What the one example that has this word leaves behind."""
    monkeypatch.chdir(ROOT)
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if word in block]
    names = {}
    exec(code, names)
    return names


def test_the_first_example_says_what_it_does(monkeypatch):
    names = run_example("degradation(", monkeypatch)
    assert names["degradation"](names["cosine"], [0.5, 2, 10]).round(2).tolist() == [1.25, 1.19, 1.76]
    assert str(names["rho_exponent"](names["cosine"])) == "1/5"


def test_the_recipes_say_what_they_do(monkeypatch, capsys):
    plan = run_example("plan_grid(", monkeypatch)["plan"]
    assert [float(f"{point:.2g}") for point in plan.points] == [0.00041, 0.0041, 0.041]
    assert [round(value, 2) for value in (plan.factor, plan.typical, plan.lift)] == [1.43, 1.17, 1.29]
    robust = run_example("robust_lr(", monkeypatch)
    assert round(robust["placed"](robust["Polynomial"](1), 16, 10_000)[1], 2) == 1.66
    assert round(robust["robust_loss"](16), 2) == round(robust["lower_bound"](16), 2) == 1.28
    run_example("fit_curve(", monkeypatch)
    assert capsys.readouterr().out.strip() in README


def test_the_orders_of_the_penalty_are_fresh():
    orders = penalty.orders(pd.read_csv(ROOT / "figures/data/penalty.csv"))
    for slope in (orders["distance_flow"], orders["distance_penalised"]):
        assert f"`eta^{slope:.3f}`" in README


def test_the_penalty_example_says_what_it_does():
    assert implicit_penalty("heavy_ball", momentum=0.9).strength == sympy.Rational(95, 2)
    assert r"\frac{1}{3} H^{2} g + \frac{1}{12} T(g, g)" in modified_equation(3).latex()
    assert implicit_penalty("adam", beta1=0.9, beta2=0.999).latex().startswith(r"\dot\theta_j")


def test_the_benchmark_is_told_as_it_came_out():
    runs = pd.read_csv(ROOT / "figures/data/benchmark.csv")
    means = runs[runs["protocol"] == "as-coded"].groupby("strategy")["best"].mean()
    ours = [means.pop(name).round(1) for name in ("DALS", "DALS-Fast", "DALS-Acc")]
    assert "reach {}, {} and {} %".format(*ours) in " ".join(README.split())
    below = [accuracy(name, "synthetic-as-coded") - mean for name, mean in means.items()]
    assert f"lie {min(below):.1f} to {max(below):.1f} points below" in " ".join(README.split())
    fair = runs[(runs["protocol"] == "fair") & (runs["role"] == "final")].groupby("strategy")["last"].mean().round(1)
    assert f"end between {fair.min()} and {fair.max()} %: DALS {fair['DALS']}" in " ".join(README.split())
    assert f"plain SGD with restarts {fair['SGDR']}" in " ".join(README.split())


def test_the_figures_shown_are_there():
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).stat().st_size > 10_000


if __name__ == "__main__":
    (ROOT / "README.md").write_text(fresh_tables(README))
