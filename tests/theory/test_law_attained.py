"""The law is attained on a domain: the function that attains it, run."""

import numpy as np
import pytest

from lrtheory import Polynomial, degradation
from lrtheory.theory.law_attained import law_witness, proof
from lrtheory.theory.misspecification import law

HORIZON = 400


def test_every_identity_of_the_proof_vanishes():
    identities = proof()
    assert len(identities) == 7
    assert all(identity == 0 for identity in identities.values())


@pytest.mark.parametrize("degree", [0.5, 1, 2, 3])
@pytest.mark.parametrize("rho", [0.5, 1, 2, 6])
def test_a_run_loses_what_the_law_says(degree, rho):
    witness, schedule = law_witness(degree, rho, HORIZON), Polynomial(degree)
    steps = schedule.steps(HORIZON)
    steps *= rho * law(schedule).tuned_lr / np.sqrt(HORIZON)
    slopes = witness.pieces[witness.active]
    values = witness.pieces @ witness.path[:-1].T
    used = values[witness.active, np.arange(HORIZON)]
    assert np.linalg.norm(witness.pieces, axis=1).max() <= 1 + 1e-9  # Lipschitz with constant 1
    assert (values.max(axis=0) - used).max() < 1e-9  # each slope is a subgradient where it is used
    assert used.min() > -1e-9  # the minimum is 0
    moved = np.diff(witness.path, axis=0)
    # The tuned rate of T steps is that of the limit to 1/T.
    assert np.abs(moved + steps[:, None] * slopes).max() < 3 / HORIZON
    assert witness.diameter < 1 + rho**2 / HORIZON  # half a step, at right angles, beside a distance below 1
    promised = law(schedule).tuned_loss * degradation(schedule, rho) / np.sqrt(HORIZON)
    assert 0.95 < witness.loss / promised < 1.01  # (1 - slack/2)^2 = 0.951; the bound is the law to 1/T


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
