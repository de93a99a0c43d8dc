"""No simulation lies above the worst case."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtheory.schedules import REGISTRY
from lrtheory.simulation import AbsoluteValue, expected_loss, simulate


@settings(deadline=None, max_examples=150)
@given(
    schedule=st.sampled_from(REGISTRY),
    diameter=st.floats(0.01, 100),
    lipschitz=st.floats(0.01, 100),
    horizon=st.integers(1, 300),
    log_rho=st.floats(-6, 10),
    eps=st.floats(0, 1),
    start=st.floats(-0.5, 0.5),
    noise=st.sampled_from(["rademacher", "gaussian"]),
    seed=st.integers(0, 2**64 - 1),
)
def test_simulated_means_obey_the_worst_case(schedule, diameter, lipschitz, horizon, log_rho, eps, start, noise, seed):
    from lrtheory.theory.last_iterate import worst_case

    problem = AbsoluteValue(
        eps * lipschitz, diameter=diameter, lipschitz=lipschitz, start=start * diameter, noise=noise
    )
    lr = 2**log_rho * diameter / (lipschitz * np.sqrt(horizon))
    bound = worst_case(schedule.steps(horizon, lr), lipschitz=lipschitz, diameter=diameter)
    row = simulate(problem, schedule, horizon=horizon, lr=lr, replicas=1000, seed=seed).iloc[0]
    # Four standard errors, and single precision.
    assert row["last"] <= bound * (1 + 1e-5) + 4 * row["last_standard_error"]
    if noise == "rademacher":
        # The grid's error.
        assert expected_loss(problem, schedule, horizon=horizon, lr=lr) <= bound * (1 + 1e-3)
