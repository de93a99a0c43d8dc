"""What sweeps call gives the same bits from eight threads as from one, and leaves the process as it was."""

import ast
import dataclasses
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pandas as pd
import pytest
import sympy

import lrtheory
from lrtheory import Constant, Cosine, Formula, InverseSqrt, Polynomial, Robust, simulation, sweeps
from lrtheory.checks import checked_horizon, checked_positive, is_number
from lrtheory.forecast import Curve
from lrtheory.schedules import REGISTRY, parse
from lrtheory.schedules.expression import read
from lrtheory.schedules.schedule import checked_schedule
from lrtheory.serial import multiple_precision
from lrtheory.simulation import AbsoluteValue
from lrtheory.simulation.curved_kernels import curved_losses
from lrtheory.simulation.method_kernels import method_losses
from lrtheory.statistics import fit_slope
from lrtheory.sweep import main
from lrtheory.sweeps.horizon import Exponents
from lrtheory.sweeps.misspecified import Misspecified
from lrtheory.theory import last_iterate, law_derivation, misspecification
from lrtheory.theory.adaptive import adagrad_bound, adagrad_lower_bound
from lrtheory.theory.annealed_penalty import schedule_penalty
from lrtheory.theory.any_average import average_bound, average_lower_bound
from lrtheory.theory.averaged import averaged_bound
from lrtheory.theory.averaging_weights import (
    exponential_weights,
    merged_weights,
    polynomial_weights,
    tail_weights,
)
from lrtheory.theory.batch_size import horizon_exponent, least_squares_exponent, worst_quadratic_rate
from lrtheory.theory.cliff import quadratic_loss
from lrtheory.theory.fixed_steps import fixed_step_lower_bound
from lrtheory.theory.functionals import functionals
from lrtheory.theory.grid_planning import plan_convex
from lrtheory.theory.hard_instance import worst_function
from lrtheory.theory.heavy_ball_iterate import heavy_ball_bound, heavy_ball_lower_bound
from lrtheory.theory.law_attained import law_witness
from lrtheory.theory.methods import Method
from lrtheory.theory.minimax_rate import minimax_lr
from lrtheory.theory.misprint import equation_seven
from lrtheory.theory.mixed_restarts import mixed_worst_case
from lrtheory.theory.momentum_stability import momentum_edge
from lrtheory.theory.published_bounds import published_bound
from lrtheory.theory.robust_schedule import robust_loss
from lrtheory.theory.smooth import smooth_exponents, smooth_worst_case
from lrtheory.theory.step_search import optimised_steps
from lrtheory.theory.warmup_stability import warmup_edge

THREADS = 8
STEPS = Polynomial(1).steps(50, 0.1)
RATES = np.array([0.01, 0.1, 1.0])
SLOW = Formula("1/(1 - log(1 - u))**2", name="slow")


def of_family(problem: Any, horizon: int = 60) -> pd.DataFrame:
    return lrtheory.simulate(problem, Cosine(), horizon=horizon, lr=0.1, replicas=20, seed=1, threads=1)


def of_rates() -> list[Curve]:
    return [
        Curve.of(shape, 100, lr, at=[20, 50, 100], losses=3 + lr + np.array([0.4, 0.3, 0.2]) / lr)
        for shape in (Constant(), Cosine()) for lr in (0.25, 0.5, 1.0)
    ]  # fmt: skip


CALLS: dict[str, Callable[[], Any]] = {
    "SGDR": lambda: lrtheory.SGDR(2).steps(7),
    "STLR": lambda: lrtheory.STLR().steps(7),
    "WSD": lambda: lrtheory.WSD(0.1).steps(7),
    "Constant": lambda: Constant().steps(7),
    "Cosine": lambda: Cosine().steps(7),
    "Exponential": lambda: lrtheory.Exponential().steps(7),
    "InverseSqrt": lambda: InverseSqrt().steps(7),
    "OneCycle": lambda: lrtheory.OneCycle().steps(7),
    "PiecewiseLinear": lambda: lrtheory.PiecewiseLinear({4: 1, 8: 0.1}).steps(7),
    "Polynomial": lambda: Polynomial(1.5).steps(7),
    "Robust": lambda: Robust(7).steps(7),
    "Schedule": lambda: SLOW.steps(7),
    "Formula": lambda: SLOW.at(np.arange(1, 9), 8),
    "StepDecay": lambda: lrtheory.StepDecay().steps(7),
    "Then": lambda: lrtheory.Then(InverseSqrt(), Polynomial(1), 0.8).steps(7),
    "Warmup": lambda: lrtheory.Warmup(Cosine(), warmup_steps=3).steps(7),
    "parse": lambda: [schedule.degree for schedule in map(parse, ("WSD(0.25, '1-sqrt')", "SGDR(2, 3)"))],
    "degradation": lambda: [misspecification.degradation(schedule, [0.5, 3.0, 90.0]) for schedule in REGISTRY],
    "rho_exponent": lambda: list(map(lrtheory.rho_exponent, REGISTRY)),
    "law": lambda: list(map(misspecification.law, (*REGISTRY, parse("Then(InverseSqrt(), Polynomial(1), 0.8)")))),
    "functionals": lambda: functionals(lrtheory.WSD(0.1)),
    "H": lambda: law_derivation.H(Cosine()),
    "Q": lambda: law_derivation.Q(Polynomial(2)),
    "end": lambda: [schedule.end for schedule in REGISTRY],
    "expr": lambda: [schedule.expr for schedule in REGISTRY],
    "tuned_lr": lambda: lrtheory.tuned_lr(Cosine(), 300, diameter=1.0),
    "worst_case": lambda: lrtheory.worst_case(STEPS, distance=1.0),
    "worst_case of schedules": lambda: lrtheory.worst_case(
        [Cosine(), Robust(16)], horizon=100, lr=RATES, diameter=1.0, threads=2
    ),
    "worst_case of a schedule": lambda: lrtheory.worst_case(Cosine(), horizon=100, lr=RATES, diameter=1.0),
    "averaged_bound": lambda: averaged_bound(STEPS, distance=1.0),
    "published_bound": lambda: published_bound(STEPS, distance=1.0),
    "fixed_step_lower_bound": lambda: fixed_step_lower_bound(STEPS, diameter=1.0),
    "worst_function": lambda: worst_function(STEPS, distance=1.0),
    "law_witness": lambda: law_witness(Polynomial(1), 4.0, 200),
    "smooth_worst_case": lambda: smooth_worst_case(STEPS, smoothness=1.0, distance=1.0),
    "smooth_exponents": lambda: smooth_exponents(Cosine()),
    "schedule_penalty": lambda: schedule_penalty(Cosine()),
    "robust_loss": lambda: robust_loss(7.0),
    "minimax_lr": lambda: minimax_lr(Robust(7), 7.0, 100),
    "robust_lr": lambda: lrtheory.robust_lr(1e-3, 1.0),
    "optimised_steps": lambda: optimised_steps(4, 2.0),
    "optimal_schedule": lambda: lrtheory.optimal_schedule(np.linspace(1, 2, 30), smoothing=0.1).steps(9),
    "plan_grid(risk)": lambda: [
        lrtheory.plan_grid(1e-3, 1, risk="convex", schedule=each, tolerance=1.3) for each in REGISTRY
    ],
    "plan_grid": lambda: lrtheory.plan_grid(1e-3, 1, trials=3),
    "next_lr": lambda: lrtheory.next_lr([(0.01, 1.2), (0.1, 0.8)], 0.01, 0.1, initial_loss=2.3),
    "tail_weights": lambda: tail_weights(50, 0.5),
    "polynomial_weights": lambda: polynomial_weights(50, 2.0),
    "exponential_weights": lambda: exponential_weights(50, 0.9),
    "merged_weights": lambda: merged_weights(50, 4, 0.5),
    "average_bound": lambda: average_bound(STEPS, np.ones(len(STEPS) + 1), diameter=1.0),
    "mixed_worst_case": lambda: mixed_worst_case(STEPS, diameter=1.0),
    "heavy_ball_bound": lambda: heavy_ball_bound(STEPS, diameter=1.0),
    "heavy_ball_lower_bound": lambda: heavy_ball_lower_bound(STEPS, diameter=1.0),
    "average_lower_bound": lambda: average_lower_bound(STEPS, np.ones(len(STEPS) + 1), diameter=1.0),
    "adagrad_bound": lambda: adagrad_bound(3.0),
    "adagrad_lower_bound": lambda: adagrad_lower_bound(3.0, 50),
    "Method": lambda: Method("schedule_free", "merged").weights(30),
    "method_losses": lambda: method_losses(0, np.array(STEPS, float), np.ones(len(STEPS) + 1), 0.2, 0.0, 1.0, 7, 3),
    "restarts": lambda: last_iterate.restarts(np.array(STEPS, float)),
    "plan_convex": lambda: plan_convex(1e-3, 1, schedule=Cosine(), tolerance=1.3),
    "penalties": lambda: lrtheory.penalties.gradient_descent().latex(),
    "modified_equation": lambda: lrtheory.modified_equation(2).latex(),
    "equivalent_lr": lambda: lrtheory.equivalent_lr(1e-3, Cosine(), Polynomial(1), 100),
    "extend": lambda: lrtheory.extend(Cosine(), 50, 90),
    "fit": lambda: lrtheory.fit(of_rates(), resamples=2).best,
    "fit_slope": lambda: fit_slope([1.0, 2.0, 4.0], [1.0, 3.0, 7.0]),
    "AbsoluteValue": lambda: of_family(AbsoluteValue(0.1)),
    "Estimate": lambda: lrtheory.Estimate(0.5, 0.25, 1.0),
    "simulate": lambda: of_family([AbsoluteValue(0.1), AbsoluteValue(0.2)]),
    "FiniteSum": lambda: simulation.least_squares(5, 2).minimum,
    "least_squares": lambda: of_family(simulation.least_squares(5, 2)),
    "logistic_regression": lambda: of_family(simulation.logistic_regression(5, 2)),
    "absolute_regression": lambda: of_family(simulation.absolute_regression(5, 2)),
    "hinge_classification": lambda: of_family(simulation.hinge_classification(60, 2)),
    "expected_loss": lambda: lrtheory.expected_loss(AbsoluteValue(0.1), Cosine(), horizon=100, lr=0.1),
    "expected_loss_of_steps": lambda: simulation.expected_loss_of_steps(AbsoluteValue(0.1), STEPS),
    "expected_curve": lambda: lrtheory.expected_curve(AbsoluteValue(0.1), Cosine(), horizon=100, lr=0.1),
    "worst_eps": lambda: simulation.worst_eps(Constant(), horizon=100, lr=0.1),
    "compute": lambda: Misspecified(lrtheory.WSD(0.1), 8.0, 100, 20, 0).compute(),
    "exponents": lambda: Exponents(Cosine(), 100).compute(),
    "quadratic_loss": lambda: quadratic_loss(STEPS, [0.5, 1.0], noise=0.1),
    "momentum_edge": lambda: momentum_edge(1.0, momentum=0.9),
    "warmup_edge": lambda: warmup_edge(200, start=100.0, end=1.0, decline=100.0),
    "horizon_exponent": lambda: horizon_exponent(0.5, shrinking=0.2),
    "worst_quadratic_rate": lambda: worst_quadratic_rate(50, noise=0.1),
    "least_squares_exponent": lambda: least_squares_exponent(20, 2, noise=0.1),
    "equation_seven": lambda: equation_seven().corrected,
    "curved_losses": lambda: curved_losses(np.array(STEPS, float), np.ones((len(STEPS), 2)), 1.0, 0.9, 1.0, 0.1, 7, 3),
    "reciprocal": lambda: misspecification.reciprocal(5),
    "checked_schedule": lambda: checked_schedule("schedule", Cosine()),
    "checked_horizon": lambda: checked_horizon(5),
    "checked_positive": lambda: checked_positive("lr", 5.0),
    "is_number": lambda: is_number(5.0),
}
"""Of every public function that a sweep may call, a call, and some more whose answers are made by sympy."""


def bits(value: Any) -> Any:
    """A value as text that two values share only if they are the same to the last bit."""
    if isinstance(value, np.ndarray):
        return str(value.dtype), value.shape, value.tobytes()
    if isinstance(value, pd.DataFrame):
        return value.to_csv()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return type(value).__name__, [bits(getattr(value, field.name)) for field in dataclasses.fields(value)]
    if isinstance(value, dict):
        return [(name, bits(each)) for name, each in value.items()]
    if isinstance(value, list | tuple):
        return list(map(bits, value))
    if isinstance(value, sympy.Basic):
        return sympy.srepr(value)
    return float(value).hex() if isinstance(value, float) else repr(value)


def forget() -> None:
    """Empty every cache, so that every thread computes."""
    for name, module in list(sys.modules.items()):
        if name.startswith("lrtheory"):
            for value in vars(module).values():
                cached = value if hasattr(value, "cache_clear") else getattr(value, "__wrapped__", None)
                if hasattr(cached, "cache_clear"):
                    cached.cache_clear()
    sympy.core.cache.clear_cache()


def test_eight_threads_give_the_bits_of_one():
    serial = {}
    for name, call in CALLS.items():
        forget()
        serial[name] = bits(call())
    forget()
    start, names = threading.Barrier(THREADS), list(CALLS)

    def all_calls(thread: int) -> list[str]:
        start.wait()
        order = names[:] if thread < 2 else list(np.random.default_rng(thread).permutation(names))
        return [name for name in order if bits(CALLS[name]()) != serial[name] or mpmath.mp.dps != 23]

    with mpmath.workdps(23), ThreadPoolExecutor(THREADS) as pool:
        assert [wrong for wrong in pool.map(all_calls, range(THREADS)) if wrong] == []
        assert mpmath.mp.dps == 23


def test_shapes_are_computed_in_a_context_of_their_own():
    """A formula keeps the digits of its context, whatever the global precision."""
    x = sympy.Symbol("x", positive=True)
    context = multiple_precision(60)
    expression = read("(1 + cos(pi*(1 - u)))/2 + sqrt(u)/3 + Piecewise((u, u < 1), (2, True))")
    with mpmath.workdps(5):
        value = expression.digits(context, {"u": context.mpf(1) / 7})
    assert value.context is context
    exact = expression.symbolic({"u": x}).subs(x, sympy.Rational(1, 7)).evalf(70)
    assert abs(value - context.mpf(str(exact))) < context.mpf(10) ** -58


def test_every_function_that_sweeps_import_is_among_them():
    imported = set(lrtheory.__all__) | set(simulation.__all__) - {"VERSION"}
    for path in Path(next(iter(sweeps.__path__))).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                ("lrtheory.theory", "lrtheory.simulation", "lrtheory.schedules")
            ):
                home = __import__(node.module or "", fromlist=["_"])
                imported |= {each.name for each in node.names if callable(getattr(home, each.name))}
    needs_extras = {"certify_worst_case", "certified_loss"}  # PEPit, whose solver is in no thread of ours
    assert imported - needs_extras <= set(CALLS)


@pytest.mark.parametrize("workers", ["2", "8"])
def test_a_sweep_is_the_same_whatever_the_number_of_threads(tmp_path, capsys, workers):
    few = ["rho", "--horizon", "200", "--replicas", "50", "--schedules", "Constant", "Cosine", "WSD(0.1)", "SGDR(2, 1)"]
    written = set()
    for number in ("1", workers):
        forget()
        assert main([*few, "--workers", number, "--out", str(tmp_path / number)]) == 0
        written.add((tmp_path / number / "rho.csv").read_bytes())
    assert len(written) == 1
