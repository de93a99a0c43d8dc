r"""The derivative of a forecast's final loss by each step, by the adjoint of the recursion of its noise.

.. math:: L = L_0 + A\,S_T^{-a} + \ell^{-q}\Big(\sum_k w_k\frac{\eta_k^2}{\bar s_{k+1}}+\text{clamps}\Big),\qquad
    w_k = B + C\,S_k^{-c}

The recursion runs backwards from the output, so its adjoint runs forwards: with :math:`r=\eta_k/\bar s_{k+1}` and
:math:`\lambda_k` the derivative of the noise by the state :math:`s_k`, from :math:`\lambda_1=0`,

.. math:: \frac{\partial}{\partial\eta_k} = 2w_kr+\lambda_k(2+2r),\qquad \lambda_{k+1}=-w_kr^2+\lambda_k(1-r^2),

as in :mod:`lrtheory.theory.step_search`. Where a step is larger than the state and clamps are not counted, its noise is the step
itself. Weights pass their derivatives on to all earlier steps, and the peak rate to the largest one.

**Beside published schedules.** The authors of the multi-power law publish schedules that are best under their law with a peak
rate of 3e-4 (``optimized_schedules/`` of their repository at commit 8da9f19026, *quoted*): 3e-4 for 87 to 89 % of the 21,840
steps after the warm-up, then a fast fall to 1/200 of it. The default law, fitted to the nine curves of each model, also keeps
the peak rate for long where it may not be exceeded, but cools down over the last 24 to 30 %, and forecasts 0.003 to 0.005 nats
less for that than for theirs. Where the peak rate is free, it forecasts 0.02 nats less than theirs for linear decay from three
times the rate. No run has tried either.

**Source.** Derived here; against central differences in the tests.
"""

from dataclasses import dataclass

import numba
import numpy as np

from lrtheory.compilation import CACHE


@dataclass(frozen=True)
class WeightedNoise:
    """A law as a bias in the summed rate and noise with weights in it, at given numbers.

    Args:
        bias: :math:`A`.
        exponent: :math:`a`.
        constant: :math:`B`.
        falling: :math:`C`.
        power: :math:`c`.
        sublinear: :math:`q`.
        clamps: Whether the clamps are counted.
    """

    bias: float
    exponent: float
    constant: float = 0.0
    falling: float = 0.0
    power: float = 0.0
    sublinear: float = 0.0
    clamps: bool = False

    def value_and_gradient(self, steps: np.ndarray, *, rate: float, span: float) -> tuple[float, np.ndarray]:
        r"""The final loss above :math:`L_0`, and its derivative by each step.

        Args:
            steps: Learning rates, positive, shape ``(T,)``.
            rate: The peak rate that counts as one.
            span: Steps that count as one.
        """
        unit, largest = rate * span, int(np.argmax(steps))
        scaled = steps / unit
        sums = np.cumsum(scaled)
        falling = self.falling * sums**-self.power
        noise, by_step, by_weight = _adjoint(scaled, self.constant + falling, self.clamps)
        by_step += np.cumsum((by_weight * -self.power * falling / sums)[::-1])[::-1]
        peak = float(steps[largest] / rate)
        factor, bias = peak**-self.sublinear, self.bias * sums[-1] ** -self.exponent
        gradient = (factor * by_step - self.exponent * bias / sums[-1]) / unit
        gradient[largest] -= self.sublinear * factor * noise / (peak * rate)
        return float(bias + factor * noise), gradient


@numba.njit(cache=CACHE, nogil=True)
def _adjoint(steps: np.ndarray, weights: np.ndarray, clamps: bool) -> tuple[float, np.ndarray, np.ndarray]:
    """The noise after the last step, and its derivatives by steps and by weights."""
    count, noise = steps.size, 0.0
    states, by_step, by_weight = np.zeros(count + 1), np.zeros(count), np.zeros(count)
    for k in range(count - 1, -1, -1):
        base = max(states[k + 1], steps[k])
        term = steps[k] * (steps[k] / base)
        by_weight[k] = term + (base - states[k + 1] if clamps else 0.0)
        noise += weights[k] * by_weight[k]
        states[k] = base + 2 * steps[k] + term
    by_state = 0.0
    for k in range(count):
        r = min(steps[k] / states[k + 1], 1.0) if states[k + 1] > 0 else 1.0
        if steps[k] > states[k + 1] and not clamps:
            by_step[k] = weights[k] + 4 * by_state
            by_state = 0.0
        else:
            by_step[k] = 2 * weights[k] * r + by_state * (2 + 2 * r)
            by_state = by_state * (1 - r**2) - weights[k] * r**2
    return noise, by_step, by_weight
