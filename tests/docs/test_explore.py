"""The page on which schedules are dragged computes what the package computes, and works in a browser."""

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lrtheory import (
    WSD,
    Constant,
    Cosine,
    Exponential,
    Polynomial,
    Robust,
    degradation,
    explore,
    tuned_lr,
    worst_case,
)
from lrtheory.forecast import ExactNoise, Forecast, fit
from lrtheory.forecast.forecast import Numbers
from lrtheory.sweeps.forecast_logs import FITTED, curves_of_size
from lrtheory.theory.grid_planning import plan_convex
from lrtheory.theory.minimax_rate import minimax_lr

PAGE = Path(__file__).parents[2] / "docs" / "explore" / "index.html"
TEXT = PAGE.read_text(encoding="utf-8")
(CORE,) = re.findall(r'<script id="core">(.*?)</script>', TEXT, re.DOTALL)
NODES, DRAWN = 9, 500
TOLERANCE = 1e-9
"""Both sides sum a thousand positive terms in double precision, in other orders: a thousand roundings, with room."""
node = pytest.mark.skipif(shutil.which("node") is None, reason="comparing the page's script with Python needs node")


def in_node(program, *given):
    """What a program prints that follows the page's own script; its data are in ``given``."""
    run = subprocess.run(
        ["node", "-"],
        input=f"{CORE}\nconst given = {json.dumps(given)};\n{program}",
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def random_schedule(random):
    """What the page calls a schedule, and its steps by the package."""
    kind = random.choice(
        ["polynomial", "cosine", "wsd", "constant", "exponential", "robust", "drawn", "drawn", "drawn"]
    )
    p, c, f, R = (float(each) for each in (random.uniform(0.25, 6), random.uniform(0.02, 0.98), 10 ** random.uniform(-4, -0.1),
                                           2 ** random.uniform(0, 10)))  # fmt: skip
    heights = random.uniform(size=NODES) * (random.random(NODES) < 0.9)
    heights[0] = 1.0
    heights[-1] *= random.random() < 0.5
    schedules = {
        "polynomial": Polynomial(p), "cosine": Cosine(), "wsd": WSD(c), "constant": Constant(), "exponential": Exponential(f),
        "robust": Robust(R),
    }  # fmt: skip
    horizon = int(random.integers(2, 1200))
    if kind == "drawn":
        steps = np.interp(np.arange(horizon) / horizon, np.linspace(0, 1, NODES), heights)
    else:
        steps = schedules[kind].steps(horizon)
    given = {"s": str(kind), "p": p, "c": c, "f": f, "R": R, "d": heights.tolist()}
    return given, horizon, steps, schedules.get(kind)


@pytest.fixture(scope="module")
def drawn():
    random = np.random.default_rng(20)
    return [random_schedule(random) for _ in range(DRAWN)], (2.0 ** random.uniform(-6, 8, DRAWN)).tolist()


@node
def test_steps_tuned_rates_and_worst_cases_equal_the_packages(drawn):
    cases, rhos = drawn
    found = in_node(
        "console.log(JSON.stringify(given.map(([schedule, T, rho]) => { const h = factors(schedule, T), run = restarts(h), "
        "best = tuned(run); return {h: [...h], lr: best.lr, loss: best.loss, wrong: worstCase(run, rho * best.lr)}; })))",
        *[[given, horizon, rho] for (given, horizon, _, _), rho in zip(cases, rhos)],
    )
    assert len(found) == DRAWN
    for each, (given, horizon, steps, schedule), rho in zip(found, cases, rhos):
        np.testing.assert_allclose(each["h"], steps, rtol=TOLERANCE, atol=TOLERANCE, err_msg=str(given))
        assert each["wrong"] == pytest.approx(worst_case(steps, lr=rho * each["lr"], diameter=1.0), rel=TOLERANCE), (
            given
        )
        assert each["loss"] == pytest.approx(worst_case(steps, lr=each["lr"], diameter=1.0), rel=TOLERANCE), given
        if schedule is not None:
            assert each["loss"] == pytest.approx(
                worst_case(steps, lr=tuned_lr(schedule, horizon, diameter=1.0), diameter=1.0), rel=TOLERANCE
            )


@node
def test_the_law_and_the_grids_equal_the_packages(drawn):
    cases, rhos = drawn
    laws = in_node(
        "console.log(JSON.stringify(given.map(([p, rho]) => law(p, rho))))",
        *[[c[0]["p"], r] for c, r in zip(cases, rhos)],
    )
    powers = [degradation(Polynomial(case[0]["p"]), rho) for case, rho in zip(cases[:60], rhos)]
    np.testing.assert_allclose(laws[:60], powers, rtol=1e-7)  # the package tabulates H and Q to 1e-10, and interpolates
    asked = [
        (*case, tolerance)
        for case in cases[:80]
        if case[3] is not None and case[0]["R"] > 1.01
        for tolerance in (1.2, 1.5)
    ]
    trials = in_node(
        "console.log(JSON.stringify(given.map(([schedule, T, tolerance]) => trials(restarts(factors(schedule, T)), schedule.R, "
        "tolerance))))",
        *[[given, horizon, tolerance] for given, horizon, _, _, tolerance in asked],
    )
    plans = [
        plan_convex(1.0, given["R"], schedule=schedule, tolerance=tolerance, horizon=horizon)
        for given, horizon, _, schedule, tolerance in asked
    ]
    # The page takes the widest connected set that a trial serves; the package combines several where that saves trials.
    assert trials == [
        max(math.ceil(math.log(plan.high / plan.low) * (1 - 1e-12) / math.log(plan.widest_ratio)), 1) for plan in plans
    ]
    assert all(plan.trials <= count for plan, count in zip(plans, trials))


@node
def test_one_run_for_a_range_equals_the_packages():
    asked = [
        (Polynomial(1), {"s": "polynomial", "p": 1}),
        (Cosine(), {"s": "cosine"}),
        (Robust(16), {"s": "robust", "R": 16}),
    ]
    found = in_node(
        "console.log(JSON.stringify(given.map(schedule => placed(restarts(factors(schedule, 500)), 16, 500))))",
        *[given for _, given in asked],
    )
    np.testing.assert_allclose(found, [minimax_lr(schedule, 16, 500).loss for schedule, _ in asked], rtol=TOLERANCE)


@pytest.fixture(scope="module")
def fitted():
    curves = {curve.name: curve for curve in curves_of_size("100M")}
    return fit([curves[name] for name in FITTED], ExactNoise(), resamples=0, workers=1)


def test_the_forecast_on_the_page_is_a_fit_to_the_committed_logs(fitted):
    shown = {
        name: float(value)
        for name, value in re.findall(r"(\w+): ([-\d.e]+)", re.search(r"const LAW = \{(.*?)\}", CORE)[1])
    }
    level, bias, noise = fitted.best.coefficients
    expected = {"span": fitted.span, "a": fitted.best.theta[0], "level": level, "bias": bias, "noise": noise}
    assert shown == pytest.approx(expected, rel=1e-4)  # where a search over one number ends on another processor


@node
def test_forecasts_equal_the_packages(drawn, fitted):
    cases, rhos = drawn
    at = [[max(1, round(horizon * part)) for part in (0.1, 0.4, 1.0)] for _, horizon, _, _ in cases[:100]]
    at = [sorted(set(places)) for places in at]
    numbers = Numbers(fitted.best.theta, fitted.best.coefficients, 0.0)
    forecast = Forecast(ExactNoise(), fitted.span, 1.0, numbers, (), ())
    level, bias, noise = (float(each) for each in fitted.best.coefficients)
    law = {"span": fitted.span, "a": float(fitted.best.theta[0]), "level": level, "bias": bias, "noise": noise}
    found = in_node(
        "const [fitted, cases] = given; console.log(JSON.stringify(cases.map(([schedule, T, rho, at]) => "
        "forecast(factors(schedule, T), rho, at, fitted))))",
        law, [[given, horizon, rho, places] for (given, horizon, _, _), rho, places in zip(cases, rhos, at)],
    )  # fmt: skip
    for each, (given, _, steps, _), rho, places in zip(found, cases, rhos, at):
        np.testing.assert_allclose(each, forecast.of_steps(rho * steps, places), rtol=TOLERANCE, err_msg=str(given))


def test_the_page_stands_alone_and_is_small():
    assert len(TEXT.encode()) < 60_000
    assert not re.search(r"""(src|href)=["'](?!#)|@import|url\(|fetch\(|XMLHttp""", TEXT)


def test_the_command_opens_the_page(monkeypatch, capsys):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert explore.main([]) == 0
    assert opened == [PAGE.as_uri()]
    monkeypatch.setattr("webbrowser.open", lambda _: False)
    assert explore.main([]) == 1
    assert str(PAGE) in capsys.readouterr().err
    assert explore.main(["--path"]) == 0
    assert capsys.readouterr().out == f"{PAGE}\n"
