"""Schedules in optax and Keras have the rates of the formula, rounded to single precision."""

import numpy as np
import pytest

from lrtheory import Cosine, Warmup
from lrtheory.schedules import REGISTRY

every_schedule = pytest.mark.parametrize("schedule", REGISTRY, ids=str)
HORIZON = 20


def expected(schedule):
    return [*schedule.steps(HORIZON, 0.3).astype(np.float32), *[np.float32(0.3 * schedule(1.0, HORIZON))] * 2]


@every_schedule
def test_optax_takes_the_rates_compiled_and_vectorised(schedule):
    jax = pytest.importorskip("jax", reason="optax needs JAX")
    rates = jax.jit(jax.vmap(schedule.optax(HORIZON, 0.3)))(np.arange(HORIZON + 2))
    assert [*map(np.float32, rates)] == expected(schedule)


@every_schedule
def test_keras_takes_the_rates(schedule):
    pytest.importorskip("keras", reason="the schedule for Keras needs it")
    rates = schedule.keras(HORIZON, 0.3)
    assert [np.float32(rates(step)) for step in range(HORIZON + 2)] == expected(schedule)
    assert rates.get_config()["schedule"] == repr(schedule)


@pytest.mark.parametrize("library", ["jax", "keras"])
def test_a_missing_library_is_one_sentence(library, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, {"jax": "jax.numpy", "keras": "keras"}[library], None)
    with pytest.raises(ImportError, match=f"this needs {library}: pip install {library}"):
        Warmup(Cosine(), 0.1).optax(10, 0.1) if library == "jax" else Cosine().keras(10, 0.1)
