"""The committed table of simulated cliffs: cells computed again, and what the theorems predict of it."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lrtheory import Constant, Polynomial, Warmup
from lrtheory.simulation import reference
from lrtheory.simulation.curved_kernels import curved_losses
from lrtheory.sweeps import Cliffs
from lrtheory.sweeps.cliffs import CURVATURES, RATES, CliffCell, agreement, compare, gain, returning_edge
from lrtheory.theory.cliff import edge, quadratic_loss

TABLE = pd.read_csv(Path(__file__).parents[2] / "figures" / "data" / "cliffs.csv")
KEYS = ["problem", "momentum", "schedule"]
COMPARED = compare(TABLE)
FOUND = {(row["problem"], row["momentum"], row["warmup"]): row for row in agreement(COMPARED).to_dict("records")}


@pytest.mark.parametrize("power", [0.0, 1.0, -0.5])
@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("lr", [0.05, 1.5])
def test_the_kernel_is_the_plain_loop(power, momentum, lr):
    curvatures = np.tile([1.0, 0.25, 0.1], (70, 1)) * np.linspace(2, 1, 70)[:, None]
    arguments = (Polynomial(1).steps(70, lr), curvatures, power, momentum, 1.0, 0.1, 5, 6)
    compiled, plain = curved_losses(*arguments), reference.curved_losses(*arguments)
    assert (np.isfinite(compiled) == np.isfinite(plain)).all()
    kept = np.isfinite(plain)
    assert compiled[kept] == pytest.approx(plain[kept], rel=1e-9)  # rounding, as 70 steps near the edge amplify it


def test_on_quadratics_the_kernel_has_the_exact_mean():
    steps = Polynomial(1).steps(300, 0.4)
    losses = curved_losses(steps, np.tile(CURVATURES, (300, 1)), 0.0, 0.0, 1.0, 0.1, 1, 4_000)
    error = losses.std() / math.sqrt(losses.size)
    assert abs(losses.mean() - quadratic_loss(steps, CURVATURES, noise=0.1).sum()) < 5 * error


def test_the_default_is_the_table():
    wanted = [
        (cell.problem, cell.momentum, repr(cell.schedule), float(f"{lr * (1 - cell.momentum):.6g}"))
        for cell in Cliffs().cells()
        for lr in RATES
    ]
    assert list(TABLE[[*KEYS, "lr"]].itertuples(index=False, name=None)) == wanted


@pytest.mark.parametrize(
    ("problem", "schedule", "momentum"),
    [("rising", Polynomial(1), 0.9), ("sharp start", Warmup(Constant(), warmup_steps=50), 0.0)],
)
def test_cells_computed_again(problem, schedule, momentum):
    found = CliffCell(problem, schedule, momentum, 1_000, 64, 0).compute()
    rows = TABLE[(TABLE[KEYS] == [problem, momentum, repr(schedule)]).all(axis=1)]
    # Paths are chaotic near the edge only: there a run may be lost on one processor and not on another.
    assert np.isclose(found["loss"], rows["loss"], rtol=2e-2).mean() > 0.95


def test_the_edges_of_quadratics_are_those_of_the_theorem():
    for power in (0, 1, 2, 3):
        shape = (1 - np.arange(4_000) / 4_000) ** power
        assert returning_edge(shape, 0.0) == pytest.approx(edge(power), rel=0.01)  # two neighbours of its grid
    assert returning_edge(np.ones(10), 0.9) == pytest.approx(3.8, rel=0.005)
    with pytest.raises(ValueError, match="the edge is above"):
        returning_edge(np.full(5, 1e-4), 0.0)


def test_without_momentum_every_edge_on_rising_curvature_is_where_it_was_predicted():
    for problem in ("rising", "sharp start"):
        for warmup in ("no", "yes"):
            row = FOUND[problem, 0.0, warmup]
            assert row["inside"] == row["schedules"]
            assert row["order"] > (0.6 if (problem, warmup) == ("sharp start", "no") else 0.9)


def test_the_order_of_margins_reverses_where_runs_do_not_return():
    margins = COMPARED[COMPARED["momentum"].eq(0)].set_index(["problem", "schedule"])["margin"]
    constant, linear, cubic = (margins["rising"][name] for name in ("Constant()", "Polynomial(1)", "Polynomial(3)"))
    assert constant > 3 * linear > 3 * cubic
    quadratic = [margins["constant"][name] for name in ("Constant()", "Polynomial(1)", "Polynomial(3)")]
    assert max(quadratic) < 1.5 * min(quadratic)


def test_with_momentum_the_predicted_edge_is_too_wide():
    for warmup in ("no", "yes"):
        assert FOUND["rising", 0.9, warmup]["inside"] == 0
        assert FOUND["rising", 0.9, warmup]["edge"] > 2
    # Found afterwards: from rest the heavy ball goes further than it started beyond a sharpness of 1.13, 2 at the start.
    start = (2.9 - math.sqrt(2.9**2 - 8)) / 2
    path = [1.0, 1 - start]
    for _ in range(200):
        path.append(path[-1] + 0.9 * (path[-1] - path[-2]) - start * path[-1])
    assert max(map(abs, path)) == pytest.approx(1.0, abs=1e-9)
    row = COMPARED[(COMPARED[KEYS] == ["rising", 0.9, "Polynomial(1)"]).all(axis=1)].iloc[0]
    assert row["low"] == pytest.approx(start / 2, rel=0.01)  # the largest rate that is not lost


def test_falling_curvature_has_no_edge():
    rows = TABLE[TABLE["problem"].eq("falling") & TABLE["schedule"].eq("Polynomial(1)") & TABLE["momentum"].eq(0)]
    losses = rows["loss"].to_numpy()
    best = int(np.argmin(losses))
    # No jump: neighbouring rates differ by a factor of root two, their losses by less than three.
    assert (losses[best + 1 :] < 3 * losses[best:-1]).all()
    rising = TABLE[TABLE["problem"].eq("rising") & TABLE["schedule"].eq("Polynomial(1)") & TABLE["momentum"].eq(0)]
    assert (rising["loss"].to_numpy()[1:] / rising["loss"].to_numpy()[:-1]).max() > 50
    assert rising["loss"].max() == pytest.approx(gain("rising"), rel=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"momenta": (1.0,)}, "momenta must be numbers from 0"),
        ({"warmup": 600}, "warmup must be from 1 to half of the horizon"),
        ({"schedules": ()}, "schedules must hold at least one value"),
        ({"replicas": 1}, "replicas must be a whole number"),
    ],
)
def test_bad_configurations_are_one_sentence(change, message):
    with pytest.raises(ValueError, match=message):
        Cliffs(**change)


def test_a_quick_run_has_every_problem():
    assert {cell.problem for cell in Cliffs.quick().cells()} == set(TABLE["problem"])
