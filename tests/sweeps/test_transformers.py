"""The sweep of small language models: which runs it asks for, that it resumes, and what its basins say of known losses."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrtheory import Constant, Cosine, Formula, Warmup
from lrtheory.runs import Store
from lrtheory.sweeps import transformer_basins, transformers
from lrtheory.sweeps.transformer_basins import Basin

TINY = replace(transformers.Transformers.quick(), schedules=(Constant(),), seeds=2)


@pytest.fixture
def text(monkeypatch):
    """A text that needs no file."""
    pytest.importorskip("torch")
    from lrtheory.tasks import bytes as task
    from lrtheory.training import decoder_run

    drawn = np.random.default_rng(0).choice(np.frombuffer(b"abacadabra ", np.uint8), size=4_000)
    monkeypatch.setattr(task, "texts", lambda: (drawn[:3_000], drawn[3_000:]))
    monkeypatch.setattr(task, "HELD_OUT", 32)
    monkeypatch.setattr(decoder_run, "ON_THE_WAY", 32)


@pytest.fixture
def few(monkeypatch):
    """Two rates instead of twelve, in this process."""
    from lrtheory.sweeps.decoder_cells import DecoderCell

    monkeypatch.setattr(transformers, "RATES", 2)
    monkeypatch.setattr(DecoderCell, "own_process", False)


def test_it_resumes_to_the_same_table(tmp_path, text, few):
    first = TINY.table(Store(tmp_path / "a"), 1)
    assert len(first) == len(TINY.cells()) == 2 * 2 * 2  # remedies, rates, seeds
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "a").glob("*.json")}
    pd.testing.assert_frame_equal(first, TINY.table(Store(tmp_path / "a"), 1))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "a").glob("*.json")} == stamps
    pd.testing.assert_frame_equal(first, TINY.table(Store(tmp_path / "b"), 1))
    assert set(first["warmup"]) == {0.0, transformers.WARMUP}
    assert set(first["schedule"]) == {"Constant()"}
    assert (first["curve_32"] < first["before"]).all()
    assert len(TINY.summary(first)) == 2


@pytest.mark.parametrize("scale", transformers.SCALES)
def test_no_run_is_asked_for_twice_and_those_of_a_seed_come_before_the_next(scale):
    cells = transformers.Transformers(scale=scale).cells()
    assert len(cells) == len(set(cells))
    seeds = [cell.seed for cell in cells]
    assert seeds == sorted(seeds)
    fewer = transformers.Transformers(scale=scale, seeds=1)
    assert fewer.cells() == cells[: seeds.count(0)]


def test_every_part_shares_its_runs_with_the_first():
    """Each part changes one thing: with it changed back, its runs are among those of ``adamw``."""
    cells = transformers.Transformers().described()
    first = {cell for cell, (part, _, _) in cells.items() if part == "adamw"}
    scale = transformers.SCALES["cpu"]
    base = {"horizon": scale.horizon, "batch": scale.batch, "width": scale.size[0], "depth": scale.size[1]}
    for cell, (part, schedule, warmup) in cells.items():
        assert cell.schedule == (Warmup(schedule, fraction=warmup) if warmup else schedule)
        if part in ("horizons", "batches", "sizes"):
            assert cell not in first
            assert replace(cell, **base) in first
        assert cell.horizon % 32 == 0


def test_it_is_as_large_as_it_says():
    assert len(transformers.Transformers().cells()) >= 1_500
    for optimizer, lowest in transformers.LOWEST.items():
        lrs = np.array(transformers.rates(optimizer))
        assert len(lrs) == 12
        assert lrs[0] == lowest
        assert lrs[-1] == pytest.approx(1_000 * lowest)
        assert np.diff(np.log(lrs)) == pytest.approx(np.full(11, math.log(1_000) / 11), rel=1e-3)  # four digits


def test_a_schedule_of_ones_own_takes_its_place():
    mine = Formula("(1-u)**2*exp(-u)", name="mine")
    experiment = transformers.Transformers(parts=("adamw",), schedules=(mine, Cosine()))
    assert {schedule for _, schedule, _ in experiment.described().values()} == {mine, Cosine()}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parts": ("gpt",)}, "'gpt' is no part of this sweep; there are adamw"),
        ({"parts": ("adamw", "adamw")}, "parts must differ"),
        ({"scale": "huge"}, "scale must be one of cpu, full, tiny, not 'huge'"),
        ({"device": "tpu"}, "device must be one of cpu, cuda, not 'tpu'"),
        ({"seeds": -1}, "seeds must be at least 0, not -1"),
    ],
)
def test_what_is_wrong_is_said(changes, said):
    with pytest.raises(ValueError, match=said):
        transformers.Transformers(**changes)


LRS = np.array(transformers.rates("adamw"))


@given(st.floats(-6.0, -3.0), st.floats(0.01, 0.1), st.floats(1.0, 3.0))
def test_a_parabola_is_found_exactly(centre, curvature, lowest):
    """Where the loss is a parabola in the logarithm of the rate its vertex and, at rates that were tried, its costs are known."""
    basin = Basin(LRS, (lowest + curvature * (np.log(LRS) - centre) ** 2)[:, None], 10.0, 0)
    assert np.log(basin.best_lr) == pytest.approx(centre, abs=1e-6)  # of a fit by least squares to three points
    place = int(np.argmin(basin.mean))
    factor = LRS[place + 1] / basin.best_lr
    assert basin.cost(factor) == pytest.approx(basin.mean[place + 1] - basin.best, rel=1e-6, abs=1e-9)


def test_a_cliff_and_a_branch():
    branch = Basin(LRS, np.linspace(2.0, 3.0, len(LRS))[:, None], 4.0, 0)
    assert branch.at_end
    assert branch.best_lr == LRS[0]
    assert branch.steepest == pytest.approx(1 / 11 / 2)
    losses = np.where(LRS > 0.01, 4.0, 2.0 - np.log(LRS / LRS[0]) / 10)
    cliff = Basin(LRS, losses[:, None], 4.0, 0)
    assert cliff.steepest == pytest.approx(1.0)
    assert 1 < cliff.margin * cliff.best_lr / LRS[LRS <= 0.01][-1] < LRS[1] / LRS[0]
    assert math.isinf(replace(cliff, losses=np.full((len(LRS), 1), 2.0)).margin)


def frame(losses):
    settings = dict(zip(transformer_basins.SETTING, ("adamw", "adamw", 0.0, 0.0, 512, 16, 64, 2)))
    return pd.DataFrame(
        [
            {**settings, "schedule": "Cosine()", "lr": lr, "seed": seed, "before": 5.0, "last": loss}
            for (lr, row) in zip((0.1, 0.2, 0.4), losses)
            for seed, loss in enumerate(row)
        ]
    )


def test_what_diverged_or_ended_above_its_start_counts_as_untrained():
    (basin,) = transformer_basins.basins(frame([(3.0, 3.1), (2.0, 2.1), (None, 900.0)])).values()
    assert basin.losses.tolist() == [[3.0, 3.1], [2.0, 2.1], [5.0, 5.0]]
    assert basin.diverged == 2


def test_only_seeds_that_every_rate_has_are_compared():
    table = frame([(3.0, 3.1), (2.0, 2.1), (4.0, 4.1)]).iloc[:-1]
    (basin,) = transformer_basins.basins(table).values()
    assert basin.losses.shape == (3, 1)
    assert all(map(math.isnan, transformer_basins.bootstrapped(basin, "best")[1:]))


def test_a_basin_compared_with_itself_does_not_differ():
    (basin,) = transformer_basins.basins(frame([(3.0, 3.1), (2.0, 2.3), (4.0, 4.1)])).values()
    assert transformer_basins.compared(basin, basin, "best_lr") == (0.0, 0.0, 0.0)
    assert transformer_basins.compared(basin, replace(basin, losses=2 * basin.losses), "best")[0] == pytest.approx(
        -math.log(2)
    )
