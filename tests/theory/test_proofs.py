"""One law for all proofs: none is empty, each has its stated number of identities, and each identity says something."""

import ast
import copy
import inspect
import pkgutil
from importlib import import_module

import pytest
import sympy

import lrtheory.theory

IDENTITIES = {
    "cliff": 7,
    "law_attained": 7,
    "momentum_edge": 4,
    "optimal_schedule": 5,
    "robust_schedule": 31,
    "smooth": 7,
    "warmup_edge": 4,
    "worst_case": 7,
    "worst_function": 11,
}
"""How many identities each module's proof has: a proof that loses one must say so here."""


def modules():
    """The modules of the theory that have a proof by identities."""
    names = [module.name for module in pkgutil.iter_modules(lrtheory.theory.__path__)]
    return [name for name in names if hasattr(import_module(f"lrtheory.theory.{name}"), "proof")]


def test_every_proof_is_listed():
    assert modules() == sorted(IDENTITIES)


@pytest.mark.parametrize("name", IDENTITIES)
def test_every_identity_vanishes(name):
    identities = import_module(f"lrtheory.theory.{name}").proof()
    assert len(identities) == IDENTITIES[name]
    assert {step: left for step, left in identities.items() if left != 0} == {}


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


@pytest.mark.parametrize("name", IDENTITIES)
def test_no_identity_says_that_a_thing_is_itself(name):
    stated = list(sides(import_module(f"lrtheory.theory.{name}").proof))
    assert stated
    assert [step for step, left, right in stated if left == right] == []


def test_the_search_finds_what_says_nothing():
    assert [left == right for _, left, right in sides(empty)] == [True, False]


def empty():
    x = sympy.Symbol("x")
    twice = 2 * x
    identities = {"nothing": twice + 1 - (2 * x + 1), "something": (x + 1) ** 2 - (x**2 + twice + 1)}
    return identities
