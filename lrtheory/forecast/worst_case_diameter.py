r"""The worst case itself, on a domain of a bounded diameter: three numbers.

.. math:: L(t) = L_0 + A\,\min_k\Big[\frac{\omega}{2s_k(t)}+\frac{e_k(t)}{2\omega}\Big],\qquad \omega=\frac DG,\quad A=DG

over restarts ``k`` of the first ``t`` steps, where :math:`s_k`, or a larger virtual last step, is at least :math:`\omega`.
:math:`\omega` is the free number.

**Source.** :mod:`lrtheory.theory.last_iterate`.
"""

from dataclasses import dataclass

import numpy as np

from lrtheory.forecast.law import Features, Free, Law
from lrtheory.theory.last_iterate import worst_case

_NODES = np.linspace(-6.0, 14.0, 101)
"""Logarithms of rates over the diameter, at which the worst case is computed."""


@dataclass(frozen=True)
class WorstCaseDiameter(Law):
    """``L0 + A W`` with the worst case ``W`` on a domain: see the module."""

    free = (Free("log omega", -9.0, 2.0, (-4.0, -2.0, -6.0)),)
    columns_of = ("A",)

    def features(self, shape: np.ndarray, at: np.ndarray) -> Features:
        """The logarithm of the worst case of each number of steps, at nodes of the rate over the diameter."""
        rates = np.exp(_NODES)
        return {"log worst case": np.log([worst_case(shape[:t], lr=rates, diameter=1.0) for t in at]).T}

    def columns(self, features: Features, theta: np.ndarray) -> list[np.ndarray]:
        """The worst case, between nodes by cubics through four of them (Catmull and Rom)."""
        spacing = _NODES[1] - _NODES[0]
        place = (np.log(features["peak"]) - theta[0] - _NODES[0]) / spacing
        place = np.clip(place, 1, _NODES.size - 3)
        left = np.minimum(place.astype(int), _NODES.size - 3)
        u = place - left
        weights = (-u + 2 * u**2 - u**3, 2 - 5 * u**2 + 3 * u**3, u + 4 * u**2 - 3 * u**3, -(u**2) + u**3)
        table, run = features["log worst case"], np.arange(place.size)
        return [np.exp(sum(weight / 2 * table[left + j, run] for j, weight in enumerate(weights, start=-1)))]
