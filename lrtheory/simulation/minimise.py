r"""The least value of a finite sum over a ball, certified.

Everything is computed in units of the radius and of the largest prediction, with columns of unit size, so that the answer
does not depend on the units of the data. Piecewise linear losses are linear programs; smooth losses are minimised by
Newton's method, where the ball binds with the multiplier :math:`\lambda` for which the solution lies on its surface.

**Certificates.** Duality bounds the excess of every answer :math:`w`, and none is returned whose bound is too large. For the
absolute loss :math:`f^\star\ge\min_{\|w\|\le R}\frac1n\sum_iu_i(\langle a_i,w\rangle-y_i)` for any :math:`|u_i|\le1`, those
of the solver being best; likewise for the hinge. For the smooth losses, with :math:`g` and :math:`H` the gradient and Hessian
of :math:`f+\frac\lambda2\|w\|^2` and :math:`\nu^2=g^\top H^{-1}g`,

.. math:: f(w)-f^\star\le\frac\lambda2(R^2-\|w\|^2)+\begin{cases}\frac12\nu^2&\text{squared}\\
    \frac1{\rho^2}\big(\nu\rho+(1-\nu\rho)\ln(1-\nu\rho)\big),\quad \rho=\max_i\|a_i\|_{H^{-1}},\ \nu\rho<1&\text{logistic}
    \end{cases}

The logistic one holds since :math:`|f'''|\le\rho f''` along directions of unit length in :math:`H`.

**Source.** The self-concordance of the logistic loss: Bach, Electronic Journal of Statistics 4 (2010).
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse, special

from lrtheory.simulation.losses import loss_of

PROMISED, ROUNDING = 1e-9, 1e-13
"""An answer may exceed the minimum by these parts of the minimum and of the largest prediction (squared for that loss)."""


def minimise(
    features: NDArray[np.float64], targets: NDArray[np.float64], loss: str, radius: float
) -> NDArray[np.float64]:
    """A minimiser of the mean loss over a ball around the origin.

    Args:
        features: One row for each sample.
        targets: One number for each sample.
        loss: A key of :data:`lrtheory.simulation.losses.LOSSES`.
        radius: The radius of the ball.

    Raises:
        ValueError: the loss is piecewise linear and least outside of the ball, or no answer can be certified.
    """
    labels = loss in ("hinge", "logistic")
    largest = radius * float(np.abs(features).max())
    unit = 1.0 if labels else max(largest, float(np.abs(targets).max()))
    if largest == 0 or unit == 0:
        return np.zeros(features.shape[1])
    features, targets = features * (radius / unit), targets / unit
    linear = loss in ("absolute", "hinge")
    w, excess = (_piecewise_linear if linear else _smooth)(features, targets, loss)
    size = float(np.linalg.norm(w))
    if linear and size > 1:
        raise ValueError(
            f"The {loss} loss is least at distance {size * radius:.4g} from the origin, outside of the "
            f"ball: the diameter must be at least twice that."
        )
    least = float(loss_of(loss, features @ w, targets).mean())
    rounding = ROUNDING * (max(largest, 1.0) if loss == "hinge" else 1.0)
    if not excess <= PROMISED * least + (rounding**2 if loss == "squared" else rounding):
        raise ValueError(
            f"the least {loss} loss cannot be told from {least * unit ** (1 + (loss == 'squared')):.3g} less "
            f"up to {excess / max(least, 1e-300):.1g} of it: remove features that nearly depend on others, or rescale them."
        )
    return w * radius


def _sizes(features: NDArray[np.float64]) -> NDArray[np.float64]:
    sizes = np.abs(features).max(axis=0)
    return np.where(sizes > 0, sizes, 1.0)


def _piecewise_linear(
    features: NDArray[np.float64], targets: NDArray[np.float64], loss: str
) -> tuple[NDArray[np.float64], float]:
    """A minimiser over the whole space, and a bound on its excess over the minimum in the unit ball."""
    samples, dimension = features.shape
    sizes = _sizes(features)
    scaled, slack = sparse.csr_array(features / sizes), sparse.eye_array(samples)
    if loss == "absolute":  # slack >= +-(a w - y)
        matrix = sparse.vstack([sparse.hstack([scaled, -slack]), sparse.hstack([-scaled, -slack])])
    else:  # slack >= 1 - y a w
        matrix = sparse.hstack([-sparse.diags_array(targets) @ scaled, -slack])
    cost = np.concatenate([np.zeros(dimension), np.full(samples, 1 / samples)])
    bounds = [(None, None)] * dimension + [(0, None)] * samples
    tolerances = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}
    w, excess = np.zeros(dimension), math.inf
    for _ in range(3):  # what the solver left is a smaller problem of the same kind
        if loss == "absolute":
            left = targets - features @ w
            unit = float(np.abs(left).max()) or 1.0
            limits = np.concatenate([left, -left]) / unit
        else:
            unit, limits = 1.0, -np.ones(samples)
        solution = optimize.linprog(cost, matrix.tocsr(), limits, bounds=bounds, method="highs", options=tolerances)
        if solution.x is None:
            raise ValueError(f"the least {loss} loss is not found by the solver of linear programs: {solution.message}")
        duals = -samples * solution.ineqlin.marginals
        if loss == "absolute":
            w = w + solution.x[:dimension] / sizes * unit
            duals = np.clip(duals[:samples] - duals[samples:], -1, 1)
            lower = -duals @ targets - np.linalg.norm(duals @ features)
        else:
            w, duals = solution.x[:dimension] / sizes, np.clip(duals, 0, 1)
            lower = duals.sum() - np.linalg.norm((duals * targets) @ features)
        excess = float(loss_of(loss, features @ w, targets).mean() - lower / samples)
        if loss == "hinge" or excess <= PROMISED * (excess + lower / samples):
            break
    return w, excess


def _smooth(
    features: NDArray[np.float64], targets: NDArray[np.float64], loss: str
) -> tuple[NDArray[np.float64], float]:
    """A minimiser over the unit ball, and a bound on its excess."""
    samples, dimension = features.shape
    sizes = _sizes(features)
    # Separable labels have no minimiser without a multiplier; this one changes the loss by less than rounding.
    least = 0.0 if loss == "squared" else 1e-18
    found = []
    for scale in (
        np.ones(dimension),
        sizes,
    ):  # as given, for the shortest of several minimisers; then with columns of one size
        w = _newton(features, targets, loss, least, scale)
        if np.linalg.norm(w) <= 1:
            found.append((w, _excess(features, targets, loss, least, sizes, w)))
    # Where no minimiser is in the ball, or none is sure, the ball may bind.
    if not found or min(excess for _, excess in found) > ROUNDING:

        def outside(log_multiplier: float) -> float:
            w = _newton(features, targets, loss, math.exp(log_multiplier), sizes)
            return math.log(max(float(np.linalg.norm(w)), 1e-300))

        slopes = _slopes(loss, np.zeros(samples), targets)
        high = math.log(float(np.linalg.norm(slopes @ features)) / samples) + 1  # the solution lies inside for sure
        low = high - 2
        while outside(low) <= 0 and low > high - _EXPONENTS:
            low -= 2
        if outside(low) > 0:
            multiplier = math.exp(optimize.brentq(outside, low, high, xtol=1e-14))  # pyright: ignore[reportArgumentType]
            w = _newton(features, targets, loss, multiplier, sizes)
            w = w / np.linalg.norm(w)
            found.append((w, _excess(features, targets, loss, multiplier, sizes, w)))
    return min(found, key=lambda pair: pair[1])


def _slopes(loss: str, predictions: NDArray[np.float64], targets: NDArray[np.float64]) -> NDArray[np.float64]:
    return predictions - targets if loss == "squared" else -targets * special.expit(-targets * predictions)


def _root(
    features: NDArray[np.float64], loss: str, multiplier: float, scale: NDArray[np.float64], w: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A matrix whose square is the Hessian in scaled coordinates, and the roots of the curvatures in it."""
    samples = len(features)
    predictions = features @ w
    curvatures = np.ones(samples) if loss == "squared" else special.expit(predictions) * special.expit(-predictions)
    roots = np.sqrt(np.maximum(curvatures, 1e-300) / samples)
    above = roots[:, None] * features / scale
    return (np.vstack([above, math.sqrt(multiplier) * np.diag(1 / scale)]) if multiplier else above), roots


def _newton(
    features: NDArray[np.float64], targets: NDArray[np.float64], loss: str, multiplier: float,
    scale: NDArray[np.float64],
) -> NDArray[np.float64]:  # fmt: skip
    """The minimiser of the loss plus half of ``multiplier`` times the squared norm."""

    def value(w: NDArray[np.float64]) -> float:
        return float(loss_of(loss, features @ w, targets).mean() + multiplier / 2 * (w @ w))

    w, decrement = np.zeros(features.shape[1]), math.inf
    for _ in range(_ITERATIONS):
        root, roots = _root(features, loss, multiplier, scale, w)
        right = -_slopes(loss, features @ w, targets) / roots / len(targets)
        if multiplier:
            right = np.concatenate([right, -math.sqrt(multiplier) * w])
        move = np.linalg.lstsq(root, right, rcond=None)[0]
        before, decrement = decrement, float(np.linalg.norm(root @ move))
        length = 1.0
        if loss == "logistic":
            now = value(w)
            while length > 1e-3 and value(w + length * move / scale) > now - 0.1 * length * decrement**2:
                length /= 2
        w = w + (length if length > 1e-3 else 1.0) * move / scale
        if decrement <= 1e-15 or (decrement < 1e-6 and decrement > 0.9 * before):  # what is left is rounding
            break
    return w


_ITERATIONS, _EXPONENTS = 200, 80


def _excess(
    features: NDArray[np.float64], targets: NDArray[np.float64], loss: str, multiplier: float,
    scale: NDArray[np.float64], w: NDArray[np.float64],
) -> float:  # fmt: skip
    """A bound on the loss at ``w``, in the unit ball, above the least there: the smallest of three."""
    slopes = _slopes(loss, features @ w, targets)
    gradient = slopes @ features / len(targets)
    root, _ = _root(features, loss, multiplier, scale, w)
    _, values, axes = np.linalg.svd(root, full_matrices=False)
    kept = values > 1e-14 * values[0]
    inverse = axes[kept] / values[kept, None] / scale
    full = gradient + multiplier * w
    along = inverse @ full
    # In directions of no curvature the ball bounds how far the minimiser can be.
    rest = (
        float(np.linalg.norm(full - (axes[kept] * scale).T @ (axes[kept] @ (full / scale)))) if not kept.all() else 0.0
    )
    nu = float(np.linalg.norm(along))
    curved = nu**2 / 2
    if loss == "logistic":
        rho = float(np.linalg.norm(inverse @ features.T, axis=0).max())
        part = nu * rho
        curved = math.inf if part >= 1 else _self_concordant(part) * nu**2
    slack = multiplier / 2 * max(1 - float(w @ w), 0.0)
    linear = float(gradient @ w + np.linalg.norm(gradient))
    return min(slack + curved + 2 * rest, linear, float(loss_of(loss, features @ w, targets).mean()))


def _self_concordant(part: float) -> float:
    """The factor of the squared decrement: a half where ``part`` is small."""
    return 0.5 + part / 6 if part < 1e-4 else (part + (1 - part) * math.log1p(-part)) / part**2
