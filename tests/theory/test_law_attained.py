"""The law is attained on a domain: the function that attains it, run."""

import re

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lrtheory import WSD, Constant, Cosine, Formula, Polynomial, Warmup, degradation, tuned_lr, worst_case
from lrtheory.theory.law_attained import law_attainment, law_witness
from lrtheory.theory.misspecification import law

HORIZON = 400


EXPONENTIAL = Formula("Piecewise((exp(-4*u), u < 1/2), (2*(1 - u)*exp(-2), True))", name="exponential, then linear")
SHAPES = (WSD(0.2), Cosine(), EXPONENTIAL, *map(Polynomial, (0.5, 1, 2, 3)))


def check(witness, schedule, rho, horizon, slack):
    """The run is one of exact subgradients on a domain, and loses what the theorem says, at this horizon already."""
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


@pytest.mark.parametrize("schedule", SHAPES, ids=str)
@pytest.mark.parametrize("rho", [0.5, 1, 2, 6])
def test_a_run_loses_what_the_law_says(schedule, rho):
    witness = law_witness(schedule, rho, HORIZON)
    check(witness, schedule, rho, HORIZON, 0.05)
    assert witness.diameter < 1.02  # half a step at right angles, beside a distance below 1
    # The same run from products alone: sums of four hundred terms, from vectors of a singular matrix.
    found = law_attainment(schedule, rho, HORIZON)
    assert (found.loss, found.diameter) == pytest.approx((witness.loss, witness.diameter), rel=1e-9)
    promised = law(schedule).tuned_loss * degradation(schedule, rho) / np.sqrt(HORIZON)
    assert 0.95 < witness.loss / promised < 1.01  # (1 - slack/2)^2 = 0.951; the bound is the law to 1/T


def test_longer_runs_stay_on_the_domain():
    """The theorem: as the run grows, the diameter falls below 1 and the loss is the law, up to the slack."""
    diameters = [law_witness(Polynomial(1), 4, horizon, slack=0.02).diameter for horizon in (100, 400, 800)]
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
        witness, refused = law_witness(Polynomial(degree), rho, horizon, slack=slack), None
    except ValueError as refusal:
        witness, refused = None, str(refusal)
    if witness:
        check(witness, Polynomial(degree), rho, horizon, slack)
    else:
        assert rho > 1  # a rate that is not too large needs no first part, and has a witness at every horizon
        assert re.fullmatch(
            rf"{horizon} steps are too few for a witness of .* at rho = .*: "
            r"(a slope that it would use is no subgradient|its points would be .* apart, on a domain of diameter 1)\.",
            str(refused),
        )


def test_less_slack_is_nearer():
    promised = law(Polynomial(1)).tuned_loss * degradation(Polynomial(1), 4) / np.sqrt(HORIZON)
    losses = [law_witness(Polynomial(1), 4, HORIZON, slack=slack).loss / promised for slack in (0.1, 0.05, 0.02)]
    assert losses == sorted(losses)
    assert losses[-1] > 0.99


@pytest.mark.parametrize(
    ("numbers", "sentence"),
    [
        ((Cosine(), -2, 10), "rho must be a positive"),
        ((Cosine(), 2, 0), "horizon"),
        ((Warmup(Cosine(), 0.1), 2, 100), "must not rise, and Warmup"),
    ],
)
def test_bad_input_is_one_sentence(numbers, sentence):
    for function in (law_witness, law_attainment):
        with pytest.raises(ValueError, match=sentence):
            function(*numbers)
        with pytest.raises(ValueError, match="slack must be below"):
            function(Cosine(), 2, 10, slack=0.5)
        with pytest.raises(TypeError, match="schedule must be"):
            function(1, 2, 10)


@pytest.mark.parametrize("schedule", SHAPES, ids=str)
@pytest.mark.parametrize("rho", [4, 16])
def test_the_share_of_the_bound_tends_to_one(schedule, rho):
    """On the domain that the run needs, the loss over the worst case: short of 1 by a part that falls like a power of T."""
    shares = [law_attainment(schedule, rho, horizon, slack=0.01).share for horizon in (300, 1000, 3000)]
    assert shares == sorted(shares)
    assert 1 - shares[-1] < 0.4 * (1 - shares[0])
    assert 0.97 < shares[-1] <= 1 + 1e-9


def test_a_constant_rate_loses_all_of_its_bound():
    """It restarts nowhere but at the start or at the last steps; from the start the function is the worst one."""
    found = law_attainment(Constant(), 0.5, 1000)
    assert found.share == pytest.approx(1, rel=1e-9)
