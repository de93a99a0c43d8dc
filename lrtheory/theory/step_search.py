r"""Which steps are best? The gradient of the worst case by the adjoint of its recursion, and a search over all steps.

**Gradient.** With :math:`e_k=s_k-2\sum_{t\ge k}\eta_t`, the value at the best restart ``k`` is
:math:`W=\frac{D^2}{2s}+\frac{G^2}2(e_k+s-s_k)`, :math:`s=\max(s_k,D/G)`. Going forwards from ``k``, with
:math:`\bar s_t=\max(s_{t+1},\eta_t)`, the derivatives of the two recursions are

.. math:: \frac{\partial s_t}{\partial\eta_t}=2+2\frac{\eta_t}{\bar s_t},\qquad
    \frac{\partial s_t}{\partial s_{t+1}}=1-\Big(\frac{\eta_t}{\bar s_t}\Big)^2,\qquad
    \frac{\partial e_t}{\partial\eta_t}=2\frac{\eta_t}{\bar s_t},\qquad
    \frac{\partial e_t}{\partial s_{t+1}}=-\Big(\frac{\eta_t}{\bar s_t}\Big)^2,

where :math:`\eta_t\ge s_{t+1}` with :math:`\bar s_t=\eta_t`: the two branches agree to first order, so only the minimum
over restarts has kinks. At a tie the gradient of one tied restart is returned, a limit of gradients (an element of
Clarke's subdifferential). All ``rho`` share one recursion, :math:`s_k` and :math:`e_k` being proportional to the rate,
and one adjoint, so the largest worst case over a range costs three passes over the steps.

**Search.** L-BFGS on logarithms of steps and a smoothed maximum over ``rho``, from a few steps to many: the solution for
``T/4`` steps, spread out, starts the search for ``T``. It is the judge of :mod:`lrtheory.theory.robust_schedule`.

**Status.** *Verified* against central differences (1e-6). **Source.** Derived here.
"""

import math
from typing import Any

import numba
import numpy as np
from scipy.optimize import minimize

from lrtheory.checks import checked_horizon, checked_length, checked_magnitude, checked_steps, checked_whole
from lrtheory.compilation import CACHE
from lrtheory.schedules.robust import checked_uncertainty
from lrtheory.theory.last_iterate import restarts, worst_case
from lrtheory.theory.theorem import Evidence, Theorem


def worst_case_gradient(
    steps: Any, *, lipschitz: float = 1.0, distance: float | None = None, diameter: float | None = None
) -> tuple[float, np.ndarray]:
    r"""The worst case of the last iterate and its derivative by each step.

    Args:
        steps: Learning rates, positive and finite.
        lipschitz: :math:`G`.
        distance: :math:`R`; exactly one of the two lengths.
        diameter: :math:`D`.

    Returns:
        The value of :func:`lrtheory.theory.last_iterate.worst_case` and an array of the shape of ``steps``.

    Raises:
        ValueError: as ``worst_case``, or a step is zero.

    Example:
        Linear decay is best of all steps, so its gradient vanishes:

        >>> steps = np.arange(99, 0, -1) / 100**1.5
        >>> value, gradient = worst_case_gradient(steps, distance=1.0)
        >>> round(value, 12), bool(abs(gradient).max() < 1e-12)
        (0.1, True)

    Source:
        Derived here: see the module.
    """
    count = len(checked_steps(steps))
    steps = np.ascontiguousarray(steps, dtype=np.float64)
    if count != len(steps):
        raise ValueError("steps must all be positive: where a step is zero the derivative has two sides.")
    length = checked_length(distance, diameter)
    lipschitz = checked_magnitude("lipschitz", lipschitz)
    squares, excess = restarts(steps)
    losses, best = _losses(squares, excess, np.ones(1), lipschitz, length, diameter is None)
    gradient = _adjoint(steps, squares, np.ones(1), np.ones(1), best, lipschitz, length)
    return float(losses[0]), gradient


def optimised_steps(horizon: int, uncertainty: float = 1.0, *, rates: int = 65) -> tuple[np.ndarray, float]:
    r"""The steps with the smallest largest worst case over ``rho`` in ``[1, uncertainty]``, found by search.

    .. math:: \min_{\eta>0}\;\max_{\rho\in[1,R]}W(\rho\eta),\qquad D=G=1

    Args:
        horizon: Number of steps :math:`T`.
        uncertainty: :math:`R`, at least 1.
        rates: Values of ``rho``, geometrically spaced, on which the maximum is taken.

    Returns:
        The steps, and their largest worst case times :math:`\sqrt{T+1}` over four times as many ``rho``.

    Raises:
        ValueError: a number outside of its range.

    Example:
        Without uncertainty it finds linear decay's optimum over all methods:

        >>> round(optimised_steps(50)[1], 4)
        1.0

    Source:
        Measured: a local search, which proves nothing by itself.
    """
    horizon = checked_horizon(horizon)
    uncertainty = checked_uncertainty(uncertainty)
    rates = checked_whole("rates", rates, 2)
    rho = np.geomspace(1, uncertainty, rates)
    stages = [horizon]
    while stages[-1] > _COARSE:
        stages.append(-(-stages[-1] // 4))
    remaining = 1 - np.arange(stages[-1]) / stages[-1]
    logarithms = np.log(remaining**1.5 / math.sqrt(stages[-1]))
    for stage in reversed(stages):
        if stage != len(logarithms):  # spread out: the shape against what remains, its rate by the root of the length
            old, new = (np.log(1 - (np.arange(count) + 0.5) / count) for count in (len(logarithms), stage))
            shape = np.interp(-new, -old, logarithms)
            shape += np.minimum(new - old[-1], 0)  # beyond the last step known, linear decay
            logarithms = shape + 0.5 * math.log(len(logarithms) / stage)
        for sharpness in _SHARPNESS:
            found = minimize(
                _smooth_maximum, logarithms, (rho, sharpness), jac=True, method="L-BFGS-B",
                options={"maxiter": _ITERATIONS, "maxcor": 20, "ftol": 1e-12, "gtol": 1e-9},
            )  # fmt: skip
            logarithms = found.x
    steps = np.exp(logarithms)
    squares, excess = restarts(steps)
    losses, _ = _losses(squares, excess, np.geomspace(1, uncertainty, 4 * rates), 1.0, 1.0, False)
    return steps, float(losses.max() * math.sqrt(horizon + 1))


_COARSE = 200
_SHARPNESS = (60.0, 200.0, 600.0, 2000.0, 6000.0)
_ITERATIONS = 300


def _smooth_maximum(logarithms: np.ndarray, rho: np.ndarray, sharpness: float) -> tuple[float, np.ndarray]:
    """log sum exp of the losses, which lies above their maximum by at most ``log(rates) / sharpness``."""
    steps = np.exp(logarithms)
    squares, excess = restarts(steps)
    losses, best = _losses(squares, excess, rho, 1.0, 1.0, False)
    scale = math.sqrt(steps.size + 1)
    largest = losses.max()
    weights = np.exp(sharpness * scale * (losses - largest))
    total = weights.sum()
    gradient = _adjoint(steps, squares, rho, weights / total, best, 1.0, 1.0)
    return scale * largest + math.log(total) / sharpness, scale * gradient * steps


@numba.njit(cache=CACHE, nogil=True)
def _losses(
    squares: np.ndarray, excess: np.ndarray, rho: np.ndarray, lipschitz: float, length: float, first_only: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The bound at each multiple ``rho`` of the steps, and the restart that gives it."""
    losses, best = np.empty(rho.size), np.zeros(rho.size, np.int64)
    last = 1 if first_only else squares.size
    for i in range(rho.size):
        losses[i] = np.inf
        for k in range(last):
            s = max(rho[i] * squares[k], length / lipschitz)
            loss = length**2 / (2 * s) + lipschitz**2 / 2 * (rho[i] * excess[k] + (s - rho[i] * squares[k]))
            if loss < losses[i]:
                losses[i], best[i] = loss, k
    return losses, best


@numba.njit(cache=CACHE, nogil=True)
def _adjoint(
    steps: np.ndarray,
    squares: np.ndarray,
    rho: np.ndarray,
    weights: np.ndarray,
    best: np.ndarray,
    lipschitz: float,
    length: float,
) -> np.ndarray:
    """The gradient of the weighted sum of the losses: what each restart asks for, carried forwards."""
    of_square, of_excess = np.zeros(steps.size + 1), np.zeros(steps.size + 1)
    for i in range(rho.size):
        s = max(rho[i] * squares[best[i]], length / lipschitz)
        by_s = lipschitz**2 / 2 - length**2 / (2 * s**2)  # vanishes where s is D/G and no longer follows the steps
        of_square[best[i]] += weights[i] * rho[i] * (by_s - lipschitz**2 / 2)
        of_excess[best[i]] += weights[i] * rho[i] * lipschitz**2 / 2
    gradient = np.empty(steps.size)
    by_square, by_excess = 0.0, 0.0
    for t in range(steps.size):
        by_square += of_square[t]
        by_excess += of_excess[t]
        ratio = steps[t] / max(squares[t + 1], steps[t])
        gradient[t] = by_square * (2 + 2 * ratio) + by_excess * 2 * ratio
        by_square = by_square * (1 - ratio**2) - by_excess * ratio**2
    return gradient


def witness() -> Evidence:
    """The derivative along one direction by central differences, whose own error at 1e-5 is about 1e-8."""
    steps, direction = np.linspace(0.4, 0.02, 30), np.cos(np.arange(30.0))
    ahead, behind = (worst_case(steps + sign * 1e-5 * direction, diameter=1.0) for sign in (1, -1))
    return Evidence(float(worst_case_gradient(steps, diameter=1.0)[1] @ direction), (ahead - behind) / 2e-5, 1e-6)


THEOREM = Theorem(
    name="step_search",
    statement="The gradient of the worst case in the steps costs two passes over them",
    status="verified",
    source="Derived here",
    module=__name__,
    attained="away from ties of restarts; at a tie it is a limit of gradients",
    witness=witness,
)
