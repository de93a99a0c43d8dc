"""One law for all theorems: what a record says is what its module, its proof, its witness and the paper say."""

import ast
import copy
import inspect
import pkgutil
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest
import sympy

import lrtheory.forecast
import lrtheory.theory
from lrtheory.theorems import STATUSES, THEOREMS, Evidence, Theorem, register
from tests.loaded import loaded_by

ROOT = Path(__file__).parents[2]
SECTIONS = "\n".join(path.read_text() for path in sorted((ROOT / "paper" / "sections").glob("*.tex")))

IDENTITIES = {
    "adam_penalty": 4,
    "adaptive": 4,
    "any_average": 6,
    "averaged": 4,
    "batch_size": 14,
    "cliff": 7,
    "equation_seven": 2,
    "extension": 3,
    "gradient_corrections": 3,
    "gradient_flow": 7,
    "heavy_ball": 6,
    "implicit_euler": 6,
    "implicit_penalty": 4,
    "law_attained": 11,
    "linear_decay": 6,
    "minibatch_penalty": 4,
    "misspecification": 4,
    "misspecified": 6,
    "mixed_restarts": 3,
    "modified_equation": 4,
    "momentum_edge": 4,
    "momentum_penalty": 4,
    "one_step": 8,
    "optimal_schedule": 5,
    "robust_schedule": 31,
    "schedule_penalty": 5,
    "smooth": 7,
    "smooth_lower_bound": 6,
    "warmup_edge": 4,
    "worst_case": 7,
    "worst_function": 11,
}
"""How many identities each proof has: a proof that loses one must say so here."""


def told(theorem):
    """The words of the module that states a theorem, on one line."""
    return " ".join((import_module(theorem.module).__doc__ or "").split())


def test_every_module_with_a_status_has_a_record():
    packages = (lrtheory.theory, lrtheory.forecast)
    modules = [
        f"{package.__name__}.{each.name}" for package in packages for each in pkgutil.iter_modules(package.__path__)
    ]
    graded = [name for name in modules if re.search(r"\bStatus\b", import_module(name).__doc__ or "")]
    assert sorted(theorem.module for theorem in THEOREMS.values()) == sorted(graded)


@pytest.mark.parametrize("name", THEOREMS)
def test_the_module_says_what_the_record_says(name):
    theorem = THEOREMS[name]
    assert told(theorem).count("**Status.**") == told(theorem).count("**Source.**") == 1
    (status,) = re.findall(r"\*\*Status\.\*\* \*(\w+)\*", told(theorem))
    assert status.lower() == theorem.status
    assert theorem.source in told(theorem)


@pytest.mark.parametrize("name", THEOREMS)
def test_the_proof_vanishes_and_the_witness_attains_what_it_says(name):
    THEOREMS[name].check()


def test_the_paper_grades_as_the_records_do():
    kinds = "theorem|proposition|corollary"
    stated = re.findall(rf"\\begin\{{(?:{kinds})\}}(.*?)\\end\{{(?:{kinds})\}}", SECTIONS, re.DOTALL)
    labels = {re.findall(r"\\label\{(.*?)\}", text)[0]: text for text in stated}
    records = {label: theorem for theorem in THEOREMS.values() for label in theorem.labels}
    assert set(labels) == set(records)
    for label, text in labels.items():
        grade, *_ = re.findall(rf"\\({'|'.join(STATUSES)})\b", text)  # that of its first claim
        assert grade == records[label].status, label


def test_every_proof_is_counted():
    assert {name for name, theorem in THEOREMS.items() if theorem.proof} == set(IDENTITIES)


@pytest.mark.parametrize("name", IDENTITIES)
def test_every_identity_vanishes(name):
    identities = THEOREMS[name].proof()
    assert len(identities) == IDENTITIES[name]
    assert {step: left for step, left in identities.items() if left != 0} == {}


MINE = Theorem(
    "mine", "A theorem of one's own", "proved", "Derived here", "my.module", proof=lambda: {"1: nothing is left": 0}
)


def test_a_theorem_of_ones_own_is_one_line(monkeypatch):
    """It stands in the table and under the law of all theorems; without ``register`` it is in neither."""
    monkeypatch.setitem(THEOREMS, "mine", MINE)  # so that it is taken out again when the test ends
    del THEOREMS["mine"]
    register(MINE)
    assert list(THEOREMS)[-1] == "mine"
    THEOREMS["mine"].check()
    from lrtheory.report import markdown, theorems

    assert "| A theorem of one's own | proved |  | `my.module` |" in markdown.render(theorems.table())
    register(MINE)  # once more changes nothing
    with pytest.raises(ValueError, match="there is a theorem 'mine' already"):
        register(replace(MINE, statement="Another one"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"proof": dict}, "the proof of mine is empty"),
        ({"proof": lambda: {"1": 0, "2": sympy.Symbol("x")}}, "the proof of mine does not hold at '2'"),
        ({"witness": lambda: Evidence(1.02, 1, 0.01)}, "the witness of mine reaches 1.02, not 1"),
        ({"witness": lambda: Evidence(float("nan"), 1, 0.01)}, "the witness of mine reaches nan, not 1"),
    ],
)
def test_what_proves_nothing_fails(change, message):
    with pytest.raises(AssertionError, match=message):
        replace(MINE, **change).check()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"status": "obvious"}, "must be one of proved, verified, measured, quoted, not 'obvious'"),
        ({"source": ""}, "a theorem needs a source"),
        ({"proof": None}, "mine is proved: it needs a proof or a witness"),
    ],
)
def test_a_record_that_says_too_little_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(MINE, **change)


CALLS = (
    "from lrtheory import Cosine, tuned_lr; tuned_lr(Cosine(), 1000, diameter=1.0)",
    "from lrtheory import Cosine, worst_case; worst_case(Cosine().steps(1000, 0.1), diameter=1.0)",
    "from lrtheory import Cosine, degradation; degradation(Cosine(), [0.5, 2, 10])",
    "from lrtheory import Cosine, plan_grid; plan_grid(1e-4, 1e-1, risk='convex', schedule=Cosine(), tolerance=1.5)",
    "import sys; sys.argv[1:] = ['1e-4', '1e-1']; import runpy; runpy.run_module('lrtheory.plan', run_name='__main__')",
)
"""What is asked for most: none of these needs symbols, tables, pictures or networks."""


@pytest.mark.parametrize("call", CALLS)
def test_calls_load_only_what_they_need(call):
    assert loaded_by(call, ("sympy", "pandas", "matplotlib", "torch")) == []


class Inlined(ast.NodeTransformer):
    """An expression with the names that a function gave to other expressions replaced by these."""

    def __init__(self, names):
        self.names = names

    def visit_Name(self, node):
        return self.visit(self.names[node.id]) if node.id in self.names else node


def sides(function):
    """Both sides of every identity that is written as a difference, by name, as text in symbols alone."""
    (body,) = ast.parse(inspect.getsource(function)).body
    names, identities = {}, None
    for statement in ast.walk(body):
        if isinstance(statement, ast.Assign) and "symbols" not in ast.unparse(statement.value):
            (target,), value = statement.targets, statement.value
            if isinstance(value, ast.Dict):
                identities = value
            elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
                names |= {name.id: part for name, part in zip(target.elts, value.elts)}
            elif isinstance(target, ast.Name):
                names[target.id] = value
    assert identities is not None
    for key, value in zip(identities.keys, identities.values):
        if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Sub):
            yield (
                key.value,
                *(ast.unparse(Inlined(names).visit(copy.deepcopy(side))) for side in (value.left, value.right)),
            )


WRITTEN = [name for name in IDENTITIES if "identities = {" in inspect.getsource(THEOREMS[name].proof)]
"""Proofs whose identities are written out; the others compare a series with the method that it stands for."""


@pytest.mark.parametrize("name", WRITTEN)
def test_no_identity_says_that_a_thing_is_itself(name):
    stated = list(sides(THEOREMS[name].proof))
    assert stated
    assert [step for step, left, right in stated if left == right] == []


def test_the_search_finds_what_says_nothing():
    assert [left == right for _, left, right in sides(empty)] == [True, False]


def empty():
    x = sympy.Symbol("x")
    twice = 2 * x
    identities = {"nothing": twice + 1 - (2 * x + 1), "something": (x + 1) ** 2 - (x**2 + twice + 1)}
    return identities
