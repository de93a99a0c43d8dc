"""The small tasks are what they say: the data that scikit-learn has, exact label noise, a convex loss with a minimum."""

import hashlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from lrtheory.tasks import digits, logistic  # noqa: E402


def test_the_digits_are_scikit_learns():
    # the hash of sklearn/datasets/data/digits.csv.gz in scikit-learn 1.9.1
    assert hashlib.sha256(digits.FILE.read_bytes()).hexdigest() == (
        "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
    )
    train, test = digits.task().load(0)
    assert (len(train), len(test)) == (1437, 360)
    assert torch.bincount(torch.cat([train.labels, test.labels])).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip


def test_the_noise_of_the_labels_is_what_smoothing_averages_over():
    clean, noisy = digits.task(), digits.noisy()
    (plain, test), (copies, same_test) = clean.load(0), noisy.load(0)
    torch.manual_seed(0)
    model = clean.model()
    expected = digits.expected_loss(model(plain.inputs), plain.labels)
    torch.testing.assert_close(noisy.loss(model(copies.inputs), copies.labels), expected, rtol=1e-5, atol=0)  # single
    assert torch.equal(test.labels, same_test.labels)
    wrong = (copies.labels.view(-1, digits.COPIES) != plain.labels[:, None]).double().mean()
    assert wrong.item() == pytest.approx(digits.WRONG * 0.9)


def test_the_logistic_task_is_noisy_at_its_minimum():
    train, _ = logistic.task().load(0)
    assert train.inputs.pow(2).sum(1).mean().item() == pytest.approx(logistic.NORM**2, rel=0.05)  # 4096 points
    x, y = train.inputs.double().numpy(), train.labels.numpy()
    w = np.zeros(logistic.FEATURES)
    for _ in range(30):  # Newton's method
        p = 1 / (1 + np.exp(-x @ w))
        w -= np.linalg.solve((x * (p * (1 - p))[:, None]).T @ x, x.T @ (p - y))
    p = 1 / (1 + np.exp(-x @ w))
    assert np.abs(x.T @ (p - y)).max() < 1e-8  # a minimum, to rounding
    assert np.linalg.norm(w) < logistic.RADIUS  # inside the ball
    assert ((x @ w > 0) != y).mean() > 0.25  # a minimum at which a quarter of the labels is wrong


def test_the_projection_is_the_nearest_point_of_the_ball():
    torch.manual_seed(0)
    theta = {"weight": 2 * torch.randn(5, 1, 3), "bias": torch.randn(5, 1)}
    before = {name: value.clone() for name, value in theta.items()}
    logistic.project(theta)
    norm = (before["weight"].pow(2).sum((1, 2)) + before["bias"].pow(2).sum(1)).sqrt()
    shrink = (logistic.RADIUS / norm).clamp(max=1)
    torch.testing.assert_close(theta["weight"], before["weight"] * shrink.view(-1, 1, 1))
    torch.testing.assert_close(theta["bias"], before["bias"] * shrink.view(-1, 1))
    logistic.project({"weight": torch.zeros(1, 1, 3)})  # the centre stays where it is
