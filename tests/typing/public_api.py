"""Every public name, used as the documentation uses it: pyright checks this file in its standard mode."""

# pyright: standard
from typing import assert_type

import numpy as np

import lrtheory as lr
from lrtheory import theory
from lrtheory.forecast import Curve


def without_torch() -> None:
    shape: lr.Schedule = lr.Warmup(lr.Cosine(floor=0.1), 0.05)
    shapes: list[lr.Schedule] = [
        lr.Constant(),
        lr.InverseSqrt(),
        lr.Polynomial(2),
        lr.Exponential(0.01),
        lr.StepDecay((0.5, 0.75), 0.1),
        lr.WSD(0.2),
        lr.SGDR(3),
        lr.OneCycle(),
        lr.STLR(),
        lr.Robust(16),
        lr.PiecewiseLinear({4: 1, 8: 0.1}),
        lr.Then(lr.Constant(), lr.Cosine(), 0.5),
        lr.Formula("(1 - u)**2", name="mine"),
    ]
    assert_type(shape.steps(100, lr=0.1), np.ndarray)
    assert_type(shape.name, str)

    assert_type(lr.worst_case([0.1, 0.05], diameter=1.0), float)
    assert_type(lr.worst_case(shape, horizon=1000, lr=0.1, diameter=1.0), float)
    assert_type(lr.worst_case(shape, horizon=1000, lr=[0.1, 0.2], diameter=1.0), np.ndarray)
    assert_type(lr.worst_case(shapes, horizon=1000, lr=0.1, distance=1.0), np.ndarray)
    assert_type(lr.tuned_lr(shape, 1000, diameter=1.0), float)
    assert_type(lr.degradation(shape, 2.0), float)
    assert_type(lr.degradation(shape, [2.0, 4.0]), np.ndarray)
    assert_type(lr.robust_loss(16), float)
    assert_type(lr.robust_lr(1e-3, 1e-1), float)
    exponent = lr.rho_exponent(shape)
    expansion = lr.law(shape)
    plan = lr.plan_grid(1e-4, 1e-1, risk="convex", schedule=lr.Cosine(), tolerance=1.2)
    measured = lr.plan_grid(1e-4, 1e-1, trials=3)
    suggestion = lr.next_lr([(0.01, 1.2), (0.1, None)], measured.points[0], 0.1, initial_loss=2.3)
    assert_type(suggestion.lr, float | None)
    assert_type(plan.trials, int)
    best = lr.optimal_schedule([1.0, 2.0, 3.0])

    problem = lr.AbsoluteValue(0.1)
    sums: list[lr.FiniteSum] = [
        lr.least_squares(100, 5),
        lr.absolute_regression(100, 5),
        lr.hinge_classification(100, 5),
        lr.logistic_regression(100, 5),
    ]
    table = lr.simulate(problem, shapes, horizon=100, lr=[0.05, 0.1], replicas=10)
    loss = lr.expected_loss(problem, shape, horizon=100, lr=0.1)
    curve = lr.expected_curve(problem, shape, horizon=100, lr=0.1)
    rates = np.geomspace(0.01, 1, 9)
    losses = 2.0 + lr.worst_case(shape, horizon=1000, lr=rates, diameter=1.0)
    interval: lr.Estimate = lr.Estimate(0.5, 0.25, 1.0)
    runs = [Curve.of(shape, 1000, float(rate), losses=float(loss)) for rate, loss in zip(rates, losses)]
    forecast = lr.fit(runs, resamples=0)
    assert_type(forecast.best_lr(shape, 2000), lr.Estimate)
    assert_type(lr.equivalent_lr(1e-3, shape, lr.WSD(0.2), 1000, forecast=forecast), lr.Estimate)
    assert_type(lr.extend(shape, 500, 1000).go_on.rate, float)

    penalty: lr.penalties.PenaltyTerm = lr.penalties.heavy_ball(momentum=0.9)
    others = [lr.penalties.gradient_descent(), lr.penalties.minibatch(), lr.penalties.adam(beta1=0.9)]
    assert_type(penalty.latex(), str)
    assert_type(lr.modified_equation(3).latex(), str)
    assert_type(theory.momentum_edge(1.0, momentum=0.9, example_curvature=2.0, batch=8), float)
    assert_type(theory.warmup_edge(200, start=100.0, end=1.0, decline=100.0), float)
    assert_type(theory.horizon_exponent(0.5, shrinking=0.2, share=0.5), float)
    assert_type(theory.worst_quadratic_rate(100, noise=0.1), float)
    assert_type(theory.least_squares_exponent(100, 16, noise=0.1), float)
    erratum: theory.Erratum = theory.equation_seven()
    assert_type(erratum.corrected, str)
    assert_type(lr.__version__, str)


def with_torch() -> None:
    import torch

    from lrtheory import optim

    shape = lr.Cosine()
    model = torch.nn.Linear(3, 1)
    optimizer = optim.DALS(optim.layer_groups(model), horizon=100)
    scheduler = optim.lr_scheduler(shape, torch.optim.SGD(model.parameters(), lr=0.1), 100)
    scheduler = shape.lr_scheduler(torch.optim.SGD(model.parameters(), lr=0.1), 100)
    strategy = optim.get("DALS-Fast")
    training = optim.build("DALS-Fast", model, horizon=100)
    known = optim.strategies.names()
    filtered = optim.grokfast(torch.optim.SGD(model.parameters(), lr=0.1))
    model_depths = optim.depths(model)
    names = optim.layer_names(model)
    groups = optim.discriminative_groups(model, 0.1)
    norms = optim.GradientNorms(optimizer)

    def closure() -> torch.Tensor:
        model.zero_grad()
        loss = model(torch.ones(4, 3)).square().mean()
        loss.backward()
        return loss

    sgd = torch.optim.SGD(model.parameters(), lr=0.1)
    found: optim.RangeTest = optim.range_test(model, sgd, closure, schedule=shape, horizon=100)
