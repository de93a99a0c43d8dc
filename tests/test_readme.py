"""The README's tables and numbers are those of the committed results, and its Python runs."""

import re
from pathlib import Path

import sympy

from lrtheory import modified_equation, penalties
from lrtheory.report.facts import facts
from lrtheory.report.write import BLOCK, INLINE, readme
from lrtheory.sweeps import precision

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_what_is_made_from_tables_is_fresh():
    assert readme(README, facts()) == README, "python -m lrtheory.report writes it anew"


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
    assert round(robust["minimax_lr"](robust["Polynomial"](1), 16, 10_000).loss, 2) == 1.66
    assert round(robust["robust_loss"](16), 2) == round(robust["lower_bound"](16), 2) == 1.28
    run_example("fit_curve(", monkeypatch)
    assert capsys.readouterr().out.strip() in README


def test_the_penalty_example_says_what_it_does():
    assert penalties.heavy_ball(momentum=0.9).strength == sympy.Rational(95, 2)
    assert r"\frac{1}{3} H^{2} g + \frac{1}{12} T(g, g)" in modified_equation(3).latex()
    assert penalties.adam(beta1=0.9, beta2=0.999).latex().startswith(r"\dot\theta_j")


DEFINED = (
    "95 %", "`T = 100,000`", "[16, 256]", "arXiv 2604.27295", "124M", "T/(T+4)", "8x8", "32 points",
    "`PiecewiseLinear({1000: 1, 20_000: 0.1})`", "arXiv 2402.10898", "AVX-512", "built to be flat up to 16", "`R` = 16",
    "`Robust(16)`",
    "--tolerance 1.5", "1e-4 1e-1", "TREC-6", "CIFAR-10", "2, 4 and 10 times",
)  # fmt: skip
"""Numbers that define what is spoken of."""

MEASURED = {"the largest relative difference of a computed column was 3e-13": precision.__doc__}
"""What another text of the package states, and where."""


def test_every_number_is_made_or_defined():
    told = re.sub(r"```.*?```|!?\[[^]]*\]\([^)]*\)", " ", INLINE.sub(" ", BLOCK.sub(" ", README)), flags=re.DOTALL)
    told = " ".join(told.split())
    for claim, source in MEASURED.items():
        assert claim in " ".join(source.split())
        assert claim in told, claim
        told = told.replace(claim, " ")
    for defined in DEFINED:
        assert defined in told, defined
        told = told.replace(defined, " ")
    assert re.findall(r"\S*\d\.\d\S*|\S*\d ?%|\S*\b\d{2,}\S*", told) == []


def test_the_figures_shown_are_there():
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).stat().st_size > 10_000
