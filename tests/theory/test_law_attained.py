"""The law is attained on a domain: the function that attains it, run."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrtheory import Polynomial, degradation, tuned_lr, worst_case
from lrtheory.theory.law_attained import law_witness
from lrtheory.theory.misspecification import law

HORIZON = 400


def check(witness, degree, rho, horizon, slack):
    """The run is one of exact subgradients on a domain, and loses what the theorem says, at this horizon already."""
    schedule = Polynomial(degree)
    steps = schedule.steps(horizon, lr=rho * tuned_lr(schedule, horizon, diameter=1.0))
    slopes = witness.pieces[witness.active]
    values = witness.pieces @ witness.path[:-1].T
    used = values[witness.active, np.arange(horizon)]
    assert np.linalg.norm(witness.pieces, axis=1).max() <= 1 + 1e-9  # Lipschitz with constant 1
    assert (values.max(axis=0) - used).max() < 1e-9  # each slope is a subgradient where it is used
    assert used.min() > -1e-9  # the minimum is 0
    moved = np.diff(witness.path, axis=0)
    assert np.abs(moved + steps[:, None] * slopes).max() < 1e-12 * max(1.0, steps.sum())  # sums of steps, rounded
    # The best restart, and what it is worth from a distance of 1 - slack/2, is the loss: to the rounding of the vectors.
    restart = int(np.argmin([worst_case(steps[k:], distance=1.0) for k in range(horizon)]))
    assert witness.loss == pytest.approx(worst_case(steps[restart:], distance=1 - slack / 2), rel=1e-7)
    assert witness.loss >= (1 - slack / 2) ** 2 * worst_case(steps, diameter=1.0) * (1 - 1e-7)
    # On the domain that the run does need, no bound is broken.
    assert witness.loss <= worst_case(steps, diameter=witness.diameter) * (1 + 1e-7)
    assert witness.diameter <= 1 + slack


@pytest.mark.parametrize("degree", [0.5, 1, 2, 3])
@pytest.mark.parametrize("rho", [0.5, 1, 2, 6])
def test_a_run_loses_what_the_law_says(degree, rho):
    witness, schedule = law_witness(degree, rho, HORIZON), Polynomial(degree)
    check(witness, degree, rho, HORIZON, 0.05)
    assert witness.diameter < 1.01  # half a step at right angles, beside a distance below 1
    promised = law(schedule).tuned_loss * degradation(schedule, rho) / np.sqrt(HORIZON)
    assert 0.95 < witness.loss / promised < 1.01  # (1 - slack/2)^2 = 0.951; the bound is the law to 1/T


def test_longer_runs_stay_on_the_domain():
    """The theorem: as the run grows, the diameter falls below 1 and the loss is the law, up to the slack."""
    diameters = [law_witness(1, 4, horizon, slack=0.02).diameter for horizon in (100, 400, 800)]
    assert diameters == sorted(diameters, reverse=True)
    assert diameters[-1] < 1


@given(
    degree=st.floats(-2.3, 2.1).map(np.exp), rho=st.floats(-2.3, 4).map(np.exp), horizon=st.integers(1, 150),
    slack=st.sampled_from([0.02, 0.05, 0.2, 0.39]),
)  # fmt: skip
@example(degree=2, rho=3, horizon=3, slack=0.05)
@example(degree=1, rho=4, horizon=10, slack=0.05)
@example(degree=3, rho=50, horizon=400, slack=0.05)
@settings(deadline=None, max_examples=150)
def test_a_witness_is_valid_or_refused(degree, rho, horizon, slack):
    try:
        witness, refused = law_witness(degree, rho, horizon, slack=slack), None
    except ValueError as refusal:
        witness, refused = None, str(refusal)
    if witness:
        check(witness, degree, rho, horizon, slack)
    else:
        assert rho > 1  # a rate that is not too large needs no first part, and has a witness at every horizon
        assert re.fullmatch(
            rf"{horizon} steps are too few for a witness of degree .* at rho = .*: "
            r"(a slope that it would use is no subgradient|its points would be .* apart, on a domain of diameter 1)\.",
            str(refused),
        )


def test_less_slack_is_nearer():
    promised = law(Polynomial(1)).tuned_loss * degradation(Polynomial(1), 4) / np.sqrt(HORIZON)
    losses = [law_witness(1, 4, HORIZON, slack=slack).loss / promised for slack in (0.1, 0.05, 0.02)]
    assert losses == sorted(losses)
    assert losses[-1] > 0.99


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [((0, 2, 10), "degree must be a positive"), ((1, -2, 10), "rho must be a positive"), ((1, 2, 0), "horizon")],
)
def test_bad_input_is_one_sentence(numbers, sentence):
    with pytest.raises(ValueError, match=sentence):
        law_witness(*numbers)
    with pytest.raises(ValueError, match="slack must be below"):
        law_witness(1, 2, 10, slack=0.5)
